"""Pickles of others, read without running them: numpy arrays of plain numbers and texts, and plain containers, nothing else.

Unpickling is running a program. Here the program may build lists, tuples, dicts, sets, texts and numbers, and may ask for the few
names by which numpy stores an array; each of them stands for code of this file that checks what it is given. Any other name is
refused before anything is called.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep.lists import strange
from mmbench.errors import UserError

KINDS = "?bifuSUO"  # bools, numbers, bytes, texts, and lists of what a pickle may hold


def load(path: Path) -> Any:
    """What a pickle holds. UserError for one that asks for anything but arrays and containers, or that is broken."""
    try:
        with path.open("rb") as handle:
            if why := strange(handle.read(1024)):
                raise UserError(f"{path}: {why}")
            handle.seek(0)
            return _Reader(handle, encoding="latin1").load()
    except _Refused as error:
        raise UserError(f"{path}: was not read, it would run code: it asks for {error}; take the published file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        why = (str(error) or type(error).__name__)[:80]
        raise UserError(f"{path}: is no whole pickle of arrays and plain containers ({why}): download it again") from None


class _Refused(Exception):
    """The name that a pickle may not have."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module.replace("numpy._core", "numpy.core"), name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"something outside of the file ({pid!s:.40})")


class _Name:
    """A name as a value: stands for a class that is only handed on. Nothing can be set on it."""

    __slots__ = ()


class _Type:
    """A dtype while it is read: nothing but its code and its order of bytes is believed."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, align: Any = False, copy: Any = False):
        self.code, self.order = _text(code), "|"

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 3 or any(part is not None for part in state[2:5]):
            raise ValueError("an array of records")
        self.order = _text(state[1])

    @property
    def dtype(self) -> np.dtype:
        found = np.dtype((self.order if self.order in "<>" else "") + self.code)
        if found.kind not in KINDS or found.hasobject != (found.kind == "O"):
            raise ValueError(f"an array of {found}")
        return found


class _Array(np.ndarray):
    """An array while it is read: its state is checked before numpy sees it."""

    def __setstate__(self, state: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        _, shape, kind, fortran, content = state
        shape, found = _shape(shape), _dtype(kind)
        if found.kind == "O" and not isinstance(content, list):
            raise ValueError("an array of objects that is no list")
        if found.kind != "O" and isinstance(content, str):
            content = content.encode("latin1")  # as Python 2 wrote bytes
        super().__setstate__((1, shape, found, bool(fortran), content))  # pyright: ignore[reportArgumentType]


class _Reconstruct:
    __slots__ = ()

    def __call__(self, kind: Any, shape: Any, code: Any) -> _Array:
        if not isinstance(kind, _Name):
            raise ValueError("an array of an unknown kind")
        return np.ndarray.__new__(_Array, (0,), "b")


class _Scalar:
    __slots__ = ()

    def __call__(self, kind: Any, content: Any = b"") -> Any:
        found = _dtype(kind)
        if found.kind == "O":
            raise ValueError("a number that is an object")
        content = content.encode("latin1") if isinstance(content, str) else bytes(content)
        return np.frombuffer(content, found, 1)[0]


class _FromBuffer:
    """How protocol 5 stores arrays."""

    __slots__ = ()

    def __call__(self, content: Any, kind: Any, shape: Any, order: Any, *axes: Any) -> np.ndarray:
        found = _dtype(kind)
        if found.kind == "O" or order not in ("C", "F") or axes not in ((), (None,)):
            raise ValueError(f"an array of {found} in order {order}")
        return np.frombuffer(content, found).reshape(_shape(shape), order=order)


class _Encode:
    """`_codecs.encode(text, "latin1")`: how older protocols store bytes."""

    __slots__ = ()

    def __call__(self, content: Any, encoding: Any = "latin1") -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"bytes in {encoding}")
        return _text(content).encode("latin1")


class _NoBytes:
    """`bytes()`: how older protocols store none."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


def _dtype(kind: Any) -> np.dtype:
    if not isinstance(kind, _Type):
        raise ValueError("an array without a type")
    return kind.dtype


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError("an array without a shape")
    return shape


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise ValueError("a name that is no text")
    return value


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Name(),
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy.core.multiarray", "scalar"): _Scalar(),
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer(),
    ("_codecs", "encode"): _Encode(),
    **{(module, "set"): set for module in ("builtins", "__builtin__")},
    **{(module, "frozenset"): frozenset for module in ("builtins", "__builtin__")},
    **{(module, "bytes"): _NoBytes() for module in ("builtins", "__builtin__")},
}


def plain(value: Any) -> Any:
    """An array as numpy's own, a scalar as Python's."""
    return value.view(np.ndarray) if isinstance(value, _Array) else value.item() if isinstance(value, np.generic) else value


def texts(value: Any) -> Sequence[str] | None:
    """A list or an array of texts as a list; None for anything else."""
    found = plain(value)
    found = found.ravel().tolist() if isinstance(found, np.ndarray) else found
    if not isinstance(found, (list, tuple)):
        return None
    found = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in map(plain, found)]
    return found if all(isinstance(v, str) for v in found) else None
