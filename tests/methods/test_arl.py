"""ARL against the anchors of the facts (part F) and hand-worked cases."""

from __future__ import annotations

import pytest
import torch

from mmbench import build
from mmbench.errors import UserError
from mmbench.methods.arl import ARL, coefficients, statistics
from tests import tiny


def numbers(values):
    return {name: torch.tensor(float(v)) for name, v in zip(("audio", "visual", "text"), values, strict=False)}


def given(rule, temperature, entropies, reliances):
    return [float(k) for k in coefficients(rule, temperature, numbers(entropies), numbers(reliances)).values()]


@pytest.mark.parametrize(
    ("entropies", "reliances", "expected"),
    [((0.5, 1), (1, 1), (0.791, 0.209)), ((0.5, 1), (3, 1), (0.339, 0.661)), ((0.2, 1), (1, 3), (0.980, 0.020))],
)
def test_the_code_rule_at_the_anchors_of_the_facts(entropies, reliances, expected):
    assert given("code", 8.0, entropies, reliances) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("entropies", "reliances", "expected"), [((1, 1.2), (1, 1), (0.832, 0.168)), ((2, 1), (1, 1), (0.018, 0.982))])
def test_the_paper_rule_at_the_anchors_of_the_facts(entropies, reliances, expected):
    """Ratios (1.2, 1) and (0.5, 1) at T = 8: the first ratio is H_2 / H_1, the second D_1 / D_2."""
    assert given("paper", 8.0, entropies, reliances) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("rule", ["paper", "code", "constant"])
def test_equal_statistics_give_equal_coefficients(rule):
    assert given(rule, 8.0, (0.7, 0.7), (2, 2)) == pytest.approx((0.5, 0.5))


def test_three_modalities_reduce_to_the_code_rule_and_sum_to_one():
    three = given("paper", 4.0, (0.5, 1.0, 0.8), (1, 2, 1))
    assert sum(three) == pytest.approx(1)
    assert three == given("code", 4.0, (0.5, 1.0, 0.8), (1, 2, 1))
    assert given("code", 4.0, (0.5, 0.5, 0.5), (1, 1, 1)) == pytest.approx([1 / 3] * 3)


def test_the_released_dependency_moves_with_the_offset_of_the_logits():
    """Facts 0b: adding 5 to all audio logits leaves the entropy unchanged and gives a small k for audio."""
    logits = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(16) % 6
    before = statistics({"audio": logits, "visual": logits}, labels, "code")
    after = statistics({"audio": logits + 5, "visual": logits}, labels, "code")
    assert float(after[0]["audio"]) == pytest.approx(float(before[0]["audio"]), abs=1e-5)
    assert float(coefficients("code", 8.0, *after)["audio"]) < 0.1


def gradients_of(run, method):
    """The gradients of one step: joint's with ARL's loss, before and after the moment that scales them."""
    part = run.data.parts["train"]
    batch = run.transform(part, torch.arange(6), None, True, None)
    out = run.forward(batch)
    method.backward(run, out, batch, method.loss(run, out, batch, method.turns(run, batch)[0]))
    before = {n: p.grad.clone() for n, p in run.model.named_parameters()}
    method.gradients(run, out, batch)
    return before, {n: p.grad for n, p in run.model.named_parameters()}, out, batch


@pytest.mark.parametrize("residual", [True, False])
def test_encoder_gradients_are_scaled_and_the_head_is_not(residual):
    settings = tiny.ARL | {"warmup": 0, "residual": residual}
    run, method = tiny.run(method="arl", params=settings), ARL(**settings)
    before, after, out, batch = gradients_of(run, method)
    k = coefficients("code", 8.0, *statistics({m: o.detach() for m, o in out.unimodal.items()}, batch.labels, "code"))
    for name, gradient in after.items():
        modality = name.split(".")[1]
        scale = (float(k[modality]) + residual) if name.startswith("encoders.") else 1.0
        assert torch.allclose(gradient, before[name] * scale, rtol=1e-5), name
    assert abs(float(k["audio"]) - 0.5) > 0.01


def test_warm_up_scales_nothing_and_weighs_the_unimodal_losses_by_one():
    run, method = tiny.run(method="arl", params=tiny.ARL), ARL(**tiny.ARL)
    before, after, out, batch = gradients_of(run, method)
    assert all(torch.equal(before[n], after[n]) for n in before)
    own = sum(run.task.loss(logits, batch) for logits in out.unimodal.values()).detach()
    fused = run.task.loss(out.fused, batch).detach()
    turn = method.turns(run, batch)[0]
    assert method.loss(run, out, batch, turn).item() == pytest.approx(float(fused + own))
    run.epoch = 1
    assert method.loss(run, out, batch, turn).item() == pytest.approx(float(fused + 4 * own))


def test_without_regularisation_the_loss_is_joints_and_the_statistics_carry_no_gradient():
    settings = tiny.ARL | {"regularisation": False, "warmup": 0}
    run, method = tiny.run(method="arl", params=settings), ARL(**settings)
    _, _, out, batch = gradients_of(run, method)
    assert torch.equal(method.loss(run, out, batch, method.turns(run, batch)[0]), run.task.loss(out.fused, batch))
    assert not any(logits.requires_grad for logits in out.unimodal.values())


def test_fixed_coefficients_under_plain_sgd_are_a_learning_rate_per_encoder():
    """Anchor 4: k = 1/2 with the residual is 1.5 times the learning rate of the encoders."""
    settings = tiny.ARL | {"rule": "constant", "warmup": 0, "regularisation": False}
    run, method = tiny.run(method="arl", params=settings), ARL(**settings)
    before, after, _, _ = gradients_of(run, method)
    for name, gradient in after.items():
        assert torch.allclose(gradient, before[name] * (1.5 if name.startswith("encoders.") else 1.0)), name


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"temperature": 0.0}, "temperature 0 and gamma 4, expected a temperature above 0"),
        ({"temperature": -1.0}, "temperature -1"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"gamma": -0.5}, "gamma -0.5, expected a temperature above 0 and a gamma of 0 or more"),
        ({"gamma": float("nan")}, "gamma nan"),
        ({"warmup": -1}, "warmup is -1"),
        ({"rule": "codes"}, "did you mean 'code'"),
    ],
)
def test_parameters_out_of_range_are_refused_in_one_line(changes, says):
    with pytest.raises(UserError, match=says) as refused:
        build.method({"method": "arl", "params": tiny.ARL | changes})
    assert "\n" not in str(refused.value)


def test_gamma_of_zero_is_joint_with_asymmetric_learning():
    run, method = tiny.run(), ARL(**(tiny.ARL | {"gamma": 0.0, "warmup": 0}))
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch)
    assert method.loss(run, out, batch, method.turns(run, batch)[0]).item() == pytest.approx(run.task.loss(out.fused, batch).item())


def test_parameters_that_the_method_does_not_have_are_refused():
    with pytest.raises(UserError, match="gama"):
        build.method({"method": "arl", "params": {"gama": 4}})
