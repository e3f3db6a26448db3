"""The fields that a level of a table or recipe may set, and how a written value becomes one of its declared type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmbench.registry import AUGMENTATIONS
from mmbench.spec import SELECTIONS

METRICS = (
    "accuracy", "macro-f1", "miou", "image-jaccard", "eer", "min-dcf", "mse", "zeta", "compl", "contr", "contribution-gap",
    "bound", "setting",  # of computed tables and of tables of settings
)  # fmt: skip

RUN = {
    "dataset": "str", "split": "str", "preparation": "str", "modalities": "strs", "task": "str", "model": "str", "method": "str",
    "head": "str", "epochs": "count", "batch": "count", "clip": "float", "precision": "fp32|tf32|bf16|fp16", "init": "torchvision|xavier",
    "augment": "|".join(AUGMENTATIONS), "frames": "count", "frame_rule": "first|middle|uniform|thirds|random|random-test|by-count",
    "drop_last": "bool", "image_size": "count", "small": "int",
}  # fmt: skip
VIEW = {
    "metric": "str", "unit": "str", "better": "higher|lower", "select": "|".join(SELECTIONS), "after": "epoch", "subset": "str",
    "output": "str", "decision": "str", "seeds": "str",
}  # fmt: skip
OTHER = {
    "recipe": "str", "notes": "strs", "relative_to": "str", "formula": "str", "p": "float", "classes": "count", "shows": "str",
}  # fmt: skip
SCALARS = {**RUN, **VIEW, **OTHER}
# component field -> where its parameters stand; the others of MAPPINGS hold their own name
PARAMETERS = {"method": "params", "head": "head_params", "model": "model_params"}
MAPPINGS = (*PARAMETERS.values(), "optimiser", "schedule", "encoders", "weights", "pretraining")
FIELDS = (*SCALARS, *MAPPINGS)
# a different dataset takes these back to its own defaults
OF_DATASET = ("split", "preparation", "augment", "frames", "frame_rule", "image_size", "small", "subset")
# all that a scale may set (of the optimiser: only its lr)
OF_SCALE = ("dataset", "encoders", "image_size", "epochs", "batch", "optimiser", "small", "notes", "pretraining")


def coerce(kind: str, value: Any, epochs: int = 0) -> Any:
    """The value as its declared type, so that 4 and 4.0 are one. epochs: of the run, which marks are fractions of.
    Raises ValueError with what was expected."""
    if kind in ("epoch", "epochs"):
        return mark(value, epochs) if kind == "epoch" else [mark(v, epochs) for v in _list(value, "a list of epoch marks")]
    if kind in ("floats", "strs"):
        says = "a list of numbers" if kind == "floats" else "a list of words"
        return [coerce(kind[:-1] if kind == "strs" else "float", v) for v in _list(value, says)]
    if kind == "bool":
        return _expect(value, isinstance(value, bool), "true or false")
    if kind == "float":
        return float(_expect(value, _number(value), "a number"))
    if kind in ("int", "count"):
        whole = _number(value) and float(value).is_integer()
        says = "a whole number of at least 1" if kind == "count" else "a whole number"
        return int(_expect(value, whole and (kind == "int" or value >= 1), says))
    if kind == "str":
        return _expect(value, isinstance(value, str), "a word")
    words = kind.split("|")
    return _expect(value, isinstance(value, str) and value in words, f"one of {', '.join(words)}")


def mark(value: Any, epochs: int) -> int:
    """A mark on the epoch axis: an integer stays; { of, at } is at/of of the epochs, and at least 1 where `at` is."""
    if not isinstance(value, Mapping):
        return int(_expect(value, _number(value) and float(value).is_integer() and value >= 0, "an epoch, or { of = 100, at = 69 }"))
    good = set(value) == {"of", "at"} and all(type(v) is int for v in value.values()) and value["of"] >= 1 and value["at"] >= 0
    _expect(value, good, "an epoch mark { of = 100, at = 69 }")
    if value["of"] == epochs:
        return value["at"]
    return max(min(1, value["at"]), math.floor(epochs * value["at"] / value["of"] + 0.5))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 2**53


def _list(value: Any, says: str) -> list[Any]:
    return _expect(value, isinstance(value, list), says)


def _expect(value: Any, good: bool, says: str) -> Any:
    if not good:
        raise ValueError(f"expected {says}, found {value!r}")
    return value
