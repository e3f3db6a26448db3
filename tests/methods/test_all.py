"""What every method must keep: determinism, resume to the bit, other methods' order and initialisation, finite on odd batches."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mmbench import build, optim, published, registry, resolve
from mmbench.checkpoint import Checkpoint, digest
from mmbench.datasets.data import Data
from mmbench.spec import READINGS
from mmbench.train import Stopped, _begin, train
from tests import tiny
from tests.methods.examples import EXAMPLES, HEADS, MODELS, pairs, takes

CASES = [(name, m) for name, entry in registry.METHODS.items() for m in (2, 3) if takes(entry, m)]


def test_every_method_and_head_has_an_example_with_its_own_parameters():
    assert set(EXAMPLES) == set(registry.METHODS)
    assert {n: set(p) for n, p in EXAMPLES.items()} == {n: set(e.params) for n, e in registry.METHODS.items()}
    assert {n: set(p) for n, p in HEADS.items()} == {n: set(e.params) for n, e in registry.HEADS.items()}


def test_what_every_cell_names_exists_and_takes_its_parameters():
    """All methods, optimisers and schedules of the four papers, at every reading of the full scale; heads with two features a modality."""
    built = set()
    for table in map(published.load, published.ids()):
        for cell in (c for reading in READINGS for c in resolve.cells(table, "full", reading) if c.run):
            named = str([cell.run[what] for what in ("method", "params", "head", "head_params", "optimiser", "schedule", "modalities")])
            if named in built:
                continue
            built.add(named)
            assert isinstance(build.method(cell.run), registry.load("method", cell.run["method"])), cell.address
            head = registry.load("head", cell.run["head"])(dict.fromkeys(cell.run["modalities"], 2), 3, **cell.run["head_params"])
            optim.schedule(optim.optimiser(head.parameters(), cell.run["optimiser"]), cell.run["schedule"], cell.run["epochs"])
    assert len(built) > 50


def fresh(name, modalities, content=None, **changes):
    changes = {"method": name, "params": EXAMPLES[name], "model": MODELS.get(name, "fusion")} | changes
    run = tiny.run(modalities=modalities, content=content, **changes)
    return run, build.method(run.spec)


def whole(name, modalities, path, content=None, **changes):
    run, method = fresh(name, modalities, content, **changes)
    history, _ = train(run, method, (), Checkpoint(path / "whole.pt", every=1e9))
    return run, history


def text(history):
    return {n: [str(v) for v in values] for n, values in history["curve"].items()}


def in_pieces(name, modalities, path, stops, content=None, **changes):
    """Trained as `whole`, but stopped after these steps, each time thrown away and resumed from the file."""
    checkpoint = Checkpoint(path / "pieces.pt", every=1e9)
    for at in stops:
        run, method = fresh(name, modalities, content, **changes)
        with pytest.raises(Stopped):
            train(run, method, (), checkpoint, stop=lambda run=run, at=at: run.step >= at)
        assert run.step == at
    run, method = fresh(name, modalities, content, **changes)
    history, _ = train(run, method, (), checkpoint)
    return run, history


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_stopped_and_resumed_it_ends_in_the_same_bits_and_twice_is_the_same(name, modalities, tmp_path):
    """Stopped behind the first step, behind the last one of an epoch (5), within the warm-up's or window's successor, near the end."""
    run, history = whole(name, modalities, tmp_path)
    assert all(math.isfinite(v) for v in history["curve"]["loss"])
    again, resumed = in_pieces(name, modalities, tmp_path, (1, 5, 8, 14))
    assert digest(again.model) == digest(run.model)
    assert text(resumed) == text(history)


SAMPLE = pairs()[::7]  # the goldens run all of them


def test_the_sample_has_every_method_and_every_head():
    assert {name for name, _, _ in SAMPLE} == set(EXAMPLES) - {"greedy"}, "which has one head alone"
    assert {head for _, head, _ in SAMPLE} == set(HEADS)
    assert {n for *_, n in SAMPLE} == {2, 3}


@pytest.mark.parametrize(("name", "head", "modalities"), SAMPLE)
def test_so_it_does_with_other_heads_and_another_optimiser(name, head, modalities, tmp_path):
    changes = {"head": head, "head_params": HEADS[head], "epochs": 2, "optimiser": {"name": "adam", "lr": 0.002}}
    content = tiny.data(modalities, train=12)
    run, history = whole(name, modalities, tmp_path, content, **changes)
    assert all(math.isfinite(v) for v in history["curve"]["loss"])
    again, resumed = in_pieces(name, modalities, tmp_path, (2, 5), content, **changes)
    assert digest(again.model) == digest(run.model)
    assert text(resumed) == text(history)


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_initialisation_and_order_are_joints(name, modalities):
    run, method = fresh(name, modalities)
    joint, plain = fresh("joint", modalities, model=run.spec["model"])
    assert digest(run.model) == digest(joint.model)
    run.fit = lambda given, epochs, part: run.model  # the estimate of g-blending is not what is asked here
    method.start(run)
    assert torch.equal(_begin(run, method).index, _begin(joint, plain).index)


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_what_a_method_logs_is_in_the_curve(name, modalities, tmp_path):
    _, history = whole(name, modalities, tmp_path, tiny.data(modalities, train=12))
    logged = [n for n in history["curve"] if n.startswith("log.")]
    assert bool(logged) is (name not in ("joint", "unimodal"))
    assert all(any(not math.isnan(v) for v in history["curve"][n]) for n in logged)


def test_what_was_logged_before_a_stop_and_after_it_add_up_on_the_device_of_the_run():
    """A checkpoint comes back on the CPU. `meta` stands for any device that is not the CPU; its tensors hold no numbers."""
    run = tiny.run()
    run.logged = {"k": [torch.tensor(1.5), 1], "plain": [2.0, 1]}
    for value in (torch.ones((), device="meta"), 2.0, torch.tensor(3.0)):
        run.log("k", value)
    assert run.logged["k"][0].device.type == "meta"
    assert run.logged["k"][1] == 4
    run.log("plain", torch.tensor(0.5, requires_grad=True))
    assert float(run.logged["plain"][0]) == 2.5


def test_logging_changes_no_tensor_that_it_was_given():
    run, k = tiny.run(), torch.tensor(1.0)
    run.logged = {"k": [k, 1]}
    run.log("k", torch.tensor(1.0))
    assert float(k) == 1.0


def one_class(modalities) -> Data:
    """Training samples of one class alone: no negatives, absent prototypes."""
    data = tiny.data(modalities)
    part = data.parts["train"]
    same = torch.nonzero(part.labels == 1).flatten()
    chosen = replace(
        part, arrays={m: a[same] for m, a in part.arrays.items()}, labels=part.labels[same], keys=tuple(part.keys[i] for i in same)
    )
    return replace(data, parts=data.parts | {"train": chosen})


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_batches_of_one_and_of_one_class_are_defined(name, modalities, tmp_path):
    _, history = whole(name, modalities, tmp_path / "one", tiny.data(modalities, train=6), epochs=2, batch=1)
    assert all(math.isfinite(v) for v in history["curve"]["loss"])
    _, history = whole(name, modalities, tmp_path / "class", one_class(modalities), epochs=2)
    assert all(math.isfinite(v) for v in history["curve"]["loss"])
