"""MMCosine's head against the anchors of the facts (section 8, 1 to 4)."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmbench.errors import UserError
from mmbench.heads.cosine import Cosine

DIMS = {"audio": 7, "visual": 7}


def head(dims=DIMS, classes=6, scale=5.0):
    torch.manual_seed(0)
    return Cosine(dims, classes, scale, "concat")


def features(batch=4, dims=DIMS):
    source = torch.Generator().manual_seed(1)
    return {m: torch.randn(batch, d, generator=source) for m, d in dims.items()}


def test_logits_ignore_lengths_and_the_bias_and_are_bounded():
    cosine, given = head(), features()
    before = cosine.fuse(given)
    with torch.no_grad():
        cosine.inner.classifier.weight[2, 7:] *= 3
        cosine.inner.classifier.bias += 10
    after = cosine.fuse({"audio": 4 * given["audio"], "visual": given["visual"]})
    assert torch.allclose(before, after, atol=1e-5)
    assert before.abs().max() <= 2 * 5.0
    assert torch.allclose(before, sum(cosine.unimodal(given).values()), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 6])
def test_at_simplex_centres_the_posterior_is_the_derived_one(classes):
    """Features equal to the class-y weights, centres with cosine -1/(C-1): p = 1 / (1 + (C-1) exp(-2s C/(C-1)));
    so the sharp bound (C-1)/(2C) ln((C-1) p/(1-p)) reaches p = .99 exactly, and the published, looser one does not."""
    centres = torch.eye(classes) - 1 / classes
    dims = {"audio": classes, "visual": classes}
    sharp = (classes - 1) / (2 * classes) * math.log((classes - 1) * 0.99 / 0.01)
    published = (classes - 1) / (2 * (classes + 1)) * math.log((classes - 1) * 0.99 / 0.01)
    for scale, reached in ((sharp, True), (published, False)):
        cosine = head(dims, classes, scale)
        with torch.no_grad():
            cosine.inner.classifier.weight.copy_(torch.cat([centres, centres], dim=1))
        p = cosine.fuse({"audio": centres[:1], "visual": centres[:1]}).softmax(1)[0, 0].detach()
        assert (float(p) == pytest.approx(0.99, abs=1e-4)) is reached
        assert float(p) == pytest.approx(1 / (1 + (classes - 1) * math.exp(-2 * scale * classes / (classes - 1))), abs=1e-5)
    if classes == 6:
        assert sharp == pytest.approx(2.585, abs=1e-3)
        assert published == pytest.approx(2.216, abs=1e-3)


def test_gradients_are_orthogonal_to_what_is_normalised():
    cosine = head()
    given = {m: f.requires_grad_() for m, f in features().items()}
    cross_entropy(cosine.fuse(given), torch.tensor([0, 1, 2, 5])).backward()
    for m in DIMS:
        assert (given[m].grad * given[m]).sum(1).abs().max() < 1e-6
        assert given[m].grad.abs().max() > 1e-4
    weight = cosine.inner.classifier.weight
    for columns in (slice(0, 7), slice(7, 14)):
        assert (weight.grad[:, columns] * weight[:, columns]).sum(1).abs().max() < 1e-5
    assert cosine.inner.classifier.bias.grad is None, "the bias is never trained"


def test_one_modality_is_a_normalised_softmax():
    cosine = head({"audio": 7}, 6, 3.0)
    given = {"audio": features()["audio"]}
    weight = cosine.inner.classifier.weight
    expected = 3 * torch.nn.functional.cosine_similarity(given["audio"][:, None], weight[None], dim=2)
    assert torch.allclose(cosine.fuse(given), expected, atol=1e-6)


def test_the_raw_decision_is_the_inner_heads_logits_and_a_zeroed_modality_counts_nothing():
    cosine, given = head(), features()
    assert torch.equal(cosine.decisions(given)["raw"], cosine.inner.fuse(given))
    alone = cosine.coalition(given, torch.tensor([True, False]))
    assert torch.allclose(alone, cosine.unimodal(given)["audio"], atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(UserError, match="scale"):
        head(scale=scale)
