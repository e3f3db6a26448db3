"""What a Slurm job runs: the same `perform` as any worker. The record is written there; what this returns is ignored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from mmbench import records
from mmbench.jobqueue import PATIENCE
from mmbench.places import ONE_THREAD, visible_gpus
from mmbench.spec import Job
from mmbench.stopping import raising
from mmbench.worker import perform


def work(job: Job, executor: str, device: str) -> None:
    """Do one job. Told that its time is nearly up (SIGUSR2) it writes its checkpoint and asks to be queued again; told to end
    (SIGTERM: preempted, cancelled) it writes its checkpoint and ends with 143. Ends with 1 where the job failed."""
    late: list[int] = []

    def soon(number: int, frame: object) -> None:
        late.append(number)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGUSR2, soon)
    if device == "auto":
        device = "cuda" if visible_gpus() else "cpu"
    if device == "cpu":
        os.environ.update(ONE_THREAD)
    with raising():
        report = perform(job, executor, device, _quiet, whole_process=False)
        while report.status == "claimed":  # by another run, or by ourselves before a node was lost: until that claim expires
            time.sleep(PATIENCE)
            if records.path(job.run, job.key, job.seed).exists():
                return
            report = perform(job, executor, device, _quiet, whole_process=False)
    if report.status == "stopped":
        if late:
            requeue()
        sys.exit(143)
    if report.status == "failed":
        sys.exit(1)


def requeue() -> None:
    """Queue this very job again; it goes on from its checkpoint."""
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    id = f"{array}_{index}" if array else os.environ["SLURM_JOB_ID"]
    done = subprocess.run(["scontrol", "requeue", id], capture_output=True, text=True, timeout=60)
    if done.returncode:
        print(f"could not queue the job again: {done.stderr.strip()}; the next run goes on from its checkpoint", file=sys.stderr)


def _quiet(news: dict[str, Any]) -> None:
    """Progress is told by the claim's news, which `perform` writes."""
