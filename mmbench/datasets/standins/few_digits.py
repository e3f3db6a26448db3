"""`few-digits`: written with spoken digits, few and less noisy: what a network that was trained on `av-digits` is taken to.

All of it comes from the test part of `av-digits`, so no image, sound or voice that trains there occurs here. What it is for, and what
was measured: README.md here.
"""

from __future__ import annotations

import numpy as np

from mmbench.datasets.data import Data, Part
from mmbench.datasets.standins import av_digits, pictures
from mmbench.datasets.standins import digits as written

VERSION = "1"
TRAIN_PAIRS = 300  # 30 of each digit; the other images are the test part

# Fixed on 2026-11-21 by `joint` and `unimodal` alone, on seeds 100 to 104 (decisions F1). A later change needs a reason in CHANGELOG.md
# and a new VERSION.
IMAGE_NOISE = 0.75  # sd of the normal noise added to each pixel; ink is 1, paper 0
SOUND_NOISE = 0.25  # sd of the normal noise added to each point of the spectrogram; the loudest point is 1, 80 dB below it 0

_STREAM = 20261127  # of the division, the pairing and the noise


def load() -> Data:
    """The whole set, in memory: split "standard", parts "train" and "test", arrays N x 1 x 32 x 32 (float32, mean 0 and
    standard deviation 1 over the training part). UserError where the shipped sounds are missing or damaged."""
    sounds = written.sounds()
    images, digits = written.images()
    _, spare = av_digits.divided(digits, np.random.default_rng(av_digits.STREAM))
    random = np.random.default_rng(_STREAM)
    train, test = pictures.split(digits[spare], TRAIN_PAIRS // 10, random)
    voices = random.permutation(np.unique(sounds["test_voices"]))
    half = len(voices) // 2
    parts = {
        "train": _part(images, digits, spare[train], sounds, voices[:half], random),
        "test": _part(images, digits, spare[test], sounds, voices[half:], random),
    }
    settings = TRAIN_PAIRS, IMAGE_NOISE, SOUND_NOISE, _STREAM, av_digits.STREAM, av_digits.TRAIN_PAIRS
    return pictures.dataset("few-digits", VERSION, parts, *settings, shipped=written.SOUNDS.read_bytes())


def _part(
    images: np.ndarray, digits: np.ndarray, chosen: np.ndarray, sounds: dict[str, np.ndarray], voices: np.ndarray,
    random: np.random.Generator,
) -> Part:  # fmt: skip
    """The chosen images, each with a sound of its digit in one of the voices. Groups are voices."""
    spoken = np.flatnonzero(np.isin(sounds["test_voices"], voices))
    mine = {"test": sounds["test"][spoken]} | {f"test_{what}": sounds[f"test_{what}"][spoken] for what in ("labels", "voices", "keys")}
    return av_digits.part(images, digits, chosen, mine, "test", (IMAGE_NOISE, SOUND_NOISE), random)
