"""The voice encoder of VOXT's ResNetSE34V2, which MMCosine uses on VoxCeleb2 with 40 mels (facts 1.9).

Log-mel frames B x 1 x `mels` x T, each mel brought to mean 0 and deviation 1 over the utterance -> four stages of 3, 4, 6 and 3
residual blocks with squeeze and excitation, 32 to 256 channels, the last three halving mels and time -> attentive pooling: with x_t
the d = 256 * mels / 8 numbers of step t,  w = softmax over t of  B norm(relu(A x_t)),  128 numbers between,  sum_t w_t x_t  ->
a linear layer to `out` numbers. (Convolution, ReLU, norm in this order, a squeeze to an eighth, and Kaiming-normal convolutions, as
VOXT is known to have them; the facts do not say.)
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from torch.nn.functional import instance_norm, relu

from mmbench.errors import UserError

BLOCKS, WIDTHS, BOTTLENECK, SQUEEZE = (3, 4, 6, 3), (32, 64, 128, 256), 128, 8


@final
class ResNetSE34(nn.Module):
    def __init__(self, channels: int, mels: int, out: int):
        super().__init__()
        if channels != 1 or mels < 8 or mels % 8 or out < 1:
            raise UserError(f"encoder resnet-se34: {channels} channels, {mels} mels, out {out}; expected 1, a multiple of 8, 1 or more")
        self.mels, self.out = mels, out
        depth = WIDTHS[-1] * mels // 8
        self.stem = nn.Sequential(nn.Conv2d(1, WIDTHS[0], 3, padding=1), nn.ReLU(), nn.BatchNorm2d(WIDTHS[0]))
        self.stages = nn.Sequential(*(_stage(i) for i in range(len(BLOCKS))))
        self.attention = nn.Sequential(
            nn.Conv1d(depth, BOTTLENECK, 1), nn.ReLU(), nn.BatchNorm1d(BOTTLENECK), nn.Conv1d(BOTTLENECK, depth, 1), nn.Softmax(dim=2)
        )
        self.last = nn.Linear(depth, out)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[2] != self.mels:
            raise UserError(f"encoder resnet-se34: input of shape {tuple(x.shape)}, expected B x 1 x {self.mels} x steps: log-mel frames")
        maps = self.stages(self.stem(instance_norm(x[:, 0])[:, None]))
        steps = maps.flatten(1, 2)  # B x d x T / 8
        return self.last((steps * self.attention(steps)).sum(2))


@final
class Block(nn.Module):
    """Two 3x3 convolutions and a weight per channel, added to the input: B x `inward` x H x W -> B x `outward` x H/stride x W/stride."""

    def __init__(self, inward: int, outward: int, stride: int):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(outward))
        self.second = nn.Sequential(nn.Conv2d(outward, outward, 3, padding=1, bias=False), nn.BatchNorm2d(outward))
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(outward, outward // SQUEEZE), nn.ReLU(),
            nn.Linear(outward // SQUEEZE, outward), nn.Sigmoid(),
        )  # fmt: skip
        same = stride == 1 and inward == outward
        short = nn.Sequential(nn.Conv2d(inward, outward, 1, stride, bias=False), nn.BatchNorm2d(outward))
        self.short = nn.Identity() if same else short

    def forward(self, x: Tensor) -> Tensor:
        maps = self.second(self.first(x))
        return relu(maps * self.weigh(maps)[..., None, None] + self.short(x))


def _stage(i: int) -> nn.Sequential:
    inward = WIDTHS[max(0, i - 1)]
    first = Block(inward, WIDTHS[i], stride=1 if i == 0 else 2)
    return nn.Sequential(first, *(Block(WIDTHS[i], WIDTHS[i], stride=1) for _ in range(BLOCKS[i] - 1)))
