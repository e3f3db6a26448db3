"""One stored array: N rows of one dtype in one `.npy` file, fixed or ragged, read by position.

    <name>.npy          N x shape, or (ragged) total x shape where a row is a run of entries
    <name>.offsets.npy  ragged only: N + 1 (int64), row i is entries offsets[i] to offsets[i + 1]
    <name>.sizes.npy    only where pictures of several sizes share a canvas: N x 2 (int32), height and width from the top left corner
    <name>.digests.npy  N x 32 (uint8): the sha256 of each row's bytes; zeros where the row is absent

Rows are read with `pread` into one buffer: about twice as fast as touching a memory map page by page, and a training process
does not grow by what it has read. A batch of absent rows is never asked for: splits list only what is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mmbench.errors import UserError

KINDS = ("spectrogram", "frames", "wave", "values")  # frames: uint8 H x W x C; wave: int16 samples; values: as they are
DIGEST = 32  # bytes
# The two faces of an utterance with 0 to 8 and more (MMCosine's VoxCeleb2 loader, facts 1.9).
BY_COUNT = np.array([[0, 2]] * 5 + [[1, 3], [2, 4], [2, 5], [2, 6]])


def file(folder: Path, name: str, what: str = "") -> Path:
    """The file of an array, or of its "offsets", "sizes" or "digests"."""
    return folder / (f"{name}.{what}.npy" if what else f"{name}.npy")


def header(path: Path) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, dtype and the byte at which the data begin. UserError for what is no C-ordered `.npy` file of the length it states."""
    try:
        with path.open("rb") as handle:
            version = np.lib.format.read_magic(handle)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(handle)
            start = handle.tell()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): prepare the dataset again") from None
    except ValueError:
        raise UserError(f"{path}: is no numpy file: prepare the dataset again") from None
    if fortran or path.stat().st_size != start + int(np.prod(shape)) * dtype.itemsize:
        raise UserError(f"{path}: is damaged (its length is not the one it states): prepare the dataset again")
    return shape, dtype, start


class Names(Protocol):
    """Names by position: a tuple, or names that are made when asked for."""

    def __getitem__(self, index: int, /) -> str: ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Chosen rows of one array, by position. `rows`: n positions in the file (int64). settings: the recipe's parameters."""

    folder: Path
    name: str
    kind: str
    rows: np.ndarray
    settings: Mapping[str, Any] = field(default_factory=dict)
    rule: tuple[int, str] = (0, "")  # frames a sample and the rule that picks them, where kind is "frames"
    salt: Names = ()  # names of the items: what "random" means for an item that must stay the same in every epoch
    flat: bool = False  # `rows` are entries of a ragged array, each a row of its own

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _layout(self) -> tuple[tuple[int, ...], np.dtype, int, int]:
        """Shape of a row (fixed) or of an entry (ragged), dtype, first byte, bytes of one row or entry."""
        shape, dtype, start = header(file(self.folder, self.name))
        return shape[1:], dtype, start, int(np.prod(shape[1:])) * dtype.itemsize

    @cached_property
    def _handle(self) -> int:
        return os.open(file(self.folder, self.name), os.O_RDONLY)

    @cached_property
    def offsets(self) -> np.ndarray | None:
        """N + 1 entry numbers, or None for an array of fixed rows."""
        path = file(self.folder, self.name, "offsets")
        return np.load(path) if path.exists() and not self.flat else None

    @cached_property
    def _sizes(self) -> np.ndarray | None:
        path = file(self.folder, self.name, "sizes")
        return np.load(path) if path.exists() else None

    @cached_property
    def digests(self) -> np.ndarray:
        """n x 32: the sha256 of each chosen row; of a single entry that of the row in which it stands."""
        found = np.load(file(self.folder, self.name, "digests"))
        if not self.flat:
            return found[self.rows]
        offsets = np.load(file(self.folder, self.name, "offsets"))
        return found[np.searchsorted(offsets, self.rows, "right") - 1]

    @property
    def shape(self) -> tuple[int, ...]:
        return self._layout[0]

    @property
    def dtype(self) -> np.dtype:
        return self._layout[1]

    def nbytes(self) -> int:
        """Of all chosen rows."""
        return int(self.counts(np.arange(len(self))).sum()) * self._layout[3]

    def counts(self, index: np.ndarray) -> np.ndarray:
        """Entries of each row: frames of a clip, samples of a wave. 1 for an array of fixed rows."""
        rows = self.rows[index]
        return np.ones(len(rows), np.int64) if self.offsets is None else self.offsets[rows + 1] - self.offsets[rows]

    def sizes(self, index: np.ndarray) -> np.ndarray:
        """n x 2: height and width of the picture on its canvas."""
        if self._sizes is not None:
            return self._sizes[self.rows[index]]
        return np.tile(np.array(self.shape[:2], np.int32), (len(index), 1))

    def __getitem__(self, index: Any) -> np.ndarray:
        """Whole rows of a fixed array: n x shape."""
        rows = self.rows[np.asarray(index, np.int64)]
        if self.offsets is not None:
            raise UserError(f"array '{self.name}' has rows of several lengths: read it with entries()")
        return self._read(rows, 1)

    def entries(self, index: np.ndarray, picks: np.ndarray) -> np.ndarray:
        """picks: n x T, which entries of each row, from 0. n x T x shape."""
        first = self.rows[index] if self.offsets is None else self.offsets[self.rows[index]]
        return self._read((first[:, None] + picks).ravel(), 1).reshape(*picks.shape, *self.shape)

    def runs(self, index: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
        """`length` entries from `starts` on, of each ragged row: n x length x shape."""
        assert self.offsets is not None
        found = self._read(self.offsets[self.rows[index]] + starts, length)
        return found.reshape(len(index), length, *self.shape)

    def row(self, index: int) -> np.ndarray:
        """One whole row, whatever its length."""
        count = int(self.counts(np.array([index]))[0])
        if self.offsets is None:
            return self[np.array([index])][0]
        return self._read(self.offsets[self.rows[[index]]], count)

    def _read(self, places: np.ndarray, length: int) -> np.ndarray:
        """`length` entries from each place on, one after the other."""
        shape, dtype, start, each = self._layout
        found = np.empty((len(places) * length, *shape), dtype)
        if not found.nbytes:
            return found
        view = memoryview(found.data).cast("B")
        for i, place in enumerate(places.tolist()):
            piece = view[i * each * length : (i + 1) * each * length]
            if os.preadv(self._handle, [piece], start + place * each) != len(piece):
                raise UserError(f"{file(self.folder, self.name)}: ends too early: prepare the dataset again")
        return found

    def whole(self) -> np.ndarray:
        """All chosen rows of a fixed array."""
        return self[np.arange(len(self))]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_handle"}  # a file handle does not travel to another process

    def __del__(self) -> None:
        if "_handle" in self.__dict__:
            os.close(self._handle)


def blocks(rows: Rows, size: int) -> Iterator[np.ndarray]:
    """Positions 0 to n - 1, `size` at a time."""
    for first in range(0, len(rows), size):
        yield np.arange(first, min(first + size, len(rows)))


def pick(counts: np.ndarray, frames: int, rule: str, drawn: np.ndarray | None, salt: Sequence[str], training: bool = False) -> np.ndarray:
    """Which of `counts` frames of each clip a sample takes: n x frames, ascending.

    rule: "middle", "first"; "uniform": the centre of each of `frames` equal parts; "thirds": in training a random one of each
    part, in a test its first; "random": in training any, in a test the middle; "random-test": any, in a test always the same
    one of an item; "by-count": in training two by MMCosine's list, in a test the third alone. drawn: n x frames uniform numbers
    in [0, 1), or None in a test. Clips that are too short repeat their last.
    """
    n, part = counts[:, None], np.arange(frames)[None, :]
    if rule == "by-count":
        picks = BY_COUNT[np.minimum(counts, 8)] if training else np.full((len(counts), 1), 2)
    elif rule == "first":
        picks = np.broadcast_to(part, (len(counts), frames))
    elif rule in ("uniform", "middle"):
        picks = ((2 * part + 1) * n) // (2 * frames)
    elif rule == "thirds":
        picks = (part * (n // frames)) if drawn is None else ((part + drawn) * n / frames).astype(np.int64)
    elif rule in ("random", "random-test"):
        if drawn is None and rule == "random":
            return np.minimum(((2 * part + 1) * n) // (2 * frames), n - 1)
        picks = np.sort(((fixed(salt, frames) if drawn is None else drawn) * n).astype(np.int64), axis=1)
    else:
        raise UserError(f"unknown frame rule '{rule}'; known: by-count, first, middle, random, random-test, thirds, uniform")
    return np.minimum(picks, n - 1).astype(np.int64)


def fixed(salt: Sequence[str], count: int) -> np.ndarray:
    """n x count numbers in [0, 1) that depend on the item's name alone."""
    import hashlib

    digests = (hashlib.shake_128(name.encode()).digest(4 * count) for name in salt)
    return np.frombuffer(b"".join(digests), np.uint32).reshape(-1, count) / 2.0**32
