"""Frame + Table -> verdicts (design 8, decisions E). In this order: admissible? spread, consistent, equivalent, claims, multiplicity.

A published value is a constant here, from k runs (one, unless the paper says more); ours are n. "Not reproduced" means: differs by
more than our seed noise. Hardware, versions and lost data are in no term.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pandas as pd

from mmbench import claims, sample, stats
from mmbench.errors import UserError
from mmbench.sample import Pool, Sample
from mmbench.spec import Cell, DatasetFacts, Table, TableVerdict, ValueVerdict

NOT_LEARNED = 0.9  # "Not converge" agrees with a final training loss of at least this share of ln C
LEVEL = 0.05  # of a test
WORD = {(True, True): "reproduced", (True, False): "inconclusive", (False, True): "close", (False, False): "not reproduced"}
UNTESTED: Mapping[str, Any] = {"consistent": None, "equivalent": None, "p": None, "alternative": "", "seeds_needed": None}


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
    samples: Mapping[tuple[str, str], Sample] | None = None,
    looks: int = 1,
) -> TableVerdict:
    """Every value and every claim of one table at one scale and reading. frame: `collect.frame`; blocked, failed: key -> why;
    samples: what `sample.gather` makes of the frame, if the caller has them. looks: how often, at most, the seeds are looked at as
    they are added (E5): each test is made at that part of its level."""
    samples = samples or sample.gather(cells, frame, scale, facts)
    pools = sample.pools(samples)
    values = []
    for place, one in samples.items():
        verdict = _without_runs(one.cell, scale) or _value(one, pools.get(place), facts, blocked or {}, failed or {}, LEVEL / looks)
        values.append(replace(verdict, selections=one.selections))
    values = _holm(values)
    stand_in = scale != "full" or any(facts[c.run["dataset"]].stand_in for c in cells if c.run.get("dataset") in facts)
    tested = {_test(v.cell) for v in values if v.p is not None}
    absent = {**(failed or {}), **(blocked or {})}
    spread = {column.id: pool for column in table.columns if (pool := _widest(column.id, pools)) is not None}
    return TableVerdict(
        table, scale, reading, tuple(dict.fromkeys(c.run["dataset"] for c in cells if c.run)), stand_in, tuple(values),
        tuple(claims.evaluate(claim, table, samples, stand_in=stand_in, looks=looks, absent=absent) for claim in table.claims),
        expected_false_alarms=LEVEL * len(tested) if tested else None,
        spread={column: pool.sd for column, pool in spread.items()}, df={column: pool.df for column, pool in spread.items()},
        notes=tuple(dict.fromkeys((*(s.note for s in samples.values() if s.note), *([_adaptive(looks)] if looks > 1 else ())))),
    )  # fmt: skip


def _adaptive(looks: int) -> str:
    return f"seeds were added until decided, with up to {looks} looks: every test at level {LEVEL / looks:g} (decisions E5)"


def _widest(column: str, pools: Mapping[tuple[str, str], Pool]) -> Pool | None:
    """The pool that stands for a column: that of the most cells."""
    return max((pool for (_, c), pool in pools.items() if c == column), key=lambda pool: pool.cells, default=None)


def _without_runs(cell: Cell, scale: str) -> ValueVerdict | None:
    """The words that need no runs."""
    if cell.state == "cited":
        return ValueVerdict(cell, "cited", cell.why)
    if cell.state == "inapplicable":
        printed = cell.published == "Inapplicable"
        return ValueVerdict(cell, "inapplicable, as printed" if printed else "not judged", cell.why)
    if cell.state in ("computed", "setting"):
        if cell.published is None:
            return ValueVerdict(cell, "not judged", cell.computed)
        if cell.state == "setting" and scale != "full":
            return ValueVerdict(cell, "not comparable", f"the setting of scale {scale}: {cell.computed}")
        word = "reproduced" if _agree(cell.published, cell.computed) else "not reproduced"
        return ValueVerdict(cell, word, f"resolves to {cell.computed}")
    return None


def _agree(printed: str, computed: str) -> bool:
    """Equal text, or equal numbers up to the rounding of the printed one."""
    try:
        return printed == computed or abs(float(printed) - float(computed)) <= stats.half_unit(printed) * (1 + 1e-9)
    except ValueError:
        return False


def _value(
    one: Sample, pool: Pool | None, facts: Mapping[str, DatasetFacts], blocked: Mapping[str, str], failed: Mapping[str, str], level: float
) -> ValueVerdict:
    """The verdict of one cell that runs can decide."""
    cell, values = one.cell, np.array(list(one.values.values()))
    n, gone = len(values), len(one.diverged)
    found = ValueVerdict(cell, "", n=n, diverged=gone, mean=float(values.mean()) if n else None)
    if n + gone == 0:
        reasons = (("blocked", blocked), ("failed", failed)) if not one.rows else ()
        word, why = next(((word, known[cell.key]) for word, known in reasons if cell.key in known), ("missing", one.absent))
        return replace(found, word=word, why=why)
    if cell.versus == cell.row and n:
        return replace(found, word="not judged", why="the others are multiples of it")
    if cell.published in ("Not converge", "Inapplicable"):
        return _printed_word(found, one, facts)
    found = _with_spread(found, values, pool, one.floor)
    if cell.published is not None:
        found = _tested(found, level) if found.sd is not None and n else replace(found, difference=_difference(found))
    if one.hindrance:
        return replace(found, word="not comparable", why=one.hindrance, **UNTESTED)
    if gone:
        return replace(found, word="diverged", why=f"{gone} of {n + gone} seeds diverged", p=None, alternative="", seeds_needed=None)
    if cell.published is None:
        return replace(found, word="not judged", why="nothing is printed here")
    if n == 1:
        return replace(found, word="single run", why="one seed has no spread of its own", p=None, alternative="", seeds_needed=None)
    return found


def _printed_word(found: ValueVerdict, one: Sample, facts: Mapping[str, DatasetFacts]) -> ValueVerdict:
    """A cell where the paper prints a word in place of a number (D2)."""
    if one.hindrance:
        return replace(found, word="not comparable", why=one.hindrance)
    total = found.n + found.diverged
    if found.cell.published == "Inapplicable":
        return replace(found, word="not reproduced", why=f"it could be run, with {total} seeds")
    known = facts.get(str(one.cell.run["dataset"]))
    stuck = sum(loss >= NOT_LEARNED * log(known.classes) for loss in one.losses.values()) if known and known.classes > 1 else 0
    agrees = 2 * (found.diverged + stuck) > total
    why = f"{found.diverged} of {total} seeds diverged, {stuck} did not learn"
    return replace(found, word="reproduced" if agrees else "not reproduced", why=why)


def _with_spread(found: ValueVerdict, values: np.ndarray, pool: Pool | None, floor: float) -> ValueVerdict:
    """The spread a cell is judged by: the larger of the pooled and its own, and no less than the granularity (E1).
    A pool on few common seeds may know less than the cell itself: then the cell's own degrees of freedom count."""
    n = len(values)
    own = float(values.std(ddof=1)) if n > 1 else None
    if own is None and pool is None:
        return found
    df = max(pool.df if pool else 0.0, n - 1.0)
    return replace(found, sd=max(own or 0.0, pool.sd if pool else 0.0, floor), df=df)


def _difference(found: ValueVerdict) -> float | None:
    return None if found.cell.published is None or found.mean is None else found.mean - float(found.cell.published)


def _tested(found: ValueVerdict, level: float) -> ValueVerdict:
    """Consistency and equivalence under k = 1 (or what the paper says); `alternative` where k = n would say otherwise."""
    best, counts = runs_behind(found.cell, found.n)
    first, *others = [_judged(found, k, best, level) for k in counts]
    return replace(first, alternative=next((v.word for v in others if v.word != first.word), ""))


def runs_behind(cell: Cell, n: int) -> tuple[bool, tuple[int, ...]]:
    """Whether a published value is the best of its runs, and of how many it is, or their mean: as the paper says, else one and,
    alternatively, as many as ours."""
    text = cell.runs_behind
    if text == "unknown":
        return False, (1, n) if n > 1 else (1,)
    match = re.fullmatch(r"(mean of |best of )?(\d+)", text)
    if match is None or int(match.group(2)) < 1:
        raise UserError(f"{cell.address}: seeds is '{text}', expected a number from 1, 'mean of N', 'best of N' or 'unknown'")
    return match.group(1) == "best of ", (int(match.group(2)),)


def _judged(found: ValueVerdict, k: int, best: bool, level: float) -> ValueVerdict:
    """The two tests of one value, taken as the mean, or the best, of k runs, at a level."""
    cell, n, mean, sd, df = found.cell, found.n, found.mean, found.sd, found.df
    assert cell.published is not None
    assert mean is not None
    assert sd is not None
    assert df is not None
    published, half, centre = float(cell.published), stats.half_unit(cell.published), mean
    if best:
        low, high, centre, p = stats.best_of(mean, published, half, sd, df, k, n, cell.better)
    else:
        width, p = stats.consistency(mean, published, half, sd, df, k, n)
        low, high = mean - width, mean + width
    away, margin = centre - published, _margin(cell, published)
    fine = margin is not None and stats.too_fine(margin, sd, n)
    equivalent = margin is not None and not fine and stats.equivalent(away, margin, sd, df, n, level)
    consistent = p > level
    word, why, needed = WORD[consistent, equivalent], "", None
    if word == "inconclusive":
        needed = stats.seeds_needed(away, margin, sd, df) if margin is not None else None
        why = "no margin was fixed" if margin is None else "margin finer than the noise" if fine else ""
    elif word == "not reproduced":
        why = f"{'above' if away > 0 else 'below'} the published value"
    return replace(
        found, word=word, why=why, difference=mean - published, low=low, high=high, p=p, consistent=consistent, equivalent=equivalent,
        seeds_needed=needed,
    )  # fmt: skip


def _margin(cell: Cell, published: float) -> float | None:
    if cell.margin is None:
        return None
    return cell.margin.value * abs(published) if cell.margin.relative else cell.margin.value


def _test(cell: Cell) -> Hashable:
    """What a consistency test is of: a run and how it is read. Cells that share it share one test."""
    return cell.key, cell.view, cell.versus


def _holm(values: Sequence[ValueVerdict]) -> list[ValueVerdict]:
    """Holm over the table's consistency tests, a shared cell once (by its smallest p)."""
    tests: dict[Hashable, float] = {}
    for v in values:
        if v.p is not None:
            tests[_test(v.cell)] = min(v.p, tests.get(_test(v.cell), 1.0))
    rejected = stats.holm(tests)
    return [replace(v, holm=rejected[_test(v.cell)]) if v.p is not None else v for v in values]
