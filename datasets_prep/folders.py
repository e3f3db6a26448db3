"""Raw folders: found under the name they have in the archive, whatever lies around them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets_prep.dataset import Sources
from datasets_prep.lists import few
from mmbench.errors import UserError


def sources(given: Sequence[str], names: Sequence[str], lists: Path | None) -> Sources:
    """The raw folders from what stood behind --raw: one DIR (with one subfolder per source, where there are several), or
    NAME=DIR for each. UserError for a folder that is not there or a name that is not known."""
    folders: dict[str, Path] = {}
    for text in given:
        name, sign, place = text.partition("=")
        if not sign or (name not in names and Path(text).exists()):
            name, place = "", text
        if name and name not in names:
            raise UserError(
                f"--raw {text}: this dataset has no source '{name}'; it has {few([n for n in names if n]) or 'one, without a name'}"
            )
        if name in folders:
            raise UserError(f"--raw: {name or 'a folder without a name'} is given twice")
        folders[name] = Path(place)
    if not folders:
        raise UserError("--raw DIR is missing: the folder with the raw download")
    if "" in folders and "" not in names:
        around = folders.pop("")
        folders = {name: around / name if (around / name).is_dir() else around for name in names} | folders
    for option, folder in (*(("--raw", f) for f in folders.values()), *([("--lists", lists)] if lists else [])):
        if not folder.is_dir():
            raise UserError(f"{option} {folder}: {'is no folder' if folder.exists() else 'there is no such folder'}")
    return Sources(folders, lists)


def inside(root: Path, name: str, depth: int = 2) -> Path | None:
    """The folder of this name (case ignored) in `root`, or `root` itself if that is its name; the least deep, then the first."""
    if root.name.lower() == name.lower():
        return root
    level = [root]
    for _ in range(depth):
        below = [entry for folder in level for entry in _folders(folder)]
        for folder in below:
            if folder.name.lower() == name.lower():
                return folder
        level = below[:200]  # a tree of clips is not searched clip by clip
    return None


def _folders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(e.path) for e in entries if e.is_dir() and not e.name.startswith("."))


def needed(root: Path, name: str, layout: str, beside: Sequence[str] = ()) -> Path:
    """`inside`, or a UserError that says what was expected and what is there. beside: folders that lie next to it."""
    found = inside(root, name)
    if found is None:
        root = next((place.parent for other in beside if (place := inside(root, other))), root)
        there = sorted(entry.name for entry in root.iterdir() if not entry.name.startswith("."))
        raise UserError(f"{root}: no folder '{name}' in it; expected {layout}; there is: {few(there, 6) or 'nothing'}")
    return found


def files(folder: Path, pattern: str, deep: bool = False) -> tuple[dict[str, Path], list[str]]:
    """Stem -> path of the files whose whole name matches the pattern (case ignored), and the names of the others.
    `._` files and hidden ones are neither. UserError where two files would have one key."""
    wanted, found, strange = re.compile(pattern, re.IGNORECASE), {}, []
    twice: list[str] = []
    for path in walk(folder, deep):
        match = wanted.fullmatch(path.name)
        if not match:
            strange.append(path.name)
            continue
        key = match.group(1) if wanted.groups else path.stem
        if key.lower() in found:
            twice.append(f"{found[key.lower()][1].relative_to(folder)} and {path.relative_to(folder)}")
        found[key.lower()] = (key, path)
    if twice:
        raise UserError(f"{folder}: two clips have one key: {few(twice)}: remove one of each")
    return dict(found.values()), strange


def walk(folder: Path, deep: bool) -> Iterable[Path]:
    """The files of a folder, sorted; with `deep` those of its subfolders too."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if deep:
                    yield from walk(Path(entry.path), deep)
            else:
                yield Path(entry.path)
