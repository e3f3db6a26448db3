"""Cells and seeds -> what is wanted, recorded, missing and blocked. Set arithmetic over file names: no state, no database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench import paths, records
from mmbench.registry import DATASETS
from mmbench.spec import Cell, Job, View

SAMPLES = 3  # records read per dataset and method for the time estimate


@dataclass(frozen=True)
class Plan:
    """wanted: printed values times seeds; unique: distinct jobs behind them; recorded + missing = unique.

    keys, seeds: what is wanted. jobs: all missing ones, in the order of the cells. blocked: key -> why its jobs cannot run here.
    exhausted: (key, seed) -> why of jobs that failed too often to be tried again. damaged: files under a record's name that do
    not end like one. seconds: the core-seconds that `ready` should take, as far as records tell; unknown: ready jobs that no
    record is like.
    """

    wanted: int
    keys: tuple[str, ...]
    seeds: tuple[int, ...]
    jobs: tuple[Job, ...]
    blocked: Mapping[str, str] = field(default_factory=dict)
    exhausted: Mapping[tuple[str, int], str] = field(default_factory=dict)
    damaged: tuple[Path, ...] = ()
    seconds: float = 0.0
    unknown: int = 0

    @property
    def unique(self) -> int:
        return len(self.keys) * len(self.seeds)

    @property
    def recorded(self) -> int:
        return self.unique - self.missing

    @property
    def missing(self) -> int:
        return len(self.jobs)

    @property
    def ready(self) -> tuple[Job, ...]:
        """The jobs to launch: missing, not blocked, not given up."""
        return tuple(j for j in self.jobs if j.key not in self.blocked and (j.key, j.seed) not in self.exhausted)


def jobs(cells: Iterable[Cell], seeds: Sequence[int], *, scale: str = "full", others: Iterable[Cell] = (), again: bool = False) -> Plan:
    """What these cells need under these seeds. others: further cells, whose views of the same runs are evaluated with them.
    again: try also what failed too often."""
    runs = [cell for cell in cells if cell.state == "run"]
    views = _views((*runs, *(cell for cell in others if cell.state == "run")))
    wanted = {cell.key: cell.run for cell in reversed(runs)}
    keys = list(dict.fromkeys(cell.key for cell in runs))
    done = records.recorded()
    damaged = tuple(done.pop(job) for job in [(k, s) for k in keys for s in seeds if (k, s) in done] if not records.whole(done[job]))
    missing = tuple(Job(k, s, wanted[k], views[k], scale) for k in keys for s in seeds if (k, s) not in done)
    blocked = {k: why for k in dict.fromkeys(j.key for j in missing) if (why := obstacle(wanted[k])) is not None}
    failed = {} if again else records.failures()
    exhausted = {
        (j.key, j.seed): _given_up(failed[j.key, j.seed])
        for j in missing
        if (j.key, j.seed) in failed and failed[j.key, j.seed]["attempts"] >= records.ATTEMPTS
    }
    found = Plan(len(runs) * len(seeds), tuple(keys), tuple(seeds), missing, blocked, exhausted, damaged)
    seconds, unknown = estimate(found.ready)
    return replace(found, seconds=seconds, unknown=unknown)


def _views(cells: Iterable[Cell]) -> dict[str, tuple[View, ...]]:
    """Key -> every view that any cell asks of it, in order, without repeats."""
    found: dict[str, dict[View, None]] = {}
    for cell in cells:
        if cell.view is not None and cell.key:
            found.setdefault(cell.key, {})[cell.view] = None
    return {key: tuple(views) for key, views in found.items()}


def _given_up(failure: Mapping[str, Any]) -> str:
    return f"failed {failure['attempts']} times, last: {failure['why']} (log: {failure['log']}); try once more with --again"


def obstacle(run: Mapping[str, Any]) -> str | None:
    """Why the run cannot be done here, in one line with the ways out, or None. Looks for files, reads none."""
    for dataset in dict.fromkeys((run["dataset"], run.get("pretraining", run)["dataset"])):
        if dataset not in DATASETS and (lack := _unprepared(dataset)):
            how = f"run 'mmbench data prepare {dataset} --raw DIR'"
            return f"blocked: {dataset} is {lack}: {how}, or try the stand-in with --scale demo"
    folder = paths.weights()
    for name in _weights(run):
        if folder is None or not (folder / name).is_file():
            how = "put it into the folder that MMBENCH_WEIGHTS names" if folder is None else "put it into MMBENCH_WEIGHTS"
            return f"blocked: weights '{name}' are not here: {how}, or try the stand-in with --scale demo"
    return None


def _unprepared(dataset: str) -> str:
    """ "" if a version of the store is whole, else what it is."""
    versions = [file.parent for file in (paths.data() / dataset).glob("*/meta.json")]
    if any((version / "index.json").is_file() for version in versions):
        return ""
    return "only half prepared (no index.json)" if versions else "not prepared"


def _weights(run: Mapping[str, Any]) -> list[str]:
    named = run.get("weights") or {}
    return sorted({name for name in (named.values() if isinstance(named, Mapping) else [named]) if name})


def estimate(wanted: Sequence[Job]) -> tuple[float, int]:
    """Core-seconds that these jobs should take, from recorded seconds per epoch of the same dataset and method (else of the same
    dataset), and the number of jobs that no record is like. Reads a few records for each."""
    pace: dict[tuple[str, str], float | None] = {}
    seconds, unknown = 0.0, 0
    for job in wanted:
        kind = job.run["dataset"], job.run["method"]
        if kind not in pace:
            pace[kind] = _pace(*kind)
        if (per_epoch := pace[kind]) is None:
            unknown += 1
        else:
            seconds += per_epoch * job.run["epochs"]
    return seconds, unknown


def _pace(dataset: str, method: str) -> float | None:
    """Mean seconds per epoch over a few records, None where there are none."""
    folder = paths.results() / "runs" / paths.group() / dataset
    for pattern in (f"{method}/*.json", "*/*.json"):
        paces = []
        for file in sorted(f for f in folder.glob(pattern) if records.NAME.fullmatch(f.name)):
            try:
                record = json.loads(file.read_bytes())
                paces.append(record["environment"]["seconds"]["total"] / max(1, record["run"]["epochs"]))
            except (ValueError, KeyError, TypeError):  # a damaged record: `run` and `report` name it and set it aside
                continue
            if len(paces) == SAMPLES:
                break
        if paces:
            return sum(paces) / len(paces)
    return None
