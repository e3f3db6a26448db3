"""The lint of the printed side: contradictions inside and between the papers, found without a single run (design 8, decisions J).

kind         what is compared
gain         a difference, ratio or value stated in the text, with the cells it is about, at printed precision
refuted      a comparative sentence, with the paper's own numbers
name         a name that a sentence uses, with the labels of its table and the titles of its datasets
count        a count in the text, with the dataset's
bold         what is printed bold, with the best of its column
label        two rows of one table printed with one name
two values   one configuration (equal key), printed with several values
shared       one run and one value in two papers (no error: a baseline taken over)
baseline     plain joint training on one dataset, as papers and third parties print it (no error: what "the baseline" spans)
bound        MMCosine's lower bound of the scale, with the sweep that it should bound
share        sizes that must be whole channels and sum to 100
ratio        zeta, recomputed from the printed sizes
identity     a step of a derivation, with values that contradict it
single runs  can the percentages be k of N test items (GRIM): what follows for the number of runs behind them
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mmbench import paths, published, resolve, statements
from mmbench.audit.derivations import bounds, identities, sizes
from mmbench.audit.finding import Finding, Suite
from mmbench.audit.numbers import baselines, bold, labels, repeated, single_runs
from mmbench.audit.sentences import amounts, comparisons, counts, names
from mmbench.locate import read

FACTS = ("shared", "baseline", "single runs")  # kinds that say something of the numbers and contradict nothing
CHECKS: tuple[Callable[[Suite], Iterator[Finding]], ...] = (
    amounts, comparisons, names, counts, bold, labels, repeated, baselines, bounds, sizes, identities, single_runs,
)  # fmt: skip


def findings(tables: Iterable[str] | None = None) -> list[Finding]:
    """Everything found, in suite order, contradictions of a table before facts; only about these tables if some are named."""
    loaded = tuple(t for id in published.ids() if (t := published.load(id)).kind != "settings")  # settings are no measurements
    outside = paths.BENCHMARKS / "outside.toml"
    suite = Suite(
        loaded,
        {t.id: resolve.cells(t, "full", "paper") for t in loaded},
        published.datasets(),
        statements.load(),
        tuple(read(outside).get("values", ())) if outside.exists() else (),
    )
    wanted = set(tables) if tables else {t.id for t in loaded}
    return [f for f in examine(suite) if f.table in wanted]


def examine(suite: Suite) -> list[Finding]:
    order = {t.id: i for i, t in enumerate(suite.tables)}
    found = [f for check in CHECKS for f in check(suite)]
    return sorted(found, key=lambda f: (order[f.table], f.kind in FACTS))


def page(found: Iterable[Finding]) -> str:
    """Markdown: the contradictions by paper, then the facts."""
    from tabulate import tabulate

    found = list(found)
    lines = ["# Audit of the printed tables", "", "What the printed numbers say without a single run. A finding is no reproach: it "
             "says what to look at twice. Written by `mmbench report`; the same as `mmbench audit`.", ""]  # fmt: skip
    for heading, chosen in (
        ("Contradictions", [f for f in found if f.kind not in FACTS]),
        ("Facts", [f for f in found if f.kind in FACTS]),
    ):
        lines += [f"## {heading} ({len(chosen)})", ""]
        for paper in dict.fromkeys(f.paper for f in chosen):
            rows = [[_cell(v) for v in (f.table, f.kind, f.says, f.expected, f.found)] for f in chosen if f.paper == paper]
            table = tabulate(rows, ["table", "kind", "says", "expected", "found"], tablefmt="pipe", disable_numparse=True)
            lines += [f"### {paper}", "", table, ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
