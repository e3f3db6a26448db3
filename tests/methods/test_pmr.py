"""PMR: prototypes, the hard switch, absent classes."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmbench.errors import UserError
from mmbench.methods.pmr import FAR, PMR, distances, prototypes
from tests import tiny

SETTINGS = {"alpha": 2.0, "momentum": 0.2, "fraction": 1.0, "first": 0, "last": 9}


def test_prototypes_are_class_means_and_say_who_is_absent():
    means, seen = prototypes(torch.tensor([[1.0, 1], [3, 1], [5, 5]]), torch.tensor([0, 0, 2]), 3)
    assert means.tolist() == [[2, 1], [0, 0], [5, 5]]
    assert seen.tolist() == [True, False, True]


def test_distances_are_euclidean_and_finite_at_zero():
    f = torch.tensor([[0.0, 0.0]], requires_grad=True)
    found = distances(f, torch.tensor([[3.0, 4.0], [0, 0], [1, 1]]), torch.tensor([True, True, False]))
    assert found[0].tolist() == pytest.approx([-5, 0, FAR], abs=1e-5)
    found[:, :2].sum().backward()
    assert torch.isfinite(f.grad).all()


def test_old_prototypes_fade_by_the_momentum():
    run, method = tiny.run(), PMR(**SETTINGS)
    method.epoch(run)
    new = run.state["prototypes.audio"].clone()
    run.state["prototypes.audio"] = new + 1
    method.epoch(run)
    assert torch.allclose(run.state["prototypes.audio"], new + 0.2, atol=1e-5)


def test_an_absent_class_keeps_its_prototype_and_one_never_seen_takes_no_part(monkeypatch):
    run, method = tiny.run(), PMR(**SETTINGS)
    vectors = torch.ones(2, 4)
    monkeypatch.setattr(type(run), "features", lambda *a: ({"audio": vectors, "visual": vectors}, torch.tensor([0, 1]), None))
    method.epoch(run)
    assert run.state["seen"].tolist() == [True, True, False]
    monkeypatch.setattr(type(run), "features", lambda *a: ({"audio": 3 * vectors, "visual": vectors}, torch.tensor([0, 0]), None))
    method.epoch(run)
    assert run.state["prototypes.audio"][0].tolist() == pytest.approx([0.8 * 3 + 0.2] * 4)
    assert run.state["prototypes.audio"][1].tolist() == [1.0] * 4


@pytest.mark.parametrize("modalities", [2, 3])
def test_the_loss_adds_the_prototype_loss_of_all_but_the_strongest(modalities):
    run, method = tiny.run(modalities=modalities), PMR(**SETTINGS)
    method.epoch(run)
    batch = run.transform(run.data.parts["train"], torch.arange(12), None, True, None)
    out = run.forward(batch)
    near = {m: distances(out.features[m], run.state[f"prototypes.{m}"], run.state["seen"]) for m in run.modalities}
    sums = {m: logits.softmax(1).gather(1, batch.labels[:, None]).sum().item() for m, logits in near.items()}
    strongest = max(sums, key=sums.get)
    expected = run.task.loss(out.fused, batch).item()
    expected += 2 * sum(cross_entropy(near[m], batch.labels).item() for m in run.modalities if m != strongest)
    turn = method.turns(run, batch)[0]
    assert method.loss(run, out, batch, turn).item() == pytest.approx(expected, rel=1e-5)
    run.epoch = 10
    assert method.loss(run, out, batch, turn).item() == pytest.approx(run.task.loss(out.fused, batch).item())


def test_a_batch_of_classes_never_seen_is_plain_cross_entropy():
    run, method = tiny.run(), PMR(**SETTINGS)
    method.epoch(run)
    run.state["seen"][:] = False
    batch = run.transform(run.data.parts["train"], torch.arange(4), None, True, None)
    out = run.forward(batch)
    found = method.loss(run, out, batch, method.turns(run, batch)[0])
    assert math.isfinite(found.item())
    assert torch.equal(found, run.task.loss(out.fused, batch))


def test_after_a_resume_the_old_prototypes_follow_the_features_to_their_device(monkeypatch):
    """A checkpoint comes back on the CPU while the features are on the run's device; `meta` stands for an accelerator."""
    run, method = tiny.run(), PMR(**SETTINGS)
    method.epoch(run)
    run.state.update({name: value.cpu() for name, value in run.state.items()})
    far = {m: torch.ones(2, run.state[f"prototypes.{m}"].shape[1], device="meta") for m in run.modalities}
    monkeypatch.setattr(type(run), "features", lambda *a: (far, torch.zeros(2, dtype=torch.int64, device="meta"), None))
    method.epoch(run)
    assert {value.device.type for value in run.state.values()} == {"meta"}


@pytest.mark.parametrize("change", [{"alpha": -1.0}, {"momentum": 1.0}, {"fraction": 0.0}, {"first": -1}, {"last": -1}])
def test_parameters_out_of_range_are_refused(change):
    with pytest.raises(UserError, match="method pmr"):
        PMR(**(SETTINGS | change))
