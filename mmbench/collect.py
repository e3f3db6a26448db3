"""Records -> one pandas frame, a row per (key, seed, group, selection, metric)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = (
    "key", "seed", "group", "status", "dataset", "split", "method", "head", "device_kind", "fingerprint", "stand_in", "imitation",
    "selection", "metric", "value", "n_test", "train_loss", "seconds", "peak_memory_mb", "commit", "dirty", "started",
)  # fmt: skip
OWN = ("selection", "metric", "value")  # what a record has several of


def frame(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """All values of all selections, long. A diverged record is one row with selection "", metric "" and value NaN; its
    status says what it is, and it never looks like a number."""
    values: list[tuple[str, str, float]] = []
    common: dict[str, list[Any]] = {column: [] for column in COLUMNS if column not in OWN}
    counts = []
    for record in records:
        found = _values(record["result"])
        values += found
        counts.append(len(found))
        for column, content in _common(record).items():
            common[column].append(content)
    many = np.array(counts, int)
    rows = {column: np.repeat(_array(content), many) for column, content in common.items()}
    rows |= {column: _array(content) for column, content in zip(OWN, list(zip(*values, strict=True)) or ([], [], []), strict=True)}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": float, "train_loss": float})


def _array(content: Sequence[Any]) -> np.ndarray:
    """Numbers and words as they are: numpy's own strings would cut and copy them."""
    return np.array(content, object if not content or isinstance(content[0], str) else None)


def _values(result: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    if result["status"] == "diverged":
        return [("", "", math.nan)]
    return [(label, metric, value) for label, chosen in result["selections"].items() for metric, value in chosen["values"].items()]


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    run, result, data, around = record["run"], record["result"], record["data"], record["environment"]
    loss = result.get("train_loss")
    return {
        "key": record["key"], "seed": record["seed"], "group": record["group"], "status": result["status"],
        "dataset": run["dataset"], "split": run.get("split", ""), "method": run["method"], "head": run.get("head", ""),
        "device_kind": around.get("device_kind", ""), "fingerprint": data.get("fingerprint", ""),
        "stand_in": bool(data.get("stand_in")), "imitation": bool(data.get("imitation")),
        "n_test": result.get("evaluated", {}).get("test", 0), "train_loss": math.nan if loss is None else loss,
        "seconds": around.get("seconds", {}).get("total", math.nan), "peak_memory_mb": around.get("peak_memory_mb", math.nan),
        "commit": around.get("commit", ""), "dirty": bool(around.get("dirty")), "started": around.get("started", ""),
    }  # fmt: skip
