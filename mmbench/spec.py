"""The nouns of the suite as frozen dataclasses, canonical JSON, and the key of a run. Imports nothing but the standard library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCALES = ("full", "small", "demo")
READINGS = ("paper", "released")
SELECTIONS = ("last", "best-test", "best-val", "least-val-loss")
FORMS = ("better", "best", "rises-then-falls", "monotone", "flat", "gain", "cost", "curve", "value")
WORDS = ("Inapplicable", "Not converge")  # what papers print in place of a number
NOT_ON_A_STAND_IN = {  # forms that are never looked for on one -> why
    "best": "where an optimum lies on other data says nothing",
    "rises-then-falls": "where an optimum lies on other data says nothing",
    "flat": "insensitivity on other data says nothing",
    "value": "a value on other data says nothing",
}


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, and one spelling per number (4.0 is written 4)."""

    def plain(v: Any) -> Any:
        if isinstance(v, Mapping):
            return {str(k): plain(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return [plain(x) for x in v]
        if isinstance(v, float) and v.is_integer() and abs(v) < 2**53:
            return int(v)
        return v

    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def key(run: Mapping[str, Any]) -> str:
    """The name of a run: 12 hex digits of the sha256 of its canonical JSON. Equal content, equal key; nothing else enters."""
    return hashlib.sha256(canonical(run).encode()).hexdigest()[:12]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted path, in sorted order: `{"a": {"b": 1}}` -> `{"a.b": 1}`. An empty table is a leaf."""
    leaves: dict[str, Any] = {}
    for name in sorted(tree):
        value, path = tree[name], f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            leaves.update(flatten(value, path + "."))
        else:
            leaves[path] = value
    return leaves


@dataclass(frozen=True)
class View:
    """How one number is read off a run. Views never cause training.

    metric: a name of `metrics.py` ("accuracy", "macro-f1", "miou", "eer", ...), of one output if `output` is not "fused".
    select: "last", "best-test", "best-val" or "least-val-loss" (of the lowest cross-entropy on the validation part, of equal ones the
            latest, as CM-VQVAE's code keeps it); `after`: the first 0-based epoch that all but "last" may choose.
    subset: "all", or a named scored subset ("first-704").
    output: "fused", or the modality whose own output is scored.
    decision: "head", or a named other decision rule of the head ("raw": MMCosine's released evaluation).
    """

    metric: str
    select: str = "best-test"
    after: int = 0
    subset: str = "all"
    output: str = "fused"
    decision: str = "head"

    @property
    def name(self) -> str:
        """The metric's column in a record's curve: `accuracy`, `accuracy.audio`, `accuracy@first-704`, `accuracy/raw`."""
        name = self.metric
        if self.output != "fused":
            name += f".{self.output}"
        if self.decision != "head":
            name += f"/{self.decision}"
        if self.subset != "all":
            name += f"@{self.subset}"
        return name

    @property
    def selection(self) -> str:
        """The label of the epoch choice in a record: `last`, `best-test`, `best-test/raw@first-704>30`. The criterion is the
        task's primary metric on the fused output, under this view's decision and subset, from epoch `after` on."""
        if self.select == "last":
            return "last"
        label = self.select
        if self.decision != "head":
            label += f"/{self.decision}"
        if self.subset != "all":
            label += f"@{self.subset}"
        if self.after:
            label += f">{self.after}"
        return label


@dataclass(frozen=True)
class Margin:
    """Two values within this distance are taken as equal; fixed in the column's file before any run."""

    value: float  # in the column's unit, or a fraction of the published value if relative
    why: str
    date: str
    relative: bool = False


@dataclass(frozen=True)
class Row:
    id: str
    label: str
    x: float | None = None
    cited: bool = False  # taken over by the paper from elsewhere
    source: str = ""  # of a cited row


@dataclass(frozen=True)
class Column:
    id: str
    label: str
    metric: str
    unit: str
    better: str  # "higher" | "lower"
    x: float | None = None
    margin: Margin | None = None


@dataclass(frozen=True)
class Cell:
    """One printed value and what is behind it, under one reading and one scale.

    published: exactly as printed, or None where nothing is printed.
    state: "run" (a job can be made), "cited" (never ours to run), "inapplicable" (a typed refusal, `why` says which),
           "computed" (follows from a formula, no training), "setting" (a hyper-parameter, compared with the resolved model).
    run: everything training needs, resolved; empty unless state is "run" or "inapplicable".
    versus: for a relative value ("resampled" as a multiple of another row's), the row it is relative to.
    """

    table: str
    row: str
    column: str
    published: str | None
    metric: str
    unit: str
    better: str
    state: str
    why: str = ""
    key: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)
    view: View | None = None
    runs_behind: str = "unknown"  # an integer as text, "mean of 3", "best of 5" or "unknown"
    margin: Margin | None = None
    bold: bool = False
    versus: str = ""
    notes: tuple[str, ...] = ()  # ids of NOTES.md entries that apply
    computed: str = ""  # state "computed": what the formula gives; "setting": what the resolved model has; as text

    @property
    def address(self) -> str:
        return f"{self.table}:{self.row}:{self.column}"


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper that numbers can confirm or refute.

    rows: the rows it is about; `than`: the rows they are compared with (form better, gain, cost); `columns`: where.
    over: must it hold in "all" of its columns (and pairs) or in "any". amount: the stated size, as printed.
    transfers: may it be looked for on a stand-in; if not, `stays` says why. quantity: what is said of recorded quantities (form
    curve, `mmbench.relations`). weaker: the sentence says more than its test.
    """

    table: str
    says: str
    form: str
    rows: tuple[str, ...] = ()
    than: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    over: str = "all"
    amount: str = ""
    transfers: bool = False
    quantity: str = ""
    stays: str = ""
    weaker: bool = False

    def concerns(self, row: str, column: str) -> bool:
        """Whether it is about this cell: without `than`, better and best are about all rows of their columns."""
        everyone = self.form in ("better", "best") and not self.than
        return column in self.columns and (everyone or row in self.rows or row in self.than)


@dataclass(frozen=True)
class Untestable:
    """A comparative sentence that no run of ours can decide, with the reason."""

    table: str
    says: str
    why: str


@dataclass(frozen=True)
class Table:
    id: str
    paper: str
    where: str  # "Supplement, Table 4"
    title: str
    kind: str  # "results" | "settings" | "figure" | "computed" | "main-paper"
    metric: str
    unit: str
    better: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    published: Mapping[tuple[str, str], str]  # (row, column) -> as printed
    bold: frozenset[tuple[str, str]]
    claims: tuple[Claim, ...]
    untestable: tuple[Untestable, ...]
    path: str  # of its file, relative to the repository
    x_label: str = ""  # what the rows of a sweep vary
    source: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # the file's content, for resolve

    def row(self, id: str) -> Row:
        return next(r for r in self.rows if r.id == id)

    def column(self, id: str) -> Column:
        return next(c for c in self.columns if c.id == id)


@dataclass(frozen=True)
class DatasetFacts:
    """One entry of benchmarks/datasets.toml. splits: name -> part -> item count as published or counted (facts).

    items: what one scored item of the test set is, where it is not a clip ("segment", "trial"), and how many: for GRIM.
    stand_for: the datasets whose modalities a stand-in imitates.
    """

    id: str
    title: str
    classes: int
    modalities: tuple[str, ...]
    splits: Mapping[str, Mapping[str, int]]
    split: str  # the default one
    preparation: str  # the default recipe
    licence: str = ""
    access: str = ""
    size: str = ""
    url: str = ""
    stand_in: bool = False
    stand_for: tuple[str, ...] = ()
    items: Mapping[str, int] = field(default_factory=dict)
    needs_weights: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)  # settings that naming this dataset brings: preparation, frames, ...


@dataclass(frozen=True)
class Job:
    """One training to do: a run and a seed, and every view that any table asks of the run."""

    key: str
    seed: int
    run: Mapping[str, Any]
    views: tuple[View, ...]
    scale: str


@dataclass(frozen=True)
class ValueVerdict:
    """What the judge says about one printed value.

    word: "reproduced" | "inconclusive" | "close" | "not reproduced" | "single run" | "diverged" | "failed" | "missing"
          | "blocked" | "cited" | "not comparable" | "inapplicable, as printed" | "not judged".
    All numbers are in the cell's unit; None where they do not exist.
    """

    cell: Cell
    word: str
    why: str = ""
    n: int = 0
    mean: float | None = None
    sd: float | None = None  # the spread used
    df: float | None = None
    difference: float | None = None  # mean - published
    low: float | None = None  # the band in which a consistent published value lies (prediction interval about the mean)
    high: float | None = None
    consistent: bool | None = None
    equivalent: bool | None = None
    p: float | None = None  # of the consistency test
    holm: bool | None = None  # still rejected after Holm's adjustment over the table
    seeds_needed: int | None = None
    alternative: str = ""  # the word under the other assumption on k, where it differs
    diverged: int = 0
    selections: Mapping[str, float] = field(default_factory=dict)  # the mean at the other selections, same runs


@dataclass(frozen=True)
class Comparison:
    """One of those that a claim makes. rows: the first against the second; the one of a value or a curve; all of a shape.
    columns: where; several if the same runs stand behind them. quantity: the relation, of form curve."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    quantity: str = ""


@dataclass(frozen=True)
class ClaimVerdict:
    """word: "holds" | "fails" | "undecided" on real data; "seen" | "not seen" | "unclear" | "not judged on a stand-in"
    on a stand-in; "missing" where runs lack.

    The numbers are those of the comparison that decides, `of`, one of `comparisons`. low, high: the one-sided bounds that the word
    was read from, at the risks of `risks`."""

    claim: Claim
    word: str
    why: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float | None = None  # of a shape
    df: float | None = None
    n: int = 0
    of: Comparison | None = None
    comparisons: int = 0
    risks: tuple[float, float] = (0.05, 0.05)


@dataclass(frozen=True)
class TableVerdict:
    """All verdicts of one table at one scale and reading, and what the multiplicity of tests does to them."""

    table: Table
    scale: str
    reading: str
    datasets: tuple[str, ...]  # what it ran on
    stand_in: bool
    values: tuple[ValueVerdict, ...]
    claims: tuple[ClaimVerdict, ...]
    expected_false_alarms: float | None = None
    spread: Mapping[str, float] = field(default_factory=dict)  # per column: pooled sd
    df: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
