"""One cell's run, shortened: `execute.execute` on generated items and for two steps. What a worker process of `mmbench smoke` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from mmbench import build, execute, paths, published
from mmbench.datasets.data import Data
from mmbench.smoke import inputs, steps
from mmbench.spec import Job

BATCH = 4  # on a CPU; a GPU gets the recipe's


def shortened(run: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The run with random weights in place of pretrained ones and, on a CPU, a small batch. All else is the cell's."""
    return {**run, "weights": {}, "batch": min(run["batch"], BATCH) if device == "cpu" else run["batch"]}


def run(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    """As `execute.execute`; progress hears at the end what `steps` saw, the batch, and the seconds of CPU that it took."""
    began, found, brief = time.process_time(), {}, shortened(job.run, device)
    with generated(brief) as data:
        loop = partial(steps.two_steps, tell=found.update)
        status = execute.execute(replace(job, run=brief), device=device, data=data, loop=loop)
    progress({**found, "batch": brief["batch"], "cpu_seconds": round(time.process_time() - began, 2)})
    return status


def built(job: Job, *, device: str, progress: Callable[[dict[str, Any]], None]) -> str:
    """The network alone, without a step: what the golden is made of."""
    brief = shortened(job.run, device)
    with generated(brief) as data:
        progress(steps.described(build.run(brief, job.seed, data, torch.device(device))))
    return "ok"


@contextmanager
def generated(run: Mapping[str, Any], **sizes: int) -> Iterator[Data]:
    """Items of this run, in a folder that is gone afterwards. sizes: as `inputs.made` takes them."""
    paths.results().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=paths.results(), prefix="inputs-") as folder:
        yield inputs.made(run, published.datasets()[run["dataset"]], Path(folder), **sizes)
