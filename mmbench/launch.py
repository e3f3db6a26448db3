"""Jobs -> inline | local | slurm. A queue, not a fixed split; one failing or dying job never stops the others."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmbench import pool
from mmbench.errors import UserError, unknown
from mmbench.jobqueue import PATIENCE, Event, Listener, Outcome, Queue
from mmbench.places import places
from mmbench.spec import Job
from mmbench.stopping import raising
from mmbench.worker import EXECUTE, perform

EXECUTORS = ("inline", "local", "slurm")


def run(
    jobs: Sequence[Job], on: str = "local", workers: int = 0, *, device: str = "auto", per_gpu: int = 1, executor: str = EXECUTE,
    listen: Listener = lambda event: None, slurm: Mapping[str, str] | None = None, wait: bool = True,
    end: float = math.inf,
) -> Outcome:  # fmt: skip
    """Do the jobs and return when all have ended. workers: 0 means `per_gpu` on each GPU, or one per CPU core where there is none.

    device: "auto" (GPUs where there are any), "cpu" or "cuda". executor: "module:function", called as `execute.execute`.
    slurm: options for sbatch, on="slurm" only; wait: False hands the jobs over to Slurm and returns.
    end: when (`time.monotonic`) no further job is begun, here, not on Slurm: those under way then end, the others are left.
    A mistake in the arguments is a UserError; what happens to a job stands in the Outcome.
    """
    known(on)
    if workers < 0:
        raise UserError(f"the number of jobs at once is {workers}: give 1 or more")
    began = time.monotonic()
    if on == "slurm":
        from mmbench import cluster  # it needs submitit, and nobody else does

        outcome = cluster.run(jobs, slurm or {}, executor, device, listen, wait=wait)
        outcome.seconds = time.monotonic() - began
        return outcome
    here = places(device, workers, per_gpu)
    queue = Queue(jobs, listen, end)
    outcome = _inline(queue, here[0].device, executor) if on == "inline" else pool.local(queue, here[: max(1, len(jobs))], executor)
    outcome.seconds = time.monotonic() - began
    return outcome


def known(on: str) -> None:
    """UserError unless there is an executor of that name."""
    if on not in EXECUTORS:
        raise unknown("executor", on, EXECUTORS)


def _inline(queue: Queue, device: str, executor: str) -> Outcome:
    """One job after the other in this process: for debugging, and where processes cannot be had."""
    with raising():
        try:
            while queue.waiting:
                if (job := queue.next()) is None:
                    time.sleep(PATIENCE / 4)
                    continue
                progress = _teller(queue.listen, job)
                report = perform(job, executor, device, progress, whole_process=False)
                queue.took(job, report)
                if report.status == "stopped":
                    return queue.stopped(signal.Signals[report.why])
        except KeyboardInterrupt:
            return queue.stopped(signal.SIGINT)
        except SystemExit:
            return queue.stopped(signal.SIGTERM)
    return queue.outcome


def _teller(listen: Listener, job: Job) -> Callable[[dict[str, Any]], object]:
    return lambda news: listen(Event("progress", job, news))
