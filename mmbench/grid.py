"""Verdicts -> Page and Grid: what a report says, in typed pieces, so that renderers lay out and decide nothing.

A `Page` is one table; its `Grid`s are its sections, one per scale and reading; a `Block` is one column in one section.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mmbench import deviations, tested, wording
from mmbench.courses import Course
from mmbench.deviations import Deviation
from mmbench.gains import Gain
from mmbench.provenance import Provenance, signature
from mmbench.spec import SELECTIONS, Cell, ClaimVerdict, Column, Row, Table, TableVerdict, ValueVerdict
from mmbench.wording import DASH

# A mark is a name; a renderer gives it a sign or a colour. No mark: words on a stand-in never look like a verdict.
MARKS = {
    "reproduced": "yes", "inapplicable, as printed": "yes", "holds": "yes",
    "close": "near",
    "inconclusive": "open", "single run": "open", "undecided": "open",
    "not reproduced": "no", "fails": "no", "diverged": "no",
    "failed": "broken",
}  # fmt: skip


@dataclass(frozen=True)
class Footnote:
    """An entry of a paper's ledger (NOTES.md). `everywhere`: it applies to every value of the section, so no value carries it."""

    id: str
    text: str
    everywhere: bool


@dataclass(frozen=True)
class Entry:
    """One value: what the paper prints, what we measured, what the judge says. Texts are ready to show, "" where nothing is."""

    row: Row
    published: str  # exactly as printed
    bold: bool
    reproduced: str  # "75.10 ± 0.43"
    n: str
    difference: str  # reproduced minus published
    band: str  # where a consistent published value lies
    word: str
    mark: str
    remark: str
    others: Mapping[str, str]  # selection -> the mean there
    footnotes: tuple[str, ...]
    verdict: ValueVerdict
    confirmed: str = ""  # how many other groups reproduced it, or, where nothing is judged, how many ran it
    elsewhere: tuple[str, ...] = ()  # what each of them found, unverified


@dataclass(frozen=True)
class Block:
    """One column of the table in one section. quality: "accuracy in %, higher is better"; lines: spread and margin, in words."""

    column: Column
    quality: str
    published_on: str
    ran_on: str
    select: str
    others: tuple[str, ...]  # the other selections, in order
    entries: tuple[Entry, ...]
    lines: tuple[str, ...]
    footnotes: tuple[str, ...]  # that every value of the column carries, and not every value of the section

    @property
    def measured(self) -> bool:
        """Whether any value of the column has a number of ours."""
        return any(e.reproduced for e in self.entries)

    @property
    def confirmed(self) -> bool:
        """Whether any value of the column was run by another group."""
        return any(e.confirmed for e in self.entries)


@dataclass(frozen=True)
class ClaimLine:
    """One claim. tested: by what, in the table's labels."""

    says: str
    tested: str
    word: str
    mark: str
    evidence: str
    remark: str
    verdict: ClaimVerdict


@dataclass(frozen=True)
class Grid:
    """One section: a table at one scale under one reading. counts: word -> how many. method: multiplicity, what is in no term."""

    table: Table
    scale: str
    reading: str
    kind: str  # "judged", "stand-in", "small" or "not comparable"
    heading: str
    ran_on: tuple[str, ...]
    claims: tuple[ClaimLine, ...]
    claim_counts: Mapping[str, int]
    blocks: tuple[Block, ...]
    counts: Mapping[str, int]
    reasons: tuple[str, ...]  # why several values have no number, each once
    method: tuple[str, ...]
    notes: tuple[str, ...]  # the judge's remarks on the table
    footnotes: tuple[Footnote, ...]
    deviations: tuple[Deviation, ...]
    command: str
    provenance: Provenance
    signature: str
    origins: Mapping[str, Provenance] = field(default_factory=dict)  # key -> where the runs of this setting come from
    gains: tuple[Gain, ...] = ()
    courses: tuple[Course, ...] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)  # other group -> how many runs of it there are, unverified

    @property
    def name(self) -> str:
        """The section in file names and macros: `full`, `demo`, `full-released`."""
        return self.scale if self.reading == "paper" else f"{self.scale}-{self.reading}"

    @property
    def measured(self) -> bool:
        """Whether any run, or any formula of ours, stands behind this section."""
        return self.provenance.runs > 0 or any(b.measured for b in self.blocks)

    @property
    def judged(self) -> bool:
        """Whether its numbers are judged against the published ones: only at scale full, on the paper's data."""
        return self.kind == "judged"


@dataclass(frozen=True)
class Page:
    """One table's report. banner: the plain words at its top; todo: (what it does, the command) to go further."""

    table: Table
    citation: str
    banner: str
    grids: tuple[Grid, ...]
    todo: tuple[tuple[str, str], ...]


def build(
    verdict: TableVerdict,
    *,
    own: Sequence[Cell],
    ledger: Mapping[str, str],
    titles: Mapping[str, str],
    command: str,
    provenance: Provenance,
    origins: Mapping[str, Provenance] | None = None,
    elsewhere: Mapping[str, TableVerdict] | None = None,
    gains: Sequence[Gain] = (),
    courses: Sequence[Course] = (),
) -> Grid:
    """The section of one verdict.

    own: the cells of the paper's own setting (scale full, reading paper), from which deviations are measured.
    ledger: NOTES.md entries by id. titles: dataset id -> title. command: the one line that makes this section again.
    elsewhere: other group -> its verdict of the same section, from its own runs alone. gains, courses: for the pictures.
    """
    table, values = verdict.table, verdict.values
    kind, groups = _kind(verdict), elsewhere or {}
    blocks = tuple(_block(column, verdict, kind == "judged", own, titles, groups) for column in table.columns)
    used = dict.fromkeys(v.cell.run.get("dataset", "") for v in values if v.mean is not None or v.diverged)
    ran_on = tuple(titles.get(d, d) for d in tuple(filter(None, used)) or verdict.datasets)
    selections = dict.fromkeys(b.select for b in blocks if b.select)
    return Grid(
        table=table,
        scale=verdict.scale,
        reading=verdict.reading,
        kind=kind,
        heading=wording.heading(kind, ran_on),
        ran_on=ran_on,
        claims=tuple(_claim(c, verdict, {} if kind == "judged" else titles, _same_claim(c, groups)) for c in verdict.claims),
        claim_counts=Counter(c.word for c in verdict.claims),
        blocks=tuple(b for b in blocks if b.entries),
        counts=Counter(v.word for v in values),
        reasons=wording.shared_reasons(values),
        method=_method(verdict) if kind == "judged" else (),
        notes=verdict.notes,
        footnotes=_footnotes(values, ledger),
        deviations=deviations.between(own, [v.cell for v in values]),
        command=command,
        provenance=provenance,
        signature=signature(verdict, selections, provenance),
        origins=origins or {},
        gains=tuple(gains),
        courses=tuple(courses),
        elsewhere={group: wording.runs(found.values) for group, found in groups.items()},
    )


def page(table: Table, grids: Iterable[Grid], *, citation: str, todo: Iterable[tuple[str, str]]) -> Page:
    """The report of one table. The banner says which data were not the paper's, before any number."""
    sections = tuple(grids)
    judged = dict.fromkeys(", ".join(g.ran_on) or "formulas" for g in sections if g.measured and g.judged)
    unjudged = dict.fromkeys(wording.not_judged(g.kind, g.ran_on, _hindrance(g)) for g in sections if g.measured and not g.judged)
    banner = wording.banner(tuple(judged), tuple(unjudged), sum((tuple(g.elsewhere) for g in sections), ()))
    return Page(table, citation, banner, sections, tuple(todo))


def _kind(verdict: TableVerdict) -> str:
    if verdict.scale == "small":
        return "small"
    ran = [v for v in verdict.values if v.mean is not None]
    hindered = bool(ran) and all(v.word == "not comparable" for v in ran)
    return "stand-in" if verdict.stand_in else "not comparable" if hindered else "judged"


def _hindrance(grid: Grid) -> str:
    """Why a section's numbers are not comparable: the judge's first reason."""
    words = (e.verdict for block in grid.blocks for e in block.entries)
    return next((v.why for v in words if v.word == "not comparable" and v.why), "")


def _datasets(cells: Iterable[Cell], titles: Mapping[str, str]) -> str:
    return ", ".join(dict.fromkeys(titles.get(d, d) for c in cells if (d := c.run.get("dataset"))))


def _everywhere(values: Sequence[ValueVerdict]) -> dict[str, None]:
    """The ledger entries that all these values carry, in order."""
    return {note: None for note in values[0].cell.notes if all(note in v.cell.notes for v in values)} if values else {}


def _block(
    column: Column, verdict: TableVerdict, judged: bool, own: Sequence[Cell], titles: Mapping[str, str], groups: Mapping[str, TableVerdict]
) -> Block:
    values = [v for v in verdict.values if v.cell.column == column.id]
    digits = wording.decimals(v.cell.published for v in values)
    others = tuple(s for s in SELECTIONS if any(s in v.selections for v in values))
    common, section = _everywhere(values), _everywhere(verdict.values)
    select = ", ".join(dict.fromkeys(v.cell.view.selection for v in values if v.cell.view))
    lines = [wording.spread(column, verdict, digits), *(wording.elsewhere(values, select, other, digits, judged) for other in others)]
    if judged:
        lines += [wording.margin(column), wording.order(values)]
    return Block(
        column=column,
        quality=wording.quality(column, any(v.cell.state not in ("computed", "setting") for v in values)),
        published_on=_datasets((c for c in own if c.column == column.id), titles),
        ran_on=_datasets((v.cell for v in values), titles),
        select=select,
        others=others,
        entries=tuple(_entry(v, verdict, digits, judged, others, common, _same_value(v, groups)) for v in values),
        lines=tuple(line for line in lines if line),
        footnotes=tuple(note for note in common if note not in section),
    )


def _same_value(value: ValueVerdict, groups: Mapping[str, TableVerdict]) -> dict[str, ValueVerdict]:
    """What other groups found of the same value, where they ran it."""
    found = {group: next(v for v in verdict.values if v.cell.address == value.cell.address) for group, verdict in groups.items()}
    return {group: v for group, v in found.items() if v.n or v.diverged}


def _same_claim(claim: ClaimVerdict, groups: Mapping[str, TableVerdict]) -> dict[str, str]:
    words = {group: next(c.word for c in verdict.claims if c.claim == claim.claim) for group, verdict in groups.items()}
    return {group: word for group, word in words.items() if word not in ("missing", "not judged on a stand-in")}


def _entry(
    value: ValueVerdict,
    verdict: TableVerdict,
    digits: int,
    judged: bool,
    others: Sequence[str],
    common: Mapping[str, None],
    elsewhere: Mapping[str, ValueVerdict],
) -> Entry:
    """Without a judgement there is no difference, band or mark; where a whole section is not judged, a word only where nothing ran."""
    ran = value.mean is not None or bool(value.cell.computed)
    compared = judged and value.word != "not comparable"
    said = (judged or not ran) and not wording.shared(value, verdict.values)
    return Entry(
        row=verdict.table.row(value.cell.row),
        published=value.cell.published or "",
        bold=value.cell.bold,
        reproduced=wording.mean(value, digits) or value.cell.computed,
        n=wording.count(value),
        difference=wording.signed(value.difference, digits) if compared else "",
        band=wording.band(value, digits) if compared else "",
        word=wording.verdict(value) if judged or not ran else "",
        mark=MARKS.get(value.word, "") if compared else "",
        remark=wording.remark(value) if said else "",
        others={s: f"{value.selections[s]:.{digits}f}" if s in value.selections else DASH for s in others} if ran else {},
        footnotes=tuple(note for note in value.cell.notes if note not in common),
        verdict=value,
        confirmed=wording.confirmed(elsewhere.values(), judged),
        elsewhere=tuple(wording.elsewhere_found(group, v, digits, judged) for group, v in elsewhere.items()),
    )  # fmt: skip


def _claim(claim: ClaimVerdict, verdict: TableVerdict, titles: Mapping[str, str], elsewhere: Mapping[str, str]) -> ClaimLine:
    """titles: of the data, where what a comparison ran on has to be said."""
    cells = [v.cell for v in verdict.values]
    ran = {(c.row, c.column): titles[c.run["dataset"]] for c in cells if c.run.get("dataset") in titles}
    return ClaimLine(
        says=claim.claim.says,
        tested=tested.line(claim, verdict.table, verdict.stand_in),
        word=claim.word,
        mark=MARKS.get(claim.word, ""),
        evidence=wording.evidence(claim, verdict.table, ran),
        remark="; ".join(filter(None, (claim.why, wording.claim_elsewhere(elsewhere)))),
        verdict=claim,
    )


def _method(verdict: TableVerdict) -> tuple[str, ...]:
    lines = (wording.multiplicity(verdict), wording.IN_NO_TERM if any(v.mean is not None for v in verdict.values) else "")
    return tuple(line for line in lines if line)


def _footnotes(values: Sequence[ValueVerdict], ledger: Mapping[str, str]) -> tuple[Footnote, ...]:
    common = _everywhere(values)
    ids = dict.fromkeys(note for v in values for note in v.cell.notes)
    return tuple(Footnote(id, ledger.get(id, ""), id in common) for id in ids)
