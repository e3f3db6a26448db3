"""Items that are pairs drawn by rule, far more than anybody would list: which picture of each kind meets which.

A split lists rows of ragged arrays, such as all pictures of one digit, and of each how many of its first entries take part. Every
round shuffles those of each modality anew, and pairs them in that order. Nothing is written out: the order depends on the names
alone, by a bit stream that numpy promises to keep and a stable sort.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np


@dataclass(frozen=True)
class Keys(Sequence[str]):
    """The names of all pairs, made when asked for: `train-3/07/00042` is pair 42 of round 7 of row `train-3`."""

    rows: tuple[str, ...]
    counts: tuple[int, ...]  # entries of each row that take part
    rounds: int
    seed: int

    def __len__(self) -> int:
        return self.rounds * sum(self.counts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        row = bisect_right(self._starts, index) - 1
        turn, place = divmod(index - self._starts[row], self.counts[row])
        return f"{self.rows[row]}/{turn:02}/{place:05}"

    def __iter__(self) -> Iterator[str]:
        for row, count in zip(self.rows, self.counts, strict=True):
            for turn in range(self.rounds):
                yield from (f"{row}/{turn:02}/{place:05}" for place in range(count))

    @cached_property
    def _starts(self) -> list[int]:
        """The first pair of each row."""
        return [self.rounds * sum(self.counts[:row]) for row in range(len(self.rows))]

    @property
    def says(self) -> list[Any]:
        """What names all of them, for a fingerprint."""
        return [self.rows, self.counts, self.rounds, self.seed]

    def of(self, values: Sequence[int] | np.ndarray) -> np.ndarray:
        """One value per row -> one per pair."""
        return np.repeat(np.asarray(values, np.int64), np.array(self.counts) * self.rounds)

    def entries(self, modality: str) -> np.ndarray:
        """Which entry of its row each pair takes of this modality; int64."""
        return np.concatenate([self._shuffled(row, count, modality) for row, count in zip(self.rows, self.counts, strict=True)])

    def _shuffled(self, row: str, count: int, modality: str) -> np.ndarray:
        """`rounds` orders of 0 to count - 1, one after the other."""
        name = hashlib.sha256(f"{self.seed}/{row}/{modality}".encode()).digest()
        numbers = np.random.Philox(key=int.from_bytes(name[:16], "little")).random_raw(self.rounds * count)
        return np.asarray(numbers).reshape(self.rounds, count).argsort(1, kind="stable").ravel()


def keys(listed: Mapping[str, Any], rows: Sequence[str]) -> Keys:
    """The pairs that a split's part stands for, of those of its rows that are there."""
    counts = dict(zip(listed["keys"], listed["pairs"]["counts"], strict=True))
    return Keys(tuple(rows), tuple(counts[row] for row in rows), listed["pairs"]["rounds"], listed["pairs"]["seed"])
