"""GRIM over the tables: which printed accuracies can be single runs on the test set, per table and over all tables of one data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mmbench import grim
from mmbench.spec import WORDS, Cell, DatasetFacts, Table

Data = tuple[str, str, str]  # dataset, split, streams


def examine(
    tables: Iterable[Table], cells: Mapping[str, Sequence[Cell]], facts: Mapping[str, DatasetFacts]
) -> Iterator[tuple[Table, str, str]]:
    """(table, what was counted, what follows). Tables of the same data that share a value come from one place (a baseline taken
    over): they are also counted together, under the first of them."""
    sources: dict[Data, list[tuple[list[Table], dict[str, str]]]] = {}
    for table in tables:
        for data, values in _printed(cells[table.id]).items():
            yield from _fit(table, data, list(values.values()), facts, "")
            linked = [source for source in sources.get(data, []) if source[1].keys() & values.keys()]
            rest = [source for source in sources.get(data, []) if source not in linked]
            merged = (
                [t for several, _ in linked for t in several] + [table],
                {k: v for _, found in (*linked, ([], values)) for k, v in found.items()},
            )
            sources[data] = [*rest, merged]
    for data, found in sources.items():
        for several, values in found:
            if len(several) > 1:
                yield from _fit(several[0], data, list(values.values()), facts, " in " + ", ".join(t.id for t in several))


def _fit(table: Table, data: Data, values: list[str], facts: Mapping[str, DatasetFacts], where: str) -> Iterator[tuple[Table, str, str]]:
    dataset, split, streams = data
    size = next(iter(facts[dataset].items.values()), None) or facts[dataset].splits.get(split, {}).get("test")
    if not size or len(values) < 3:
        return
    one = grim.fit(values, size)
    says = f"{one.hits} of {one.values} percentages on {dataset} ({streams}){where} are k/{size:,}; by chance {one.chance:.0%} would be"
    other = f"; {one.best_hits} of {one.values} are k/{one.best:,}" if one.best_hits > one.hits else ""
    yield table, says, one.follows + other


def _printed(cells: Iterable[Cell]) -> dict[Data, dict[str, str]]:
    """Printed accuracies by data; an equal run with an equal value counts once; cited ones are left out."""
    found: dict[Data, dict[str, str]] = {}
    for cell in cells:
        numeric = cell.published not in (None, *WORDS) and cell.metric == "accuracy" and cell.unit == "%" and cell.state != "cited"
        if numeric and cell.run:
            data = cell.run["dataset"], cell.run["split"], "+".join(cell.run["modalities"])
            found.setdefault(data, {})[f"{cell.key} {cell.published}"] = str(cell.published)
    return found
