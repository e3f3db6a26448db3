"""What stands behind one value: its command, its run's signature, its resolved settings. For pages on which a cell can be opened.

What values share stands once: with their section, else with their column, else with their row; a value's own detail is the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmbench import provenance
from mmbench.deviations import plain
from mmbench.grid import Entry, Grid
from mmbench.spec import Cell, flatten

SEEDS = 5  # what `mmbench run` takes where nothing is said
RUN = "mmbench run "
KEY = "key"  # the part of a signature that is a value's own, also where it happens to be everybody's
Settings = tuple[tuple[str, str], ...]
Place = tuple[str, str]  # row, column


@dataclass(frozen=True)
class Line:
    """What stands before the table's id and after the value's place in a command."""

    before: str
    after: str


@dataclass(frozen=True)
class Detail:
    """place, line: row:column, and around it with the table's id the one command that makes this value, or, of what cannot be run,
    says why. signature: of its runs, the key first, without what the section's and the column's have; "" where nothing ran.
    settings, notes: the resolved ones and the ledger's ids that neither the section nor the column nor the row shares."""

    place: str
    line: Line
    signature: str
    settings: Settings
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Details:
    """shared: the settings that all runs of the section have in common; columns: column -> those that, beyond these, all of its
    runs have; rows: row -> those that, beyond both, all of its values have, and their notes; cells: what is a value's own."""

    table: str
    line: Line  # of most values
    signature: str  # what the signatures of all values that ran share
    signatures: Mapping[str, str]  # column -> what, beyond this, those of all its values that ran share
    shared: Settings
    columns: Mapping[str, Settings]
    rows: Mapping[str, tuple[tuple[str, ...], Settings]]
    cells: Mapping[Place, Detail]

    def command(self, place: Place) -> str:
        """The one line to copy. Ids need no quotes."""
        own = self.cells[place]
        return f"{own.line.before}{self.table}:{own.place}{own.line.after}"

    def whole_signature(self, place: Place) -> str:
        """The one line of a value, put together: what it is, its own part, its column's, its section's; "" where nothing ran."""
        own = self.cells[place]
        parts = (f"cell:{self.table}:{own.place}", f"{KEY}:{own.signature}", self.signatures.get(place[1], ""), self.signature)
        return "|".join(part for part in parts if part) if own.signature else ""


def of(grid: Grid) -> Details:
    """The details of every value of a section."""
    entries = {(entry.row.id, block.column.id): entry for block in grid.blocks for entry in block.entries}
    cells = {place: entry.verdict.cell for place, entry in entries.items()}
    leaves = {place: settings(cell.run) for place, cell in cells.items()}
    shared, columns, beyond = _columns(leaves)
    rows, own = _rows({place: _without(one, shared) for place, one in leaves.items()}, beyond)
    row_notes = _row_notes(entries)
    signed = {place: _signature(cell, grid) for place, cell in cells.items()}
    same, by_column, rest = _columns(signed)
    lines = {place: _line(cell, grid) for place, cell in cells.items()}
    return Details(
        table=grid.table.id,
        line=Counter(lines.values()).most_common(1)[0][0] if lines else Line("", ""),
        signature=_joined(same),
        signatures={column: _joined(found) for column, found in by_column.items() if found},
        shared=tuple(shared.items()),
        columns={column: tuple(found.items()) for column, found in columns.items() if found},
        rows={row: (row_notes[row], tuple(rows[row].items())) for row in rows if row_notes[row] or rows[row]},
        cells={
            place: Detail(
                f"{cell.row}:{cell.column}", lines[place], _own_signature(cell, signed[place], rest[place]), tuple(own[place].items()),
                tuple(note for note in entries[place].footnotes if note not in row_notes[place[0]]),
            )
            for place, cell in cells.items()
        },
    )  # fmt: skip


def settings(run: Mapping[str, Any]) -> dict[str, str]:
    """The resolved settings of a run as text, by dotted path; the versions of the components go into the signature. A component
    without parameters has none to tell."""
    leaves = flatten({k: v for k, v in run.items() if k != "versions"})
    return {name: plain(value) for name, value in leaves.items() if value != {}}


def common(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What all of these have, with the same value; of one alone nothing, so that it is told in full."""
    found = list(several)
    if len(found) < 2:
        return {}
    return {name: value for name, value in found[0].items() if all(other.get(name) == value for other in found)}


def _columns(found: Mapping[Place, Mapping[str, str]]) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[Place, dict[str, str]]]:
    """What all share, what each column shares beyond it, and the rest of each; what has nothing at all (no run) is passed over."""
    shared = common(one for one in found.values() if one)
    columns = {
        column: _without(common(one for (_, other), one in found.items() if other == column and one), shared)
        for column in dict.fromkeys(column for _, column in found)
    }
    return shared, columns, {place: _without(one, shared | columns[place[1]]) for place, one in found.items()}


def _rows(
    found: Mapping[Place, Mapping[str, str]], rest: Mapping[Place, Mapping[str, str]]
) -> tuple[dict[str, dict[str, str]], dict[Place, dict[str, str]]]:
    """What all values of a row share, unless their columns say it of each of them, and what is left of each. found: what the section
    does not share; rest: nor the columns. Where one value has no run, the row has nothing to say of it."""
    rows: dict[str, dict[str, str]] = {}
    for row in dict.fromkeys(row for row, _ in found):
        places = [place for place in found if place[0] == row]
        said = common(found[place] for place in places)
        rows[row] = {name: value for name, value in said.items() if any(name in rest[place] for place in places)}
    return rows, {place: _without(one, rows[place[0]]) for place, one in rest.items()}


def _row_notes(entries: Mapping[Place, Entry]) -> dict[str, tuple[str, ...]]:
    """Row -> the notes that all of its values carry, if they are several."""
    by_row: dict[str, list[tuple[str, ...]]] = {}
    for (row, _), entry in entries.items():
        by_row.setdefault(row, []).append(entry.footnotes)
    return {
        row: tuple(note for note in found[0] if len(found) > 1 and all(note in other for other in found)) for row, found in by_row.items()
    }


def _without(found: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if known.get(name) != value}


def _line(cell: Cell, grid: Grid) -> Line:
    """Run this value's jobs and report, also if some fail; or show why there is no job. Defaults are left out. Every seed that was
    run is made again: `--seeds N` are the seeds 0 to N - 1."""
    where = "".join(f" --{name} {value}" for name, value, usual in (("scale", grid.scale, "full"), ("reading", grid.reading, "paper"))
                    if value != usual)  # fmt: skip
    if cell.state != "run":
        return Line("mmbench show ", where)
    origin = grid.origins.get(cell.key)
    seeds = max(origin.seeds, default=SEEDS - 1) + 1 if origin else SEEDS
    return Line(RUN, f"{where}{f' --seeds {seeds}' if seeds != SEEDS else ''}; mmbench report")


def _signature(cell: Cell, grid: Grid) -> dict[str, str]:
    """The parts of the one line that says how a value was made, by name, but for what it is; empty where nothing ran."""
    origin = grid.origins.get(cell.key) if cell.state == "run" else None
    if origin is None:
        return {}
    return provenance.parts({"scale": grid.scale, "reading": grid.reading}, [cell.view.selection] if cell.view else [], origin)


def _own_signature(cell: Cell, signature: Mapping[str, str], rest: Mapping[str, str]) -> str:
    return "|".join(part for part in (cell.key, _joined(rest)) if part) if signature else ""


def _joined(signature: Mapping[str, str]) -> str:
    return "|".join(f"{name}:{value}" for name, value in signature.items())
