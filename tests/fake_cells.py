"""A worker of `mmbench smoke` without torch: what a cell's run tells and leaves, good or bad as its modality count and method say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmbench import records
from mmbench.spec import Job
from tests import samples

SEEN = {"parameters": 12, "inputs": {"view1": [48]}, "still": [], "step_seconds": 0.5, "batch": 4}


def run(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    """smv-views: rows concat pass, of sample-level the weights do not move, modality-level diverges; with 5 views all fail."""
    method, views = job.run["method"], len(job.run["modalities"])
    if views == 5:
        raise ValueError("no such layer")
    progress({**SEEN, "still": ["head"]} if method == "smv-sample" else SEEN)
    status = "diverged" if method == "smv-modality" else "ok"
    metrics = {view.name: 50.0 for view in job.views} if views != 4 else {"loss": 1.0}
    selections = {label: {"epoch": 0, "values": metrics} for label in ("last", "best-test")}
    records.write(samples.record(job, status, result={"selections": selections}), {}, {})
    return status


def built(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    if len(job.run["modalities"]) == 5:
        raise ValueError("no such layer")
    progress({name: SEEN[name] for name in ("parameters", "inputs")})
    return "ok"
