"""The last step of a preparation: what the store says of itself, and the moment from which it exists.

Everything is written and brought to the disk first; `meta.json` comes last and replaces its forerunner in one step. A store never
holds a date, a path or a name of the machine: equal raw files and libraries give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets_prep import building, libraries
from datasets_prep.building import Journal
from datasets_prep.dataset import Dataset, Found, Sources, Split
from datasets_prep.imitation import marked
from mmbench import prepared
from mmbench.rows import file

if TYPE_CHECKING:
    from datasets_prep.engine import Plan


def plan(dataset: Dataset, found: Found, wanted: Sequence[str]) -> dict[str, Any]:
    """What must be equal for rows made before to be used: the index, the recipes, the libraries."""
    arrays = {name: dataset.arrays[name] for name in wanted}
    return {
        "dataset": dataset.id, "version": prepared.VERSION, "libraries": libraries.versions(),
        "keys": hashlib.sha256(json.dumps([[i.key, i.group] for i in found.items]).encode()).hexdigest(),
        "arrays": {name: [list(a.shape), a.dtype, dict(a.settings)] for name, a in arrays.items()},
    }  # fmt: skip


def raw(found: Found) -> str:
    """sha256 over sizes and times of all raw files: has anything changed since?"""
    total = hashlib.sha256()
    for item in found.items:
        total.update(json.dumps(building.stamps(item.files)).encode())
    if found.files:
        total.update(json.dumps(building.stamps({Path(path).name: path for path in found.files})).encode())
    return total.hexdigest()


def existing(root: Path, dataset: str) -> dict[str, Any] | None:
    """meta.json of the store that is there, if this code can read it."""
    path = prepared.home(root, dataset) / "meta.json"
    if not path.exists():
        return None
    found = prepared.read(path)
    return found if found.get("format") == prepared.FORMAT else None


def commit(plan: Plan, root: Path, sources: Sources, done: Journal) -> None:
    """Make the store, or add arrays and splits to one of the same raw files. done: of all rows, or empty if nothing was made."""
    dataset, home = plan.dataset, prepared.home(root, plan.dataset.id)
    kept = existing(root, dataset.id) if plan.adds else None
    splits, lacking = dataset.splits(plan.found, sources)
    plan.place.mkdir(parents=True, exist_ok=True)
    arrays = building.finish(plan.place, {name: dataset.arrays[name] for name in plan.wanted}, done) if done else {}
    meta = _meta(plan, splits, arrays, lacking, done, kept, marked(sources.folders.values()))
    _json(plan.place / "index.json", {"keys": [i.key for i in plan.found.items], "groups": [i.group for i in plan.found.items]})
    (plan.place / "splits").mkdir(exist_ok=True)
    for split in splits:
        _json(plan.place / "splits" / f"{split.name}.json", _listed(split))
        for name, lines in ((name, lines) for of in split.trials.values() for name, lines in of.items()):
            (plan.place / "trials").mkdir(exist_ok=True)
            (plan.place / "trials" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for path in plan.place.rglob("*"):
        if path.is_file():
            _to_disk(path)
    building.clear(plan.place)
    _place(plan.place, home, kept is not None)
    _json(home / "meta.json", meta)
    _to_disk(home / "meta.json")


def _place(made: Path, home: Path, adds: bool) -> None:
    """Move what was made into the store; a store of other raw files is put aside first, and removed."""
    if home.exists() and not adds:
        aside = made.with_name(f"{made.name}.replaced")
        shutil.rmtree(aside, ignore_errors=True)
        (home / "meta.json").unlink(missing_ok=True)  # from here on it is no store
        os.replace(home, aside)
        shutil.rmtree(aside)
    home.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.rglob("*")):
        target = home / path.relative_to(made)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            os.replace(path, target)
    shutil.rmtree(made)


def _meta(
    plan: Plan, splits: Sequence[Split], arrays: Mapping[str, Any], lacking: Mapping[str, str], done: Journal,
    kept: Mapping[str, Any] | None, imitation: bool,
) -> dict[str, Any]:  # fmt: skip
    dataset, before = plan.dataset, kept or {}
    groups = {item.key: item.group for item in plan.found.items}
    skipped: dict[str, dict[str, str]] = {key: dict(why) for key, why in before.get("skipped", {}).items()}
    for entry in done:
        if entry["skipped"]:
            skipped.setdefault(entry["key"], {}).update(entry["skipped"])
    notes = {**before.get("notes", {}), **{entry["key"]: entry["notes"] for entry in done if entry["notes"]}}
    overlaps = {**before.get("overlap", {}), **{split.name: overlap(_listed(split)["parts"], groups) for split in splits}}
    return {
        "format": prepared.FORMAT, "dataset": dataset.id, "version": prepared.VERSION, "imitation": imitation,
        "items": len(plan.found.items),
        "classes": {order: list(names) for order, names in dataset.classes.items()}, "groups": dataset.groups,
        "preparations": {name: dict(given) for name, given in dataset.preparations.items()}, 
        "extras": {name: given if isinstance(given, str) else dict(given) for name, given in dataset.extras.items()},
        "arrays": {**before.get("arrays", {}), **arrays}, "skipped": dict(sorted(skipped.items())), "notes": dict(sorted(notes.items())),
        "overlap": overlaps, "unavailable": {name: why for name, why in lacking.items() if name not in overlaps},
        "plan": {"keys": plan.content["keys"], "raw": plan.raw, "libraries": plan.content["libraries"]},
        "sources": _sources(done) if done else before.get("sources", {}), "libraries": plan.content["libraries"],
    }  # fmt: skip


def _sources(done: Journal) -> dict[str, Any]:
    """How many raw files were read, their bytes, and one sha256 over (key, sha256) of every item."""
    files, size, items, total = 0, 0, {}, hashlib.sha256()
    for row, entry in enumerate(done):
        total.update(f"{', ' if row else '['}{json.dumps([entry['key'], entry['source']])}".encode())
        sizes = [size for _, size, _ in entry["stamps"] if size is not None]
        files, size = files + len(sizes), size + sum(sizes)
        if entry["source"]:
            items[entry["key"]] = entry["source"]
    total.update(b"]")
    return {"files": files, "bytes": size, "sha256": total.hexdigest(), "items": items}


def _listed(split: Split) -> dict[str, Any]:
    parts = {}
    for part, (keys, labels) in split.parts.items():
        parts[part] = {"keys": list(keys), "labels": list(labels)}
        if part in split.of:
            parts[part]["of"] = list(split.of[part])
        if part in split.pairs:
            parts[part]["pairs"] = dict(split.pairs[part])
        if part in split.trials:
            parts[part]["trials"] = list(split.trials[part])
    return {"order": split.order, "rule": split.rule, "lists": dict(split.lists), "known": dict(split.known), "parts": parts}


def overlap(parts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """ "train, test" -> how many groups (actors, videos) stand in both parts, some of them, and how many items that touches."""
    found = {}
    of = {name: [groups.get(key, key) for key in part.get("of", part["keys"])] for name, part in parts.items()}
    names = list(parts)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            both = set(of[one]) & set(of[other])
            found[f"{one}, {other}"] = {
                "groups": len(both), "some": sorted(both)[:5],
                "items": [sum(g in both for g in of[one]), sum(g in both for g in of[other])],
            }  # fmt: skip
    return found


def _json(path: Path, content: Any) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    os.replace(part, path)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def arrays_on_disk(home: Path, name: str) -> list[Path]:
    """The files of one array."""
    return [path for what in ("", "offsets", "sizes", "digests") if (path := file(home, name, what)).exists()]
