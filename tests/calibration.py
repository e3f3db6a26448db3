"""How often the judge raises a false alarm, through its public function: `python -m tests.calibration` prints the table (half a minute).

Columns of eight cells whose true mean the paper printed (one run of the same recipe behind each, rounded as printed), n seeds with a
common part (seed correlation), equal spreads or one cell of three times the others'. A false alarm: a value called inconsistent.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from tabulate import tabulate

from mmbench import judge
from mmbench.collect import COLUMNS
from mmbench.spec import Cell, Column, DatasetFacts, Row, Table, View

ROWS = 8
FACTS = {"toy": DatasetFacts("toy", "toy", 6, ("audio", "visual"), {"standard": {"test": 744}}, "standard", "standard")}
VIEW = View("accuracy")


def table(columns: int, published: dict[tuple[str, str], str]) -> Table:
    rows = tuple(Row(f"r{i}", f"r{i}") for i in range(ROWS))
    named = tuple(Column(f"c{j}", f"c{j}", "accuracy", "%", "higher") for j in range(columns))
    return Table("toy", "toy", "", "", "results", "accuracy", "%", "higher", rows, named, published, frozenset(), (), (), "")


def alarms(n: int, correlation: float, wild: bool, columns: int, source: np.random.Generator) -> np.ndarray:
    """Share of columns in which each of the cells is called inconsistent. Every column is an independent table."""
    spreads = np.ones(ROWS)
    spreads[0] = 3.0 if wild else 1.0
    common = source.standard_normal((columns, 1, n)) * np.sqrt(correlation)
    own = source.standard_normal((columns, ROWS, n)) * np.sqrt(1 - correlation)
    runs = 60 + (common + own) * spreads[:, None]
    printed = 60 + source.standard_normal((columns, ROWS)) * spreads
    names = {(f"r{i}", f"c{j}"): f"{printed[j, i]:.2f}" for j, i in product(range(columns), range(ROWS))}
    cells = [
        Cell("toy", r, c, text, "accuracy", "%", "higher", "run", key=f"{r}{c}", run={"dataset": "toy", "split": "standard"}, view=VIEW)
        for (r, c), text in names.items()
    ]
    frame = pd.DataFrame(0, index=range(columns * ROWS * n), columns=list(COLUMNS)).assign(
        key=[f"r{i}c{j}" for j, i, _ in product(range(columns), range(ROWS), range(n))],
        seed=list(range(n)) * (columns * ROWS), group="local", status="ok", fingerprint="f", device_kind="cpu", stand_in=False,
        imitation=False, selection=VIEW.selection, metric=VIEW.name, value=runs.reshape(-1), n_test=744, train_loss=0.1, started="",
    )  # fmt: skip
    found = judge.verdicts(table(columns, names), cells, frame, scale="full", reading="paper", facts=FACTS)
    called = {(v.cell.row, v.cell.column): not v.consistent for v in found.values}
    return np.array([np.mean([called[f"r{i}", f"c{j}"] for j in range(columns)]) for i in range(ROWS)])


def rates(columns: int, seed: int = 1) -> dict[tuple[int, float, bool], np.ndarray]:
    """(seeds, correlation, one cell wild) -> the false alarms of each cell. With 1,000 columns a cell's has a standard error of 1 %."""
    source = np.random.default_rng(seed)
    return {case: alarms(*case, columns, source) for case in product((3, 5), (0.0, 0.5, 0.9), (False, True))}


if __name__ == "__main__":
    rows = [
        (n, correlation, "one cell 3x" if wild else "equal", f"{100 * r.mean():.1f} %", f"{100 * r.max():.1f} %")
        for (n, correlation, wild), r in rates(1000).items()
    ]
    print(tabulate(rows, ("seeds", "correlation", "spreads", "mean false alarms", "worst cell"), tablefmt="github"))
