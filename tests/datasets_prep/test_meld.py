"""MELD: parts whose ids repeat, times with one-digit hours, clips that are bad in every copy, sentences as vectors; each trait broken."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets_prep import doctor, media, meld, meld_imitation, meld_splits, meld_text, spectrogram, text_model, verbs
from datasets_prep.dataset import Sources
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import LOST, Made

ALL = ["audio", "visual", "text"]
HEARD = ["fbank-hamming", "frames"]


@pytest.fixture(scope="module")
def friends(tmp_path_factory):
    return Made("meld", tmp_path_factory)


def find(raw, wanted=()):
    return meld.find(Sources({"": raw}), wanted)


def load(root, split="official", preparation="fbank-frames-bert", modalities=ALL):
    return store.load(root, "meld", split, preparation, modalities, frames=3, frame_rule="uniform")


def broken(friends, *defects: str) -> Path:
    """A copy of the undamaged imitation, its clips kept and all else written anew with these defects."""
    raw = friends.copy()
    shutil.rmtree(raw / "features")
    for path in raw.rglob("*.csv"):
        path.unlink()
    meld_imitation.describe(raw, defects)
    return raw


def item(raw, key="train-dia0-utt1"):
    return next(item for item in find(raw).items if item.key == key)


def test_the_published_numbers_agree():
    counts = meld_splits.EXPECTED.counts
    totals = {name: {part: sum(of.values()) for part, of in parts.items()} for name, parts in counts.items()}
    assert totals["official"] == totals["sentiment"] == published.datasets()["meld"].splits["official"]
    assert sum(totals["official"].values()) == meld_splits.EXPECTED.rows
    for part in totals["official"]:
        assert counts["official"][part]["neutral"] == counts["sentiment"][part]["neutral"]


def test_parts_classes_and_dialogues(friends):
    data = load(friends.store())
    assert data.classes == ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 7, "val": 3, "test": 3}
    assert data.parts["train"].labels.tolist() == list(range(7))
    assert data.parts["test"].keys == ("test-dia0-utt0", "test-dia0-utt1", "test-dia155-utt3")
    assert data.parts["val"].groups == ("val-dia0", "val-dia0", "val-dia1")
    moods = load(friends.store(), "sentiment")
    assert moods.classes == ("neutral", "positive", "negative")
    assert moods.parts["train"].labels.tolist() == [0, 1, 2, 2, 1, 2, 2]


def test_the_same_id_in_three_parts_is_three_clips(friends):
    data = verbs.verify("meld", root=friends.store()).data
    assert (data["sound"], data["skipped"]) == (True, {})
    assert all(pair["groups"] == 0 for split in data["splits"] for pair in split["overlap"].values())
    parts = load(friends.store()).parts
    first = [parts[part].arrays["audio"].row(0) for part in parts]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_sound_pictures_and_sentence_of_an_utterance(friends):
    path = friends.raw() / "MELD.Raw/train/train_splits/dia0_utt0.mp4"
    clip = media.clip(path, lambda count, rate: {0, 10}, sound=True)
    assert clip.sound is not None
    assert (clip.sound.shape[0], clip.sound_rate, clip.count) == (2, 44_100, 20)
    part = load(friends.store()).parts["train"]
    sound = spectrogram.resample(clip.sound.mean(0), 44_100, 16_000)
    assert np.array_equal(part.arrays["audio"].row(0), spectrogram.fbank(sound, 16_000, "hamming"))
    frames = part.arrays["visual"].row(0)
    assert frames.shape == (2, 256, 340, 3)
    assert np.array_equal(frames[1, :54, :96], media.rgb(clip.frames[10]))
    assert np.array_equal(part.arrays["text"].row(4), meld_imitation.vector("train", 4, 768))
    glove = load(friends.store(), preparation="fbank-frames-glove").parts["test"].arrays["text"]
    assert np.array_equal(glove.row(1), meld_imitation.vector("test", 1, 300))


def test_a_batch_is_what_a_network_takes(friends):
    data = load(friends.store())
    spec = {"augment": "none", "image_size": 64, "frames": 3}
    batch = batches.transformer(data, spec, torch.device("cpu"))(data.parts["val"], torch.arange(2), None, False, None)
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {
        "audio": (2, 1, 1024, 128),
        "visual": (2, 3, 3, 64, 64),
        "text": (2, 768),
    }


def test_times_with_hours_of_one_and_two_digits(friends):
    rows = meld_splits.tables(Sources({"": friends.raw()}))
    assert [row.seconds for row in rows["train"][:2]] == [2.0, 2.0]
    assert rows["test"][2].seconds == 0.0  # as (155, 3) of the real one
    assert rows["train"][1].sentence == "“Oh, my God”, it’s train — number 1…"


def test_old_letters_blanks_and_line_ends_change_nothing(friends):
    expected = meld_splits.tables(Sources({"": friends.raw()}))
    for defect in ("old-letters", "blanks", "csv-below", "flat"):
        raw = broken(friends, defect)
        assert meld_splits.tables(Sources({"": raw})) == expected
        assert all(Path(item.files["clips"]).exists() for item in find(raw).items)


def test_the_published_csv_is_known_with_either_line_ends(tmp_path, monkeypatch):
    path, content = tmp_path / "dev_sent_emo.csv", b"a,b\r\n1,2\r\n"
    for published_as in (content, content.replace(b"\r", b"")):
        monkeypatch.setitem(meld_splits.KNOWN, path.name, hashlib.md5(published_as).hexdigest())
        for here in (content, content.replace(b"\r", b"")):
            path.write_bytes(here)
            assert meld_splits.published(path)
        path.write_bytes(content + b"3,4\r\n")
        assert not meld_splits.published(path)


def test_what_is_bad_in_every_copy_costs_no_comparability():
    listed = {"rule": "", "known": {}}
    part = {"expected": None, "listed": 2, "found": 1, "classes": {}, "trials": {}}
    for name, key, lost in (("train", "train-dia125-utt3", 0), ("val", "val-dia110-utt7", 0), ("val", "val-dia0-utt0", 1)):
        parts = {name: part | {"missing": [key]}}
        assert len(doctor._comparable(meld.DATASET, {"imitation": False}, listed, "official", parts, True)["why"]) == lost


def test_text_by_the_local_model_or_without_it(friends, tmp_path, monkeypatch, capsys):
    raw = broken(friends, "no-vectors")
    monkeypatch.setattr(text_model.importlib.util, "find_spec", lambda name: None)
    found = find(raw, list(meld.ARRAYS))
    assert "pip install 'mmbench[text]'" in found.absent["bert"]
    assert "or put vectors made elsewhere beside the csv files, as text_bert.pkl" in found.absent["bert"]
    assert found.absent["glove"] == "text_glove_average_emotion.pkl is not there"
    data = verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path).data
    assert data["made"] == HEARD
    assert "not made: bert: text needs the library transformers" in capsys.readouterr().err
    with pytest.raises(UserError, match="meld: bert cannot be made: text needs the library transformers"):
        verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path / "other", only=["fbank-frames-bert"])
    monkeypatch.setattr(text_model, "settings", lambda: {"model": "small"})
    monkeypatch.setattr(text_model, "vector", lambda sentence: np.full(768, len(sentence), np.float32))
    found = find(raw, ["bert"])
    assert (found.absent.get("bert"), found.settings["bert"]["model"], len(found.settings["bert"]["sentences"])) == (None, "small", 64)
    made = meld.make(found.items[0], ["bert"])
    assert made.arrays["bert"][0] == len(found.items[0].facts["sentence"])


def test_other_vectors_make_another_store(friends, tmp_path):
    raw = friends.copy()
    verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path, only=["bert"])
    path = raw / "features/text_bert.pkl"
    state = path.stat()
    assert verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path, only=["bert"]).data["made"] == []
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))
    assert verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path, only=["bert"]).data["made"] == ["bert"]


# ------------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("defect", LOST)
def test_what_costs_a_clip_leaves_its_sentence(friends, defect):
    made = meld.make(item(broken(friends, defect)), [*HEARD, "bert"])
    assert list(made.arrays) == ["bert"]
    assert set(made.skipped) == set(HEARD)
    assert any(why in made.skipped["frames"] for why in LOST[defect].split("|"))
    assert made.skipped["frames"].startswith("dia0_utt1.mp4: ")


def test_no_sound_one_frame_and_a_wrong_cut(friends):
    raw = friends.copy()
    meld_imitation._break(raw / "MELD.Raw", "no-sound")
    made = meld.make(item(raw), HEARD)
    assert (list(made.arrays), made.skipped) == (["frames"], {"fbank-hamming": "dia0_utt1.mp4: has no sound track"})
    meld_imitation._break(raw / "MELD.Raw", "one-frame")
    made = meld.make(item(raw), HEARD)
    assert (len(made.arrays["frames"]), made.skipped) == (1, {})
    meld_imitation._break(raw / "MELD.Raw", "wrong-cut")
    made = meld.make(item(raw), HEARD)
    assert len(made.arrays["frames"]) == 30
    assert made.notes == ["lasts 40 s, its line states 2.0 s: only its first 30 s are used"]


def test_clips_that_nobody_labelled_are_told_and_left_out(friends):
    found = find(broken(friends, "unlabelled", "dot-underscore"))
    assert len(found.items) == 13
    assert found.problems == [
        "train_splits: 2 files belong to no utterance and are left out: dia66_utt9.mp4, final_videos_testdia0_utt0.mp4"
    ]


def test_a_part_that_is_still_packed_is_named(friends):
    found = find(broken(friends, "still-packed"))
    (problem,) = found.problems
    assert problem.startswith(
        "train_splits is not there: MELD.Raw/train/train.tar.gz is still packed: name the folder that has it with --raw"
    )
    assert sum(not Path(item.files["clips"]).exists() for item in found.items) == 7


def test_the_inner_archives_are_unpacked(friends, tmp_path):
    raw = friends.copy() / "MELD.Raw"
    for part in ("train", "dev", "test"):
        with tarfile.open(raw / f"{part}.tar.gz", "w:gz", compresslevel=1) as archive:
            for folder in sorted((raw / part).iterdir()):
                archive.add(folder, folder.name)
        shutil.rmtree(raw / part)
    data = verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path, only=["frames"]).data
    assert (data["items"], data["skipped"], data["imitation"]) == (13, {}, True)


REFUSED = {
    "all-missing": r"no clip of MELD: expected MELD\.Raw/train",
    "same-key": r"two clips have one key: DIA0_UTT1\.mp4 and dia0_utt1\.mp4",
    "no-csv": r"no dev_sent_emo\.csv in it: .* name their folder with --lists",
    "other-column": r"train_sent_emo\.csv: has no column 'Emotion'; its first line is: Sr No\.,Utterance",
    "other-emotion": r"train_sent_emo\.csv, row 2: 'boredom' is none of neutral, surprise",
    "no-time": r"row 2: '20:5\d\.3' is no time like 00:20:57,256 or 0:12:43,012",
    "no-number": r"test_sent_emo\.csv, row 1: Dialogue_ID and Utterance_ID are '' and '0', expected numbers",
    "id-twice": r"train_sent_emo\.csv: names 1_2 more than once",
    "other-vectors": r"text_bert\.pkl: train 0_0 is float32 \(767,\), expected 768 finite floats",
    "other-pickle": r"text_bert\.pkl: is no list of three dictionaries",
    "malicious": r"text_bert\.pkl: was not read, it would run code: it asks for _*builtins?_*\.exec",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(friends, tmp_path, defect):
    raw = broken(friends, defect)
    with pytest.raises(UserError, match=REFUSED[defect]):
        verbs.prepare("meld", [str(raw)], jobs=0, root=tmp_path)
    assert not (tmp_path / "meld").exists()
    assert not list(raw.rglob("written"))  # what the malicious one would have made


def test_pointers_for_all_clips_stop_a_preparation(friends, tmp_path):
    with pytest.raises(UserError, match=r"none of the first 13 items can be used; for instance .*is a Git-LFS pointer"):
        verbs.prepare("meld", [str(broken(friends, "lfs-pointers"))], jobs=0, root=tmp_path, only=HEARD)


def test_a_vector_that_the_file_lacks_is_named(friends):
    raw = broken(friends, "fewer-vectors", "no-glove")
    found = find(raw, ["bert", "glove"])
    assert found.absent == {"glove": "text_glove_average_emotion.pkl is not there"}
    made = meld.make(next(item for item in found.items if item.key == "train-dia0-utt1"), ["bert"])
    assert made.skipped == {"bert": "text_bert.pkl: has no vector of 0_1"}


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "text_bert.pkl"
    path.write_bytes(meld_imitation.pickle.dumps([{"0_0": np.full(4, np.nan, np.float32)}, {}, {}]))
    with pytest.raises(UserError, match=r"train 0_0 is float32 \(4,\), expected 4 finite floats"):
        meld_text.read(path, 4)


def test_every_defect_is_tried_here():
    tried = {"no-sound", "one-frame", "wrong-cut", "flat", "still-packed", "unlabelled", "csv-below", "old-letters", "blanks"}
    tried |= {"no-vectors", "no-glove", "fewer-vectors", "lfs-pointers", "dot-underscore"}
    assert set(meld_imitation.DEFECTS) == {*LOST, *REFUSED, *tried}
