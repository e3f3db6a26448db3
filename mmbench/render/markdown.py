"""Page -> markdown for GitHub, and the same in plain text for a terminal. Tables are written by tabulate."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from tabulate import tabulate

from mmbench import layout, suite
from mmbench.grid import Grid, Page
from mmbench.layout import Rows, Style
from mmbench.suite import PARTS, Suite

SIGNS = {"yes": "✓", "near": "≈", "open": "?", "no": "✗", "broken": "!"}

WIDTHS = {"claim of the paper": 40, "evidence": 40, "other groups, unverified": 40, "remark": 40}  # on a terminal


def escape(text: str) -> str:
    """Plain text that shows as it is: no markup, no HTML, no table border, no formula, on one line."""
    text = re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


GITHUB = Style(escape, SIGNS.__getitem__, bold=lambda text: f"**{text}**", note=lambda id: f"[^{id}]")
PLAIN = Style(lambda text: " ".join(text.split()), SIGNS.__getitem__, bold=lambda text: text, note=lambda id: "")


def page(content: Page, pictures: Mapping[str, Collection[str]]) -> str:
    """The whole page. pictures: section name -> names of the files of its plots, beside the page."""
    table = content.table
    lines = [f"# {escape(table.title)}", f"`{table.id}` · {escape(content.citation)} · {escape(table.where)} · `{table.path}`"]
    if content.banner:
        lines.append(f"> **{escape(content.banner)}**")
    if len(content.grids) > 1:
        lines.append(_table(layout.summary(content, GITHUB)))
    alone = not any(grid.measured for grid in content.grids)
    for grid in content.grids:
        lines += _section(grid, pictures.get(grid.name, ())) if grid.measured or grid.elsewhere or alone else _not_run(grid)
    if table.untestable:
        lines += ["## Sentences that no run can decide", "\n".join(f"- “{escape(u.says)}”: {escape(u.why)}" for u in table.untestable)]
    lines += _ledger(content)
    if content.todo:
        lines += ["## To go on", "\n".join(f"- {escape(what)}: `{command}`" for what, command in content.todo)]
    return "\n\n".join(filter(None, lines)) + "\n"


def text(content: Page) -> str:
    """What a terminal shows: the banner, then for each section the claims, the values, and the signature."""
    lines = [f"{content.table.id}: {content.table.title}"]
    if content.banner:
        lines.append(content.banner)
    for grid in content.grids:
        lines.append(f"{grid.heading} (scale {grid.scale}, reading {grid.reading})")
        if not (grid.measured or grid.elsewhere):
            lines.append(_reasons(grid, PLAIN))
            continue
        if grid.claims:
            lines.append(_table(layout.claims(grid, PLAIN), "simple", WIDTHS))
        for block in (b for b in grid.blocks if b.measured or b.confirmed):
            title = [layout.title(block, PLAIN)] if len(grid.blocks) > 1 else []
            lines += [*title, _table(layout.values(grid, block, PLAIN), "simple", WIDTHS)]
        lines += [*grid.reasons, layout.elsewhere(grid), grid.signature]
    lines += [f"{what}: {command}" for what, command in content.todo]
    return "\n\n".join(filter(None, lines)) + "\n"


def _table(rows: Rows, form: str = "github", widths: Mapping[str, int] | None = None) -> str:
    """widths: where the text of a column is broken, by its header."""
    if not rows[1]:
        return ""
    limits = [widths.get(header) for header in rows[0]] if widths else None
    return tabulate(rows[1], headers=rows[0], tablefmt=form, disable_numparse=True, maxcolwidths=limits)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _section(grid: Grid, files: Collection[str]) -> Iterator[str]:
    yield f"## {escape(grid.heading)}"
    yield f"Scale `{grid.scale}`, reading `{grid.reading}`."
    if grid.claims:
        yield "### Claims"
        yield _table(layout.claims(grid, GITHUB))
        yield escape(layout.bounds(grid))
    for file, words in layout.pictures(grid, files):
        yield f"![{escape(grid.table.title)}: {escape(grid.heading)}: {escape(words)}]({file})"
    yield "### Values"
    for block in (b for b in grid.blocks if layout.shown(grid, b)):
        yield layout.title(block, GITHUB)
        yield _table(layout.values(grid, block, GITHUB))
        yield _list(block.lines)
    yield _list(grid.reasons)
    yield _list(filter(None, (*grid.method, *grid.notes, layout.elsewhere(grid))))
    yield from _made(grid)


def _made(grid: Grid) -> Iterator[str]:
    """How the section was made: what differs from the paper's setting, the command, where the numbers come from."""
    if grid.deviations:
        yield "### What differs from the paper's setting"
        yield _table(layout.deviations(grid, GITHUB))
    if grid.provenance.runs:
        yield "### Made by"
        yield f"```sh\n{grid.command}\n```"
        yield "\n".join(f"- {what}: {escape(said)}" for what, said in layout.origin(grid.provenance))
        yield f"```\n{grid.signature}\n```"


def _not_run(grid: Grid) -> Iterator[str]:
    yield f"## {escape(grid.heading)}"
    yield f"Scale `{grid.scale}`, reading `{grid.reading}`. {_reasons(grid, GITHUB)}"


def _reasons(grid: Grid, style: Style) -> str:
    said = grid.reasons or [f"{number} values {word}" for word, number in grid.counts.items()]
    return " ".join(("Nothing has been run in this section.", *(f"{style.escape(reason).rstrip('.')}." for reason in said)))


def _ledger(content: Page) -> Iterator[str]:
    """The ledger entries of all sections, once: those that hold everywhere as a list, the others as footnotes."""
    notes = {note.id: note for grid in content.grids for note in grid.footnotes}
    everywhere = [note for note in notes.values() if note.everywhere]
    if notes:
        yield "## What the paper leaves open, and what was chosen"
    if everywhere:
        yield "\n".join(f"- **{escape(note.id)}** {note.text}" for note in everywhere)
    yield from (f"[^{note.id}]: **{escape(note.id)}** {note.text}" for note in notes.values() if not note.everywhere)


def index(content: Suite, folder: str) -> str:
    """`results/README.md`: every table, how its claims and values came out, and how new the newest run is. folder: of the pages."""
    newest = suite.newest(content)
    made = f"Newest run used: {newest}." if newest else "No run is recorded yet; `make demo` makes some on a stand-in."
    lines = [
        "# Results",
        f"Generated by `mmbench report`: a page per table, and `{folder}/index.html`, all claims and values with filters. {made}",
    ]
    headers = ["table", "reading", "runs", "claims", "values", "newest run", "commit"]
    for part, (_, heading, words) in PARTS.items():
        rows = [_line(grid, folder) for grid in suite.sections(content.pages, part)]
        if rows:
            lines += [f"## {escape(heading)}", escape(words), _table((headers, rows))]
    return "\n\n".join(lines) + "\n"


def _line(grid: Grid, folder: str) -> list[str]:
    origin = grid.provenance
    name, newest, commit = grid.table.id, escape(origin.newest[:10]), escape(origin.newest_commit)
    counts = layout.counts(grid.claim_counts), layout.counts(grid.counts)
    return [f"[{name}]({folder}/{name}.md)", grid.reading, str(origin.runs), *counts, newest, commit]
