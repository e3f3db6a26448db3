"""Records of every cell of the suite, with made-up numbers: what a report has to cope with. The numbers are no results of anybody."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench import published, records, resolve
from mmbench.spec import READINGS, Cell, Job
from tests import samples

RELATED = {"%": 70.0, "": 0.5, "×": 1.5}


def cells(scales: Iterable[str] = ("demo",), readings: Iterable[str] = READINGS) -> dict[str, list[Cell]]:
    """Key -> the cells that it stands behind, of the whole suite."""
    found: dict[str, list[Cell]] = {}
    readings = tuple(readings)
    for scale in scales:
        for id in published.ids():
            for reading in readings:
                for cell in resolve.cells(published.load(id), scale, reading):
                    if cell.state == "run":
                        found.setdefault(cell.key, []).append(cell)
    return found


def selections(behind: Iterable[Cell], seed: int) -> dict[str, Any]:
    """What a record says of these views: about what is printed, a shift that the seed gives all runs, and noise."""
    found: dict[str, Any] = {label: {"epoch": 9, "values": {}} for label in ("last", "best-test")}
    for cell in behind:
        assert cell.view is not None
        printed = cell.published or ""
        level = float(printed) if printed.replace(".", "", 1).isdigit() else RELATED.get(cell.unit, 1.0)
        noise = sum(random.Random(name).gauss(0, 0.005) for name in (f"{seed}", f"{cell.key} {seed} {cell.metric}"))
        for label in {"last", "best-test", cell.view.selection}:
            drop = 0.99 if label == "last" else 1.0
            value = round(level * drop * (1 + noise), 5)
            found.setdefault(label, {"epoch": 9, "values": {}})["values"][cell.view.name] = value
    return found


def record(behind: list[Cell], seed: int, scale: str = "full", group: str = "local") -> dict[str, Any]:
    """One run, as training would write it."""
    cell = behind[0]
    facts = published.datasets()[str(cell.run["dataset"])]
    listed = facts.splits.get(str(cell.run.get("split")), {}).get("test", 600)
    return samples.record(
        Job(cell.key, seed, cell.run, (), scale),
        group=group,
        result={"evaluated": {"test": listed}, "selections": selections(behind, seed)},
        data={"stand_in": facts.stand_in},
    )


def write(of: Mapping[str, list[Cell]], seeds: Iterable[int], group: str = "local") -> Iterator[Path]:
    """The files of these records, without the safety that real ones are written with: it would cost minutes for many."""
    numbers = tuple(seeds)
    for behind in of.values():
        for seed in numbers:
            one = record(behind, seed, group=group)
            file = records.path(one["run"], one["key"], seed, group)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
            yield file
