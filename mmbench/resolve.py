"""Table -> cells: each value's settings merged, typed, named by their key, with the file and line that every leaf came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mmbench import ladder, paths, published
from mmbench.compose import Composer
from mmbench.errors import nearest, unknown
from mmbench.fields import PARAMETERS, RUN, VIEW
from mmbench.ladder import Leaf, Merged
from mmbench.locate import place
from mmbench.spec import READINGS, SCALES, Cell, Table, View, flatten, key
from mmbench.tables import crosses
from mmbench.theory import FORMULAS


def cells(table: Table, scale: str = "full", reading: str = "paper") -> tuple[Cell, ...]:
    """All cells of a table: one per printed value, and per crossing of a row or column of which nothing is printed. Raises UserError."""
    for kind, given, options in (("scale", scale, SCALES), ("reading", reading, READINGS)):
        if given not in options:
            raise unknown(kind, given, options)
    shelf = published.shelf()
    return tuple(_cell(table, row, column, scale, reading, shelf) for row, column in crossings(table))


def why(table: Table, cell: Cell, scale: str = "full", reading: str = "paper") -> dict[str, str]:
    """Leaf path of the run, or field of the view -> "file:line" of what set it. Versions have no line."""
    composer = _composer(table, cell.row, cell.column, scale, reading, published.shelf())
    merged = composer.merged
    found = {name: leaf for name, leaf in merged.leaves.items() if name in RUN or name in VIEW or name.startswith("pretraining")}
    for slot, path in composer.components if cell.run else []:
        if (name := merged.slot(slot).name) is not None:
            found[slot if slot in PARAMETERS else f"{path}.name"] = name
        for parameter, leaf in merged.slot(slot).parameters().items():
            pretrained = parameter == "weights" and slot.startswith("encoders.")
            found[f"weights.{slot.partition('.')[2]}" if pretrained else f"{path}.{parameter}"] = leaf
    return {path: place(leaf.level.file, leaf.where) for path, leaf in sorted(found.items())}


def crossings(table: Table) -> list[tuple[str, str]]:
    """(row, column) of each cell, in reading order."""
    return [(row.id, column.id) for row in table.rows for column in table.columns if crosses(table.published, row.id, column.id)]


def _composer(table: Table, row: str, column: str, scale: str, reading: str, shelf: published.Shelf) -> Composer:
    """Climb all ladders, from the defaults up, and merge what they say."""
    file, recipes, blocks = paths.BENCHMARKS.parent / table.path, shelf.recipes, ladder.blocks(scale, reading)
    own = [ladder.table_levels(file, table.source, row, column, block) for block in blocks]
    chain = shelf.chain(ladder.last("recipe", [level for levels in own for level in levels]))
    below = [ladder.recipe_levels(shelf.file, recipes, chain, block) for block in blocks]
    names = ladder.names([level for pair in zip(below, own, strict=True) for levels in pair for level in levels])
    levels = []
    for block, recipe, mine in zip(blocks, below, own, strict=True):
        levels += recipe + ladder.conditional(shelf.file, recipes, [(name, *block) for name in chain], names)
        levels += mine[:1] + ladder.conditional(file, table.source, [block], names) + mine[1:]
    return Composer(table, row, column, ladder.merge(levels, shelf.levels), shelf.facts)


def _cell(table: Table, row: str, column: str, scale: str, reading: str, shelf: published.Shelf) -> Cell:
    composer = _composer(table, row, column, scale, reading, shelf)
    merged = composer.merged
    epochs = composer.scalar("epochs") or 0
    seen = {name: composer.scalar(name, epochs) for name in VIEW if name in merged.leaves}
    common: dict[str, Any] = {
        "table": table.id, "row": row, "column": column, "published": table.published.get((row, column)),
        "metric": seen["metric"], "unit": seen["unit"], "better": seen["better"], "runs_behind": seen.get("seeds", "unknown"),
        "margin": table.column(column).margin, "bold": (row, column) in table.bold,
        "versus": _versus(table, merged), "notes": _notes(merged, shelf.entries),
    }  # fmt: skip
    if "formula" in merged.leaves:
        return Cell(state="computed", computed=_computed(composer), **common)
    if table.row(row).cited and not _runnable(table, row, column):
        return Cell(state="cited", why=f"taken over from {table.row(row).source}", **common)
    run = composer.run()
    if "shows" in merged.leaves:
        return Cell(state="setting", computed=_shown(merged.leaves["shows"], run), **common)
    view = _view(composer, seen, run)
    if refusal := composer.refusal(run):
        return Cell(state="inapplicable", why=refusal, run=run, view=view, **common)
    return Cell(state="run", key=key(run), run=run, view=view, **common)


def _runnable(table: Table, row: str, column: str) -> bool:
    """A cited row can run if it, or its value, names a recipe or a method of its own (decisions B7)."""
    levels = [table.source["rows"][row], ladder.descend(table.source, ("values", row, column))]
    return any("recipe" in level or "method" in level for level in levels)


def _view(composer: Composer, seen: Mapping[str, Any], run: Mapping[str, Any]) -> View:
    fields = {name: seen[name] for name in ("metric", "select", "after", "subset", "output", "decision") if name in seen}
    outputs, output = ["fused", *run["modalities"]], fields.get("output", "fused")
    if output not in outputs:
        raise composer.merged.leaves["output"].wrong(f"unknown output '{output}'{nearest(output, outputs)}")
    if fields.get("select") in ("best-val", "least-val-loss") and _unvalidated(composer, run):
        fields["select"] = "last"
    return View(**fields)


def _unvalidated(composer: Composer, run: Mapping[str, Any]) -> bool:
    """A stand-in without a validation part, where such rules have nothing to choose by: the last epoch is read instead."""
    facts = composer.facts[run["dataset"]]
    return facts.stand_in and "val" not in facts.splits.get(run["split"], {})


def _versus(table: Table, merged: Merged) -> str:
    leaf = merged.leaves.get("relative_to")
    if leaf is not None and leaf.value not in (names := [row.id for row in table.rows]):
        raise leaf.wrong(f"unknown row '{leaf.value}'{nearest(str(leaf.value), names)}")
    return leaf.value if leaf else ""


def _notes(merged: Merged, entries: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for leaf in merged.notes:
        for id in leaf.value:
            if id not in entries:
                raise leaf.wrong(f"unknown ledger entry '{id}'{nearest(id, entries)}")
            found[id] = None
    return tuple(found)


def _computed(composer: Composer) -> str:
    leaf, p = composer.merged.leaves["formula"], composer.scalar("p")
    if leaf.value not in FORMULAS:
        raise leaf.wrong(f"unknown formula '{leaf.value}'{nearest(str(leaf.value), FORMULAS)}")
    dataset = composer.scalar("dataset")
    classes = composer.scalar("classes") or (composer.facts[dataset].classes if dataset else 0)
    if p is None or not 0 < p < 1 or classes < 2:
        raise leaf.wrong("expected p between 0 and 1, and at least two classes, by 'classes' or 'dataset'")
    return f"{FORMULAS[leaf.value](classes, p):.3f}"


def _shown(leaf: Leaf, run: Mapping[str, Any]) -> str:
    """A template such as "{encoders.*.codes}" filled from the run; * stands for all modalities, which must agree."""
    leaves = flatten(run)

    def fill(match: re.Match[str]) -> str:
        pattern = re.compile(re.escape(match[1]).replace(r"\*", "[^.]+"))
        values = {str(value) for path, value in leaves.items() if pattern.fullmatch(path)}
        if len(values) != 1:
            raise leaf.wrong(f"'{match[1]}' is not one setting of this run, found {sorted(values) or 'none'}")
        return values.pop()

    return re.sub(r"\{([^}]*)\}", fill, leaf.value)
