"""TOML with places: what a file says, and on which line, so that every complaint names file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmbench import paths
from mmbench.errors import UserError

Where = tuple[str | int, ...]  # a path of keys; an integer is the position in an array of tables

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=(.*)$", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')


def content(path: Path) -> bytes:
    """The file's bytes, read again only when its time stamp, size or inode changed."""
    try:
        stat = path.stat()
        return _bytes(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=256)
def _bytes(path: Path, *state: int) -> bytes:
    return path.read_bytes()


def read(path: Path) -> dict[str, Any]:
    """The file's content. Callers do not change it. Raises UserError, with file and line, if it is missing or not TOML."""
    text = content(path)
    try:
        return _parsed(text)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise UserError(f"{shown(path)}:{line}: expected UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{shown(path)}: not valid TOML: {error}") from None
    except (RecursionError, ValueError) as error:  # too deep, or a number or date out of Python's range
        raise UserError(f"{shown(path)}: not valid TOML: {str(error) or 'nested too deeply'}") from None


@lru_cache(maxsize=256)
def _parsed(content: bytes) -> dict[str, Any]:
    return tomllib.loads(content.decode())


def shown(path: Path) -> str:
    """The path as messages print it: relative to the repository (or to the folder that holds `benchmarks`)."""
    return path.relative_to(paths.BENCHMARKS.parent).as_posix() if path.is_relative_to(paths.BENCHMARKS.parent) else path.as_posix()


def place(path: Path, where: Where) -> str:
    """ "benchmarks/arl/gamma.toml:31" for a key, or for the closest thing above it that has a line of its own."""
    lines = _lines(path.read_bytes())
    while where and where not in lines:
        where = where[:-1]
    return f"{shown(path)}:{lines[where]}" if where else shown(path)


def wrong(path: Path, where: Where, says: str) -> UserError:
    """The one line of a complaint: file, line, key, what was expected."""
    return UserError(f"{place(path, where)}: {dotted(where)}: {says}" if where else f"{shown(path)}: {says}")


def dotted(where: Sequence[str | int]) -> str:
    return ".".join(f"[{part}]" if isinstance(part, int) else part for part in where).replace(".[", "[")


@lru_cache(maxsize=64)
def _lines(content: bytes) -> Mapping[Where, int]:
    """Key path -> line, 1-based, for headers and assignments; keys inside inline tables have no line of their own."""
    found: dict[Where, int] = {}
    tables: dict[Where, int] = {}
    current: Where = ()
    depth, quote = 0, ""
    for number, text in enumerate(content.decode().split("\n"), 1):
        if quote:
            quote = "" if quote in text else quote
            continue
        if depth == 0 and (header := _HEADER.match(text)):
            current = _keys(header[2])
            if header[1] == "[[":
                tables[current] = tables.get(current, -1) + 1
                current = (*current, tables[current])
            for end in range(1, len(current) + 1):
                found.setdefault(current[:end], number)
            continue
        if depth == 0 and (assignment := _ASSIGNMENT.match(text)):
            keys = _keys(assignment[1])
            for end in range(1, len(keys) + 1):
                found.setdefault((*current, *keys[:end]), number)
            text = assignment[2]
        quote = next((q for q in ('"""', "'''") if text.count(q) % 2), "")
        bare = _STRING.sub("", text)
        depth = max(0, depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}")))
    return found


def _keys(text: str) -> Where:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, text))
