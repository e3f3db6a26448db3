"""One example of parameters per method and head, for the tests that run all; `tests/methods/test_all.py` says when one is missing."""

from __future__ import annotations

from typing import Any

from mmbench import registry
from tests import tiny

_VALUATION = {"warmup": 1, "zero": "feature", "transforms": "test"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "joint": {},
    "unimodal": {"modality": "audio"},
    "arl": tiny.ARL,
    "ccl": {"weight": 1.0, "temperature": 0.5, "symmetric": True, "divergence": 0.5},
    "g-blending": {"weights": (), "holdout": 0.2, "estimate": 1},
    "ogm": {"alpha": 0.8, "noise": True, "first": 0, "last": 1},
    "pmr": {"alpha": 1.0, "momentum": 0.2, "fraction": 0.5, "first": 0, "last": 1},
    "agm": {"alpha": 1.5, "cap": 10.0, "guard": 1.0},
    "smv-sample": {"power": 1.0, "factor": 2.0} | _VALUATION,
    "smv-modality": {"function": "tanh", "alpha": 1.0, "subset": 0.5, "draw": "bernoulli"} | _VALUATION | {"zero": "input"},
    "smv-fixed": {"copies": 2} | _VALUATION,
    "smv-drop": {"probability": 0.5} | _VALUATION,
    "smv-mask": {"probability": 0.5, "share": 0.5, "patch": 2} | _VALUATION,
    "greedy": {"epsilon": 0.0, "window": 3, "first": 1},
}

MODELS = {"greedy": "greedy-mmtm"}  # the others': fusion

HEADS: dict[str, dict[str, Any]] = {
    "concat": {}, "sum": {}, "decision": {}, "film": {}, "bilinear": {"unimodal": "self"}, "gated": {"unimodal": "self"},
    "film-symmetric": {}, "gated-symmetric": {}, "cosine": {"scale": 5.0, "over": "concat"},
}  # fmt: skip


def takes(entry: registry.Entry, modalities: int) -> bool:
    return not entry.modalities[1] or modalities <= entry.modalities[1]


def pairs() -> list[tuple[str, str, int]]:
    """Every method over every head that it works with, for two and for three modalities where both take them."""
    legal = [(m, h) for m in EXAMPLES for h in HEADS if not (works := registry.METHODS[m].heads) or h in works]
    return [(m, h, n) for m, h in legal for n in (2, 3) if takes(registry.METHODS[m], n) and takes(registry.HEADS[h], n)]
