"""Gradient blending: the weights, the carve, the blended loss, and that estimating leaves the run as it was."""

from __future__ import annotations

import pytest
import torch

from mmbench.checkpoint import Checkpoint, digest
from mmbench.errors import UserError
from mmbench.methods.g_blending import GBlending, carve, loss, worth
from mmbench.train import train
from tests import tiny


def test_worth_by_hand():
    """Held 2.0 -> 1.5 and training 2.0 -> 1.0: G = .5, O = .5 - 0 = .5, G / O^2 = 2. No gain, no weight."""
    assert worth(2.0, 2.0, 1.0, 1.5) == pytest.approx(2.0)
    assert worth(2.0, 2.0, 1.0, 2.5) == 0.0
    assert worth(2.0, 2.0, 1.5, 1.5) == pytest.approx(0.5 / 1e-4)


def test_the_carve_is_stratified_stable_and_complete():
    part = tiny.data(train=60).parts["train"]
    training, held = carve(part, 0.2)
    assert sorted(training.keys + held.keys) == sorted(part.keys)
    assert held.labels.bincount().tolist() == [4, 4, 4]
    assert carve(part, 0.2)[1].keys == held.keys
    position = part.keys.index(held.keys[0])
    assert torch.equal(held.arrays["audio"][0], part.arrays["audio"][position])


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
    run = tiny.run(content=tiny.data(test=7))
    part = run.data.parts["test"]
    batch = run.transform(part, torch.arange(7), None, False, None)
    run.model.eval()
    expected = run.task.loss(run.model(batch.inputs, None, ("audio",)).fused, batch).item()
    run.model.train()
    assert loss(run, run.model, part, ("audio",)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("values", [((1.0, -1.0, 1.0), 0.1, 1), ((0.0, 0.0, 0.0), 0.1, 1), ((), 0.0, 1), ((), 0.1, 0)])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="method g-blending"):
        GBlending(*values)


def test_a_wrong_number_of_weights_is_refused():
    with pytest.raises(UserError, match="expected 3"):
        GBlending((0.5, 0.5), 0.1, 1).start(tiny.run())
