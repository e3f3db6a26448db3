"""Decoding: frames are counted, the right ones kept, sound of any layout read, half files refused."""

from __future__ import annotations

import av
import numpy as np
import pytest

from datasets_prep import imitation, media
from datasets_prep.media import Unreadable

FORMATS = {"a.flv": ("flv1", "libmp3lame"), "a.avi": ("mpeg4", "pcm_s16le"), "a.mp4": ("libx264", "aac"), "a.mkv": ("mpeg4", "aac")}


def written(path, count=20, width=64, height=48, rate=10, seconds=2.0, sound_rate=44_100, channels=2):
    """Frame i has brightness 10 i."""
    frames = np.repeat(np.arange(count, dtype=np.uint8)[:, None, None, None] * 10, height, 1).repeat(width, 2).repeat(3, 3)
    sound = (0.4 * np.sin(2 * np.pi * 440 * np.arange(int(sound_rate * seconds)) / sound_rate)).astype(np.float32) if seconds else None
    imitation.clip(path, frames, rate, sound, sound_rate, FORMATS[path.name], channels)
    return path


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_container_gives_its_frames_and_its_sound(tmp_path, name, channels):
    path = written(tmp_path / name, channels=channels)
    clip = media.clip(path, lambda count, rate: {0, count // 2, count - 1}, sound=True)
    assert (clip.count, clip.rate, clip.sound_rate) == (20, 10, 44_100)
    assert sorted(clip.frames) == [0, 10, 19]
    for i, frame in clip.frames.items():
        assert abs(media.rgb(frame).mean() - 10 * i) < 8
    assert clip.sound is not None
    assert clip.sound.shape[0] == channels
    assert 2.0 <= clip.sound.shape[1] / 44_100 < 2.2
    middle = clip.sound.mean(0)[20_000:60_000]
    assert abs(np.sqrt((middle**2).mean()) - 0.4 / np.sqrt(2)) < 0.02
    spectrum = np.abs(np.fft.rfft(middle))
    assert abs(spectrum.argmax() * 44_100 / len(middle) - 440) < 2


def test_a_container_that_states_other_numbers_of_frames_is_counted_by_decoding(tmp_path, monkeypatch):
    """Delayed frames, lost packets: the choice is made again with what was decoded."""
    path = written(tmp_path / "a.mp4")
    asked = []

    def pick(count, rate):
        asked.append(count)
        return {count // 2}

    real = media._pictures
    monkeypatch.setattr(media, "_pictures", lambda stream, packets, wanted: real(stream, packets[:8], wanted))
    clip = media.clip(path, pick)
    assert asked[0] == 20
    assert set(asked[1:]) == {8}
    assert list(clip.frames) == [4]


def test_upright_pictures_are_turned_and_large_ones_fitted(tmp_path):
    frame = av.VideoFrame.from_ndarray(np.zeros((360, 640, 3), np.uint8), format="rgb24")
    assert media.fitted(frame).shape == (191, 340, 3)
    tall = av.VideoFrame.from_ndarray(np.zeros((640, 360, 3), np.uint8), format="rgb24")
    assert media.fitted(tall).shape == (256, 144, 3)
    small = av.VideoFrame.from_ndarray(np.zeros((50, 60, 3), np.uint8), format="rgb24")
    assert media.fitted(small).shape == (50, 60, 3)
    canvas = media.on_canvas(np.full((2, 50, 60, 3), 7, np.uint8))
    assert canvas.shape == (2, 256, 340, 3)
    assert (canvas[:, :50, :60] == 7).all()
    assert canvas.sum() == 2 * 50 * 60 * 3 * 7


class Turned:
    """A picture with a quarter turn in its metadata, as telephones write it."""

    rotation, width, height = 90, 8, 4


def test_a_turned_picture_is_shown_upright(monkeypatch):
    picture = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    scaler = type("Scaler", (), {"reformat": lambda self, frame, **_: type("F", (), {"to_ndarray": lambda self: picture})()})()
    monkeypatch.setattr(media, "_scaler", lambda: scaler)
    assert np.array_equal(media.rgb(Turned()), np.rot90(picture))


@pytest.mark.parametrize(
    ("count", "rate", "expected"), [(75, 30, [0, 30, 60]), (75, 29.97, [0, 29, 58]), (1, 30, [0]), (5, 0, [0]), (3, 0.5, [0, 1, 2])]
)
def test_one_frame_a_second_as_the_released_script_counts_it(count, rate, expected):
    assert media.per_second(count, rate) == expected


def test_what_is_no_clip_says_why(tmp_path):
    path = written(tmp_path / "a.flv", seconds=0)
    with pytest.raises(Unreadable, match="has no sound track"):
        media.clip(path, sound=True)
    assert media.clip(path, lambda count, rate: {0}, sound=True).sound is None
    only_sound = tmp_path / "a.mp4"
    imitation.clip(only_sound, None, 10, np.zeros(44_100, np.float32), codecs=FORMATS["a.mp4"])
    with pytest.raises(Unreadable, match="has no picture"):
        media.clip(only_sound, lambda count, rate: {0})
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(Unreadable, match="is no readable clip"):
        media.clip(tmp_path / "noise.mp4", sound=True)


@pytest.mark.parametrize("name", FORMATS)
def test_half_a_clip_is_refused(tmp_path, name):
    path = written(tmp_path / name, seconds=2.0)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 4])
    with pytest.raises(Unreadable, match=r"cut short|is no readable clip"):
        media.clip(path, lambda count, rate: {0}, sound=True)


def test_waves(tmp_path):
    stereo = np.stack([np.full(100, 0.5), np.full(100, -0.25)], 1)
    imitation.wav(tmp_path / "a.wav", stereo, 8_000)
    sound, rate = media.wave(tmp_path / "a.wav")
    assert rate == 8_000
    assert np.allclose(sound, 0.125, atol=1e-4)
    imitation.wav(tmp_path / "empty.wav", np.zeros(0), 8_000)
    with pytest.raises(Unreadable, match="holds no sound"):
        media.wave(tmp_path / "empty.wav")
    (tmp_path / "noise.wav").write_bytes(b"RIFFnoise" * 10)
    with pytest.raises(Unreadable, match="is no readable sound file"):
        media.wave(tmp_path / "noise.wav")
