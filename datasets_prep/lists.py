"""List files as they come: byte order marks, CRLF, quotes; known by their md5 after newline normalisation."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mmbench.errors import UserError


def text(path: Path) -> str:
    """A text file without its byte order mark, lines ended by "\\n". UserError where it is no UTF-8 text."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    why = strange(content)
    if why:
        raise UserError(f"{path}: {why}")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise UserError(f"{path}: is no UTF-8 text: is it the file itself, or an archive or a page in its place?") from None


def strange(head: bytes) -> str:
    """Why these first bytes cannot be a list, a clip or an archive; "" if they may be."""
    if not head:
        return "is empty (0 bytes)"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git-LFS pointer, not the file: run 'git lfs pull' in that folder"
    start = head[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "is a web page saved in place of the file: download it again"
    return ""


def lines(path: Path) -> list[str]:
    """The lines that hold something, without blanks around them."""
    return [line for line in (line.strip() for line in text(path).split("\n")) if line]


def rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The cells of a csv file, quotes resolved."""
    return [row for row in csv.reader(io.StringIO(text(path)), delimiter=delimiter) if row]


def table(path: Path, needed: Sequence[str], delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a csv file with a header; UserError where a needed column is missing."""
    header, *body = rows(path, delimiter) or [[]]
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise UserError(f"{path}: has no column '{lacking[0]}'; its first line is: {','.join(header)[:100]}")
    return [dict(zip(header, row, strict=False)) for row in body]


def md5(path: Path) -> str:
    """Of a text with LF line ends, for copies of the lists in circulation differ in nothing else (a byte order mark counts); of an
    HDF5 or MATLAB file, a pickle or an archive as it is."""
    if path.suffix in (".h5", ".mat", ".pkl", ".gz"):
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "md5").hexdigest()
    return hashlib.md5(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def find(name: str, folders: Iterable[Path | None]) -> Path | None:
    """The file of this name (case ignored) in the first folder that has it, looking two levels deep; `._` files are no files."""
    for folder in folders:
        if folder is None or not folder.is_dir():
            continue
        for pattern in ("*", "*/*", "*/*/*"):
            for path in sorted(folder.glob(pattern)):
                if path.name.lower() == name.lower() and not path.name.startswith("._") and path.is_file():
                    return path
    return None


def checked(paths: Mapping[str, Path], known: Mapping[str, str | Sequence[str]]) -> tuple[dict[str, str], dict[str, bool | None]]:
    """md5 of each list, and whether it is (one of) the known ones; None where nothing is known of it."""
    found = {name: md5(path) for name, path in paths.items()}
    return found, {name: (value in known[name]) if name in known else None for name, value in found.items()}


def twice(names: Sequence[str], where: str) -> None:
    """UserError where a list names an item twice."""
    seen: set[str] = set()
    again = [n for n in names if n in seen or seen.add(n)]
    if again:
        raise UserError(f"{where}: names {few(again)} more than once")


def few(names: Sequence[str], most: int = 3) -> str:
    """ "a, b, c and 12 more"."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def by_hash(keys: Iterable[str]) -> list[str]:
    """In an order that depends on the names alone: rules that take "a random tenth" take the first tenth of it."""
    return sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
