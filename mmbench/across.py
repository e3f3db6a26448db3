"""The page across papers: one baseline in all of them, what the two readings change, and what third parties report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmbench import details, paths
from mmbench.deviations import between
from mmbench.grid import Entry
from mmbench.locate import content, read
from mmbench.sheets import Link, Part, Rows, Sheet, Text
from mmbench.spec import Cell
from mmbench.suite import Suite, find
from mmbench.wording import DASH

EVIDENCE = {
    "P": "a paper", "C": "a released checkpoint or log", "I": "an issue of a public repository, its author's word",
    "T": "a picture in a third party's repository", "R": "a third party's reproduction",
}  # fmt: skip
Cells = Mapping[str, tuple[Cell, ...]]


def outside() -> list[Mapping[str, Any]]:
    """benchmarks/outside.toml: numbers of third parties, with the cells that they are about."""
    file = paths.BENCHMARKS / "outside.toml"
    return list(read(file)["values"]) if file.exists() and content(file) else []


def sheet(suite: Suite, own: Cells, released: Cells, others: Iterable[Mapping[str, Any]]) -> Sheet:
    """own, released: table -> its cells at full scale, as the text says and as the released code does."""
    lead = "One configuration stands in several papers under different numbers. Here they are side by side; nothing is judged anew."
    return Sheet("Across the papers", lead, (_baseline(suite, own), _readings(suite, own, released), _outside(suite, others)))


def _baseline(suite: Suite, own: Cells) -> Part:
    """Plain joint training with concatenation, by dataset."""
    found: dict[str, list[Cell]] = {}
    for cells in own.values():
        for cell in cells:
            if _plain(cell) and cell.published and cell.metric == "accuracy" and cell.view and cell.view.output == "fused":
                found.setdefault(str(cell.run["dataset"]), []).append(cell)
    tables = tuple(_dataset(suite, id, cells) for id, cells in found.items() if len({c.table.partition("-")[0] for c in cells}) > 1)
    words = (
        "Joint training of all modalities with concatenation, without any balancing: the row that every paper compares itself with. "
        "What differs between the papers is listed beside each number."
    )
    return Part("One baseline in all papers", words, tables)


def _plain(cell: Cell) -> bool:
    return tuple(cell.run.get(name) for name in ("method", "head", "model")) == ("joint", "concat", "fusion")


def _dataset(suite: Suite, dataset: str, cells: list[Cell]) -> Rows:
    known = [details.settings(cell.run) for cell in cells]
    shared = details.common(known)
    rows = tuple(
        (_link(cell.address), f"{cell.published} {cell.unit}".strip(), *_ours(find(suite, cell.address)),
         "; ".join(f"{k} {v}" for k, v in settings.items() if shared.get(k) != v) or DASH)
        for cell, settings in zip(cells, known, strict=True)
    )  # fmt: skip
    return Rows(suite.titles.get(dataset, dataset), ("value", "published", "reproduced", "verdict", "its own settings"), rows)


def _link(address: str, section: str = "full") -> Link:
    return Link(address, address.partition(":")[0], section)


def _ours(entry: Entry | None) -> tuple[str, str]:
    return (entry.reproduced or DASH, entry.word or DASH) if entry else (DASH, DASH)


def _readings(suite: Suite, own: Cells, released: Cells) -> Part:
    rows = [row for table in own for row in _reading(suite, table, own[table], released[table])]
    changed = Rows(
        "Settings that the released code has and the text has not",
        ("table", "setting", "the text says", "the released code does"),
        tuple(rows),
    )
    both = tuple(row for cells in own.values() for cell in cells if (row := _both(suite, cell)))
    measured = Rows("Values measured under both", ("value", "published", "as the text says", "as the released code does"), both)
    words = "Where a paper's text and its released code differ, both can be run: --reading paper and --reading released."
    return Part("Two readings", words, tuple(t for t in (measured, changed) if t.rows))


def _reading(suite: Suite, table: str, own: tuple[Cell, ...], released: tuple[Cell, ...]) -> Iterator[tuple[Text, ...]]:
    for found in between(own, released):
        yield Link(table, table), found.setting, found.paper, found.here


def _both(suite: Suite, cell: Cell) -> tuple[Text, ...] | None:
    first, second = (find(suite, cell.address, "full", reading) for reading in ("paper", "released"))
    if not (first and second and first.reproduced and second.reproduced) or cell.state != "run":
        return None
    return _link(cell.address), first.published, f"{first.reproduced} {first.word}", f"{second.reproduced} {second.word}"


def _outside(suite: Suite, others: Iterable[Mapping[str, Any]]) -> Part:
    rows = tuple(_other(suite, value, address) for value in others for address in value["like"])
    words = "Numbers of third parties for configurations like these. They are never judged: optimisers, inputs and seeds are other ones."
    headers = ("value of the paper", "published", "reproduced", "what the third party ran", "its number", "source", "evidence")
    return Part("What others report", words, (Rows("Outside reports", headers, rows),) if rows else ())


def _other(suite: Suite, value: Mapping[str, Any], address: str) -> tuple[Text, ...]:
    entry = find(suite, address)
    evidence = EVIDENCE.get(str(value["evidence"]), str(value["evidence"]))
    published = entry.published if entry else DASH
    return _link(address), published or DASH, _ours(entry)[0], str(value["says"]), str(value["value"]), str(value["source"]), evidence
