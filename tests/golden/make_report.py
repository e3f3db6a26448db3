"""Writes the golden of the report: `python -m tests.golden.make_report`, from the repository, then look at what changed.

`suite/` is a small suite of tables of its own; `records/` are its runs, with made-up numbers in the form that training writes;
`report/` is what the report says about them, byte for byte. The numbers are no results of anybody.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from unittest import mock

import matplotlib as mpl

from mmbench import paths, published, records, report, resolve
from mmbench.spec import Cell, Job
from tests import samples

HERE = Path(__file__).parent
GROUP = "golden"
STAMP = "matplotlib.txt"  # by which version the plots were drawn: another one may place a letter elsewhere
FULL = {"gamma-1": 73.6, "gamma-2": 75.0, "gamma-4": 75.2, "gamma-8": 74.9}
DEMO = {
    "gamma-1": 90.1, "gamma-2": 91.4, "gamma-4": 92.0, "gamma-8": 91.8,
    "vanilla": 89.6, "s-2": 92.9, "s-5": 94.2, "s-10": 95.1,
}  # fmt: skip
DIVERGED = {("full", "gamma-8", 3)}


def made_up(cell: Cell, scale: str, seed: int) -> dict[str, object]:
    """A record whose accuracy is the row's level, a shift that the seed gives all rows, and noise, on the grid of the test set."""
    items = 744 if scale == "full" else 600
    shift, noise = (random.Random(name).gauss(0, 0.4) for name in (f"{scale} {seed}", f"{scale} {cell.row} {seed}"))
    best = round(((FULL if scale == "full" else DEMO)[cell.row] + shift + noise) * items / 100) * 100 / items
    selections = {
        label: {"epoch": epoch, "values": {"accuracy": round(value, 5)}}
        for label, epoch, value in (("best-test", 9, best), ("last", 11, best - 0.8))
    }
    gone = (scale, cell.row, seed) in DIVERGED
    result = {"status": "diverged", "selections": {}, "diverged_at": {"epoch": 4}} if gone else {"selections": selections}
    minute = {"started": f"2026-11-21T07:{seed:02d}:00Z", "seconds": {"total": 4.0 if scale == "demo" else 5400.0}}
    job = Job(cell.key, seed, cell.run, (), scale)
    data = {"stand_in": scale == "demo"}
    return samples.record(job, group=GROUP, result={"evaluated": {"test": items}, **result}, data=data, environment=minute)


def write_records() -> None:
    """Five seeds of arl-gamma at full and demo, of mmcosine-scale at demo only."""
    for table, scale in (("arl-gamma", "full"), ("arl-gamma", "demo"), ("mmcosine-scale", "demo")):
        for cell in resolve.cells(published.load(table), scale):
            for seed in range(5) if cell.state == "run" and cell.metric == "accuracy" else ():
                records.write(made_up(cell, scale, seed), {}, {})


def settings(results: Path) -> mock._patch_dict:
    return mock.patch.dict(os.environ, MMBENCH_RESULTS=str(results), MMBENCH_GROUP=GROUP, MMBENCH_DATA=str(results / "data"))


def suite() -> mock._patch[Path]:
    return mock.patch.object(paths, "BENCHMARKS", HERE / "suite")


def write_report(folder: Path) -> None:
    report.write(published.ids(), out=folder)
    for picture in folder.glob("*.png"):
        picture.unlink()  # its bytes belong to the machine; the SVG says the same
    for page in (*folder.glob("*.html"), *folder.glob("*.css"), *folder.glob("*.js")):
        page.unlink()  # the markdown says the same; tests/render/test_html.py looks at these


def main() -> None:
    for folder in ("records", "report"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    with settings(HERE / "records"), suite():
        write_records()
        write_report(HERE / "report")
    (HERE / "report" / STAMP).write_text(f"{mpl.__version__}\n")


if __name__ == "__main__":
    main()
