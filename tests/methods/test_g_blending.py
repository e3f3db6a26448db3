"""Gradient blending: the weights, the carve, the blended loss, and that estimating leaves the run as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mmbench.checkpoint import Checkpoint, digest
from mmbench.errors import UserError
from mmbench.methods.g_blending import GBlending, carve, estimated, loss, worth
from mmbench.train import Stopped, train
from tests import tiny


def test_worth_by_hand():
    """Held 2.0 -> 1.5 and training 2.0 -> 1.0: G = .5, O = .5 - 0 = .5, G / O^2 = 2. No gain, no weight."""
    assert worth(2.0, 2.0, 1.0, 1.5) == pytest.approx(2.0)
    assert worth(2.0, 2.0, 1.0, 2.5) == 0.0
    assert worth(2.0, 2.0, 1.5, 1.5) == pytest.approx(0.5 / 1e-4)
    assert worth(2.0, 2.0, float("nan"), float("nan")) == worth(2.0, 2.0, 1.0, float("inf")) == 0.0


def test_the_carve_is_stratified_stable_and_complete():
    part = tiny.data(train=60).parts["train"]
    training, held = carve(part, 0.2)
    assert sorted([*training.tolist(), *held.tolist()]) == list(range(60))
    assert part.labels[held].bincount().tolist() == [4, 4, 4]
    assert torch.equal(carve(part, 0.2)[1], held)
    turned = replace(part, keys=part.keys[::-1], labels=part.labels.flip(0))
    assert {turned.keys[i] for i in carve(turned, 0.2)[1]} == {part.keys[i] for i in held}, "by key, whatever the order"


def test_the_estimate_trains_and_scores_on_the_two_parts_alone(monkeypatch):
    """Samples that are read: what `fit` trains on is never what the gain is measured on."""
    run = tiny.run(content=tiny.data(train=40))
    run.optimiser, trained = None, []
    run.fit = lambda given, epochs, index: trained.append((given, epochs, index)) or run.model
    estimated(run, 0.2, 2)
    expected, held = carve(run.data.parts["train"], 0.2)
    assert [(given, epochs) for given, epochs, _ in trained] == [(("audio",), 2), (("visual",), 2), (("audio", "visual"), 2)]
    assert all(torch.equal(index, expected) for *_, index in trained)
    assert not set(expected.tolist()) & set(held.tolist())


def test_stopped_while_it_estimates_the_run_begins_again_and_ends_the_same(tmp_path):
    content = tiny.data(train=40)
    whole, method = tiny.run(content=content), GBlending((), 0.2, 2)
    train(whole, method, (), Checkpoint(tmp_path / "a.pt", every=1e9))
    asked = iter([False] * 9 + [True])
    with pytest.raises(Stopped):
        train(tiny.run(content=content), method, (), Checkpoint(tmp_path / "b.pt", every=1e9), stop=lambda: next(asked))
    assert not (tmp_path / "b.pt").exists()
    again = tiny.run(content=content)
    train(again, method, (), Checkpoint(tmp_path / "b.pt", every=1e9))
    assert digest(again.model) == digest(whole.model)


def test_classes_of_one_sample_each_are_refused():
    with pytest.raises(UserError, match="nothing to estimate"):
        estimated(tiny.run(content=tiny.data(classes=3, train=3)), 0.2, 1)


def test_given_weights_are_normalised_and_blend_the_losses():
    run, method = tiny.run(), GBlending((1.0, 1.0, 2.0), 0.1, 1)
    method.start(run)
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch)
    expected = 0.25 * sum(run.task.loss(o, batch) for o in out.unimodal.values()) + 0.5 * run.task.loss(out.fused, batch)
    assert method.loss(run, out, batch, method.turns(run, batch)[0]).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("modalities", [2, 3])
def test_estimated_weights_are_shares_and_their_cost_is_logged(tmp_path, modalities):
    run = tiny.run(modalities=modalities, content=tiny.data(modalities, train=40))
    before = digest(run.model)
    seen = {}

    class Watched(GBlending):
        def epoch(self, run):
            seen.setdefault("weights", digest(run.model))
            super().epoch(run)

    history, _ = train(run, Watched((), 0.2, 2), (), Checkpoint(tmp_path / "c.pt", every=1e9))
    weights = run.state["weights"]
    assert weights.shape == (modalities + 1,)
    assert float(weights.sum()) == pytest.approx(1)
    assert (weights >= 0).all()
    assert seen["weights"] == before, "the run itself starts from its own first weights"
    assert history["curve"]["log.extra_epochs"] == [2 * (modalities + 1)] * 3
    again = tiny.run(modalities=modalities, content=tiny.data(modalities, train=40))
    train(again, GBlending((), 0.2, 2), (), Checkpoint(tmp_path / "d.pt", every=1e9))
    assert torch.equal(again.state["weights"], weights)


def test_the_loss_of_a_part_weighs_every_item_once():
    run = tiny.run()
    index = torch.arange(2, 9)
    batch = run.transform(run.data.parts["train"], index, None, False, None)
    run.model.eval()
    expected = run.task.loss(run.model(batch.inputs, None, ("audio",)).fused, batch).item()
    run.model.train()
    assert loss(run, run.model, index, ("audio",)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("values", [((1.0, -1.0, 1.0), 0.1, 1), ((0.0, 0.0, 0.0), 0.1, 1), ((), 0.0, 1), ((), 0.1, 0)])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="method g-blending"):
        GBlending(*values)


def test_a_wrong_number_of_weights_is_refused():
    with pytest.raises(UserError, match="expected 3"):
        GBlending((0.5, 0.5), 0.1, 1).start(tiny.run())
