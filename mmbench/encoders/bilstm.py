"""A bidirectional LSTM over a sequence: B x T x d -> B x T x 2 `width`, a vector per step. Sequences are of one length, without padding:
rows of zeros are steps like any other."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from mmbench.errors import UserError


@final
class BiLSTM(nn.Module):
    def __init__(self, dimension: int, width: int):
        super().__init__()
        if width < 1:
            raise UserError(f"encoder bilstm: width {width}, expected 1 or more")
        self.out = 2 * width
        self.net = nn.LSTM(dimension, width, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3:
            raise UserError(f"encoder bilstm: input of shape {tuple(x.shape)}, expected B x T x d: sequences of feature vectors")
        return self.net(x)[0]
