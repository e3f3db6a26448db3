"""Who is running a job: a claim file per job, made atomically, kept alive by its mtime, taken over when its holder is gone.

A claim is `results/claims/<key>-s<seed>.<n>`. Whoever wants a job whose claim n is stale links claim n + 1, which only one can
do; nobody removes another's claim before holding its own. Ages are taken between two mtimes of the same file system, so clocks
of different machines do not matter. A claim decides who works, never who records: that is the exclusive link of `records.write`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench import paths
from mmbench.records import name

BEAT = 15.0  # seconds between two signs of life
EXPIRY = 180.0  # seconds without one after which a holder counts as gone; one whose process has ended is gone at once
CLAIM = re.compile(r"([0-9a-f]{12})-s(\d+)\.(\d+)")


@dataclass(frozen=True)
class Lease:
    """A claim that this process holds. content: what stands in the file. stale: the dead claims that it took over, likewise."""

    file: Path
    content: Mapping[str, Any]
    stale: Mapping[Path, Mapping[str, Any]] = field(default_factory=dict)

    def beat(self, news: Mapping[str, Any] | None = None) -> None:
        """Give a sign of life; `news` (epoch, epochs) is what `mmbench status` shows. The claim itself is never rewritten: a
        file that is being replaced can be missed by whoever lists the folder."""
        with suppress(OSError):  # a full disk or a file taken away must not stop the training
            os.utime(self.file)
            if news is not None:
                _written(self.file.parent, news).replace(_news(self.file))

    def release(self) -> None:
        """Give the job back: the dead claims first, so that this one is the highest until nothing is left. What stands under
        their names by now may be another's, and is left alone."""
        for file, content in (*self.stale.items(), (self.file, self.content)):
            if _read(file) == content:
                _news(file).unlink(missing_ok=True)
                file.unlink(missing_ok=True)


def claim(key: str, seed: int) -> Lease | None:
    """A lease on the job, or None while another process holds it.

    Of two that link different numbers, the later one sees the earlier one's file, and gives way.
    """
    folder = paths.results() / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    before = _claims(key, seed)
    stale = {file: _read(file) for file in before.values()}
    if any(alive(file) for file in stale):
        return None
    content = {
        "machine": _machine(), "pid": os.getpid(), "born": _started(os.getpid()), "token": secrets.token_hex(8), "launcher": launcher()
    }  # fmt: skip
    partial = _written(folder, content)
    file = folder / f"{name(key, seed)}.{max(before, default=0) + 1}"
    try:
        os.link(partial, file)
    except FileExistsError:
        return None
    finally:
        partial.unlink()
    if any(alive(rival) for rival in _claims(key, seed).values() if rival != file):
        file.unlink()
        return None
    return Lease(file, content, stale)


@contextmanager
def kept(lease: Lease, every: float | None = None) -> Iterator[Lease]:
    """Beat in a thread while the block runs, and release at its end."""
    over = threading.Event()

    def beats() -> None:
        while not over.wait(every or BEAT):
            lease.beat()

    thread = threading.Thread(target=beats, daemon=True, name="lease")
    thread.start()
    try:
        yield lease
    finally:
        over.set()
        thread.join()
        lease.release()


def held(key: str, seed: int) -> bool:
    """Whether a living process has the job."""
    return any(alive(file) for file in _claims(key, seed).values())


def running() -> dict[tuple[str, int], dict[str, Any]]:
    """(key, seed) -> the last news of its holder, for every job that a living process has."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for file in sorted((paths.results() / "claims").glob("*-s*.*")):
        if (match := CLAIM.fullmatch(file.name)) and alive(file):
            found[match[1], int(match[2])] = _read(_news(file))
    return found


def launchers() -> dict[tuple[str, int], int]:
    """(key, seed) -> the process on this machine to ask for a stop, 0 for one elsewhere, of every job that a living process has."""
    found: dict[tuple[str, int], int] = {}
    for file in sorted((paths.results() / "claims").glob("*-s*.*")):
        if (match := CLAIM.fullmatch(file.name)) and alive(file):
            holder = _read(file)
            found[match[1], int(match[2])] = holder.get("launcher", 0) if holder.get("machine") == _machine() else 0
    return found


def launcher() -> int:
    """The process that hands out this one's jobs: its parent for a worker that was spawned, else itself."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def alive(file: Path) -> bool:
    """Whether the holder still works: its last sign of life is recent and, on this machine, its process is there."""
    holder = _read(file)
    if holder.get("machine") == _machine() and _started(holder["pid"]) != holder["born"]:
        return False
    try:
        return _now(file.parent) - file.stat().st_mtime < EXPIRY
    except FileNotFoundError:
        return False


def _claims(key: str, seed: int) -> dict[int, Path]:
    found = (paths.results() / "claims").glob(f"{name(key, seed)}.*")
    return {int(match[3]): file for file in found if (match := CLAIM.fullmatch(file.name))}


def _news(file: Path) -> Path:
    return file.with_name(f"{file.name}.news")


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}


def _written(folder: Path, content: Mapping[str, Any]) -> Path:
    partial = folder / f".{secrets.token_hex(8)}.partial"
    partial.write_text(json.dumps(content))
    return partial


def _now(folder: Path) -> float:
    """The time of the file system that holds the claims."""
    probe = _written(folder, {})
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


def _machine() -> str:
    """A digest that tells apart machines, boots and containers: pids mean something only within one."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When a process of this machine began, "" if there is none (or it only waits to be buried): pids are used again."""
    with suppress(OSError):
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if after[0] in "ZX" else after[19]
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
