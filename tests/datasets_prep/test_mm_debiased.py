"""MM-Debiased: ids of three forms from two sources, the README's swapped examples, videos in two parts; each trait broken."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets_prep import media, mm_debiased, mm_debiased_imitation, mm_debiased_splits, spectrogram, verbs
from datasets_prep.dataset import Sources
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import LOST, Made

BOTH = ["audio", "visual"]
NAMES = [name for name, *_ in mm_debiased_imitation.CLIPS]


@pytest.fixture(scope="module")
def debiased(tmp_path_factory):
    return Made("mm-debiased", tmp_path_factory)


def sources(raw: Path) -> Sources:
    return Sources({name: raw / name if (raw / name).is_dir() else raw for name in mm_debiased.DATASET.folders})


def find(raw: Path):
    return mm_debiased.find(sources(raw), [])


def broken(debiased, *defects: str) -> Path:
    """A copy of the undamaged imitation, its clips kept and all else written anew with these defects."""
    raw = debiased.copy()
    (raw / mm_debiased_splits.FILE).unlink()
    (raw / "vggsound/vggsound.csv").unlink()
    mm_debiased_imitation.describe(raw, defects)
    return raw


def load(root):
    return store.load(root, "mm-debiased", "released", "psd-257x1003", BOTH, frames=3, frame_rule="uniform")


def paths(found) -> dict[str, str]:
    """Clip -> the raw folder in which it was found, "" where it was not."""
    return {item.key: next((p for p in ("vggsound", "kinetics-400") if f"/{p}/" in item.files["clips"]), "") for item in found.items}


def test_the_published_numbers_agree():
    counts = mm_debiased_splits.EXPECTED.counts["released"]
    assert {part: sum(of.values()) for part, of in counts.items()} == published.datasets()["mm-debiased"].splits["released"]
    assert sum(sum(of.values()) for of in counts.values()) == mm_debiased_splits.EXPECTED.rows
    assert list(mm_debiased_splits.SORTED) == sorted(mm_debiased_splits.SORTED)
    assert set(mm_debiased_splits.VGGSOUND_NAMES.values()) <= set(mm_debiased_splits.SORTED)


def test_ids_of_three_forms_meet_their_clips(debiased):
    found = find(debiased.raw())
    assert paths(found) == {name: "vggsound" if own else "kinetics-400" for name, _, _, own in mm_debiased_imitation.CLIPS}
    assert all(Path(item.files["clips"]).exists() for item in found.items)
    assert {item.key: item.group for item in found.items}["__vggfloor1_90"] == "__vggfloor1"
    forms = {item.name: (item.source, item.start) for item in mm_debiased_splits.listed(sources(debiased.raw()))}
    assert forms["-_vggbowl01_7"] == ("vggsound", 7)
    assert forms["kin_bowl-02_000017_000027"] == ("kinetics-400", 17)
    assert forms["bare-bowl_4"] == ("kinetics-400", None)


def test_parts_classes_and_a_video_in_two_parts(debiased):
    data = load(debiased.store())
    assert data.classes == mm_debiased_splits.SORTED
    assert {name: part.keys for name, part in data.parts.items()} == {
        ours: tuple(name for name, subset, *_ in mm_debiased_imitation.CLIPS if subset == theirs)
        for theirs, ours in mm_debiased_splits.PARTS.items()
    }
    assert data.parts["val"].labels.tolist() == [0, 7]
    (split,) = verbs.verify("mm-debiased", root=debiased.store()).data["splits"]
    assert {pair: overlap["groups"] for pair, overlap in split["overlap"].items()} == {"train, val": 0, "train, test": 1, "val, test": 0}


def test_sound_and_pictures_of_a_clip(debiased):
    clip = media.clip(debiased.raw() / "vggsound/video/-_vggbowl01_000007.mp4", lambda count, rate: {0, 10, 20}, sound=True)
    assert clip.sound is not None
    sound = spectrogram.resample(clip.sound.mean(0), 44_100, 16_000)
    assert len(sound) < 159_830
    part = load(debiased.store()).parts["train"]
    found = part.arrays["audio"].row(0)
    assert found.shape == (257, 1003)
    assert np.array_equal(found, spectrogram.log_psd(np.tile(sound, 4)[:159_830], 16_000))
    frames = part.arrays["visual"].row(0)
    assert frames.shape == (3, 256, 340, 3)
    assert np.array_equal(frames[2, :64, :96], media.rgb(clip.frames[20]))


def test_a_batch_is_what_a_network_takes(debiased):
    spec = {"augment": "none", "image_size": 64, "frames": 3}
    data = load(debiased.store())
    batch = batches.transformer(data, spec, torch.device("cpu"))(data.parts["test"], torch.arange(2), None, False, None)
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"audio": (2, 1, 257, 1003), "visual": (2, 3, 3, 64, 64)}


def test_vggsounds_own_csv_says_what_it_knows(debiased):
    leak = "of VGGSound's own test clips, 1 in train, 0 in val, 3 in test: an encoder that has learned on VGGSound knows the others"
    assert find(debiased.raw()).problems == [leak]
    assert find(broken(debiased, "no-csv")).problems == []
    off = "vggsound.csv has another class for 1 clips: vgg_sing_01_0 (playing banjo there, singing in the list)"
    assert find(broken(debiased, "other-label")).problems == [off, leak]


def test_either_way_of_naming_the_sources(debiased, tmp_path):
    raw = debiased.raw()
    given = [f"{name}={raw / name}" for name in ("vggsound", "kinetics-400")]
    data = verbs.prepare("mm-debiased", given, jobs=0, root=tmp_path, only=["frames"]).data
    assert (data["items"], data["skipped"], data["imitation"]) == (len(NAMES), {}, True)
    with pytest.raises(UserError, match=r"--raw vgg=.*this dataset has no source 'vgg'; it has vggsound, kinetics-400"):
        verbs.prepare("mm-debiased", [f"vgg={raw}"], root=tmp_path)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / mm_debiased_splits.FILE).write_bytes((raw / mm_debiased_splits.FILE).read_bytes())
    found = mm_debiased.find(Sources({"vggsound": raw / "vggsound"}, lists), [])
    assert found.problems[:2] == [
        "kinetics-400 is not given: name its folder with --raw kinetics-400=DIR",
        "kinetics-400: 3 of 3 listed clips are not there: kin_bowl-02_000017_000027, bare-bowl_4, kin_sing_02_000001_000011",
    ]


def test_the_released_list_is_known(debiased, monkeypatch):
    content = (debiased.raw() / mm_debiased_splits.FILE).read_bytes()
    (split,), _ = mm_debiased_splits.splits(find(debiased.raw()), sources(debiased.raw()))
    assert split.known == {"MM-Debiased.json": False}
    monkeypatch.setitem(mm_debiased_splits.KNOWN, mm_debiased_splits.FILE, hashlib.md5(content).hexdigest())
    (split,), _ = mm_debiased_splits.splits(find(debiased.raw()), sources(debiased.raw()))
    assert split.known == {"MM-Debiased.json": True}


SAME = ("unpadded", "ending", "swapped", "class-folders", "bare-files", "dot-underscore", "replacement")


@pytest.mark.parametrize("defect", SAME)
def test_what_changes_nothing(debiased, defect):
    found = find(broken(debiased, defect))
    here = paths(found)
    if defect == "swapped":  # as the README of the list has it; a video without a start is looked for in its own source alone
        assert (here["-_vggbowl01_7"], here["kin_bowl-02_000017_000027"]) == ("kinetics-400", "vggsound")
    assert [item.key for item in found.items if not Path(item.files["clips"]).exists()] == []
    assert not any("not there" in problem for problem in found.problems)
    if defect == "replacement":
        (one,) = [item for item in found.items if item.key == "kin_bowl-02_000017_000027"]
        assert "replacement" in one.files["clips"]


# ------------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("defect", LOST)
def test_what_costs_a_clip(debiased, defect):
    item = next(item for item in find(broken(debiased, defect)).items if item.key == "vggcello_01_5")
    made = mm_debiased.make(item, list(mm_debiased.ARRAYS))
    assert (made.arrays, set(made.skipped)) == ({}, set(mm_debiased.ARRAYS))
    assert all(any(why in said for why in LOST[defect].split("|")) for said in made.skipped.values())


def test_what_costs_a_part_of_a_clip(debiased):
    for defect, skipped in (("no-sound", {"psd-257x1003": "vggcello_01_000005.mp4: has no sound track"}), ("one-frame", {})):
        item = next(item for item in find(broken(debiased, defect)).items if item.key == "vggcello_01_5")
        made = mm_debiased.make(item, list(mm_debiased.ARRAYS))
        assert made.skipped == skipped
    assert len(made.arrays["frames"]) == 1


def test_a_bare_id_with_two_clips_is_not_guessed(debiased):
    found = find(broken(debiased, "several"))
    item = next(item for item in found.items if item.key == "bare-bowl_4")
    assert "kinetics-400: 1 of 3 listed clips are not there: bare-bowl_4" in found.problems
    assert mm_debiased.make(item, ["frames"]).skipped == {
        "frames": "bare-bowl_4: the list names the video alone, and there are 2 clips of it: bare-bowl_4_000003, bare-bowl_4_000050"
    }


def test_without_the_folder_of_kinetics(debiased):
    found = find(broken(debiased, "no-kinetics"))
    assert sorted(paths(found).values()).count("") == 3
    assert any(problem.startswith("kinetics-400: 3 of 3 listed clips are not there") for problem in found.problems)


REFUSED = {
    "all-missing": r"none of the 11 listed clips is there \(vggsound: 8 of 8 .*\); expected vggsound/<youtube id>",
    "lfs-pointers": r"none of the first 11 items can be used; for instance .*is a Git-LFS pointer",
    "same-key": r"two clips have one key: .*vggcello_01_000005\.mp4 and .*vggcello_01_5\.mp4",
    "no-list": r"no MM-Debiased\.json: the list says which clips belong to MM-Debiased: name the folder of .* with --lists",
    "other-json": r"MM-Debiased\.json: is not the list of MM-Debiased \(",
    "bad-id": r"MM-Debiased\.json: 'short_7' is no clip's id like ytid_17, ytid_000017_000027 or ytid",
    "other-class": r"'-_vggbowl01_7' is of subset 'training' and class 'striking bowling', expected training, validation, testing",
    "other-subset": r"'-_vggbowl01_7' is of subset 'train' and class 'bowling'",
    "id-twice": r"MM-Debiased\.json: names -_vggbowl01_7 more than once",
    "header": r"vggsound\.csv, line 1: 'ytid,start,label,split' is not",
    "unquoted": r"vggsound\.csv, line 1: .*\(a label with commas in quotes\)",
    "row-twice": r"vggsound\.csv, line 10: names vggcello_02_000006 a second time",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(debiased, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        verbs.prepare("mm-debiased", [str(broken(debiased, defect))], jobs=0, root=tmp_path, only=["frames"])
    assert not (tmp_path / "mm-debiased").exists()


def test_every_defect_is_tried_here():
    tried = {"no-sound", "one-frame", "several", "no-kinetics", "no-csv", "other-label"}
    assert set(mm_debiased_imitation.DEFECTS) == {*SAME, *LOST, *REFUSED, *tried}
