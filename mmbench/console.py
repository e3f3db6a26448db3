"""What the terminal shows: progress with an estimate, and answers as text. Progress goes to stderr, answers to stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from mmbench.jobqueue import Event
from mmbench.provenance import duration
from mmbench.spec import Job
from mmbench.worker import Report


def progress(total: int, expected: float | None) -> Bars | Lines:
    """Bars on a terminal, plain lines elsewhere. expected: seconds by the plan, used until the first jobs have ended."""
    clock = Clock(total, expected)
    return Bars(clock) if sys.stderr.isatty() else Lines(clock)


class Clock:
    """How far a launch is, and when it should end: a running job counts for the share of its epochs that is done."""

    def __init__(self, total: int, expected: float | None) -> None:
        self.total, self.expected, self.began = total, expected, time.monotonic()
        self.ended = self.worked = 0
        self.running: dict[tuple[str, int], float] = {}

    def hear(self, event: Event) -> None:
        if event.job is None:
            return
        job = event.job.key, event.job.seed
        if event.kind == "started":
            self.running[job] = 0.0
        elif event.kind == "progress" and event.news.get("epochs"):
            self.running[job] = event.news.get("epoch", 0) / event.news["epochs"]
        elif event.kind in ("ended", "waiting", "again"):
            self.running.pop(job, None)
        if event.kind == "ended" and event.report is not None:
            self.ended += 1
            self.worked += event.report.status != "exists"

    def left(self) -> float | None:
        """Seconds, or None as long as nothing is known."""
        done, passed = self.worked + sum(self.running.values()), time.monotonic() - self.began
        if done >= 1 or (done > 0 and self.expected is None):
            return passed / done * (self.total - self.ended - sum(self.running.values()))
        return None if self.expected is None else max(0.0, self.expected - passed)

    def __str__(self) -> str:
        left = self.left()
        return "" if left is None or self.ended == self.total else f"about {duration(left)} left"


def label(job: Job) -> str:
    return f"{job.run['method']} with {job.run.get('head', '')} on {job.run['dataset']}, seed {job.seed} ({job.key})"


def ending(report: Report) -> str:
    """How a job ended, after its name."""
    if report.status == "failed":
        return f"failed: {report.why}; log: {report.log}"
    if report.status == "exists":
        return "recorded before"
    return f"{'recorded' if report.status == 'ok' else 'diverged, recorded'} in {duration(report.seconds)}"


def held(event: Event) -> str:
    return f"Slurm lets jobs wait: {event.news['why']} (squeue tells more; 'mmbench cancel' takes them back, --slurm sets other options)"


STOPPING = "stopping: each job finishes its step and writes its checkpoint (ask once more to end at once)"


class Lines:
    """One plain line per job: for logs, pipes and CI."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.out = clock, sys.stderr  # kept: a job done inline sends what Python prints elsewhere

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        return

    def __call__(self, event: Event) -> None:
        self.clock.hear(event)
        if event.kind == "stopping":
            print(STOPPING, file=self.out, flush=True)
        elif event.kind == "waiting" and event.job is not None:
            print(f"another run has {label(event.job)}: waiting for it", file=self.out, flush=True)
        elif event.kind == "held":
            print(held(event), file=self.out, flush=True)
        elif event.kind == "again" and event.job is not None:
            print(f"{label(event.job)}: {event.news['why']}; tried once more", file=self.out, flush=True)
        elif event.kind == "ended" and event.job is not None and event.report is not None:
            width = len(str(self.clock.total))
            line = f"[{self.clock.ended:{width}}/{self.clock.total}] {label(event.job)}: {ending(event.report)}"
            print("; ".join(filter(None, (line, str(self.clock)))), file=self.out, flush=True)


class Bars:
    """One bar for all, and one for each running job."""

    def __init__(self, clock: Clock) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[says]}")
        self.clock = clock
        self.bars = Progress(
            *columns, console=Console(file=sys.stderr), transient=True, redirect_stdout=False, redirect_stderr=False
        )  # fmt: skip
        self.all = self.bars.add_task("jobs", total=clock.total, says="")
        self.tasks: dict[tuple[str, int], Any] = {}

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *what: object) -> None:
        self.bars.stop()

    def __call__(self, event: Event) -> None:
        self.clock.hear(event)
        self.bars.update(self.all, completed=self.clock.ended, says=str(self.clock))
        if event.job is None:
            self.bars.console.print(STOPPING, markup=False, highlight=False)
            return
        job = event.job.key, event.job.seed
        if event.kind == "started":
            self.tasks[job] = self.bars.add_task(label(event.job), total=event.job.run["epochs"], says="epochs")
        elif event.kind == "progress":
            self.bars.update(self.tasks[job], completed=event.news.get("epoch", 0))
        elif job in self.tasks:
            self.bars.remove_task(self.tasks.pop(job))
        if event.kind == "held":
            self.bars.console.print(held(event), markup=False, highlight=False, soft_wrap=True)
        if event.kind == "again":
            self.bars.console.print(
                f"{label(event.job)}: {event.news['why']}; tried once more", markup=False, highlight=False, soft_wrap=True
            )
        if event.report is not None and event.report.status == "failed":
            self.bars.console.print(f"{label(event.job)}: {ending(event.report)}", markup=False, highlight=False, soft_wrap=True)


def table(
    rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str], form: str = "simple", widths: Mapping[str, int] | None = None
) -> str:
    """A plain table. headers: key of a row -> what stands above its column; form: as tabulate names it; widths: where cells are
    broken into lines, by key."""
    from tabulate import tabulate

    lines = [[_text(row.get(key)) for key in headers] for row in rows]
    limits = [(widths or {}).get(key) for key in headers] if lines else None
    return tabulate(lines, headers=list(headers.values()), tablefmt=form, disable_numparse=True, colalign=None, maxcolwidths=limits)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return "" if value is None else str(value)
