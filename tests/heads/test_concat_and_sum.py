"""Identities of the two linear heads (facts F, anchor 3), for two and three modalities."""

from __future__ import annotations

import pytest
import torch

from mmbench.heads.concat import Concat
from mmbench.heads.sum import Sum


def features(modalities=2, batch=5):
    source = torch.Generator().manual_seed(3)
    return {m: torch.randn(batch, 4 + i, generator=source) for i, m in enumerate(("audio", "visual", "text")[:modalities])}


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_concat_is_the_sum_of_its_modalities_less_the_biases_counted_twice(modalities):
    given = features(modalities)
    head = Concat({m: f.shape[1] for m, f in given.items()}, 3)
    total = sum(head.unimodal(given).values()) - (modalities - 1) * head.classifier.bias
    assert torch.allclose(head.fuse(given), total, atol=1e-6)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_sum_is_the_sum_of_its_modalities(modalities):
    given = features(modalities)
    head = Sum({m: f.shape[1] for m, f in given.items()}, 3)
    assert torch.allclose(head.fuse(given), sum(head.unimodal(given).values()), atol=1e-6)
    everyone = torch.ones(modalities, dtype=torch.bool)
    assert torch.allclose(head.coalition(given, everyone), head.fuse(given), atol=1e-6)
    assert torch.equal(head.coalition(given, ~everyone), torch.zeros(5, 3))


@pytest.mark.parametrize("kind", [Concat, Sum])
def test_a_coalition_per_sample_is_each_samples_own(kind):
    given = features(2)
    head = kind({m: f.shape[1] for m, f in given.items()}, 3)
    keep = torch.tensor([[True, False], [False, True], [True, True], [True, False], [False, False]])
    mixed = head.coalition(given, keep)
    for i in range(5):
        alone = {m: f[i : i + 1] for m, f in given.items()}
        assert torch.allclose(mixed[i], head.coalition(alone, keep[i])[0], atol=1e-6)


@pytest.mark.parametrize("kind", [Concat, Sum])
def test_a_modality_left_out_gets_no_gradient(kind):
    given = {m: f.requires_grad_() for m, f in features(2).items()}
    head = kind({m: f.shape[1] for m, f in given.items()}, 3)
    head.coalition(given, torch.tensor([True, False])).sum().backward()
    assert given["audio"].grad.abs().sum() > 0
    assert given["visual"].grad is None or given["visual"].grad.abs().sum() == 0
    own = head.classifier.weight.grad[:, 4:] if kind is Concat else head.classifiers["visual"].weight.grad
    assert own.abs().sum() == 0
