"""One cell's run, shortened: `execute.execute` on generated items and for two steps. What a worker process of `mmbench smoke` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmbench import execute, paths, published
from mmbench.smoke import inputs, steps
from mmbench.spec import Job

BATCH = 4  # on a CPU; a GPU gets the recipe's


def shortened(run: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The run with random weights in place of pretrained ones and, on a CPU, a small batch. All else is the cell's."""
    return {**run, "weights": {}, "batch": min(run["batch"], BATCH) if device == "cpu" else run["batch"]}


def run(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    """As `execute.execute`; progress hears at the end what `steps.seen` saw."""
    brief, found = shortened(job.run, device), {}
    facts = published.datasets()[brief["dataset"]]
    paths.results().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=paths.results(), prefix="inputs-") as folder:
        data = inputs.made(brief, facts, Path(folder))
        loop = partial(steps.two_steps, tell=found.update)
        status = execute.execute(replace(job, run=brief), device=device, data=data, loop=loop)
    progress({**found, "batch": brief["batch"]})
    return status
