"""What the cells of a table have in common, said once in its HTML: labels and texts as properties of its style, which cells show by
`content`; what filters go by as attributes of the table, its columns, its rows, or, where nothing is shared, its cells."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from mmbench import suite
from mmbench.details import RUN, Details, Line, Place
from mmbench.grid import Grid

COLUMNS = 16  # as many columns of a table as the style has rules for
Where = tuple[str, ...]  # () the table, ("column", id), ("row", id), ("cell", row, column)


def style(properties: Mapping[str, str]) -> Markup:
    """The attribute that gives an element these texts as `--name:"text"`, a space before it. A string of JSON is one of CSS too, but for
    control characters, which no text of ours needs."""
    strings = {name: json.dumps(re.sub(r"[\s\x00-\x1f\x7f]+", " ", text), ensure_ascii=False) for name, text in properties.items()}
    written = ";".join(f"--{name}:{text}" for name, text in strings.items())
    return Markup(" style='" + str(escape(written)).replace("&#34;", '"') + "'")


def headed(headers: Sequence[str]) -> Markup:
    """For a table of texts: each column's header, but the first's, as what a card shows before a text."""
    return style({f"c{number}": header for number, header in enumerate(headers[1:], 1)})


def around(line: Line) -> Markup:
    """For a command: what stands before and after the address."""
    return style({"r": line.before, "e": line.after})


def valued(grid: Grid, known: Details) -> Markup:
    """For a table of values: what stands around the address in a command, what signatures share, and every column's label."""
    found = {"t": f"{known.table}:", "e": known.line.after}
    if known.line.before != RUN:
        found["r"] = known.line.before
    if known.signature:
        found["s"] = f"|{known.signature}"
    if grid.table.x_label:
        found["x"] = f"{grid.table.x_label} = "
    for number, block in enumerate(grid.blocks, 1):
        found[f"c{number}"] = block.column.label
        if block.column.id in known.signatures:
            found[f"k{number}"] = f"|{known.signatures[block.column.id]}"
    return style(found)


def filtered(grid: Grid) -> dict[Where, Markup]:
    """Where -> the attributes that filters go by: dataset, method, and the verdict where the cell does not show it as a word."""
    entries = {(entry.row.id, block.column.id): entry for block in grid.blocks for entry in block.entries}
    runs = {place: entry.verdict.cell.run for place, entry in entries.items()}
    silent = Counter(entry.verdict.word for entry in entries.values() if entry.word != entry.verdict.word)
    usual = silent.most_common(1)[0][0] if silent else ""
    found = {
        "d": _shared({place: str(run.get("dataset", "")) for place, run in runs.items()}),
        "m": _shared({place: " ".join(suite.methods(run)) for place, run in runs.items()}),
        "v": {(): usual}
        | {("cell", *place): e.verdict.word for place, e in entries.items() if e.verdict.word not in (e.word, "" if e.word else usual)},
    }
    places = dict.fromkeys(where for of in found.values() for where in of)
    return {
        where: Markup("").join(Markup(f' data-{name}="{escape(of[where])}"') for name, of in found.items() if of.get(where))
        for where in places
    }  # fmt: skip


def _shared(values: Mapping[Place, str]) -> dict[Where, str]:
    """Said once for all, else once for each column, else once for each row, where that can be; else of each cell."""

    def by(part: int | None, *kind: str) -> dict[Where, str]:
        groups: dict[Where, set[str]] = {}
        for place, value in values.items():
            groups.setdefault(kind if part is None else (*kind, place[part]), set()).add(value)
        return {where: next(iter(group)) for where, group in groups.items()} if all(len(group) == 1 for group in groups.values()) else {}

    return by(None) or by(1, "column") or by(0, "row") or {("cell", *place): value for place, value in values.items()}
