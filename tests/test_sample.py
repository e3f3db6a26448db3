"""Which runs stand behind a cell, and which may stand together (decisions D2)."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from mmbench import sample
from mmbench.collect import COLUMNS
from mmbench.spec import View
from tests.test_judge import FACTS, cell, rows


def gathered(*cells, records, scale="full"):
    found = sample.gather(cells, pd.DataFrame(records, columns=list(COLUMNS)), scale, FACTS)
    return [found[c.row, c.column] for c in cells]


def test_values_by_seed_at_the_cells_view():
    other = rows(values=(1.0, 2.0), selection="last") + rows(values=(3.0, 4.0), metric="accuracy.audio")
    (one,) = gathered(cell(), records=rows(values=(60.0, 61.0)) + other)
    assert one.values == {0: 60.0, 1: 61.0}
    assert one.selections == {"last": 1.5}
    assert one.quantity("accuracy.audio", "best-test") == {0: 3.0, 1: 4.0}
    assert one.quantity("accuracy.audio", "first") == {}
    assert one.absent == ""


def test_the_first_epoch_is_no_selection_to_show():
    (one,) = gathered(cell(), records=rows() + rows(selection="first"))
    assert one.selections == {}


@pytest.mark.parametrize(
    ("view", "said"),
    [(View("accuracy", subset="first-704"), "needs a rerun: its records hold no accuracy@first-704 at best-test@first-704"),
     (View("accuracy", select="least-val-loss"), "its split has no validation part, so there is no least-val-loss"),
     (View("accuracy", select="best-val"), "its split has no validation part, so there is no best-val")],
)  # fmt: skip
def test_a_number_that_the_records_do_not_hold_is_said(view, said):
    (one,) = gathered(replace(cell(), view=view), records=rows())
    assert (one.values, one.absent) == ({}, said)


ZETA = View("zeta", select="last")


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((0.0, 0.0), "zeta is undefined: no channel of any modality is open"),
     ((), "zeta is undefined: under this mask channels are neither open nor closed"),
     ((50.0, 0.0), "needs a rerun: its records hold no zeta at last")],
)  # fmt: skip
def test_why_there_is_no_zeta_is_said(sizes, said):
    there = [rows(values=(v, v), metric=f"compl.m{i}", selection="last") for i, v in enumerate(sizes)]
    (one,) = gathered(replace(cell(), view=ZETA), records=sum(there, rows(selection="last")))
    assert (one.values, one.absent) == ({}, said)


def test_the_larger_set_is_taken_and_the_rest_is_noted():
    (one,) = gathered(cell(), records=rows(values=(1.0, 2.0, 3.0)) + rows(values=(8.0, 9.0), device_kind="cuda"))
    assert list(one.values.values()) == [1.0, 2.0, 3.0]
    assert one.note == "toy:a:x: runs on other data or devices are left out"


def test_equal_sets_take_the_newer_runs():
    old, new = rows(values=(1.0, 2.0), started="2026-11-20"), rows(values=(8.0, 9.0), fingerprint="g", started="2026-11-21")
    for records in (old + new, new + old):
        (one,) = gathered(cell(), records=records)
        assert list(one.values.values()) == [8.0, 9.0]


def test_cells_of_a_table_are_taken_where_most_of_it_ran():
    """Row b has more runs on the GPU, but those of the CPU can be paired with the rest of the table."""
    records = rows("a") + rows("c") + rows("b", (60.0, 61.0)) + rows("b", (70.0, 71.0, 72.0), device_kind="cuda")
    found = gathered(cell("a"), cell("b"), cell("c"), records=records)
    assert list(found[1].values.values()) == [60.0, 61.0]
    assert {one.origin for one in found} == {("local", "cpu", "")}


def test_another_group_on_the_same_data_and_device_is_under_equal_conditions_and_on_other_data_it_is_not():
    found = gathered(cell("a"), cell("b"), cell("c"), records=rows("a") + rows("b", group="reference") + rows("c"))
    assert found[0].conditions == found[1].conditions
    assert found[0].origin != found[1].origin, "their spreads are not pooled"
    foreign = gathered(cell("a"), cell("b"), cell("c"), records=rows("a") + rows("b", group="reference", fingerprint="g") + rows("c"))
    assert foreign[0].conditions != foreign[1].conditions


def test_a_single_run_at_the_usual_place_gives_way_to_several_elsewhere():
    records = rows("a") + rows("b", (60.0,)) + rows("b", (70.0, 71.0, 72.0), device_kind="cuda")
    found = gathered(cell("a"), cell("b"), records=records)
    assert list(found[1].values.values()) == [70.0, 71.0, 72.0]
    assert found[1].origin == ("local", "cuda", "")


def test_other_modalities_have_another_fingerprint_and_are_still_the_same_data():
    audio = cell("b", run={"dataset": "toy", "split": "ogm", "modalities": ["audio"]})
    found = gathered(cell("a"), audio, records=rows("a") + rows("b", fingerprint="g"))
    assert found[0].origin == found[1].origin


def test_a_pretrained_run_has_the_fingerprint_of_both_data_sets_and_is_compared_with_one_that_is_not():
    plain = cell("b")
    taken = replace(plain, run={**plain.run, "pretraining": {"dataset": "crema-d", "epochs": 3}})
    longer = replace(cell("c"), run={**cell("c").run, "pretraining": {"dataset": "crema-d", "epochs": 9}})
    found = gathered(cell("a"), taken, longer, records=rows("a") + rows("b", fingerprint="g") + rows("c", fingerprint="g"))
    assert found[0].origin == found[1].origin == found[2].origin
    elsewhere = gathered(cell("a"), taken, longer, records=rows("a") + rows("b", fingerprint="g") + rows("c", fingerprint="h"))
    assert elsewhere[1].origin != elsewhere[2].origin


def test_the_same_modalities_with_another_fingerprint_are_other_data():
    found = gathered(cell("a"), cell("b"), cell("c"), records=rows("a") + rows("b", fingerprint="g") + rows("c"))
    assert [one.origin[2] for one in found] == ["", "g", ""]
    pools = sample.pools({(one.cell.row, "x"): one for one in found})
    assert {row: pool.cells for (row, _), pool in pools.items()} == {"a": 2, "b": 1, "c": 2}


def test_a_shared_run_is_pooled_once():
    twice = replace(cell("b"), key="a")
    found = gathered(cell("a"), twice, cell("c"), records=rows("a") + rows("c"))
    pools = sample.pools({(one.cell.row, "x"): one for one in found})
    assert {pool.cells for pool in pools.values()} == {2}


def test_segments_count_as_the_test_set_where_they_are_what_is_scored():
    facts = {"toy": replace(FACTS["toy"], items={"segment": 7440})}
    found = sample.gather([cell()], pd.DataFrame(rows(n_test=7440), columns=list(COLUMNS)), "full", facts)
    assert found["a", "x"].hindrance == ""
    assert found["a", "x"].floor == pytest.approx(100 / 7440 / 12**0.5)


def test_no_run_at_all():
    (one,) = gathered(cell(), records=[])
    assert (one.values, one.rows, one.absent) == ({}, {}, "no run is recorded")
