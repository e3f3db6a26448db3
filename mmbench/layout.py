"""Grid -> headers and rows of text: what stands in which order, the same for every renderer. A `Style` says how text is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from mmbench import featured
from mmbench.grid import Block, Entry, Grid, Page
from mmbench.provenance import Provenance, duration
from mmbench.wording import BOUNDS, DASH

PICTURES = {  # how a picture's file ends -> what it shows
    "": "the sweep, published and here",
    "-gains": "gain of each row over plain joint training, with intervals paired by seed",
    "-curves": "each modality's own output over the epochs, beside the fused one",
    "-complementarity": "complementary features of each modality over the epochs",
}
Rows = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Style:
    """escape: plain text -> the renderer's; sign: the name of a mark -> its sign; bold; note: ledger id -> its reference."""

    escape: Callable[[str], str]
    sign: Callable[[str], str]
    bold: Callable[[str], str]
    note: Callable[[str], str]

    def verdict(self, mark: str, word: str) -> str:
        """The sign and the word; a word without a mark (anything on a stand-in) stands alone."""
        return f"{self.sign(mark)} {self.escape(word)}" if mark else self.escape(word)


def claims(grid: Grid, style: Style) -> Rows:
    """One row per claim, in the table's order. What a stand-in shows has its own heading, so that it is never read as a verdict."""
    heading = {"stand-in": "on the stand-in", "small": "on this part"}.get(grid.kind, "verdict")
    rows = [
        [
            style.verdict(line.mark, line.word),
            f"“{style.escape(line.says)}” ({style.escape(line.tested)})",
            style.escape(line.evidence),
            style.escape(line.remark),
        ]
        for line in grid.claims
    ]
    return _filled([heading, "claim of the paper", "evidence", "remark"], rows)


def bounds(grid: Grid) -> str:
    """How the intervals beside the claims are to be read, "" without any."""
    return BOUNDS if any(line.verdict.low is not None for line in grid.claims) else ""


def values(grid: Grid, block: Block, style: Style) -> Rows:
    """One row per value of a column: published, ours, and what the judge says; then the other selections of the same runs."""
    published = "published" if grid.judged or not block.published_on else f"published, on {block.published_on}"
    headers = [grid.table.x_label or "row", published, _ours(grid, block), "n", "difference", "band", "verdict"]
    headers += [f"at {name}" for name in block.others] + ["other groups, unverified", "remark"]
    rows = [_value(entry, block, style) for entry in block.entries]
    return _filled([style.escape(h) for h in headers], rows, keep=3)


def _ours(grid: Grid, block: Block) -> str:
    states = {entry.verdict.cell.state for entry in block.entries}
    for state, word in (("computed", "by the formula"), ("setting", "resolved here")):
        if states == {state}:
            return word
    at = f" at {block.select}" if block.select else ""
    return f"reproduced{at}" if grid.judged else f"measured on {block.ran_on}{at}"


def title(block: Block, style: Style) -> str:
    """A column's label with its notes, and what is measured in it."""
    label = style.bold(style.escape(block.column.label)) + "".join(map(style.note, block.footnotes))
    return f"{label}: {style.escape(block.quality)}." if block.quality else f"{label}."


def shown(grid: Grid, block: Block) -> bool:
    """A column of which nothing was run has no table of its own in a section that is not judged: its reasons are listed."""
    return grid.judged or block.measured or block.confirmed


def _value(entry: Entry, block: Block, style: Style) -> list[str]:
    published = style.escape(entry.published or DASH)
    others = [style.escape(entry.others.get(name, DASH)) for name in block.others]
    return [
        style.escape(entry.row.label) + "".join(map(style.note, entry.footnotes)),
        style.bold(published) if entry.bold else published,
        style.escape(entry.reproduced or DASH),
        entry.n,
        style.escape(entry.difference),
        style.escape(entry.band),
        style.verdict(entry.mark, entry.word),
        *others,
        style.escape("; ".join(filter(None, (entry.confirmed, *entry.elsewhere)))),
        style.escape(entry.remark),
    ]


def _filled(headers: list[str], rows: list[list[str]], keep: int = 2) -> Rows:
    """Without the columns (after the first `keep`) in which nothing stands."""
    used = [i for i in range(len(headers)) if i < keep or any(row[i] for row in rows)]
    return [headers[i] for i in used], [[row[i] for i in used] for row in rows]


def deviations(grid: Grid, style: Style) -> Rows:
    return ["setting", "paper", "here"], [[style.escape(t) for t in (d.setting, d.paper, d.here)] for d in grid.deviations]


def summary(page: Page, style: Style) -> Rows:
    """One row per section: where it ran, how its claims and values came out."""
    rows = [
        [style.escape(grid.heading), grid.reading, str(grid.provenance.runs), counts(grid.claim_counts), counts(grid.counts)]
        for grid in page.grids
    ]
    return ["section", "reading", "runs", "claims", "values"], rows


def counts(words: Mapping[str, int]) -> str:
    """ "3 holds, 1 undecided"."""
    return ", ".join(f"{number} {word}" for word, number in words.items()) or DASH


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def pictures(grid: Grid, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """(file, what it shows) of the section's pictures among these files."""
    for end, words in PICTURES.items():
        name = f"{grid.table.id}-{grid.name}{end}.svg"
        if name in files:
            yield name, words
    yield from featured.pictures(grid, files)


def elsewhere(grid: Grid) -> str:
    """Which other groups' runs stand beside ours; "" if none."""
    groups = ", ".join(f"{group} ({_several(runs, 'run')})" for group, runs in grid.elsewhere.items())
    return f"Runs of other groups, taken over and unverified: {groups}. No number of theirs is in ours." if groups else ""


def origin(provenance: Provenance) -> Iterator[tuple[str, str]]:
    """(what, text) on where the numbers come from; nothing is printed that no record says."""
    p = provenance
    diverged = f", {p.diverged} of them diverged" if p.diverged else ""
    seeds = f"{p.fewest} to " * (p.runs != p.settings * len(p.seeds)) + _several(len(p.seeds), "seed")
    yield "runs", f"{p.runs} ({_several(p.settings, 'setting')}, {seeds}{diverged}), group {', '.join(p.groups) or DASH}"
    yield "time", f"{duration(p.seconds)} in total, at most {p.peak_memory_mb:.0f} MB, newest run {p.newest or DASH}"
    dirty = f"; {p.dirty} run{'s' if p.dirty > 1 else ''} from a tree with uncommitted changes" if p.dirty else ""
    yield "commit", f"{', '.join(p.commits) or DASH}{dirty}"
    yield "versions", "; ".join(f"{name} {', '.join(found)}" for name, found in p.versions.items()) or DASH
    yield "components", ", ".join(p.components) or DASH
    yield "devices", ", ".join(p.devices) or DASH
    yield "data", "; ".join(p.data) or DASH
