"""Settings that differ from the paper's."""

from __future__ import annotations

from dataclasses import replace

from mmbench.deviations import Deviation, between
from tests import made_up


def test_deviations_are_the_settings_that_differ():
    assert made_up.section(made_up.full()).deviations == ()
    assert made_up.section(made_up.demo()).deviations == (
        Deviation("dataset", "crema-d", "av-digits"), Deviation("epochs", "100", "12"),
    )  # fmt: skip


def test_deviations_list_the_values_of_all_rows_and_leave_versions_out():
    def changed(row: str, **run: object):
        return replace(made_up.cell(row), run={**made_up.cell(row).run, **run})

    here = [changed("s-1", epochs=10, versions={"loop": 2}), changed("s-2", epochs=20, clip=0.5)]
    found = between(made_up.OWN, here)
    assert found == (Deviation("clip", "–", "0.5"), Deviation("epochs", "100", "10; 20"))
