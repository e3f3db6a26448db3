"""Wanted, unique, recorded, missing: set arithmetic over file names; what is blocked, and what it should take."""

from __future__ import annotations

import pytest

from mmbench import paths, plan, records
from mmbench.spec import View
from tests import samples

SUM = samples.cell("sum", head="sum")
CONCAT = samples.cell("concat", head="concat")
REAL = samples.cell("real", dataset="crema-d")


def record(seed: int, **changes) -> None:
    assert records.write(samples.record(samples.job(seed, **changes)), {}, {}) is not None


def test_cells_of_one_key_are_one_job_and_their_views_are_merged():
    last = samples.cell("again", table="other", head="sum", view=View("macro-f1", select="last"))
    found = plan.jobs([SUM, CONCAT, last, SUM], [0, 1])
    assert (found.wanted, found.unique, found.recorded, found.missing) == (8, 4, 0, 4)
    assert [(j.key, j.seed) for j in found.jobs] == [(SUM.key, 0), (SUM.key, 1), (CONCAT.key, 0), (CONCAT.key, 1)]
    assert found.jobs[0].views == (samples.ACCURACY, View("macro-f1", select="last"))


def test_a_run_evaluates_what_other_tables_ask_of_it():
    other = samples.cell("elsewhere", head="sum", view=View("accuracy", after=30))
    [job] = plan.jobs([SUM], [0], others=[other, CONCAT]).jobs
    assert job.views == (samples.ACCURACY, View("accuracy", after=30))


def test_what_is_recorded_is_not_done_again():
    record(1, head="sum")
    found = plan.jobs([SUM], range(3))
    assert (found.recorded, [j.seed for j in found.jobs]) == (1, [0, 2])


def test_only_cells_that_can_run_become_jobs():
    cells = [samples.cell(state, state=state) for state in ("cited", "inapplicable", "computed", "setting")]
    found = plan.jobs(cells, [0])
    assert (found.wanted, found.jobs) == (0, ())


def test_a_truncated_record_is_missing_and_is_named():
    record(0, head="sum")
    [file] = records.files()
    file.write_bytes(file.read_bytes()[:100])
    found = plan.jobs([SUM], [0])
    assert (found.recorded, found.missing, found.damaged) == (0, 1, (file,))


def test_an_unprepared_dataset_blocks_with_both_ways_out():
    found = plan.jobs([REAL, SUM], [0])
    why = "blocked: crema-d is not prepared: run 'mmbench data prepare crema-d --raw DIR', or try the stand-in with --scale demo"
    assert found.blocked == {REAL.key: why}
    assert found.missing == 2
    assert [j.key for j in found.ready] == [SUM.key]


def test_a_half_prepared_store_blocks_and_a_whole_one_does_not():
    store = paths.data() / "crema-d" / "1"
    store.mkdir(parents=True)
    (store / "meta.json").write_text("{}")
    assert "crema-d is only half prepared" in plan.jobs([REAL], [0]).blocked[REAL.key]
    (store / "index.json").write_text("{}")
    assert plan.jobs([REAL], [0]).blocked == {}


def test_absent_weights_block(tmp_path, monkeypatch):
    cell = samples.cell(weights={"visual": "resnet18-f37072fd.pth", "audio": ""})
    assert "the folder that MMBENCH_WEIGHTS names" in plan.jobs([cell], [0]).blocked[cell.key]
    monkeypatch.setenv("MMBENCH_WEIGHTS", str(tmp_path))
    assert plan.jobs([cell], [0]).blocked[cell.key].startswith("blocked: weights 'resnet18-f37072fd.pth' are not here")
    (tmp_path / "resnet18-f37072fd.pth").touch()
    assert plan.jobs([cell], [0]).blocked == {}


def test_a_job_that_failed_three_times_is_not_tried_again_unless_asked():
    job = samples.job(0, head="sum")
    for _ in range(2):
        records.write_failure(job, "ValueError: no", "x.log")
    assert plan.jobs([SUM], [0]).ready != ()
    records.write_failure(job, "ValueError: no", "x.log")
    found = plan.jobs([SUM], [0])
    assert found.ready == ()
    assert "failed 3 times, last: ValueError: no (log: x.log)" in found.exhausted[SUM.key, 0]
    assert plan.jobs([SUM], [0], again=True).ready != ()


def test_the_estimate_scales_recorded_seconds_per_epoch():
    assert (plan.jobs([SUM], [0, 1]).seconds, plan.jobs([SUM], [0, 1]).unknown) == (0.0, 2)
    record(7, head="sum")  # 3.6 s for 12 epochs
    longer = samples.cell("longer", head="sum", epochs=24)
    found = plan.jobs([longer], [0, 1])
    assert found.seconds == pytest.approx(2 * 24 * 3.6 / 12)
    assert found.unknown == 0


def test_the_estimate_of_a_new_method_is_taken_from_others_on_the_same_data():
    record(7, method="arl")
    assert plan.jobs([SUM], [0]).seconds == pytest.approx(3.6)
    assert plan.jobs([samples.cell(dataset="other-digits")], [0]).unknown == 0  # blocked: nothing to estimate


def test_the_estimate_survives_damaged_records():
    record(7, head="sum")
    [file] = records.files()
    file.write_text("{}\n")
    assert plan.jobs([SUM], [0]).unknown == 1
