"""Workers of `mmbench measure` without torch: a step takes as many seconds as there are modalities, of 'smv-sample' twice as many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmbench.spec import Job

WINDOW = [1000.0, 1002.0]


def entry(step: float = 2.0, **changes: Any) -> dict[str, Any]:
    """What is kept of a kind. The batch is 4, an evaluation takes a fourth of a step."""
    return {
        "cell": "smv-views:concat:2", "batch": 4, "steps": 3, "step_seconds": step, "evaluate_seconds": step / 4,
        "draws": 1.0, "looked": 0.0, "copies": [], "peak_memory_mb": 100, "parameters": 12, "inputs": {"view1": [48], "view2": [40]},
        "fits": True, "path": "plain", "load": 0.5, "session": 0,
    } | changes  # fmt: skip


def run(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    method, views = job.run["method"], len(job.run["modalities"])
    if method == "smv-modality":
        raise ValueError("no such kernel")
    measured = entry(views * (1.0 + (method == "smv-sample"))) | {"window": WINDOW}
    progress({"measured": {k: v for k, v in measured.items() if k not in ("cell", "load", "session")}, "code": ("ab" * 20, False)})
    return "ok"


def together(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    """Two at once are half as quick again as one; four do not fit."""
    count = job.run["together"]
    if count == 4:
        raise MemoryError("out of memory")
    progress({"together": {"steps": 30 if count == 1 else 22, "seconds": 3.0, "batch": 64}})
    return "ok"
