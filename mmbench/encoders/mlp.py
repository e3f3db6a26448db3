"""Linear layers with ReLU between them, for feature vectors: B x d -> B x `width`. One layer is linear."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from mmbench.errors import UserError


@final
class MLP(nn.Module):
    def __init__(self, dimension: int, width: int, layers: int):
        super().__init__()
        if width < 1 or layers < 1:
            raise UserError(f"encoder mlp: width {width} and layers {layers}, expected 1 or more of each")
        self.out = width
        rest = [layer for _ in range(layers - 1) for layer in (nn.ReLU(), nn.Linear(width, width))]
        self.net = nn.Sequential(nn.Linear(dimension, width), *rest)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2:
            raise UserError(f"encoder mlp: input of shape {tuple(x.shape)}, expected B x d: vectors of features")
        return self.net(x)
