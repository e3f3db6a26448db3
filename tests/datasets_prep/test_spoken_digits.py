"""The generator of the spoken digits. What speaks is tested where espeak-ng is installed, and skipped by name elsewhere."""

import hashlib
import shutil
from collections import Counter

import numpy as np
import pytest

from datasets_prep import spoken_digits
from datasets_prep.spoken_digits import RATE, TEST_VOICES, TRAIN_VOICES, Sound, sounds, spectrogram, wave
from mmbench.datasets.standins import digits
from mmbench.errors import UserError

SHIPPED = np.load(digits.SOUNDS)

speaks = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def shipped(part: str, voices: tuple[str, ...], every: int) -> list[tuple[Sound, np.ndarray]]:
    return list(zip(sounds(voices), SHIPPED[part], strict=True))[::every]


def test_test_voices_are_not_training_voices():
    assert not set(TRAIN_VOICES) & set(TEST_VOICES)
    assert (len(set(TRAIN_VOICES)), len(set(TEST_VOICES))) == (40, 20)


@pytest.mark.parametrize(("part", "voices"), [("train", TRAIN_VOICES), ("test", TEST_VOICES)])
def test_the_shipped_sounds_are_the_listed_ones(part: str, voices: tuple[str, ...]):
    listed = list(sounds(voices))
    assert SHIPPED[f"{part}_keys"].tolist() == [sound.key for sound in listed]
    assert SHIPPED[f"{part}_labels"].tolist() == [sound.digit for sound in listed]
    assert SHIPPED[f"{part}_voices"].tolist() == [sound.voice for sound in listed]
    assert len({sound.key for sound in listed}) == len(listed)


def test_every_digit_is_spoken_under_the_same_conditions():
    conditions = Counter((s.voice, s.accent, s.pitch, s.speed) for s in sounds(TRAIN_VOICES))
    assert set(conditions.values()) == {10}
    assert {s.accent for s in sounds(TEST_VOICES)} == set(spoken_digits.ACCENTS)


def test_a_spectrogram_places_a_tone_in_time_and_pitch():
    """A tone of 0.2 s at 1 kHz: its band is the loudest, silence follows after frame 10, and the scale ends at 0 and 255."""
    picture = spectrogram(0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 5) / RATE))
    assert picture.shape == (32, 32)
    assert picture.dtype == np.uint8
    assert (picture.min(), picture.max()) == (0, 255)
    assert (picture[:, 12:] == 0).all()
    top = 2595 * np.log10(1 + 8000 / 700)  # mel; librosa's own scale differs by little at 1 kHz
    assert abs(int(picture[:, 5].argmax()) - 32 * 2595 * np.log10(1 + 1000 / 700) / top) < 3


def test_a_long_sound_is_cut():
    noise = np.random.default_rng(0).standard_normal(2 * RATE)
    assert spectrogram(noise).shape == (32, 32)
    assert np.array_equal(spectrogram(noise), spectrogram(noise[: 31 * 320]))


def test_without_espeak_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="install the Debian package espeak-ng"):
        spoken_digits.program()


def test_the_archive_must_be_an_npz(tmp_path):
    with pytest.raises(UserError, match=r"must end in .npz"):
        spoken_digits.prepare(tmp_path / "sounds.bin")


@speaks
def test_a_spoken_word_is_trimmed_and_repeatable():
    sound = Sound(7, "f2", "en-us", 50, 170)
    samples = wave(sound)
    assert 0.2 * RATE < len(samples) < 0.8 * RATE
    loudest = np.abs(samples).max()
    assert 0.05 < loudest <= 1
    assert min(abs(samples[0]), abs(samples[-1])) > 0.02 * loudest
    assert np.array_equal(samples, wave(sound))


@speaks
def test_every_accent_obeys_the_variant():
    """espeak-ng 1.51 silently ignores the variant after the accent "en-gb"."""
    for accent in spoken_digits.ACCENTS:
        spoken = [wave(Sound(7, voice, accent, 50, 170)) for voice in ("f2", "m3")]
        assert len(spoken[0]) != len(spoken[1]) or not np.allclose(*spoken)


@speaks
@pytest.mark.parametrize(("part", "voices"), [("train", TRAIN_VOICES), ("test", TEST_VOICES)])
def test_spoken_again_they_equal_the_shipped_ones(part: str, voices: tuple[str, ...]):
    """Equal to a level in 255: rounding a last bit that another CPU's arithmetic gives may move a point by one."""
    if spoken_digits.program() != SHIPPED["program"]:
        pytest.skip(f"espeak-ng {spoken_digits.program()} speaks otherwise than {SHIPPED['program']}, which made the shipped sounds")
    for sound, picture in shipped(part, voices, every=97):
        again = spectrogram(wave(sound))
        assert np.abs(again.astype(int) - picture).max() <= 1, sound.key


@speaks
def test_prepare_writes_an_archive_and_its_checksum_the_same_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(spoken_digits, "TRAIN_VOICES", ("m3",))
    monkeypatch.setattr(spoken_digits, "TEST_VOICES", ("f3",))
    monkeypatch.setattr(spoken_digits, "TAKES", 1)
    digests = []
    for folder in ("a", "b"):
        file = tmp_path / folder / "sounds.npz"
        spoken_digits.prepare(file)
        digests.append(hashlib.sha256(file.read_bytes()).hexdigest())
        assert file.with_suffix(".sha256").read_text() == f"{digests[-1]}  sounds.npz\n"
    assert digests[0] == digests[1]
    archive = np.load(file)
    assert archive["train"].shape == archive["test"].shape == (10, 32, 32)
    assert archive["train_labels"].tolist() == list(range(10))
