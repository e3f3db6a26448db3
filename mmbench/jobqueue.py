"""The queue of a launch: jobs still to do, what a listener hears of them, and what became of them."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmbench import lease, records
from mmbench.spec import Job
from mmbench.worker import Report

PATIENCE = 1.0  # seconds between two looks at a job that another process has claimed


@dataclass(frozen=True)
class Event:
    """What a listener hears. kind: "started" | "progress" (news: epoch, epochs, ...) | "waiting" (another process has the job) |
    "held" (a cluster does not start it; news: why) | "again" (it was lost, and is tried once more; news: why) | "ended" (report) |
    "stopping"."""

    kind: str
    job: Job | None = None
    news: dict[str, Any] = field(default_factory=dict)
    report: Report | None = None


Listener = Callable[[Event], object]


@dataclass
class Outcome:
    """What became of the jobs. stopped_by: the signal that ended it early, 0 if none; out_of_time: not all were begun in the time that
    there was; left: jobs not ended because of either; on_cluster: these go on without us."""

    reports: list[Report] = field(default_factory=list)
    left: list[Job] = field(default_factory=list)
    stopped_by: int = 0
    out_of_time: bool = False
    seconds: float = 0.0
    on_cluster: bool = False

    @property
    def failed(self) -> list[Report]:
        return [r for r in self.reports if r.status == "failed"]

    @property
    def exit_code(self) -> int:
        """0 all recorded, 1 some failed or were not begun in time, 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.stopped_by if self.stopped_by else int(bool(self.failed) or self.out_of_time)


class Queue:
    """Jobs to do, and what became of the others. A job that another process has waits here until it is recorded or free.
    end: the time (`time.monotonic`) from which on no job is begun; those under way then end."""

    def __init__(self, jobs: Sequence[Job], listen: Listener, end: float = math.inf) -> None:
        self.waiting: deque[tuple[float, Job]] = deque((0.0, job) for job in jobs)
        self.told: set[tuple[str, int]] = set()
        self.retried: set[tuple[str, int]] = set()
        self.listen = listen
        self.end = end
        self.outcome = Outcome()

    def next(self) -> Job | None:
        """A job that nobody has, or None for now."""
        if self.waiting and time.monotonic() >= self.end:
            self.outcome.out_of_time = True
            self.outcome.left += [job for _, job in self.waiting]
            self.waiting.clear()
        for _ in range(len(self.waiting)):
            when, job = self.waiting.popleft()
            if time.monotonic() < when:
                self.waiting.append((when, job))
            elif records.path(job.run, job.key, job.seed).exists():
                self.ended(job, Report(job.key, job.seed, "exists"))
            elif lease.held(job.key, job.seed):
                self.defer(job)
            else:
                self.listen(Event("started", job))
                return job
        return None

    def defer(self, job: Job) -> None:
        if (job.key, job.seed) not in self.told:
            self.told.add((job.key, job.seed))
            self.listen(Event("waiting", job))
        self.waiting.append((time.monotonic() + PATIENCE, job))

    def ended(self, job: Job, report: Report) -> None:
        self.outcome.reports.append(report)
        self.listen(Event("ended", job, report=report))

    def took(self, job: Job, report: Report) -> None:
        """Sort a worker's report: another process was quicker to claim, the job was stopped, lost for the first time, or has ended."""
        if report.status == "claimed":
            self.defer(job)
        elif report.status == "stopped":
            self.outcome.left.append(job)
        elif report.passing and (job.key, job.seed) not in self.retried:
            self.retried.add((job.key, job.seed))
            self.waiting.append((0.0, job))
            self.listen(Event("again", job, {"why": report.why}))
        else:
            self.ended(job, report)

    def stopped(self, number: int) -> Outcome:
        self.outcome.stopped_by = number
        self.outcome.left += [job for _, job in self.waiting]
        return self.outcome
