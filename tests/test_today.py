"""Runs of other component versions than today's."""

from __future__ import annotations

import pytest

from mmbench import choose, registry, today

NOW = {"method:joint": registry.METHODS["joint"].version, "head:cosine": registry.HEADS["cosine"].version, "loop": registry.LOOP}


def run(**versions) -> dict:
    return {"versions": NOW | {name.replace("_", ":"): version for name, version in versions.items()}}


def test_every_cell_of_today_is_of_today():
    assert {today.outdated(cell.run) for cell in choose.all_cells("demo") if cell.run} == {""}


@pytest.mark.parametrize(("versions", "says"), [
    ({}, ""),
    ({"dataset_crema-d": 1}, ""),
    ({"loop": 0}, f"loop 0, today {registry.LOOP}"),
    ({"head_cosine": 99}, f"head:cosine 99, today {registry.HEADS['cosine'].version}"),
    ({"method_nobodys": "0.1"}, "method:nobodys 0.1, today unknown here"),
    ({"wheel_round": 1}, "wheel:round 1, today unknown here"),
    ({"loop": 0, "head_cosine": 99}, f"head:cosine 99, today {registry.HEADS['cosine'].version}; loop 0, today {registry.LOOP}"),
])  # fmt: skip
def test_what_is_not(versions, says):
    assert today.outdated(run(**versions)) == says


def test_one_line_for_all_that_count_nowhere():
    assert today.counted_out([]) == ""
    assert today.counted_out([run()]) == "1 record count nowhere: 1 have settings that no table asks for"
    assert today.counted_out([run(loop=0), run(loop=0), run()]) == (
        f"3 records count nowhere: 2 are of component versions that are not today's (loop 0, today {registry.LOOP}): run them again, "
        "1 have settings that no table asks for"
    )
