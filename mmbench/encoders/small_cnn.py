"""Three small convolution blocks, for stand-ins: quick on one CPU thread, and of the same family as what the papers use."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn


@final
class SmallCNN(nn.Module):
    """Input B x `channels` x H x W with H, W >= 8; output B x `out`, the last maps averaged to 2 x 2: `out` = 4 `width`.

    To 2 x 2 because a mean over the whole map leaves 8 features, too few for ten classes, and no mean (4 x 4 maps of a 32 x 32
    input) lets each modality learn almost as well beside the other as alone, which is not what stand-ins are for."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.out = 4 * width
        self.blocks = nn.Sequential(_block(channels, width), _block(width, width), _block(width, width), nn.AdaptiveAvgPool2d(2))
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # halves the time of a step on CPU

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x).flatten(1)


def _block(inward: int, outward: int) -> nn.Sequential:
    """Convolution 3x3, batch-norm, max-pooling by 2, ReLU. Pooling first changes nothing but the cost, as ReLU is monotone;
    and a bias before a batch-norm would be taken out again."""
    return nn.Sequential(nn.Conv2d(inward, outward, 3, padding=1, bias=False), nn.BatchNorm2d(outward), nn.MaxPool2d(2), nn.ReLU())
