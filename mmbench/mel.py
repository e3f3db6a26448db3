"""Log-mel spectrograms on the training device, for recipes that store the wave. Equal to torchaudio's and librosa's (HTK mel) to 1e-5."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def log_mel(sound: Tensor, rate: int, n_fft: int, frame: int, hop: int, mels: int, emphasis: float) -> Tensor:
    """log(mel power + 1e-6) of B x n samples: B x mels x (n // hop + 1).

    emphasis: of x_t - emphasis x_(t-1), the first sample's predecessor mirrored. frame: samples of the periodic Hamming window in the
    middle of n_fft; centred frames, mirrored at the ends.
    """
    before = pad(sound[:, None], (1, 0), mode="reflect")[:, 0]
    sound = before[:, 1:] - emphasis * before[:, :-1]
    window = torch.hamming_window(frame, device=sound.device)
    found = torch.stft(sound, n_fft, hop, win_length=frame, window=window, center=True, pad_mode="reflect", return_complex=True)
    return torch.log(filters(rate, n_fft, mels).to(sound.device) @ found.abs().square() + 1e-6)


def filters(rate: int, n_fft: int, mels: int) -> Tensor:
    """mels x (n_fft / 2 + 1): triangles of height 1 between points that are evenly spaced on the mel scale 2595 log10(1 + f / 700)."""
    bins = torch.linspace(0, rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700, dtype=torch.float64))
    points = 700 * (10 ** (torch.linspace(0, 1, mels + 2, dtype=torch.float64) * top / 2595) - 1)
    left, centre, right = (points[i : mels + i, None] for i in range(3))
    return torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0).float()
