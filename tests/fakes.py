"""An executor without torch, for the launcher's `executor=`: it does what the job's `params["do"]` says, then records the job."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmbench import paths, records
from mmbench.spec import Job
from tests import samples


def act(job: Job, *, device: str = "cpu", progress: Callable[[dict[str, Any]], None] | None = None) -> str:
    if records.path(job.run, job.key, job.seed).exists():
        return "exists"
    leave_a_mark(job)
    print(f"on {device} with {os.environ.get('OMP_NUM_THREADS')} threads")
    print("a warning of the job", file=sys.stderr)
    os.write(1, b"from below Python\n")
    if progress is not None:
        progress({"epoch": 1, "epochs": job.run["epochs"]})
    do = job.run["params"].get("do", "record")
    if do == "fail":
        raise ValueError("the loss\nhas two lines")
    if do == "die" or (do == "die once" and marks(job) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "out of memory" or (do == "out of memory once" and marks(job) == 1):
        raise MemoryError("no room")
    if do == "leave":
        sys.exit(3)
    if do == "stay once" and marks(job) == 1:  # long enough to be taken away
        time.sleep(600)
    if do == "fill":  # the disk that the results lie on
        fill(paths.results() / "fill")
    if do == "linger":
        time.sleep(0.3)
    if do == "wait":  # as `execute` does: until it is asked to stop
        while True:
            time.sleep(0.02)
    if do == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    status = "diverged" if do == "diverge" else "ok"
    return status if records.write(samples.record(job, status), {}, {}) else "exists"


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(b"0" * 4096)


def leave_a_mark(job: Job) -> None:
    """One byte per time that the job was begun."""
    file = paths.results() / "marks" / records.name(job.key, job.seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as stream:
        stream.write(b".")


def marks(job: Job) -> int:
    file: Path = paths.results() / "marks" / records.name(job.key, job.seed)
    return file.stat().st_size if file.exists() else 0
