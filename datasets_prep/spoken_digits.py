"""Spoken digits from espeak-ng -> 8-bit log-mel spectrograms, as they ship with the stand-ins.

    python -m datasets_prep.spoken_digits FILE.npz

Every sound is one of the English words "zero" to "nine". Other languages' numerals would make ten classes of many words
each, and other languages' voices read English words by their own spelling rules: both blur what a class is, and these
stand-ins need a sound that tells its class clearly. So variety comes from eight English accents, sixty voice variants,
five pitches and seven speeds. A *voice* is a variant (formants, voicing, breath, roughness), whatever accent it speaks;
forty are for training and twenty, which resemble none of the forty closely, are for tests. There is no random number.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from mmbench.errors import UserError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# "en" is British: espeak-ng 1.51 ignores the variant after "en-gb".
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-us-nyc", "en-gb-x-gbcwmd", "en-029")
PITCHES = (30, 40, 50, 60, 70)  # espeak-ng's scale, 0 to 99
SPEEDS = (125, 140, 155, 170, 185, 200, 215)  # words a minute
TAKES = 5  # sounds of one word by one voice

# Left out: variants that set a language or a speed of their own, jokes, and near copies of one listed here.
TRAIN_VOICES = (
    "Alex", "Andrea", "Diogo", "Hugo", "Jacky", "Lee", "Mario", "Michael", "Mike", "adam",
    "anika", "antonio", "belinda", "boris", "croak", "david", "edward", "f1", "f2", "f4",
    "f5", "grandma", "iven", "john", "kaukovalta", "m1", "m3", "m4", "m5", "m6",
    "max", "miguel", "norbert", "pablo", "quincy", "robert", "travis", "m8", "whisper", "zac",
)  # fmt: skip
TEST_VOICES = (
    "Alicia", "Andy", "Annie", "Denis", "Gene", "Nguyen", "aunty", "ed", "f3", "gustave",
    "linda", "m2", "m7", "marcelo", "paul", "pedro", "sandro", "shelby", "steph", "victor",
)  # fmt: skip

RATE = 16_000  # Hz
SPOKEN_RATE = 22_050  # Hz, what espeak-ng writes
FRAMES, HOP, WINDOW, MELS = 32, 320, 512, 32  # 32 frames of 20 ms: 0.64 s
FLOOR = 80.0  # dB below the loudest point: the value 0; the loudest is 255


@dataclass(frozen=True)
class Sound:
    digit: int
    voice: str
    accent: str
    pitch: int
    speed: int

    @property
    def key(self) -> str:
        """`7-m3-en-gb-p50-s170`."""
        return f"{self.digit}-{self.voice}-{self.accent}-p{self.pitch}-s{self.speed}"


def sounds(voices: tuple[str, ...]) -> Iterator[Sound]:
    """Every sound of these voices: TAKES per word. All ten words share a voice's accents, pitches and speeds."""
    for number, voice in enumerate(voices):
        for take in range(TAKES):
            n = number * TAKES + take
            accent, pitch, speed = ACCENTS[n % len(ACCENTS)], PITCHES[(number + 2 * take) % len(PITCHES)], SPEEDS[n % len(SPEEDS)]
            for digit in range(len(WORDS)):
                yield Sound(digit, voice, accent, pitch, speed)


def program() -> str:
    """Version of the installed espeak-ng ("1.51"). UserError where there is none."""
    if shutil.which("espeak-ng") is None:
        raise UserError("espeak-ng is not installed: install the Debian package espeak-ng (only needed to make the sounds anew)")
    said = subprocess.run(["espeak-ng", "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"text-to-speech: (\S+)", said)
    return found.group(1) if found else "unknown"


def wave(sound: Sound) -> np.ndarray:
    """The spoken word: float64 samples in -1..1 at 16 kHz, silence cut off at both ends."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "word.wav"
        voice = f"{sound.accent}+{sound.voice}"
        command = ["espeak-ng", "-v", voice, "-p", str(sound.pitch), "-s", str(sound.speed), "-w", str(file), WORDS[sound.digit]]
        subprocess.run(command, check=True, capture_output=True)
        rate, samples = wavfile.read(file)
    if rate != SPOKEN_RATE:
        raise UserError(
            f"espeak-ng wrote {rate} Hz for {sound.key}, expected {SPOKEN_RATE}: it is not the version these sounds were made with"
        )
    samples = resample_poly(samples / 32768.0, 320, 441)  # 22,050 * 320 / 441 = 16,000
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """Samples at 16 kHz -> MELS x FRAMES uint8: mel power in dB below the loudest point, from -80 dB (0) to 0 dB (255).

    Cut or filled with silence to 0.64 s; row 0 is the lowest band.
    """
    import librosa  # slow to import, and only needed here

    length = (FRAMES - 1) * HOP  # centred frames: one more than full hops
    samples = np.pad(samples, (0, max(0, length - len(samples))))[:length]
    power = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS)
    decibels = librosa.power_to_db(power, ref=np.max, top_db=FLOOR)
    return np.round((decibels + FLOOR) * (255 / FLOOR)).astype(np.uint8)


def prepare(file: Path) -> None:
    """Make all sounds and write `file` (numpy archive) and, beside it, its sha256 in the form of `sha256sum`.

    Arrays of parts P in {train, test}: `P` N x MELS x FRAMES uint8, `P_labels` N uint8, `P_voices` and `P_keys` N strings;
    and `program`, the version of espeak-ng.
    """
    if file.suffix != ".npz":
        raise UserError(f"{file}: the archive's name must end in .npz")
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {"program": np.array(program())}
    for part, voices in (("train", TRAIN_VOICES), ("test", TEST_VOICES)):
        made = list(sounds(voices))
        arrays[part] = np.stack([spectrogram(wave(sound)) for sound in made])
        arrays[f"{part}_labels"] = np.array([sound.digit for sound in made], np.uint8)
        arrays[f"{part}_voices"] = np.array([sound.voice for sound in made])
        arrays[f"{part}_keys"] = np.array([sound.key for sound in made])
    np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_suffix(".sha256").write_text(f"{checksum}  {file.name}\n")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="synthesise the spoken digits that ship with the stand-ins")
    arguments.add_argument("file", type=Path, help="the archive to write, ending in .npz")
    try:
        prepare(arguments.parse_args().file)
    except UserError as error:
        arguments.error(str(error))
