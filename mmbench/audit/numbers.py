"""Printed numbers against each other: bold, labels, one configuration in several places, one baseline in several papers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from mmbench import percentages
from mmbench.audit.finding import Finding, Suite, cited, finding, half, measured
from mmbench.spec import WORDS, Cell, Table


def bold(suite: Suite) -> Iterator[Finding]:
    """What is printed bold and is not the best of its column, or of its pair where each pair of rows has a bold value."""
    for table in suite.tables:
        for column in table.columns:
            sign = 1 if column.better == "higher" else -1
            value = {r: sign * float(v) for (r, c), v in table.published.items() if c == column.id and v not in WORDS}
            marked = {r for r, c in table.bold if c == column.id}
            for group in _rivals(list(value), marked) if value else ():
                top = max(group, key=lambda r: value[r])
                for row in (r for r in group if r in marked and value[r] < value[top]):
                    says = f"{table.row(row).label} {table.published[row, column.id]} is printed bold in {column.label}"
                    yield finding(table, "bold", says, f"the best: {top} {table.published[top, column.id]}", row)


def _rivals(rows: list[str], marked: set[str]) -> list[list[str]]:
    """The rows of a column, or neighbouring pairs of them if each has exactly one bold value: a table of pairs."""
    pairs = [rows[i : i + 2] for i in range(0, len(rows), 2)]
    paired = len(pairs) > 1 and all(len(pair) == 2 and len(marked & set(pair)) == 1 for pair in pairs)
    return pairs if paired else [rows]


def labels(suite: Suite) -> Iterator[Finding]:
    """Two rows with numbers in one column and one name."""
    for table in suite.tables:
        for first, second in combinations(table.rows, 2):
            both = {c for r, c in table.published if r == first.id} & {c for r, c in table.published if r == second.id}
            if first.label == second.label and both:
                yield finding(table, "label", f"two rows are called {first.label}", "a name each", f"{first.id}, {second.id}")


def repeated(suite: Suite) -> Iterator[Finding]:
    """One run and view, printed in several places: with values that cannot be one number, or with one value in several papers."""
    places: dict[tuple[str, Any], list[Cell]] = {}
    papers = {t.id: t.paper for t in suite.tables}
    tables = {t.id: t for t in suite.tables}
    for table in suite.tables:
        for cell in measured(suite, table):
            if cell.view and cell.row not in cited(table):
                places.setdefault((cell.key, cell.view), []).append(cell)
    for cells in places.values():
        where = "; ".join(f"{c.address} {c.published}" for c in cells)
        first = tables[cells[0].table]
        if any(_apart(str(a.published), str(b.published)) for a, b in combinations(cells, 2)):
            yield finding(first, "two values", "one configuration", "one value", where)
        elif len({papers[c.table] for c in cells}) > 1:
            yield finding(first, "shared", "one run in two papers", str(cells[0].published), where)


def _apart(first: str, second: str) -> bool:
    """Can no number be printed both ways? 75.3 and 75.26 can."""
    return abs(float(first) - float(second)) > (half(first) + half(second) if len(first) != len(second) else 0) + 1e-9


def baselines(suite: Suite) -> Iterator[Finding]:
    """Plain joint training with concatenation on one dataset, as several papers and third parties print it."""
    found: dict[tuple[str, str], list[tuple[Table, Cell]]] = {}
    for table in suite.tables:
        for cell in measured(suite, table):
            plain = tuple(cell.run.get(name) for name in ("method", "head", "model")) == ("joint", "concat", "fusion")
            if plain and cell.metric == "accuracy" and cell.row not in cited(table):
                found.setdefault((cell.run["dataset"], "+".join(sorted(cell.run["modalities"]))), []).append((table, cell))
    for (dataset, streams), cells in found.items():
        here = {f"{t.paper} {c.published} ({c.run['optimiser']['name']})": _range(str(c.published)) for t, c in cells}
        about = {c.address for _, c in cells}
        others = [o for o in suite.outside if about & set(o["like"])]
        here |= {f"{o['source']} {o['value']}": _range(str(o["value"])) for o in others}
        ends = [end for both in here.values() for end in both]
        if len({t.paper for t, _ in cells}) > 1 and max(ends) > min(ends):
            says = f"joint training with concatenation on {dataset} ({streams}), in papers and outside reports"
            yield finding(cells[0][0], "baseline", says, "one value", f"{min(ends):g} to {max(ends):g}: " + "; ".join(here))


def _range(text: str) -> tuple[float, float]:
    """A number, or a span of two ("52-60")."""
    ends = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]
    return min(ends), max(ends)


def single_runs(suite: Suite) -> Iterator[Finding]:
    """GRIM: can the percentages be k of N test items, and what follows for the number of runs behind them."""
    for table, says, expected, follows in percentages.examine(suite.tables, suite.cells, suite.facts):
        yield finding(table, "single runs", says, expected, follows)
