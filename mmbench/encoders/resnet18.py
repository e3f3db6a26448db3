"""ResNet-18 without its last layer, as the papers use it: any number of input channels, frames folded into the batch.

Input B x C x H x W, or B x C x T x H x W for T frames; output B x 512, the mean over T, H and W of the last stage.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from mmbench.errors import UserError


@final
class ResNet18(nn.Module):
    out = 512

    def __init__(self, channels: int, weights: str = ""):
        super().__init__()
        net = resnet18(weights=None)
        if weights:
            net.load_state_dict(torch.load(weights, weights_only=True))
        if channels != 3:
            net.conv1 = _stem(net.conv1, channels, pretrained=bool(weights))
        net.fc = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
        self.net = net
        if not weights:
            _initialise(net)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 4:
            return self.net(x)
        if x.dim() != 5:
            raise UserError(f"encoder resnet18: input of shape {tuple(x.shape)}, expected B x C x H x W or B x C x T x H x W")
        batch, channels, frames, height, width = x.shape
        folded = x.transpose(1, 2).reshape(batch * frames, channels, height, width)
        return self.net(folded).view(batch, frames, self.out).mean(1)  # frames are of one size, so means of means agree


def _stem(conv: nn.Conv2d, channels: int, pretrained: bool) -> nn.Conv2d:
    """The first layer for another number of channels. Pretrained: the mean of the RGB weights, once per channel (ours, decisions G6)."""
    stem = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    if pretrained:
        with torch.no_grad():
            stem.weight.copy_(conv.weight.mean(1, keepdim=True).expand_as(stem.weight))
    return stem


def _initialise(net: nn.Module) -> None:
    """Convolutions Kaiming-normal over fan-out; batch-norm weights N(1, 0.02), as MMCosine's and SMV's code (facts 1.4)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
