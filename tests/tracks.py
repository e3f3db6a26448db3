"""A tiny localisation run for tests: random tracks of five seconds whose class, or background, shifts the mean of both modalities."""

from __future__ import annotations

from typing import Any

import torch

from mmbench import build
from mmbench.datasets.data import Data, Part
from mmbench.method import Run
from tests import tiny

SECONDS = 5


def data(classes: int = 3, train: int = 16, test: int = 6) -> Data:
    """The last class is the background: an event of class i % (classes - 1) fills seconds 1 to 3."""

    def part(count: int, seed: int) -> Part:
        source = torch.Generator().manual_seed(seed)
        labels = torch.full((count, SECONDS), classes - 1)
        labels[:, 1:4] = (torch.arange(count) % (classes - 1))[:, None]
        sound = torch.randn(count, SECONDS, 4, generator=source) + labels[..., None]
        picture = torch.randn(count, SECONDS, 2, 3, 6, generator=source) - 0.5 * labels[..., None, None, None]
        return Part({"audio": sound, "visual": picture}, labels, tuple(f"{seed}-{i}" for i in range(count)))

    parts = {"train": part(train, 1), "test": part(test, 2), "val": part(test, 3)}
    return Data("tracks", "1", "standard", tuple("abcdefgh"[:classes]), parts, "0" * 64, stand_in=True)


def spec(method: str = "joint", **changes: Any) -> dict[str, Any]:
    """A resolved run; `changes` replace leaves."""
    given: dict[str, Any] = {
        "dataset": "tracks", "task": "localisation", "model": "localisation", "model_params": {"attention": 8},
        "encoders": {m: {"name": "bilstm", "width": 3} for m in ("audio", "visual")},
        "optimiser": {"name": "adam", "lr": 0.05, "weight_decay": 0.0},
    }  # fmt: skip
    return tiny.spec(method, **(given | changes))


def run(seed: int = 0, content: Data | None = None, **changes: Any) -> Run:
    return build.run(spec(**changes), seed, content or data(), torch.device("cpu"))
