"""Frame + Table -> verdicts (design 8, decisions E). In this order: admissible? spread, consistent, equivalent, claims, multiplicity.

A published value is a constant here, from k runs (one, unless the paper says more); ours are n. "Not reproduced" means: differs by
more than our seed noise. Hardware, versions and lost data are in no term.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np
import pandas as pd

from mmbench import claims, stats
from mmbench.spec import WORDS, Cell, Claim, ClaimVerdict, DatasetFacts, Table, TableVerdict, ValueVerdict

NOT_LEARNED = 0.9  # "Not converge" agrees with a final training loss of at least this share of ln C
WORD = {(True, True): "reproduced", (True, False): "inconclusive", (False, True): "close", (False, False): "not reproduced"}
UNTESTED = {"consistent": None, "equivalent": None, "p": None, "alternative": "", "seeds_needed": None}
HOMOGENEOUS = ("group", "fingerprint", "device_kind")  # seeds are pooled only within these (decisions D2)
NEEDED = (*HOMOGENEOUS, "seed", "status", "selection", "metric", "value", "n_test", "train_loss", "started", "stand_in", "imitation")
Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """The runs behind one cell: seed -> value at the cell's view, diverged seeds apart, and what hinders a comparison."""

    cell: Cell
    values: Mapping[int, float]
    diverged: tuple[int, ...] = ()
    hindrance: str = ""  # why the values are not comparable with the published one
    note: str = ""
    items: int = 0  # of the test set
    losses: tuple[float, ...] = ()
    selections: Mapping[str, float] | None = None
    rows: Rows | None = None


def verdicts(
    table: Table,
    cells: Sequence[Cell],
    frame: pd.DataFrame,
    *,
    scale: str,
    reading: str,
    facts: Mapping[str, DatasetFacts],
    blocked: Mapping[str, str] | None = None,
    failed: Mapping[str, str] | None = None,
) -> TableVerdict:
    """Every value and every claim of one table at one scale and reading. frame: `collect.frame`; blocked, failed: key -> why."""
    runs = by_run(frame)
    samples = {(c.row, c.column): sample(c, runs.get(c.key), scale, facts) for c in cells}
    samples = {place: _relative(one, samples) for place, one in samples.items()}
    spreads = {column.id: spread([s for s in samples.values() if s.cell.column == column.id]) for column in table.columns}
    values = []
    for one in samples.values():
        verdict = _value(one, *spreads[one.cell.column], facts, blocked or {}, failed or {})
        values.append(replace(verdict, selections=one.selections or {}))
    values = _holm(values)
    stand_in = scale != "full" or any(facts[c.run["dataset"]].stand_in for c in cells if c.run.get("dataset") in facts)
    found = tuple(_claim(claim, table, samples, stand_in) for claim in table.claims)
    tested = {v.cell.key for v in values if v.p is not None}
    return TableVerdict(
        table, scale, reading, tuple(dict.fromkeys(c.run["dataset"] for c in cells if c.run)), stand_in, tuple(values), found,
        expected_false_alarms=0.05 * len(tested) if tested else None,
        spread={column: sd for column, (sd, _) in spreads.items() if sd is not None},
        df={column: df for column, (_, df) in spreads.items() if df is not None},
        notes=tuple(dict.fromkeys(s.note for s in samples.values() if s.note)),
    )  # fmt: skip


def by_run(frame: pd.DataFrame) -> dict[str, Rows]:
    """Key -> the frame's columns as arrays, only the rows of that key. Grouped once: a suite has many keys."""
    columns = {name: frame[name].to_numpy() for name in NEEDED}
    return {
        str(k): {name: values[rows] for name, values in columns.items()} for k, rows in frame.groupby("key", sort=False).indices.items()
    }


def sample(cell: Cell, rows: Rows | None, scale: str, facts: Mapping[str, DatasetFacts]) -> Sample:
    """The largest set of seeds with equal group, data and kind of device; what else there is stands in `note`."""
    if rows is None or cell.view is None:
        return Sample(cell, {})
    origins = list(zip(*(rows[name] for name in HOMOGENEOUS), strict=True))
    seeds = {origin: {s for s, o in zip(rows["seed"], origins, strict=True) if o == origin} for origin in dict.fromkeys(origins)}
    newest = dict(sorted(zip(origins, rows["started"], strict=True), key=lambda pair: pair[1]))
    largest = max(seeds, key=lambda origin: (len(seeds[origin]), newest[origin]))
    note = f"{cell.address}: runs on other data or devices are left out" if len(seeds) > 1 else ""
    here = np.array([origin == largest for origin in origins])
    rows = {name: found[here] for name, found in rows.items()}
    named = (rows["metric"] == cell.view.name) & np.isfinite(rows["value"].astype(float))
    values: dict[str, dict[int, float]] = {}
    for label, seed, value in zip(rows["selection"][named], rows["seed"][named], rows["value"][named], strict=True):
        values.setdefault(str(label), {})[int(seed)] = float(value)
    mine = values.pop(cell.view.selection, {})
    losses = dict(zip(rows["seed"], rows["train_loss"], strict=True))
    return Sample(
        cell, dict(sorted(mine.items())), tuple(sorted({int(s) for s in rows["seed"][rows["status"] == "diverged"]})),
        _hindrance(cell, {name: found[0] for name, found in rows.items()}, scale, facts), note, int(rows["n_test"][0]),
        tuple(float(loss) for loss in losses.values()), {label: float(np.mean(list(v.values()))) for label, v in values.items()}, rows,
    )  # fmt: skip


def _hindrance(cell: Cell, row: Mapping[str, Any], scale: str, facts: Mapping[str, DatasetFacts]) -> str:
    dataset = str(cell.run["dataset"])
    if row["stand_in"]:
        return f"ran on the stand-in {dataset}"
    if row["imitation"]:
        return f"ran on an imitation of {dataset}"
    if scale != "full":
        return f"ran at scale {scale}: a subset and a short schedule"
    listed = facts[dataset].splits.get(str(cell.run["split"]), {}).get("test") if dataset in facts else None
    scored = int(row["n_test"])
    if listed and scored != listed:
        return f"{scored:,} of {listed:,} test items found"
    return ""


def _relative(one: Sample, samples: Mapping[tuple[str, str], Sample]) -> Sample:
    """A value that is printed as a multiple of another row's becomes that ratio, seed by seed."""
    if not one.cell.versus or one.cell.published is None:
        return one
    base = samples.get((one.cell.versus, one.cell.column))
    common = base.values if base else {}
    return replace(one, values={s: v / common[s] for s, v in one.values.items() if common.get(s)})


def spread(samples: Sequence[Sample]) -> tuple[float | None, float | None]:
    """The pooled spread of a column's cells and its df, over the seeds that all of them have (equal keys once).
    (None, None) where fewer than two seeds are common."""
    distinct = {s.cell.key: s for s in samples if len(s.values) > 1 and not s.cell.versus}
    if not distinct:
        return None, None
    seeds = sorted(set.intersection(*(set(s.values) for s in distinct.values())))
    if len(seeds) < 2:
        return None, None
    return stats.pooled(np.array([[s.values[seed] for seed in seeds] for s in distinct.values()]))


def _value(
    one: Sample,
    pooled: float | None,
    df: float | None,
    facts: Mapping[str, DatasetFacts],
    blocked: Mapping[str, str],
    failed: Mapping[str, str],
) -> ValueVerdict:
    """The verdict of one cell, from the words that need no runs to the two tests."""
    cell, values = one.cell, np.array(list(one.values.values()))
    if (word := _without_runs(cell)) is not None:
        return word
    n, gone = len(values), len(one.diverged)
    found = ValueVerdict(cell, "", n=n, diverged=gone, mean=float(values.mean()) if n else None)
    if n + gone == 0:
        for word, reasons in (("blocked", blocked), ("failed", failed)):
            if cell.key in reasons:
                return replace(found, word=word, why=reasons[cell.key])
        return replace(found, word="missing", why="no run is recorded")
    if cell.published == "Not converge":
        return _not_converge(found, one, facts)
    if n > 1:
        own = float(values.std(ddof=1))
        sd = max(own, pooled or 0.0, stats.granularity(one.items) if cell.unit == "%" else 0.0)
        found = replace(found, sd=sd, df=df if pooled is not None and df is not None else n - 1.0)
    elif n == 1 and pooled is not None:
        found = replace(found, sd=pooled, df=df)
    if cell.published is None:
        return replace(found, word="not judged", why="nothing is printed here")
    found = _tested(found) if found.sd is not None else replace(found, difference=_difference(found))
    if one.hindrance:
        return replace(
            found, word="not comparable", why=one.hindrance, consistent=None, equivalent=None, p=None, alternative="", seeds_needed=None
        )
    if gone:
        return replace(found, word="diverged", why=f"{gone} of {n + gone} seeds diverged", p=None)
    if n == 1:
        return replace(found, word="single run", why="one seed has no spread of its own", p=None)
    return found


def _without_runs(cell: Cell) -> ValueVerdict | None:
    """The words that need no runs."""
    if cell.state == "cited":
        return ValueVerdict(cell, "cited", cell.why)
    if cell.state == "inapplicable":
        printed = cell.published == "Inapplicable"
        return ValueVerdict(cell, "inapplicable, as printed" if printed else "not judged", cell.why)
    if cell.state == "unwritten":
        return ValueVerdict(cell, "blocked", cell.why)
    if cell.state in ("computed", "setting"):
        if cell.published is None:
            return ValueVerdict(cell, "not judged", cell.computed)
        return ValueVerdict(cell, "reproduced" if cell.published == cell.computed else "not reproduced", f"resolves to {cell.computed}")
    return None


def _not_converge(found: ValueVerdict, one: Sample, facts: Mapping[str, DatasetFacts]) -> ValueVerdict:
    if one.hindrance:
        return replace(found, word="not comparable", why=one.hindrance)
    total, classes = found.n + found.diverged, facts[str(one.cell.run["dataset"])].classes
    stuck = sum(loss >= NOT_LEARNED * log(classes) for loss in one.losses if np.isfinite(loss))
    agrees = 2 * (found.diverged + stuck) > total
    why = f"{found.diverged} of {total} seeds diverged, {stuck} did not learn"
    return replace(found, word="reproduced" if agrees else "not reproduced", why=why)


def _difference(found: ValueVerdict) -> float | None:
    printed = found.cell.published
    return None if printed is None or printed in WORDS or found.mean is None else found.mean - float(printed)


def _tested(found: ValueVerdict) -> ValueVerdict:
    """Consistency and equivalence under k = 1 (or what the paper says); `alternative` where k = n would say otherwise."""
    k = runs_behind(found.cell.runs_behind, found.n)
    first = _judged(found, k[0])
    second = _judged(found, k[1]) if len(k) > 1 else first
    return replace(first, alternative=second.word if second.word != first.word else "")


def runs_behind(text: str, n: int) -> tuple[int, ...]:
    """How many runs a published value averages: as the paper says, or one and, alternatively, as many as ours."""
    match = re.search(r"\d+", text)
    if text.startswith("best of"):
        return (1,)
    return (int(match.group()),) if match else (1, n) if n > 1 else (1,)


def _judged(found: ValueVerdict, k: int) -> ValueVerdict:
    cell, n = found.cell, found.n
    mean, sd, df, printed = (_known(x) for x in (found.mean, found.sd, found.df, cell.published))
    published, half = float(printed), claims.half_unit(printed)
    width, p = stats.consistency(mean, published, half, sd, df, k, n)
    if cell.runs_behind.startswith("best of"):
        p = stats.best_of(mean, published, half, sd, df, int(cell.runs_behind.split()[-1]), n, cell.better)
    difference, margin = mean - published, _margin(cell, published)
    fine = margin is not None and stats.too_fine(margin, sd, n)
    equivalent = margin is not None and not fine and stats.equivalent(difference, margin, sd, df, n)
    consistent = p > 0.05
    word = {(True, True): "reproduced", (True, False): "inconclusive", (False, True): "close"}.get(
        (consistent, equivalent), "not reproduced"
    )
    why, needed = "", None
    if word == "inconclusive":
        needed = stats.seeds_needed(difference, margin, sd, df) if margin is not None else None
        why = "no margin was fixed" if margin is None else "margin finer than the noise" if fine else ""
    elif word == "not reproduced":
        why = "above the published value" if difference > 0 else "below the published value"
    return replace(
        found, word=word, why=why, difference=difference, low=mean - width, high=mean + width, p=p,
        consistent=consistent, equivalent=equivalent, seeds_needed=needed,
    )  # fmt: skip


def _known(value: Any) -> Any:
    """What the caller has made sure of."""
    assert value is not None
    return value


def _margin(cell: Cell, published: float) -> float | None:
    if cell.margin is None:
        return None
    return cell.margin.value * abs(published) if cell.margin.relative else cell.margin.value


def _holm(values: Sequence[ValueVerdict]) -> list[ValueVerdict]:
    """Holm over the table's consistency tests, a shared run once (by its smallest p)."""
    tests: dict[str, float] = {}
    for v in values:
        if v.p is not None:
            tests[v.cell.key] = min(v.p, tests.get(v.cell.key, 1.0))
    rejected = stats.holm(tests)
    return [replace(v, holm=rejected[v.cell.key]) if v.p is not None else v for v in values]


def _claim(claim: Claim, table: Table, samples: Mapping[tuple[str, str], Sample], stand_in: bool) -> ClaimVerdict:
    def read(row: str, column: str) -> claims.Series:
        one = samples.get((row, column))
        return one.values if one else {}

    def quantity(row: str, column: str, name: str, selection: str) -> claims.Series:
        one = samples.get((row, column))
        if one is None or one.rows is None:
            return {}
        named = (one.rows["metric"] == name) & (one.rows["selection"] == selection)
        pairs = zip(one.rows["seed"][named], one.rows["value"][named], strict=True)
        return {int(s): float(v) for s, v in pairs if int(s) in one.values}

    hindered = [s.hindrance for s in samples.values() if s.values and s.hindrance]
    found = claims.evaluate(claim, table, read, quantity, stand_in=stand_in)
    if hindered and not stand_in and found.word in ("holds", "fails", "undecided"):
        return replace(found, word="undecided", why=f"not comparable: {hindered[0]}")
    return found
