"""What differs between the paper's own setting and the one that ran, leaf by leaf of the resolved runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmbench.spec import Cell, flatten
from mmbench.wording import DASH


@dataclass(frozen=True)
class Deviation:
    """One resolved setting that differs from the paper's own, as text."""

    setting: str
    paper: str
    here: str


def between(own: Iterable[Cell], here: Iterable[Cell]) -> tuple[Deviation, ...]:
    """The leaves of the resolved runs that differ, each once; values that vary between cells are listed side by side."""
    mine = {cell.address: flatten(cell.run) for cell in own if cell.run}
    merged: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for cell in here:
        if not cell.run or cell.address not in mine:
            continue
        before, after = mine[cell.address], flatten(cell.run)
        for leaf in {*before, *after}:
            a, b = before.get(leaf, DASH), after.get(leaf, DASH)
            if a != b and not leaf.startswith("versions."):
                theirs, ours = merged.setdefault(leaf, ({}, {}))
                theirs[plain(a)] = ours[plain(b)] = None
    return tuple(Deviation(leaf, "; ".join(a), "; ".join(b)) for leaf, (a, b) in sorted(merged.items()))


def plain(value: object) -> str:
    """A setting as text: "none" for what is empty, lists with commas."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "none" if value in ("", {}, None) else f"{value:g}" if isinstance(value, float) else str(value)
