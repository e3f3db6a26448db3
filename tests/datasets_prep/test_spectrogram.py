"""The spectrograms against librosa, SciPy and Kaldi themselves, on sound with speech's range: tones, hiss, silence."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
import torchaudio.compliance.kaldi

from datasets_prep import spectrogram


def speech(rate: int, seconds: float = 2.5) -> np.ndarray:
    """Voiced pulses through three resonances, hiss, and pauses; float32, peak 0.5."""
    rng, n = np.random.default_rng(7), int(rate * seconds)
    pitch = 110 + 30 * np.sin(np.linspace(0, 9, n))
    sound = (np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) > 0).astype(float) + 0.003 * rng.standard_normal(n)
    for hz, width in ((500, 80), (1500, 120), (2600, 160)):
        r = np.exp(-np.pi * width / rate)
        sound = scipy.signal.lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * hz / rate), r * r], sound)
    sound *= np.clip(np.sin(np.linspace(0, 14, n)), 0, 1)
    sound += 1e-4 * rng.standard_normal(n)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.mark.parametrize(("rate", "to"), [(16_000, 22_050), (44_100, 16_000), (48_000, 44_100)])
def test_resampled_sound_is_librosas_whatever_its_length(rate, to):
    for length in range(3000, 3010):  # half of the lengths are such that soxr rounds down and librosa up
        sound = speech(rate)[:length]
        assert np.array_equal(spectrogram.resample(sound, rate, to), librosa.resample(sound, orig_sr=rate, target_sr=to))


def test_ogm_ge_stft_is_librosas():
    sound = speech(16_000)
    ours = spectrogram.resample(sound, 16_000, 22_050)
    theirs = librosa.resample(sound, orig_sr=16_000, target_sr=22_050)
    assert np.array_equal(ours, theirs)
    cut = spectrogram.tiled(ours, 3, 66_150)
    assert np.array_equal(cut, np.tile(theirs, 3)[:66_150])
    found, expected = spectrogram.log_stft(cut, 512, 353), np.log(np.abs(librosa.stft(cut, n_fft=512, hop_length=353)) + 1e-7)
    assert found.shape == expected.shape == (257, 188)
    assert np.abs(np.exp(found) - np.exp(expected)).max() < 1e-5
    heard = expected[:170] > np.log(1e-3)  # above 8 kHz, and in pauses, only rounding is left
    assert heard.mean() > 0.5
    assert np.quantile(np.abs(found - expected)[:170][heard], 0.99) < 1e-5


@pytest.mark.parametrize(("times", "length", "columns"), [(3, 48_000, 299), (10, 160_000, 1004)])
def test_the_power_spectrum_is_scipys(times, length, columns):
    sound = spectrogram.tiled(speech(16_000), times, length)
    _, _, power = scipy.signal.spectrogram(np.clip(sound, -1, 1).astype(float), 16_000, nperseg=512, noverlap=353)
    log = np.log(power + 1e-7)
    expected = (log - log.mean()) / (log.std() + 1e-9)
    found = spectrogram.log_psd(sound, 16_000)
    assert found.shape == (257, columns)
    assert np.abs(found - expected).max() < 1e-5
    assert abs(found.mean()) < 1e-5
    assert abs(found.std() - 1) < 1e-5


@pytest.mark.parametrize("seconds", [2.5, 1.3, 2.051])
def test_cm_vqvaes_mel_is_librosas(seconds):
    sound = speech(44_100, seconds)
    power = librosa.feature.melspectrogram(y=sound, sr=44_100, n_fft=2048, win_length=512, hop_length=353, n_mels=256)
    expected = librosa.power_to_db(power)
    assert expected.max() - expected.min() <= 80
    lack = 256 - expected.shape[1]
    if lack > 0:
        expected = np.pad(expected, ((0, 0), (lack - lack // 2, lack // 2)), mode="reflect")
    else:
        expected = expected[:, -lack // 2 : -lack // 2 + 256]
    found = spectrogram.mel_decibels(sound, 44_100, n_fft=2048, window=512, hop=353, mels=256, columns=256)
    assert found.shape == (256, 256)
    assert np.abs(found - expected).max() < 1e-5 * 80


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("window", ["hanning", "hamming"])
def test_the_filter_banks_are_kaldis(window):
    sound = speech(16_000, 3.0)
    wave = torch.from_numpy(sound)[None]
    theirs = torchaudio.compliance.kaldi.fbank(
        wave - wave.mean(), htk_compat=True, sample_frequency=16_000, use_energy=False, window_type=window, num_mel_bins=128, dither=0.0,
        frame_shift=10,
    )  # fmt: skip
    expected = torch.nn.functional.pad(theirs, (0, 0, 0, 1024 - len(theirs)))
    expected = ((expected + 4.503877) / (2 * 5.141276)).numpy()
    found = spectrogram.fbank(sound, 16_000, window)
    assert found.shape == expected.shape == (1024, 128)
    assert np.quantile(np.abs(found - expected), 0.99) < 1e-5
    assert np.abs(found - expected).max() < 1e-3  # torchaudio computes in float32
    assert found[-1, 0] == pytest.approx(0.438, abs=1e-3)  # padded before it is normalised


def test_a_sound_without_samples_becomes_silence():
    assert np.array_equal(spectrogram.tiled(np.zeros(0, np.float32), 3, 10), np.zeros(10, np.float32))
    assert spectrogram.fbank(np.zeros(10, np.float32), 16_000, "hanning").std() < 1e-6
