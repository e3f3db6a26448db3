"""GRIM over the tables: which printed percentages can be single runs on the test set, per table and over all tables of one data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmbench import grim
from mmbench.spec import WORDS, Cell, DatasetFacts, Table

LEAST = 3  # fewer values tell nothing
RARE = 5  # of the random sets: more, and another size is chance
METRICS = ("accuracy", "eer")  # shares of whole items
Data = tuple[str, str, str]  # dataset, split, streams


@dataclass(frozen=True)
class Source:
    """Tables whose values on one data come from one place (they share a value), and the values: what tells them apart -> printed."""

    tables: tuple[Table, ...]
    values: Mapping[str, str]


def examine(
    tables: Iterable[Table], cells: Mapping[str, Sequence[Cell]], facts: Mapping[str, DatasetFacts]
) -> Iterator[tuple[Table, str, str, str]]:
    """(table, what was counted, what chance would give, what follows). Each table's own values; columns of few values on one split are
    taken together, whatever their streams. Then those of tables that share a value, under the first of them."""
    sources: dict[Data, list[Source]] = {}
    for table in tables:
        own = _printed(table, cells[table.id])
        for data, values in _grouped(own).items():
            yield from _fits(table, data, list(values.values()), facts, "")
        for data, values in own.items():
            known = sources.get(data, [])
            linked = [s for s in known if s.values.keys() & values.keys()]
            merged = Source(
                (*(t for s in linked for t in s.tables), table),
                {k: v for found in (*(s.values for s in linked), values) for k, v in found.items()},
            )
            sources[data] = [*(s for s in known if s not in linked), merged]
    for data, found in sources.items():
        for source in (s for s in found if len(s.tables) > 1):
            where = " in " + ", ".join(t.id for t in source.tables)
            yield from _fits(source.tables[0], data, list(source.values.values()), facts, where)


def _fits(
    table: Table, data: Data, values: list[str], facts: Mapping[str, DatasetFacts], where: str
) -> Iterator[tuple[Table, str, str, str]]:
    dataset, split, streams = data
    known = facts[dataset]
    for unit, size in {**known.items, "clip": known.splits.get(split, {}).get("test", 0)}.items():
        if size and len(values) >= LEAST:
            one = grim.fit(values, size)
            what = f" {unit}s" if known.items else ""
            says = f"{one.hits} of {one.values} percentages on {dataset} ({streams}){where} are k of {size:,}{what}, {one.rule}"
            yield table, says, f"{one.chance:.0%} by chance", one.follows + _elsewhere(one)


def _elsewhere(one: grim.Fit) -> str:
    """The best size, unless random values do as well: then it says nothing."""
    if one.luck is None or one.luck > RARE or ((one.items, one.rule) in one.best and one.luck):
        return ""
    shown = " or ".join(f"{size:,} ({rule})" for size, rule in one.best)
    others = f"{one.best_hits} of {one.values} are k of {shown}: " if (one.items, one.rule) not in one.best else ""
    return f"; {others}of {grim.TRIALS} sets of random values {one.luck or 'none'} fit any size as well"


def _grouped(own: Mapping[Data, dict[str, str]]) -> dict[Data, dict[str, str]]:
    """Groups of at most LEAST values on one split, which is one list of items, become one."""
    small = [data for data, values in own.items() if len(values) <= LEAST]
    found = {data: dict(values) for data, values in own.items() if data not in small}
    for data in small:
        same = [other for other in small if other[:2] == data[:2]]
        name = data if len(same) == 1 else (*data[:2], "all streams")
        found.setdefault(name, {}).update(own[data])
    return found


def _printed(table: Table, cells: Iterable[Cell]) -> dict[Data, dict[str, str]]:
    """Printed percentages by data; an equal run with an equal value counts once; cited ones are left out."""
    found: dict[Data, dict[str, str]] = {}
    cited = {row.id for row in table.rows if row.cited}
    for cell in cells:
        printed = cell.published not in (None, *WORDS) and cell.metric in METRICS and cell.unit == "%"
        if printed and cell.run and cell.row not in cited:
            data = cell.run["dataset"], cell.run["split"], "+".join(cell.run["modalities"])
            found.setdefault(data, {})[f"{cell.key} {cell.published}"] = str(cell.published)
    return found
