"""Where workers work: GPUs, else CPU cores; found without importing torch."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from mmbench.errors import UserError, unknown

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Place:
    """Where a worker works: the device its jobs get, and the environment set before torch is imported."""

    device: str
    environment: dict[str, str]


def places(device: str, workers: int, per_gpu: int = 1) -> list[Place]:
    """One place per worker: `per_gpu` on each GPU, unless a number of workers is asked for; one per core where there is no GPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ("auto", "cpu", "cuda"))
    gpus = [] if device == "cpu" else visible_gpus()
    if device == "cuda" and not gpus:
        raise UserError("device cuda: there is no GPU here; use --device cpu")
    if gpus:
        return [Place("cuda", {"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]}) for i in range(workers or per_gpu * len(gpus))]
    return [Place("cpu", ONE_THREAD)] * (workers or cores())


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """The GPUs that a worker may be given, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    count = sum(line.startswith("GPU ") for line in listed.splitlines())
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return [str(i) for i in range(count)]
    return [name.strip() for name in allowed.split(",") if name.strip() not in ("", "-1")] if count else []
