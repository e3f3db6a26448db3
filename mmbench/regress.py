"""Regression: one run of every (method, head, task, model), compared with what was accepted before (`results/golden`).

On an equal stamp (torch, processor) every number must be the same; elsewhere it may differ by what another seed could make of it.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmbench import choose, console, cover, golden, launch, paths, records, registry
from mmbench.cover import Covered
from mmbench.errors import UserError
from mmbench.jobqueue import Outcome
from mmbench.places import places
from mmbench.plan import jobs
from mmbench.spec import READINGS, SCALES

SEED = 0
WIDE = 4 * math.sqrt(2)  # elsewhere: four standard deviations of a difference of two runs
TOLERANCE = f"4·√2 = {WIDE:.2f} standard deviations over seeds (four of the difference of two runs)"


@dataclass(frozen=True)
class Moved:
    """A number that is not what it was. allowed: the difference that would have passed; since: the commit that was accepted."""

    address: str
    metric: str
    before: float | None
    now: float | None
    allowed: float
    since: str

    @property
    def says(self) -> str:
        if self.before is None or self.now is None:
            return "is new" if self.before is None else "is gone"
        return f"{self.now - self.before:+.6g}"


@dataclass(frozen=True)
class Verdict:
    """covered: what was run; moved: what is not as accepted; unknown: kinds without a golden; stale: goldens of cells no longer in
    the cover; failed: runs that left no record. exact: whether the stamps were equal."""

    scale: str
    covered: tuple[Covered, ...]
    moved: tuple[Moved, ...]
    unknown: tuple[str, ...]
    stale: tuple[str, ...]
    failed: tuple[str, ...]
    exact: bool
    seconds: float

    @property
    def compared(self) -> str:
        """By what measure; "" where runs failed or nothing was accepted before, so that there is nothing to say of it."""
        if self.failed or len(self.unknown) == len(self.covered):
            return ""
        return "to the bit" if self.exact else f"within {TOLERANCE}, as the machine or torch is another one"

    @property
    def exit_code(self) -> int:
        return int(bool(self.moved or self.unknown or self.stale or self.failed))


def chosen(scale: str) -> list[Covered]:
    """The cover of a scale, both readings; UserError where no cell can run."""
    choose.known(scale, None)
    if scale == "full":
        raise UserError(f"regress runs at scale {' or '.join(s for s in SCALES if s != 'full')}: give one of these")
    covered = cover.cover(choose.all_cells(scale))
    if not covered:
        raise UserError(f"no cell can run at scale {scale} here: prepare a dataset first, or use --scale demo")
    addresses = [c.cell.address for c in covered]
    keys = {reading: {c.address: c.key for c in choose.cells(addresses, scale, reading)} for reading in READINGS}
    of = [[reading for reading in READINGS if keys[reading][c.cell.address] == c.cell.key] for c in covered]
    return [replace(c, reading="both" if len(readings) > 1 else readings[0]) for c, readings in zip(covered, of, strict=True)]


def run(scale: str, workers: int | None = None, device: str = "cpu", *, accepting: bool = False) -> tuple[Verdict, dict[str, Any]]:
    """Train the cover afresh, away from the other records; the verdict, and what `accept` would keep. accepting: a golden that cannot
    be read is as none, and that is said on stderr; else it is a UserError, before anything is trained."""
    covered = chosen(scale)
    before, unreadable = golden.or_none(scale) if accepting else (golden.load(scale), "")
    if unreadable:
        print(f"{unreadable}; a new one is begun, without its history", file=sys.stderr)
    count = choose.workers(workers)
    here = places(device, count)
    with _own_results() as folder:
        found = jobs([c.cell for c in covered], [SEED], scale=scale)
        with console.progress(len(found.ready), None) as screen:
            outcome: Outcome = launch.run(found.ready, "local", min(count or len(here), len(found.ready)), device=device, listen=screen)
        if outcome.stopped_by:
            raise KeyboardInterrupt
        made = {key: records.read(file) for (key, _), file in records.recorded().items()}
        names = {c.cell.key: c.name for c in covered}
        failed = tuple(f"{names[r.key]}: {r.why}; log: {r.log}" for r in outcome.failed)
    if not failed:
        shutil.rmtree(folder)
    all_made = list(made.values())
    now = {"scale": scale, "stamp": golden.stamp(all_made), "commit": golden.commit(all_made), "runs": _numbers(covered, made)}
    return compare(covered, before, now, failed, outcome.seconds), now


@contextmanager
def _own_results() -> Iterator[Path]:
    """Records made for a comparison are no records: they lie in a folder of their own, emptied before."""
    folder, before = paths.results() / "regress", os.environ.get("MMBENCH_RESULTS")
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["MMBENCH_RESULTS"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["MMBENCH_RESULTS"]
        else:
            os.environ["MMBENCH_RESULTS"] = before


def _numbers(covered: Sequence[Covered], made: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By kind: the cell, its key and versions, and the numbers after its last epoch."""
    found = {}
    for one in covered:
        record = made.get(one.cell.key)
        if record is None:
            continue
        result = record["result"]
        last = result["selections"].get("last", {}).get("values", {})
        numbers = {name: value for name, value in sorted(last.items())} | {"train-loss": result["train_loss"]}
        found[" ".join(one.kind)] = {
            "address": one.name, "key": one.cell.key, "versions": one.cell.run["versions"],
            "status": result["status"], "weights": result["weights_sha256"], "numbers": numbers,
        }  # fmt: skip
    return found


def compare(
    covered: Sequence[Covered], before: Mapping[str, Any], now: Mapping[str, Any], failed: Sequence[str], seconds: float
) -> Verdict:
    """What moved. Equal stamps: any difference, the hash of the weights among them. Else: what the spread over seeds, kept with the
    golden, does not explain; a number whose spread is not known is not compared there."""
    exact = bool(before.get("stamp")) and before["stamp"] == now["stamp"]
    old, new = before.get("runs", {}), now["runs"]
    moved: list[Moved] = []
    for name in old.keys() & new.keys():
        moved += _moved(old[name], new[name], exact, before)
    missing = {" ".join(c.kind) for c in covered} - new.keys()
    return Verdict(
        str(now["scale"]), tuple(covered), tuple(sorted(moved, key=lambda m: (m.address, m.metric))),
        tuple(sorted(new.keys() - old.keys())), tuple(sorted(old.keys() - new.keys() - missing)), tuple(failed), exact, seconds,
    )  # fmt: skip


def _moved(old: Mapping[str, Any], new: Mapping[str, Any], exact: bool, before: Mapping[str, Any]) -> Iterator[Moved]:
    since, address = f"{before['since']['commit'][:12]} of {before['since']['date']}", new["address"]
    if old["key"] != new["key"]:
        yield Moved(address, f"key {old['key']} -> {new['key']}", None, 0.0, 0.0, since)
        return
    if old["status"] != new["status"]:
        yield Moved(address, f"status {old['status']} -> {new['status']}", None, 0.0, 0.0, since)
    numbers = 0
    for metric in sorted(old["numbers"].keys() | new["numbers"].keys()):
        a, b = old["numbers"].get(metric), new["numbers"].get(metric)
        spread = old.get("spread", {}).get(metric)
        if not exact and spread is None:
            continue
        allowed = 0.0 if exact else WIDE * spread
        if a is None or b is None or abs(a - b) > allowed:
            numbers += a != b
            if a != b:
                yield Moved(address, metric, a, b, allowed, since)
    if exact and not numbers and old["weights"] != new["weights"]:
        yield Moved(address, "weights, though no number", None, 0.0, 0.0, since)


def accept(scale: str, now: Mapping[str, Any], verdict: Verdict, why: str) -> Path:
    """Keep today's numbers as the golden, with the reason and what moved."""
    if verdict.failed:
        raise UserError(f"{len(verdict.failed)} of {len(verdict.covered)} runs failed: nothing is accepted until none does")
    told = [f"{m.address} {m.metric} {m.says}" for m in verdict.moved] + [f"{name} is new" for name in verdict.unknown]
    return golden.accept(scale, now, told + [f"{name} is gone" for name in verdict.stale], why)


def answer(verdict: Verdict) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "scale": verdict.scale, "exact": verdict.exact, "compared": verdict.compared, "seconds": round(verdict.seconds, 1),
        "exit_code": verdict.exit_code, **planned(verdict.covered),
        "moved": [asdict(m) | {"says": m.says} for m in verdict.moved],
        "unknown": list(verdict.unknown), "stale": list(verdict.stale), "failed": list(verdict.failed),
    }  # fmt: skip


def planned(covered: Sequence[Covered]) -> dict[str, Any]:
    """The cover; and the methods and heads that no cell runs at this scale, which a regression therefore cannot see."""
    methods, heads = {c.kind[0] for c in covered}, {c.kind[1] for c in covered}
    return {
        "cover": [{"kind": list(c.kind), "address": c.cell.address, "reading": c.reading, "key": c.cell.key, "of": c.of} for c in covered],
        "uncovered": [f"method {m}" for m in registry.METHODS if m not in methods]
        + [f"head {h}" for h in registry.HEADS if h not in heads],
    }
