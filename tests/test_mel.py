"""The mel frames of VoxCeleb2's recipe are those of the libraries that the papers' code calls."""

from __future__ import annotations

import librosa
import numpy as np
import torch
import torchaudio

from mmbench.mel import filters, log_mel

VOICE = {"rate": 16_000, "n_fft": 512, "frame": 400, "hop": 160, "mels": 40}


def sound() -> torch.Tensor:
    return 0.3 * torch.randn(2, 32_240, generator=torch.Generator().manual_seed(0))


def test_it_is_torchaudios_to_1e_5():
    mel = torchaudio.transforms.MelSpectrogram(16_000, 512, 400, 160, window_fn=torch.hamming_window, n_mels=40)
    expected = torch.log(mel(sound()) + 1e-6)
    found = log_mel(sound(), **VOICE, emphasis=0.0)
    assert found.shape == (2, 40, 202)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_it_is_librosas_to_1e_5():
    power = librosa.feature.melspectrogram(
        y=sound()[0].double().numpy(), sr=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=40, window="hamming", htk=True,
        norm=None, pad_mode="reflect",
    )  # fmt: skip
    found = log_mel(sound()[:1], **VOICE, emphasis=0.0)[0].numpy()
    np.testing.assert_allclose(found, np.log(power + 1e-6), rtol=1e-5, atol=1e-5)


def test_emphasis_takes_from_each_sample_a_share_of_the_one_before():
    """The first sample's predecessor is its successor, mirrored."""
    plain = sound()
    by_hand = plain - 0.97 * torch.cat([plain[:, 1:2], plain[:, :-1]], 1)
    torch.testing.assert_close(log_mel(plain, **VOICE, emphasis=0.97), log_mel(by_hand, **VOICE, emphasis=0.0))


def test_each_filter_is_one_triangle():
    bank = filters(16_000, 512, 40)
    assert bank.shape == (40, 257)
    assert bank.max() <= 1
    assert bank.min() >= 0
    assert (bank.sum(1) > 0).all()
    assert (bank.argmax(1).diff() > 0).all()
