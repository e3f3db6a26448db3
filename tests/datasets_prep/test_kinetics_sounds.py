"""Kinetics-Sounds: both id styles meet one clip, 31 and 33 classes, pictures of all sizes, and each trait broken."""

from __future__ import annotations

import json

import numpy as np
import pytest

from datasets_prep import kinetics, kinetics_sounds, kinetics_sounds_imitation, kinetics_sounds_splits, media, spectrogram, verbs
from datasets_prep.kinetics import Id
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.rows import Rows
from tests.datasets_prep.conftest import Made


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return Made("kinetics-sounds", tmp_path_factory)


def row(root, name, key):
    keys = json.loads((root / "kinetics-sounds/1/index.json").read_text())["keys"]
    return Rows(root / "kinetics-sounds/1", name, "", np.arange(len(keys))).row(keys.index(key))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_dbcJuKJQNs_000040_000050", Id("_dbcJuKJQNs", 40)),
        ("-3Mwkq-7TV4_2", Id("-3Mwkq-7TV4", 2)),
        ("a_b_c_d_e_f_000001_000011", Id("a_b_c_d_e_f", 1)),
        ("a_b_c_d_1_2_123", Id("a_b_c_d_1_2", 123)),
        ("_dbcJuKJQNs", None),
        ("short_2", None),
        ("_dbcJuKJQNs_x", None),
    ],
)
def test_names_are_taken_apart_from_the_right(name, expected):
    assert kinetics.parse(name) == expected


def test_the_class_lists():
    ogm, arl = kinetics_sounds_splits.OGM, kinetics_sounds_splits.ARL
    assert (len(set(ogm)), len(set(arl))) == (31, 33)
    assert list(ogm) == sorted(ogm)
    assert set(arl) - set(ogm) == {"tying tie", "finger snapping"}
    assert (ogm[9], ogm[30], arl[0], arl[32]) == ("playing bass guitar", "tickling", "blowing nose", "playing xylophone")
    counts = kinetics_sounds_splits.EXPECTED.counts["ogm"]
    assert {part: sum(n.values()) for part, n in counts.items()} == {"train": 14_799, "test": 2_597}


def test_both_id_styles_meet_their_clips(sounds):
    data = verbs.verify("kinetics-sounds", root=sounds.store()).data
    assert data["sound"]
    assert data["skipped"] == {}
    found = {split["name"]: split for split in data["splits"]}
    sizes = {name: {p: n["found"] for p, n in split["views"][0]["parts"].items()} for name, split in found.items()}
    assert sizes == {
        "ogm": {"train": 9, "test": 3},
        "bml": {"train": 9, "val": 3, "test": 3},
        "arl": {"train": 12, "test": 4},
        "kinetics-31": {"train": 9, "val": 3, "test": 3},
    }
    assert all(o["groups"] == 0 for split in found.values() for o in split["overlap"].values())


def test_labels_of_either_class_list(sounds):
    for split, name, number in (("ogm", "playing violin", 20), ("arl", "tying tie", 7)):
        part = store.load(sounds.store(), "kinetics-sounds", split, "fbank-hanning", ["audio"]).parts["train"]
        videos = {video for video, _, of, label in kinetics_sounds_imitation.clips() if (of, label) == ("train", name)}
        assert {group for group, label in zip(part.groups, part.labels, strict=True) if label == number} == videos


def test_recipes_start_from_16_khz_mono(sounds):
    video, start, *_ = kinetics_sounds_imitation.clips()[0]
    key = f"{video}_{start:06}"
    clip = media.clip(sounds.raw() / "k400/train" / f"{key}_{start + 10:06}.mp4", sound=True)
    assert clip.sound is not None
    assert (clip.sound.shape[0], clip.sound_rate) == (2, 44_100)
    sound = spectrogram.resample(clip.sound.mean(0), 44_100, 16_000)
    for window in ("hanning", "hamming"):
        assert np.array_equal(row(sounds.store(), f"fbank-{window}", key), spectrogram.fbank(sound, 16_000, window))
    psd = row(sounds.store(), "psd-257x1004", key)
    assert np.array_equal(psd, spectrogram.log_psd(spectrogram.tiled(sound, 1, 160_000), 16_000))
    wave = row(sounds.store(), "wave-16k", key)
    assert 160_000 <= len(wave) < 320_000
    assert len(wave) % len(sound) == 0
    assert np.abs(wave[: len(sound)] / 32768 - sound).max() <= 0.5 / 32768 + 1e-7
    assert np.array_equal(wave[: len(sound)], wave[len(sound) : 2 * len(sound)])


def test_pictures_fit_the_canvas_and_keep_their_aspect(sounds):
    part = store.load(sounds.store(), "kinetics-sounds", "arl", "fbank-hanning", ["visual"], frames=3, frame_rule="uniform").parts["train"]
    sizes = {tuple(size) for size in part.arrays["visual"].sizes(np.arange(len(part))).tolist()}
    assert sizes == {(64, 96), (212, 340), (160, 120)}
    assert set(part.arrays["visual"].counts(np.arange(len(part))).tolist()) == {3}
    assert part.arrays["visual"].row(0).shape == (3, 256, 340, 3)


# ------------------------------------------------------------------------------------------------------ each trait, broken

SAME = ("class-folders", "start-only", "bare-ids", "old-csv", "dot-underscore", "replacement", "one-frame")
BROKEN = {
    "lfs-pointers": "none of the first 19 items can be used; for instance .*Git-LFS pointer",
    "all-missing": "none of the 19 listed clips is there; expected k400/",
    "same-key": "two clips have one key: train/.* and val/|two clips have one key: .*train/.*val/",
    "label-31": "my_train.txt, line 2: label 31, but the 31 classes have the labels 0 to 30",
    "bad-id": "my_test.txt, line 1: 'short_2,10,0' is not 'id,10,label'",
    "other-json": "KS_train_val.json: is not BML's list",
    "no-lists": "no list says which clips belong to Kinetics-Sounds: .*--lists .*my_train.txt",
}
SKIPPED = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "missing-clip": "is not there",
    "cut-short": "is no readable clip|is cut short",
    "no-sound": "has no sound track",
}
WITHOUT = {"no-ogm": "ogm", "no-bml": "bml", "no-annotations": "arl"}


@pytest.mark.parametrize("defect", SAME)
def test_what_changes_nothing(sounds, tmp_path, defect):
    data = sounds.prepare(tmp_path, defect, only=["fbank-hanning"]).data
    assert data["skipped"] == {}
    assert data["items"] == 19
    if defect not in ("one-frame", "bare-ids"):
        key = json.loads((tmp_path / "kinetics-sounds/1/index.json").read_text())["keys"][3]
        assert np.array_equal(row(tmp_path, "fbank-hanning", key), row(sounds.store(), "fbank-hanning", key))


@pytest.mark.parametrize("defect", BROKEN)
def test_what_stops_a_preparation(sounds, tmp_path, defect):
    with pytest.raises(UserError, match=BROKEN[defect]):
        sounds.prepare(tmp_path, defect)
    assert not (tmp_path / "kinetics-sounds").exists()


@pytest.mark.parametrize("defect", SKIPPED)
def test_what_costs_a_clip(sounds, tmp_path, defect):
    raw = sounds.copy()
    kinetics_sounds_imitation._break(raw / "k400", defect)
    data = verbs.prepare("kinetics-sounds", [str(raw)], jobs=0, root=tmp_path, only=["fbank-hanning"]).data
    (lost,) = data["skipped"].values()
    assert set(lost) == ({"fbank-hanning"} if defect == "no-sound" else {"fbank-hanning", "frames"})
    assert any(word in lost["fbank-hanning"] for word in SKIPPED[defect].split("|"))


@pytest.mark.parametrize("defect", WITHOUT)
def test_each_list_gives_its_own_splits(sounds, tmp_path, defect):
    answer = sounds.prepare(tmp_path, defect, only=["fbank-hanning"])
    lost = WITHOUT[defect]
    assert lost in answer.data["unavailable"]
    assert lost not in {split["name"] for split in answer.data["splits"]}
    assert f"split {lost} is not there: needs" in answer.text


def test_every_defect_is_tried_here():
    assert set(kinetics_sounds.DATASET.defects) == {*SAME, *BROKEN, *SKIPPED, *WITHOUT}


def test_losses_are_counted_against_the_list(sounds, tmp_path):
    text = sounds.prepare(tmp_path, "missing-clip", only=["fbank-hanning"]).text
    assert "8 of 9 training items found" in text or "11 of 12 training items found" in text
