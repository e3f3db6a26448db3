"""The verb `report`: records -> frame -> verdicts -> pages -> files. What the same records say is written in the same bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbench import adaptive, featured, found, grid, layout, paths, places, plan, processes, provenance, published, records, resolve, suite
from mmbench.errors import UserError, unknown
from mmbench.found import Found
from mmbench.grid import Grid, Page
from mmbench.spec import READINGS, SCALES, Cell, Table, TableVerdict
from mmbench.suite import Suite

Samples = Mapping[tuple[str, str], Any]  # (row, column) -> `sample.Sample`
Section = tuple[str, str, tuple[Cell, ...]]  # scale, reading, cells
SEEDS = 5
INDEX = "index.html"
LISTED = 12  # files that are written are named up to this many
ALONE = 8  # sections whose pictures are drawn sooner than other processes have started


def write(tables: Iterable[str], *, scale: str | None = None, reading: str | None = None, out: Path | None = None) -> list[Path]:
    """A page (`<table>.md`), its LaTeX (`<table>.tex`, `<table>-macros.tex`) and its plots per table, in `results/tables`.

    A file always holds every scale and reading that was run, so that a narrower report never drops numbers that a paper quotes;
    the scale and reading asked for stand there even if nothing was run. Returns the files. Raises UserError for unknown names.
    """
    return save(pages(tables, scale=scale, reading=reading, narrow=False), out)


def text(tables: Iterable[str], *, scale: str | None = None, reading: str | None = None) -> str:
    """What a terminal shows: only the scale and the reading asked for."""
    return said(pages(tables, scale=scale, reading=reading))


def save(contents: Iterable[Page], out: Path | None = None) -> list[Path]:
    """The files of pages that are already built: whoever also prints them judges once. Where the suite's HTML was written before, it is
    written anew, so that it never says other things than the pages beside it."""
    from mmbench.render import latex, markdown

    folder = out or paths.results() / "tables"
    written: list[Path] = []
    contents = list(contents)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for content, drawn in zip(contents, _pictures(contents, folder), strict=True):
            name = content.table.id
            texts = {
                f"{name}.md": markdown.page(content, {section: [file.name for file in files] for section, files in drawn.items()}),
                f"{name}.tex": latex.page(content),
                f"{name}-macros.tex": latex.macros(content),
            }
            for file, lines in texts.items():
                (folder / file).write_text(lines, encoding="utf-8", newline="\n")
            written += [*(folder / file for file in texts), *(file for files in drawn.values() for file in files)]
        if [content.table.id for content in contents] == published.ids():
            written += _suite(contents, folder, {file.name for file in written}, index=out is None)
        elif (folder / INDEX).exists():
            written += _suite(_completed(contents), folder, {file.name for file in folder.iterdir()}, index=out is None)
    except OSError as error:
        raise UserError(f"the report cannot be written to {folder}: {error.strerror}; choose another folder") from None
    return written


def _pictures(contents: Sequence[Page], folder: Path) -> Iterator[dict[str, list[Path]]]:
    """Of each page, section -> the files of its pictures. Many are drawn by several processes: a report of all tables mostly draws."""
    todo = [(grid, folder / f"{page.table.id}-{grid.name}") for page in contents for grid in page.grids if grid.measured]
    drawn = processes.each(_drawn, todo, range(len(todo)), places.cores() if len(todo) > ALONE else 1)
    for page in contents:
        yield {grid.name: next(drawn) if grid.measured else [] for grid in page.grids}


def _drawn(todo: Sequence[tuple[Grid, Path]], number: int) -> list[Path]:
    """The pictures of a section; `layout.PICTURES` says what each shows."""
    from mmbench.render import courseplot, gainplot, plot

    section, stem = todo[number]
    kinds = (plot.write, gainplot.write, courseplot.write_curves, courseplot.write_complementarity)
    stems = (stem.with_name(f"{stem.name}{end}") for end in layout.PICTURES)
    return [file for write, where in zip(kinds, stems, strict=True) for file in write(section, where)] + featured.copied(section, stem)


def _completed(contents: Sequence[Page]) -> list[Page]:
    """These pages and those of all other tables, in the suite's order."""
    mine = {content.table.id: content for content in contents}
    others = pages([id for id in published.ids() if id not in mine], narrow=False)
    return [mine[id] if id in mine else next(others) for id in published.ids()]


def _suite(contents: Sequence[Page], folder: Path, pictures: Collection[str], index: bool) -> list[Path]:
    """The site; index: and `README.md` beside the folder."""
    from mmbench.render import markdown

    whole = suite.build(contents)
    texts = {folder / name: text for name, text in site(whole, pictures).items()}
    if index:
        texts[folder.parent / "README.md"] = markdown.index(whole, folder.name)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)


def site(whole: Suite, pictures: Collection[str]) -> dict[str, str]:
    """File name -> content: the HTML of all tables and the audit. pictures: names of the files that lie beside."""
    from mmbench import across, audit, sheets
    from mmbench.render import html

    tables = [page.table for page in whole.pages]
    own, released = ({table.id: resolve.cells(table, "full", reading) for table in tables} for reading in READINGS)
    linted = audit.findings()
    others = {
        "across.html": across.sheet(whole, own, released, across.outside()),
        "costs.html": sheets.costs(whole, own, SEEDS),
        "audit.html": sheets.audit(finding.answer() for finding in linted),
    }
    return {**dict(html.files(whole, others, pictures)), "audit.md": audit.page(linted)}


def where(files: Sequence[Path]) -> str:
    """What was written, for a terminal: the files where they are few, and which one to open."""
    index = next((file for file in files if file.name == INDEX), None)
    named = list(map(str, files)) if len(files) <= LISTED else [f"{len(files)} files in {files[0].parent}"]
    unread = "'mmbench report' writes all tables as HTML, for a browser"
    read = f"open {index} to read all tables in a browser" if index else unread
    return "\n".join(("written:", *named, read))


def said(contents: Iterable[Page]) -> str:
    """Pages that are already built, for a terminal."""
    from mmbench.render import markdown

    return "\n".join(map(markdown.text, contents))


def pages(tables: Iterable[str], *, scale: str | None = None, reading: str | None = None, narrow: bool = True) -> Iterator[Page]:
    """One page per table, whatever was run: a page without records says what to run. narrow: with the sections asked for only."""
    loaded = [published.load(id) for id in dict.fromkeys(tables)]
    asked = (scale or SCALES[0], reading or READINGS[0])
    _known(*asked)
    sections = {table.id: list(_sections(table, scale if narrow else None, reading if narrow else None)) for table in loaded}
    keys = {cell.key for cells in sections.values() for _, _, group in cells for cell in group if cell.key}
    read = found.read(keys, every=not narrow and [*sections] == published.ids())
    workers = places.cores() if read.many and len(loaded) > 1 else 1
    yield from processes.each(lambda read, table: _page(table, sections[table.id], read, asked), read, loaded, workers)


def _known(scale: str, reading: str) -> None:
    for kind, given, options in (("scale", scale, SCALES), ("reading", reading, READINGS)):
        if given not in options:
            raise unknown(kind, given, options)


def _sections(table: Table, scale: str | None, reading: str | None) -> Iterator[Section]:
    for s in (scale,) if scale else SCALES:
        for r in (reading,) if reading else READINGS:
            yield s, r, resolve.cells(table, s, r)


def _page(table: Table, sections: Sequence[Section], read: Found, asked: tuple[str, str]) -> Page:
    """The section asked for (else the paper's own setting, which is never passed over), and those with runs of their own."""
    own = resolve.cells(table, "full", "paper")
    grids: list[Grid] = []
    shown: set[str] = set()
    for scale, reading, cells in sections:
        mine = {c.key for c in cells if c.key in read.own or any(c.key in theirs for theirs in read.others.values())}
        if mine - shown or (scale, reading) in (asked, ("full", "paper")):
            grids.append(_grid(table, scale, reading, cells, own, read))
            shown |= mine
    source = published.paper(table.paper)
    return grid.page(
        table,
        grids,
        citation=f"{source['title']}, {source['venue']} {source['year']}",
        todo=_todo(table, sections, grids, asked[1]),
    )


def _grid(table: Table, scale: str, reading: str, cells: Sequence[Cell], own: Sequence[Cell], read: Found) -> Grid:
    from mmbench import collect, courses, gains, inert, judge, sample

    keys = dict.fromkeys(c.key for c in cells)
    mine = [record for key in keys for record in read.own.get(key, ())]
    facts, looks = published.datasets(), adaptive.looks(table.id, scale, reading)

    def judged(records: Sequence[Mapping[str, Any]], **more: Any) -> tuple[Samples, TableVerdict]:
        frame = collect.frame(records)
        samples = sample.gather(cells, frame, scale, facts)
        verdict = judge.verdicts(table, cells, frame, scale=scale, reading=reading, facts=facts, samples=samples, looks=looks, **more)
        return samples, inert.noted(verdict, samples)

    samples, verdict = judged(mine, blocked=_blocked(cells, read.own), failed=_failed())
    verdict = replace(verdict, notes=(*verdict.notes, *_shipped(mine, read.fewer & keys.keys())))
    origins = {key: read.origin(key) for key in keys if key in read.own}
    origin = provenance.merge(origins.values())
    return grid.build(
        verdict,
        own=own,
        ledger=published.ledger(),
        titles={id: known.title.partition(":")[0] for id, known in facts.items()},
        command=_command(table.id, scale, reading, max(origin.seeds, default=SEEDS - 1) + 1),
        provenance=origin,
        origins=origins,
        gains=gains.gains(table, samples) if reading == READINGS[0] else (),  # pictures of the text's own setting only
        courses=courses.courses(table, cells, read.own) if reading == READINGS[0] else (),
        elsewhere={group: judged(theirs)[1] for group, theirs in read.of(keys).items()},
    )


def _shipped(mine: Sequence[Mapping[str, Any]], fewer: Collection[str]) -> Iterator[str]:
    """That runs are not the user's own, and that more seeds come with the project than are shown, in words; nothing where all are ours."""
    if paths.group() == found.SHIPPED:
        return
    if given := sum(record["group"] == found.SHIPPED for record in mine):
        says = f"{given} of these {len(mine)} runs come with the project (group {found.SHIPPED}): of their settings"
        yield f"{says} group {paths.group()} has none; equal seeds on equal data and devices are paired with ours"
    if fewer:
        few = f"{len(fewer)} setting{'s' * (len(fewer) != 1)}"
        yield f"of {few} group {paths.group()}, which is shown, has fewer runs than come with the project (group {found.SHIPPED})"


def _blocked(cells: Iterable[Cell], recorded: Collection[str]) -> dict[str, str]:
    waiting = {c.key: c.run for c in cells if c.state == "run" and c.key not in recorded}
    return {key: why for key, run in waiting.items() if (why := plan.obstacle(run)) is not None}


def _failed() -> dict[str, str]:
    """Key -> why its last attempt failed, and its log below the results: a page may travel, the machine's paths do not."""
    return {key: f"{note['why']} (log: {'/'.join(Path(note['log']).parts[-2:])})" for (key, _), note in sorted(records.failures().items())}


def _todo(table: Table, sections: Sequence[Section], grids: Iterable[Grid], reading: str) -> Iterator[tuple[str, str]]:
    """What to run next: scales that can be run and of which nothing is measured; the stand-in first, since it needs nothing."""
    measured = {g.scale for g in grids if g.measured}
    can_run = {scale for scale, _, cells in sections if any(cell.state == "run" for cell in cells)}
    for scale, what in (("demo", "On the stand-in, which ships with mmbench"), ("full", "On the paper's data, once they are prepared")):
        if scale in can_run - measured:
            yield what, _command(table.id, scale, reading)


def _command(table: str, scale: str, reading: str, seeds: int = SEEDS) -> str:
    """The make target; what is a default is left out."""
    given = [f"SCALE={scale}"] * (scale != "full") + [f"READING={reading}"] * (reading != "paper") + [f"SEEDS={seeds}"] * (seeds != SEEDS)
    return " ".join((f"make table-{table}", *given))
