"""Clips as they come: PyAV for containers, soundfile for waves. Decoders use one thread; frames are counted by decoding."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import av
import av.codec.codec
import av.error
import av.video.reformatter
import numpy as np
import soundfile

from datasets_prep.lists import strange
from mmbench.errors import UserError

BOX = (340, 256)  # width and height that pictures of changing size are fitted into
LARGEST = 512 * 2**20  # bytes of a clip: more is no clip of these datasets, and would not fit the memory bound


class Unreadable(Exception):
    """A clip that cannot be used; the text is the reason, without the clip's name."""


@dataclass(frozen=True)
class Clip:
    """frames: index -> picture as decoded; count: decoded frames; rate: frames a second as the container says;
    sound: channels x n float32 in -1..1, or None without a sound track; sound_rate: Hz."""

    frames: dict[int, Any]
    count: int
    rate: float
    sound: np.ndarray | None
    sound_rate: int


def content(path: str | Path) -> bytes:
    """The file's bytes. Unreadable for what is visibly no clip, UserError where the file system fails."""
    path = Path(path)
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MB")
    found = path.read_bytes()
    if why := strange(found[:1024]):
        raise Unreadable(why)
    return found


def wave(path: str | Path) -> tuple[np.ndarray, int]:
    """A sound file: mono float32 in -1..1, and its rate in Hz."""
    content_check(path)
    try:
        found, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Unreadable(f"is no readable sound file ({str(error).split(': ')[-1].rstrip('.')})") from None
    if not len(found):
        raise Unreadable("holds no sound (0 samples)")
    return found.mean(1), int(rate)


def content_check(path: str | Path) -> None:
    with Path(path).open("rb") as handle:
        if why := strange(handle.read(1024)):
            raise Unreadable(why)


Pick = Callable[[int, float], Collection[int]]


def clip(path: str | Path, pick: Pick | None = None, sound: bool = False) -> Clip:
    """Decode what is needed of a clip. pick(count, rate) -> which frames to keep, called with the number of frames.

    The packets are counted first; should decoding give another number, and so another choice, the clip is decoded once more.
    Packets that cannot be decoded are passed over, as players do; a clip of which nothing is left is Unreadable.
    """
    content_check(path)
    if Path(path).stat().st_size > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MB")
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            return _decoded(container, pick, sound)
    except av.error.FFmpegError as error:
        raise Unreadable(f"is no readable clip ({error.strerror})") from None


def _decoded(container: Any, pick: Pick | None, sound: bool) -> Clip:
    video = container.streams.video[0] if pick and container.streams.video else None
    audio = container.streams.audio[0] if sound and container.streams.audio else None
    if pick and video is None:
        raise Unreadable("has no picture")
    if sound and audio is None and not pick:
        raise Unreadable("has no sound track")
    if video is not None:
        video.thread_type, video.codec_context.thread_count = "NONE", 1
    packets = [p for p in container.demux([*container.streams.video[:1], *container.streams.audio[:1]]) if p.size]
    _whole(container, packets)
    rate = float(video.average_rate or video.guessed_rate or 0) if video is not None else 0.0
    frames, count = {}, 0
    if video is not None and pick is not None:
        shown = [p for p in packets if p.stream is video]
        wanted = set(pick(len(shown), rate))
        frames, count = _pictures(video, shown, wanted)
        if count and set(pick(count, rate)) != wanted:
            container.seek(0)
            video.codec_context.flush_buffers()
            shown = [p for p in container.demux(video) if p.size]
            frames, count = _pictures(video, shown, set(pick(count, rate)))
        if not count:
            raise Unreadable("has no frame that can be decoded")
    heard = _sound(audio, [p for p in packets if p.stream is audio]) if audio is not None else None
    return Clip(frames, count, rate, heard, audio.rate if audio is not None else 0)


def _whole(container: Any, packets: list[Any]) -> None:
    """Unreadable where sound and picture both end long before the length that the file states: half a download. (An AVI without its
    end states a length that fits what is there, and the number of frames that it should have.)"""
    ends = [float((p.pts if p.pts is not None else p.dts) * p.time_base) for p in packets if p.pts is not None or p.dts is not None]
    counted = [s.frames / float(s.average_rate) for s in container.streams.video[:1] if s.frames and s.average_rate]
    stated = max([(container.duration or 0) / av.time_base, *counted])
    if stated and (not ends or max(ends) + 0.3 < 0.7 * stated):
        raise Unreadable(f"ends after {max(ends, default=0):.1f} of {stated:.1f} s: it is cut short")


def _each(stream: Any, packets: list[Any]) -> Any:
    """Decoded frames of these packets, the delayed ones at the end; broken packets give none."""
    for packet in [*packets, None]:
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            continue


def _pictures(stream: Any, packets: list[Any], wanted: set[int]) -> tuple[dict[int, Any], int]:
    kept, count = {}, 0
    for frame in _each(stream, packets):
        if count in wanted:
            kept[count] = frame
        count += 1
    return kept, count


def _sound(stream: Any, packets: list[Any]) -> np.ndarray | None:
    """Channels x n float32; None where nothing can be decoded."""
    pieces = []
    for frame in _each(stream, packets):
        piece = frame.to_ndarray()
        if not frame.format.is_planar:
            piece = piece.reshape(-1, len(frame.layout.channels)).T
        if piece.dtype.kind != "f":
            least = float(np.iinfo(piece.dtype).min)
            piece = piece / np.float32(-least) if least else (piece - np.float32(128)) / 128
        pieces.append(piece)
    return np.concatenate(pieces, 1).astype(np.float32) if pieces else None


@cache
def _scaler() -> Any:
    return av.video.reformatter.VideoReformatter()


def rgb(frame: Any, width: int = 0, height: int = 0) -> np.ndarray:
    """H x W x 3 uint8, upright; scaled to width x height where given."""
    found = _scaler().reformat(frame, width=width or None, height=height or None, format="rgb24", interpolation="BILINEAR").to_ndarray()
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(found, turns)) if turns else found


def fitted(frame: Any, box: tuple[int, int] = BOX) -> np.ndarray:
    """H x W x 3 uint8, made smaller, never larger, so that it fits into the box (width, height); upright; aspect kept."""
    turned = round(getattr(frame, "rotation", 0) / 90) % 2
    width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
    scale = min(1.0, box[0] / width, box[1] / height)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    return rgb(frame, height, width) if turned else rgb(frame, width, height)


def on_canvas(pictures: np.ndarray, box: tuple[int, int] = BOX) -> np.ndarray:
    """T x H x W x C in the top left corner of T x box height x box width x C; zeros elsewhere."""
    canvas = np.zeros((len(pictures), box[1], box[0], pictures.shape[3]), pictures.dtype)
    canvas[:, : pictures.shape[1], : pictures.shape[2]] = pictures
    return canvas


def per_second(count: int, rate: float) -> list[int]:
    """Frames 0, r, 2r, ... with r the whole part of the frame rate: what the OGM-GE lineage's script keeps at one a second."""
    return list(range(0, count, max(1, int(rate)) if rate > 0 else 25))


def per_second_of(count: int, rate: float) -> set[int]:
    """The same, as a choice for `clip`."""
    return set(per_second(count, rate))


def encoder(name: str) -> str:
    """The name, if this build of FFmpeg has the encoder; only imitations need one."""
    try:
        av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        raise UserError(f"this PyAV has no encoder '{name}': install the wheel of package 'av' from the usual index") from None
    return name
