"""PennAction: frames by number, joints by the picture's size, the split from each clip's file; each trait broken."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from datasets_prep import pennaction, pennaction_imitation, pennaction_splits, verbs
from datasets_prep.pennaction_imitation import HEIGHT, LONG, WIDTH, action, is_train, joints, length
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import Made

KEYS = [f"{n:04}" for n in range(1, 19)]


@pytest.fixture(scope="module")
def penn(tmp_path_factory):
    return Made("pennaction", tmp_path_factory)


def load(root, **options):
    return store.load(root, "pennaction", "official", "frame-pose-100", ["color", "pose"], frame_rule="random", **options)


def test_the_published_numbers_agree():
    assert sum(pennaction_splits.ACTIONS.values()) == pennaction_splits.EXPECTED.rows == 2326
    assert pennaction_splits.EXPECTED.totals["official"] == published.datasets()["pennaction"].splits["official"]
    assert sorted(pennaction_splits.ACTIONS) == list(pennaction_splits.ACTIONS)  # jump_rope before jumping_jacks


def test_the_split_and_the_classes_are_those_of_the_files(penn):
    data = load(penn.store())
    assert {name: list(part.keys) for name, part in data.parts.items()} == {
        "train": [k for k in KEYS if is_train(k)],
        "test": [k for k in KEYS if not is_train(k)],
    }
    for part in data.parts.values():
        assert [data.classes[label] for label in part.labels] == [action(key) for key in part.keys]


@pytest.mark.parametrize("key", ["0001", LONG[0]])
def test_joints_are_shares_of_the_picture(penn, key):
    part = load(penn.store()).parts["train" if is_train(key) else "test"]
    found = part.arrays["pose"][[list(part.keys).index(key)]][0]
    x, y = joints(key)
    steps = [int((i + 0.5) * length(key) / 100) for i in range(100)] if key == LONG[0] else list(range(length(key)))
    assert np.allclose(found[: len(steps), 0::2], x[steps] / WIDTH, atol=1e-6)
    assert np.allclose(found[: len(steps), 1::2], y[steps] / HEIGHT, atol=1e-6)
    assert not found[len(steps) :].any()
    assert not found[:, 8:10].any()  # what cannot be seen stays 0
    assert (found[: len(steps), 10] > 1).all()  # what is beyond the picture stays there


@pytest.mark.parametrize("key", ["0001", "0010", LONG[0]])
def test_the_kept_frames_hold_the_middle_one(penn, key):
    part = load(penn.store()).parts["train" if is_train(key) else "test"]
    frames = part.arrays["color"].row(list(part.keys).index(key))
    assert frames.shape == (min(15, length(key)), 256, 256, 3)
    middle = penn.raw() / f"Penn_Action/frames/{key}/{length(key) // 2 + 1:06}.jpg"
    with Image.open(middle) as picture:
        assert np.array_equal(frames[len(frames) // 2], np.asarray(picture.resize((256, 256), Image.Resampling.BILINEAR)))


def test_a_batch_is_what_a_network_takes(penn):
    data = load(penn.store())
    run = batches.transformer(data, {"augment": "none", "image_size": 256, "frames": 1}, torch.device("cpu"))
    batch = run(data.parts["train"], torch.arange(3), None, True, torch.Generator())
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"color": (3, 3, 256, 256), "pose": (3, 100, 26)}


def test_pictures_are_ordered_by_number_and_not_by_the_folder(tmp_path):
    for name in ("000010.jpg", "000009.jpg", "2.jpg", "._000001.jpg", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in pennaction.pictures(tmp_path)] == ["2.jpg", "000009.jpg", "000010.jpg"]


# ------------------------------------------------------------------------------------------------------------------ bad input

BROKEN = {
    "lfs-pointers": r"none of the first 18 items can be used; for instance 0001: labels/\d+\.mat: is a Git-LFS pointer",
    "all-missing": "no folder 'labels' in it; expected Penn_Action/frames",
}
SKIPPED = {
    "lfs-pointer": r"labels/0002.mat: is a Git-LFS pointer",
    "error-page": "frames/0002/000001.jpg: is a web page",
    "zero-bytes": "frames/0002/000001.jpg: is empty",
    "missing-clip": "frames/0002: is not there",
    "no-pictures": "frames/0002: holds no picture",
    "missing-label": "labels/0002.mat: is not there",
    "cut-short": "labels/0002.mat: ends at byte",
    "cut-picture": "frames/0002/000001.jpg: is no whole picture",
    "joints-14": "labels/0002.mat: 'x' is (8, 14), expected (any, 13)",
    "bowling": "labels/0002.mat: action is 'bowling', none of the 15 known ones",
}
NOTED = {
    "nframes": ["nframes says 11, the pictures 8", "dimensions"],
    "other-size": ["dimensions says (36, 48), the pictures (36, 56)"],
}


@pytest.mark.parametrize("defect", BROKEN)
def test_what_stops_a_preparation(penn, tmp_path, defect):
    raw = penn.copy()
    pennaction_imitation._break(raw / "Penn_Action", defect)
    with pytest.raises(UserError, match=BROKEN[defect]):
        verbs.prepare("pennaction", [str(raw)], jobs=0, root=tmp_path)


@pytest.mark.parametrize("defect", SKIPPED)
def test_what_costs_a_clip(penn, defect):
    raw = penn.raw(defect) if defect in ("joints-14", "bowling") else penn.copy()
    pennaction_imitation._break(raw / "Penn_Action", defect)
    found = pennaction.find(pennaction.Sources({"": raw}), [])
    items = {item.key: item for item in found.items}
    with pytest.raises(pennaction.Unreadable) as raised:
        pennaction.make(items["0002"], ["frames", "pose"])
    assert str(raised.value).startswith(SKIPPED[defect])
    (official,), _ = pennaction_splits.splits(found, pennaction.Sources({"": raw}))
    assert ("0002" in official.parts["train"][0]) == (not SKIPPED[defect].startswith("labels"))
    assert set(pennaction.make(items["0001"], ["pose"]).arrays) == {"pose"}


@pytest.mark.parametrize("defect", NOTED)
def test_what_is_noted(penn, tmp_path, defect):
    raw = penn.raw(defect)
    items = {item.key: item for item in pennaction.find(pennaction.Sources({"": raw}), []).items}
    notes = pennaction.make(items["0002"], ["pose"]).notes
    assert notes[0] == NOTED[defect][0]
    assert pennaction.make(items["0001"], ["pose"]).notes == []


def test_copies_in_circulation_read_alike(penn, tmp_path):
    data = penn.prepare(tmp_path, "unsigned", "zero-test", "dot-underscore", only=["pose"]).data
    assert data["skipped"] == {}
    parts = data["splits"][0]["views"][0]["parts"]
    assert Counter({p: n["listed"] for p, n in parts.items()}) == {"train": 12, "test": 6}
    assert (parts["train"]["expected"], data["splits"][0]["views"][0]["why"][1:]) == (
        1258,
        ["train lists 12 items, 1,258 are published", "test lists 6 items, 1,068 are published"],
    )


def test_every_defect_is_tried_here():
    assert set(pennaction_imitation.DEFECTS) == {*BROKEN, *SKIPPED, *NOTED, "unsigned", "zero-test", "dot-underscore"}
