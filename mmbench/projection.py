"""`mmbench plan --on-machine NAME`: how many hours the tables take on a machine that `mmbench measure` has measured.

    seconds of a run = epochs x ((drawn items + one batch) x step + (looked-at, test and validation items) x evaluation)

with all times per item, as measured at the true shapes. The one batch is that of the gradient norms (measured: 0.87 to 0.97 of a step on
four networks). And before it the copies that a method trains, and another run that it begins
with. Every epoch is counted as one of the middle, when warm-ups are over. What was not measured is extrapolated from the nearest kind of
the same data set and encoders, or unknown: it is listed, and never counted as nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from mmbench import choose, paths, plan, published
from mmbench.errors import UserError
from mmbench.measure import kinds, machine
from mmbench.measure.kinds import Kind
from mmbench.plan import Plan
from mmbench.spec import Cell, DatasetFacts

APART = "voxceleb2"  # its runs are most of all there is to compute
LIKE = ("preparation", "inputs", "method", "head", "precision", "batch")  # what the nearest kind has in common, the weightiest first
SAMPLES = 20  # recorded runs that are asked how many items a method draws
Entries = Mapping[Kind, Mapping[str, Any]]
Run = Mapping[str, Any]


@dataclass(frozen=True)
class Pace:
    """Seconds per item of a step and of an evaluation; what an epoch draws and looks at, and the copies trained before
    the first, as shares of the training part. how: "measured", or what it was extrapolated from."""

    step: float
    evaluate: float
    draws: float
    looked: float
    copies: Sequence[Sequence[float]]
    how: str


@dataclass(frozen=True)
class Cost:
    """One run. how: "measured", "extrapolated" or "unknown"; why: from what, or why not."""

    seconds: float
    how: str
    why: str = ""


class Machine:
    """What was measured on one machine, asked run by run."""

    def __init__(self, name: str) -> None:
        self.content = machine.read(name)
        self.entries: dict[Kind, Mapping[str, Any]] = {kinds.named(id): entry for id, entry in self.content["kinds"].items()}
        self.facts = published.datasets()
        self.drawn: dict[str, float | None] = {}
        self.assumed: dict[str, None] = {}

    def cost(self, key: str, run: Run) -> Cost:
        pace = self.pace(kinds.kind(run), kinds.elements(kinds.shown(key)), run["method"])
        if isinstance(pace, str):
            return Cost(0.0, "unknown", pace)
        items, assumed = kinds.counts(run, self.facts)
        if not items.get("train"):
            return Cost(0.0, "unknown", f"how many items {run['dataset']} has is not known (benchmarks/datasets.toml)")
        if assumed:
            self.assumed[assumed] = None
        if "test" not in items:
            self.assumed[f"{run['dataset']}: how many items are evaluated is not known; their time is left out"] = None
        first = self._before(run)
        seconds = training(run, items, pace) + (first.seconds if first else 0.0)
        if first and first.how == "unknown":
            return first
        how = "measured" if pace.how == "measured" and (first is None or first.how == "measured") else "extrapolated"
        return Cost(seconds, how, "" if how == "measured" else pace.how)

    def _before(self, run: Run) -> Cost | None:
        """Of the run on other data that comes first (`mmbench.pretraining`), where there is one."""
        if "pretraining" not in run:
            return None
        first = {name: value for name, value in {**run, **run["pretraining"]}.items() if name != "pretraining"}
        return self.cost("", first)

    def pace(self, kind: Kind, elements: int, method: str) -> Pace | str:
        """Of this kind; else of the nearest one on the same data set and encoders; else why there is none."""
        if kind in self.entries:
            return self._of(kind, kind, 1.0, "measured", method)
        near = [k for k in self.entries if k.network == kind.network]
        near.sort(
            key=lambda k: [getattr(k, name) != getattr(kind, name) for name in ("preparation", "inputs", "method", "head", "precision")]
        )
        whys = []
        for other in near:
            size = 1.0
            if other.base != kind.base:
                mine = kinds.elements(self.entries[other]["inputs"])
                if not elements or not mine:
                    whys.append(f"its input shapes are not known, nor was {kind.preparation} measured")
                    continue
                size = elements / mine
            found = self._by_method(kind, other, size, method)
            if found is not None:
                return found
            whys.append(f"{kind.method} was nowhere measured beside {other.method}")
        return whys[0] if whys else f"{kind.dataset} with {kind.encoders} was not measured"

    def _by_method(self, kind: Kind, other: Kind, size: float, method: str) -> Pace | None:
        """From another kind: as it is where the method is the same, else by what the two methods cost where both were measured."""
        scaled = f", by input size x{size:.2g}" if size != 1 else ""
        if other.method == kind.method:
            return self._of(other, other, size, f"as {said(other)}{scaled}", method)
        pairs = [
            (a, self.entries[a]["step_seconds"] / self.entries[a]["batch"] / (self.entries[b]["step_seconds"] / self.entries[b]["batch"]))
            for a in self.entries if a.method == kind.method
            for b in self.entries if b.method == other.method and (a.base, a.precision) == (b.base, b.precision)
        ]  # fmt: skip
        if not pairs:
            return None
        ratio = median(ratio for _, ratio in pairs)
        return self._of(other, pairs[0][0], size, f"as {said(other)}, by method x{ratio:.2g}{scaled}", method, ratio)

    def _of(self, times: Kind, shares: Kind, size: float, how: str, method: str, ratio: float = 1.0) -> Pace:
        one, other = self.entries[times], self.entries[shares]
        if not one["fits"]:
            self.assumed[f"{times.dataset}: does not fit on the device; that reading it keeps up with training"] = None
        each = size / one["batch"]
        return Pace(
            one["step_seconds"] * each * ratio, one["evaluate_seconds"] * each,
            self._draws(method) or other["draws"], other["looked"], other["copies"], how,
        )  # fmt: skip

    def _draws(self, method: str) -> float | None:
        """The share of items that recorded runs of this method draw in their last epoch, at whatever scale; None where no record says.
        The networks that `measure` looks at are untrained, and resampling depends on what a network has learned."""
        if method not in self.drawn:
            self.drawn[method] = drawn(method, self.facts)
        return self.drawn[method]


def drawn(method: str, facts: Mapping[str, DatasetFacts]) -> float | None:
    shares = []
    for file in sorted((paths.results() / "runs").glob(f"*/*/{method}/*.json"))[:SAMPLES]:
        try:
            record = json.loads(file.read_bytes())
            count = record["result"]["selections"]["last"]["values"]["log.drawn"]
        except (ValueError, KeyError, TypeError):  # it logs nothing such, or is damaged: `run` and `report` name that
            continue
        if items := kinds.counts(record["run"], facts)[0].get("train"):
            shares.append(count / items)
    return mean(shares) if shares else None


def training(run: Run, items: Mapping[str, int], pace: Pace) -> float:
    """Seconds of one run, without the one that it begins with."""
    train, batch = items["train"], run["batch"]
    taken = train * pace.draws
    if run["drop_last"]:
        taken = taken // batch * batch
    evaluated = train * pace.looked + items.get("test", 0) + items.get("val", 0)
    epoch = (taken + min(batch, train)) * pace.step + evaluated * pace.evaluate
    before = sum(modalities * epochs * share * train * pace.step for modalities, epochs, share in pace.copies)
    return run["epochs"] * epoch + before


def said(kind: Kind) -> str:
    return f"{kind.method} with {kind.head} on {kind.dataset} {kind.preparation}"


def planned(name: str, names: Sequence[str], scale: str, reading: str, seeds: int) -> dict[str, Any]:
    """What `plan --on-machine NAME` adds to its answer. UserError for a machine that was not measured, and at any scale but full."""
    if scale != "full":
        raise UserError(f"--on-machine is for --scale full, whose shapes are measured; this is scale {scale}")
    known, cells = Machine(name), choose.cells(names, scale, reading)
    return projected(known, cells, plan.jobs(cells, choose.seeds(seeds), scale=scale))


def projected(known: Machine, cells: Iterable[Cell], found: Plan) -> dict[str, Any]:
    """Hours per table and in all with the wanted seeds, each run counted once in a table and once in all; those of VoxCeleb2 apart."""
    seeds = len(found.seeds)
    runs: dict[str, Cell] = {}
    tables: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.state == "run":
            runs.setdefault(cell.key, cell)
            tables.setdefault(cell.table, {})[cell.key] = None
    costs = {key: known.cost(key, cell.run) for key, cell in runs.items()}
    missing: dict[str, int] = {}
    for job in found.jobs:
        missing[job.key] = missing.get(job.key, 0) + 1
    content = known.content
    return {
        "machine": {"name": content["name"], **content["machine"]}, "versions": content["versions"], "unit": unit(content), "seeds": seeds,
        **_sums(runs, runs, costs, dict.fromkeys(runs, seeds)), "missing": _sums(runs, runs, costs, missing)["hours"],
        "missing_apart": _sums(runs, runs, costs, missing)["apart"],
        "tables": [{"id": id} | _sums(keys, runs, costs, dict.fromkeys(runs, seeds)) for id, keys in tables.items()],
        "extrapolated": _listed("extrapolated", runs, costs), "unknown": _listed("unknown", runs, costs), "assumed": list(known.assumed),
    }  # fmt: skip


def unit(content: Mapping[str, Any]) -> str:
    return "GPU-hours" if content["machine"]["device_kind"] == "cuda" else "core-hours"


def _sums(keys: Iterable[str], runs: Mapping[str, Cell], costs: Mapping[str, Cost], seeds: Mapping[str, int]) -> dict[str, Any]:
    """hours: of all but VoxCeleb2, whose hours are `apart`; and how many jobs are behind them, by how their cost is known."""
    hours = {"hours": 0.0, "apart": 0.0}
    jobs = {"measured": 0, "extrapolated": 0, "unknown": 0}
    share = 0.0
    for key in keys:
        count, cost = seeds.get(key, 0), costs[key]
        spent = cost.seconds * count / 3600
        hours["apart" if runs[key].run["dataset"] == APART else "hours"] += spent
        share += spent * (cost.how == "measured")
        jobs[cost.how] += count
    whole = sum(hours.values())
    known = {name: round(value, 3) for name, value in hours.items()}
    return {**known, "jobs": jobs, "measured_share": round(share / whole, 3) if whole else None}


def _listed(how: str, runs: Mapping[str, Cell], costs: Mapping[str, Cost]) -> list[dict[str, Any]]:
    return [
        {"key": key, "cell": runs[key].address, "kind": kinds.kind(runs[key].run).id, "why": cost.why}
        for key, cost in costs.items() if cost.how == how
    ]  # fmt: skip


def text(answer: Mapping[str, Any]) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    from mmbench.console import table

    unit, on = answer["unit"], answer["machine"]
    yield f"on {on['name']} ({on['device']}), {answer['seeds']} seed{'s' if answer['seeds'] > 1 else ''} per value, in {unit}:"
    heads = {"id": "table", "hours": unit, "apart": "VoxCeleb2", "measured": "jobs measured", "extrapolated": "extrapolated",
             "unknown": "unknown"}  # fmt: skip
    rows = [*answer["tables"], {"id": "in all, each run once"} | {k: answer[k] for k in ("hours", "apart", "jobs")}]
    yield table([_shown(row) for row in rows], heads)
    yield ""
    yield f"still to run: {answer['missing']:,.1f} {unit}, and {answer['missing_apart']:,.1f} of VoxCeleb2"
    if answer["measured_share"] is not None:
        yield f"{100 * answer['measured_share']:.0f} % of these hours are of kinds that were measured, the rest is extrapolated"
    for how in ("extrapolated", "unknown"):
        whys: dict[str, int] = {}
        for one in answer[how]:
            whys[one["why"]] = whys.get(one["why"], 0) + 1
        yield from (f"{how}: {runs} run{'s' if runs > 1 else ''}: {why}" for why, runs in whys.items())
    if answer["unknown"]:
        yield f"what is unknown stands in no sum; measure it: mmbench measure {on['name']}"
    yield from (f"assumed: {line}" for line in answer["assumed"])


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    least = "at least " * bool(row["jobs"]["unknown"])
    return {
        "id": row["id"], **row["jobs"], "hours": f"{least}{row['hours']:,.1f}", "apart": f"{row['apart']:,.1f}" if row["apart"] else "",
    }  # fmt: skip
