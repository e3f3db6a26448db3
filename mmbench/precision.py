"""In what numbers a run computes: `fp32`; `tf32`, where a GPU rounds the factors of products to 10 bits; `bf16` and `fp16`, mixed
precision by torch's autocast, with scaled losses for `fp16`.

Mixed precision is for GPUs. A CPU has next to no arithmetic for halves (measured: a step of ResNet-18 takes eleven times as long in
fp16 as in fp32), so there all runs compute in fp32, and their record says so (`environment.path`). On a GPU `fp32` is true fp32, without
TF32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler

from mmbench.errors import unknown

KNOWN = ("fp32", "tf32", "bf16", "fp16")
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def computed(precision: str, device: torch.device) -> str:
    """The precision that this device computes in where a run asks for this one."""
    if precision not in KNOWN:
        raise unknown("precision", precision, KNOWN)
    return "fp32" if device.type == "cpu" else precision


def path(precision: str, device: torch.device) -> str:
    """How the numbers came about, for the record: "plain", "tf32", "bf16", "fp16", or "plain fp32 for fp16" on a CPU."""
    found = computed(precision, device)
    if found == precision:
        return "plain" if precision == "fp32" else precision
    return f"plain {found} for {precision}"


def mixed(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """In the block, products are computed in halves where the run asks for it and the device can; weights stay fp32."""
    found = computed(precision, device)
    return torch.autocast(device.type, HALVES[found]) if found in HALVES else nullcontext()


def unscaled() -> GradScaler:
    """A scaler that leaves everything as it is."""
    return GradScaler("cpu", enabled=False)


def scaler(precision: str, device: torch.device) -> GradScaler:
    """What scales fp16 losses so that small gradients are not lost; does nothing for others. Also sets whether fp32 is fp32
    on a GPU: everywhere but in a run that asks for TF32."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return GradScaler(device.type, enabled=computed(precision, device) == "fp16")
