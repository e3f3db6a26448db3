"""The nouns of preparation: what a dataset's file says about its raw layout, its arrays and its splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Array:
    """One array of the store. shape: of a row, or of one entry of a ragged row. typical: entries of a ragged row, for estimates.

    kind: see mmbench.rows. canvas: pictures are of several sizes, each in the top left corner. source: the raw folder it needs.
    settings: the recipe's parameters; what the reader needs (content, window) stands among them.
    """

    shape: tuple[int, ...]
    dtype: str
    kind: str
    says: str
    source: str = ""
    ragged: bool = False
    typical: float = 1
    canvas: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry_bytes(self) -> int:
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Item:
    """One row of the store. files: source -> path of the raw file, absent where it was not found. facts: what `make` also needs."""

    key: str
    group: str
    files: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Made:
    """What became of one item. arrays: name -> row; sizes: name -> (height, width) on the canvas; skipped: name -> reason."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Split:
    """A named split as its list says, whether or not the media are there. parts: part -> (item names, class names).

    of: part -> the key of the row that each item reads, where that is not its own name. order: the default class order.
    pairs: part -> {"rounds", "seed", "counts"}: its items are pairs drawn from the first entries of its rows (`mmbench.pairs`).
    trials: part -> list name -> lines `label first second`, of its items (`mmbench.trials`).
    lists: file name -> md5 after newline normalisation; known: file name -> is that the expected one (None: nothing is known).
    rule: how it was made, where no list was read.
    """

    name: str
    parts: Mapping[str, tuple[Sequence[str], Sequence[str]]]
    order: str
    of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, kw_only=True)
    trials: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict, kw_only=True)
    lists: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, bool | None] = field(default_factory=dict)
    rule: str = ""


@dataclass(frozen=True)
class Found:
    """What lies in the raw folders. items: sorted by key; problems: what to tell before starting; settings: array -> what of its
    recipe depends on what was found (ready flow, or computed here); absent: array -> why this copy cannot give it; files: raw files
    that items are also made from, but none alone; classes: order -> names, where only the raw folders can tell them."""

    items: Sequence[Item]
    problems: Sequence[str] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[str] = ()
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """The raw folders of a dataset, by name, and the folder of the lists (None: look in the raw folders)."""

    folders: Mapping[str, Path]
    lists: Path | None = None


@dataclass(frozen=True)
class Expected:
    """What a complete copy has. counts: split -> part -> class name -> items; totals: split -> part -> items, where no more is known;
    rows: clips in all; known_bad: key -> why; trials: list name -> trials."""

    rows: int
    counts: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    known_bad: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    trials: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """One dataset: everything its file must say. The functions are plain top-level functions of that file.

    find(sources, wanted) -> Found: read the layout. make(item, wanted) -> Made: one item's rows, in a worker process.
    splits(found, sources) -> splits, and what could not be read (name -> why). imitate(folder, defects): a tiny raw tree.
    preparations: name -> modality -> array, or for pictures frame rule ("*": any other) -> array.
    extras: arrays for the task alone: name -> array, or preparation -> array. classes: order -> names (or see Found); where an order has a
    preparation's name, its labels (an extra) are numbers in it. processes: the most that make sense, where each holds a whole file.
    """

    id: str
    module: str
    arrays: Mapping[str, Array]
    preparations: Mapping[str, Mapping[str, str | Mapping[str, str]]]
    classes: Mapping[str, Sequence[str]]
    groups: str  # what a group is: "actor", "video"
    find: Callable[[Sources, Sequence[str]], Found]
    make: Callable[[Item, Sequence[str]], Made]
    splits: Callable[[Found, Sources], tuple[list[Split], dict[str, str]]]
    imitate: Callable[[Path, Sequence[str]], None]
    defects: Mapping[str, str]  # name -> what it does, for `imitate`
    expected: Expected
    layout: str  # the raw layout in one line, for messages
    folders: Sequence[str] = ("",)  # names of the raw sources; one unnamed where there is one
    extras: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    speed: float = 20.0  # items a second on one core, all arrays: README.md says which of these are measured
    processes: int = 0  # 0: any number
    memory: int = 300  # MB that one process takes at most
