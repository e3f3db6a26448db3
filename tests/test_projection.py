"""`mmbench plan --on-machine`: hours by hand arithmetic; what is extrapolated, from what; and that nothing unknown counts as nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mmbench import __main__, choose, paths, plan, projection, records
from mmbench.errors import UserError
from mmbench.measure import kinds, machine
from mmbench.projection import Machine, Pace
from mmbench.spec import Cell
from tests import samples
from tests.fake_times import entry

TWO, THREE = "smv-views:concat:2", "smv-views:concat:3"
SAMPLE_TWO, SAMPLE_THREE = "smv-views:sample-level:2", "smv-views:sample-level:3"


def cell(address: str, reading: str = "paper") -> Cell:
    [found] = choose.cells([address], "full", reading)
    return found


def known(entries: dict[str, dict[str, Any]], device_kind: str = "cpu") -> Machine:
    """A machine on which the kinds of these cells were measured."""
    on = {"device": "a processor", "device_kind": device_kind, "gpus": 0, "cores": 2, "memory_gb": 4}
    content = {"schema": 1, "name": "m", "note": "", "machine": on, "versions": {}, "sessions": [], "failed": {}, "together": {}}
    found = {kinds.kind(cell(address).run).id: one for address, one in entries.items()}
    machine.write(content | {"kinds": found}, machine.folder())
    return Machine("m")


def seconds_by_hand(run: Mapping[str, Any], step: float, draws: float = 1.0, looked: float = 0.0, copies: float = 0.0) -> float:
    """Per-item seconds `step` of Caltech101-20 (1,678 to train, 708 to test), with the ratios of `fake_times.entry`."""
    train = run["epochs"] * 1678 * draws * step
    evaluation = run["epochs"] * (708 + 1678 * looked) * step / 4
    return train + evaluation + run["epochs"] * 64 * step + copies * 1678 * step


def test_a_measured_run_by_hand():
    run = cell(TWO).run
    cost = known({TWO: entry(2.0)}).cost(cell(TWO).key, run)
    assert (cost.how, cost.why) == ("measured", "")
    assert cost.seconds == pytest.approx(seconds_by_hand(run, 0.5))


def test_what_resampling_draws_looks_at_and_trains_before_is_counted():
    changed = entry(2.0, draws=1.5, looked=0.2, copies=[[0.5, 3, 0.8], [1, 3, 0.8]])
    cost = known({TWO: changed}).cost(cell(TWO).key, cell(TWO).run)
    assert cost.seconds == pytest.approx(seconds_by_hand(cell(TWO).run, 0.5, 1.5, 0.2, copies=0.5 * 3 * 0.8 + 3 * 0.8))


def test_the_last_incomplete_batch_counts_only_where_it_is_trained_on():
    pace = Pace(1.0, 0.0, 1.0, 0.0, (), "measured")
    run = {"epochs": 2, "batch": 64, "drop_last": False}
    assert projection.training(run, {"train": 100, "test": 10}, pace) == 2 * (100 + 64)
    assert projection.training(run | {"drop_last": True}, {"train": 100, "test": 10}, pace) == 2 * (64 + 64)


def test_records_say_better_than_an_untrained_network_what_a_method_draws():
    found = cell(SAMPLE_TWO)
    for seed, count in enumerate((1800, 2400)):
        of = samples.job(seed, method="smv-sample", params={"warmup": 1})
        last = {"last": {"epoch": 1, "values": {"log.drawn": count}}}
        assert records.write(samples.record(of, result={"selections": last}), {}, {}) is not None
    (paths.results() / "runs" / "local" / "av-digits" / "smv-sample" / f"{'0' * 12}-s0.json").write_text("{")
    cost = known({SAMPLE_TWO: entry(2.0, draws=4.0)}).cost(found.key, found.run)
    assert cost.seconds == pytest.approx(seconds_by_hand(found.run, 0.5, 2100 / 1200))


def test_another_head_or_batch_costs_as_the_one_measured():
    run = cell(TWO).run
    other = {**run, "head": "sum", "batch": 32}
    cost = known({TWO: entry(2.0)}).cost(cell(TWO).key, other)
    assert (cost.how, cost.why) == ("extrapolated", "as joint with concat on caltech101-20 views")
    assert cost.seconds == pytest.approx(run["epochs"] * 0.5 * (1678 + 708 / 4 + 32))


def test_another_method_costs_what_it_costs_beside_the_same_one_elsewhere():
    asked = cell(SAMPLE_THREE)
    on = known({TWO: entry(2.0), SAMPLE_TWO: entry(3.0, draws=1.25, looked=1.0), THREE: entry(4.0)})
    cost = on.cost(asked.key, asked.run)
    assert (cost.how, cost.why) == ("extrapolated", "as joint with concat on caltech101-20 views, by method x1.5")
    run = asked.run
    by_hand = run["epochs"] * ((1678 * 1.25 + 64) * 1.5 + (708 + 1678) / 4)
    assert cost.seconds == pytest.approx(by_hand), "steps of another method, evaluations of the same network"


def test_another_input_size_costs_by_its_numbers():
    small, large = "kinetics-sounds", "arl-fusion:concat:ks"
    run, key = cell(large).run, cell(large).key
    here = kinds.elements(kinds.shown(key))
    on = known({large: entry(2.0, inputs={"audio": [here // 2]})})
    moved = {**run, "preparation": "fbank-hanning"}
    cost = on.cost(key, moved)
    assert cost.why == f"as joint with concat on {small} {run['preparation']}, by input size x2"
    assert cost.seconds == pytest.approx(2 * on.cost(key, run).seconds, rel=1e-4)
    unshown = on.cost("0" * 12, moved)
    assert (unshown.how, unshown.seconds) == ("unknown", 0.0)
    assert "its input shapes are not known" in unshown.why


def test_what_is_like_nothing_is_unknown_and_says_why():
    on = known({TWO: entry(2.0)})
    three = on.cost(cell(THREE).key, cell(THREE).run)
    assert (three.how, three.why) == ("unknown", "caltech101-20 with view1:mlp+view2:mlp+view3:mlp was not measured")
    sample = on.cost(cell(SAMPLE_TWO).key, cell(SAMPLE_TWO).run)
    assert (sample.how, sample.why) == ("unknown", "smv-sample was nowhere measured beside joint")


def test_a_data_set_of_unknown_size_is_unknown_and_assumptions_are_told():
    on = known({TWO: entry(2.0)})
    on.facts = on.facts | {"caltech101-20": replace(on.facts["caltech101-20"], splits={"per-class-30": {}})}
    cost = on.cost(cell(TWO).key, cell(TWO).run)
    assert (cost.how, cost.seconds) == ("unknown", 0.0)
    assert cost.why == "how many items caltech101-20 has is not known (benchmarks/datasets.toml)"
    on.facts = on.facts | {"caltech101-20": replace(on.facts["caltech101-20"], splits={"other": {"train": 1678}})}
    assert on.cost(cell(TWO).key, cell(TWO).run).how == "measured"
    assert list(on.assumed) == [
        "caltech101-20: the size of split per-class-30 is not known, that of other is taken",
        "caltech101-20: how many items are evaluated is not known; their time is left out",
    ]


def test_a_run_that_begins_with_another_costs_both():
    run = cell(TWO).run
    first = {"dataset": run["dataset"], "split": run["split"], "preparation": run["preparation"], "epochs": 3}
    on = known({TWO: entry(2.0)})
    alone, both = on.cost(cell(TWO).key, run), on.cost(cell(TWO).key, {**run, "pretraining": first})
    assert both.seconds == pytest.approx(alone.seconds * (1 + 3 / run["epochs"]))
    unknown = on.cost(cell(TWO).key, {**run, "pretraining": first | {"dataset": "crema-d"}})
    assert (unknown.how, unknown.seconds) == ("unknown", 0.0)


def test_a_run_counts_once_in_a_table_and_once_in_all():
    two = cell(TWO)
    cells = [two, replace(two, row="again"), replace(two, table="other"), cell(THREE)]
    on = known({TWO: entry(2.0)})
    answer = projection.projected(on, cells, plan.jobs(cells, range(3)))
    each = round(3 * on.cost(two.key, two.run).seconds / 3600, 3)
    assert [(t["id"], t["hours"]) for t in answer["tables"]] == [("smv-views", each), ("other", each)]
    assert (answer["hours"], answer["missing"]) == (each, each)
    assert answer["jobs"] == {"measured": 3, "extrapolated": 0, "unknown": 3}
    assert [one["cell"] for one in answer["unknown"]] == [THREE]
    said = projection.text(answer)
    assert f"at least {each:,.1f}" in said
    assert "unknown: 1 run: caltech101-20 with view1:mlp+view2:mlp+view3:mlp was not measured" in said


def test_what_is_recorded_is_not_still_to_run():
    two = cell(TWO)
    of = plan.jobs([two], [0]).jobs[0]
    assert records.write(samples.record(of), {}, {}) is not None
    answer = projection.projected(known({TWO: entry(2.0)}), [two], plan.jobs([two], range(2)))
    assert answer["missing"] == pytest.approx(answer["hours"] / 2, abs=2e-3)


def test_voxceleb2_stands_apart_and_a_gpu_counts_gpu_hours():
    vox = cell("mmcosine-scale:s-10:vc2")
    on = known({"mmcosine-scale:s-10:vc2": entry(2.0, batch=256, fits=False), TWO: entry(2.0)}, "cuda")
    cells = [vox, cell(TWO)]
    answer = projection.projected(on, cells, plan.jobs(cells, [0]))
    assert answer["apart"] == pytest.approx(on.cost(vox.key, vox.run).seconds / 3600, abs=1e-3)
    assert answer["hours"] == pytest.approx(on.cost(cells[1].key, cells[1].run).seconds / 3600, abs=1e-3)
    assert answer["unit"] == "GPU-hours"
    assert "voxceleb2: does not fit on the device; that reading it keeps up with training" in answer["assumed"]
    assert "VoxCeleb2" in projection.text(answer)


def said(capsys, *arguments: str) -> tuple[int, str, str]:
    sys.argv = ["mmbench", "plan", *arguments]
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    out = capsys.readouterr()
    return int(str(ended.value.code)), out.out, out.err


def test_the_verb(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(machine, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(sys, "argv", [])
    known({TWO: entry(2.0)})
    code, out, _ = said(capsys, "smv-views", "--on-machine", "m", "--seeds", "3", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["projection"]["machine"]["name"] == "m"
    assert sum(answer["projection"]["jobs"].values()) == answer["unique"] == 36
    assert "in all, each run once" in said(capsys, "smv-views", "--on-machine", "m")[1]
    code, _, error = said(capsys, "--all", "--on-machine", "n")
    assert (code, error) == (2, "mmbench: no machine 'n' (measured: m): measure it there with 'mmbench measure n --budget 10m'\n")
    code, _, error = said(capsys, "smv-views", "--on-machine", "m", "--scale", "demo")
    assert (code, "--on-machine is for --scale full" in error) == (2, True)
    with pytest.raises(UserError):
        Machine("n")


def test_a_projection_of_all_tables_needs_no_torch():
    known({TWO: entry(2.0)})
    code = (
        "import sys; from mmbench import projection; a = projection.planned('m', ['all'], 'full', 'paper', 3); "
        "print(len(a['tables']), *(m for m in ('torch', 'scipy', 'pandas', 'matplotlib') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 20
