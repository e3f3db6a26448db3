"""ResNet-34 without its last layer: MMCosine's picture encoder for VoxCeleb2 (facts 1.9). Input and output as of `resnet18`."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from torchvision.models import resnet34

from mmbench.residual import framewise, trunk


@final
class ResNet34(nn.Module):
    out = 512
    channels_last = True  # as resnet18

    def __init__(self, channels: int, weights: str = ""):
        super().__init__()
        self.net = trunk(resnet34(weights=None), channels, weights)

    def forward(self, x: Tensor) -> Tensor:
        return framewise(self.net, x, self.out, "resnet34")
