"""ResNet-34 as the papers use it: its size, any channels, the mean over frames."""

from __future__ import annotations

import pytest
import torch

from mmbench.encoders.resnet34 import ResNet34
from mmbench.errors import UserError


@pytest.fixture(scope="module")
def net() -> ResNet34:
    torch.manual_seed(0)
    return ResNet34(3).eval()


def test_it_is_resnet_34_without_its_last_layer(net):
    published = 21_797_672  # with the last layer of 512 x 1,000 + 1,000
    assert sum(p.numel() for p in net.parameters()) == published - 513_000


def test_frames_are_averaged(net):
    clip = torch.randn(1, 3, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        each = [net(clip[:, :, t]) for t in range(2)]
        together = net(clip)
    assert together.shape == (1, 512)
    torch.testing.assert_close(together, (each[0] + each[1]) / 2, rtol=1e-4, atol=1e-4)


def test_other_shapes_are_refused(net):
    with pytest.raises(UserError, match=r"resnet34: input of shape \(2, 8\), expected B x C x H x W"):
        net(torch.zeros(2, 8))
