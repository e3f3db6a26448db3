"""Spawned worker processes on this machine: one per place, each given its next job when it has ended the last."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from mmbench import records
from mmbench.jobqueue import Event, Outcome, Queue
from mmbench.places import Place
from mmbench.spec import Job
from mmbench.stopping import noting
from mmbench.worker import Report, log_file, serve

GRACE = 60.0  # seconds that a worker has to finish its step and write its checkpoint


@dataclass
class _Worker:
    process: Any  # multiprocessing's spawned process: its type is private
    pipe: connection.Connection
    job: Job | None = None


def local(queue: Queue, here: Sequence[Place], executor: str) -> Outcome:
    """Do the jobs of the queue. A worker that dies is replaced as long as there are jobs."""
    pool: list[_Worker | None] = [None] * len(here)
    with noting() as asked:
        try:
            while not asked and (queue.waiting or any(w and w.job for w in pool)):
                for i, place in enumerate(here):
                    worker = pool[i]
                    if (worker is None or worker.job is None) and (job := queue.next()) is not None:
                        pool[i] = worker = worker or _spawn(place, executor)
                        _hand_over(worker, job)
                _hear(pool, queue, asked, 0.25)
            if asked:
                queue.listen(Event("stopping"))
                _wind_down(pool, queue, asked)
                return queue.stopped(asked[0])
        finally:
            _end(pool)
    return queue.outcome


def _spawn(place: Place, executor: str) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, executor, place.device, place.environment))
    process.start()
    theirs.close()  # so that the pipe ends when the process does
    return _Worker(process, ours)


def _hand_over(worker: _Worker, job: Job) -> None:
    worker.job = job
    with suppress(OSError):  # it died idle: `_hear` sees that, and reports the job
        worker.pipe.send(job)


def _hear(pool: list[_Worker | None], queue: Queue, asked: list[int], timeout: float) -> None:
    """Take what the workers say within the time, and notice those that died."""
    by_pipe = {w.pipe: (i, w) for i, w in enumerate(pool) if w is not None}
    if not by_pipe:
        time.sleep(timeout)
    for pipe in connection.wait(list(by_pipe), timeout):
        i, worker = by_pipe[pipe]  # pyright: ignore[reportArgumentType]
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            pool[i] = None
            _bury(worker, queue, asked)
            continue
        if worker.job is not None and isinstance(said, Report):
            job, worker.job = worker.job, None
            if said.status == "stopped" or said.passing:  # then the process ends too, and must get no other job
                pool[i] = None
                _bury(worker, queue, asked)
                said = said if asked or said.passing else _killed(job, f"was sent {said.why}")
            queue.took(job, said)
        elif worker.job is not None:
            queue.listen(Event("progress", worker.job, said))


def _bury(worker: _Worker, queue: Queue, asked: list[int]) -> None:
    """A worker is gone. If it had a job, that has failed, unless we asked the worker to end."""
    worker.process.join()
    worker.pipe.close()
    if worker.job is None:
        return
    if asked:
        queue.outcome.left.append(worker.job)
        return
    code = worker.process.exitcode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    queue.took(worker.job, _killed(worker.job, how, passing=True))


def _killed(job: Job, what: str, passing: bool = False) -> Report:
    why, log = f"its worker {what}; the next run goes on from its last checkpoint", str(log_file(job))
    records.write_failure(job, why, log)
    return Report(job.key, job.seed, "failed", why, log, passing=passing)


def _wind_down(pool: list[_Worker | None], queue: Queue, asked: list[int]) -> None:
    """Ask every worker to finish its step and write its checkpoint; at a second signal, or after the grace, give up waiting."""
    for worker in pool:
        if worker is not None:
            worker.process.terminate()
    end = time.monotonic() + GRACE
    while any(w is not None for w in pool) and len(asked) < 2 and time.monotonic() < end:
        _hear(pool, queue, asked, 0.25)
    queue.outcome.left += [w.job for w in pool if w is not None and w.job is not None]


def _end(pool: list[_Worker | None]) -> None:
    """No process of ours outlives the launcher. Idle workers end when their pipe does; a busy one is killed, its job resumes."""
    for worker in pool:
        if worker is not None:
            if worker.job is not None:
                worker.process.kill()
            worker.pipe.close()
    for worker in pool:
        if worker is not None:
            worker.process.join()
