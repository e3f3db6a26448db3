"""CM-VQVAE's task solvers (facts B4): from the masked maps of all modalities to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from mmbench.channel_mask import ChannelMask
from mmbench.encoders.vqvae import decoder, stack
from mmbench.errors import UserError
from mmbench.head import Head
from mmbench.method import still_statistics

HIDDEN = 256


@final
class Solver(Head):
    """Maps B x D x h x w per modality -> joined, masked, and answered by `network`. chosen: the modality whose channels alone reach
    the network, "" for all."""

    def __init__(self, dims: Mapping[str, int], mask: ChannelMask, network: nn.Module, chosen: str = ""):
        super().__init__(dims)
        self.mask, self.network, self.chosen = mask, network, chosen

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.network(self.selected(self.mask(torch.cat([f for _, f in self.ordered(features)], dim=1))))

    def selected(self, maps: Tensor) -> Tensor:
        """The channels that the network gets."""
        if not self.chosen:
            return maps
        return maps.unflatten(1, (len(self.modalities), -1))[:, self.modalities.index(self.chosen)]

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        return self.fuse({m: f * keep[..., i : i + 1, None, None].to(f.dtype) for i, (m, f) in enumerate(self.ordered(features))})

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The coalitions of one; asked for in training, they move no statistics of the network's batch-norm."""
        with still_statistics(self):
            return super().unimodal(features)


def classifier(given: int, channels: int, residual: int, layers: int, dimension: int, latent: int, classes: int) -> nn.Sequential:
    """given x latent x latent -> classes. Two strided convolutions (given -> D/2 -> c/4), a residual stack of c/4 and r/4 channels,
    and two linear layers with 256 between; dropout 0.5 before the stack and before the last."""
    narrow, side = channels // 4, -(-latent // 4)
    if min(narrow, residual // 4, dimension // 2) < 1:
        raise UserError(f"task solver: {channels} channels, {residual} residual and codes of {dimension}, expected at least 4, 4 and 2")
    return nn.Sequential(
        nn.Conv2d(given, dimension // 2, 3, stride=2, padding=1), nn.BatchNorm2d(dimension // 2), nn.ReLU(),
        nn.Conv2d(dimension // 2, narrow, 3, stride=2, padding=1), nn.Dropout(0.5), stack(narrow, residual // 4, layers), nn.Flatten(),
        *answering(narrow * side * side, classes),
    )  # fmt: skip


def segmenter(given: int, channels: int, residual: int, layers: int, stride: int, classes: int) -> nn.Sequential:
    """given x h x w -> classes x (h stride) x (w stride): the decoder, with a channel per class."""
    return decoder(given, channels, residual, layers, stride.bit_length() - 1, classes)


@final
class Check(Head):
    """Two ResNet-18 and this head: what the paper compares its vanilla model with. Vectors B x d per modality, joined -> classes."""

    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.network = nn.Sequential(*answering(sum(dims.values()), classes))

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.network(torch.cat([f for _, f in self.ordered(features)], dim=1))

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        with still_statistics(self):
            return super().unimodal(features)


def answering(given: int, classes: int) -> tuple[nn.Module, ...]:
    return nn.Linear(given, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Dropout(0.5), nn.Linear(HIDDEN, classes)
