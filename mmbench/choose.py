"""What was asked for on the command line -> tables, cells, seeds; every mistake is one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmbench import published, resolve
from mmbench.errors import UserError, unknown
from mmbench.published import Filter
from mmbench.spec import READINGS, SCALES, Cell

EVERYTHING = "all"


def filters(names: Sequence[str]) -> list[Filter]:
    """Addresses and papers -> filters. No name at all, or "all": every table."""
    if not names or EVERYTHING in names:
        return [Filter(id) for id in published.ids()]
    return published.select(names)


def tables(names: Sequence[str], scale: str | None = None, reading: str | None = None) -> list[str]:
    """The ids of the tables that are named, in the order given, each once. scale, reading: checked if given."""
    known(scale, reading)
    return list(dict.fromkeys(f.table for f in filters(names)))


def known(scale: str | None, reading: str | None) -> None:
    if scale is not None and scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if reading is not None and reading not in READINGS:
        raise unknown("reading", reading, READINGS)


def cells(names: Sequence[str], scale: str, reading: str) -> list[Cell]:
    """The cells that are named, at one scale and under one reading."""
    known(scale, reading)
    wanted = filters(names)
    found: dict[str, Cell] = {}
    for id in dict.fromkeys(f.table for f in wanted):
        mine = [f for f in wanted if f.table == id]
        found |= {c.address: c for c in resolve.cells(published.load(id), scale, reading) if any(f.matches(c) for f in mine)}
    return list(found.values())


def all_cells(scale: str) -> Iterator[Cell]:
    """Every cell of the suite at one scale, under every reading."""
    for id in published.ids():
        table = published.load(id)
        for reading in READINGS:
            yield from resolve.cells(table, scale, reading)


def seeds(count: int) -> range:
    if count < 1:
        raise UserError(f"--seeds is {count}: give 1 or more (N means the seeds 0 to N-1)")
    return range(count)


def workers(count: int | None) -> int:
    """0 where nothing was asked for: as many as there are GPUs or cores."""
    if count is not None and count < 1:
        raise UserError(f"--jobs is {count}: give 1 or more")
    return count or 0
