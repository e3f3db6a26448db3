"""OGM-GE against its anchors: coefficients, which gradients, the noise, the window, the half bias."""

from __future__ import annotations

import math

import pytest
import torch

from mmbench.errors import UserError
from mmbench.methods.ogm import OGM, coefficients, own_logits
from tests import tiny

OPEN = {"alpha": 0.8, "noise": False, "first": 0, "last": 9}


def scaled(**sums):
    return {m: float(k) for m, k in coefficients({m: torch.tensor(s) for m, s in sums.items()}, 0.8).items()}


def test_the_anchor_of_the_facts():
    """Section 8, anchor 10: alpha .8 and rho_v = 1.5 give k_v = 1 - tanh(1.2) = .1663 and k_a = 1."""
    assert scaled(audio=2.0, visual=3.0) == {"audio": 1.0, "visual": pytest.approx(0.1663, abs=1e-4)}


def test_a_tie_slows_the_first():
    assert scaled(audio=2.0, visual=2.0) == {"audio": pytest.approx(1 - math.tanh(0.8)), "visual": 1.0}


def test_three_modalities_compare_with_the_mean_of_the_others():
    found = scaled(audio=4.0, visual=2.0, text=2.0)
    assert found == {"audio": pytest.approx(1 - math.tanh(0.8 * 2)), "visual": 1.0, "text": 1.0}
    assert scaled(audio=2.0, visual=2.0, text=2.0) == {"audio": pytest.approx(1 - math.tanh(0.8)), "visual": 1.0, "text": 1.0}


def stepped(method, epoch=0, **changes):
    run = tiny.run(**changes)
    run.epoch = epoch
    batch = run.transform(run.data.parts["train"], torch.arange(12), None, True, None)
    out = run.forward(batch)
    method.backward(run, out, batch, method.loss(run, out, batch, method.turns(run, batch)[0]))
    before = {n: p.grad.clone() for n, p in run.model.named_parameters()}
    method.gradients(run, out, batch)
    k = {m: float(run.logged[f"k.{m}"][0]) for m in run.modalities}
    return before, {n: p.grad for n, p in run.model.named_parameters()}, k


@pytest.mark.parametrize("modalities", [2, 3])
def test_only_convolutions_of_the_slowed_encoder_are_scaled(modalities):
    before, after, k = stepped(OGM(**OPEN), modalities=modalities)
    assert min(k.values()) < 1
    for name, gradient in after.items():
        scale = k[name.split(".")[1]] if name.startswith("encoders.") and gradient.dim() == 4 else 1.0
        assert torch.allclose(gradient, before[name] * scale, atol=1e-8), name


def test_the_noise_has_the_gradients_deviation_and_falls_on_all_encoders():
    noisy, wide = OGM(**(OPEN | {"noise": True})), {m: {"name": "small-cnn", "width": 16} for m in ("audio", "visual")}
    before, after, k = stepped(noisy, encoders=wide)
    for modality in ("audio", "visual"):
        name = next(n for n in reversed(after) if n.startswith(f"encoders.{modality}") and after[n].dim() == 4)
        noise = after[name] - before[name] * k[modality]
        assert float(noise.std() / before[name].std()) == pytest.approx(1, abs=0.1)
        assert abs(float(noise.mean() / noise.std())) < 0.1
    again = stepped(noisy, encoders=wide)[1]
    assert all(torch.equal(g, again[n]) for n, g in after.items()), "drawn from the run's own stream"


@pytest.mark.parametrize(("epoch", "inside"), [(0, False), (1, True), (3, True), (4, False)])
def test_the_window_includes_both_ends(epoch, inside):
    before, after, _ = stepped(OGM(0.8, False, 1, 3), epoch=epoch)
    assert any(not torch.equal(before[n], after[n]) for n in before) is inside


def test_concat_shares_the_bias_out_and_other_heads_keep_their_own():
    run = tiny.run()
    out = run.forward(run.transform(run.data.parts["train"], torch.arange(4), None, True, None))
    assert torch.allclose(sum(own_logits(out).values()), out.fused, atol=1e-6)
    total = tiny.run(head="sum")
    out = total.forward(total.transform(total.data.parts["train"], torch.arange(4), None, True, None))
    assert own_logits(out) is out.unimodal


@pytest.mark.parametrize("change", [{"alpha": -0.1}, {"first": -1}, {"last": -1}])
def test_parameters_out_of_range_are_refused(change):
    with pytest.raises(UserError, match=f"method ogm: .*{next(iter(change))}"):
        OGM(**(OPEN | change))


def test_the_rule_for_many_is_the_codes_for_two():
    source = torch.Generator().manual_seed(0)
    for audio, visual in (torch.rand(50, 2, generator=source) * 10).tolist():
        ratio = visual / audio
        expected = (1.0, 1 - math.tanh(0.8 * ratio)) if ratio > 1 else (1 - math.tanh(0.8 / ratio), 1.0)
        assert tuple(scaled(audio=audio, visual=visual).values()) == pytest.approx(expected, abs=1e-5)
