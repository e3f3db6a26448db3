"""One job, done by whoever does it: inline, in a worker process, or on a cluster. Claimed, logged, its failure noted."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mmbench import lease, paths, records
from mmbench.errors import UserError
from mmbench.spec import Job

EXECUTE = "mmbench.execute:execute"


@dataclass(frozen=True)
class Report:
    """How a job ended here.

    status: "ok" | "diverged" (recorded by us), "exists" (recorded before), "claimed" (another process is at it), "failed" (`why`
    in one line, `log` names the file) or "stopped" (asked to end by the signal that `why` names; it has a checkpoint).
    passing: a failure that may not come again: its worker died, or ran out of memory beside others.
    """

    key: str
    seed: int
    status: str
    why: str = ""
    log: str = ""
    seconds: float = 0.0
    passing: bool = False


def perform(job: Job, executor: str, device: str, progress: Callable[[dict[str, Any]], object], *, whole_process: bool) -> Report:
    """Claim the job, run it, and say how it ended. A failure is noted in `results/failed/`, never raised.

    whole_process: send everything the process prints to the log, C libraries included; else only what Python prints.
    """
    held = lease.claim(job.key, job.seed)
    if held is None:
        return Report(job.key, job.seed, "claimed")
    log, began = log_file(job), time.monotonic()

    def news(content: dict[str, Any]) -> None:
        held.beat(content)
        progress(content)

    with lease.kept(held), logged(log, whole_process):
        fresh()
        passing = False
        try:
            status, why = _function(executor)(job, device=device, progress=news), ""
            records.forget_failure(job.key, job.seed)
        except BaseException as error:
            status, why = "stopped", stop_signal(error)
            if not why:
                traceback.print_exc()
                status, why, passing = "failed", reason(error, job), type(error).__name__ in ("OutOfMemoryError", "MemoryError")
                records.write_failure(job, why, str(log))
    return Report(job.key, job.seed, status, why, str(log), time.monotonic() - began, passing)


def fresh() -> None:
    """Give back what an earlier job left, and count peak memory from here (Linux), so that a record does not show that job's."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")


def log_file(job: Job) -> Path:
    return paths.results() / "logs" / f"{records.name(job.key, job.seed)}.log"


def _function(name: str) -> Callable[..., str]:
    """ "module:function" -> the function. Imported only here, so that launching needs no torch."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def stop_signal(error: BaseException) -> str:
    """The signal that an exception stands for, "" if it stands for none."""
    if isinstance(error, SystemExit):
        return {143: "SIGTERM", 130: "SIGINT"}.get(error.code if isinstance(error.code, int) else 0, "")
    return "SIGINT" if isinstance(error, KeyboardInterrupt) else ""


def reason(error: BaseException, job: Job) -> str:
    """A failure in one line. Out of GPU memory comes with batch, peak and remedy: the batch belongs to the run and never shrinks."""
    if isinstance(error, UserError):
        return str(error)
    if type(error).__name__ == "OutOfMemoryError":
        peak = sys.modules["torch"].cuda.max_memory_allocated() / 2**20
        return (
            f"out of GPU memory at batch {job.run['batch']} (peak {peak:.0f} MB): "
            "the batch is part of the run, so free the GPU or use a larger one"
        )
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def logged(log: Path, whole_process: bool) -> Iterator[None]:
    """Append what is printed in the block to the job's log. A retry continues the file, under a line of its own."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", buffering=1) as file:
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} pid {os.getpid()}", file=file)
        if not whole_process:
            with redirect_stdout(file), redirect_stderr(file):
                yield
            return
        sys.stdout.flush()
        sys.stderr.flush()
        before = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for saved, number in zip(before, (1, 2), strict=True):
                os.dup2(saved, number)
                os.close(saved)


def serve(pipe: Connection, executor: str, device: str, environment: Mapping[str, str]) -> None:
    """The life of a worker process: jobs come through the pipe, news and reports go back, the end of the pipe ends it.

    environment: set before torch is imported (threads, the visible GPU).
    """
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher hears Ctrl-C too, and asks each worker with SIGTERM
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True, name="parent").start()
    try:
        while True:
            job: Job = pipe.recv()
            report = perform(job, executor, device, lambda content: _send(pipe, content), whole_process=True)
            pipe.send(report)
            if report.status == "stopped" or report.passing:  # a process that ran out of memory is replaced
                return
    except (EOFError, OSError):  # the launcher is gone, or has no more jobs
        return


def _send(pipe: Connection, content: Mapping[str, Any]) -> None:
    """News to a launcher that was killed are lost, but the job goes on to its checkpoint: see `_follow_parent`."""
    try:
        pipe.send(dict(content))
    except OSError:
        return


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _follow_parent() -> None:
    """When the launcher dies, even by SIGKILL, ask ourselves to finish the step, write the checkpoint and end."""
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
