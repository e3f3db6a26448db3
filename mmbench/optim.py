"""Optimisers, schedules and clipping by torch's names and torch's code; the epoch marks arrive as integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn, optim
from torch.optim import lr_scheduler

from mmbench.errors import UserError, unknown

OPTIMISERS = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW, "adagrad": optim.Adagrad}


def optimiser(parameters: Iterable[nn.Parameter], spec: Mapping[str, Any]) -> optim.Optimizer:
    """spec: {name, lr, ...}; the other entries are torch's keyword arguments (momentum, weight_decay, betas, ...)."""
    rest = {k: v for k, v in spec.items() if k != "name"}
    if spec["name"] not in OPTIMISERS:
        raise unknown("optimiser", spec["name"], OPTIMISERS)
    try:
        return OPTIMISERS[spec["name"]](parameters, **rest)
    except (TypeError, ValueError) as error:
        raise UserError(f"optimiser {spec['name']}: {error}") from None


def schedule(optimiser: optim.Optimizer, spec: Mapping[str, Any], epochs: int) -> Any:
    """spec: {name: "constant"} | {name: "step", size, factor} | {name: "multi-step", marks, factor} | {name: "cosine"}
    | {name: "plateau", factor, patience}. A mark is the first 0-based epoch at the new rate. Stepped once after each epoch,
    the plateau with the epoch's mean training loss."""
    if not 0 < spec.get("factor", 0.5) < 1:
        raise UserError(f"schedule {spec['name']}: factor is {spec['factor']:g}, expected a number between 0 and 1")
    if spec.get("size", 1) < 1 or spec.get("patience", 0) < 0 or min(spec.get("marks", [0]), default=0) < 0:
        given = ", ".join(f"{name} {spec[name]}" for name in ("size", "marks", "patience") if name in spec)
        raise UserError(f"schedule {spec['name']}: {given}, expected a size of 1 epoch or more, marks and patience of 0 or more")
    match spec["name"]:
        case "constant":
            return lr_scheduler.LambdaLR(optimiser, lambda epoch: 1.0)
        case "step":
            return lr_scheduler.StepLR(optimiser, step_size=spec["size"], gamma=spec["factor"])
        case "multi-step":
            return lr_scheduler.MultiStepLR(optimiser, milestones=list(spec["marks"]), gamma=spec["factor"])
        case "cosine":
            return lr_scheduler.CosineAnnealingLR(optimiser, T_max=epochs)
        case "plateau":
            return lr_scheduler.ReduceLROnPlateau(optimiser, factor=spec["factor"], patience=spec["patience"])
        case name:
            raise unknown("schedule", name, ("constant", "step", "multi-step", "cosine", "plateau"))


def clip(parameters: Iterable[Tensor], norm: float) -> None:
    """Scale all gradients so that their global L2 norm is at most `norm`; 0 leaves them."""
    if norm < 0:
        raise UserError(f"clip is {norm:g}, expected a norm above 0, or 0 for none")
    if norm:
        nn.utils.clip_grad_norm_(parameters, norm)
