"""MATLAB files as they come: version 5 by SciPy, version 7.3 (which is HDF5, axes reversed) by h5py, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from datasets_prep.lists import few, strange
from mmbench.errors import UserError

CACHE = 64 * 2**20  # bytes of unpacked chunks kept per array: chunks may hold pieces of many pictures


def kind(path: Path) -> int:
    """5 or 73, by the first bytes. UserError for what is no MATLAB or HDF5 file."""
    with path.open("rb") as handle:
        head = handle.read(1024)
    if why := strange(head):
        raise UserError(f"{path}: {why}")
    if head[:8] == b"\x89HDF\r\n\x1a\n" or head[512:520] == b"\x89HDF\r\n\x1a\n":
        return 73
    if not head.startswith(b"MATLAB 5.0"):
        raise UserError(f"{path}: is no MATLAB file: its first bytes are {head[:8]!r}")
    return 5


def whole(path: Path) -> None:
    """UserError for a version-5 file that ends before its last variable does, or is of another version. Only lengths are read."""
    if kind(path) != 5:
        raise UserError(f"{path}: is MATLAB v7.3 (HDF5), expected version 5, as the published file is")
    size, at = path.stat().st_size, 128
    with path.open("rb") as handle:
        handle.seek(126)
        order = "little" if handle.read(2) == b"IM" else "big"
        while at < size:
            handle.seek(at + 4)
            at += 8 + int.from_bytes(handle.read(4), order)
    if at != size:
        raise UserError(f"{path}: ends at byte {size:,} of {at:,}: it is no whole MATLAB file: download it again")


def load(path: Path, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The variables of a version-5 file, or the named ones of them."""
    whole(path)
    try:
        found = scipy.io.loadmat(path, variable_names=names)
    except Exception as error:  # whatever SciPy's reader raises for damaged bytes
        raise UserError(f"{path}: is no whole MATLAB file ({str(error)[:80]}): download it again") from None
    return {name: value for name, value in found.items() if not name.startswith("__")}


def needed(path: Path, content: Mapping[str, Any], shapes: Mapping[str, tuple[int | None, ...]]) -> Mapping[str, Any]:
    """The same, once it has these variables in these shapes (None: any length). UserError that names what differs."""
    for name, shape in shapes.items():
        if name not in content:
            raise UserError(f"{path}: has no variable '{name}'; it has {few(list(content), 9) or 'none'}")
        check(path, name, content[name].shape, shape)
    return content


def check(path: Path, name: str, shape: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    if len(shape) != len(expected) or any(want not in (None, have) for have, want in zip(shape, expected, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in expected)
        raise UserError(f"{path}: '{name}' is {shape}, expected ({wanted})")


def opened(path: str | Path) -> Any:
    """A version-7.3 file, open for the life of the process; nothing of its arrays is read yet."""
    return _opened(str(path), Path(path).stat().st_mtime_ns)


@cache
def _opened(path: str, stamp: int) -> Any:
    if kind(Path(path)) != 73:
        raise UserError(f"{path}: is MATLAB version 5, expected v7.3 (HDF5), as the published file is")
    try:
        return h5py.File(path, "r", rdcc_nbytes=CACHE, rdcc_nslots=10_007)
    except OSError:
        raise UserError(f"{path}: is no readable HDF5 file, or only a part of one: download it again") from None


def array(path: str | Path, name: str, shape: tuple[int | None, ...], dtypes: str) -> Any:
    """An array of a v7.3 file, of which rows are read when they are indexed. dtypes: the kinds and sizes allowed, as "u2 f4"."""
    return _array(str(path), Path(path).stat().st_mtime_ns, name, shape, dtypes)


@cache
def _array(path: str, stamp: int, name: str, shape: tuple[int | None, ...], dtypes: str) -> Any:
    """Held open: the unpacked chunks are forgotten when an array is closed."""
    file = opened(path)
    if name not in file or not isinstance(file[name], h5py.Dataset):
        raise UserError(f"{path}: has no array '{name}'; it has {few([n for n in file if not n.startswith('#')], 9) or 'none'}")
    found = file[name]
    check(Path(path), name, found.shape, shape)
    if np.dtype(found.dtype).str[1:] not in dtypes.split():
        raise UserError(f"{path}: '{name}' holds {found.dtype}, expected {' or '.join(str(np.dtype(d)) for d in dtypes.split())}")
    return found


def words(path: str | Path, name: str) -> list[str]:
    """A cell array of texts of a v7.3 file: references to arrays of characters. Empty where there is none."""
    file = opened(path)
    if name not in file:
        return []
    return ["".join(map(chr, np.asarray(file[reference]).ravel())) for reference in np.asarray(file[name]).ravel()]
