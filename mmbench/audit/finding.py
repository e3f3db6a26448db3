"""What every check of the lint reads (Suite) and yields (Finding), and the printed numbers with their precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mmbench.spec import WORDS, Cell, DatasetFacts, Table


@dataclass(frozen=True)
class Finding:
    """One contradiction, or (kinds shared, baseline, single runs) one fact about the printed numbers."""

    paper: str
    table: str
    kind: str
    says: str
    expected: str
    found: str

    def answer(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Suite:
    """What the checks read: tables, their cells at full scale under the paper's reading, dataset facts, statements of the texts
    (benchmarks/statements.toml), numbers of third parties (benchmarks/outside.toml)."""

    tables: tuple[Table, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    facts: Mapping[str, DatasetFacts]
    stated: Mapping[str, list[dict[str, Any]]]
    outside: tuple[Mapping[str, Any], ...] = field(default=())


def finding(table: Table, kind: str, says: str, expected: str, found: str) -> Finding:
    return Finding(table.paper, table.id, kind, says, expected, found)


def decimals(text: str) -> int:
    return len(text.partition(".")[2])


def half(text: str) -> float:
    """Half a unit of the last printed digit: how far the true value may lie from a rounded one."""
    return 0.5 * 10 ** -decimals(text)


def numeric(cell: Cell) -> bool:
    return cell.published is not None and cell.published not in WORDS


def cited(table: Table) -> set[str]:
    """The rows that the paper took over from elsewhere."""
    return {row.id for row in table.rows if row.cited}


def measured(suite: Suite, table: Table) -> Iterator[Cell]:
    """The cells of a table with a printed number and a run behind it."""
    return (c for c in suite.cells[table.id] if c.key and numeric(c))


def printed(suite: Suite, table: Table, row: str, column: str) -> str | None:
    """The printed number of a cell; where the table prints none, that of an equal run and view elsewhere in the paper."""
    value = table.published.get((row, column))
    if value is not None:
        return None if value in WORDS else value
    mine = next((c for c in suite.cells[table.id] if (c.row, c.column) == (row, column) and c.key), None)
    if mine is None:
        return None
    others = (c for t in suite.tables if t.paper == table.paper for c in measured(suite, t))
    return next((c.published for c in others if c.key == mine.key and c.view == mine.view), None)
