"""The loop in two steps: one batch of the first epoch and one of the middle one, when warm-ups are over and what ends late still acts."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from mmbench import diagnostics, history
from mmbench.checkpoint import Checkpoint
from mmbench.method import Method, Run
from mmbench.randomness import generator
from mmbench.spec import View
from mmbench.train import _advance, _begin, _evaluate, _steps, fit, ready

_WATCHED: set[tuple[str, ...]] = set()


def two_steps(
    run: Run, method: Method, views: Sequence[View], checkpoint: Checkpoint, stop: Callable[[], bool],
    progress: Callable[[dict[str, Any]], None], tell: Callable[[Mapping[str, Any]], object],
) -> tuple[dict[str, Any], dict[str, float]]:  # fmt: skip
    """As `train.train`, of the epochs 0 and `epochs` // 2, a batch each, evaluated once. Copies that a method trains (`run.fit`) have
    one step too. tell: hears what was seen: parameters, inputs, parts that stood still, seconds
    per step."""
    schedule = ready(run, method, stop)
    run.fit = lambda modalities, epochs, index: fit(run, modalities, 1, index[: run.spec["batch"]], stop)
    before, clock, losses = weights(run), {"train": 0.0, "evaluate": 0.0, "resumed": 0}, []
    method.start(run)
    for epoch in (0, run.epochs // 2):
        run.epoch = epoch
        began = time.perf_counter()
        now = _begin(run, method)
        for _ in _steps(run, method, now):
            break
        losses.append(float(now.loss) / max(1, now.steps))
        clock["train"] += time.perf_counter() - began
        if not math.isfinite(losses[-1]):
            return history.empty() | {"diverged_at": run.epoch, "train_loss": losses[-1]}, clock
        _advance(schedule, losses[-1])
    began, past = time.perf_counter(), history.empty()
    numbers, kept = _evaluate(run, views)
    numbers |= {"loss": losses[-1]} | gradient_norms(run) | history.logged(run.logged)
    wanted = history.rules(views, run.task.primary, "val" in run.data.parts)
    history.append(past, numbers, kept, {label: replace(v, after=0) for label, v in wanted.items()}, run.task.primary, run.task.better)
    clock["evaluate"] = time.perf_counter() - began
    tell(described(run) | {"still": still(run, before), "step_seconds": clock["train"] / 2})
    return past | {"train_loss": losses[-1]}, clock


def gradient_norms(run: Run) -> dict[str, float]:
    """Of one item, as a batch would cost a third step; and once for each network and task in a process: they ask no method."""
    kind = run.spec["task"], run.spec["model"], run.spec["head"], *(run.spec["encoders"][m]["name"] for m in run.modalities)
    if kind in _WATCHED:
        return {}
    _WATCHED.add(kind)
    return diagnostics.gradient_norms(replace(run, spec={**run.spec, "batch": 1}))


def weights(run: Run) -> dict[str, int]:
    """A checksum of each, as a copy of the largest networks would not fit beside them."""
    return {name: zlib.crc32(p.detach().cpu().flatten().view(torch.uint8).numpy()) for name, p in run.model.named_parameters()}


def described(run: Run) -> dict[str, Any]:
    """Parameters in all, and what an encoder is given in training, without the batch."""
    part = run.data.parts["train"]
    sample = run.transform(part, torch.zeros(1, dtype=torch.int64), None, True, generator("smoke")).inputs
    return {"parameters": sum(p.numel() for p in run.model.parameters()), "inputs": {m: list(x.shape[1:]) for m, x in sample.items()}}


def still(run: Run, before: Mapping[str, int]) -> list[str]:
    """The parts of the network of which no weight has moved: each encoder is one, and so is all else by its first name."""
    moved, now = dict[str, bool](), weights(run)
    for name in before:
        part = ".".join(name.split(".")[: 1 + name.startswith("encoders.")])
        moved[part] = moved.get(part, False) or now[name] != before[name]
    return sorted(part for part, has in moved.items() if not has)
