"""A run's view of a prepared store: the items of a split that have all of the modalities, joined by key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench import pairs, prepared, trials
from mmbench.datasets.data import Data, Part
from mmbench.errors import Blocked, UserError, unknown
from mmbench.prepared import home, meta, read
from mmbench.rows import Rows


def load(
    root: Path, dataset: str, split: str, preparation: str, modalities: Sequence[str], small: int = 0,
    frames: int = 1, frame_rule: str = "middle", order: str = "",
) -> Data:  # fmt: skip
    """A run's data: every item of the split that has all of the modalities, in the split's order.

    small: the first n items per class of each part, by the sha256 of their key (0: all). frames, frame_rule: which pictures of a
    clip a sample takes (`mmbench.rows.pick`). order: the name of a class order, "" for the split's own. The arrays of a part are
    `Rows`, or numpy arrays where they are small. Blocked or UserError say which command puts it right.
    """
    facts, folder = meta(root, dataset), home(root, dataset)
    if preparation not in facts["preparations"]:
        _lacking(dataset, "preparation", preparation, facts["preparations"])
    if not (folder / "splits" / f"{split}.json").exists():
        _lacking(dataset, "split", split, sorted(p.stem for p in (folder / "splits").glob("*.json")))
    listed, index = read(folder / "splits" / f"{split}.json"), read(folder / "index.json")
    chosen = {m: _array(facts, preparation, m, frame_rule) for m in modalities}
    for modality, name in chosen.items():
        if name not in facts["arrays"]:
            _lacking(dataset, f"array of {modality} for frame rule '{frame_rule}'", name, facts["arrays"])
    extras = _extras(facts, preparation)
    classes = tuple(facts["classes"][order or listed["order"]])
    position = {key: i for i, key in enumerate(index["keys"])}
    parts = {
        name: _part(folder, facts, index, position, part, classes, chosen, extras, small, (frames, frame_rule))
        for name, part in listed["parts"].items()
    }
    for name, part in parts.items():
        if not len(part):
            raise UserError(f"{dataset}: part '{name}' of split '{split}' has no item here: 'mmbench data verify {dataset}' says why")
    classes = tuple(facts["classes"].get(preparation, classes))  # those of the labels, where these are an array of their own
    fingerprint = _fingerprint([dataset, prepared.VERSION, split, preparation, *modalities], classes, parts)
    return Data(dataset, prepared.VERSION, split, classes, parts, fingerprint, imitation=facts["imitation"])


def _lacking(dataset: str, kind: str, name: str, options: Any) -> None:
    wrong = unknown(f"{kind} of {dataset}", name, options)
    raise Blocked(f"{wrong}. Prepare it: 'mmbench data prepare {dataset} --raw DIR --lists DIR' (lists: see datasets_prep/README.md)")


def _array(facts: Mapping[str, Any], preparation: str, modality: str, rule: str) -> str:
    """The array behind a modality; for pictures it depends on the frame rule."""
    given = facts["preparations"][preparation]
    if modality not in given:
        raise unknown(f"modality of {facts['dataset']}", modality, given)
    array = given[modality]
    return array if isinstance(array, str) else array.get(rule, array["*"])


def _extras(facts: Mapping[str, Any], preparation: str) -> dict[str, str]:
    """What only the task reads, such as labels per pixel: name -> array."""
    given = facts.get("extras", {}).items()
    found = {name: array if isinstance(array, str) else array[preparation] for name, array in given}
    for name, array in found.items():
        if array not in facts["arrays"]:
            _lacking(facts["dataset"], f"array of {name}", array, facts["arrays"])
    return found


def _part(
    folder: Path, facts: Mapping[str, Any], index: Mapping[str, Any], position: Mapping[str, int], listed: Mapping[str, Any],
    classes: tuple[str, ...], arrays: Mapping[str, str], more: Mapping[str, str], small: int, rule: tuple[int, str],
) -> Part:  # fmt: skip
    if "pairs" in listed:
        return _pairs(folder, facts, position, listed, classes, arrays, small)
    of = listed.get("of", listed["keys"])  # which row an item reads, where it is not its own key
    digests = [np.load(folder / f"{name}.digests.npy", mmap_mode="r") for name in {*arrays.values(), *more.values()}]
    there = [i for i, key in enumerate(of) if key in position and all(d[position[key]].any() for d in digests)]
    number = {name: c for c, name in enumerate(classes)} | {"": -1}  # "": of no class, as who is only ever verified
    labels = np.array([number[name] for name in listed["labels"]], np.int64)
    there = np.array(there, np.int64) if not small else _first(small, np.array(there, np.int64), labels, listed["keys"])
    rows = np.array([position[of[i]] for i in there], np.int64)
    keys = tuple(listed["keys"][i] for i in there)
    found = {m: _rows(folder, facts["arrays"][name], name, rows, rule, keys) for m, name in arrays.items()}
    extras = {m: Rows(folder, name, "values", rows).whole() for m, name in more.items()}
    extras |= {f"{trials.PREFIX}{name}": trials.read(folder / "trials" / f"{name}.txt", keys) for name in listed.get("trials", [])}
    return Part(found, extras.pop("labels", labels[there]), keys, tuple(index["groups"][r] for r in rows), extras)


def _pairs(
    folder: Path, facts: Mapping[str, Any], position: Mapping[str, int], listed: Mapping[str, Any], classes: tuple[str, ...],
    arrays: Mapping[str, str], small: int,
) -> Part:  # fmt: skip
    """A part whose items are pairs drawn by rule from the entries of the listed rows (`mmbench.pairs`)."""
    digests = [np.load(folder / f"{name}.digests.npy", mmap_mode="r") for name in arrays.values()]
    rows = [key for key in listed["keys"] if key in position and all(d[position[key]].any() for d in digests)]
    keys, number = pairs.keys(listed, rows), dict(zip(listed["keys"], listed["labels"], strict=True))
    labels = keys.of([classes.index(number[row]) for row in rows])
    names: Sequence[str] = keys
    chosen = None
    if small:
        chosen = _first(small, np.arange(len(keys)), labels, every := list(keys))
        names, labels = [every[i] for i in chosen], labels[chosen]
    found = {}
    for modality, name in arrays.items():
        offsets = np.load(folder / f"{name}.offsets.npy")
        entries = keys.of([offsets[position[row]] for row in rows]) + keys.entries(modality)
        entries = entries if chosen is None else entries[chosen]
        array = facts["arrays"][name]
        found[modality] = Rows(folder, name, array["kind"], entries, array["settings"], (1, "middle"), names, flat=True)
    return Part(found, labels, names)


def _rows(folder: Path, array: Mapping[str, Any], name: str, rows: np.ndarray, rule: tuple[int, str], keys: tuple[str, ...]) -> Rows:
    return Rows(folder, name, array["kind"], rows, array.get("settings", {}), rule, keys)


def _first(small: int, there: np.ndarray, labels: np.ndarray, keys: list[str]) -> np.ndarray:
    """The first `small` items of each class by the sha256 of their key, in the order of the list; all that are of no class."""
    ranked = sorted(there.tolist(), key=lambda i: hashlib.sha256(keys[i].encode()).digest())
    taken: dict[int, list[int]] = {}
    for i in ranked:
        of_class = taken.setdefault(int(labels[i]), [])
        if len(of_class) < small or labels[i] < 0:
            of_class.append(i)
    return np.array(sorted(i for of_class in taken.values() for i in of_class), np.int64)


def _fingerprint(names: Sequence[str], classes: tuple[str, ...], parts: Mapping[str, Part]) -> str:
    """sha256 over what is read: names, classes, and of every part its keys, its labels and the digests of its rows."""
    total = hashlib.sha256(json.dumps([names, classes]).encode())
    for name, part in parts.items():
        total.update(json.dumps([name, part.keys.says if isinstance(part.keys, pairs.Keys) else part.keys]).encode())
        total.update(np.ascontiguousarray(part.labels).tobytes())
        for modality in sorted(part.arrays):
            total.update(part.arrays[modality].digests.tobytes())
        for extra in part.extras.values():
            total.update(np.ascontiguousarray(extra).tobytes())
    return total.hexdigest()
