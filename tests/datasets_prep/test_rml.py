"""RML: names in every accepted form, speakers and languages kept apart, CM-VQVAE's cuts of picture and sound; each trait broken."""

from __future__ import annotations

from collections import Counter

import librosa
import numpy as np
import pytest
import torch
from PIL import Image

from datasets_prep import media, rml, rml_imitation, rml_splits, verbs
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import Made


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return Made("rml", tmp_path_factory)


def load(root, split="random", **options):
    return store.load(root, "rml", split, "mel-256x256", ["visual", "audio"], frame_rule="random", **options)


def row(root, name: str, key: str):
    data = load(root, "speakers")
    part = next(part for part in data.parts.values() if key in part.keys)
    return part.arrays[name].row(list(part.keys).index(key))


def items(raw):
    return {item.key: item for item in rml.find(rml.Sources({"": raw}), []).items}


def test_the_published_numbers_agree():
    counts = rml_splits.EXPECTED.counts["speakers"]
    assert {part: sum(of.values()) for part, of in counts.items()} == published.datasets()["rml"].splits["speakers"]
    assert {name: counts["train"][name] + counts["test"][name] for name in counts["train"]} == dict.fromkeys(counts["train"], 120)


def test_names_in_every_form_are_read(clips):
    found = items(clips.raw())
    assert len(found) == len(rml_imitation.paths()) == 24
    assert {"s1-an01", "s2-english-an01", "s2-urdu-an01", "s6-ha04", "s7-su10"} <= set(found)
    assert {key: found[key].facts["emotion"] for key in ("s1-an01", "s6-ha04", "s7-su10")} == {
        "s1-an01": "angry", "s6-ha04": "happy", "s7-su10": "surprise",
    }  # fmt: skip
    assert Counter(item.group for item in found.values()) == {"s1": 6, "s2": 6, "s6": 6, "s7": 6}


def test_the_clips_of_the_labels_that_crema_d_has_are_named(clips):
    """CM-VQVAE scores them alone, as `accuracy@shared-labels`."""
    for part in load(clips.store()).parts.values():
        named = part.extras["subset.shared-labels"]
        assert named.dtype == bool
        assert named.ravel().tolist() == [rml_splits.CLASSES["alphabetical"][label] != "surprise" for label in part.labels]


def test_frames_are_the_middle_ones_cut_to_the_face(clips):
    faces = row(clips.store(), "visual", "s1-an01")
    assert faces.shape == (45, 128, 128, 3)
    clip = media.clip(clips.raw() / rml_imitation.LONG, lambda count, rate: {8, 30, 52})
    assert clip.count == 60
    for i, frame in ((0, 8), (22, 30), (44, 52)):
        cut = media.rgb(clip.frames[frame])[25:215, 65:255]
        assert np.array_equal(faces[i], np.asarray(Image.fromarray(cut).resize((128, 128), Image.Resampling.BILINEAR)))


def test_larger_pictures_give_a_larger_square(clips):
    clip = media.clip(clips.raw() / "rml-2/s6/an 1.avi", lambda count, rate: {0})
    cut = media.rgb(clip.frames[0])[2:382, 10:390]
    expected = np.asarray(Image.fromarray(cut).resize((128, 128), Image.Resampling.BILINEAR))
    assert np.array_equal(row(clips.store(), "visual", "s6-an01")[0], expected)


def test_sound_is_five_seconds_taken_for_two_and_a_half(clips):
    sound = media.clip(clips.raw() / rml_imitation.LONG, sound=True).sound
    assert sound is not None
    sound = sound[0]
    assert np.abs(sound - rml_imitation.sound(rml_imitation.LONG)).max() < 1e-4
    start = (len(sound) - 110_250) // 2
    heard = librosa.resample(sound[start : start + 110_250], orig_sr=44_100, target_sr=32_000)
    power = librosa.feature.melspectrogram(y=heard, sr=32_000, n_fft=2048, win_length=512, hop_length=353, n_mels=256)
    decibels = librosa.power_to_db(power)
    assert decibels.shape == (256, 227)
    found = row(clips.store(), "audio", "s1-an01")
    assert np.abs(found[:, 15 : 15 + 227] - decibels).max() < 0.01
    assert np.array_equal(found[:, :15], found[:, 30:15:-1])  # the rest is reflected


def test_no_speaker_is_in_both_parts_of_speakers(clips):
    data = verbs.verify("rml", quick=True, root=clips.store()).data
    overlap = {split["name"]: split["overlap"]["train, test"]["groups"] for split in data["splits"]}
    assert overlap["speakers"] == 0
    assert overlap["random"] > 0
    assert data["unavailable"] == {}
    assert {part: set(p.groups) for part, p in load(clips.store(), "speakers").parts.items()} == {
        "train": {"s1", "s2"},
        "test": {"s6", "s7"},
    }


def test_a_batch_is_what_a_network_takes(clips):
    data = load(clips.store())
    spec = {"augment": "none", "image_size": 128, "frames": 1}
    batch = batches.transformer(data, spec, torch.device("cpu"))(data.parts["train"], torch.arange(2), None, True, torch.Generator())
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"visual": (2, 3, 128, 128), "audio": (2, 1, 256, 256)}


# ------------------------------------------------------------------------------------------------------------------ bad input

LOST = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "cut-short": "is no readable clip",
}


@pytest.mark.parametrize("defect", LOST)
def test_what_costs_a_clip(clips, defect):
    raw = clips.copy()
    rml_imitation._break(raw, defect)
    with pytest.raises(rml.Unreadable, match=rf"di1\.avi: {LOST[defect]}"):
        rml.make(items(raw)["s1-di01"], ["faces", "mel-256x256"])


def test_what_costs_a_part_of_a_clip(clips):
    raw = clips.copy()
    for defect, skipped in (
        ("no-sound", {"mel-256x256": "di1.avi: has no sound track"}),
        ("small-picture", {"faces": "di1.avi: its pictures are 320x200, expected 240 pixels of height, or at least 380x380"}),
        ("one-frame", {}),
    ):
        rml_imitation._break(raw, defect)
        made = rml.make(items(raw)["s1-di01"], ["faces", "mel-256x256"])
        assert made.skipped == skipped
        assert {*made.arrays, *skipped} == {"faces", "mel-256x256"}
    assert made.arrays["faces"].shape == (1, 128, 128, 3)


def test_what_stops_a_preparation(clips, tmp_path):
    raw = clips.copy("lfs-pointers")
    with pytest.raises(UserError, match=r"none of the first 24 items can be used; for instance .*is a Git-LFS pointer"):
        verbs.prepare("rml", [str(raw)], jobs=0, root=tmp_path)
    rml_imitation._break(raw, "same-key")
    with pytest.raises(UserError, match=r"two clips have one key: rml-1/s1/di1\.avi and rml-1/s1/di_001\.avi: remove one of each"):
        items(raw)
    with pytest.raises(UserError, match=r"no clip below a speaker's folder s1 to s8; expected rml-1/s1/an1\.avi"):
        items(tmp_path)


def test_names_that_mean_nothing_are_told(clips):
    raw = clips.copy()
    for defect in ("other-name", "dot-underscore", "all-missing"):
        if defect == "dot-underscore":
            rml_imitation.imitation.damage(raw / "rml-1/s1/fe1.avi", defect)
        else:
            rml_imitation._break(raw, defect)
    found = rml.find(rml.Sources({"": raw}), [])
    assert found.problems == ["1 clips have no emotion's name or no speaker and are left out: rml-1/s1/neutral1.avi"]
    assert len(found.items) == 11
    assert rml_splits.splits(found, rml.Sources({"": raw}))[1] == {
        "speakers": "needs rml-1 (speakers s1 to s5) and rml-2 (s6 to s8): only one of them is here"
    }


def test_a_clip_outside_and_a_clip_that_is_gone(clips):
    raw = clips.copy()
    rml_imitation._break(raw, "no-speaker")
    found = rml.find(rml.Sources({"": raw}), [])
    assert found.problems == ["1 clips have no emotion's name or no speaker and are left out: rml-1/di1.avi"]
    (raw / "rml-1/di1.avi").rename(raw / "rml-1/s1/di1.avi")
    rml_imitation._break(raw, "missing-clip")
    assert len(items(raw)) == 23


def test_capital_letters_change_nothing(clips):
    raw = clips.copy()
    rml_imitation._break(raw, "capitals")
    assert set(items(raw)) == set(items(clips.raw()))


def test_every_defect_is_tried_here():
    tried = {"no-sound", "one-frame", "small-picture", "same-key", "other-name", "no-speaker", "capitals", "lfs-pointers", "all-missing"}
    assert set(rml_imitation.DEFECTS) == {*LOST, *tried, "dot-underscore", "missing-clip"}
