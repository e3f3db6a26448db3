"""A codebook learned by moving averages (VQ-VAE with EMA; facts B3.1), in buffers: no gradient and no optimiser touches it.

In training, after the look-up in the old book, with n_k the vectors that chose code k in this batch, N = sum of all counts:

    count_k <- decay count_k + (1 - decay) n_k;   count_k <- N (count_k + eps) / (N + K eps)     the smoothed value is kept
    sum_k   <- decay sum_k + (1 - decay) (sum of the vectors that chose k);                      code_k <- sum_k / count_k

Counts begin at 0, sums and codes as independent normal numbers. So a code that the first batch does not choose jumps to about 1e5
and comes back over hundreds of steps; until then a handful of codes does all the work. That is the released behaviour, and tested.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from mmbench.errors import UserError

EPSILON = 1e-5
CHUNK = 2**24  # numbers of one table of distances: 64 MB


@final
class Codebook(nn.Module):
    def __init__(self, codes: int, dimension: int, decay: float):
        super().__init__()
        if codes < 1 or not 0 < decay < 1:
            raise UserError(f"codebook: {codes} codes with decay {decay:g}, expected at least 1 code and a decay between 0 and 1")
        self.decay = decay
        self.codes: Tensor
        self.counts: Tensor
        self.sums: Tensor
        self.register_buffer("codes", torch.randn(codes, dimension))
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.randn(codes, dimension))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z: B x D x H x W -> the nearest code of every position, B x D x H x W without gradient, and its number, B x H x W.
        In training the book then learns from z."""
        flat = z.detach().permute(0, 2, 3, 1).reshape(-1, z.shape[1]).float()
        index = self.nearest(flat)
        found = embedding(index, self.codes).view(len(z), *z.shape[2:], -1).permute(0, 3, 1, 2)
        if self.training:
            self.learn(flat, index)
        return found.to(z.dtype), index.view(len(z), *z.shape[2:])

    @torch.no_grad()
    def nearest(self, flat: Tensor) -> Tensor:
        """N x D -> N, the code at the least squared Euclidean distance; of two equally near the first. |z|^2 is the same for all
        codes and left out. Never more than CHUNK distances at once."""
        lengths, columns = self.codes.square().sum(1), -2 * self.codes.T
        return torch.cat([torch.addmm(lengths, piece, columns).argmin(1) for piece in flat.split(max(1, CHUNK // len(self.codes)))])

    @torch.no_grad()
    def learn(self, flat: Tensor, index: Tensor) -> None:
        """flat: N x D, what chose the codes index: N."""
        chosen = torch.bincount(index, minlength=len(self.codes)).to(self.counts.dtype)
        counts = self.decay * self.counts + (1 - self.decay) * chosen
        total = counts.sum()
        self.counts.copy_(total * (counts + EPSILON) / (total + len(counts) * EPSILON))
        self.sums.mul_(self.decay).add_(torch.zeros_like(self.sums).index_add_(0, index, flat), alpha=1 - self.decay)
        torch.div(self.sums, self.counts[:, None], out=self.codes)

    def look_up(self, index: Tensor) -> Tensor:
        """Codes by number: ... -> ... x D. UserError for a number that the book does not have."""
        if len(wrong := index[(index < 0) | (index >= len(self.codes))]):
            raise UserError(f"codebook: no code {int(wrong[0])}, expected 0 to {len(self.codes) - 1}")
        return embedding(index, self.codes)


def perplexity(index: Tensor, codes: int) -> Tensor:
    """exp of the entropy of how often each code is chosen: 1 if one code does all, `codes` if all are chosen alike. A scalar."""
    shares = torch.bincount(index.flatten(), minlength=codes) / index.numel()
    return torch.exp(-(shares * torch.log(shares + 1e-10)).sum())
