"""Seeds added until a table is decided (decisions E5): after 3, 5, 8 and 12 seeds, each time at a quarter of the level.

That a table was run so is kept beside its records, and the report then judges it at that quarter too: looking four times at the
full level would raise the false alarms.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from mmbench import choose, paths, plan, published, records, resolve, session
from mmbench.errors import UserError
from mmbench.places import places
from mmbench.plan import Plan
from mmbench.provenance import duration
from mmbench.session import Session
from mmbench.spec import ClaimVerdict, TableVerdict, ValueVerdict

LOOKS = (3, 5, 8, 12)  # seeds
DECIDED = ("reproduced", "close", "not reproduced", "diverged")  # of values; claims: what is not in doubt
OPEN_CLAIMS = ("undecided", "unclear", "missing")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(budget: str) -> float:
    """ "90m", "2h", "1.5h" -> seconds. UserError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", budget.strip())
    if match is None or not float(match[1]):
        raise UserError(f"--budget is '{budget}': write it as 90m, 2h or 1d")
    return float(match[1]) * UNITS[match[2]]


def checked(until: str | None, budget: str | None, on: str, seeds_given: bool = False) -> None:
    """UserError for options that do not go together."""
    if until is None:
        raise UserError("--budget goes with --until decided: it says how long seeds may be added")
    if until != "decided":
        raise UserError(f"--until is '{until}': write --until decided, with --budget")
    if budget is None:
        raise UserError("--until decided needs --budget, for example --budget 2h")
    if seeds_given:
        raise UserError("--until decided chooses the seeds itself (3, 5, 8, 12): leave out --seeds")
    if on == "slurm":
        raise UserError("--until decided looks at the records between seeds: use --on local, or run with --seeds on Slurm")


def run(names: Sequence[str], *, budget: str, scale: str, reading: str, **options: Any) -> list[Session]:
    """Run what is named, look, and add seeds where something is still open, until all is decided, twelve seeds are there or the
    budget is spent: then no further job is begun, those under way end, and there is no look at a part of the seeds.
    options: as `session.run`, without `seeds`. One session per number of seeds. UserError where the first needs more than the budget."""
    session.named(names)
    allowed, wanted = seconds(budget), choose.cells(names, scale, reading)
    end = time.monotonic() + allowed
    done: list[Session] = []
    open_cells = [cell for cell in wanted if cell.state == "run"]
    for count in LOOKS:
        todo = plan.jobs(open_cells, range(count), scale=scale, again=options.get("again", False))
        need, left = _need(todo, **options), end - time.monotonic()
        if todo.ready and need >= left:
            more = f"{count} seeds would need about {duration(need)}"
            if not done:
                raise UserError(f"{more}, the budget is {duration(allowed)}, and nothing was run: give more, or name fewer cells")
            print(f"{more}, of the budget {duration(max(0.0, left))} is left", file=sys.stderr)
            break
        asked = [cell.address for cell in open_cells] or names
        done.append(session.run(asked, scale=scale, reading=reading, seeds=count, end=end, **options))
        if done[-1].outcome.stopped_by or done[-1].outcome.out_of_time:
            break
        blocked = done[-1].plan.blocked
        if all(cell.key in blocked for cell in open_cells):  # nothing to look at, and more seeds do not unblock them
            break
        reached = [cell for cell in wanted if cell.state == "run" and cell.key not in blocked]
        verdicts, named = [judged(id, scale, reading) for id in dict.fromkeys(c.table for c in reached)], {c.address for c in reached}
        note(verdicts, count)
        print(said(verdicts, count, named), file=sys.stderr)
        open_cells = [cell for cell in open_cells if cell.key in blocked or cell.address in undecided(verdicts, named)]
        if all(cell.key in blocked for cell in open_cells):
            break
    return done


def _need(todo: Plan, *, on: str, device: str, workers: int | None, per_gpu: int = 1, **_: Any) -> float:
    """Seconds that these jobs should take here, at least: what no record is like is not in them."""
    at_once = 1 if on == "inline" else len(places(device, choose.workers(workers), per_gpu))
    return todo.seconds / max(1, min(at_once, len(todo.ready)))


def judged(id: str, scale: str, reading: str) -> TableVerdict:
    """A table by what is recorded now, at a quarter of the level."""
    from mmbench import collect, judge

    table = published.load(id)
    cells = resolve.cells(table, scale, reading)
    keys = {c.key for c in cells}
    mine = (records.read(file) for (key, _), file in sorted(records.recorded().items()) if key in keys)
    return judge.verdicts(
        table, cells, collect.frame(mine), scale=scale, reading=reading, facts=published.datasets(), looks=len(LOOKS)
    )  # fmt: skip


def undecided(verdicts: Iterable[TableVerdict], named: AbstractSet[str]) -> set[str]:
    """Addresses of the cells that more seeds could still say something of: an open value, or a part in an open claim. named: the
    addresses that run; a claim that needs others too is not decided by them."""
    found: set[str] = set()
    for verdict in verdicts:
        found |= {v.cell.address for v in verdict.values if v.cell.address in named and is_open(v)}
        for claim in verdict.claims:
            if is_open_claim(claim) and (needed := _needed(claim, verdict)) <= named:
                found |= needed
    return found


def is_open(value: ValueVerdict) -> bool:
    """Whether more seeds could decide a printed value. What cannot be compared is never decided by seeds."""
    return value.cell.published is not None and value.word in ("inconclusive", "single run", "missing")


def is_open_claim(claim: ClaimVerdict) -> bool:
    return claim.word in OPEN_CLAIMS


def _needed(verdict: ClaimVerdict, table: TableVerdict) -> set[str]:
    """Addresses of the runs that a claim is about."""
    cells = [v.cell for v in table.values if v.cell.state == "run"]
    return {cell.address for cell in cells if verdict.claim.concerns(cell.row, cell.column)}


def said(verdicts: Sequence[TableVerdict], count: int, named: AbstractSet[str]) -> str:
    """How far a look got with the runs that are named, in one line."""
    values = [v for verdict in verdicts for v in verdict.values if v.cell.address in named and v.cell.published is not None]
    comparable = [v for v in values if v.word in DECIDED or is_open(v)]
    asked = [(c, _needed(c, verdict)) for verdict in verdicts for c in verdict.claims if not c.word.startswith("not judged")]
    claims, more = [c for c, needed in asked if needed <= named], sum(bool(named & needed) and not needed <= named for _, needed in asked)
    parts = [
        f"{sum(not is_open(v) for v in comparable)} of {len(comparable)} values" if comparable else "no value can be compared here",
        f"{sum(not is_open_claim(c) for c in claims)} of {len(claims)} claims decided" if claims else "no claim is judged here",
    ]
    parts += [f"{'1 claim needs' if more == 1 else f'{more} claims need'} cells that were not asked for or cannot run"] if more else []
    return f"look at {count} seeds: {', '.join(parts)}"


def note(verdicts: Iterable[TableVerdict], count: int) -> None:
    """Keep that these tables were looked at as seeds were added."""
    for verdict in verdicts:
        file = _file(verdict.table.id, verdict.scale, verdict.reading)
        file.parent.mkdir(parents=True, exist_ok=True)
        before = json.loads(file.read_text())["looked_at"] if file.exists() else []
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(json.dumps({"looked_at": sorted({*before, count})}) + "\n")
        partial.replace(file)


def looks(table: str, scale: str, reading: str) -> int:
    """Into how many looks the level of a table's tests is divided: 1, unless its seeds were added until it was decided."""
    return len(LOOKS) if _file(table, scale, reading).exists() else 1


def _file(table: str, scale: str, reading: str) -> Path:
    return paths.results() / "adaptive" / f"{table}-{scale}-{reading}.json"
