"""`mmbench smoke` on a handful of cells: that good ones pass, that each way of going wrong is told, and that nothing stays."""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from datasets_prep import catalogue
from mmbench import __main__, choose, paths, records, smoke
from mmbench.rows import KINDS
from mmbench.smoke import cell, golden, shapes
from mmbench.spec import Job
from mmbench.worker import Report
from tests import fake_cells


def job(address: str, reading: str = "paper") -> Job:
    [found] = choose.cells([address], "full", reading)
    return Job(found.key, 0, found.run, (found.view,) if found.view else (), "full")


@pytest.mark.parametrize(
    "address", ["smv-views:concat:2", "smv-views:sample-level:3", "smv-views:modality-level:2", "smv-localization:baseline:ave"]
)
def test_a_true_cell_makes_two_steps_and_leaves_a_whole_record(address):
    told: list[dict[str, Any]] = []
    asked = job(address)
    assert cell.run(asked, device="cpu", progress=told.append) == "ok"
    record = records.read(records.path(asked.run, asked.key, 0))
    assert asked.views[0].name in record["result"]["selections"]["last"]["values"]
    assert record["run"] == dict(asked.run) | {"batch": 4, "weights": {}}
    assert record["data"]["imitation"], "such a record could never feed a verdict"
    assert golden.difference(asked.key, told[-1]) == ""
    assert not [entry for entry in paths.results().iterdir() if entry.name.startswith("inputs-")]


def test_two_steps_are_of_the_first_and_the_middle_epoch(monkeypatch):
    """Warm-up is over in the second, so the contributions have been valued."""
    asked = job("smv-views:sample-level:2")
    assert asked.run["params"]["warmup"] == 5
    cell.run(asked, device="cpu", progress=lambda news: None)
    values = records.read(records.path(asked.run, asked.key, 0))["result"]["selections"]["last"]["values"]
    assert values["log.valued"] > 0


def test_on_a_gpu_the_batch_is_the_recipes():
    run = job("smv-views:concat:2").run
    assert cell.shortened(run, "cuda")["batch"] == run["batch"] == 64
    assert cell.shortened(run, "cpu")["batch"] == 4
    assert cell.shortened({**run, "weights": {"view1": "x.pth"}}, "cpu")["weights"] == {}


def test_every_run_of_the_suite_has_shapes():
    """Whether or not its network is written: no cell can be blocked for want of inputs."""
    seen = set()
    for reading in ("paper", "released"):
        for found in choose.cells(["all"], "full", reading):
            if found.state == "run":
                run = found.run
                seen.add((run["dataset"], run["preparation"], run.get("frame_rule"), tuple(run["modalities"])))
                stored = shapes.arrays(run)
                assert list(stored) == run["modalities"]
                assert {s.kind for s in stored.values()} <= set(KINDS)
    assert len(seen) > 30


def test_trial_lists_are_those_of_the_preparations():
    expected = {id: tuple(catalogue.load(id).expected.trials) for id in catalogue.MODULES}
    assert {id: names for id, names in expected.items() if names} == shapes.TRIALS


def smoked(monkeypatch, *names: str, **options: Any) -> smoke.Smoke:
    monkeypatch.setattr(smoke, "WORKER", "tests.fake_cells:run")
    monkeypatch.setattr(smoke, "BUILDER", "tests.fake_cells:built")
    return smoke.run(names, device="cpu", workers=2, listen=lambda n: nullcontext(lambda event: None), **options)


def test_each_way_of_going_wrong_is_told_and_nothing_stays(monkeypatch, tmp_path):
    before = os.environ["MMBENCH_RESULTS"]
    monkeypatch.setattr(golden, "PATH", tmp_path / "none.json")
    golden.read.cache_clear()
    done = smoked(monkeypatch, "smv-views")
    golden.read.cache_clear()
    said = {line.cells[0].address: (line.status, line.why) for line in done.lines}
    assert said["smv-views:concat:2"] == said["smv-views:concat:3"] == ("passed", "")
    assert said["smv-views:concat:4"] == ("failed", "no finite accuracy among its metrics")
    assert said["smv-views:concat:5"] == ("failed", "ValueError: no such layer")
    assert said["smv-views:sample-level:2"] == ("failed", "no weight of head has moved")
    assert said["smv-views:modality-level:3"] == ("failed", "a loss is not finite")
    assert done.exit_code == 1
    assert os.environ["MMBENCH_RESULTS"] == before
    assert not paths.results().exists()
    text = smoke.text(done.answer())
    assert "failed: smv-views:concat:5 (" in text
    assert "24 in the tables, both readings): " in text


def test_what_the_paper_calls_inapplicable_needs_no_run(monkeypatch):
    lines = {line.cells[0].address: line for line in smoke.unique(["smv-three-modalities"])}
    greedy = [line for line in lines.values() if line.cells[0].state == "inapplicable"]
    assert {line.status for line in greedy} == {"inapplicable, as printed"}
    assert len(greedy) == 3
    one = greedy[0].cells[0]
    monkeypatch.setattr(smoke.choose, "cells", lambda *a: [one.__class__(**{**vars(one), "published": "61.5"})])
    [line] = smoke.unique(["x"])
    assert line.status == "failed"
    assert line.why.endswith(", but 61.5 is printed")


def test_another_network_than_the_goldens_fails(monkeypatch, tmp_path):
    key = job("smv-views:concat:2").key
    monkeypatch.setattr(golden, "PATH", tmp_path / "smoke.json")
    golden.read.cache_clear()
    made = smoked(monkeypatch, "smv-views:concat:2", write=True)
    assert made.exit_code == 0
    assert json.loads(golden.PATH.read_text())[key] == {"cell": "smv-views:concat:2"} | {n: fake_cells.SEEN[n] for n in golden.COMPARED}
    assert smoked(monkeypatch, "smv-views:concat:2").exit_code == 0
    [line] = [line for line in smoke.unique(["smv-views:concat:2"]) if line.key == key]
    line.seen = {**fake_cells.SEEN, "parameters": 13}
    assert golden.difference(key, line.seen) == "parameters 13, the golden has 12"
    assert golden.difference("0" * 12, line.seen) == "it is not in the golden: regenerate that (mmbench smoke --golden)"
    golden.read.cache_clear()


def test_writing_some_entries_keeps_the_others_and_writing_all_drops_the_stale(monkeypatch, tmp_path):
    monkeypatch.setattr(golden, "PATH", tmp_path / "smoke.json")
    golden.PATH.write_text(json.dumps({"0" * 12: {"cell": "old"}}))
    golden.read.cache_clear()
    [line] = list(smoke.unique(["smv-views:concat:2"]))[:1]
    line.seen = fake_cells.SEEN
    golden.write([line], whole=False)
    assert set(golden.read()) == {"0" * 12, line.key}
    golden.write([line], whole=True)
    assert set(golden.read()) == {line.key}
    golden.read.cache_clear()


def test_the_golden_holds_keys_of_cells_alone():
    keys = {c.key for reading in ("paper", "released") for c in choose.cells(["all"], "full", reading) if c.key}
    assert golden.read().keys() <= keys


def test_a_worker_that_failed_or_a_record_that_cannot_be_read_is_a_failure():
    asked = job("smv-views:concat:2")
    line = next(iter(smoke.unique(["smv-views:concat:2"])))
    smoke.judge(line, asked, Report(asked.key, 0, "failed", "out of memory"))
    assert (line.status, line.why) == ("failed", "out of memory")
    smoke.judge(line, asked, Report(asked.key, 0, "ok"))
    assert line.status == "failed"
    assert line.why.startswith("its record: ")


def test_the_verb_runs_it_with_torch_in_workers_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mmbench", "smoke", "smv-views:concat:2", "--device", "cpu", "--jobs", "1", "--json"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    answer = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (answer["cells"], answer["unique"], answer["passed"]) == (2, 2, 2)
    assert all(np.isfinite(one["step_seconds"]) for one in answer["results"])
