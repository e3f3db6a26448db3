"""What a claim is tested by, and which comparison decided it, in the table's own labels. One sentence per form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle

from mmbench import relations
from mmbench.spec import Claim, ClaimVerdict, Comparison, Table

Place = tuple[str, str]  # (row, column)
UNITS = {"": "", "%": " points"}  # of a difference
SYMBOL = 2  # characters: a sweep over "γ" names its rows "γ = 4", one over "scale of the subset" as they are printed


def row(table: Table, id: str) -> str:
    """A row's label; of a sweep over a symbol with it: "T = 8"; with the id where another row has the same."""
    one = table.row(id)
    twins = [r.id for r in table.rows if r.label == one.label]
    symbol = one.x is not None and 0 < len(table.x_label) <= SYMBOL
    return f"{table.x_label} = {one.label}" if symbol else _quoted(f"{one.label} ({id})" if len(twins) > 1 else one.label)


def column(table: Table, id: str) -> str:
    return _quoted(table.column(id).label)


def where(table: Table, columns: Sequence[str]) -> str:
    """ "in KS and UCF-101", "in Num of modalities 2 and 3"; "" where a table has but one column."""
    if len(table.columns) == 1 or not columns:
        return ""
    swept = f"{table.x_label} " if table.x_label and all(table.column(id).x is not None for id in columns) else ""
    return f"in {swept}{listed(column(table, id) for id in columns)}"


def _quoted(label: str) -> str:
    """In quotes if it would not read as one name among others."""
    return f"“{label}”" if ", " in label or not any(map(str.isalnum, label)) else label


def listed(names: Iterable[str], word: str = "and") -> str:
    """ "A", "A and B", "A, B and C"; each name once."""
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} {word} {last}" if others else last


def line(verdict: ClaimVerdict, table: Table, direction_only: bool) -> str:
    """ "tested: Data mask better than Concat, in KS and UCF-101". direction_only: of an amount only on which side it is."""
    claim = verdict.claim
    told = TESTS[claim.form](claim, table, direction_only)
    several = claim.over == "any" and len(claim.columns) * len(claim.rows) * max(1, len(claim.than)) > 1
    there = where(table, claim.columns)
    asked = verdict.word != "missing" and not verdict.word.startswith("not judged")
    return f"{'tested' if asked else 'test'}{' only' * claim.weaker}: {'at least one of: ' * several}{told}{', ' * bool(there)}{there}"


def _rows(claim: Claim, table: Table, word: str = "and") -> str:
    return listed((row(table, id) for id in claim.rows), word)


def _pairs(claim: Claim, table: Table) -> list[Place]:
    return [(row(table, first), row(table, second)) for first, second in zip(claim.rows, cycle(claim.than), strict=False)]


def _better(claim: Claim, table: Table, direction_only: bool) -> str:
    than = listed(row(table, id) for id in claim.than) if claim.than else "all other rows"
    return f"{_rows(claim, table)} better than {than}"


def _best(claim: Claim, table: Table, direction_only: bool) -> str:
    others = listed(row(table, id) for id in (*claim.rows, *claim.than)) if claim.than else "all rows"
    return f"{_rows(claim, table, 'or')} the best of {others}"


def _flat(claim: Claim, table: Table, direction_only: bool) -> str:
    amount = claim.amount or "the column's margin"
    return f"{_rows(claim, table)} within {amount} of each other"


def _gain(claim: Claim, table: Table, direction_only: bool) -> str:
    points = UNITS.get(table.column(claim.columns[0]).unit, "") if claim.columns else ""
    by = "" if direction_only or not claim.amount else f", by {claim.amount}{points}"
    return listed(f"{first} better than {second}" for first, second in _pairs(claim, table)) + by


def _cost(claim: Claim, table: Table, direction_only: bool) -> str:
    exact = re.search(r"\d", claim.amount)
    side = claim.amount if exact and not direction_only else "above 1" if sign_of_cost(claim.amount) > 0 else "below 1"
    return listed(f"{first} / {second} is {side}" for first, second in _pairs(claim, table))


def sign_of_cost(amount: str) -> float:
    """On which side of 1 a ratio is said to be: 1.0 above, -1.0 below."""
    match = re.search(r"\d+(\.\d+)?", amount)
    return 1.0 if amount == "higher" or (match and float(match.group()) > 1) else -1.0


def _curve(claim: Claim, table: Table, direction_only: bool) -> str:
    return f"{listed(r.text for r in relations.parsed(claim.quantity))}, for {_rows(claim, table)}"


TESTS: Mapping[str, Callable[[Claim, Table, bool], str]] = {
    "better": _better,
    "best": _best,
    "rises-then-falls": lambda claim, table, _: f"{_rows(claim, table)}, in this order, get better, then worse",
    "monotone": lambda claim, table, _: f"{_rows(claim, table)}, in this order, get better at every step",
    "flat": _flat,
    "gain": _gain,
    "cost": _cost,
    "value": lambda claim, table, _: f"{_rows(claim, table)} is {claim.amount}",
    "curve": _curve,
}


def compared(verdict: ClaimVerdict, table: Table, ran: Mapping[Place, str]) -> str:
    """ "Data mask minus Concat in UCF-101, on moving-digits": what the numbers of a verdict are of, "" without a comparison.
    ran: (row, column) -> the title of the data behind it, where that has to be said."""
    of = verdict.of
    if of is None:
        return ""
    what = _measured(verdict.claim, of, table)
    data = [ran[place] for c in of.columns for r in of.rows if (place := (r, c)) in ran]
    there = " ".join(filter(None, (what, where(table, of.columns))))
    return f"{there}{', ' if there else ''}on {listed(data)}" if data else there


def _measured(claim: Claim, of: Comparison, table: Table) -> str:
    """A shape is of all its rows, so it names none."""
    names = [row(table, id) for id in of.rows]
    if claim.form == "curve":
        return f"{relations.parsed(of.quantity)[0].difference}, {names[0]}"
    if claim.form in ("better", "gain"):
        better, worse = names if table.column(of.columns[0]).better == "higher" else names[::-1]
        return f"{better} minus {worse}"
    return " / ".join(names) if claim.form in ("cost", "value") else ""


def unit(verdict: ClaimVerdict, table: Table) -> str:
    """Of the numbers of a verdict, with a space before it: a difference of percentages is in points, a ratio has none."""
    of, form = verdict.of, verdict.claim.form
    if of is None or form == "cost":
        return ""
    found = relations.parsed(of.quantity)[0].larger.unit if form == "curve" else table.column(of.columns[0]).unit
    return f" {found}" if found and form == "value" else UNITS.get(found, f" {found}")
