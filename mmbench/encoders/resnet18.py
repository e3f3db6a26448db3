"""ResNet-18 without its last layer, as the papers use it: any number of input channels, frames folded into the batch.

Input B x C x H x W, or B x C x T x H x W for T frames; output B x 512, the mean over T, H and W of the last stage.
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from torchvision.models import resnet18

from mmbench.residual import framewise, trunk


@final
class ResNet18(nn.Module):
    out = 512
    channels_last = True  # on a CPU forward takes two thirds of the time, backward the same; tensor cores want it so

    def __init__(self, channels: int, weights: str = ""):
        super().__init__()
        self.net = trunk(resnet18(weights=None), channels, weights)

    def forward(self, x: Tensor) -> Tensor:
        return framewise(self.net, x, self.out, "resnet18")
