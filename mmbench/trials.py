"""Trial lists of speaker verification: pairs of items, and whether one person speaks in both.

A list is a text file of lines `label first second`, label 1 for one speaker and 0 for two, separated by spaces (VoxCeleb's own) or
commas (MMCosine's). A part of a dataset holds its lists in `extras`, by the name `trials.<list>`: n x 3 int64, the positions of both
items in the part, and the label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.errors import UserError

PREFIX = "trials."


def read(path: Path, keys: Sequence[str]) -> np.ndarray:
    """The list as positions in `keys`. UserError in one line for a line that is no trial, and where items are not there."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"trial list {path}: cannot be read ({error})") from None
    position, found, lacking = {key: i for i, key in enumerate(keys)}, [], {}
    for number, line in enumerate(lines, 1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise UserError(f"{path}:{number}: expected 'label first second' with a label of 0 or 1, found '{line.strip()[:60]}'")
        pair = [position.get(name.lstrip("/"), -1) for name in fields[1:]]
        lacking |= {name: number for name, place in zip(fields[1:], pair, strict=True) if place < 0 and name not in lacking}
        found.append((*pair, int(fields[0])))
    if lacking:
        name, number = next(iter(lacking.items()))
        others = f", nor are {len(lacking) - 1} others of this list" if len(lacking) > 1 else ""
        raise UserError(f"{path}:{number}: '{name}' is not prepared{others}: prepare the dataset again with it, or mend the list")
    return checked(np.array(found, np.int64).reshape(-1, 3), len(keys), str(path))


def checked(trials: np.ndarray, items: int, name: str) -> np.ndarray:
    """The same trials. UserError where one names no item of the part, or where pairs of one kind are missing."""
    if trials.ndim != 2 or trials.shape[1] != 3:
        raise UserError(f"{name}: trials are an array of {trials.shape}, expected n x 3: first, second, label")
    outside = ((trials[:, :2] < 0) | (trials[:, :2] >= items)).any(1)
    if outside.any():
        raise UserError(f"{name}: trial {int(outside.argmax())} names item {int(trials[outside.argmax(), :2].max())} of {items}")
    if (kinds := set(np.unique(trials[:, 2]).tolist())) != {0, 1}:
        raise UserError(f"{name}: labels {sorted(kinds)}, expected pairs of one speaker (1) and of two (0)")
    return trials


def of(extras: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """List name -> trials, of a part's extras, in their order."""
    return {name.removeprefix(PREFIX): np.asarray(found) for name, found in extras.items() if name.startswith(PREFIX)}
