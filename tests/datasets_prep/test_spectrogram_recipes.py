"""Every named recipe from a file of real speech to its row, against librosa, SciPy and Kaldi (torchaudio) called directly on that sound.

Speech is espeak-ng's, in the container of the dataset; without espeak-ng they are skipped, and test_spectrogram.py stays.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
import torchaudio.compliance.kaldi

from datasets_prep import catalogue, imitation, media
from datasets_prep.dataset import Item
from mmbench import augment
from mmbench.mel import log_mel

SAYS = "It's eleven o'clock. That is exactly what happened. I'm on my way to the meeting. Don't forget a jacket."
FILES = {  # file -> rate of its sound, channels, codecs; what the datasets' files are
    "speech.wav": (16_000, 1, None),
    "speech.flv": (44_100, 2, ("flv1", "libmp3lame")),
    "speech.avi": (22_050, 1, ("mpeg4", "pcm_s16le")),
    "speech.mp4": (44_100, 2, ("libx264", "aac")),
    "speech-48k.mp4": (48_000, 1, ("libx264", "aac")),
}
START, END = 1, 4  # seconds of AVE's event


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with the same sentences as every kind of file."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("speech")
    subprocess.run(["espeak-ng", "-v", "en", "-w", str(folder / "spoken.wav"), SAYS], check=True, capture_output=True)
    spoken, rate = soundfile.read(folder / "spoken.wav", dtype="float32")
    assert 5.5 < len(spoken) / rate < 9.5  # longer than any cut, shorter than what is repeated
    for name, (to, channels, codecs) in FILES.items():
        sound = librosa.resample(spoken, orig_sr=rate, target_sr=to)
        if codecs is None:
            imitation.wav(folder / name, sound, to)
        else:
            imitation.clip(folder / name, imitation.pictures(name, 0, 2, 64, 48), 1, sound, to, codecs, channels)
    return folder


def heard(path: Path, rate: int) -> np.ndarray:
    """Mono, at this rate, by librosa."""
    if path.suffix == ".wav":
        sound, own = soundfile.read(path, dtype="float32")
    else:
        clip = media.clip(path, sound=True)
        assert clip.sound is not None
        sound, own = clip.sound.mean(0), clip.sound_rate
    return librosa.resample(sound, orig_sr=own, target_sr=rate) if own != rate else sound


def psd(sound: np.ndarray, rate: int, times: int, length: int) -> np.ndarray:
    repeated = np.clip(np.tile(sound, times)[:length], -1, 1).astype(float)
    assert len(repeated) == length
    _, _, power = scipy.signal.spectrogram(repeated, rate, nperseg=512, noverlap=353)
    log = np.log(power + 1e-7)
    return (log - log.mean()) / (log.std() + 1e-9)


def mel(sound: np.ndarray, rate: int) -> np.ndarray:
    """256 columns: more are cut about the middle, fewer reflected."""
    power = librosa.feature.melspectrogram(y=sound, sr=rate, n_fft=2048, win_length=512, hop_length=353, n_mels=256)
    found = librosa.power_to_db(power)
    lack = 256 - found.shape[1]
    if lack > 0:
        return np.pad(found, ((0, 0), (lack - lack // 2, lack // 2)), mode="reflect")
    return found[:, -lack // 2 : -lack // 2 + 256]


def kaldi(sound: np.ndarray, window: str) -> np.ndarray:
    """In double precision, its filters too: computed in float32 they are farther from the truth than 1e-5."""
    torch.set_default_dtype(torch.float64)
    try:
        return _kaldi(sound, window)
    finally:
        torch.set_default_dtype(torch.float32)


def _kaldi(sound: np.ndarray, window: str) -> np.ndarray:
    wave = torch.from_numpy(sound).double()[None]
    found = torchaudio.compliance.kaldi.fbank(
        wave - wave.mean(), htk_compat=True, sample_frequency=16_000, use_energy=False, window_type=window, num_mel_bins=128, dither=0.0,
        frame_shift=10,
    )  # fmt: skip
    return ((torch.nn.functional.pad(found, (0, 0, 0, 1024 - len(found))) + 4.503877) / (2 * 5.141276)).numpy()


def rml(path: Path) -> np.ndarray:
    """The middle 2.5 s at twice the rate that the stream states."""
    sound = heard(path, 22_050)
    start = (len(sound) - 110_250) // 2
    return mel(librosa.resample(sound[start : start + 110_250], orig_sr=44_100, target_sr=32_000), 32_000)


def event(path: Path) -> np.ndarray:
    return heard(path, 16_000)[START * 16_000 : END * 16_000]


# (dataset, array) -> its file, and what the libraries make of it
RECIPES: dict[tuple[str, str], tuple[str, Callable[[Path], np.ndarray]]] = {
    ("crema-d", "psd-257x299"): ("speech.wav", lambda path: psd(heard(path, 16_000), 16_000, 3, 48_000)),
    ("crema-d", "psd-257x1004"): ("speech.wav", lambda path: psd(heard(path, 22_050), 22_050, 10, 160_000)),
    ("crema-d", "mel-256x256"): ("speech.flv", lambda path: mel(heard(path, 44_100), 44_100)),
    ("ave", "psd-257x1004"): ("speech.mp4", lambda path: psd(event(path), 16_000, 4, 160_000)),
    ("kinetics-sounds", "psd-257x1004"): ("speech.mp4", lambda path: psd(heard(path, 16_000), 16_000, 2, 160_000)),
    ("kinetics-sounds", "fbank-hanning"): ("speech.mp4", lambda path: kaldi(heard(path, 16_000), "hanning")),
    ("kinetics-sounds", "fbank-hamming"): ("speech-48k.mp4", lambda path: kaldi(heard(path, 16_000), "hamming")),
    ("meld", "fbank-hamming"): ("speech.mp4", lambda path: kaldi(heard(path, 16_000), "hamming")),
    ("mm-debiased", "psd-257x1003"): ("speech-48k.mp4", lambda path: psd(heard(path, 16_000), 16_000, 2, 159_830)),
    ("rml", "mel-256x256"): ("speech.avi", rml),
    ("ssw60", "psd-257x1004"): ("speech-48k.mp4", lambda path: psd(heard(path, 16_000), 16_000, 2, 160_000)),
}
STFT = ("crema-d", "stft-257x188")
EXACT = 1e-5


def made(dataset: str, array: str, path: Path) -> np.ndarray:
    """The row that the dataset's own code makes of the file."""
    chosen = catalogue.load(dataset)
    sources = ("clips", *{a.source for a in chosen.arrays.values()})
    item = Item("speech", "", dict.fromkeys(sources, str(path)), {"start": START, "end": END, "why": "", "seconds": 8.0})
    found = chosen.make(item, [array])
    assert found.skipped == {}
    return found.arrays[array]


@pytest.mark.parametrize(("dataset", "array"), RECIPES)
def test_a_recipe_is_the_libraries(files, dataset, array):
    name, reference = RECIPES[dataset, array]
    found, expected = made(dataset, array, files / name), reference(files / name)
    assert found.shape == expected.shape == catalogue.load(dataset).arrays[array].shape
    scale = 80 if array.startswith("mel") else 1  # of dB, which range over 80
    assert np.abs(found - expected).max() < EXACT * scale


def test_ogm_ges_stft_is_librosas(files):
    sound = np.tile(heard(files / "speech.wav", 22_050), 3)[:66_150]
    found = made(*STFT, files / "speech.wav")
    assert found.shape == (257, 188)
    same_logarithms(found, np.abs(librosa.stft(sound.astype(float), n_fft=512, hop_length=353)))


def same_logarithms(found: np.ndarray, amplitude: np.ndarray) -> None:
    """Amplitudes to 1e-5; logarithms too, but for one in a thousand, where an amplitude is a hundredth of its column's loudest or
    more: in float32 a quieter one holds mostly the rounding of the loud ones."""
    assert found.shape == amplitude.shape
    assert np.abs(np.exp(found) - 1e-7 - amplitude).max() < EXACT
    clear = amplitude > 0.01 * amplitude.max(0)
    off = np.abs(found - np.log(amplitude + 1e-7))[clear]
    assert clear.mean() > 0.4
    assert np.quantile(off, 0.999) < EXACT
    assert off.max() < 10 * EXACT


WAVES = [(id, n) for id in catalogue.MODULES for n, array in catalogue.load(id).arrays.items() if array.kind == "wave"]


@pytest.mark.parametrize(("dataset", "array"), WAVES)
def test_what_the_device_makes_of_a_stored_wave_is_librosas(files, dataset, array):
    settings = catalogue.load(dataset).arrays[array].settings
    wave = np.round(heard(files / "speech.mp4", 16_000) * 32768).astype(np.int16)[: settings["window"]]
    sound = torch.from_numpy(wave).float()[None] / 32768
    if "mels" in settings:
        found = log_mel(sound, **{name: settings[name] for name in ("rate", "n_fft", "frame", "hop", "mels", "emphasis")})[0].numpy()
        np.testing.assert_allclose(found, log_mel_frames(sound[0].double().numpy(), settings), rtol=EXACT, atol=EXACT)
    else:
        found = augment.log_stft(sound, settings["n_fft"], settings["hop"])[0].numpy()
        amplitude = np.abs(librosa.stft(sound[0].double().numpy(), n_fft=settings["n_fft"], hop_length=settings["hop"]))
        same_logarithms(found, amplitude)


def log_mel_frames(sound: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Of each sample a share of the one before it is taken away; before the first comes the second."""
    sharper = sound - settings["emphasis"] * np.concatenate([sound[1:2], sound[:-1]])
    power = librosa.feature.melspectrogram(
        y=sharper, sr=settings["rate"], n_fft=settings["n_fft"], win_length=settings["frame"], hop_length=settings["hop"],
        n_mels=settings["mels"], window="hamming", htk=True, norm=None, pad_mode="reflect",
    )  # fmt: skip
    return np.log(power + 1e-6)


def test_no_recipe_is_left_out():
    every = {(id, n) for id in catalogue.MODULES for n, array in catalogue.load(id).arrays.items() if array.kind == "spectrogram"}
    assert every == {*RECIPES, STFT}
    assert ("kinetics-sounds", "wave-16k") in WAVES
