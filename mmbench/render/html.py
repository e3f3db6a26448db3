"""Suite -> static HTML that opens from disk: one page for everything, one per table and paper, and the sheets. The same suite gives
the same bytes; every text is escaped by jinja2."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mmbench import details, layout, shared, suite
from mmbench.grid import MARKS, Block, Entry, Footnote, Grid, Page
from mmbench.render import attributes
from mmbench.sheets import Link, Sheet, Text
from mmbench.spec import Row
from mmbench.suite import PARTS, Paper, Suite
from mmbench.wording import BOUNDS

SIGNS = {"yes": "✓", "near": "≈", "open": "?", "no": "✗", "broken": "!"}
BLOCKS = "p|div|h[1-6]|ul|dl|table|section|details|pre|figure|main|footer"
UNNEEDED = re.compile(rf"</(?:td|th|tr|thead|tbody|li|dt|dd|option)>\s*|</p>\s*(?=</?(?:{BLOCKS})\b)")
LEAD = "What the papers print, and what came out when it was run again: first their claims, then every number."
START = (
    ("Two sweeps on a stand-in that ships with mmbench, a few minutes", "make demo"),
    ("One table on the stand-in", "make table-arl-gamma SCALE=demo"),
    ("This page again, with what was run", "make report"),
)
LEGEND = (
    "Paper: the printed number; bold where the paper prints it bold. Reproduced: mean ± spread over n runs with different seeds.",
    "Difference: reproduced minus published. Interval: where a published value lies that is consistent with our runs.",
    "Reproduced: in the interval, and equal within the margin fixed before any run. Inconclusive: in it, but our mean is not known well.",
    "Close: outside the interval, within the margin. Not reproduced: neither; it differs by more than our seed noise.",
    "Below a claim stands what it was tested by: once, in the reading of the text, as every reading is tested alike.",
    BOUNDS,
    "Missing, blocked, diverged and failed are words, never numbers. On a stand-in nothing is judged.",
    "Settings that a whole section or column shares stand below its table; an opened value lists its own and its row's.",
    "Open a value with a click, a tap, the Enter key, or by resting on it, to see its command, signature, settings and notes; an "
    "underlined row likewise, to see what its values share.",
)
COMMANDS = "Commands are typed in the project's folder, where mmbench is .venv/bin/mmbench."
SHEETS = {"across.html": "Across the papers", "costs.html": "Costs", "audit.html": "Audit"}


def files(content: Suite, sheets: Mapping[str, Sheet], pictures: Collection[str]) -> Iterator[tuple[str, str]]:
    """(file name, content) of every page, and of the style and the script that they share. sheets: by file name, in the order of
    the menu; pictures: names of the SVG files beside."""
    menu = (
        ("index.html", "All claims and values"),
        *((f"paper-{paper.id}.html", paper.id) for paper in content.papers),
        *((file, SHEETS[file]) for file in sheets),
    )
    style, script = _flat("style.css"), _flat("script.js", "filter.js")
    yield "style.css", f"{style}\n"
    yield "script.js", f"{script}\n"
    about = {"pages": menu, "suite": content, "footer": _footer(content), "style": style, "script": script}
    yield "index.html", _index(content, about)
    for paper in content.papers:
        yield f"paper-{paper.id}.html", _render("paper", f"paper-{paper.id}.html", about, paper=paper, paper_parts=_paper_parts(paper))
        for page in paper.pages:
            shown = {"page": page, "sections": shared.sections(page), "deviations": shared.deviations(page.grids),
                     "ledger": _ledger(page), "pictures": lambda grid: layout.pictures(grid, pictures)}  # fmt: skip
            yield f"{page.table.id}.html", _render("table", f"{page.table.id}.html", about, **shown)
    for file, sheet in sheets.items():
        yield file, _render("sheet", file, about, sheet=sheet)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("mmbench.render"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    made.globals.update(
        signs=SIGNS, marks=MARKS, legend=LEGEND, run=details.RUN, columns=attributes.COLUMNS, details=details.of, subjects=suite.subjects,
        ordered=suite.ordered, counts=layout.counts, elsewhere=layout.elsewhere, column_ids=shared.notes, headed=attributes.headed,
        around=attributes.around, valued=attributes.valued, filters_of=attributes.filtered, matrix=matrix, width=_width, ours=_ours,
        remarks=_remarks, said=_said, said_once=_said_once, grouped=_grouped, claim_heading=_claim_heading,
    )  # fmt: skip
    return made


def _flat(*templates: str) -> Markup:
    """Style or script without indentation and blank lines."""
    code = "\n".join(_environment().get_template(f"{template}.j2").render() for template in templates)
    return Markup("\n".join(line.strip() for line in code.splitlines() if line.strip()))


def _render(template: str, here: str, about: Mapping[str, Any], **content: Any) -> str:
    """Without the end tags that HTML lets out, as a browser knows where these elements end: tables and lists have thousands."""
    return UNNEEDED.sub("", _environment().get_template(f"{template}.html.j2").render(here=here, **about, **content))


def _index(content: Suite, about: Mapping[str, Any]) -> str:
    parts: dict[str, Any] = {}
    for part, (_, heading, words) in PARTS.items():
        papers = [(paper, found) for paper in content.papers if (found := list(suite.sections(paper.pages, part)))]
        if papers:
            parts[part] = (heading, words, papers, *suite.counted(grid for _, grids in papers for grid in grids))
    grids = [grid for part in parts.values() for _, found in part[2] for grid in found]
    shown = {"suite_parts": parts, "heads": ["paper", *(f"claims, {heading.lower()}" for heading, *_ in parts.values())]}
    return _render("index", "index.html", about, filters=_filters(content, grids), start=START, lead=LEAD, claimed=_claimed, **shown)


def _claimed(papers: list[tuple[Paper, list[Grid]]], paper: Paper) -> Mapping[str, int]:
    return suite.counted(grid for one, grids in papers if one.id == paper.id for grid in grids)[0]


def _filters(content: Suite, grids: list[Grid]) -> dict[str, list[tuple[str, str]]]:
    """Name of a filter -> (value, text) of its options: only what occurs on the page."""
    entries = [entry for grid in grids for block in grid.blocks for entry in block.entries]
    runs = [entry.verdict.cell.run for entry in entries]
    datasets = sorted({str(run["dataset"]) for run in runs if "dataset" in run}, key=lambda id: (content.titles.get(id, id).lower(), id))
    parts = {name: f"{name} ({kind})" for kind, names in suite.ALSO_METHODS.items() for name in names}
    words = {line.word for grid in grids for line in grid.claims} | {entry.verdict.word for entry in entries}
    return {
        "paper": [(paper.id, f"{paper.id} ({paper.venue})") for paper in content.papers],
        "dataset": [(id, content.titles.get(id, id)) for id in datasets],
        "method": [(id, parts.get(id, id)) for id in sorted({name for run in runs for name in suite.methods(run)})],
        "verdict": [(word, word) for word in sorted(words)],
    }


def _paper_parts(paper: Paper) -> dict[str, tuple[str, str, list[Grid]]]:
    found = {part: (heading, words, list(suite.sections(paper.pages, part))) for part, (_, heading, words) in PARTS.items()}
    return {part: content for part, content in found.items() if content[2]}


def matrix(grid: Grid) -> Iterator[tuple[Row, list[tuple[Block, Entry | None]]]]:
    """The section as the paper prints it: its rows, with the value of every column or None."""
    by_row = [{entry.row.id: entry for entry in block.entries} for block in grid.blocks]
    for row in grid.table.rows:
        if any(row.id in entries for entries in by_row):
            yield row, [(block, entries.get(row.id)) for block, entries in zip(grid.blocks, by_row, strict=True)]


def _width(grid: Grid) -> str:
    """How soon the table becomes a list of cards on a narrow screen; after how many columns what is opened reaches to the left."""
    columns = len(grid.blocks)
    return f"{'many dense' if columns > 7 else 'many' if columns > 2 else 'row'} h{(columns + 1) // 2}"


def _grouped(several: Sequence[tuple[Text, ...]]) -> list[tuple[Link | None, list[tuple[Text, ...]]]]:
    """Rows about values of one section stand under its link, and say only which value; of other rows there is one group."""
    groups: list[tuple[Link | None, list[tuple[Text, ...]]]] = []
    for row in several:
        first = row[0]
        of_value = isinstance(first, Link) and first.text.startswith(f"{first.table}:")
        head = Link(first.table, first.table, first.section) if isinstance(first, Link) and of_value else None
        if not groups or groups[-1][0] != head:
            groups.append((head, []))
        groups[-1][1].append((first.text.partition(":")[2], *row[1:]) if isinstance(first, Link) and of_value else row)
    return groups


def _said(grid: Grid, block: Block) -> list[str]:
    """What stands under a column's label: what is measured, and, where nothing is judged, on what."""
    data = f"here on {block.ran_on}{f', paper on {block.published_on}' if block.published_on else ''}"
    return [*filter(None, (block.quality,)), *([data] if block.ran_on and not grid.judged else [])]


def _said_once(grid: Grid) -> list[str]:
    """Of several columns, what stands under all of them."""
    first, *others = [_said(grid, block) for block in grid.blocks] or [[]]
    return [text for text in first if others and all(text in other for other in others)]


def _remarks(entry: Entry) -> list[str]:
    """What an opened value says first, line by line."""
    return [*filter(None, (entry.remark,)), *(f"{name}: {mean}" for name, mean in entry.others.items()), *entry.elsewhere]


def _ours(entry: Entry) -> str:
    return {"computed": "formula", "setting": "resolved"}.get(entry.verdict.cell.state, "here")


def _claim_heading(grid: Grid) -> str:
    return {"stand-in": "on the stand-in", "small": "on this part"}.get(grid.kind, "verdict")


def _ledger(page: Page) -> dict[str, str]:
    notes: dict[str, Footnote] = {note.id: note for grid in page.grids for note in grid.footnotes}
    return {id: note.text for id, note in notes.items()}


def _footer(content: Suite) -> str:
    newest = suite.newest(content)
    return (
        f"Made by mmbench from {sum(o.runs for o in content.origins.values())} runs{f'; newest run {newest}' if newest else ''}. {COMMANDS}"
    )
