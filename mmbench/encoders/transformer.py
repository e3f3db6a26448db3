"""A small transformer over a sequence of feature vectors: B x T x d -> B x `width`, the state of a learned token put before it.

Ours, as no paper describes one: a linear layer and a norm lift the features, fixed sines tell the steps, each layer is attention and
a ReLU network of four times the width, both behind a norm (pre-norm), without dropout. Rows of zeros are padding, which nothing
attends to; of a sequence of zeros the token is left, so that an absent modality has one constant feature.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmbench.errors import UserError


@final
class Transformer(nn.Module):
    def __init__(self, dimension: int, width: int, layers: int, heads: int):
        super().__init__()
        if layers < 1 or heads < 1 or width < 2 or width % heads or width % 2:
            expected = "an even width that is a multiple of the heads, at least one layer and one head"
            raise UserError(f"encoder transformer: width {width}, layers {layers}, heads {heads}, expected {expected}")
        self.out = width
        self.lift = nn.Sequential(nn.Linear(dimension, width), nn.LayerNorm(width))
        self.token = nn.Parameter(torch.randn(1, 1, width) / math.sqrt(width))
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3:
            raise UserError(f"encoder transformer: input of shape {tuple(x.shape)}, expected B x T x d: sequences of feature vectors")
        states = self.lift(x) + sines(x.shape[1], self.out).to(x)
        states = torch.cat([self.token.expand(len(x), 1, self.out), states], 1)
        there = torch.cat([x.new_ones(len(x), 1, dtype=torch.bool), (x != 0).any(2)], 1)
        for layer in self.layers:
            states = layer(states, there)
        return self.norm(states[:, 0])


@final
class Layer(nn.Module):
    """B x L x `width` -> the same. there: B x L bool, who may be attended to; at least one of each sequence."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.give = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, states: Tensor, there: Tensor) -> Tensor:
        batch, length, width = states.shape
        asked = self.ask(self.before(states)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # B x heads x L x d each
        given = scaled_dot_product_attention(query, key, value, there[:, None, None])
        states = states + self.give(given.transpose(1, 2).reshape(batch, length, width))
        return states + self.wide(self.between(states))


def sines(length: int, width: int) -> Tensor:
    """`length` x `width`: sines of each step in the first half, cosines in the second, of wavelengths from 2 pi to 20,000 pi."""
    rates = torch.exp(torch.arange(width // 2) * (-math.log(10000.0) / max(1, width // 2 - 1)))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
