"""Valuation of training samples: zero at the feature and at the input, subsets, copies as draws."""

from __future__ import annotations

import pytest
import torch

from mmbench import valuation
from mmbench.methods.smv_sample import copies
from mmbench.shapley import benefits, shapley
from tests import tiny


def literal(run, index):
    """Contributions by whole forward passes with zeroed inputs: what the short cut must equal."""
    part = run.data.parts["train"]
    run.model.eval()

    def right(given):
        batch = run.transform(part, index, None, False, None)
        shown = {m: x if given[i] else torch.zeros_like(x) for i, (m, x) in enumerate(batch.inputs.items())}
        return run.model(shown).fused.argmax(1) == batch.labels

    with torch.no_grad():
        found = shapley(benefits(right, len(run.modalities)))
    run.model.train()
    return found


@pytest.mark.parametrize("modalities", [2, 3])
def test_zero_at_the_input_equals_whole_forward_passes(modalities):
    run = tiny.run(modalities=modalities)
    for _ in range(3):  # move the norms off their start
        run.forward(run.transform(run.data.parts["train"], torch.arange(24), None, True, None))
        run.passes = 0
    phi, index = valuation.value(run, "input", "test")
    assert torch.equal(index, torch.arange(24))
    assert torch.allclose(phi, literal(run, index), atol=1e-6)
    other, _ = valuation.value(run, "feature", "test")
    assert other.shape == (24, modalities)
    assert torch.allclose(phi.sum(1), other.sum(1)), "both end in the full prediction"


@pytest.mark.parametrize(("zero", "more"), [("feature", 0), ("input", 1)])
def test_valuation_costs_one_feature_pass_however_many_coalitions(zero, more):
    """Decisions G4: every encoder sees every sample once, and with zero inputs one sample more."""
    run, seen = tiny.run(modalities=3), {}
    for name, encoder in run.model.encoders.items():
        encoder.register_forward_pre_hook(lambda _, given, name=name: seen.__setitem__(name, seen.get(name, 0) + len(given[0])))
    valuation.value(run, zero, "test")
    assert seen == dict.fromkeys(run.modalities, 24 + more)


def test_a_subset_is_a_part_drawn_anew_in_each_epoch_and_valuation_leaves_the_model_alone():
    from mmbench.checkpoint import digest

    run = tiny.run()
    before = digest(run.model)
    _, first = valuation.value(run, "feature", "test", 0.5)
    run.epoch = 1
    _, second = valuation.value(run, "feature", "test", 0.5)
    assert len(first) == len(first.unique()) == 12
    assert not torch.equal(first, second)
    assert digest(run.model) == before
    assert run.model.training
    assert run.logged["valued"] == [24, 2]


def test_copies_extend_the_epoch_and_keep_one_modality_alone():
    run = tiny.run()
    draw = valuation.extended(run, torch.tensor([[2, 0], [0, 1]]), torch.tensor([5, 7]))
    assert draw.index[24:].tolist() == [5, 5, 7]
    assert draw.keep[:24].all()
    assert draw.keep[24:].tolist() == [[True, False], [True, False], [False, True]]
    assert run.state["resampled"] == [3, 1]
    valuation.extended(run, torch.tensor([[1, 0]]), torch.tensor([0]))
    assert run.logged["resampled"] == [3 + 2, 2], "the mean per epoch so far: 3, then 2"


def test_anchor_three_samples_get_four_four_and_no_copies():
    """Facts section 8, anchor 6: (v_a, v_v, v_av) = (0,0,0), (0,1,0), (1,1,2)."""
    phi = shapley(torch.tensor([[0.0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 0, 2]]))
    assert copies(phi, 1.0, 2.0).tolist() == [[2, 2], [3, 1], [0, 0]]


@pytest.mark.parametrize(
    ("power", "expected"),
    [(1.0, [3, 2, 1, 0, 0]), (1.5, [4, 2, 1, 0, 0]), (0.5, [2, 2, 1, 0, 0])],  # 2 * 1.5^1.5 = 3.67; 2 * .5^1.5 = .71; 2 * 1.5^.5 = 2.45
)
def test_the_three_functions_on_the_lattice_of_two_modalities(power, expected):
    phi = torch.tensor([[-0.5], [0.0], [0.5], [1.0], [1.5]])
    assert copies(phi, power, 2.0).flatten().tolist() == expected


def test_the_half_is_rounded_up_and_a_small_lack_still_gives_one_copy():
    assert copies(torch.tensor([[0.25], [5 / 6], [0.99]]), 1.0, 2.0).flatten().tolist() == [2, 1, 1]


def test_dominant_is_the_highest_contributor_of_samples_with_a_low_one():
    phi = torch.tensor([[1.5, 0.5], [0.5, 1.5], [1.0, 1.0], [0.0, 0.0]])
    stream = torch.Generator().manual_seed(0)
    assert valuation.dominant(phi, 1.0, stream).tolist() == [[True, False], [False, True], [False, False], [True, False]]
    assert not valuation.dominant(phi, 0.0, stream).any()
    many = valuation.dominant(phi[:1].repeat(4000, 1), 0.5, stream)
    assert float(many[:, 0].float().mean()) == pytest.approx(0.5, abs=0.03)
