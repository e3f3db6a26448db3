"""The contrastive loss by hand, its guards, and what it adds to the cross-entropy."""

from __future__ import annotations

import math

import pytest
import torch

from mmbench.errors import UserError
from mmbench.methods.ccl import CCL, contrastive, divergence
from tests import tiny


def test_by_hand_on_two_items_of_two_classes():
    """Cosines 1 and 0 at T = 1: p = (e, 1)/(e + 1) on the diagonal side. L = -ln p - ln(1 - (1 - p)) = -2 ln p."""
    eye = torch.eye(2)
    p = math.e / (math.e + 1)
    assert float(contrastive(eye, eye, torch.tensor([0, 1]), 1.0)) == pytest.approx(-2 * math.log(p), abs=1e-6)


def test_means_are_over_the_positives_and_over_the_negatives():
    """Three items, classes 0 0 1, all cosines equal: p = 1/3 everywhere, so L_i = ln 3 - ln(2/3) for every row."""
    same = torch.ones(3, 4)
    assert float(contrastive(same, same, torch.tensor([0, 0, 1]), 0.1)) == pytest.approx(math.log(3) - math.log(2 / 3), abs=1e-6)


def test_a_batch_without_negatives_and_a_batch_of_one_are_finite():
    vectors = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    assert math.isfinite(contrastive(vectors, vectors, torch.tensor([1, 1, 1]), 0.1))
    assert float(contrastive(vectors[:1], vectors[1:2], torch.tensor([1]), 0.1)) == pytest.approx(0, abs=1e-6)


def test_divergence_is_zero_for_equal_posteriors_symmetric_and_as_by_hand():
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3.0), 0.0]])
    assert float(divergence(a, a)) == 0
    by_hand = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25) + 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(divergence(a, b)) == pytest.approx(by_hand, abs=1e-6)
    assert float(divergence(b, a)) == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize(("head", "params"), [("concat", {}), ("cosine", {"scale": 5.0, "over": "concat"})])
@pytest.mark.parametrize("modalities", [2, 3])
def test_the_loss_is_the_tasks_plus_the_weighted_pairs(head, params, modalities):
    run = tiny.run(modalities=modalities, head=head, head_params=params)
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch)
    task = run.task.loss(out.fused, batch).item()
    pairs = [(a, b) for i, a in enumerate(run.modalities) for b in run.modalities[i + 1 :]]
    one = sum(contrastive(out.features[a], out.features[b], batch.labels, 0.1).item() for a, b in pairs)
    other = sum(contrastive(out.features[b], out.features[a], batch.labels, 0.1).item() for a, b in pairs)
    apart = sum(divergence(out.unimodal[a], out.unimodal[b]).item() for a, b in pairs)
    turn = CCL(0.0, 0.1, False, 0.0).turns(run, batch)[0]
    assert CCL(0.0, 0.1, False, 0.0).loss(run, out, batch, turn).item() == pytest.approx(task)
    assert CCL(2.0, 0.1, False, 0.0).loss(run, out, batch, turn).item() == pytest.approx(task + 2 * one, rel=1e-5)
    assert CCL(1.0, 0.1, True, 0.5).loss(run, out, batch, turn).item() == pytest.approx(task + one + other + 0.5 * apart, rel=1e-5)


def test_under_the_cosine_head_the_vectors_are_those_before_its_last_layer():
    run = tiny.run(head="cosine", head_params={"scale": 5.0, "over": "film-symmetric"})
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch)
    vectors = run.model.head.inner.parts(out.features)
    expected = contrastive(vectors["audio"], vectors["visual"], batch.labels, 0.1).item()
    method = CCL(1.0, 0.1, False, 0.0)
    method.start(run)
    added = method.loss(run, out, batch, method.turns(run, batch)[0]).item() - run.task.loss(out.fused, batch).item()
    assert added == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(contrastive(out.features["audio"], out.features["visual"], batch.labels, 0.1).item(), rel=1e-3)


def test_vectors_of_different_widths_are_refused_before_training():
    widths = {"audio": {"name": "small-cnn", "width": 4}, "visual": {"name": "small-cnn", "width": 8}}
    with pytest.raises(UserError, match="one width"):
        CCL(1.0, 0.1, False, 0.0).start(tiny.run(encoders=widths))


@pytest.mark.parametrize("values", [(1.0, 0.0, True, 0.5), (-1.0, 0.1, True, 0.5), (1.0, 0.1, True, -0.5)])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="method ccl"):
        CCL(*values)
