"""The levels that a cell's settings come from, and their merge: the last that says something wins, leaf by leaf (decisions B3).

    recipe < recipe.methods < table < table.methods < column < row < value, then the same under [released], then under [scale.X]

Below every recipe stand [defaults], and the recipe that it extends. Beside [methods.M] there are [heads.H] and [optimisers.O].
A parameter belongs to the component that its level sees: `params` written for one method never reach another. So a level that
names another method (head, model, optimiser, schedule, encoder) starts that one's parameters afresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.fields import OF_DATASET, PARAMETERS, SCALARS
from mmbench.locate import Where, wrong


@dataclass(frozen=True)
class Level:
    """Settings that stand in one place of one file."""

    file: Path
    where: Where
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A value and the level that it came from; `where` is its own path in that level's file."""

    value: Any
    level: Level
    where: Where

    def wrong(self, says: str) -> Exception:
        return wrong(self.level.file, self.where, says)


@dataclass
class Slot:
    """One component: its name, and the parameters written for each name that it ever had."""

    name: Leaf | None = None
    given: dict[str, dict[str, Leaf]] = field(default_factory=dict)

    def parameters(self) -> dict[str, Leaf]:
        return self.given.get(self.name.value if self.name else "", {})

    def rename(self, leaf: Leaf) -> None:
        self.name = leaf

    def put(self, name: str, leaf: Leaf) -> None:
        self.given.setdefault(self.name.value if self.name else "", {})[name] = leaf


@dataclass
class Merged:
    """All leaves of a cell: scalars and free mappings by path, components by slot ("method", "optimiser", "encoders.audio")."""

    leaves: dict[str, Leaf] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    notes: list[Leaf] = field(default_factory=list)

    def slot(self, name: str) -> Slot:
        """A modality's encoder without an entry of its own begins as what was said for all."""
        if name not in self.slots:
            self.slots[name] = _copy(self.slots.get("encoders.all") if name.startswith("encoders.") else None)
        return self.slots[name]

    def get(self, name: str) -> Any:
        return self.leaves[name].value if name in self.leaves else None


def blocks(scale: str, reading: str) -> list[Where]:
    """The ladders to climb, as paths into a file: (), ("released",), ("scale", "demo")."""
    found: list[Where] = [()]
    if reading == "released":
        found.append(("released",))
    if scale != "full":
        found.append(("scale", scale))
    return found


def last(key: str, levels: Iterable[Level]) -> Leaf | None:
    """What the highest level that names `key` says."""
    found = None
    for level in levels:
        if key in level.settings:
            found = Leaf(level.settings[key], level, (*level.where, key))
    return found


def table_levels(file: Path, data: Mapping[str, Any], row: str, column: str, block: Where) -> list[Level]:
    """Table, column, row and value under one block, lowest first; the first one always stands, maybe empty."""
    base = block if block else ("table",)
    found = [Level(file, base, descend(data, base))]
    for where in (("columns", column), ("rows", row), ("values", row, column)):
        if settings := descend(data, (*block, *where)):
            found.append(Level(file, (*block, *where), settings))
    return found


def recipe_levels(file: Path, data: Mapping[str, Any], chain: Sequence[str], block: Where) -> list[Level]:
    """A recipe after the one that it extends."""
    return [Level(file, (name, *block), settings) for name in chain if (settings := descend(data, (name, *block)))]


def conditional(file: Path, data: Mapping[str, Any], blocks: Sequence[Where], names: Mapping[str, str]) -> list[Level]:
    """[methods.<m>], then [heads.<h>], then [optimisers.<o>] below each block: what applies only to cells of that one.
    names: kind -> the cell's."""
    found = []
    for kind, name in names.items():
        for block in blocks:
            where = (*block, f"{kind}s", name)
            if name and (settings := descend(data, where)):
                named = {kind: {**settings.get(kind, {}), "name": name} if kind == "optimiser" else name}
                found.append(Level(file, where, {**settings, **named}))
    return found


def names(levels: Sequence[Level]) -> dict[str, str]:
    """Kind -> what the highest level names, for the conditional levels."""
    found: dict[str, str] = dict.fromkeys(("method", "head", "optimiser"), "")
    for level in levels:
        for kind in ("method", "head"):
            found[kind] = level.settings.get(kind, found[kind])
        found["optimiser"] = level.settings.get("optimiser", {}).get("name", found["optimiser"])
    return found


def descend(data: Mapping[str, Any], where: Where) -> Mapping[str, Any]:
    found: Any = data
    for key in where:
        found = found.get(key, {})
    return found


def merge(levels: Sequence[Level], defaults: Mapping[str, Level]) -> Merged:
    """defaults: dataset id -> the level that holds its own defaults (benchmarks/datasets.toml)."""
    merged = Merged()
    for level in levels:
        dataset = level.settings.get("dataset", "")
        if dataset in defaults and dataset != merged.get("dataset"):
            for name in OF_DATASET:
                merged.leaves.pop(name, None)
            _lay(merged, defaults[dataset])
        _lay(merged, level)
    return merged


def _lay(merged: Merged, level: Level) -> None:
    settings = level.settings
    for component in PARAMETERS:
        if component in settings:
            merged.slot(component).rename(Leaf(settings[component], level, (*level.where, component)))
    for key, value in settings.items():
        where = (*level.where, key)
        if key == "notes":
            merged.notes.append(Leaf(value, level, where))
        elif key in SCALARS:
            merged.leaves[key] = Leaf(value, level, where)
        elif key in PARAMETERS.values():
            component = next(c for c, parameters in PARAMETERS.items() if parameters == key)
            _put(merged.slot(component), value, level, where)
        elif key in ("optimiser", "schedule"):
            _component(merged.slot(key), value, level, where)
        elif key == "pretraining":
            for name, inner in value.items():
                merged.leaves[f"{key}.{name}"] = Leaf(inner, level, (*where, name))
    for modality, value in settings.get("encoders", {}).items():
        _encoder(merged, modality, value, level, "encoders")
    for modality, value in settings.get("weights", {}).items():
        _encoder(merged, modality, {"weights": value}, level, "weights")


def _encoder(merged: Merged, modality: str, value: Mapping[str, Any], level: Level, key: str) -> None:
    """`all` speaks for every modality, also for those that a later level brings in. Pretrained weights belong to the encoder that
    they were given for, so another encoder starts without."""
    mine = f"encoders.{modality}"
    merged.slot(mine)
    for name in [n for n in merged.slots if n.startswith("encoders.")] if modality == "all" else [mine]:
        _component(merged.slot(name), value, level, (*level.where, key, modality))


def _copy(slot: Slot | None) -> Slot:
    return Slot(slot.name, {n: dict(given) for n, given in slot.given.items()}) if slot else Slot()


def _component(slot: Slot, value: Mapping[str, Any], level: Level, where: Where) -> None:
    if "name" in value:
        slot.rename(Leaf(value["name"], level, (*where, "name")))
    _put(slot, {k: v for k, v in value.items() if k != "name"}, level, where)


def _put(slot: Slot, values: Mapping[str, Any], level: Level, where: Where) -> None:
    for name, inner in values.items():
        slot.put(name, Leaf(inner, level, (*where, name)))
