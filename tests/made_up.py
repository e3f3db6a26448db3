"""Made-up verdicts for tests of the report: a table of one swept column with a baseline, on the paper's data or on a stand-in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmbench import grid, provenance
from mmbench.grid import Grid, Page
from mmbench.spec import Cell, Claim, ClaimVerdict, Column, Margin, Row, Table, TableVerdict, ValueVerdict, View

CLAIM = Claim("toy-scale", "s = 4 beats the baseline", "better", ("s-4",), ("vanilla",), ("acc",), transfers=True)
PEAK = Claim("toy-scale", "s = 4 is best", "best", ("s-4",), columns=("acc",))
TABLE = Table(
    "toy-scale", "toy", "Table 1", "Scale s", "results", "accuracy", "%", "higher",
    rows=(Row("vanilla", "vanilla"), Row("s-1", "1", 1), Row("s-2", "2", 2), Row("s-4", "4", 4), Row("s-8", "8", 8)),
    columns=(Column("acc", "CD, Acc", "accuracy", "%", "higher", margin=Margin(0.5, "half of 1.0", "2026-11-21")),),
    published={  # one word among the numbers
        ("vanilla", "acc"): "60.08", ("s-1", "acc"): "61.0", ("s-2", "acc"): "63.44", ("s-4", "acc"): "64.10",
        ("s-8", "acc"): "Not converge",
    },
    bold=frozenset({("s-4", "acc")}), claims=(CLAIM, PEAK), untestable=(), path="benchmarks/toy/scale.toml", x_label="s",
)  # fmt: skip
LEDGER = {"toy.all": "one frame, the `middle` one", "toy.four": "printed twice, as 64.10 & 65_10"}
TITLES = {"crema-d": "CREMA-D", "av-digits": "av-digits"}


def cell(row: str, dataset: str = "crema-d", **more: Any) -> Cell:
    notes = ("toy.all", "toy.four") if row == "s-4" else ("toy.all",)
    run = {"dataset": dataset, "method": "joint", "epochs": 100 if dataset == "crema-d" else 12, "versions": {"loop": 1}}
    return Cell(
        "toy-scale", row, "acc", TABLE.published[row, "acc"], "accuracy", "%", "higher", "run", key=f"{row}-{dataset}", run=run,
        view=View("accuracy"), margin=TABLE.columns[0].margin, bold=row == "s-4", notes=notes, **more,
    )  # fmt: skip


OWN = tuple(cell(row.id) for row in TABLE.rows)


def ran(row: str, word: str, mean: float, dataset: str = "crema-d", **more: Any) -> ValueVerdict:
    """A value from five seeds with spread 0.40, band +-1.2 about its mean."""
    own = cell(row, dataset)
    published = float(own.published) if own.published and own.published[0].isdigit() else None
    given: dict[str, Any] = {
        "n": 5, "mean": mean, "sd": 0.4, "df": 12.0, "low": mean - 1.2, "high": mean + 1.2, "p": 0.5, "holm": False,
        "difference": None if published is None else mean - published, "selections": {"last": mean - 0.9},
    }  # fmt: skip
    return ValueVerdict(own, word, **{**given, **more})


def full() -> TableVerdict:
    values = (
        ran("vanilla", "reproduced", 60.2),
        ran("s-1", "inconclusive", 61.9, seeds_needed=14),
        ran("s-2", "not reproduced", 61.0, holm=True, p=0.001, why="below the published value"),
        ran("s-4", "close", 64.5, alternative="not reproduced"),
        ValueVerdict(cell("s-8"), "missing", "5 runs are missing"),
    )
    claims = (
        ClaimVerdict(CLAIM, "holds", estimate=4.3, low=3.9, high=4.7, df=16, n=5),
        ClaimVerdict(PEAK, "undecided", "two rows are equally likely", probability=0.62, n=5),
    )
    return TableVerdict(
        TABLE, "full", "paper", ("crema-d",), False, values, claims, expected_false_alarms=0.2, spread={"acc": 0.4}, df={"acc": 12.3},
    )  # fmt: skip


def demo() -> TableVerdict:
    values = (
        *(ran(f"s-{s}", "not comparable", m, "av-digits", why="a stand-in", difference=None, low=None, high=None)
          for s, m in ((1, 91.2), (2, 93.0), (4, 94.8))),
        ValueVerdict(cell("s-8", "av-digits"), "diverged", "5 of 5 runs diverged", diverged=5),
    )  # fmt: skip
    values = (ran("vanilla", "not comparable", 89.5, "av-digits", why="a stand-in", difference=None, low=None, high=None), *values)
    claims = (
        ClaimVerdict(CLAIM, "seen", estimate=5.3, low=4.9, n=5),
        ClaimVerdict(PEAK, "not judged on a stand-in"),
    )
    return TableVerdict(TABLE, "demo", "paper", ("av-digits",), True, values, claims, spread={"acc": 0.4}, df={"acc": 12.3})


def untouched() -> TableVerdict:
    """Nothing was run, because the data are not there."""
    why = "crema-d is not prepared: run 'mmbench data prepare crema-d --raw DIR', or try the stand-in with --scale demo"
    verdict = full()
    values = tuple(ValueVerdict(v.cell, "blocked", why) for v in verdict.values)
    claims = tuple(ClaimVerdict(c.claim, "missing") for c in verdict.claims)
    return replace(verdict, values=values, claims=claims, spread={}, df={}, expected_false_alarms=None)


def record(seed: int = 0, dataset: str = "crema-d", **around: Any) -> dict[str, Any]:
    environment: dict[str, Any] = {
        "device": "x86_64", "device_kind": "cpu", "threads": 1, "versions": {"mmbench": "0.1.0", "torch": "2.11.0"},
        "commit": "0123456789abcdef", "dirty": False, "started": f"2026-11-21T07:0{seed}:00Z", "seconds": {"total": 30.5},
        "peak_memory_mb": 400,
    }  # fmt: skip
    return {
        "key": f"s-4-{dataset}", "seed": seed, "group": "local", "result": {"status": "ok"},
        "run": {"dataset": dataset, "versions": {"loop": 1, "head:cosine": 1}},
        "data": {"fingerprint": "3f2a91c0d4", "version": "1"}, "environment": {**environment, **around},
    }  # fmt: skip


def section(verdict: TableVerdict, **around: Any) -> Grid:
    measured = any(v.mean is not None for v in verdict.values)
    origin = provenance.gather([record(seed, verdict.datasets[0], **around) for seed in range(5)] if measured else [])
    command = f"make table-toy-scale SCALE={verdict.scale}"
    return grid.build(verdict, own=OWN, ledger=LEDGER, titles=TITLES, command=command, provenance=origin)


def page(*verdicts: TableVerdict) -> Page:
    todo = [("On the paper's data, once they are prepared", "make table-toy-scale")]
    return grid.page(TABLE, map(section, verdicts), citation="A toy paper, NOWHERE 2026", todo=todo)
