"""benchmarks/ -> Table, DatasetFacts, ledgers, counts. Nothing here knows how anything is run; `mmbench.resolve` makes the cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmbench import paths, schema, tables
from mmbench.errors import UserError, nearest, unknown
from mmbench.fields import OF_DATASET, SCALARS, coerce
from mmbench.ladder import Leaf, Level
from mmbench.locate import content, read, shown, wrong
from mmbench.spec import WORDS, Cell, DatasetFacts, Table

_FACTS = {
    "title": str, "classes": int, "modalities": list, "splits": dict, "licence": str, "access": str, "size": str, "url": str,
    "stand_in": bool, "stand_for": list, "items": dict, "needs_weights": bool,
}  # fmt: skip
_PAPER = {"order": int, "title": str, "authors": str, "venue": str, "year": int, "code": str, "commit": str, "tables": list}
_ENTRY = re.compile(r"^- \*\*([a-z0-9.+-]+)\*\* ", re.MULTILINE)


def papers() -> tuple[str, ...]:
    """Paper ids in suite order."""
    found = [path.parent.name for path in sorted(paths.BENCHMARKS.glob("*/paper.toml"))]
    return tuple(sorted(found, key=lambda id: (paper(id)["order"], id)))


def paper(id: str) -> Mapping[str, Any]:
    """The content of benchmarks/<id>/paper.toml: title, authors, venue, year, code, commit, tables."""
    path = paths.BENCHMARKS / id / "paper.toml"
    if not path.exists():
        raise unknown("paper", id, [p.parent.name for p in paths.BENCHMARKS.glob("*/paper.toml")])
    return _paper(path, id, content(path))


@lru_cache(maxsize=16)
def _paper(path: Path, id: str, text: bytes) -> Mapping[str, Any]:
    data = read(path)
    file = schema.File(path, data, {})
    file.keys((), data, _PAPER)
    file.typed((), data, _PAPER)
    for key in ("order", "title", "venue", "year", "tables"):
        if key not in data:
            raise file.wrong((key,), "is missing")
    for table in data["tables"]:
        if not isinstance(table, str) or not table.startswith(f"{id}-"):
            raise file.wrong(("tables",), f"expected ids that begin with '{id}-', found {table!r}")
    if len(set(data["tables"])) < len(data["tables"]):
        raise file.wrong(("tables",), "an id stands twice")
    return data


def ids() -> list[str]:
    """All table ids in suite order."""
    return [table for id in papers() for table in paper(id)["tables"]]


def path(id: str) -> Path:
    """The file of a table: `arl-gamma` is benchmarks/arl/gamma.toml."""
    owners = {table: owner for owner in papers() for table in paper(owner)["tables"]}
    if id not in owners:
        raise unknown("table", id, owners)
    return paths.BENCHMARKS / owners[id] / f"{id.removeprefix(owners[id] + '-')}.toml"


def load(id: str) -> Table:
    """One table, validated. Raises UserError with file, line and key."""
    file = path(id)
    data = read(file)
    table = tables.table(file, data, file.parent.name, _known())
    if table.id != id:
        raise wrong(file, ("table", "id"), f"expected '{id}' (after the file's name), found '{table.id}'")
    return table


def check() -> None:
    """Everything that can be wrong without resolving a cell: stray files, datasets, recipes, ledgers, all tables."""
    for id in papers():
        listed = {f"{table.removeprefix(id + '-')}.toml" for table in paper(id)["tables"]} | {"paper.toml"}
        for file in sorted((paths.BENCHMARKS / id).glob("*.toml")):
            if file.name not in listed:
                raise UserError(f"{shown(file)}: is not listed under 'tables' in {shown(file.parent / 'paper.toml')}")
        notes(id)
    datasets()
    recipes()
    for id in ids():
        load(id)


def _known() -> dict[str, Any]:
    facts = datasets()
    return {"dataset": facts, "recipe": recipes(), "modality": {m for f in facts.values() for m in f.modalities}}


def datasets() -> dict[str, DatasetFacts]:
    """benchmarks/datasets.toml: id -> facts."""
    return dict(_datasets(paths.BENCHMARKS / "datasets.toml", content(paths.BENCHMARKS / "datasets.toml"))[0])


@lru_cache(maxsize=4)
def _datasets(path: Path, text: bytes) -> tuple[dict[str, DatasetFacts], dict[str, Level]]:
    data = read(path)
    file = schema.File(path, data, {})
    facts, levels = {}, {}
    for id, given in data.items():
        file.keys((id,), file.mapping((id,), given), (*_FACTS, *OF_DATASET))
        file.typed((id,), given, _FACTS)
        for key in ("title", "classes", "modalities", "splits", "split", "preparation"):
            if key not in given:
                raise file.wrong((id, key), "is missing")
        for key in [k for k in given if k in OF_DATASET]:
            try:
                coerce(SCALARS[key], given[key])
            except ValueError as error:
                raise file.wrong((id, key), str(error)) from None
        if given["split"] not in given["splits"]:
            raise file.wrong((id, "split"), f"unknown split '{given['split']}'{nearest(str(given['split']), given['splits'])}")
        defaults = {"subset": "all", "small": 0, "augment": "none"} | {k: given[k] for k in OF_DATASET if k in given}
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k in _FACTS}
        facts[id] = DatasetFacts(id, split=given["split"], preparation=given["preparation"], defaults=defaults, **fields)
        levels[id] = Level(path, (id,), defaults)
    return facts, levels


def recipes() -> dict[str, Mapping[str, Any]]:
    """benchmarks/recipes.toml: id -> its settings, with .methods, .heads, .optimisers, .released and .scale below them."""
    return {id: given for id, given in recipe_file()[1].items() if id != "defaults"}


def recipe_file() -> tuple[Path, Mapping[str, Any]]:
    path = paths.BENCHMARKS / "recipes.toml"
    return path, _recipes(path, content(path), content(paths.BENCHMARKS / "datasets.toml"))


@lru_cache(maxsize=4)
def _recipes(path: Path, text: bytes, facts: bytes) -> Mapping[str, Any]:
    data, found = read(path), datasets()
    known = {"dataset": found, "recipe": (), "modality": {m for f in found.values() for m in f.modalities}}
    file = schema.File(path, data, known)
    for id, given in data.items():
        file.settings((id,), given, extra=("extends", *schema.CONDITIONAL, "released", "scale"))
        file.ladder((id,), given, (), (), scale=False)
        file.blocks((id,), given)
        base = given.get("extends", id)
        file.name((id, "extends"), "recipe", base, data)
        if base != id and "extends" in data[base]:
            raise file.wrong((id, "extends"), f"'{base}' itself extends a recipe; one step is all there is")
    return data


def notes(paper: str) -> dict[str, str]:
    """The ledger: entry id -> its text (evidence marks included), from benchmarks/<paper>/NOTES.md. An entry is a list item
    `- **arl.frame** [C; ours] text`, and ends at the next entry or blank line."""
    path = paths.BENCHMARKS / paper / "NOTES.md"
    return dict(_notes(path, paper, content(path))) if path.exists() else {}


@lru_cache(maxsize=8)
def _notes(path: Path, paper: str, text: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    written = text.decode(errors="replace")
    for match in _ENTRY.finditer(written):
        id, line = match[1], written.count("\n", 0, match.start()) + 1
        if id in found:
            raise UserError(f"{shown(path)}:{line}: the entry '{id}' stands twice")
        if not id.startswith(f"{paper}."):
            raise UserError(f"{shown(path)}:{line}: expected an id that begins with '{paper}.', found '{id}'")
        body = re.split(r"\n\s*\n|\n- \*\*|\n#", written[match.end() :], maxsplit=1)[0]
        found[id] = " ".join(body.split())
    return found


def ledger() -> dict[str, str]:
    """The entries of all papers."""
    return {id: text for paper in papers() for id, text in notes(paper).items()}


@dataclass(frozen=True)
class Shelf:
    """What resolving needs beside a table, read once: facts and default levels by dataset, recipes, ledger entries."""

    facts: Mapping[str, DatasetFacts]
    levels: Mapping[str, Level]
    file: Path
    recipes: Mapping[str, Any]
    entries: Mapping[str, str]

    def chain(self, chosen: Leaf | None) -> tuple[str, ...]:
        """The defaults, the recipe that is extended, the recipe; the defaults alone for a table without a recipe."""
        if chosen is None:
            return ("defaults",)
        base = self.recipes[chosen.value].get("extends")
        return tuple(name for name in ("defaults", base, chosen.value) if name)


def shelf() -> Shelf:
    file, recipes = recipe_file()
    facts, levels = _datasets(paths.BENCHMARKS / "datasets.toml", content(paths.BENCHMARKS / "datasets.toml"))
    return Shelf(facts, levels, file, recipes, ledger())


@dataclass(frozen=True)
class Filter:
    """What an address names: a table, or one row, or one column of it, or one cell. "" stands for all."""

    table: str
    row: str = ""
    column: str = ""

    def matches(self, cell: Cell) -> bool:
        return cell.table == self.table and self.row in ("", cell.row) and self.column in ("", cell.column)


def select(args: Sequence[str]) -> list[Filter]:
    """Addresses TABLE[:ROW[:COLUMN]] (TABLE::COLUMN for a column), and papers, which stand for their tables. Raises UserError."""
    found = []
    for arg in args:
        if arg in papers():
            found += [Filter(table) for table in paper(arg)["tables"]]
            continue
        parts = arg.split(":")
        if len(parts) > 3:
            raise UserError(f"'{arg}' is no address; expected TABLE, TABLE:ROW or TABLE:ROW:COLUMN")
        if parts[0] not in ids():
            raise unknown("table or paper", parts[0], [*ids(), *papers()])
        table = load(parts[0])
        row, column = (*parts[1:], "", "")[:2]
        if row and row not in (names := [r.id for r in table.rows]):
            raise unknown(f"row of {table.id}", row, names)
        if column and column not in (names := [c.id for c in table.columns]):
            raise unknown(f"column of {table.id}", column, names)
        found.append(Filter(table.id, row, column))
    return list(dict.fromkeys(found))


def counts() -> dict[str, dict[str, int]]:
    """Paper -> how many tables, printed numbers (results), settings, words in place of numbers, numbers of the main paper,
    claims and untestable sentences are stored. "all" sums them."""
    found: dict[str, dict[str, int]] = {}
    for id in papers():
        row: dict[str, int] = dict.fromkeys(("tables", "numbers", "settings", "words", "main_paper", "claims", "untestable"), 0)
        for table in map(load, paper(id)["tables"]):
            words = sum(value in WORDS for value in table.published.values())
            numbers = {"settings": "settings", "main-paper": "main_paper"}.get(table.kind, "numbers")
            for key, more in (("tables", 1), ("words", words), (numbers, len(table.published) - words)):
                row[key] += more
            row["claims"] += len(table.claims)
            row["untestable"] += len(table.untestable)
        found[id] = row
    return found | {"all": {key: sum(row[key] for row in found.values()) for key in next(iter(found.values()), {})}}
