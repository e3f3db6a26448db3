"""AGM against a slow, literal implementation: whole networks with zeroed inputs, and hooks that scale what flows back."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from mmbench import registry
from mmbench.compose import Composer
from mmbench.errors import UserError
from mmbench.methods.agm import AGM, coalitions, coefficients, last_weights, surprise, weights
from tests import tiny
from tests.methods.examples import HEADS


def prepared(modalities):
    run = tiny.run(modalities=modalities)
    part = run.data.parts["train"]
    for _ in range(3):  # move the norms off their start
        run.passes = 0
        run.forward(run.transform(part, torch.arange(24), None, True, None))
    run.passes = 0
    return run, run.transform(part, torch.arange(8), None, True, None)


def literal(run, batch, alpha, cap, running):
    """The gradients by the definition: one whole pass per coalition, m_i with a hook that multiplies its gradient by kappa_i."""
    names = run.modalities
    fused = run.forward(batch).fused
    run.model.eval()
    passes = {0: torch.zeros_like(fused)}
    for mask in range(1, 2 ** len(names) - 1):
        shown = {m: x if mask >> i & 1 else torch.zeros_like(x) for i, (m, x) in enumerate(batch.inputs.items())}
        passes[mask] = run.model(shown).fused
    run.model.train()
    passes[2 ** len(names) - 1] = fused
    parts = []
    for i in range(len(names)):
        total = 0
        for mask in range(2 ** len(names)):
            if not mask >> i & 1:
                size = bin(mask).count("1")
                share = math.factorial(size) * math.factorial(len(names) - size - 1) / math.factorial(len(names))
                total = total + share * (passes[mask | 1 << i] - passes[mask])
        parts.append(total)
    kappa = coefficients(torch.stack([surprise(p.detach(), batch.labels) for p in parts]), running, alpha, cap)
    for part, k in zip(parts, kappa, strict=True):
        part.register_hook(lambda g, k=k: g * k)
    run.task.loss(sum(parts[1:], parts[0]), batch).backward()
    assert torch.allclose(sum(parts), fused, atol=1e-5), "section 8, anchor 11"
    return {n: p.grad.clone() for n, p in run.model.named_parameters()}


@pytest.mark.parametrize("modalities", [2, 3])
def test_gradients_equal_the_literal_definition(modalities):
    method = AGM(alpha=1.5, cap=10.0, guard=0.0)
    run, batch = prepared(modalities)
    method.start(run)
    run.state["scores"] = torch.linspace(0.5, 1.5, modalities)
    out = run.forward(batch)
    method.backward(run, out, batch, method.loss(run, out, batch, method.turns(run, batch)[0]))
    found = {n: p.grad.clone() for n, p in run.model.named_parameters()}

    other, batch = prepared(modalities)
    expected = literal(other, batch, 1.5, 10.0, torch.linspace(0.5, 1.5, modalities))
    for name in expected:
        assert torch.allclose(found[name], expected[name], rtol=1e-4, atol=1e-6), name
    state = run.model.state_dict()
    assert all(torch.equal(v, state[n]) for n, v in other.model.state_dict().items()), "the norms moved once"


def test_without_modulation_it_is_joint_training():
    run, batch = prepared(2)
    method = AGM(alpha=0.0, cap=10.0, guard=0.0)
    method.start(run)
    out = run.forward(batch)
    method.backward(run, out, batch, run.task.loss(out.fused, batch))
    found = {n: p.grad.clone() for n, p in run.model.named_parameters()}
    other, batch = prepared(2)
    other.task.loss(other.forward(batch).fused, batch).backward()
    assert all(torch.allclose(found[n], p.grad, atol=1e-6) for n, p in other.model.named_parameters())


def test_shares_of_two_and_three_modalities():
    assert weights(2).tolist() == [[0.5, -0.5, 0.5], [-0.5, 0.5, 0.5]]
    assert torch.allclose(weights(3).sum(0), torch.tensor([0.0, 0, 0, 0, 0, 0, 1.0]), atol=1e-6)
    assert weights(3)[0].tolist() == pytest.approx([1 / 3, -1 / 6, 1 / 6, -1 / 6, 1 / 6, -1 / 3, 1 / 3])


def test_kappa_is_one_when_tau_equals_r_and_is_capped():
    same = torch.tensor([0.4, 1.0])
    assert coefficients(same, same, 1.5, 10.0).tolist() == pytest.approx([1, 1])
    wide = coefficients(torch.tensor([9.0, 0.0]), torch.tensor([0.0, 9.0]), 1.0, 2.0)
    assert float(wide[0]) == pytest.approx(math.exp(2.0))
    three = coefficients(torch.tensor([0.0, 1.0, 2.0]), torch.zeros(3), 1.0, 10.0)
    assert three.tolist() == pytest.approx([math.exp(1 - math.exp(1.5)), 1.0, math.exp(1 - math.exp(-1.5))], rel=1e-5)


def test_the_running_mean_counts_all_steps_before():
    run, batch = prepared(2)
    method = AGM(1.0, 10.0, 0.0)
    method.start(run)
    seen = []
    for _ in range(3):
        run.passes = 0
        out = run.forward(batch)
        parts = torch.einsum("ms,sbc->mbc", weights(2), torch.stack([o.detach() for o in coalitions(run, out, batch)]))
        seen.append(torch.stack([surprise(p, batch.labels) for p in parts]))
        method.backward(run, out, batch, run.task.loss(out.fused, batch))
        assert torch.allclose(run.state["scores"], torch.stack(seen).mean(0), atol=1e-5)


def test_a_large_entry_of_the_last_layers_gradient_clips_everything():
    run, batch = prepared(2)
    out = run.forward(batch)
    (100 * run.task.loss(out.fused, batch)).backward()
    AGM(1.0, 10.0, 1e6).gradients(run, out, batch)
    total = torch.stack([p.grad.square().sum() for p in run.model.parameters()]).sum().sqrt()
    assert float(total) > 1.1
    for guard in (1.0, 0.01):
        AGM(1.0, 10.0, guard).gradients(run, out, batch)
        clipped = torch.stack([p.grad.square().sum() for p in run.model.parameters()]).sum().sqrt()
        assert float(clipped) == pytest.approx(guard, rel=1e-3), "to the guard's own norm: 1, and 5 for three modalities (section 0b)"


@pytest.mark.parametrize("name", registry.HEADS)
def test_every_heads_last_layer_is_found(name):
    head = tiny.run(head=name, head_params=HEADS[name]).model.head
    assert [len(w) for w in last_weights(head)] == [3] * (2 if name in ("sum", "decision") else 1)


@pytest.mark.parametrize("modality", ["audio", "visual"])
def test_a_head_with_a_layer_per_modality_is_guarded_by_each(modality):
    run, method = tiny.run(head="sum"), AGM(1.0, 10.0, 5.0)
    batch = run.transform(run.data.parts["train"], torch.arange(4), None, True, None)
    for p in run.model.parameters():
        p.grad = torch.zeros_like(p)
    run.model.head.classifiers[modality].weight.grad[0, 0] = 7.0
    method.gradients(run, run.forward(batch), batch)
    assert float(run.model.head.classifiers[modality].weight.grad[0, 0]) == pytest.approx(5, rel=1e-3)


def test_decision_fusion_is_no_head_for_it():
    """Its loss is summed over the modalities' own logits, so that nothing flows back into F(all)."""
    assert set(registry.METHODS["agm"].heads) == set(registry.HEADS) - {"decision"}
    chosen = {"method": "agm", "head": "decision", "model": "fusion"}
    cell = SimpleNamespace(entries={slot: (name, registry.entry(slot, name)) for slot, name in chosen.items()})
    said = Composer.refusal(cell, chosen | {"modalities": ["audio", "visual"]})  # pyright: ignore[reportArgumentType]
    assert said.startswith("method agm works with the heads concat, sum")
    assert said.endswith("not with decision")


@pytest.mark.parametrize("values", [(-1.0, 10.0, 0.0), (1.0, 0.0, 0.0), (1.0, 10.0, -1.0)])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="method agm"):
        AGM(*values)
