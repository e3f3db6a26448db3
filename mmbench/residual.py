"""What the residual encoders share: torchvision's networks without their last layer, for any number of channels and frames."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import ResNet

from mmbench.errors import UserError


def trunk(net: ResNet, channels: int, weights: str = "") -> ResNet:
    """The network without its last layer, its stem for `channels`; started by `start`, or from torchvision's file of weights."""
    if weights:
        net.load_state_dict(torch.load(Path(weights), weights_only=True))
    if channels != 3:
        net.conv1 = _stem(net.conv1, channels, pretrained=bool(weights))
    net.fc = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    if not weights:
        start(net)
    return net


def framewise(net: nn.Module, x: Tensor, out: int, name: str) -> Tensor:
    """B x C x H x W, or B x C x T x H x W for T frames -> B x `out`: frames are folded into the batch, their answers averaged."""
    if x.dim() == 4:
        return net(x)
    if x.dim() != 5:
        raise UserError(f"encoder {name}: input of shape {tuple(x.shape)}, expected B x C x H x W or B x C x T x H x W")
    batch, channels, frames, height, width = x.shape
    folded = x.transpose(1, 2).reshape(batch * frames, channels, height, width)
    return net(folded).view(batch, frames, out).mean(1)  # frames are of one size, so means of means agree


def _stem(conv: nn.Conv2d, channels: int, pretrained: bool) -> nn.Conv2d:
    """The first layer for another number of channels. Pretrained: the mean of the RGB weights, once per channel (ours, decisions G6)."""
    stem = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    if pretrained:
        with torch.no_grad():
            stem.weight.copy_(conv.weight.mean(1, keepdim=True).expand_as(stem.weight))
    return stem


def start(net: nn.Module) -> None:
    """Convolutions Kaiming-normal over fan-out; batch-norm weights N(1, 0.02), as MMCosine's and SMV's code (facts 1.4)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
