"""Work in processes that may die: a clip that brings the decoder down costs that clip and one process, not the preparation."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

AHEAD = 2  # tasks that a worker holds, so that it never waits for the parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class Worker:
    process: Any
    pipe: Connection
    tasks: list[Any]


def run(work: Callable[[Any, Any], Any], shared: Any, tasks: Sequence[Any], jobs: int, died: Callable[[Any, str], Any]) -> Iterator[Any]:
    """work(shared, task) of every task, in any order, from `jobs` processes (0: in this one, for debugging).

    `work` is a top-level function; it is handed `shared` once. died(task, how) makes the result of a task whose process ended.
    What `work` raises is raised here. Closing the iterator ends the processes; so does the death of the parent.
    """
    if jobs < 1:
        for task in tasks:
            yield work(shared, task)
        return
    fresh, again = iter(tasks), []
    with single_threaded():
        workers = [_start(work, shared) for _ in range(min(jobs, len(tasks)))]
    try:
        for worker in workers:
            _feed(worker, fresh, again)
        while any(worker.tasks for worker in workers):
            by_pipe = {worker.pipe: worker for worker in workers if worker.tasks}
            for pipe in wait(list(by_pipe)):
                worker = by_pipe[pipe]  # pyright: ignore[reportArgumentType]
                try:
                    result = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    worker.process.join()
                    how, lost = _how(worker.process.exitcode), worker.tasks[0]
                    again.extend(reversed(worker.tasks[1:]))
                    with single_threaded():
                        worker.__dict__.update(_start(work, shared).__dict__)
                    result = died(lost, how)
                else:
                    worker.tasks.pop(0)
                _feed(worker, fresh, again)
                if isinstance(result, BaseException):
                    raise result
                yield result
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join()


def _how(code: int | None) -> str:
    name = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
    return f"the decoder crashed ({name})"


def _start(work: Callable[[Any, Any], Any], shared: Any) -> Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, shared, theirs), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours, [])


def _feed(worker: Worker, fresh: Iterator[Any], again: list[Any]) -> None:
    while len(worker.tasks) < AHEAD and (task := again.pop() if again else next(fresh, None)) is not None:
        worker.tasks.append(task)
        with suppress(BrokenPipeError):  # it has died: its pipe will say so
            worker.pipe.send(worker.tasks[-1])


def _serve(work: Callable[[Any, Any], Any], shared: Any, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, and the parent ends this process
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            result = work(shared, task)
        except BaseException as error:
            result = error
        try:
            pipe.send(result)
        except BrokenPipeError:
            return


@contextmanager
def single_threaded() -> Iterator[None]:
    """While processes are started: they are told to use one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
