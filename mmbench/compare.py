"""The verb `compare`: two groups of records, two methods, or two rows, paired by seed and by test item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmbench import choose, paths, published, records, registry, resolve, stats
from mmbench.console import table
from mmbench.errors import UserError, nearest
from mmbench.found import SHIPPED
from mmbench.paired import LEVEL, Comparison, Runs, Side, compare
from mmbench.spec import READINGS, SCALES, Cell
from mmbench.wording import DASH, decimals, signed

OF_A_METHOD = ("method", "params", "versions")  # what may differ between two cells whose methods are compared


@dataclass(frozen=True)
class Compared:
    """What was compared with what. kind: "group", "method" or "row"."""

    first: str
    second: str
    kind: str
    pairs: tuple[Comparison, ...]


def run(first: str, second: str, tables: Sequence[str] = (), scale: str | None = None, reading: str | None = None) -> Compared:
    """Every pair of cells that has a seed in common. Raises UserError for unknown names, and if nothing can be paired."""
    choose.known(scale, reading)
    kind = _kind(first, second)
    wanted = list(_sides(kind, first, second, tables, _sections(scale, reading)))
    if not wanted:
        what = "are not rows of one table with a column in common" if kind == "row" else "stand in no table with otherwise equal settings"
        raise UserError(f"{first} and {second} {what}; name two rows of one table, TABLE:ROW")
    found = _compared(wanted)
    if kind != "group" and paths.group() != SHIPPED:  # as in the report: where there are none of ours, those that come with the project
        found += _compared([(replace(pair.first, group=SHIPPED), replace(pair.second, group=SHIPPED)) for pair in found if not pair.seeds])
    pairs = tuple(pair for pair in found if pair.seeds)
    if not pairs:
        why = next((pair.why for pair in found if pair.why), "run the same seeds of both first")
        raise UserError(f"{first} and {second} have no run with a seed in common in {len(wanted)} pairs of cells: {why}")
    return Compared(first, second, kind, pairs)


def _compared(wanted: Iterable[tuple[Side, Side]]) -> list[Comparison]:
    wanted = list(wanted)
    known = {group: _runs(group) for group in dict.fromkeys(side.group for pair in wanted for side in pair)}
    return [compare(a, b, (known[a.group].get(a.cell.key, {}), known[b.group].get(b.cell.key, {}))) for a, b in wanted]


def _kind(first: str, second: str) -> str:
    if first == second:
        raise UserError(f"'{first}' is compared with itself: name two different ones")
    kinds = [_kinds(name) for name in (first, second)]
    for kind in ("group", "method", "row"):
        if all(kind in found for found in kinds):
            return kind
    raise UserError(f"'{first}' is a {kinds[0][0]} and '{second}' a {kinds[1][0]}: name two groups, two methods or two rows")


def _kinds(name: str) -> list[str]:
    groups, methods = records.groups(), registry.METHODS
    found = ["group"] * (name in groups) + ["method"] * (name in methods)
    if ":" in name:
        (found,) = published.select([name])
        if not found.row:
            raise UserError(f"'{name}' names no row; expected TABLE:ROW or TABLE:ROW:COLUMN")
        return ["row"]
    if not found:
        raise UserError(f"'{name}' is no group of records, no method, and no row TABLE:ROW{nearest(name, [*groups, *methods])}")
    return found


def _sections(scale: str | None, reading: str | None) -> list[tuple[str, str]]:
    return [(s, r) for s in ((scale,) if scale else SCALES) for r in ((reading,) if reading else READINGS)]


def _sides(kind: str, first: str, second: str, tables: Sequence[str], sections: Iterable[tuple[str, str]]) -> Iterator[tuple[Side, Side]]:
    """The pairs to look at, each pair of runs and views once."""
    group, seen = paths.group(), set()
    ids = choose.tables([first, second] if kind == "row" else tables)
    for scale, reading in sections:
        for id in ids:
            cells = [c for c in resolve.cells(published.load(id), scale, reading) if c.state == "run" and not c.versus]
            for a, b in _pairs(kind, first, second, cells):
                one, other = (Side(a, first), Side(b, second)) if kind == "group" else (Side(a, group), Side(b, group))
                name = (a.key, a.view, one.group, b.key, b.view)
                if name not in seen and (a.key != b.key or kind == "group"):
                    seen.add(name)
                    yield one, other


def _pairs(kind: str, first: str, second: str, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    if kind == "group":
        yield from ((cell, cell) for cell in cells)
        return
    sides = [[cell for cell in cells if _belongs(kind, name, cell)] for name in (first, second)]
    for a in sides[0]:
        for b in sides[1]:
            if a.column == b.column and a.view == b.view and (kind == "row" or _rest(a) == _rest(b)):
                yield a, b


def _belongs(kind: str, name: str, cell: Cell) -> bool:
    return cell.run["method"] == name if kind == "method" else any(one.matches(cell) for one in published.select([name]))


def _rest(cell: Cell) -> dict[str, Any]:
    return {name: value for name, value in cell.run.items() if name not in OF_A_METHOD}


def _runs(group: str) -> Mapping[str, Runs]:
    """Key -> seed -> file."""
    found: dict[str, dict[int, Path]] = {}
    for (key, seed), file in records.recorded(group).items():
        found.setdefault(key, {})[seed] = file
    return found


def answer(found: Compared) -> dict[str, Any]:
    """For --json."""
    return {"first": found.first, "second": found.second, "kind": found.kind, "pairs": [_pair(pair) for pair in found.pairs]}


def _pair(pair: Comparison) -> dict[str, Any]:
    cells = pair.first.cell, pair.second.cell
    return {
        "cells": [cell.address for cell in cells], "keys": [cell.key for cell in cells], "groups": [pair.first.group, pair.second.group],
        "metric": cells[0].view.name if cells[0].view else "", "unit": cells[0].unit, "seeds": list(pair.seeds),
        "means": list(pair.means or ()), "difference": pair.difference, "low": pair.low, "high": pair.high, "p": pair.p,
        "same_weights": pair.same, "items": [asdict(one) for one in pair.items], "no_items": pair.no_items, "note": pair.why,
    }  # fmt: skip


def text(found: Compared) -> str:
    """A row per pair of cells, then a row per pair of runs whose predictions are stored, then why there are none of the others."""
    rows = [_row(found, pair) for pair in found.pairs]
    heads = {"where": "value", "n": "seeds", "first": "A", "second": "B", "difference": "A - B", "interval": "95 % interval", "p": "p",
             "items": "by test item"} | ({"same": "same weights"} if found.kind == "group" else {}) | {"note": "remark"}  # fmt: skip
    used = {name: head for name, head in heads.items() if any(row[name] for row in rows)}
    lines = [f"A: {found.kind} {found.first}    B: {found.kind} {found.second}", table(rows, used), *_origin(found), *_multiplicity(found)]
    items = [
        {"where": _where(found, pair), "seed": one.seed, "items": one.items, "first": one.only_first, "second": one.only_second,
         "p": _p(one.p)} for pair in found.pairs for one in pair.items
    ]  # fmt: skip
    heads = {"where": "value", "seed": "seed", "items": "items", "first": "only A right", "second": "only B right", "p": "p"}
    if items:
        lines += ["By test item, McNemar's exact test for each pair of runs (never pooled over seeds):", table(items, heads)]
    return "\n\n".join((*lines, *_no_items(found)))


def _no_items(found: Compared) -> Iterator[str]:
    """Why runs are not compared by test item, each reason once."""
    reasons = [pair.no_items for pair in found.pairs if pair.no_items]
    for why in dict.fromkeys(reasons):
        of = f" of {reasons.count(why)} of these {len(found.pairs)} lines" if len(found.pairs) > 1 else ""
        how = ", which come with the project without them; 'mmbench run' makes these runs here, with predictions"
        yield f"Nothing by test item{of}: {why}{how if why.endswith(f'group {SHIPPED}') else ''}."


def _where(found: Compared, pair: Comparison) -> str:
    a, b = pair.first.cell, pair.second.cell
    on = f"{a.column} on {a.run['dataset']}"
    return f"{a.table}:{a.row}:{on}" if a.address == b.address else f"{a.table}:{on}: {a.row}, {b.row}"


def _row(found: Compared, pair: Comparison) -> dict[str, Any]:
    digits = max(2, decimals([pair.first.cell.published]))
    assert pair.means is not None
    better = [one for one in pair.items if one.p <= LEVEL]
    return {
        "where": _where(found, pair), "n": len(pair.seeds), "first": f"{pair.means[0]:.{digits}f}", "second": f"{pair.means[1]:.{digits}f}",
        "difference": signed(pair.difference, digits),
        "interval": DASH if pair.low is None else f"{signed(pair.low, digits)} to {signed(pair.high, digits)}", "p": _p(pair.p),
        "items": _by_item(len(pair.items), sum(one.only_first > one.only_second for one in better), len(better)),
        "same": f"{pair.same} of {len(pair.seeds)}", "note": pair.why,
    }  # fmt: skip


def _by_item(pairs: int, first: int, decided: int) -> str:
    return f"A {first}, B {decided - first}, neither {pairs - decided} of {pairs}" if pairs else ""


def _p(p: float | None) -> str:
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _origin(found: Compared) -> Iterator[str]:
    given = sum(pair.first.group == SHIPPED for pair in found.pairs) if found.kind != "group" else 0
    if given and paths.group() != SHIPPED:
        several = len(found.pairs) > 1
        of = f"{given} of these {len(found.pairs)} lines compare" if several else "This line compares"
        yield f"{of} runs that come with the project (group {SHIPPED}): group {paths.group()} has no seed of both."


def _multiplicity(found: Compared) -> Iterator[str]:
    tested = {str(i): pair.p for i, pair in enumerate(found.pairs) if pair.p is not None}
    if len(tested) > 1:
        low, kept = sum(p <= LEVEL for p in tested.values()), sum(stats.holm(tested).values())
        yield f"{low} of {len(tested)} differences with p at most {LEVEL}; {kept} after Holm's adjustment."
