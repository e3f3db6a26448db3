"""`mmbench run`: plan, launch, and account for every job that was wanted; and `mmbench cancel`."""

from __future__ import annotations

import math
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mmbench import answers, choose, console, launch, lease, paths, plan, records, settings, submitted
from mmbench import slurm as cluster
from mmbench.errors import UserError
from mmbench.jobqueue import Outcome
from mmbench.places import places
from mmbench.plan import Plan


@dataclass(frozen=True)
class Session:
    plan: Plan
    outcome: Outcome

    @property
    def exit_code(self) -> int:
        """0 all wanted is recorded; 1 some is not; 2 nothing is, as all of it is blocked, which the user can mend; 130, 143 stopped."""
        if self.outcome.exit_code or self.plan.exhausted:
            return self.outcome.exit_code or 1
        done = self.plan.recorded or self.outcome.reports or self.outcome.left
        return (1 if done else 2) if self.plan.blocked else 0

    def answer(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "wanted": self.plan.wanted, "unique": self.plan.unique, "recorded_before": self.plan.recorded,
            "jobs": [vars(report) for report in self.outcome.reports],
            "left": [{"key": j.key, "seed": j.seed} for j in self.outcome.left],
            "blocked": dict(self.plan.blocked), "exhausted": {records.name(*job): why for job, why in self.plan.exhausted.items()},
            "seconds": round(self.outcome.seconds, 3), "exit_code": self.exit_code,
        }  # fmt: skip


def run(
    names: Sequence[str], *, scale: str, reading: str, seeds: int, on: str, workers: int | None, device: str, again: bool = False,
    per_gpu: int = 1, slurm: Sequence[str] = (), wait: bool = True, end: float = math.inf,
) -> Session:  # fmt: skip
    """Do what is missing of these tables, and say on stderr what is going on. slurm: options `key=value`; wait: False leaves after
    handing the jobs over to Slurm. end: see `launch.run`."""
    named(names)
    launch.known(on)
    if on != "slurm" and (slurm or not wait):
        raise UserError("--slurm and --no-wait go with --on slurm")
    if per_gpu < 1:
        raise UserError(f"--per-gpu is {per_gpu}: give 1 or more")
    cells, count = choose.cells(names, scale, reading), choose.workers(workers)
    options = settings.slurm(slurm) if on == "slurm" else {}
    here = [] if on == "slurm" else places(device, count, per_gpu)  # a device that is not there is said before anything is written
    writable()
    found = plan.jobs(cells, choose.seeds(seeds), scale=scale, others=choose.all_cells(scale), again=again)
    if _set_aside(found):
        found = plan.jobs(cells, choose.seeds(seeds), scale=scale, others=choose.all_cells(scale), again=again)
    idle = [f"inapplicable: {cell.why}" for cell in cells if cell.state == "inapplicable"]
    for why in dict.fromkeys([*found.blocked.values(), *idle]):
        print(why, file=sys.stderr)
    expected = found.seconds / min(len(found.ready), len(here)) if found.ready and here and not found.unknown else None
    with console.progress(len(found.ready), expected) as screen:
        outcome = launch.run(found.ready, on, count, device=device, per_gpu=per_gpu, listen=screen, slurm=options, wait=wait, end=end)
    return Session(found, outcome)


def named(names: Sequence[str]) -> None:
    """UserError where nothing is named: what trains everything is not said by saying nothing."""
    if not names:
        raise UserError("name a table, a cell (TABLE:ROW:COLUMN), a paper, or 'all'; 'mmbench list' shows them")


def writable() -> None:
    """UserError unless the results folder can be made and written."""
    folder = paths.results()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(6)}.partial"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"the results folder {folder} cannot be written ({error.strerror}): set MMBENCH_RESULTS to one that can") from None


def _set_aside(found: Plan) -> bool:
    """Read what the plan took for recorded, and set aside what is no record. Whether there was any."""
    wanted = {(key, seed) for key in found.keys for seed in found.seeds}
    bad = [file for file in found.damaged if records.read_or_set_aside(file) is None]
    bad += [file for job, file in records.recorded().items() if job in wanted and records.read_or_set_aside(file) is None]
    return bool(bad)


def cancelled(names: Sequence[str], scale: str, reading: str) -> dict[str, Any]:
    """Stop the jobs of these tables: Slurm's by their ids; on this machine the launcher that runs them, with all that it runs."""
    keys = {c.key for c in choose.cells(names, scale, reading) if c.state == "run"}
    queued = answers.queued(keys)
    if queued:
        cluster.cancel(id for id, _ in queued.values())
        for job in queued:
            submitted.forget(*job)
    on_slurm = set(queued)
    mine = {job: launcher for job, launcher in lease.launchers().items() if job[0] in keys and job not in on_slurm}
    launchers = sorted({pid for pid in mine.values() if pid})
    for pid in launchers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return {
        "slurm": [{"key": key, "seed": seed, "id": id} for (key, seed), (id, _) in sorted(queued.items())], "local": launchers,
        "elsewhere": [{"key": key, "seed": seed} for (key, seed), pid in sorted(mine.items()) if not pid],
    }  # fmt: skip
