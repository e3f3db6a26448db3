"""Which jobs are with a cluster, under which id: one small file per job under the results, so that any later command finds them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from mmbench import paths, records
from mmbench.slurm import FOLDER


@dataclass(frozen=True)
class Submission:
    """id: Slurm's, "12_3". at: seconds since the epoch. attempts: failures that were noted before."""

    id: str
    at: float
    attempts: int = 0


def note(key: str, seed: int, id: str) -> Submission:
    attempts = records.failures().get((key, seed), {}).get("attempts", 0)
    made = Submission(id, time.time(), attempts)
    target = _file(key, seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(json.dumps(vars(made)))
    partial.replace(target)
    return made


def forget(key: str, seed: int) -> None:
    _file(key, seed).unlink(missing_ok=True)


def all() -> dict[tuple[str, int], Submission]:
    """(key, seed) -> its submission, of every job that was handed over and not yet seen to end."""
    found: dict[tuple[str, int], Submission] = {}
    for file in (paths.results() / FOLDER / "jobs").glob("*.json"):
        if match := records.NAME.fullmatch(file.name):
            try:
                found[match[1], int(match[2])] = Submission(**json.loads(file.read_bytes()))
            except (ValueError, TypeError, FileNotFoundError):  # being written or removed
                continue
    return found


def _file(key: str, seed: int) -> Path:
    return paths.results() / FOLDER / "jobs" / f"{records.name(key, seed)}.json"
