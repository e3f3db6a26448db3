"""The voice encoder: its size by hand, what it does not hear, and that attention weighs time."""

from __future__ import annotations

import pytest
import torch

from mmbench.encoders.resnet_se34 import BLOCKS, WIDTHS, ResNetSE34
from mmbench.errors import UserError


@pytest.fixture(scope="module")
def net() -> ResNetSE34:
    torch.manual_seed(0)
    return ResNetSE34(1, mels=40, out=512).eval()


def frames(count: int = 2, steps: int = 24) -> torch.Tensor:
    return torch.randn(count, 1, 40, steps, generator=torch.Generator().manual_seed(1))


def by_hand() -> int:
    """Every weight, counted from the description."""
    total, inward = 32 * 9 + 32 + 2 * 32, 32
    for count, width in zip(BLOCKS, WIDTHS, strict=True):
        gate = 2 * width * (width // 8) + width // 8 + width
        total += count * (9 * width * width + gate + 4 * width) + 9 * inward * width + (count - 1) * 9 * width * width
        total += inward * width + 2 * width if inward != width else 0
        inward = width
    return total + 1280 * 128 + 128 + 2 * 128 + 128 * 1280 + 1280 + 1280 * 512 + 512


def test_its_size_is_that_of_the_description(net):
    assert sum(p.numel() for p in net.parameters()) == by_hand()


def test_it_gives_a_vector_whatever_the_length(net):
    assert net(frames(steps=24)).shape == net(frames(steps=41)).shape == (2, 512)


def test_loudness_and_a_shift_per_mel_are_not_heard(net):
    """Each mel is brought to mean 0 and deviation 1 over the utterance."""
    heard = frames()
    louder = 3 * heard + torch.arange(40.0).view(1, 1, 40, 1)
    torch.testing.assert_close(net(louder), net(heard), rtol=1e-3, atol=1e-3)


def test_attention_is_a_mean_over_time(net):
    """Weights sum to 1 per number, so steps that are all alike give themselves."""
    steps = torch.randn(2, 1280, 1).expand(2, 1280, 5)
    torch.testing.assert_close((steps * net.attention(steps)).sum(2), steps[..., 0])


@pytest.mark.parametrize("given", [{"mels": 20, "out": 512}, {"mels": 0, "out": 512}, {"mels": 40, "out": 0}])
def test_sizes_that_cannot_be_are_refused(given):
    with pytest.raises(UserError, match="encoder resnet-se34: 1 channels"):
        ResNetSE34(1, **given)


def test_other_inputs_are_refused(net):
    with pytest.raises(UserError, match=r"input of shape \(2, 1, 32, 24\), expected B x 1 x 40 x steps"):
        net(torch.zeros(2, 1, 32, 24))
