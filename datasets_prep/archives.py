"""Archives among the raw files: unpacked beside the store, never into the user's folder, and never outside their own.

A raw folder with archives in it (zip, tar, tar.gz, a zip in parts .001, .002, ...) is read through a view of it: its own entries,
and what the archives hold. The view is removed when the store is whole.
"""

from __future__ import annotations

import calendar
import gzip
import io
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from datasets_prep.dataset import Sources
from datasets_prep.imitation import MARK, mark, marked
from datasets_prep.lists import few, strange
from mmbench.errors import UserError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".zip.001")
REFUSED = (".rar", ".7z")  # what Python cannot read


@contextmanager
def opened(sources: Sources, place: Path, say: Callable[[str], None]) -> Iterator[Sources]:
    """Sources in which archives look like folders. place: where to unpack; kept when preparation is stopped, removed when it ends."""
    yield replace(sources, folders={name: _view(folder, place / (name or "raw"), say) for name, folder in sources.folders.items()})
    shutil.rmtree(place, ignore_errors=True)


def _view(folder: Path, place: Path, say: Callable[[str], None]) -> Path:
    entries = sorted(folder.iterdir())
    archives = [p for p in entries if p.is_file() and p.name.lower().endswith(SUFFIXES) and not p.name.startswith(".")]
    if not archives:
        packed = [p.name for p in entries if p.suffix.lower() in REFUSED]
        if packed and not any(p.is_dir() for p in entries):
            raise UserError(f"{folder}: {few(packed)} cannot be read as it is: unpack it there first (unrar, 7z)")
        return folder
    place.mkdir(parents=True, exist_ok=True)
    _unlink(place)
    for archive in archives:
        _unpack(archive, place, say)
    for entry in entries:
        if entry not in archives:
            _link(entry, place / entry.name)
    if marked([folder]) and not (place / MARK).exists():
        mark(place)  # what is unpacked from an imitation is one
    return place


def _link(entry: Path, link: Path) -> None:
    """What lies beside the archives joins what they hold; of two files with one name the archive's is read."""
    if not os.path.lexists(link):
        link.symlink_to(entry.absolute())
    elif entry.is_dir() and link.is_dir():
        for below in sorted(entry.iterdir()):
            _link(below, link / below.name)
        os.utime(link, (0, 0))


def _unlink(place: Path) -> None:
    """Take out the links of an earlier, stopped preparation: what is unpacked now is never written through them."""
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            if os.path.islink(path := os.path.join(folder, name)):
                os.unlink(path)


def _unpack(archive: Path, place: Path, say: Callable[[str], None]) -> None:
    """All members of an archive into `place`; done once, as long as the archive does not change."""
    state = archive.stat()
    done = place / f".{archive.name}.{state.st_size}.{state.st_mtime_ns}"
    if done.exists():
        return
    with archive.open("rb") as handle:
        if why := strange(handle.read(1024)):
            raise UserError(f"{archive}: {why}")
    unpack = _zip if ".zip" in archive.name.lower() else _tar
    try:
        unpack(archive, place, say)
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{archive}: is no whole archive ({error}): download it again") from None
    except RuntimeError as error:  # a password, or a way of packing that Python does not know
        raise UserError(f"{archive}: cannot be unpacked here ({error}): unpack it there first") from None
    done.touch()


def _zip(archive: Path, place: Path, say: Callable[[str], None]) -> None:
    with (
        io.BufferedReader(Parts(archive)) if archive.suffix == ".001" else archive.open("rb") as handle,
        zipfile.ZipFile(handle) as content,
    ):
        members = [m for m in content.infolist() if not m.is_dir()]
        _allowed(archive, place, [m.filename for m in members], sum(m.file_size for m in members), say)
        for member in members:
            target = Path(content.extract(member, place))
            time = calendar.timegm((*member.date_time, 0, 0, 0))
            os.utime(target, (time, time))  # so that unpacking again gives the same stamps
    _date_folders(place, [m.filename for m in members])


def _tar(archive: Path, place: Path, say: Callable[[str], None]) -> None:
    with tarfile.open(archive) as content:
        members = content.getmembers()
        odd = [m.name for m in members if not (m.isfile() or m.isdir())]
        if odd:
            raise UserError(f"{archive}: {few(odd)} is a link or a device, not a file: it is not the published archive")
        _allowed(archive, place, [m.name for m in members], sum(m.size for m in members), say)
        content.extractall(place, members, filter="data")
    _date_folders(place, [m.name for m in members if m.isfile()])


def _allowed(archive: Path, place: Path, names: Sequence[str], size: int, say: Callable[[str], None]) -> None:
    """UserError for members that point outside, and where there is no room; else what will be done is said."""
    outside = [n for n in names if n.startswith(("/", "\\")) or ".." in PurePosixPath(n.replace("\\", "/")).parts or n[1:2] == ":"]
    if outside:
        raise UserError(f"{archive}: its member '{outside[0]}' points outside its folder: it is not the published archive")
    free = shutil.disk_usage(place).free
    if size > free:
        raise UserError(
            f"{archive.name} unpacks to {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free in {place}: make room, or unpack it yourself"
        )
    say(f"unpacking {archive.name}: {len(names):,} files, {size / 1e9:.1f} GB")


def _date_folders(place: Path, names: Sequence[str]) -> None:
    """Folders get one fixed time: a folder's time is part of what tells whether raw files have changed."""
    for folder in {parent for name in names for parent in PurePosixPath(name).parents if parent.name}:
        os.utime(place / folder, (0, 0))


class Parts(io.RawIOBase):
    """`x.zip.001`, `x.zip.002`, ... as one file."""

    def __init__(self, first: Path) -> None:
        self.paths = sorted(p for p in first.parent.glob(f"{first.stem}.*") if p.suffix[1:].isdigit())
        expected = [f"{first.stem}.{i:03}" for i in range(1, len(self.paths) + 1)]
        if [p.name for p in self.paths] != expected:
            raise UserError(f"{first}: its parts are {few([p.name for p in self.paths], 9)}: one is missing")
        self.sizes = [p.stat().st_size for p in self.paths]
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: sum(self.sizes)}[whence]
        return self.place

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        start = 0
        for path, size in zip(self.paths, self.sizes, strict=True):
            if self.place < start + size:
                with path.open("rb") as handle:
                    handle.seek(self.place - start)
                    count = handle.readinto(memoryview(buffer)[: start + size - self.place])
                self.place += count
                return count
            start += size
        return 0
