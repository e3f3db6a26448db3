"""A store while it is made: rows written in place by many processes, and a journal of those that are whole.

    <root>/.building/<dataset>-<version>/
        plan.json       what is being made; another plan starts anew
        journal.jsonl   one line per finished item: its row, the stamps of its raw files, the digest of each array's row
        <array>.npy     fixed arrays at full length; a row counts only once the journal names it
        spool/<array>/  rows of ragged arrays, joined in the order of the index when all are there

Rows have their place before work starts, so neither the number of processes nor an interruption changes a byte of the result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from datasets_prep.dataset import Array
from mmbench.rows import DIGEST, file


def folder(root: Path, dataset: str, version: str) -> Path:
    return root / ".building" / f"{dataset}-{version}"


def stamps(files: Mapping[str, str]) -> list[list[Any]]:
    """Size and time of each raw file, to see whether it has changed; null where it is not there."""
    found = []
    for name, path in sorted(files.items()):
        try:
            state = os.stat(path)
            found.append([name, state.st_size, state.st_mtime_ns])
        except OSError:
            found.append([name, None, None])
    return found


def create(place: Path, plan: Mapping[str, Any], arrays: Mapping[str, Array], rows: int) -> bool:
    """Make the building folder, or take up one of the same plan. True where an earlier, different one was thrown away."""
    wanted = json.dumps(plan, sort_keys=True)
    kept = place / "plan.json"
    if kept.exists() and kept.read_text() == wanted:
        return False
    other = kept.exists()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, array in arrays.items():
        if array.ragged:
            (place / "spool" / name).mkdir(parents=True)
        else:
            _empty(file(place, name), (rows, *array.shape), array.dtype)
    kept.write_text(wanted)
    return other


def _empty(path: Path, shape: tuple[int, ...], dtype: str) -> None:
    """A `.npy` file of full length whose data are a hole: they take no space before they are written."""
    says = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, says)
        handle.truncate(handle.tell() + int(np.prod(shape)) * np.dtype(dtype).itemsize)


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, int]]:
    """A handle for reading and writing rows, and the byte at which they begin."""
    with path.open("r+b") as handle:
        np.lib.format.read_magic(handle)
        np.lib.format.read_array_header_1_0(handle)
        yield handle.fileno(), handle.tell()


def spool(place: Path, name: str, row: int) -> Path:
    return place / "spool" / name / f"{row // 1000:04}" / f"{row % 1000:03}"


def write(place: Path, name: str, array: Array, row: int, value: np.ndarray, size: tuple[int, int] | None) -> list[Any]:
    """Put one row into its place: [digest, entries, height, width], as the journal keeps it."""
    value = np.ascontiguousarray(value)
    if value.dtype != np.dtype(array.dtype) or value.shape[array.ragged :] != array.shape:
        raise AssertionError(f"{name}: made {value.dtype} {value.shape}, declared {array.dtype} {array.shape}")
    content = memoryview(value.data).cast("B")
    if array.ragged:
        path = spool(place, name, row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    else:
        with opened(file(place, name)) as (handle, start):
            _pwrite(handle, content, start + row * len(content))
    entries = len(value) if array.ragged else 1
    return [hashlib.sha256(content).hexdigest(), entries, *(size or (0, 0))]


def _pwrite(handle: int, content: memoryview, at: int) -> None:
    while content:  # a write may be cut short by a full disk before it fails
        done = os.pwrite(handle, content, at)
        content, at = content[done:], at + done


@dataclass
class Journal:
    """The finished items, in the order of their rows, each read when it is asked for: a million take no more than their places.
    places: row -> the byte at which its line begins."""

    path: Path
    places: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self.places:
            with self.path.open("rb") as handle:
                for row in sorted(self.places):
                    handle.seek(self.places[row])
                    yield json.loads(handle.readline())

    def add(self, handle: IO[bytes], entry: Mapping[str, Any]) -> None:
        """handle: the file, open for appending."""
        self.places[entry["row"]] = handle.tell()
        handle.write(json.dumps(entry).encode() + b"\n")
        handle.flush()


def journal(place: Path, good: Callable[[Mapping[str, Any]], bool] = lambda entry: True) -> Journal:
    """The finished items that are still good; a last line that a kill cut short does not count."""
    found, at = Journal(place / "journal.jsonl"), 0
    if not found.path.exists():
        return found
    with found.path.open("rb") as handle:
        for line in handle:
            if not line.endswith(b"\n"):
                os.truncate(found.path, at)
                break
            entry = json.loads(line)
            if good(entry):
                found.places[entry["row"]] = at
            else:
                found.places.pop(entry["row"], None)
            at += len(line)
    return found


def intact(place: Path, arrays: Mapping[str, Array], entry: Mapping[str, Any]) -> bool:
    """Are the rows of a finished item still what the journal says? Not after a power cut, perhaps."""
    for name, (digest, *_) in entry["arrays"].items():
        array = arrays[name]
        if array.ragged and entry["row"] < joined(place, name):
            continue  # was on the disk before its piece was removed
        if array.ragged:
            path = spool(place, name, entry["row"])
            content = path.read_bytes() if path.exists() else b""
        else:
            with opened(file(place, name)) as (handle, start):
                content = os.pread(handle, array.entry_bytes, start + entry["row"] * array.entry_bytes)
        if hashlib.sha256(content).hexdigest() != digest:
            return False
    return True


def occupied(place: Path) -> int:
    """Bytes that a building takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in place.rglob("*") if path.is_file())


def finish(place: Path, arrays: Mapping[str, Array], done: Journal) -> dict[str, dict[str, Any]]:
    """Join the ragged rows and write offsets, sizes and digests: what meta.json says of each array. done: of all rows."""
    said = {}
    for name, array in arrays.items():
        digests, sizes = np.zeros((len(done), DIGEST), np.uint8), np.zeros((len(done), 2), np.int32)
        counts = np.zeros(len(done), np.int64)
        for row, entry in enumerate(done):
            if name in entry["arrays"]:
                digest, counts[row], *sizes[row] = entry["arrays"][name]
                digests[row] = np.frombuffer(bytes.fromhex(digest), np.uint8)
        np.save(file(place, name, "digests"), digests)
        if array.canvas:
            np.save(file(place, name, "sizes"), sizes)
        if array.ragged:
            np.save(file(place, name, "offsets"), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
            _join(place, name, array, counts)
        said[name] = {
            "kind": array.kind, "dtype": array.dtype, "shape": list(array.shape), "ragged": array.ragged, "says": array.says,
            "settings": dict(array.settings), "present": int(digests.any(1).sum()), "entries": int(counts.sum()),
            "sha256": hashlib.sha256(digests.tobytes()).hexdigest(),
        }  # fmt: skip
    return said


def clear(place: Path) -> None:
    """Remove what only a preparation needs; after this there is no way back to resuming it."""
    for path in (place / "plan.json", place / "journal.jsonl", *place.glob("*.joined.npy")):
        path.unlink(missing_ok=True)
    shutil.rmtree(place / "spool", ignore_errors=True)


def joined(place: Path, name: str) -> int:
    """How many rows of a ragged array are joined already."""
    path = file(place, name, "joined")
    return int(path.read_text()) if path.exists() else 0


def _join(place: Path, name: str, array: Array, counts: np.ndarray) -> None:
    """Ragged rows one after the other, in the order of the index; counts: entries of each. A thousand at a time are copied, brought to
    the disk, noted, and only then removed: the peak is one copy and a little, and a kill in between loses nothing."""
    path, first = file(place, name), joined(place, name)
    if not first:
        _empty(path, (int(counts.sum()), *array.shape), array.dtype)
    at = array.entry_bytes * int(counts[:first].sum())
    for block in range(first, len(counts), 1000):
        rows = range(block, min(block + 1000, len(counts)))
        with opened(path) as (handle, start):
            for row in rows:
                if counts[row]:
                    content = spool(place, name, row).read_bytes()
                    _pwrite(handle, memoryview(content), start + at)
                    at += len(content)
            os.fsync(handle)
        file(place, name, "joined").write_text(str(rows[-1] + 1))
        shutil.rmtree(place / "spool" / name / f"{block // 1000:04}", ignore_errors=True)
