"""Tiny clips in the true formats, and the ways in which real ones are broken, for `mmbench data imitate` and the tests.

An imitation is marked by a file, so that a store made of it says so and never feeds a verdict on a printed number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from PIL import Image

from datasets_prep.media import encoder
from mmbench.errors import UserError, nearest

MARK = "IMITATION.txt"
SAYS = "Written by 'mmbench data imitate': not real data. A store made of it can never feed a verdict on a printed number.\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>Quota exceeded</title></head><body>Too many users have viewed this file.</body></html>\n"


def mark(folder: Path) -> None:
    (folder / MARK).write_text(SAYS)


def marked(folders: Iterable[Path]) -> bool:
    """Is any of these raw folders, or the one around it, an imitation?"""
    return any((place / MARK).exists() for folder in folders for place in (folder, folder.parent))


def start(folder: Path, defects: Sequence[str], known: Mapping[str, str]) -> None:
    """Check the names of the defects and make the folder, which must be empty: an imitation never mixes with real files."""
    for defect in defects:
        if defect not in known:
            raise UserError(f"unknown defect '{defect}'{nearest(defect, known)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is not empty: name a new folder for the imitation")
    folder.mkdir(parents=True, exist_ok=True)
    mark(folder)


def stream(*names: object) -> np.random.Generator:
    """Random numbers that depend on the names alone."""
    return np.random.default_rng(list(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:16]))


def tone(name: str, label: int, rate: int, seconds: float) -> np.ndarray:
    """A sound that tells its class by its pitch: float32, harmonics and hiss."""
    rng, t = stream(name, "sound"), np.arange(int(rate * seconds)) / rate
    pitch = 150.0 * 1.25 ** (label % 12)
    found = sum(np.sin(2 * np.pi * pitch * k * t + rng.uniform(0, 6)) / k for k in (1, 2, 3)) * 0.15 + 0.01 * rng.standard_normal(len(t))
    return np.asarray(found, np.float32)


def pictures(name: str, label: int, count: int, width: int, height: int) -> np.ndarray:
    """Frames that tell their class by a bright stripe; count x height x width x 3 uint8."""
    rng = stream(name, "picture")
    small = rng.integers(40, 160, (6, 8, 3), np.uint8)
    ground = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    found = np.repeat(ground[None], count, 0)
    for i in range(count):
        left = (label * width // 12 + i) % max(1, width - 16)
        found[i, :, left : left + 16] = (250, 30 * (label % 8), 20)
    return found


def wav(path: Path, sound: np.ndarray, rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), sound, rate, subtype="PCM_16")


def clip(
    path: Path, frames: np.ndarray | None, rate: int, sound: np.ndarray | None = None, sound_rate: int = 44_100,
    codecs: tuple[str, str] = ("mpeg4", "aac"), channels: int = 2,
) -> None:  # fmt: skip
    """A container by the path's suffix: count x H x W x 3 uint8 at `rate` frames a second, and mono sound on all channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    container: Any
    with av.open(str(path), "w") as container:
        video = heard = None
        if frames is not None:
            video = container.add_stream(encoder(codecs[0]), rate=Fraction(rate))
            video.height, video.width, video.pix_fmt, video.bit_rate = *frames.shape[1:3], "yuv420p", 600_000
            video.codec_context.thread_count = 1  # the same bytes on every machine
            if codecs[0] == "libx264":
                video.options = {"preset": "ultrafast"}
        if sound is not None:
            heard = container.add_stream(encoder(codecs[1]), rate=sound_rate)
            heard.layout = "stereo" if channels == 2 else "mono"
            if codecs[1] == "aac":
                heard.options = {"aac_coder": "fast"}
        if video is not None and frames is not None:
            for frame in frames:
                container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(video.encode())
        if heard is not None and sound is not None:
            _hear(container, heard, sound, sound_rate, channels)


def _hear(container: Any, heard: Any, sound: np.ndarray, rate: int, channels: int) -> None:
    planes = np.repeat(sound[None], channels, 0)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=heard.layout.name)
    frame.sample_rate, frame.pts = rate, 0
    container.mux(heard.encode(frame))
    container.mux(heard.encode())


def jpg(path: Path, picture: np.ndarray) -> None:
    """H x W x 3 or H x W, uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=90)


def pointer(path: Path) -> None:
    """Put a Git-LFS pointer in a file's place, as a zip or a clone without LFS has it."""
    content = path.read_bytes()
    path.write_text(POINTER.format(digest=hashlib.sha256(content).hexdigest(), size=len(content)))


BREAK: dict[str, Callable[[Path], object]] = {
    "lfs-pointer": pointer,
    "error-page": lambda path: path.write_text(PAGE),
    "zero-bytes": lambda path: path.write_bytes(b""),
    "dot-underscore": lambda path: path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07" + bytes(60)),
    "missing-clip": lambda path: path.unlink(),
    "cut-short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 50]),
}  # defects of one file that every dataset can have

GENERAL = {
    "lfs-pointer": "a clip is a Git-LFS pointer, as in a zip or a clone without LFS",
    "lfs-pointers": "all clips are Git-LFS pointers",
    "error-page": "a web page is saved in place of a clip",
    "zero-bytes": "a clip has 0 bytes",
    "dot-underscore": "a '._' file of a Mac lies beside a clip",
    "missing-clip": "a listed clip is not there",
    "cut-short": "a clip ends in its middle",
    "all-missing": "one of the raw folders is not there",
}


def damage(path: Path, defect: str) -> None:
    BREAK[defect](path)
