"""A tiny run for tests: random pictures of two (or three) modalities, small encoders, two classes more than needed."""

from __future__ import annotations

from typing import Any

import torch

from mmbench import build
from mmbench.datasets.data import Data, Part
from mmbench.method import Run

NAMES = ("audio", "visual", "text")


def data(modalities: int = 2, classes: int = 3, train: int = 24, test: int = 10, validated: bool = False) -> Data:
    """Items whose class is a shift of the mean, so that something can be learned."""

    def part(count: int, seed: int) -> Part:
        source = torch.Generator().manual_seed(seed)
        labels = torch.arange(count) % classes
        arrays = {}
        for i, name in enumerate(NAMES[:modalities]):
            noise = torch.randn(count, 1, 8, 8, generator=source)
            arrays[name] = noise + (labels.view(-1, 1, 1, 1) - 1) * (0.8 - 0.3 * i)
        return Part(arrays, labels, tuple(f"{seed}-{i}" for i in range(count)))

    parts = {"train": part(train, 1), "test": part(test, 2)}
    if validated:
        parts["val"] = part(test, 3)
    return Data("tiny", "1", "standard", tuple("abcdefgh"[:classes]), parts, "0" * 64, stand_in=True)


def spec(method: str = "joint", head: str = "concat", modalities: int = 2, **changes: Any) -> dict[str, Any]:
    """A resolved run. `changes` replace leaves; params and head_params are given whole."""
    names = NAMES[:modalities]
    run: dict[str, Any] = {
        "dataset": "tiny", "split": "standard", "preparation": "none", "modalities": list(names), "task": "classification",
        "model": "fusion", "encoders": {m: {"name": "small-cnn", "width": 4} for m in names}, "head": head, "head_params": {},
        "method": method, "params": {}, "optimiser": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
        "schedule": {"name": "multi-step", "marks": [2], "factor": 0.1}, "epochs": 3, "batch": 5, "clip": 0, "precision": "fp32",
        "init": "torchvision", "augment": "none", "drop_last": False, "small": 0, "versions": {},
    }  # fmt: skip
    return run | changes


def run(seed: int = 0, modalities: int = 2, content: Data | None = None, **changes: Any) -> Run:
    """A built run, before training."""
    described = spec(modalities=modalities, **changes)
    return build.run(described, seed, content or data(modalities), torch.device("cpu"))


ARL = {
    "rule": "code", "temperature": 8.0, "gamma": 4.0, "warmup": 1, "regularisation": True, "asymmetric": True, "residual": True,
}  # fmt: skip
