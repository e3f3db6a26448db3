"""`mmbench smoke`: does every cell of every table run? Its true model, input shapes, parameters, optimiser and schedule; two steps on
generated inputs, batch 4 on a CPU and the recipe's on a GPU, random weights where the recipe has pretrained ones.

A cell passes if its losses are finite, every encoder and the rest of its network move, every metric that a table asks of it is there
and finite, its record is written and read back, and its parameters and input shapes are those of `tests/golden/smoke.json`.
Everything is written to a folder of its own, which is thrown away. This module itself needs no torch; workers do.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from mmbench import choose, launch, records
from mmbench.errors import UserError
from mmbench.jobqueue import Event, Outcome
from mmbench.places import places
from mmbench.smoke import golden
from mmbench.spec import READINGS, WORDS, Cell, Job
from mmbench.worker import Report

WORKER, BUILDER = "mmbench.smoke.cell:run", "mmbench.smoke.cell:built"
Listener = Callable[[Event], object]


@dataclass
class Line:
    """One unique cell: every cell with this run. status: "passed" | "inapplicable, as printed" | "failed"."""

    cells: list[Cell]
    status: str = ""
    why: str = ""
    seen: dict[str, Any] = field(default_factory=dict)  # parameters, inputs, ...: see `cell` and `steps`
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.cells[0].key

    def job(self) -> Job:
        views = dict.fromkeys(cell.view for cell in self.cells if cell.view)
        return Job(self.key, 0, self.cells[0].run, tuple(views), "full")

    def answer(self) -> dict[str, Any]:
        cell, timing = self.cells[0], self.record.get("environment", {})
        return {
            "key": self.key, "cell": cell.address, "cells": len(self.cells), "status": self.status, "why": self.why,
            "dataset": cell.run["dataset"], "model": cell.run["model"], "head": cell.run["head"], "method": cell.run["method"],
            "seconds": timing.get("seconds", {}).get("total"), "peak_memory_mb": timing.get("peak_memory_mb"),
            "path": timing.get("path"), "weights": "random" if cell.run.get("weights") else "as in the recipe", **self.seen,
        }  # fmt: skip


@dataclass(frozen=True)
class Smoke:
    """All lines, and what the launch was like."""

    lines: tuple[Line, ...]
    outcome: Outcome
    workers: int
    stale: tuple[str, ...] = ()  # keys that the golden has and no table

    def with_status(self, *status: str) -> list[Line]:
        return [line for line in self.lines if line.status in status]

    @property
    def exit_code(self) -> int:
        bad = self.stale or len(self.with_status("passed", "inapplicable, as printed")) < len(self.lines)
        return 128 + self.outcome.stopped_by if self.outcome.stopped_by else int(bool(bad))

    def answer(self) -> dict[str, Any]:
        """What `--json` prints."""
        count = {status: len(self.with_status(status)) for status in ("passed", "inapplicable, as printed", "failed")}
        return {
            "cells": sum(len(line.cells) for line in self.lines), "unique": len(self.lines), **count,
            "seconds": round(self.outcome.seconds, 1),
            "cpu_seconds": round(sum(line.seen.get("cpu_seconds", 0) for line in self.lines), 1), "workers": self.workers,
            "stale": list(self.stale), "exit_code": self.exit_code,
            "results": [line.answer() for line in self.lines],
        }  # fmt: skip


def run(
    names: Sequence[str], *, device: str, workers: int, listen: Callable[[int], AbstractContextManager[Listener]], write: bool = False
) -> Smoke:
    """Smoke the cells of these tables (none: all), under both readings. listen: number of jobs -> what hears of them.
    write: build the networks only, and make the golden's entries of these cells anew."""
    here = places(device, workers)
    lines = list(unique(names))
    todo = {line.key: line for line in lines if line.status == ""}
    jobs = [line.job() for line in todo.values()]

    def hear(event: Event) -> None:
        screen(event)
        if event.job is not None and event.kind == "progress" and "parameters" in event.news:
            todo[event.job.key].seen = event.news
        if event.job is not None and event.kind == "ended" and event.report is not None:
            line, report = todo[event.job.key], event.report
            if write:
                line.status, line.why = ("passed", "") if report.status == "ok" else ("failed", report.why)
            else:
                judge(line, event.job, report)

    with listen(len(jobs)) as screen, thrown_away():
        outcome = launch.run(jobs, "local", workers, device=device, executor=BUILDER if write else WORKER, listen=hear)
    for line in lines:
        if not line.status:
            line.status, line.why = "failed", "it was not reached"
    if write:
        golden.write(lines, whole=not names)
    stale = () if names else tuple(sorted(golden.read().keys() - {line.key for line in lines}))
    return Smoke(tuple(lines), outcome, len(here), stale)


def unique(names: Sequence[str]) -> Iterator[Line]:
    """The cells with a run of both readings, by key; those that are inapplicable by address, as they have no job."""
    found: dict[str, Line] = {}
    for reading in READINGS:
        for cell in choose.cells(names, "full", reading):
            if cell.state in ("run", "inapplicable"):
                found.setdefault(cell.key or cell.address, Line([])).cells.append(cell)
    for line in found.values():
        first = line.cells[0]
        if first.state == "inapplicable":
            agrees = first.published == WORDS[0]
            line.status = "inapplicable, as printed" if agrees else "failed"
            line.why = first.why if agrees else f"{first.why}, but {first.published or 'nothing'} is printed"
        yield line


def judge(line: Line, job: Job, report: Report) -> None:
    """Whether the cell passed, from how its job ended and from the record that it left."""
    try:
        if report.status == "ok":
            line.record = records.read(records.path(job.run, job.key, job.seed))
        line.why = next(complaints(line, report), "")
    except UserError as error:
        line.why = f"its record: {error}"
    line.status = "failed" if line.why else "passed"


def complaints(line: Line, report: Report) -> Iterator[str]:
    """What is wrong, the worst first."""
    if report.status != "ok":
        yield "a loss is not finite" if report.status == "diverged" else report.why or f"its job is {report.status}"
        return
    run, values = line.cells[0].run, line.record["result"]["selections"]["last"]["values"]
    if lacking := sorted({c.view.name for c in line.cells if c.view and not math.isfinite(values.get(c.view.name, math.nan))}):
        yield f"no finite {', '.join(lacking)} among its metrics"
    left = [f"encoders.{m}" for m in run["modalities"] if m != run["params"].get("modality")] if run["method"] == "unimodal" else []
    if still := sorted(set(line.seen["still"]) - set(left)):
        yield f"no weight of {', '.join(still)} has moved"
    if differs := golden.difference(line.key, line.seen):
        yield differs


@contextmanager
def thrown_away() -> Iterator[None]:
    """Results go to a folder that is gone afterwards; this process and the workers that it starts see no other."""
    before = os.environ.get("MMBENCH_RESULTS")
    with TemporaryDirectory(prefix="mmbench-smoke-") as folder:
        os.environ["MMBENCH_RESULTS"] = folder
        try:
            yield
        finally:
            os.environ.pop("MMBENCH_RESULTS")
            if before is not None:
                os.environ["MMBENCH_RESULTS"] = before


def text(answer: Mapping[str, Any]) -> str:
    """A line per kind of network and data, what went wrong, and the totals."""
    from mmbench.console import table

    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for one in answer["results"]:
        if one["seconds"] is not None:
            shapes = " ".join(f"{m} {'x'.join(map(str, shape))}" for m, shape in one["inputs"].items())
            groups.setdefault((one["dataset"], one["model"], shapes), []).append(one)
    rows = [
        {"dataset": dataset, "model": model, "inputs": shapes, "cells": len(ones), "parameters": spread(o["parameters"] for o in ones),
         "step": f"{sum(o['step_seconds'] for o in ones) / len(ones):.2f}", "memory": max(o["peak_memory_mb"] for o in ones)}
        for (dataset, model, shapes), ones in groups.items()
    ]  # fmt: skip
    heads = {name: name for name in ("dataset", "model", "inputs", "cells", "parameters")} | {"step": "s per step", "memory": "peak MB"}
    random = sum(one["weights"] == "random" for one in answer["results"])
    plain = {one["path"] for one in answer["results"] if one["path"] not in (None, "plain")}
    parts = [
        table(rows, heads) if rows else "",
        "\n".join(f"{one['status']}: {one['cell']} ({one['key'] or 'no key'}): {one['why']}" for one in answer["results"]
                  if one["status"] == "failed"),
        "\n".join(f"stale in the golden: {key} is no cell's: regenerate it (mmbench smoke --golden)" for key in answer["stale"]),
        f"{random} cells ran with random weights in place of pretrained ones." if random else "",
        f"Paths: {', '.join(sorted(plain))}." if plain else "",
        f"{answer['unique']} unique cells ({answer['cells']} in the tables, both readings): {answer['passed']} passed, "
        f"{answer['inapplicable, as printed']} inapplicable as printed, {answer['failed']} failed; "
        f"{answer['seconds']:.0f} s with {answer['workers']} at once, {answer['cpu_seconds']:.0f} s of CPU.",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def spread(numbers: Iterable[int]) -> str:
    low, high = (f"{f(found):,}" for found in [list(numbers)] for f in (min, max))
    return low if low == high else f"{low} to {high}"
