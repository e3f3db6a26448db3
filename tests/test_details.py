"""What stands behind one value: the command that makes the same runs again."""

from __future__ import annotations

import pytest

from mmbench import details, published, records, report, resolve
from mmbench.spec import Job
from tests import samples


@pytest.mark.parametrize(
    ("seeds", "count"), [((0, 1, 2, 3, 4), ""), ((0, 1), " --seeds 2"), ((0, 2), " --seeds 3"), ((5, 6), " --seeds 7"), ((), "")]
)
def test_the_command_makes_every_seed_that_was_run(seeds, count):
    """`--seeds N` are the seeds 0 to N-1: where one failed, as many as there are records would leave the last out."""
    cell = next(c for c in resolve.cells(published.load("arl-gamma"), "demo") if c.row == "gamma-4")
    for seed in seeds:
        record = samples.record(Job(cell.key, seed, cell.run, (), "demo"))
        record["data"] |= {"stand_in": True}
        records.write(record, {}, {})
    (page,) = report.pages(["arl-gamma"], scale="demo")
    known = details.of(page.grids[0])
    assert known.command((cell.row, cell.column)) == f"mmbench run arl-gamma:gamma-4:acc --scale demo{count}; mmbench report"
