"""UCF-101: the official lists, both spellings of HandstandPushups, three streams, and each trait broken."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest

from datasets_prep import lists as readers
from datasets_prep import optical_flow, ucf101, ucf101_imitation, ucf101_splits, verbs
from datasets_prep.dataset import Found, Item, Sources
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.rows import Rows
from tests.datasets_prep.conftest import Made


@pytest.fixture(scope="module")
def ucf(tmp_path_factory):
    return Made("ucf101", tmp_path_factory)


def row(root, name, key):
    keys = json.loads((root / "ucf101/1/index.json").read_text())["keys"]
    return Rows(root / "ucf101/1", name, "", np.arange(len(keys))).row(keys.index(key))


# ------------------------------------------------------------------------------------------------------------ the real lists


@pytest.fixture(scope="module")
def real(lists):
    sources = Sources({"": lists / "ucf101"}, lists / "ucf101")
    keys = sorted(ucf101_splits.listed(sources))
    made, lacking = ucf101_splits.splits(Found([Item(key, "", {}) for key in keys]), sources)
    assert lacking == {}
    return {split.name: split for split in made}, keys


def test_the_real_lists_are_known_and_counted(real, lists):
    splits, keys = real
    assert len(keys) == 13_320
    for name, test in (("ucf01", 3783), ("ucf02", 3734), ("ucf03", 3696)):
        assert set(splits[name].known.values()) == {True}
        assert {part: len(items) for part, (items, _) in splits[name].parts.items()} == {"train": 13_320 - test, "test": test}
        for part, (_, labels) in splits[name].parts.items():
            assert {c: labels.count(c) for c in ucf101_splits.NAMES} == ucf101_splits.EXPECTED.counts[name][part]
    assert readers.md5(lists / "ucf101/classInd.txt") in ucf101_splits.KNOWN["classInd.txt"]
    assert tuple(line.split()[1] for line in readers.lines(lists / "ucf101/classInd.txt")) == ucf101_splits.NAMES


def test_the_rule_by_groups_gives_the_official_parts(real):
    splits, _ = real
    for number in (1, 2, 3):
        official, rule = splits[f"ucf0{number}"], splits[f"groups-0{number}"]
        assert {p: set(items) for p, (items, _) in official.parts.items()} == {p: set(items) for p, (items, _) in rule.parts.items()}
        groups = {p: {key.rpartition("_")[0] for key in items} for p, (items, _) in official.parts.items()}
        assert not groups["train"] & groups["test"]


def test_the_two_class_orders_differ_in_two_pairs():
    official, plain = ucf101_splits.CLASSES["official"], ucf101_splits.CLASSES["sorted"]
    assert len(set(official)) == 101
    moved = [(a, b) for a, b in zip(official, plain, strict=True) if a != b]
    assert [a for a, _ in moved] == ["Hammering", "HammerThrow", "JumpingJack", "JumpRope"]


def test_the_real_lists_in_the_small_s_spelling(tmp_path, lists):
    for name in ("trainlist01.txt", "testlist01.txt"):
        text = (lists / "ucf101" / name).read_text().replace("v_HandStand", "v_Handstand")
        (tmp_path / name).write_text(text, newline="\n")
    made, _ = ucf101_splits.splits(Found([]), Sources({"": tmp_path}))
    assert made[0].known == {"trainlist01.txt": True, "testlist01.txt": True}
    assert len(made[0].parts["test"][0]) == 3783


# ------------------------------------------------------------------------------------------------------------- what is stored


def test_pictures_a_second_apart_and_what_follows_them(ucf):
    root, key = ucf.store(), "v_HandstandPushups_g01_c01"
    with av.open(str(ucf.raw() / "UCF-101/HandstandPushups/v_HandStandPushups_g01_c01.avi")) as clip:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)])
    assert len(frames) == 27
    assert np.array_equal(row(root, "rgb", key), frames[[0, 25]])
    difference = frames[[1, 26]].astype(int) - frames[[0, 25]]
    assert np.abs(row(root, "diff", key) - (128 + difference / 2)).max() <= 0.5
    assert row(root, "diff", key).std() > 1
    flow = row(root, "flow", key)
    assert flow.shape == (2, 256, 342, 2)
    base = int(ucf101_imitation.imitation.stream("v_HandStandPushups_g01_c01", "flow").integers(90, 110))
    assert flow[:, 16, 20].tolist() == [[base + 1, base + 79], [base + 26, base + 54]]
    assert not flow[:, 32:].any()
    assert not flow[:, :, 40:].any()


@pytest.mark.parametrize(("index", "count", "expected"), [(0, 9, (0, 1)), (8, 9, (7, 8)), (7, 9, (7, 8)), (0, 1, (0, 0)), (0, 2, (0, 1))])
def test_the_next_frame_at_the_ends(index, count, expected):
    assert ucf101.pair(index, count) == expected


def test_the_reader_sees_three_streams_and_the_size_of_the_flow(ucf):
    data = store.load(ucf.store(), "ucf101", "ucf01", "frames-tvl1", ["rgb", "flow", "diff"], frames=3, frame_rule="uniform")
    part = data.parts["test"]
    assert data.classes[part.labels[-1]] == "HandstandPushups"
    index = np.array([0, 5])
    assert part.arrays["rgb"].counts(index).tolist() == [2, 2]
    assert part.arrays["flow"].sizes(index).tolist() == [[32, 40], [32, 40]]
    assert part.arrays["rgb"].sizes(index).tolist() == [[240, 320], [240, 320]]
    assert part.groups[0] == "ApplyEyeMakeup_g01"


def test_either_flow_archive_gives_the_same(ucf, tmp_path):
    ucf.prepare(tmp_path, "one-tree", only=["flow"])
    key = "v_Hammering_g08_c01"
    assert np.array_equal(row(tmp_path, "flow", key), row(ucf.store(), "flow", key))
    meta = [json.loads((root / "ucf101/1/meta.json").read_text())["arrays"]["flow"]["settings"] for root in (tmp_path, ucf.store())]
    assert [m["source"] for m in meta] == ["rawframes", "tvl1_flow"]


def test_computed_flow_follows_the_motion(ucf, tmp_path):
    try:
        optical_flow._solver()
    except UserError:
        with pytest.raises(UserError, match=r"neither tvl1_flow/ nor rawframes/.*mmbench\[flow\].*--only rgb --only diff"):
            ucf.prepare(tmp_path, "no-flow")
        pytest.skip("OpenCV's TV-L1 flow is not installed (mmbench[flow]); only its absence was tested")
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(0, 255, (20, 25)), np.ones((6, 6))).astype(np.uint8)
    moved = np.roll(ground, (2, 3), (0, 1))
    flow = optical_flow.compute(ground, moved)[20:-20, 20:-20]
    assert np.abs(np.median(flow, (0, 1)) - (3, 2)).max() < 0.5
    data = ucf.prepare(tmp_path, "no-flow", only=["flow"]).data
    assert data["skipped"] == {}
    assert row(tmp_path, "flow", "v_Hammering_g01_c01").shape == (2, 256, 342, 2)


def test_flow_is_quantised_as_in_the_archives():
    flow = np.array([[-30.0, -20.0, 0.0, 1.0, 20.0, 30.0]])
    assert optical_flow.quantised(flow).tolist() == [[0, 0, 128, 134, 255, 255]]


# ------------------------------------------------------------------------------------------------------ each trait, broken

BROKEN = {
    "lfs-pointers": r"none of the first 20 items can be used; for instance .*Git-LFS pointer",
    "all-missing": "no folder 'UCF-101' in it; expected UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    "no-v": r"tvl1_flow: no folder 'v' in it",
    "wrong-number": "trainlist01.txt, line 1: ApplyEyeMakeup has number 1 in classInd.txt, not 0",
}
CLIP = "Hammering/v_Hammering_g02_c01.avi"
SKIPPED = {
    "lfs-pointer": f"{CLIP}: is a Git-LFS pointer",
    "error-page": f"{CLIP}: is a web page",
    "zero-bytes": f"{CLIP}: is empty",
    "missing-clip": f"{CLIP}: is not there",
    "cut-short": f"{CLIP}: ",
    "small-picture": f"{CLIP}: its pictures are not 320x240",
    "flow-clip-missing": "u/v_Hammering_g02_c01: is not there",
    "flow-page": "v_Hammering_g02_c01/frame000001.jpg: is a web page",
    "one-frame": None,
    "dot-underscore": None,
    "strange-file": None,
    "one-spelling": None,
}


@pytest.mark.parametrize("defect", BROKEN)
def test_what_stops_a_preparation(ucf, tmp_path, defect):
    with pytest.raises(UserError, match=BROKEN[defect]):
        ucf.prepare(tmp_path, defect)
    assert not (tmp_path / "ucf101").exists()


@pytest.mark.parametrize("defect", SKIPPED)
def test_what_costs_a_clip(ucf, tmp_path, defect):
    raw = ucf.copy() if defect != "one-spelling" else ucf.raw(defect)
    ucf101_imitation._break(raw, defect)
    data = verbs.prepare("ucf101", [str(raw)], jobs=0, root=tmp_path).data
    expected = SKIPPED[defect]
    assert list(data["skipped"]) == ([] if expected is None else ["v_Hammering_g02_c01"])
    if expected is not None:
        lost = data["skipped"]["v_Hammering_g02_c01"]
        assert set(lost) == ({"flow"} if "flow" in defect else {"rgb", "diff", "flow"})
        assert expected in next(iter(lost.values()))
    assert data["items"] == 20


def test_every_defect_is_tried_here():
    assert set(ucf101.DATASET.defects) == {*BROKEN, *SKIPPED} | {"one-tree", "no-flow", "cut-down", "no-lists"}


def test_cut_down_lists_are_told_from_the_real_ones(ucf, tmp_path):
    answer = ucf.prepare(tmp_path, "cut-down", only=["rgb"])
    assert "frames-tvl1 without flow, diff" in answer.text
    split = next(s for s in answer.data["splits"] if s["name"] == "ucf01")
    assert split["known"] == {"trainlist01.txt": False, "testlist01.txt": False}
    assert split["views"][0]["parts"]["test"]["classes"]["Hammering"] == {"listed": 0, "found": 0, "expected": 33}


def test_without_lists_the_groups_are_the_split(ucf, tmp_path):
    data = ucf.prepare(tmp_path, "no-lists").data
    assert [s["name"] for s in data["splits"]] == ["groups-01", "groups-02", "groups-03"]
    assert "name their folder with --lists" in data["unavailable"]["ucf01"]
