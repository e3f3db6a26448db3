"""The spectrograms of the papers' released code, from the mathematics, without the weight of the libraries they call.

Each is tested against a direct computation by librosa, SciPy or Kaldi (torchaudio). `n` samples in, float32 out, rows are bands.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse
import soxr

FLOOR = 1e-7  # added before every logarithm in the OGM-GE lineage


def tiled(sound: np.ndarray, times: int, length: int) -> np.ndarray:
    """The sound repeated `times` times, or as often as it takes, and cut to `length` samples."""
    if not len(sound):
        return np.zeros(length, sound.dtype)
    return np.tile(sound, max(times, -(-length // len(sound))))[:length]


def resample(sound: np.ndarray, rate: int, to: int) -> np.ndarray:
    """As librosa does it by default: soxr, high quality, and the length rounded up, with a zero where soxr rounds down."""
    if rate == to:
        return sound
    found = soxr.resample(sound, rate, to, quality="HQ")
    return np.pad(found, (0, -(-len(sound) * to // rate) - len(found)))


def windows(sound: np.ndarray, length: int, hop: int) -> np.ndarray:
    """All full windows, `hop` samples apart: k x length, a view."""
    return np.lib.stride_tricks.sliding_window_view(sound, length)[::hop]


def rfft(pieces: np.ndarray, size: int | None = None) -> np.ndarray:
    """Of each row, in the precision of the input."""
    return np.asarray(scipy.fft.rfft(pieces, size, axis=1))


def power(spectrum: Any) -> np.ndarray:
    """The squared magnitude, without the square root that `abs` would take."""
    return spectrum.real**2 + spectrum.imag**2


def stft(sound: np.ndarray, n_fft: int, hop: int, window: int = 0) -> np.ndarray:
    """Complex, centred with zeros beyond the ends, periodic Hann window of `window` samples (0: n_fft) in the middle of n_fft."""
    window = window or n_fft
    taper = np.pad(cosines(window, 0.5), (n_fft - window) // 2).astype(np.float32)
    padded = np.pad(sound.astype(np.float32), n_fft // 2)
    return rfft(windows(padded, n_fft, hop) * taper).T


def log_stft(sound: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    """log(|STFT| + 1e-7), the sound clipped to -1..1: OGM-GE, ARL. n_fft / 2 + 1 rows, n // hop + 1 columns."""
    return np.log(np.abs(stft(np.clip(sound, -1, 1), n_fft, hop)) + np.float32(FLOOR))


def log_psd(sound: np.ndarray, rate: int, size: int = 512, overlap: int = 353) -> np.ndarray:
    """scipy.signal.spectrogram with its defaults (periodic Tukey window, mean removed, density), log(. + 1e-7), then standardised
    over the whole picture: MMCosine, DI-MML, PMR. (n - overlap) // (size - overlap) columns."""
    pieces = windows(np.clip(sound, -1, 1).astype(np.float64), size, size - overlap).copy()
    pieces -= pieces.mean(1, keepdims=True)
    taper = tukey(size, 0.25)
    pieces *= taper
    density = power(rfft(pieces)) / (rate * (taper @ taper))
    density[:, 1:-1] *= 2  # one-sided
    found = np.log(density.T + FLOOR)
    return ((found - found.mean()) / (found.std() + 1e-9)).astype(np.float32)


def cosines(size: int, mean: float, periodic: bool = True) -> np.ndarray:
    """mean - (1 - mean) cos: Hann's window for 0.5, Hamming's for 0.54."""
    return mean - (1 - mean) * np.cos(2 * np.pi * np.arange(size) / (size if periodic else size - 1))


def tukey(size: int, share: float) -> np.ndarray:
    """Periodic; cosines over `share` of the length, half of it at either end."""
    edge = np.minimum(np.arange(size), size - np.arange(size)) / size
    return np.where(edge < share / 2, 0.5 - 0.5 * np.cos(2 * np.pi * edge / share), 1.0)


def mel_decibels(sound: np.ndarray, rate: int, *, n_fft: int, window: int, hop: int, mels: int, columns: int) -> np.ndarray:
    """librosa's mel power spectrogram in dB, at most 80 below its loudest point, then cut about the middle or reflected to
    `columns`: CM-VQVAE. Of an odd surplus one more column goes on the right; of an odd lack one more is added on the left."""
    spectrum = stft(sound, n_fft, hop, window)
    bands = mel_filters(rate, n_fft, mels) @ power(spectrum)
    decibels = 10 * np.log10(np.maximum(1e-10, bands))
    decibels = np.maximum(decibels, decibels.max() - 80).astype(np.float32)
    surplus = decibels.shape[1] - columns
    if surplus >= 0:
        return decibels[:, surplus // 2 : surplus // 2 + columns]
    right = -surplus // 2
    return np.pad(decibels, ((0, 0), (-surplus - right, right)), mode="reflect")


@cache
def mel_filters(rate: int, n_fft: int, mels: int) -> scipy.sparse.csr_matrix:
    """mels x (n_fft / 2 + 1) triangles on Slaney's scale from 0 Hz to half the rate, each of area 1: librosa's default."""
    edges = slaney_to_hz(np.linspace(0, hz_to_slaney(rate / 2), mels + 2))
    bins = np.fft.rfftfreq(n_fft, 1 / rate)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return scipy.sparse.csr_matrix(filters.astype(np.float32))


def hz_to_slaney(hz: float) -> float:
    """Linear to 1,000 Hz (15 mels), then 27 mels to each factor of 6.4."""
    return hz * 3 / 200 if hz < 1000 else 15 + np.log(hz / 1000) * 27 / np.log(6.4)


def slaney_to_hz(mels: np.ndarray) -> np.ndarray:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))


def fbank(sound: np.ndarray, rate: int, window: str, mels: int = 128, frames: int = 1024) -> np.ndarray:
    """Kaldi's log filter banks as the GeWu-Lab code asks for them: 25 ms windows every 10 ms, no dither, mean of the sound
    removed; zero-padded or cut to `frames`, then (x + 4.503877) / (2 * 5.141276). frames x mels, rows are times.

    Kaldi's defaults hold: each window's mean is removed, pre-emphasis 0.97, power spectrum of the next power of two, triangles on
    Kaldi's mel scale from 20 Hz to half the rate, log with the smallest float32 step as floor. window: "hanning" or "hamming".
    """
    size, hop = int(rate * 0.025), int(rate * 0.01)
    if len(sound) < size:
        found = np.zeros((0, mels))
    else:
        pieces = windows(sound.astype(np.float64) - sound.mean(dtype=np.float64), size, hop).copy()
        pieces -= pieces.mean(1, keepdims=True)
        pieces -= 0.97 * np.concatenate([pieces[:, :1], pieces[:, :-1]], 1)
        n_fft = 1 << (size - 1).bit_length()
        spectrum = rfft(pieces * cosines(size, {"hanning": 0.5, "hamming": 0.54}[window], periodic=False), n_fft)
        found = np.log(np.maximum(power(spectrum)[:, : n_fft // 2] @ kaldi_filters(rate, n_fft, mels).T, np.finfo(np.float32).eps))
    padded = np.zeros((frames, mels))
    padded[: len(found)] = found[:frames]
    return ((padded + 4.503877) / (2 * 5.141276)).astype(np.float32)


@cache
def kaldi_filters(rate: int, n_fft: int, mels: int, low: float = 20.0) -> np.ndarray:
    """mels x n_fft / 2 triangles, of height 1, equally wide on 1127 ln(1 + f / 700)."""

    def mel(hz: np.ndarray | float) -> np.ndarray:
        return 1127 * np.log(1 + np.asarray(hz) / 700)

    edges = np.linspace(mel(low), mel(rate / 2), mels + 2)
    bins = mel(np.arange(n_fft // 2) * rate / n_fft)
    step = edges[1] - edges[0]
    return np.maximum(0, np.minimum((bins - edges[:-2, None]) / step, (edges[2:, None] - bins) / step))
