"""The lint of the printed side: contradictions inside and between the papers, found without a single run (design 8, decisions J).

kind         what is compared
gain         a difference or ratio stated in the text, with the cells it is about, at printed precision
bold         what is printed bold, with the best of its column
refuted      a comparative sentence, with the paper's own numbers
two values   one configuration (equal key), printed with several values
shared       one run and one value in two papers (no error: a baseline taken over)
name         a name that a sentence uses, with the labels of its table and the titles of the datasets
label        two rows of one table printed with one name
bound        MMCosine's lower bound of the scale, with the sweep that it should bound
ratio        zeta, recomputed from the printed sizes
share        parts that must sum to 100
count        a count in the text, with the dataset's
identity     a step of a derivation, with values that contradict it
single runs  can the percentages be k of N test items (GRIM): what follows for the number of runs behind them
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise
from math import floor
from typing import Any

from mmbench import percentages, published, resolve, statements, theory
from mmbench.spec import WORDS, Cell, Claim, DatasetFacts, Table

EXPECTED_P = 0.99  # MMCosine's supplement: "we typically use 0.99 as the value of p"


@dataclass(frozen=True)
class Finding:
    """One contradiction, or (kinds shared, single runs) one fact about the printed numbers."""

    paper: str
    table: str
    kind: str
    says: str
    expected: str
    found: str

    def answer(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Suite:
    """What the checks read: tables, their cells at full scale under the paper's reading, dataset facts, statements."""

    tables: tuple[Table, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    facts: Mapping[str, DatasetFacts]
    stated: Mapping[str, list[dict[str, Any]]]


def findings(tables: Iterable[str] | None = None) -> list[Finding]:
    """Everything found, in suite order; only about these tables if some are named."""
    loaded = tuple(t for id in published.ids() if (t := published.load(id)).kind != "settings")  # settings are no measurements
    suite = Suite(loaded, {t.id: resolve.cells(t, "full", "paper") for t in loaded}, published.datasets(), statements.load())
    wanted = set(tables) if tables else {t.id for t in loaded}
    return [f for f in examine(suite) if f.table in wanted]


def examine(suite: Suite) -> list[Finding]:
    order = {t.id: i for i, t in enumerate(suite.tables)}
    found = [f for check in CHECKS for f in check(suite)]
    return sorted(found, key=lambda f: order[f.table])


def printed(suite: Suite, table: Table, row: str, column: str) -> str | None:
    """The printed number of a cell; where the table prints none, that of an equal run and view elsewhere in the paper."""
    value = table.published.get((row, column))
    if value is not None:
        return None if value in WORDS else value
    mine = next((c for c in suite.cells[table.id] if (c.row, c.column) == (row, column) and c.key), None)
    others = (c for t in suite.tables if t.paper == table.paper for c in suite.cells[t.id]) if mine else ()
    same = (c for c in others if mine and c.key == mine.key and c.view == mine.view and c.published not in (None, *WORDS))
    return next((c.published for c in same), None)


def decimals(text: str) -> int:
    return len(text.partition(".")[2])


def gains(suite: Suite) -> Iterator[Finding]:
    for table in suite.tables:
        for claim in (c for c in table.claims if c.amount and c.form in ("gain", "cost", "value")):
            than = claim.than if len(claim.than) == len(claim.rows) else claim.than * len(claim.rows) or ("",) * len(claim.rows)
            for column in claim.columns:
                for row, other in zip(claim.rows, than, strict=True):
                    yield from _gain(suite, table, claim, column, row, other)


def _gain(suite: Suite, table: Table, claim: Claim, column: str, row: str, other: str) -> Iterator[Finding]:
    ours, theirs = printed(suite, table, row, column), printed(suite, table, other, column) if other else "0"
    if ours is None or theirs is None:
        return
    stated = float(claim.amount.strip("+x% "))
    value = float(ours) if claim.form == "value" else abs(float(ours) - float(theirs))
    if claim.form == "cost":
        value = float(ours) / float(theirs)
    unit = 10 ** -min(decimals(claim.amount), max(decimals(ours), decimals(theirs)))
    if abs(value - stated) > unit * 0.51 + 1e-9:
        against = f"{ours} against {theirs} is {value:.2f}" if other else ours
        yield Finding(table.paper, table.id, "gain", claim.says, claim.amount, f"{row}, {column}: {against}")


def bold(suite: Suite) -> Iterator[Finding]:
    for table in suite.tables:
        for column in table.columns:
            numbers = {r: float(v) for (r, c), v in table.published.items() if c == column.id and v not in WORDS}
            marked = {r for r, c in table.bold if c == column.id}
            if not marked or len(numbers) < 2:
                continue
            best = max(numbers.values()) if column.better == "higher" else min(numbers.values())
            for row in sorted(r for r in marked if numbers[r] != best and not _pairs(table, column.id, marked)):
                top = next(r for r, v in numbers.items() if v == best)
                says = f"{table.row(row).label} {table.published[row, column.id]} is printed bold in {column.label}"
                yield Finding(table.paper, table.id, "bold", says, f"the best: {top} {table.published[top, column.id]}", row)


def _pairs(table: Table, column: str, marked: set[str]) -> bool:
    """Several bold values of a column, each the better one of its neighbouring pair: a table of pairs, not a mistake."""
    names = [r.id for r in table.rows if (r.id, column) in table.published]
    pairs = [set(names[i : i + 2]) for i in range(0, len(names), 2)]
    return len(marked) > 1 and all(len(pair & marked) == 1 for pair in pairs)


def refuted(suite: Suite) -> Iterator[Finding]:
    for table in suite.tables:
        for claim in table.claims:
            for column in claim.columns:
                if (broken := _broken(suite, table, claim, column)) is not None:
                    yield Finding(table.paper, table.id, "refuted", claim.says, claim.form, f"{table.column(column).label}: {broken}")


def _broken(suite: Suite, table: Table, claim: Claim, column: str) -> str | None:
    """How the printed numbers of a column contradict a claim; None where they agree or are not there."""
    sign = 1.0 if table.column(column).better == "higher" else -1.0
    others = claim.than or tuple(r.id for r in table.rows if r.id not in claim.rows and not r.cited)
    shown = {r: printed(suite, table, r, column) for r in (*claim.rows, *others)}
    value = {r: sign * float(v) for r, v in shown.items() if v is not None}
    if claim.form in ("better", "gain") and not (claim.form == "gain" and claim.amount):
        pairs = [(r, o) for r in claim.rows for o in others]
        if claim.form == "gain":
            pairs = list(zip(claim.rows, claim.than if len(claim.than) == len(claim.rows) else claim.than * len(claim.rows), strict=True))
        bad = [(r, o) for r, o in pairs if r in value and o in value and value[r] <= value[o]]
        held = len([p for p in pairs if p[0] in value and p[1] in value]) - len(bad)
        if bad and (claim.over == "all" or not held):
            return "; ".join(f"{r} {shown[r]} against {o} {shown[o]}" for r, o in bad)
    rows = [r for r in claim.rows if r in value]
    if claim.form == "best" and rows and len(value) > len(rows):
        top = max(value, key=lambda r: value[r])
        return None if value[top] in [value[r] for r in rows] else f"best is {top} {shown[top]}"
    steps = [value[b] - value[a] for a, b in pairwise(rows)]
    if claim.form == "monotone" and any(step <= 0 for step in steps):
        return ", ".join(f"{r} {shown[r]}" for r in rows)
    if claim.form == "rises-then-falls" and len(steps) > 1:
        turn = [step > 0 for step in steps]
        if not turn[0] or turn[-1] or turn != sorted(turn, reverse=True):
            return ", ".join(f"{r} {shown[r]}" for r in rows)
    return None


def repeated(suite: Suite) -> Iterator[Finding]:
    places: dict[tuple[str, Any], list[Cell]] = {}
    for cell in (c for t in suite.tables for c in suite.cells[t.id] if c.key and c.view and c.published not in (None, *WORDS)):
        places.setdefault((cell.key, cell.view), []).append(cell)
    paper = {t.id: t.paper for t in suite.tables}
    for cells in places.values():
        values = {c.published for c in cells}
        where = "; ".join(f"{c.address} {c.published}" for c in cells)
        first = cells[0]
        if len(values) > 1:
            yield Finding(paper[first.table], first.table, "two values", "one configuration", "one value", where)
        elif len({paper[c.table] for c in cells}) > 1:
            yield Finding(paper[first.table], first.table, "shared", "one run in two papers", str(first.published), where)


def names(suite: Suite) -> Iterator[Finding]:
    tables = {t.id: t for t in suite.tables}
    for entry in suite.stated["names"]:
        table = tables[entry["table"]]
        labels = {label.lower() for part in (*table.rows, *table.columns) for label in (part.label, part.label.split(",")[0])}
        labels |= {d.lower() for c in suite.cells[table.id] if (d := c.run.get("dataset"))}
        for name in (n for n in entry["names"] if n.lower() not in labels):
            yield Finding(table.paper, table.id, "name", entry["says"], "a row, column or dataset of the table", f"{name} is none of them")


def labels(suite: Suite) -> Iterator[Finding]:
    for table in suite.tables:
        for first, second in combinations(table.rows, 2):
            both = {c for r, c in table.published if r == first.id} & {c for r, c in table.published if r == second.id}
            if first.label == second.label and both:
                yield Finding(
                    table.paper, table.id, "label", f"two rows are called {first.label}", "a name each", f"{first.id}, {second.id}"
                )


def bounds(suite: Suite) -> Iterator[Finding]:
    for table in suite.tables:
        for column in table.columns:
            cells = [c for c in suite.cells[table.id] if c.column == column.id and c.published not in (None, *WORDS) and c.run]
            scales = {c.run["head_params"]["scale"]: c for c in cells if c.run.get("head") == "cosine" and table.row(c.row).x is not None}
            base = [c for c in cells if c.run.get("head") != "cosine"]
            if len(scales) < 2 or len(base) != 1:
                continue
            classes = suite.facts[base[0].run["dataset"]].classes
            bound, sign = theory.scale_bound(classes, EXPECTED_P), 1 if column.better == "higher" else -1
            best = max(scales, key=lambda s: sign * float(str(scales[s].published)))
            says = f"the scale should be at least {bound:.2f} ({classes} classes, p = {EXPECTED_P})"
            if best < bound:
                yield Finding(
                    table.paper,
                    table.id,
                    "bound",
                    says,
                    "the best above it",
                    f"{column.label}: best is s = {best:g}, {scales[best].published}",
                )
            for scale, cell in sorted(scales.items()):
                if scale >= bound and sign * float(str(cell.published)) < sign * float(str(base[0].published)):
                    worse = f"{column.label}: s = {scale:g} has {cell.published}, the baseline {base[0].published}"
                    yield Finding(table.paper, table.id, "bound", says, "above the bound better than the baseline", worse)


def sizes(suite: Suite) -> Iterator[Finding]:
    """Complementary and contradictory shares of one run, and zeta = smallest over largest complementary share."""
    for table in suite.tables:
        runs: dict[str, dict[str, list[Cell]]] = {}
        for cell in (c for c in suite.cells[table.id] if c.key and c.published not in (None, *WORDS)):
            runs.setdefault(cell.key, {}).setdefault(cell.metric, []).append(cell)
        for metrics in runs.values():
            kept, dropped = ([float(str(c.published)) for c in metrics.get(m, [])] for m in ("compl", "contr"))
            if kept and len(kept) == len(dropped) and abs(sum(kept) + sum(dropped) - 100) > 0.005 * 2 * len(kept) + 1e-9:
                where = " + ".join(f"{v:g}" for v in (*kept, *dropped))
                yield Finding(
                    table.paper,
                    table.id,
                    "share",
                    "compl and contr of all modalities sum to 100",
                    "100",
                    f"{where} = {sum(kept) + sum(dropped):.2f}",
                )
            for zeta in metrics.get("zeta", []) if len(kept) > 1 and max(kept) > 0 else []:
                yield from _zeta(table, zeta, min(kept), max(kept))


def _zeta(table: Table, zeta: Cell, low: float, high: float) -> Iterator[Finding]:
    text, places = str(zeta.published), decimals(str(zeta.published))
    if abs(round(low / high, places) - float(text)) > 1e-9:
        cut = " (cut, not rounded)" if abs(floor(low / high * 10**places) / 10**places - float(text)) < 1e-9 else ""
        yield Finding(table.paper, table.id, "ratio", f"zeta of {zeta.row} is {text}", f"{low / high:.3f}", f"{low:g} / {high:g}{cut}")


def counts(suite: Suite) -> Iterator[Finding]:
    for entry in suite.stated["count"]:
        known = suite.facts[entry["dataset"]].splits[entry["split"]]
        for part, stated in entry["counts"].items():
            true = sum(known.values()) if part == "all" else known.get(part)
            if true is not None and true != stated:
                yield Finding(entry["paper"], entry["table"], "count", entry["says"], f"{true:,} {part}", f"{stated:,}")


def identities(suite: Suite) -> Iterator[Finding]:
    for entry in suite.stated["identity"]:
        if (example := next(statements.counterexamples(entry), None)) is not None:
            with_values = ", ".join(f"{name} = {value:g}" for name, value in example.items())
            yield Finding(entry["paper"], entry["table"], "identity", entry["says"], entry["expected"], f"fails at {with_values}")


def single_runs(suite: Suite) -> Iterator[Finding]:
    for table, says, follows in percentages.examine(suite.tables, suite.cells, suite.facts):
        yield Finding(table.paper, table.id, "single runs", says, "single runs or averages", follows)


CHECKS: tuple[Callable[[Suite], Iterator[Finding]], ...] = (
    gains, bold, refuted, repeated, names, labels, bounds, sizes, counts, identities, single_runs,
)  # fmt: skip
