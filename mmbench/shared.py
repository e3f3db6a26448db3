"""What the sections of one page have in common, told once: their settings, what columns share, where the runs come from, what differs
from the paper's setting, and what is said of each column."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mmbench import details, layout
from mmbench.details import Details, Settings
from mmbench.grid import Grid, Page

Thing = TypeVar("Thing", bound=Hashable)
TOKEN = re.compile(r"\s+|[,;:()]|\.(?=\s|$)|(?:[^\s,;:().]|\.(?!\s|$))+")
SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z±])")


@dataclass(frozen=True)
class Listing:
    """Settings of some columns, or of all values (no columns). like: the section that has told them for the same columns; then
    `settings` are only what is other or more here, `without` the names of what is not here."""

    columns: tuple[str, ...]
    settings: Settings
    like: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A sentence on several columns: `head`, then for each text its columns, then `tail`. No parts: it is the same for all."""

    head: str
    parts: tuple[tuple[tuple[str, ...], str], ...] = ()
    tail: str = ""


@dataclass(frozen=True)
class Section:
    """One section and what is its own. settings: of all values, then of columns; notes: ids of the ledger, by columns' labels, beyond
    those of the section `noted`; lines: each a few sentences; origin: (what, text) on
    its runs; unchanged: what is as in the section before, whose name stands beside."""

    grid: Grid
    known: Details
    settings: tuple[Listing, ...]
    notes: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    noted: str
    lines: tuple[tuple[Line, ...], ...]
    origin: tuple[tuple[str, str], ...]
    unchanged: tuple[tuple[str, ...], str]


def sections(page: Page) -> tuple[Section, ...]:
    """The sections of a page, each without what an earlier one has told."""
    told: dict[tuple[str, ...], dict[str, Settings]] = {}
    found: list[Section] = []
    for grid in page.grids:
        known = details.of(grid)
        listed = tuple(_like(columns, settings, told, grid.name) for columns, settings in _settings(grid, known))
        found.append(Section(grid, known, listed, *_noted(grid, found), merged(grid), *_origin(grid, found)))
    return tuple(found)


def _settings(grid: Grid, known: Details) -> list[tuple[tuple[str, ...], Settings]]:
    """The settings of all values, then of every set of columns."""
    return [*([((), known.shared)] if known.shared else []), *_by_columns(grid, known.columns)]


def _noted(grid: Grid, found: Sequence[Section]) -> tuple[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...], str]:
    """The notes of a section, without those of an earlier one all of whose are here too; and that one's name, or ""."""
    mine = {(columns, id): None for columns, ids in _notes(grid) for id in ids}
    known = ({(columns, id): None for columns, ids in _notes(section.grid) for id in ids} for section in found)
    names = [(section.grid.name, theirs) for section, theirs in zip(found, known, strict=True) if theirs and theirs.keys() <= mine.keys()]
    name, theirs = max(names, key=lambda one: len(one[1]), default=("", {}))
    groups: dict[tuple[str, ...], list[str]] = {}
    for columns, id in mine:
        if (columns, id) not in theirs:
            groups.setdefault(columns, []).append(id)
    return tuple((columns, tuple(ids)) for columns, ids in groups.items()), name


def _notes(grid: Grid) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    every = tuple(note.id for note in grid.footnotes if note.everywhere)
    return [*([((), every)] if every else []), *notes(grid)]


def notes(grid: Grid) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The ledger's ids that hold for every value of some columns, by these columns' labels."""
    return _by_columns(grid, {block.column.id: block.footnotes for block in grid.blocks})


def _by_columns(grid: Grid, having: Mapping[str, Iterable[Thing]]) -> list[tuple[tuple[str, ...], tuple[Thing, ...]]]:
    """What the same columns have stands together, under their labels."""
    labels = {block.column.id: block.column.label for block in grid.blocks}
    columns: dict[Thing, list[str]] = {}
    for column, things in having.items():
        for thing in things:
            columns.setdefault(thing, []).append(labels[column])
    groups: dict[tuple[str, ...], list[Thing]] = {}
    for thing, those in columns.items():
        groups.setdefault(tuple(those), []).append(thing)
    return [(those, tuple(things)) for those, things in groups.items()]


def _like(columns: tuple[str, ...], settings: Settings, told: dict[tuple[str, ...], dict[str, Settings]], name: str) -> Listing:
    """Against the earlier section that is most like it, if that makes it shorter. told: what was listed, by columns and section."""
    earlier = told.setdefault(columns, {})
    options = [Listing(columns, settings)]
    for section, theirs in earlier.items():
        other = tuple(setting for setting in settings if setting not in theirs)
        options.append(Listing(columns, other, section, tuple(name for name, _ in theirs if name not in dict(settings))))
    earlier[name] = settings
    return min(options, key=lambda one: len(one.settings) + len(one.without) + bool(one.like))


def _origin(grid: Grid, found: Sequence[Section]) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, ...], str]]:
    made = tuple(layout.origin(grid.provenance)) if grid.provenance.runs else ()
    before = next((section.grid for section in reversed(found) if section.grid.provenance.runs), None)
    old = set(layout.origin(before.provenance)) if before else set()
    same = tuple(what for what, text in made if (what, text) in old)
    return tuple(one for one in made if one not in old), (same, before.name if before and same else "")


def merged(grid: Grid) -> tuple[tuple[Line, ...], ...]:
    """The lines of all columns: those that begin with the same three words are one, in which what all say stands once."""
    kinds: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for block in grid.blocks:
        for line in block.lines:
            kinds.setdefault(tuple(line.split()[:3]), {})[block.column.label] = SENTENCE.split(line)
    lines: list[tuple[Line, ...]] = []
    for said in kinds.values():
        length = {len(sentences) for sentences in said.values()}
        several = range(length.pop()) if len(length) == 1 else ()
        parts = [{label: sentences[i] for label, sentences in said.items()} for i in several]
        parts = parts or [{label: " ".join(sentences) for label, sentences in said.items()}]
        lines.append(tuple(_line(part, every=len(part) == len(grid.blocks)) for part in parts))
    return tuple(lines)


def _line(said: Mapping[str, str], every: bool) -> Line:
    if every and len({*said.values()}) == 1:
        return Line(next(iter(said.values())))
    tokens = [TOKEN.findall(line) for line in said.values()]
    head = _alike(tokens, min(map(len, tokens)) - 1)
    tail = _alike([line[::-1] for line in tokens], min(map(len, tokens)) - head - 1)
    while tail and any(line[head : len(line) - tail].count("(") != line[head : len(line) - tail].count(")") for line in tokens):
        tail -= 1
    parts: dict[str, list[str]] = {}
    for label, line in zip(said, tokens, strict=True):
        parts.setdefault("".join(line[head : len(line) - tail]).strip(), []).append(label)
    first = tokens[0]
    return Line("".join(first[:head]), tuple((tuple(v), k) for k, v in parts.items()), "".join(first[len(first) - tail :]))


def _alike(lines: Sequence[Sequence[str]], most: int) -> int:
    """How many tokens all of them begin with."""
    return next((i for i in range(most) if len({line[i] for line in lines}) > 1), max(most, 0))


def deviations(grids: Iterable[Grid]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """(sections, rows) of what differs from the paper's setting in the measured ones: setting, paper, and what each section has, ""
    where none of its values differs so."""
    shown = [grid for grid in grids if grid.deviations and grid.measured]
    found = sorted({(one.setting, one.paper): None for grid in shown for one in grid.deviations})
    here = [{(one.setting, one.paper): one.here for one in grid.deviations} for grid in shown]
    return tuple(grid.name for grid in shown), tuple((*key, *(one.get(key, "") for one in here)) for key in found)
