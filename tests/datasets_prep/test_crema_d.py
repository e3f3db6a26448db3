"""CREMA-D: the real lists give the facts' counts; each trait of the layout, broken, is named; rows are what was in the clips."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from datasets_prep import crema_d, crema_d_splits, folders, spectrogram, verbs
from datasets_prep import lists as readers
from datasets_prep.dataset import Found, Item, Sources
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.rows import Rows


def rows(root, name):
    folder = root / "crema-d" / "1"
    return Rows(folder, name, "", np.arange(len(keys(root)))), keys(root)


def keys(root):
    return json.loads((root / "crema-d" / "1" / "index.json").read_text())["keys"]


def row(root, name, key):
    found, names = rows(root, name)
    return found.row(names.index(key))


# ------------------------------------------------------------------------------------------------------------ the real lists


@pytest.fixture(scope="module")
def real(lists):
    folder = lists / "crema-d"
    names = [line["Filename"] for line in readers.table(folder / "SentenceFilenames.csv", ["Filename"])]
    found = Found([Item(name, name[:4], {}) for name in sorted(names)])
    made, lacking = crema_d_splits.splits(found, Sources({"": folder}, folder))
    return {split.name: split for split in made}, lacking, names


def test_the_real_tables_have_the_counts_of_the_facts(real):
    _, _, names = real
    assert len(names) == 7442
    assert all(re.fullmatch(crema_d.NAME, name) for name in names)
    assert len({name[:4] for name in names}) == 91
    assert Counter(map(crema_d_splits.emotion, names)) == {"ANG": 1271, "DIS": 1271, "FEA": 1271, "HAP": 1271, "SAD": 1271, "NEU": 1087}


def test_the_real_ogm_lists_are_known_and_counted(real):
    splits, lacking, names = real
    ogm = splits["ogm"]
    assert ogm.known == {"train.csv": True, "test.csv": True}
    for part, (items, labels) in ogm.parts.items():
        assert Counter(labels) == crema_d_splits.EXPECTED.counts["ogm"][part]
        assert set(items) <= set(names)
    assert [len(ogm.parts[p][0]) for p in ("train", "test")] == [6698, 744]
    assert {name[:4] for name in ogm.parts["test"][0]} == {name[:4] for name in names}  # every actor is in both
    assert [len(splits["ogm-val"].parts[p][0]) for p in ("train", "val", "test")] == [6028, 670, 744]
    assert set(lacking) == {"cmvqvae"}
    assert set(crema_d_splits.EXPECTED.known_bad) <= set(ogm.parts["train"][0])


def test_real_speakers_are_apart(real):
    splits, _, names = real
    parts = {part: {name[:4] for name in items} for part, (items, _) in splits["speaker-independent"].parts.items()}
    assert {part: len(actors) for part, actors in parts.items()} == {"train": 64, "val": 9, "test": 18}
    assert not parts["train"] & parts["test"]
    assert sum(len(items) for items, _ in splits["speaker-independent"].parts.values()) == len(names)


# ------------------------------------------------------------------------------------------------------------- what is stored


def test_the_four_recipes_are_the_released_ones(crema):
    root, key = crema.store(), "1001_DFA_ANG_XX"
    sound, rate = soundfile.read(crema.raw() / "CREMA-D/AudioWAV" / f"{key}.wav", dtype="float32")
    assert rate == 16_000
    up = spectrogram.resample(sound, 16_000, 22_050)
    assert np.allclose(row(root, "stft-257x188", key), spectrogram.log_stft(spectrogram.tiled(up, 3, 66_150), 512, 353))
    assert np.allclose(row(root, "psd-257x299", key), spectrogram.log_psd(spectrogram.tiled(sound, 3, 48_000), 16_000))
    assert np.allclose(row(root, "psd-257x1004", key), spectrogram.log_psd(spectrogram.tiled(up, 10, 160_000), 22_050))
    with av.open(str(crema.raw() / "CREMA-D/VideoFlash" / f"{key}.flv")) as clip:
        heard = np.concatenate([frame.to_ndarray() for frame in clip.decode(audio=0)], 1)
    expected = spectrogram.mel_decibels(heard.mean(0), 44_100, n_fft=2048, window=512, hop=353, mels=256, columns=256)
    assert np.allclose(row(root, "mel-256x256", key), expected, atol=1e-3)
    assert {name: rows(root, name)[0].dtype for name in ("stft-257x188", "middle")} == {"stft-257x188": np.float32, "middle": np.uint8}


def test_frames_are_the_middle_the_first_and_the_faces(crema):
    root, key = crema.store(), "1001_DFA_ANG_XX"
    with av.open(str(crema.raw() / "CREMA-D/VideoFlash" / f"{key}.flv")) as clip:
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert len(frames) == 18
    assert np.array_equal(row(root, "middle", key), frames[9])
    assert np.array_equal(row(root, "frames", key), frames[:1])
    faces = row(root, "faces", key)
    assert faces.shape == (18, 128, 128, 3)
    assert np.abs(faces[3].astype(int).mean((0, 1)) - frames[3][:280, 100:380].mean((0, 1))).max() < 1


@pytest.mark.parametrize(("count", "first", "last"), [(76, 23, 53), (30, 0, 29), (31, 0, 30), (32, 1, 31), (1, 0, 0)])
def test_the_faces_lie_about_the_middle(count, first, last):
    assert crema_d.middle(count) == list(range(first, last + 1))


def test_bad_clips_are_named_and_cost_only_what_they_lack(crema):
    data = verbs.verify("crema-d", root=crema.store()).data
    assert data["sound"]
    assert data["skipped"] == {"1076_MTI_NEU_XX": {"mel-256x256": "VideoFlash/1076_MTI_NEU_XX.flv: has no sound track"}}
    assert data["notes"] == {"1076_MTI_SAD_XX": ["the sound is silence"]}
    assert set(data["known_bad"]) == {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX"}
    assert row(crema.store(), "faces", "1076_MTI_SAD_XX").shape == (1, 128, 128, 3)


def test_both_label_orders(crema):
    options = {"root": crema.store(), "dataset": "crema-d", "split": "ogm", "preparation": "psd-257x299", "modalities": ["audio"]}
    ours, theirs = store.load(**options), store.load(**options, order="alphabetical")
    assert ours.classes == ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
    assert theirs.classes == ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
    for data in (ours, theirs):
        part = data.parts["train"]
        assert [data.classes[i] for i in part.labels] == [key.split("_")[2] for key in part.keys]
    assert ours.fingerprint != theirs.fingerprint


def test_splits_of_the_imitation(crema):
    data = verbs.verify("crema-d", root=crema.store()).data
    found = {split["name"]: split for split in data["splits"]}
    assert set(found) == {"ogm", "ogm-val", "cmvqvae", "speaker-independent", "hash-90-10"}
    assert found["ogm"]["known"] == {"train.csv": False, "test.csv": False}
    assert not data["comparable"]
    assert all("it is an imitation" in view["why"] for split in data["splits"] for view in split["views"])
    assert found["ogm"]["overlap"]["train, test"]["groups"] == 3
    assert found["speaker-independent"]["overlap"]["train, test"]["groups"] == 0


# ------------------------------------------------------------------------------------------------------ each trait, broken

BROKEN = {  # refused before any work
    "lfs-pointers": r"none of the first \d+ items can be used; for instance .*Git-LFS pointer.*git lfs pull",
    "all-missing": "no folder 'VideoFlash' in it; expected CREMA-D/AudioWAV.*there is: AudioWAV",
    "same-key": "two clips have one key: 1001_DFA_FEA_XX.wav and 1001_dfa_fea_xx.wav",
    "wrong-label": "train.csv, line 1: clip .* is listed as",
    "listed-twice": "test.csv: names .* more than once",
}
SKIPPED = {  # one clip is lost, by name; None: nothing is
    "lfs-pointer": "AudioWAV/1001_DFA_FEA_XX.wav: is a Git-LFS pointer, not the file: run 'git lfs pull' in that folder",
    "error-page": "VideoFlash/1001_IEO_DIS_HI.flv: is a web page saved in place of the file: download it again",
    "zero-bytes": "AudioWAV/1001_DFA_FEA_XX.wav: is empty (0 bytes)",
    "missing-clip": "AudioWAV/1001_DFA_FEA_XX.wav: is not there",
    "cut-short": "VideoFlash/1001_IEO_DIS_HI.flv: ends after 0.0 of 0.6 s: it is cut short",
    "no-sound": "VideoFlash/1001_IEO_DIS_HI.flv: has no sound track",
    "small-picture": "VideoFlash/1001_IEO_DIS_HI.flv: its pictures are 320x240, expected 480x360",
    "one-frame": None,
    "dot-underscore": None,
    "case-changed": None,
    "lf-lists": None,
}
ONLY = ["middle", "faces", "psd-257x299", "mel-256x256"]


@pytest.mark.parametrize("defect", BROKEN)
def test_what_stops_a_preparation(crema, tmp_path, defect):
    with pytest.raises(UserError, match=BROKEN[defect]):
        crema.prepare(tmp_path, defect)
    assert not (tmp_path / "crema-d").exists()


@pytest.mark.parametrize("defect", SKIPPED)
def test_what_costs_a_clip(crema, tmp_path, defect):
    raw = crema.copy()
    crema_d.crema_d_imitation._break(raw / "CREMA-D", defect)
    data = verbs.prepare("crema-d", [str(raw)], jobs=0, root=tmp_path, only=["faces"] if SKIPPED[defect] is None else ()).data
    reasons = {why for clip, of in data["skipped"].items() if not clip.startswith("1076_MTI") for why in of.values()}
    expected = SKIPPED[defect]
    assert len(reasons) == (expected is not None)
    if expected is not None:
        assert next(iter(reasons)).startswith(expected)
    assert data["items"] == 26


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train_videos.pkl", 7, r"train_videos\.pkl: is no list of paths"),
        ("val_labels.pkl", {"a": 1}, r"val_labels\.pkl: is not eight lists of 5 labels each"),
        ("test_videos.pkl", Path("x"), r"test_videos\.pkl: was not read, it would run code: it asks for pathlib\."),
    ],
)
def test_cmvqvaes_lists_that_are_none(crema, name, content, says):
    raw = crema.copy()
    (raw / "lists/data_cremad" / name).write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=says):
        crema_d_splits.splits(Found([]), Sources({"": raw}))


def test_every_defect_is_tried_here():
    elsewhere = {"unknown-clip", "no-lists"}
    assert set(crema_d.DATASET.defects) == {*BROKEN, *SKIPPED} | elsewhere


def test_a_list_may_name_what_does_not_exist_and_verify_says_so(crema, tmp_path):
    crema.prepare(tmp_path, "unknown-clip", only=["psd-257x299"])
    answer = verbs.verify("crema-d", root=tmp_path)
    view = next(s for s in answer.data["splits"] if s["name"] == "ogm")["views"][0]
    assert view["parts"]["train"]["missing"] == ["1099_DFA_SAD_XX"]
    assert "20 of 21" in answer.text
    assert "1099_DFA_SAD_XX missing" in answer.text


def test_without_lists_there_are_the_rules_and_the_way_to_the_lists(crema, tmp_path):
    with pytest.raises(UserError, match=r"split 'ogm' of crema-d: needs train\.csv and test\.csv from .*--lists"):
        crema.prepare(tmp_path, "no-lists", split="ogm")
    data = crema.prepare(tmp_path, "no-lists", only=["psd-257x299"], split="speaker-independent").data
    assert [split["name"] for split in data["splits"]] == ["speaker-independent", "hash-90-10"]
    assert set(data["unavailable"]) == {"ogm", "ogm-val", "cmvqvae"}
    again = verbs.prepare(
        "crema-d", [str(crema.raw("no-lists"))], lists=str(crema.raw() / "lists"), jobs=0, root=tmp_path, only=["psd-257x299"]
    )
    assert again.data["made"] == []
    assert {"ogm", "cmvqvae"} <= {split["name"] for split in again.data["splits"]}
    assert again.data["unavailable"] == {}


def test_a_wrong_folder_says_what_was_expected_and_what_is_there(tmp_path):
    (tmp_path / "raw/VideoMP4").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no folder 'AudioWAV' in it; expected CREMA-D/AudioWAV/1001_DFA_ANG_XX.wav.*there is: VideoMP4"):
        verbs.prepare("crema-d", [str(tmp_path / "raw")], jobs=0, root=tmp_path)
    with pytest.raises(UserError, match="there is no such folder"):
        verbs.prepare("crema-d", [str(tmp_path / "nowhere")], jobs=0, root=tmp_path)
    with pytest.raises(UserError, match="--raw DIR is missing"):
        verbs.prepare("crema-d", [], jobs=0, root=tmp_path)
    with pytest.raises(UserError, match="has no source 'wav'"):
        verbs.prepare("crema-d", [f"wav={tmp_path}"], jobs=0, root=tmp_path)


def test_a_copy_in_one_of_several_places_is_found(crema):
    for raw in (crema.raw(), crema.raw() / "CREMA-D"):
        found = crema_d.find(folders.sources([str(raw)], [""], None), ["middle", "psd-257x299"])
        assert len(found.items) == 26
        assert not found.problems
