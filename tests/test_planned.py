"""Components to come: each stands in one list, and what tables name of them is blocked with the reason."""

from __future__ import annotations

import pytest

from mmbench import published, registry, resolve
from mmbench.planned import PLANNED
from mmbench.spec import READINGS, SCALES


def test_what_is_written_is_no_longer_planned() -> None:
    for kind, planned in PLANNED.items():
        assert set(planned) & set(registry.KINDS[kind]) == set()


def test_a_cell_is_unwritten_exactly_where_it_names_something_planned() -> None:
    for table in map(published.load, published.ids()):
        for cell in resolve.cells(table):
            if cell.state in ("run", "unwritten"):
                run = cell.run
                named = [("encoder", encoder["name"]) for encoder in run["encoders"].values()]
                named += [(kind, run[kind]) for kind in ("method", "head", "model", "task")]
                lacking = [f"{kind} {name}" for kind, name in named if name in PLANNED[kind]]
                assert (cell.state == "unwritten") == bool(lacking), cell.address
                assert all(name in cell.why for name in lacking)


@pytest.mark.parametrize("id", [id for id in published.ids() if id.startswith("smv-")])
def test_no_cell_of_smv_waits_for_code_at_any_scale(id: str) -> None:
    table = published.load(id)
    states = {
        (cell.state, cell.why) for scale in SCALES for reading in READINGS for cell in resolve.cells(table, scale, reading) if cell.run
    }
    assert ("run", "") in states
    assert states <= {("run", ""), ("inapplicable", "method greedy takes exactly 2 modalities, this cell has 3")}
