"""Prepared stores: where their files lie and what they say of themselves. Without torch, so that `plan` and `data` can look too.

    <root>/<dataset>/<version>/
        meta.json          what the store is: arrays, recipes, classes, sources, libraries, what was skipped and why
        index.json         {"keys": [...], "groups": [...]}: row i of every array belongs to keys[i]
        splits/<name>.json named splits: which items each part lists, with their labels
        trials/<name>.txt  only where items are verified: which pairs, see mmbench/trials.py
        <array>.npy ...    see mmbench/rows.py

`meta.json` is written last, and atomically: what it does not name does not exist. Modalities meet by key, never by position.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmbench import registry
from mmbench.errors import Blocked, UserError

FORMAT = 1  # of the files above
VERSION = str(registry.PREPARATION)  # the folder that this code writes and reads


def home(root: Path, dataset: str) -> Path:
    return root / dataset / VERSION


def read(path: Path) -> dict[str, Any]:
    """A JSON file of a store."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: prepare the dataset again") from None
    except (OSError, ValueError):
        raise UserError(f"{path} is damaged: prepare the dataset again") from None


def meta(root: Path, dataset: str) -> dict[str, Any]:
    """What a store says of itself. Blocked where the dataset is not prepared, UserError where the store is not this code's."""
    path = home(root, dataset) / "meta.json"
    if not path.exists():
        raise Blocked(f"{dataset} is not prepared in {root}: run 'mmbench data prepare {dataset} --raw DIR', or use --scale demo")
    found = read(path)
    if found.get("format") != FORMAT:
        raise UserError(f"{path}: store format {found.get('format')}, this version of mmbench reads {FORMAT}: prepare the dataset again")
    return found
