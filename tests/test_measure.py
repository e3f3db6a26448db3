"""`mmbench measure`: which kinds there are and in which order, what a worker measures, and that a file grows and is never mixed."""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch

from mmbench import __main__, choose, launch, measure, paths, published
from mmbench.errors import UserError
from mmbench.measure import cell, kinds, machine
from mmbench.places import Place
from mmbench.smoke import inputs
from mmbench.spec import Job

VIEWS = ("smv-views:concat:2", "smv-views:sample-level:2", "smv-views:modality-level:2", "smv-views:concat:3")
GPU = Place("cuda", {"CUDA_VISIBLE_DEVICES": "0"})


def job(address: str, reading: str = "paper") -> Job:
    [found] = choose.cells([address], "full", reading)
    return Job(found.key, 0, found.run, (found.view,) if found.view else (), "full")


# kinds


def test_every_run_of_the_suite_is_of_one_kind_and_a_kind_can_be_named():
    found = kinds.uses([], published.datasets())
    cells = {c.key: c for reading in ("paper", "released") for c in choose.cells([], "full", reading) if c.state == "run"}
    assert sum(use.runs for use in found) == len(cells)
    assert len({use.kind for use in found}) == len(found) < len(cells)
    assert all(kinds.named(use.kind.id) == use.kind for use in found)


def test_each_network_comes_first_then_each_method_then_the_rest():
    found = kinds.uses([], published.datasets())
    bases = len({use.kind.base for use in found})
    assert len({use.kind.base for use in found[:bases]}) == bases
    methods = {use.kind.method for use in found}
    early = [use.kind.method for use in found[:bases]]
    rest = len(methods - set(early))
    assert {use.kind.method for use in found[: bases + rest]} == methods
    plain = {use.kind.base for use in found if use.kind.method == "joint"}
    assert all(use.kind.method == "joint" for use in found[:bases] if use.kind.base in plain)
    weights = [use.weight for use in found[bases + rest :] if use.paper]
    assert weights == sorted(weights, reverse=True)
    assert found[0].kind.dataset == "voxceleb2", "the costliest"


def test_what_only_the_code_does_comes_after_the_papers():
    found = kinds.uses(["smv"], published.datasets())
    bases = len({use.kind.base for use in found})
    papers = [use.paper for use in found[:bases]]
    assert papers == sorted(papers, reverse=True)
    assert False in papers


def test_a_modality_alone_is_a_kind_of_its_own():
    one, other = (kinds.kind(job(f"arl-main:{m}:ks").run) for m in ("audio", "visual"))
    assert (one.method, other.method) == ("unimodal:audio", "unimodal:visual")
    assert one.base == other.base


def test_a_split_of_unknown_size_is_taken_to_be_like_the_largest():
    facts = published.datasets()
    run = {**job("smv-views:concat:2").run, "dataset": "kinetics-sounds", "split": "arl"}
    items, assumed = kinds.counts(run, facts)
    assert items["train"] == 14799
    assert assumed == "kinetics-sounds: the size of split arl is not known, that of ogm is taken"
    assert kinds.counts({**run, "split": "bml"}, facts) == ({"train": 14799, "val": 1320, "test": 2597}, "")
    nothing = {"kinetics-sounds": replace(facts["kinetics-sounds"], splits={"arl": {}})}
    assert kinds.counts(run, nothing) == ({}, "")


# a worker


@pytest.mark.parametrize(
    ("address", "batch", "draws"), [("smv-views:concat:2", 64, 1.0), ("smv-views:sample-level:2", 64, 1.2), ("smv-views:concat:3", 4, 1.0)]
)
def test_a_cell_is_measured_at_its_true_shapes(address, batch, draws, monkeypatch):
    monkeypatch.setitem(cell.SECONDS, "cpu", 0.0)
    monkeypatch.setattr(cell, "LIGHT", 64 * 88)  # numbers in a batch of two views
    told: list[dict[str, Any]] = []
    asked = job(address)
    assert cell.run(asked, device="cpu", progress=told.append) == "ok"
    found = told[-1]["measured"]
    assert found["batch"] == batch, "the recipe's where it is light, else 4"
    assert found["inputs"] == kinds.shown(asked.key)
    assert min(found[name] for name in ("step_seconds", "evaluate_seconds", "steps", "peak_memory_mb")) > 0
    assert found["draws"] == 1.0 if draws == 1.0 else found["draws"] > draws
    assert (found["looked"] > 0) is (draws > 1.0), "resampling looks at the training part before an epoch"
    assert (found["copies"], found["fits"]) == ([], True)
    assert found["path"]
    assert not any(paths.results().glob("inputs-*"))
    assert not (paths.results() / "runs").exists(), "no record is written"


def test_copies_that_a_method_trains_are_noted_and_not_trained(monkeypatch):
    monkeypatch.setitem(cell.SECONDS, "cpu", 0.0)
    told: list[dict[str, Any]] = []
    asked = job("smv-views:concat:3")
    run = {**asked.run, "method": "g-blending", "params": {"weights": (), "holdout": 0.25, "estimate": 3}}
    cell.run(replace(asked, run=run), device="cpu", progress=told.append)
    shares = [modalities for modalities, _, _ in told[-1]["measured"]["copies"]]
    assert shares == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert {(epochs, 0.5 < share < 1) for _, epochs, share in told[-1]["measured"]["copies"]} == {(3, True)}


def test_repeats_end_by_time_by_number_and_not_before_the_least(monkeypatch):
    place, done = torch.device("cpu"), []
    monkeypatch.setitem(cell.REPEATS, "cpu", (3, 5))
    assert cell.timed(lambda: done.append(1), place, seconds=0.0)[1] == len(done) == 3
    assert cell.timed(lambda: None, place, seconds=1000.0)[1] == 5
    assert cell.timed(lambda: sum(range(100_000)), place, seconds=0.0)[0] > 1e-4
    assert cell.timed(lambda: time.sleep(0.05), place, seconds=0.0)[0] < 0.04, "waiting is no work"


def test_a_data_set_that_fits_on_the_device_is_told_from_one_that_does_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (140 * 2**30, 141 * 2**30))
    assert cell.fits(job("arl-gamma:gamma-4").run, torch.device("cuda"))
    assert not cell.fits(job("mmcosine-scale:s-10:vc2").run, torch.device("cuda"))
    assert cell.fits(job("mmcosine-scale:s-10:vc2").run, torch.device("cpu")), "there it is read as the generated items are"


def test_processes_meet_before_they_are_timed(monkeypatch):
    monkeypatch.setattr(cell, "TOGETHER", 0.01)
    monkeypatch.setattr(cell, "PATIENCE", 0.05)
    asked = job("smv-views:concat:2")
    told: list[dict[str, Any]] = []
    paths.results().mkdir()
    assert cell.together(replace(asked, run={**asked.run, "together": 1}), device="cpu", progress=told.append) == "ok"
    assert told[-1]["together"]["steps"] > 0
    with pytest.raises(UserError, match=r"only 1 of 2 processes began within 0 s"):
        cell.together(replace(asked, run={**asked.run, "together": 2}), device="cpu", progress=told.append)


def test_generated_parts_have_the_sizes_asked_for(tmp_path):
    run = {**job("smv-views:concat:2").run, "batch": 4}
    data = inputs.made(run, published.datasets()["caltech101-20"], tmp_path, trained=9, tested=5)
    assert (len(data.parts["train"]), len(data.parts["test"])) == (9, 5)


# the file


@pytest.fixture
def inline(monkeypatch):
    """Workers without torch, in this process."""
    monkeypatch.setattr(measure, "WORKER", "tests.fake_times:run")
    monkeypatch.setattr(measure, "MANY", "tests.fake_times:together")
    monkeypatch.setattr(measure.pool, "local", lambda queue, here, executor: launch._inline(queue, here[0].device, executor))


def measured(*names: str, name: str = "m", budget: float = 60.0, note: str = "") -> dict[str, Any]:
    return measure.run(name, names, budget=budget, device="cpu", note=note, listen=lambda n: nullcontext(lambda event: None))


def test_a_second_call_goes_on_with_what_is_not_yet_there(inline):
    first = measured(VIEWS[0], note="quiet")
    assert (first["measured"], first["kinds"], first["left"], first["exit_code"]) == (1, 1, 0, 0)
    second = measured(VIEWS[0], VIEWS[3])
    assert (second["measured"], second["kinds"], second["left"]) == (1, 2, 0)
    found = machine.read("m")
    assert [entry["session"] for entry in found["kinds"].values()] == [0, 1]
    assert (found["note"], found["sessions"][1]["commit"]) == ("quiet", "ab" * 20)
    assert [file.name for file in sorted(machine.folder().iterdir())] == ["m.json", "m.md"]
    assert {use.kind.id for use in kinds.uses([VIEWS[0], VIEWS[3]], published.datasets())} == set(found["kinds"])


def test_a_failure_is_named_and_tried_again(inline):
    answer = measured(*VIEWS)
    [(id, why)] = answer["failed"].items()
    assert (kinds.named(id).method, why) == ("smv-modality", "ValueError: no such kernel")
    assert (answer["exit_code"], answer["left"], answer["kinds"]) == (1, 1, 3)
    assert f"not measured: {id}: ValueError: no such kernel" in machine.file("m").with_suffix(".md").read_text()
    assert "failed: " in measure.text(answer)
    assert measured(*VIEWS)["failed"] == {id: why}


def test_no_kind_is_begun_when_the_time_is_up_but_the_first_is(inline):
    answer = measured(*VIEWS, budget=0.0)
    assert (answer["measured"], answer["left"]) == (1, 3)
    assert answer["exit_code"] == 0
    assert "3 left: the same command goes on" in measure.text(answer)


def test_what_was_measured_is_kept_even_if_the_rest_never_ends(inline, monkeypatch):
    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(measure.Hearing, "keep", lambda self, use, news, keep=measure.Hearing.keep: (keep(self, use, news), dies()))
    answer = measured(*VIEWS)
    assert answer["exit_code"] == 130
    assert len(machine.read("m")["kinds"]) == 1


def test_one_name_is_one_machine_and_one_set_of_versions(inline):
    measured(VIEWS[0])
    content = machine.read("m")
    changed = content | {"versions": content["versions"] | {"torch": "1.0"}}
    machine.write(changed, machine.folder())
    with pytest.raises(UserError, match=r"was measured with torch 1\.0, here it is .*: take another name"):
        measured(VIEWS[0])
    machine.write(content | {"machine": content["machine"] | {"device": "a GPU"}}, machine.folder())
    with pytest.raises(UserError, match="was measured with device a GPU"):
        measured(VIEWS[0])


@pytest.mark.parametrize("damage", ["", "[]", '{"schema": 0, "kinds": {}}', '{"schema": 1, "kinds": []}'])
def test_a_damaged_file_is_named(damage):
    machine.folder().mkdir(parents=True)
    machine.file("m").write_text(damage)
    with pytest.raises(UserError, match=r"m\.json: is no measurement of this mmbench"):
        machine.read("m")


def test_a_machine_that_comes_with_the_project_is_found_from_any_results_folder(inline):
    """One of the user's own with the same name comes first."""
    [name, *_] = machine.names()
    assert (machine.read(name)["name"], len(machine.read(name)["kinds"]) > 1) == (name, True)
    measured(VIEWS[0], name=name)
    assert machine.read(name)["kinds"].keys() == {kinds.kind(job(VIEWS[0]).run).id}


def test_an_unknown_machine_names_those_there_are_and_how_to_measure(inline, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "SHIPPED", tmp_path / "none")
    with pytest.raises(UserError, match=r"no machine 'x' \(none is measured\): measure it there with 'mmbench measure x --budget 10m'"):
        machine.read("x")
    measured(VIEWS[0], name="laptop")
    with pytest.raises(UserError, match=r"no machine 'x' \(measured: laptop\)"):
        machine.read("x")
    with pytest.raises(UserError, match=r"a machine cannot be named '\.\./x'"):
        machine.read("../x")


def test_the_page_says_how_it_was_measured(inline):
    measured(*VIEWS[:2], note="while nothing else ran")
    page = machine.file("m").with_suffix(".md").read_text()
    assert "while nothing else ran" in page
    assert "| smv-sample" in page
    assert "One thread; seconds of processor time." in page
    assert "The batch is the recipe's." in machine.how(gpu=True)


def test_no_host_or_user_stands_in_the_file(inline, monkeypatch):
    import getpass
    import socket

    monkeypatch.setattr(sys, "argv", ["/somewhere/mmbench", "measure", "m"])
    measured(VIEWS[0])
    content = machine.file("m").read_text()
    assert "/somewhere" not in content
    assert socket.gethostname() not in content
    assert f'"{getpass.getuser()}"' not in content


# a GPU, as far as can be seen without one


def test_the_gpus_share_is_of_the_time_of_the_steps(inline, monkeypatch):
    content = machine.begun("g", Place("cpu", {}), "")
    content["machine"]["device_kind"] = "cuda"
    content["sessions"].append({"date": "", "command": "", "commit": "", "dirty": False, "load": 0.0})
    [use] = kinds.uses([VIEWS[0]], published.datasets())[:1]
    used = [(999.0, 0.0), (1000.1, 0.0), (1000.5, 80.0), (1001.9, 90.0), (1003.0, 0.0)]
    hearing = measure.Hearing(content, {use.cell.key: use}, machine.folder(), used, lambda event: None, time.monotonic() + 60)
    measure.one_by_one(hearing, Place("cpu", {}))
    assert content["kinds"][use.kind.id]["gpu_busy"] == 85.0
    assert "| 85 %" in machine.file("g").with_suffix(".md").read_text()


def test_several_processes_on_one_gpu_are_compared_with_one(inline):
    [use] = kinds.uses([VIEWS[0]], published.datasets())[:1]
    found = measure.at_once(GPU, use, (1, 2))
    assert found["rows"] == [{"jobs": 1, "rate": 640.0, "times": 1.0}, {"jobs": 2, "rate": 938.7, "times": 1.47}]
    assert measure.at_once(GPU, use, (1, 4))["failed"] == "4 at once: MemoryError: out of memory"


def test_nvidia_smi_is_read_while_the_block_runs(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\n[ "$1" = "--id=0" ] || exit 1\nwhile :; do echo 42; echo "[N/A]"; sleep 0.02; done\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with measure.watched(GPU) as seen:
        end = time.monotonic() + 5
        while not seen and time.monotonic() < end:
            time.sleep(0.01)
    assert {share for _, share in seen} == {42.0}
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count
    with measure.watched(Place("cpu", {})) as nothing:
        assert nothing == []


def test_gpus_are_named_without_their_ids(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "GPU 0: NVIDIA H200 (UUID: GPU-1234)"\necho "GPU 1: NVIDIA H200 (UUID: GPU-5678)"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert machine.gpu_names() == ["NVIDIA H200", "NVIDIA H200"]
    assert machine.described(GPU)["gpus"] == 2


def test_the_verb(inline, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mmbench", "measure", "m", VIEWS[0], "--budget", "1m", "--device", "cpu", "--json"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    answer = json.loads(capsys.readouterr().out)
    assert (ended.value.code, answer["kinds"], answer["left"]) == (0, 1, 0)
    monkeypatch.setattr(sys, "argv", ["mmbench", "measure", "m", "--budget", "soon"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 2
    assert "--budget is 'soon'" in capsys.readouterr().err
