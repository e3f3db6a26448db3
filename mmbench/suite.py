"""The pages of all tables -> Suite: papers with their tables, what is real and what is not, totals. No renderer decides any of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmbench import published
from mmbench.grid import MARKS, ClaimLine, Entry, Grid, Page
from mmbench.provenance import Provenance

# The parts of a suite page, in order: id -> (the kinds of sections in it, its heading, its plain words).
PARTS = {
    "real": (
        ("judged", "not comparable"), "On the papers' data",
        "Numbers made on the data that the papers used, and formulas: these are judged against the printed ones.",
    ),
    "small": (
        ("small",), "On small parts of the papers' data",
        "Shortened runs on a part of the data: they show that everything works there. No number is judged against a printed one.",
    ),
    "standin": (
        ("stand-in",), "On stand-ins, not the papers' data",
        "Small data sets that ship with mmbench. No number here is comparable with a printed one: only whether the direction of a claim "
        "is seen, not seen or unclear.",
    ),
}  # fmt: skip
# What a paper gives as its method though here it is a part of the network: MMCosine's head, CM-VQVAE's network.
ALSO_METHODS = {"head": ("cosine",), "model": ("cmvqvae",)}


@dataclass(frozen=True)
class Paper:
    """One paper: its tables' pages, in suite order, and its ledger (NOTES.md: id -> text)."""

    id: str
    title: str
    venue: str
    authors: str
    code: str
    pages: tuple[Page, ...]
    ledger: Mapping[str, str]


@dataclass(frozen=True)
class Suite:
    """All of it. origins: key -> where its runs come from, each key once however many tables share it."""

    papers: tuple[Paper, ...]
    titles: Mapping[str, str]  # dataset id -> title
    origins: Mapping[str, Provenance]

    @property
    def pages(self) -> tuple[Page, ...]:
        return tuple(page for paper in self.papers for page in paper.pages)

    @property
    def measured(self) -> bool:
        """Whether any run stands behind any page."""
        return bool(self.origins)


def build(pages: Iterable[Page]) -> Suite:
    """The suite of these pages; a paper without any is left out."""
    by_paper: dict[str, list[Page]] = {}
    origins: dict[str, Provenance] = {}
    for page in pages:
        by_paper.setdefault(page.table.paper, []).append(page)
        for grid in page.grids:
            origins.update(grid.origins)
    titles = {id: facts.title.partition(":")[0] for id, facts in published.datasets().items()}
    return Suite(tuple(_paper(id, by_paper[id]) for id in published.papers() if id in by_paper), titles, origins)


def _paper(id: str, pages: Iterable[Page]) -> Paper:
    about = published.paper(id)
    venue = f"{about['venue']} {about['year']}"
    return Paper(id, about["title"], venue, about.get("authors", ""), about.get("code", ""), tuple(pages), published.notes(id))


def sections(pages: Iterable[Page], part: str) -> Iterator[Grid]:
    """The sections of one part. Of real data, each table's own setting stands there even if nothing was run."""
    for page in pages:
        for grid in page.grids:
            if grid.kind in PARTS[part][0] and (grid.measured or grid.elsewhere or (grid.scale, grid.reading) == ("full", "paper")):
                yield grid


def counted(grids: Iterable[Grid]) -> tuple[dict[str, int], dict[str, int]]:
    """The words of the claims and of the values of these sections."""
    claims: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for grid in grids:
        claims.update(grid.claim_counts)
        values.update(grid.counts)
    return ordered(claims), ordered(values)


def ordered(words: Mapping[str, int]) -> dict[str, int]:
    """What carries a verdict first, from good to bad; then what could not be judged, the most frequent first."""
    known = {word: i for i, word in enumerate(MARKS)}
    return {word: words[word] for word in sorted(words, key=lambda word: (known.get(word, len(known)), -words[word], word))}


def methods(run: Mapping[str, Any]) -> list[str]:
    """What a reader would look for a run by: its method, and the head or the network that is its paper's method."""
    return [*filter(None, [run.get("method")]), *(run[kind] for kind, also in ALSO_METHODS.items() if run.get(kind) in also)]


def subjects(grid: Grid, line: ClaimLine) -> tuple[str, str]:
    """The datasets and the methods that a claim is about, as space-separated ids: what filters go by."""
    claim = line.verdict.claim
    rows = {*claim.rows, *claim.than}
    cells = [
        entry.verdict.cell
        for block in grid.blocks
        if not claim.columns or block.column.id in claim.columns
        for entry in block.entries
        if not rows or entry.row.id in rows
    ]
    datasets = dict.fromkeys(str(cell.run["dataset"]) for cell in cells if cell.run.get("dataset"))
    return " ".join(datasets), " ".join(dict.fromkeys(name for cell in cells for name in methods(cell.run)))


def find(suite: Suite, address: str, scale: str = "full", reading: str = "paper") -> Entry | None:
    """The value at TABLE:ROW:COLUMN in one section, or None."""
    table, _, place = address.partition(":")
    row, _, column = place.partition(":")
    grids = (g for p in suite.pages if p.table.id == table for g in p.grids if (g.scale, g.reading) == (scale, reading))
    entries = (e for g in grids for b in g.blocks if b.column.id == column for e in b.entries if e.row.id == row)
    return next(entries, None)


def newest(suite: Suite) -> str:
    """ "2026-11-21T07:04:00Z, commit 0123456789": of the newest run used, "" if there is none."""
    found = max(((o.newest, o.newest_commit) for o in suite.origins.values()), default=("", ""))
    return f"{found[0]}, commit {found[1] or 'unknown'}" if found[0] else ""
