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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def journal(place: Path) -> dict[int, dict[str, Any]]:
    """The finished items by row; a last line that a kill cut short does not count."""
    found: dict[int, dict[str, Any]] = {}
    path = place / "journal.jsonl"
    if not path.exists():
        return found
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) != len(content):
        os.truncate(path, len(whole))
    for line in whole.splitlines():
        entry = json.loads(line)
        found[entry["row"]] = entry
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


def finish(place: Path, arrays: Mapping[str, Array], done: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Join the ragged rows and write offsets, sizes and digests: what meta.json says of each array. done: the journal by row."""
    said = {}
    for name, array in arrays.items():
        entries = [entry["arrays"].get(name) for entry in done]
        digests = np.array([list(bytes.fromhex(e[0])) if e else [0] * DIGEST for e in entries], np.uint8).reshape(len(done), DIGEST)
        np.save(file(place, name, "digests"), digests)
        if array.canvas:
            np.save(file(place, name, "sizes"), np.array([e[2:4] if e else (0, 0) for e in entries], np.int32))
        counts = np.array([e[1] if e else 0 for e in entries], np.int64)
        if array.ragged:
            np.save(file(place, name, "offsets"), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
            _join(place, name, array, entries)
        said[name] = {
            "kind": array.kind, "dtype": array.dtype, "shape": list(array.shape), "ragged": array.ragged, "says": array.says,
            "settings": dict(array.settings), "present": int(sum(e is not None for e in entries)), "entries": int(counts.sum()),
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


def _join(place: Path, name: str, array: Array, entries: Sequence[Any]) -> None:
    """Ragged rows one after the other, in the order of the index. A thousand at a time are copied, brought to the disk, noted,
    and only then removed: the peak is one copy and a little, and a kill in between loses nothing."""
    path, first = file(place, name), joined(place, name)
    if not first:
        _empty(path, (sum(e[1] for e in entries if e), *array.shape), array.dtype)
    at = array.entry_bytes * sum(e[1] for e in entries[:first] if e)
    for block in range(first, len(entries), 1000):
        rows = range(block, min(block + 1000, len(entries)))
        with opened(path) as (handle, start):
            for row in rows:
                if entries[row]:
                    content = spool(place, name, row).read_bytes()
                    _pwrite(handle, memoryview(content), start + at)
                    at += len(content)
            os.fsync(handle)
        file(place, name, "joined").write_text(str(rows[-1] + 1))
        shutil.rmtree(place / "spool" / name / f"{block // 1000:04}", ignore_errors=True)
