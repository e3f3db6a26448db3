"""Sentences of the texts against the printed numbers: stated amounts, comparisons, names, counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from mmbench.audit.finding import Finding, Suite, finding, half, printed
from mmbench.spec import Claim, Margin, Table

AMOUNT = re.compile(r"\d+(\.\d+)?")


def amounts(suite: Suite) -> Iterator[Finding]:
    """A stated gain, ratio or value that no numbers which round to the printed ones can give."""
    for table in suite.tables:
        for claim in table.claims:
            stated = AMOUNT.search(claim.amount)
            if stated and claim.form in ("gain", "cost", "value"):
                for column in claim.columns:
                    for row, other in pairs(claim, claim.than):
                        yield from _amount(suite, table, claim, stated[0], (column, row, other))


def pairs(claim: Claim, others: tuple[str, ...]) -> list[tuple[str, str]]:
    """Which rows a claim compares: one by one for gain and cost, every one with every other for the rest."""
    if claim.form == "value":
        return [(row, "") for row in claim.rows]
    if claim.form in ("gain", "cost"):
        return list(zip(claim.rows, others if len(others) == len(claim.rows) else others * len(claim.rows), strict=True))
    return [(row, other) for row in claim.rows for other in others]


def _amount(suite: Suite, table: Table, claim: Claim, stated: str, where: tuple[str, str, str]) -> Iterator[Finding]:
    column, row, other = where
    ours, theirs = printed(suite, table, row, column), printed(suite, table, other, column) if other else "0"
    if ours is None or theirs is None:
        return
    value, slack = float(ours), half(ours)
    if claim.form == "gain":
        better = 1 if table.column(column).better == "higher" else -1
        value, slack = better * (value - float(theirs)), slack + half(theirs)
    elif claim.form == "cost":
        value, slack = value / float(theirs), (slack + half(theirs) * value / float(theirs)) / float(theirs)
    if abs(value - float(stated)) > half(stated) + slack + 1e-9:
        said = f"{ours} against {theirs} is {value:.2f}" if other else ours
        yield finding(table, "gain", claim.says, claim.amount, f"{row}, {column}: {said}")


def comparisons(suite: Suite) -> Iterator[Finding]:
    """A sentence of form better, best, monotone ... that the paper's own numbers refute."""
    for table in suite.tables:
        for claim in table.claims:
            broken = {column: how for column in claim.columns if (how := _broken(suite, table, claim, column))}
            if broken and (claim.over == "all" or len(broken) == len(claim.columns)):
                for column, how in broken.items():
                    yield finding(table, "refuted", claim.says, claim.form, f"{table.column(column).label}: {how}")


def _broken(suite: Suite, table: Table, claim: Claim, column: str) -> str:
    """How the printed numbers of a column contradict a claim; "" where they agree or are not there."""
    better = table.column(column).better
    others = claim.than or tuple(r.id for r in table.rows if r.id not in claim.rows and not r.cited)
    shown = {r: v for r in (*claim.rows, *others) if (v := printed(suite, table, r, column)) is not None}
    value = {r: float(v) if better == "higher" else -float(v) for r, v in shown.items()}
    rows = [r for r in claim.rows if r in value]
    listed = ", ".join(f"{r} {shown[r]}" for r in rows)
    match claim.form:
        case "gain" if AMOUNT.search(claim.amount):
            return ""  # `amounts` asks for its size and direction
        case "better" | "gain":
            return _worse(claim, others, value, shown)
        case "best" if rows and len(value) > len(rows):
            top = max(value, key=lambda r: value[r])
            return "" if value[top] in [value[r] for r in rows] else f"best is {top} {shown[top]}"
        case "monotone" | "rises-then-falls":
            return "" if _shaped(claim.form, [value[b] - value[a] for a, b in pairwise(rows)]) else listed
        case "flat" if rows:
            spread, most = (
                max(value[r] for r in rows) - min(value[r] for r in rows),
                _width(claim, table.column(column).margin, value, rows),
            )
            slack = 2 * max(half(shown[r]) for r in rows)
            return f"{listed}: {spread:.2f} apart, {most:g} would be flat" if most is not None and spread > most + slack + 1e-9 else ""
        case "cost" if not AMOUNT.search(claim.amount):
            return _dearer(claim, value, shown)
        case _:
            return ""


def _worse(claim: Claim, others: tuple[str, ...], value: Mapping[str, float], shown: Mapping[str, str]) -> str:
    known = [(r, o) for r, o in pairs(claim, others) if r in value and o in value]
    bad = [(r, o) for r, o in known if value[r] <= value[o]]
    decides = bad and (claim.over == "all" or len(bad) == len(known))
    return "; ".join(f"{r} {shown[r]} against {o} {shown[o]}" for r, o in bad) if decides else ""


def _dearer(claim: Claim, value: Mapping[str, float], shown: Mapping[str, str]) -> str:
    """A cost without an amount: below that of the other row, or above it ("higher")."""
    sign = 1 if claim.amount == "higher" else -1
    known = [(r, o) for r, o in pairs(claim, claim.than) if r in value and o in value]
    return "; ".join(f"{r} {shown[r]} against {o} {shown[o]}" for r, o in known if sign * (abs(value[r]) - abs(value[o])) <= 0)


def _shaped(form: str, steps: list[float]) -> bool:
    """Do the steps all go up, or first up and then down? Too few steps contradict nothing."""
    if form == "monotone":
        return all(step > 0 for step in steps)
    if len(steps) < 2:
        return True
    rising = [step > 0 for step in steps]
    return rising[0] and not rising[-1] and 0 not in steps and rising == sorted(rising, reverse=True)


def _width(claim: Claim, margin: Margin | None, value: Mapping[str, float], rows: list[str]) -> float | None:
    if stated := AMOUNT.search(claim.amount):
        return float(stated[0])
    if margin is None:
        return None
    return margin.value * (max(abs(value[r]) for r in rows) if margin.relative else 1)


def names(suite: Suite) -> Iterator[Finding]:
    """A name in a sentence about a table that is no row, no column and no dataset of it."""
    tables = {t.id: t for t in suite.tables}
    for entry in suite.stated["names"]:
        table = tables[entry["table"]]
        known = {plain(label) for part in (*table.rows, *table.columns) for label in (part.label, part.label.split(",")[0])}
        datasets = {d for c in suite.cells[table.id] if (d := c.run.get("dataset"))}
        known |= {plain(title) for d in datasets for title in (d, suite.facts[d].title.partition(":")[0])}
        for name in (n for n in entry["names"] if plain(n) not in known):
            yield finding(table, "name", entry["says"], "a row, column or dataset of the table", f"{name} is none of them")


def plain(name: str) -> str:
    """Letters and digits alone: CREMAD, Crema-D and CREMA-D are one name."""
    return "".join(c for c in name.casefold() if c.isalnum())


def counts(suite: Suite) -> Iterator[Finding]:
    """A count of a dataset's items in a text, against what is known of the dataset."""
    for entry in suite.stated["count"]:
        known = suite.facts[entry["dataset"]].splits[entry["split"]]
        for part, stated in entry["counts"].items():
            true = sum(known.values()) if part == "all" else known.get(part)
            if true and true != stated:
                yield Finding(entry["paper"], entry["table"], "count", entry["says"], f"{true:,} {part}", f"{stated:,}")
