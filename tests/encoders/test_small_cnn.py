"""The small encoder: shapes, the declared dimension, and that its layout trick and block order change nothing."""

import pytest
import torch
from torch import nn

from mmbench.encoders.small_cnn import SmallCNN


@pytest.mark.parametrize(("channels", "height", "width_in"), [(1, 32, 32), (3, 40, 24), (2, 8, 8)])
def test_the_output_has_the_declared_dimension(channels: int, height: int, width_in: int):
    encoder = SmallCNN(channels, width=8)
    assert encoder(torch.randn(5, channels, height, width_in)).shape == (5, encoder.out) == (5, 32)


def test_it_equals_blocks_written_out_in_the_usual_order():
    """conv - BN - ReLU - max-pool, mean of 4 x 4 maps over 2 x 2, contiguous, from the same weights."""
    torch.manual_seed(0)
    encoder = SmallCNN(1, width=4)
    layers: list[nn.Module] = []
    for inward in (1, 4, 4):
        layers += [nn.Conv2d(inward, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    plain = nn.Sequential(*layers, nn.AvgPool2d(2), nn.Flatten())
    ours = [p for m in encoder.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d)) for p in m.parameters()]
    for mine, theirs in zip(plain.parameters(), ours, strict=True):
        mine.data.copy_(theirs)
    x = torch.randn(6, 1, 32, 32)
    torch.testing.assert_close(encoder(x), plain(x))
    encoder(x).square().sum().backward()
    plain(x).square().sum().backward()
    for mine, theirs in zip(plain.parameters(), ours, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-3, atol=1e-3)


def test_it_has_the_expected_number_of_weights():
    """width 8, one channel: 9*8 + 2*(9*64) in convolutions, 3*(8+8) in batch-norm."""
    assert sum(p.numel() for p in SmallCNN(1, width=8).parameters()) == 9 * 8 + 2 * 9 * 64 + 48
