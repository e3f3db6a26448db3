"""Is a prepared store sound, is it complete, and can numbers from it stand beside the published ones? Reads the store alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep.dataset import Dataset
from datasets_prep.lists import few
from mmbench import prepared
from mmbench.errors import UserError
from mmbench.rows import Rows, file, header

Progress = Callable[[int, int], None]


def examine(dataset: Dataset, root: Path, quick: bool, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """Everything that `mmbench data verify` says, as plain data. quick: files and lengths only, no digests.
    UserError (Blocked) where nothing is prepared."""
    facts, home = prepared.meta(root, dataset.id), prepared.home(root, dataset.id)
    index, broken = _read(home, "index.json", {"keys": [], "groups": []})
    broken += _files(home, facts, index)
    if not broken and not quick:
        broken = _digests(home, facts, progress)
    present = {} if broken else {name: np.load(file(home, name, "digests")).any(1) for name in facts["arrays"]}
    splits = [_split(dataset, facts, index, present, home, name) for name in facts["overlap"]] if not broken else []
    return {
        "dataset": dataset.id, "version": facts["version"], "sound": not broken, "broken": broken, "imitation": facts["imitation"],
        "items": facts["items"], "expected_items": dataset.expected.rows, "groups": facts["groups"],
        "arrays": [{"name": n, "present": a["present"], "of": facts["items"], "says": a["says"]} for n, a in facts["arrays"].items()],
        "splits": splits, "unavailable": facts["unavailable"], "skipped": facts["skipped"], "notes": facts["notes"],
        "known_bad": {key: why for key, why in dataset.expected.known_bad.items() if key in set(index["keys"])},
        "twins": _twins(home, facts, index, [s["name"] for s in splits]) if not broken else [],
        "comparable": any(s["comparable"] for s in splits), "libraries": facts["libraries"], "evidence": dataset.expected.evidence,
    }  # fmt: skip


def _read(home: Path, name: str, instead: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A file of the store; where it is gone or damaged, what to go on with, and a line that says so."""
    try:
        return prepared.read(home / name), []
    except UserError as error:
        return instead, [str(error).removeprefix(f"{home}/").removesuffix(": prepare the dataset again")]


def _files(home: Path, facts: Mapping[str, Any], index: Mapping[str, Any]) -> list[str]:
    """What is missing or of the wrong size."""
    broken = []
    if len(index["keys"]) != facts["items"] or len(index["groups"]) != facts["items"]:
        broken.append("index.json does not belong to meta.json")
    for name, array in facts["arrays"].items():
        try:
            shape, dtype, _ = header(file(home, name))
            rows = header(file(home, name, "digests"))[0][0]
            expected = (array["entries"] if array["ragged"] else facts["items"], *array["shape"])
            if (shape, str(dtype), rows) != (expected, array["dtype"], facts["items"]):
                broken.append(f"{name}.npy holds {dtype} {shape}, expected {array['dtype']} {expected}")
            if array["ragged"] and int(np.load(file(home, name, "offsets"))[-1]) != array["entries"]:
                broken.append(f"{name}.offsets.npy does not belong to {name}.npy")
        except (UserError, OSError, ValueError) as error:
            broken.append(str(error).removeprefix(f"{home}/"))
    for name in facts["overlap"]:
        split, lost = _read(home, f"splits/{name}.json", {"parts": {}})
        broken += lost
        listed = (trials for part in split["parts"].values() for trials in part.get("trials", []))
        broken += [f"trials/{trials}.txt is missing" for trials in listed if not (home / "trials" / f"{trials}.txt").exists()]
    return broken


def _digests(home: Path, facts: Mapping[str, Any], progress: Progress) -> list[str]:
    """Arrays of which a row is no longer what was written."""
    broken, total, done = [], len(facts["arrays"]) * facts["items"], 0
    for name, array in facts["arrays"].items():
        rows = Rows(home, name, array["kind"], np.arange(facts["items"]))
        digests, bad = rows.digests, []
        if hashlib.sha256(digests.tobytes()).hexdigest() != array["sha256"]:
            broken.append(f"{name}.digests.npy is damaged")
        for i in range(len(rows)):
            if digests[i].any() and hashlib.sha256(np.ascontiguousarray(rows.row(i)).data).digest() != digests[i].tobytes():
                bad.append(i)
            done += 1
            progress(done, total)
        if bad:
            broken.append(f"{name}.npy: {len(bad):,} of {len(rows):,} rows are damaged (rows {few(bad)})")
    return broken


def _split(
    dataset: Dataset, facts: Mapping[str, Any], index: Mapping[str, Any], present: Mapping[str, Any], home: Path, split: str
) -> dict[str, Any]:
    listed = prepared.read(home / "splits" / f"{split}.json")
    position = {key: i for i, key in enumerate(index["keys"])}
    expected, totals = dataset.expected.counts.get(split, {}), dataset.expected.totals.get(split, {})
    views: dict[tuple[int, ...], dict[str, Any]] = {}
    for name in facts["preparations"]:
        arrays, lacking = _arrays(facts, name)
        if len(lacking) == len(facts["preparations"][name]) or (lacking and len(facts["preparations"]) > 1):
            continue  # nothing of it, or its pictures alone, which others have too
        there = [present[a] for a in arrays]
        parts = {p: _part(listed["parts"][p], position, there, expected.get(p, {}), totals.get(p)) for p in listed["parts"]}
        for part, found in parts.items():
            found["trials"] = _trials(home, listed["parts"][part].get("trials", []), found["missing"], dataset.expected.trials)
        counts = tuple(part["found"] for part in parts.values())
        views.setdefault(counts, {"preparations": [], "lacking": lacking, "parts": parts})["preparations"].append(name)
    shown = [view | _comparable(dataset, facts, listed, split, view["parts"], bool(expected or totals)) for view in views.values()]
    return {
        "name": split, "rule": listed["rule"], "lists": listed["lists"], "known": listed["known"], "views": shown,
        "overlap": facts["overlap"][split], "comparable": any(view["comparable"] for view in shown),
    }  # fmt: skip


def _arrays(facts: Mapping[str, Any], preparation: str) -> tuple[list[str], list[str]]:
    """The prepared arrays behind a preparation, and the modalities of which none is prepared."""
    found, lacking = [], []
    for modality, given in facts["preparations"][preparation].items():
        there = [a for a in ([given] if isinstance(given, str) else given.values()) if a in facts["arrays"]]
        found += there
        lacking += [] if there else [modality]
    extras = [given if isinstance(given, str) else given[preparation] for given in facts["extras"].values()]
    lacking += [name for name in extras if name not in facts["arrays"]]
    return found + [name for name in extras if name in facts["arrays"]], lacking


def _part(
    listed: Mapping[str, Any], position: Mapping[str, int], present: Sequence[Any], expected: Mapping[str, int], total: int | None
) -> dict[str, Any]:
    of = listed.get("of", listed["keys"])
    there = [key in position and all(p[position[key]] for p in present) for key in of]
    classes = {name: {"listed": 0, "found": 0, "expected": expected.get(name)} for name in (*expected, *sorted(set(listed["labels"])))}
    times = _times(listed)
    for label, found, count in zip(listed["labels"], there, times, strict=True):
        classes[label]["listed"] += count
        classes[label]["found"] += count * found
    found = sum(count for count, is_there in zip(times, there, strict=True) if is_there)
    return {
        "listed": sum(times), "found": found, "expected": sum(expected.values()) or total, "classes": classes,
        "missing": [key for key, found in zip(listed["keys"], there, strict=True) if not found],
    }  # fmt: skip


def _trials(home: Path, names: Iterable[str], missing: Sequence[str], expected: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """List name -> its trials, those of which both items are there, and how many are published."""
    found, lost = {}, set(missing)
    for name in names:
        pairs = [line.split()[1:] for line in (home / "trials" / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
        found[name] = {"listed": len(pairs), "found": sum(lost.isdisjoint(pair) for pair in pairs), "expected": expected.get(name)}
    return found


def _times(listed: Mapping[str, Any]) -> list[int]:
    """How many items each listed name stands for: one, or all pairs that are drawn from a row."""
    if "pairs" not in listed:
        return [1] * len(listed["keys"])
    return [count * listed["pairs"]["rounds"] for count in listed["pairs"]["counts"]]


def _comparable(
    dataset: Dataset, facts: Mapping[str, Any], listed: Mapping[str, Any], split: str, parts: Mapping[str, Any], known: bool
) -> dict[str, Any]:
    """Can numbers from this split stand beside published ones, and why not. Clips known to be bad in every copy may be missing
    from training and validation; the papers' copies had them no better."""
    why = []
    if facts["imitation"]:
        why.append("it is an imitation")
    if listed["rule"]:
        why.append(f"the split is our own rule, not a published list ({listed['rule']})")
    elif not known:
        why.append("nothing is published about the counts of this split")
    wrong = [name for name, right in listed["known"].items() if right is False]
    if wrong:
        why.append(f"{few(wrong)}: not the known file (its checksum differs, whatever the line ends)")
    for name, part in parts.items():
        off = [c for c, n in part["classes"].items() if known and n["expected"] is not None and n["listed"] != n["expected"]]
        if not off and known and part["expected"] not in (None, part["listed"]):
            why.append(f"{name} lists {part['listed']:,} items, {part['expected']:,} are published")
        if off:
            why.append(f"{name} lists other counts than published for {few(off)}")
        lost = [key for key in part["missing"] if name == "test" or key not in dataset.expected.known_bad]
        if lost:
            what = {"train": "training", "val": "validation"}.get(name, name)
            why.append(f"{part['found']:,} of {part['listed']:,} {what} items found: {few(lost)} missing")
        why += _untried(part["trials"])
    if any(part["trials"] for part in parts.values()):
        shared = ((o["groups"], pair) for pair, o in facts["overlap"][split].items() if o["groups"])
        why += [f"{dataset.groups}s who are verified were trained on: {count} in {pair.replace(', ', ' and ')}" for count, pair in shared]
    return {"comparable": not why, "why": why}


def _untried(trials: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for name, n in trials.items():
        if n["expected"] not in (None, n["listed"]):
            yield f"{name} lists {n['listed']:,} trials, {n['expected']:,} are published"
        if n["found"] != n["listed"]:
            yield f"{n['found']:,} of {n['listed']:,} trials of {name} have both items: a run stops at the others: take them out"


def _twins(home: Path, facts: Mapping[str, Any], index: Mapping[str, Any], splits: Iterable[str]) -> list[dict[str, Any]]:
    """Items with equal content under two names, and the split parts in which both stand."""
    pairs: dict[tuple[str, ...], list[str]] = {}
    for name, array in facts["arrays"].items():
        if array["kind"] == "values":
            continue
        digests = [bytes(d) for d in np.load(file(home, name, "digests"))]
        again = {d for d, count in Counter(digests).items() if count > 1 and any(d)}
        for digest in sorted(again):
            keys = tuple(index["keys"][i] for i, d in enumerate(digests) if d == digest)
            pairs.setdefault(keys, []).append(name)
    where: dict[str, list[str]] = {}
    for split in splits:
        for part, listed in prepared.read(home / "splits" / f"{split}.json")["parts"].items():
            for key in set(listed["keys"]) & {key for keys in pairs for key in keys}:
                where.setdefault(key, []).append(f"{split}/{part}")
    return [{"keys": list(keys), "arrays": arrays, "in": {k: where.get(k, []) for k in keys}} for keys, arrays in sorted(pairs.items())]
