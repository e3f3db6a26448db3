"""Records: one small JSON file per finished job, written once, whole or not at all. Nothing else touches `results/runs`."""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench import paths
from mmbench.errors import UserError
from mmbench.sound import SCHEMA as SCHEMA
from mmbench.sound import complain_about, complain_about_characters, parse
from mmbench.spec import Job, canonical

ROOM = 3072  # bytes of JSON that a record should have
LIMIT = 4096  # and that it may have: with five modalities their settings and scores alone take up to 3.3 KB
ATTEMPTS = 3  # a failed job is tried again twice
NAME = re.compile(r"([0-9a-f]{12})-s(\d+)\.json")
FREE = ("environment.device", "environment.cpu_capability", "environment.versions.", "data.version", "signature")  # fields of free text
SIGNATURE = ("mmbench", "epochs", "batch", "key", "seed", "torch", "cpu", "cuda")
ABSOLUTE = re.compile(r"(?:^|[\s=:'\"(,|])(?:~?/|[A-Za-z]:\\)[\w.-]")


def name(key: str, seed: int) -> str:
    """The stem of everything that belongs to one job: record, log, claim, checkpoint."""
    return f"{key}-s{seed}"


def path(run: Mapping[str, Any], key: str, seed: int, group: str | None = None) -> Path:
    return paths.results() / "runs" / (group or paths.group()) / run["dataset"] / run["method"] / f"{name(key, seed)}.json"


def beside(record: Path, what: str) -> Path:
    """The arrays beside a record. what: "curve" or "pred"."""
    return record.with_suffix(f".{what}.npz")


def picture(record: Path) -> Path:
    """The PNG file beside a record, of runs that leave one."""
    return record.with_suffix(".png")


def write(record: dict[str, Any], curve: Mapping[str, Any], predictions: Mapping[str, Any], shown: bytes | None = None) -> Path | None:
    """Write the arrays (and the picture), then the record, by an exclusive link: never replaced, never half there. None if it already
    exists."""
    target = path(record["run"], record["key"], record["seed"], record["group"])
    complain_about(record, target)
    text = _fitted(record)
    complain_about_characters(text.encode(), record, target)
    if (problem := leak(record)) is not None:
        raise UserError(f"record {target.stem} is not written: {problem}")
    if target.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    for what, arrays in (("curve", curve), ("pred", predictions)):
        if arrays:
            _write_arrays(beside(target, what), arrays)
    if shown is not None:
        whole = _partial(picture(target))
        whole.write_bytes(shown)
        whole.replace(picture(target))
    partial = _partial(target)
    try:
        _write_text(partial, text)
        os.link(partial, target)
    except FileExistsError:
        return None
    finally:
        partial.unlink(missing_ok=True)
    return target


def _fitted(record: Mapping[str, Any]) -> str:
    """The record as JSON within the limit. Logged scalars of further selections give way first: the curve holds them."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"
    if len(text.encode()) > ROOM:
        slim = json.loads(text)
        for label, selection in slim["result"]["selections"].items():
            if label not in ("last", "best-test"):
                selection["values"] = {k: v for k, v in selection["values"].items() if not k.startswith("log.")}
        text = json.dumps(slim, separators=(",", ":"), ensure_ascii=False) + "\n"
    if len(text.encode()) > LIMIT:
        raise UserError(f"record {record['key']}-s{record['seed']} has {len(text.encode())} bytes, more than {LIMIT}: log fewer scalars")
    return text


def leak(record: Mapping[str, Any]) -> str | None:
    """What in a record would tell who ran it and where, or None: absolute paths and environment variables anywhere, the names of
    user and host where the text is free.

    A name that is also a word of the run or of the signature (a user called "arl" or "torch") cannot be told from it, and tells nothing.
    """
    known = set(re.findall(r"[\w.-]+", canonical(record["run"]))) | {record["group"], *SIGNATURE}
    hidden = {"absolute path": ABSOLUTE, "environment variable": re.compile(rf"\b({'|'.join(map(re.escape, os.environ))})=")}
    names = {"user name": _user(), "host name": socket.gethostname()}
    named = {what: re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])") for what, word in names.items() if word and word not in known}
    for where, text in _texts(record, ""):
        for what, pattern in (hidden | named if where.startswith(FREE) else hidden).items():
            if pattern.search(text):
                return f"{where} holds {'an' if what[0] in 'ae' else 'the'} {what}"
    return None


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every string in a record, names of fields included, with the dotted place where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield where, name
            yield from _texts(inner, f"{where}.{name}" if where else name)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner, where)
    elif isinstance(value, str):
        yield where, value


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return ""


def read(file: Path) -> dict[str, Any]:
    """The record; UserError if it is truncated, foreign or of another schema."""
    try:
        return parse(file.read_bytes(), file)
    except FileNotFoundError:
        raise UserError(f"{file} does not exist") from None


def whole(file: Path) -> bool:
    """Whether the file ends as a record ends, from its last two bytes: what a plan can afford to look at."""
    with file.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 2))
        return stream.read() == b"}\n"


def arrays(record: Path, what: str) -> dict[str, Any]:
    """The curve ("curve": name -> one value per epoch) or the predictions ("pred") beside a record; empty if there are none."""
    import numpy as np

    file = beside(record, what)
    if not file.exists():
        return {}
    with file.open("rb") as stream, np.load(stream) as loaded:
        return {entry: loaded[entry] for entry in loaded.files}


def recorded(group: str | None = None) -> dict[tuple[str, int], Path]:
    """(key, seed) -> file, from file names only. group: ours unless named."""
    found: dict[tuple[str, int], Path] = {}
    for file in (paths.results() / "runs" / (group or paths.group())).glob("*/*/*.json"):
        if match := NAME.fullmatch(file.name):
            found[match[1], int(match[2])] = file
    return found


def groups() -> list[str]:
    """Under whose names records lie here, ours included."""
    return sorted(folder.name for folder in (paths.results() / "runs").glob("*") if folder.is_dir())


def files(groups: Iterable[str] | None = None) -> list[Path]:
    """Every file that could be a record, sorted. groups: all unless named."""
    root = paths.results() / "runs"
    found = (f for group in (groups or ["*"]) for f in root.glob(f"{group}/*/*/*.json") if not f.name.startswith("."))
    return sorted(found, key=lambda file: file.parts)  # the paths' own order, which takes longer to ask for


def read_all(groups: Iterable[str] | None = None, complain: Callable[[str], object] | None = None) -> Iterator[dict[str, Any]]:
    """The good records; the bad ones are named and set aside, never deleted, never counted. complain: gets a line for each."""
    for file in files(groups):
        if (record := read_or_set_aside(file, complain)) is not None:
            yield record


def read_or_set_aside(file: Path, complain: Callable[[str], object] | None = None) -> dict[str, Any] | None:
    try:
        return read(file)
    except UserError as error:
        moved = set_aside(file)
        (complain or _to_stderr)(f"{error}: set aside as {moved}")
        return None


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def set_aside(file: Path) -> Path:
    """Move a bad record and the arrays beside it to `results/set-aside/`, under the first free name."""
    folder = paths.results() / "set-aside" / file.parent.relative_to(paths.results() / "runs")
    folder.mkdir(parents=True, exist_ok=True)
    stem, n = file.stem, 1
    while (folder / f"{stem}.json").exists():
        n += 1
        stem = f"{file.stem}.{n}"
    for source in (beside(file, "curve"), beside(file, "pred"), picture(file), file):
        if source.exists():
            source.replace(folder / source.name.replace(file.stem, stem, 1))
    return folder / f"{stem}.json"


def write_failure(job: Job, why: str, log: str) -> Path:
    """Note in `results/failed/` that a job failed, and how often by now. It is no record, and never counts as one."""
    target = paths.results() / "failed" / f"{name(job.key, job.seed)}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    attempts = failures().get((job.key, job.seed), {}).get("attempts", 0) + 1
    note = {"key": job.key, "seed": job.seed, "dataset": job.run["dataset"], "method": job.run["method"]}
    partial = _partial(target)
    _write_text(partial, json.dumps(note | {"why": why, "log": log, "attempts": attempts}) + "\n")
    partial.replace(target)
    return target


def forget_failure(key: str, seed: int) -> None:
    (paths.results() / "failed" / f"{name(key, seed)}.json").unlink(missing_ok=True)


def failures() -> dict[tuple[str, int], dict[str, Any]]:
    """(key, seed) -> {why, log, attempts, ...} of jobs whose last attempt failed."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for file in (paths.results() / "failed").glob("*.json"):
        if match := NAME.fullmatch(file.name):
            try:
                found[match[1], int(match[2])] = json.loads(file.read_bytes())
            except (ValueError, FileNotFoundError):  # another process has just removed it, or a disk was full
                continue
    return found


def _partial(target: Path) -> Path:
    """A name in the same folder that no other process uses and that no reader takes for a record."""
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}.partial")


def _write_text(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _write_arrays(target: Path, content: Mapping[str, Any]) -> None:
    import numpy as np

    partial = _partial(target)
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
