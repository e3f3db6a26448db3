"""NYUv2: axes put right, numbers from 1, void kept apart, the class maps of the user's files; both ready copies; each trait broken."""

from __future__ import annotations

import tracemalloc

import h5py
import numpy as np
import pytest
import torch

from datasets_prep import folders, nyuv2, nyuv2_imitation, nyuv2_splits
from datasets_prep.dataset import Found, Item, Sources
from mmbench import batches
from mmbench.datasets import store
from mmbench.errors import Blocked, UserError
from tests.datasets_prep.conftest import Made

SIZE = 256


@pytest.fixture(scope="module")
def nyu(tmp_path_factory):
    return Made("nyuv2", tmp_path_factory)


def nearest(picture: np.ndarray) -> np.ndarray:
    """Another way to the nearest pixel: the one under each target's centre."""
    rows, columns = (((np.arange(SIZE) + 0.5) * n / SIZE).astype(int) for n in picture.shape[:2])
    return picture[rows][:, columns]


# ------------------------------------------------------------------------------------------------------------ the real lists


@pytest.fixture(scope="module")
def real(lists):
    return Sources({"": lists / "nyuv2"})


def test_the_real_split_and_its_counts(real):
    (official, _), lacking = nyuv2_splits.splits(Found([Item(f"{i:04}", "", {}) for i in range(1, 1450)]), real)
    assert lacking == {}
    assert official.known == {"splits.mat": True}
    parts = {part: keys for part, (keys, _) in official.parts.items()}
    assert {part: len(keys) for part, keys in parts.items()} == {"train": 795, "test": 654}
    assert sorted([*parts["train"], *parts["test"]]) == [f"{i:04}" for i in range(1, 1450)]
    assert {part: {"room": len(keys)} for part, keys in parts.items()} == nyuv2_splits.COUNTS


def test_the_real_class_maps(real):
    maps = nyuv2_splits.maps(real)
    assert {name: nyuv2_splits.lists.md5(path) == nyuv2_splits.KNOWN[name] for name, path in maps.items()} == dict.fromkeys(maps, True)
    assert len(maps) == 2
    forty, thirteen = nyuv2_splits.mapping(40, maps), nyuv2_splits.mapping(13, maps)
    assert [len(forty), forty[0], thirteen[0]] == [895, 255, 255]
    assert set(forty[1:].tolist()) == set(range(40))
    assert set(thirteen[1:].tolist()) == set(range(13))
    pairs = {(nyuv2_splits.FORTY[a], nyuv2_splits.THIRTEEN[b]) for a, b in zip(forty[1:], thirteen[1:], strict=True)}
    assert len(pairs) == 40
    assert {("bed", "bed"), ("bathtub", "objects"), ("floor mat", "floor"), ("television", "tv"), ("door", "wall")} <= pairs


# ------------------------------------------------------------------------------------------------------------- what is stored


def test_axes_numbers_and_classes_are_put_right(nyu):
    data = store.load(nyu.store(), "nyuv2", "official", "classes-40", ["color", "depth"])
    assert data.classes == nyuv2_splits.FORTY
    assert data.parts["train"].keys == tuple(f"{n:04}" for n in nyuv2_imitation.TRAIN)
    assert data.parts["train"].groups[:3] == ("kitchen_0004", "kitchen_0004", "bedroom_0010")
    part, number = data.parts["test"], 4
    at = part.keys.index(f"{number:04}")
    colour, depth, labels = nyuv2_imitation.picture(number)
    assert np.array_equal(part.labels[at], nearest(nyuv2_imitation.classes(labels, 40)))
    assert np.abs(part.arrays["color"][[at]][0].astype(int)[..., :2] - nearest(colour)[..., :2]).max() <= 2
    assert np.abs(part.arrays["depth"][[at]][0, 0] - nearest(depth) / 10).max() < 2e-3
    assert (part.labels == 255).any()
    assert (part.labels[part.labels != 255] < 40).all()


def test_thirteen_classes_are_another_preparation(nyu):
    data = store.load(nyu.store(), "nyuv2", "official", "classes-13", ["color"])
    assert data.classes == nyuv2_splits.THIRTEEN
    _, _, labels = nyuv2_imitation.picture(1)
    assert np.array_equal(data.parts["train"].labels[0], nearest(nyuv2_imitation.classes(labels, 13)))


def test_a_batch_is_what_a_network_takes(nyu):
    data = store.load(nyu.store(), "nyuv2", "official", "classes-40", ["color", "depth"])
    spec = {"augment": "none", "image_size": SIZE}
    batch = batches.transformer(data, spec, torch.device("cpu"))(data.parts["train"], torch.arange(2), None, True, torch.Generator())
    assert {m: (tuple(x.shape), x.dtype) for m, x in batch.inputs.items()} == {
        "color": ((2, 3, SIZE, SIZE), torch.float32),
        "depth": ((2, 1, SIZE, SIZE), torch.float32),
    }
    assert batch.labels.shape == (2, SIZE, SIZE)
    stored = torch.from_numpy(data.parts["train"].arrays["color"][[0, 1]]).permute(0, 3, 1, 2) / 255
    assert torch.allclose(batch.inputs["color"], stored)  # no second resize


def test_small_takes_pictures(nyu):
    small = store.load(nyu.store(), "nyuv2", "official", "classes-40", ["color"], small=2)
    assert [len(part) for part in small.parts.values()] == [2, 2]


def test_the_whole_file_is_never_in_memory(tmp_path):
    """A file of the true shapes, 2.8 GB if anything were in it: indexed, and its first and last picture read."""
    (tmp_path / "raw").mkdir()
    with h5py.File(tmp_path / "raw" / nyuv2.FILE, "w") as file:
        for name, shape, dtype in (("images", (1449, 3), "u1"), ("labels", (1449,), "u2"), ("depths", (1449,), "f4")):
            file.create_dataset(name, (*shape, 640, 480), dtype, chunks=(1,) * len(shape) + (640, 480))
    tracemalloc.start()
    found = nyuv2.find(Sources({"": tmp_path / "raw"}), ["color", "depth"])
    for item in (found.items[0], found.items[-1]):
        nyuv2.make(item, ["color", "depth"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [found.items[0].key, found.items[-1].key, len(found.items)] == ["0001", "1449", 1449]
    assert peak < 50e6


# -------------------------------------------------------------------------------------------------------------- ready copies


def test_mtans_copy_has_thirteen_classes(nyu, tmp_path, capsys):
    nyu.prepare(tmp_path, "mtan")
    assert "not made: labels-40: MTAN's copy has 13 classes alone" in capsys.readouterr().err
    data = store.load(tmp_path, "nyuv2", "official", "classes-13", ["color", "depth"])
    colour, depth, labels = (value[:288, :384] for value in nyuv2_imitation.picture(2))
    part = data.parts["train"]
    assert part.keys[1] == "train-0001"  # the second of the training pictures
    assert np.array_equal(part.labels[1], nearest(nyuv2_imitation.classes(labels, 13)))
    assert np.abs(part.arrays["depth"][[1]][0, 0] - nearest(depth) / 10).max() < 2e-3
    assert np.abs(part.arrays["color"][[1]][0].astype(int)[..., 0] - nearest(colour)[..., 0]).max() <= 2
    with pytest.raises(Blocked, match="unknown array of labels of nyuv2 'labels-40'"):
        store.load(tmp_path, "nyuv2", "official", "classes-40", ["color"])
    with pytest.raises(UserError, match="labels-40 cannot be made: MTAN's copy has 13 classes alone"):
        nyu.prepare(tmp_path, "mtan", only=["classes-40"])


def test_the_png_copy_gives_the_same_pictures(nyu, tmp_path):
    nyu.prepare(tmp_path, "png")
    for preparation in ("classes-40", "classes-13"):
        made, expected = (
            store.load(r, "nyuv2", "official", preparation, ["color", "depth"]).parts["test"] for r in (tmp_path, nyu.store())
        )
        assert made.keys == tuple(f"test-{key}" for key in expected.keys)
        assert np.array_equal(made.labels, expected.labels)
        assert np.array_equal(made.arrays["color"].whole(), expected.arrays["color"].whole())
        assert np.abs(made.arrays["depth"].whole() - expected.arrays["depth"].whole()).max() <= 0.5e-4 + 1e-6  # half a millimetre


def test_a_missing_file_of_a_copy_costs_its_picture(nyu, tmp_path):
    data = nyu.prepare(tmp_path, "missing-depth").data
    assert data["skipped"] == {"test-0000": dict.fromkeys(("color", "depth", "labels-13"), "test-0000: depth/0.npy: is not there")}
    part = store.load(tmp_path, "nyuv2", "official", "classes-13", ["color"]).parts["test"]
    assert part.keys == ("test-0001",)


# ------------------------------------------------------------------------------------------------------------------ bad input


REFUSED = {
    "lfs-pointer": r"nyu_depth_v2_labeled\.mat: is a Git-LFS pointer",
    "error-page": r"nyu_depth_v2_labeled\.mat: is a web page",
    "zero-bytes": r"nyu_depth_v2_labeled\.mat: is empty",
    "cut-short": r"nyu_depth_v2_labeled\.mat: is no readable HDF5 file, or only a part of one",
    "masksup": "is MaskSup's copy, which has no depth",
    "axes": r"'images' is \(6, 480, 640, 3\), expected \(any, 3, 640, 480\)",
    "depth-double": "'depths' holds float64, expected float32",
    "fewer-labels": r"'labels' is \(5, 640, 480\), expected \(6, 640, 480\)",
    "no-depths": "has no array 'depths'; it has images, labels, scenes",
    "zero-based": r"splits\.mat: trainNdxs is uint16, from 0: expected whole numbers from 1",
    "both-parts": r"splits\.mat: 0001 stand in both parts",
    "no-maps": "labels-40 cannot be made: needs classMapping40.mat from github.com/ankurhanda",
    "other-names": r"classMapping40\.mat: other class names than the known ones \(bed for cabinet\)",
    "map-range": r"classMapping40\.mat: mapClass is uint8 from 1 to 41, expected whole numbers 1 to 40",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(nyu, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        nyu.prepare(tmp_path, defect, only=["classes-40"])
    assert not (tmp_path / "nyuv2").exists()


def test_a_label_beyond_the_names_costs_its_picture(nyu, tmp_path):
    data = nyu.prepare(tmp_path, "label-895", only=["classes-40"]).data
    assert set(data["skipped"]) == {"0004"}
    assert "has label 895, expected 0 to 894" in data["skipped"]["0004"]["labels-40"]


def test_what_other_lists_mean(nyu, tmp_path):
    data = nyu.prepare(tmp_path / "a", "no-splits", "dot-underscore", only=["classes-40"]).data
    assert [s["name"] for s in data["splits"]] == ["scene-hash"]
    assert data["splits"][0]["overlap"]["train, test"]["groups"] == 0
    assert "splits.mat from horatio" in data["unavailable"]["official"]
    assert set(a["name"] for a in nyu.prepare(tmp_path / "b", "no-map-13").data["arrays"]) == {"color", "depth", "labels-40"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("color", np.zeros((4, 5), np.float32), r"image/0\.npy: is float32 \(4, 5\), expected floats H x W x 3"),
        ("color", np.full((4, 5, 3), 2.0), "its colours are not within 0..1"),
        ("color", np.zeros((4, 5, 3), np.uint8), r"is uint8 \(4, 5, 3\)"),
        ("labels-13", np.full((288, 384), 0.5), "its labels are not the whole numbers -1 to 12"),
        ("labels-13", np.full((288, 384), 13.0), "its labels hold 13, expected 0 to 12, or 255"),
        ("depth", np.full((288, 384), np.nan), "its depth holds values that are no numbers"),
        ("depth", np.ones((20, 30, 1)), r"colour, depth and labels are of different sizes: \[\(20, 30\), \(288, 384\)\]"),
    ],
)
def test_arrays_of_a_copy_that_are_not_what_they_should_be(nyu, tmp_path, name, value, says):
    (item, *_) = nyuv2.find(folders.sources([str(nyu.raw("mtan"))], [""], None), ["color"]).items
    path = tmp_path / {"color": "image", "labels-13": "label", "depth": "depth"}[name] / "0.npy"
    path.parent.mkdir()
    np.save(path, value)
    with pytest.raises(nyuv2.Unreadable, match=says):
        nyuv2.make(Item(item.key, "", {**item.files, name: str(path)}, item.facts), ["color", "depth", "labels-13"])


def test_every_defect_is_tried_here():
    other = {"mtan", "png", "missing-depth", "label-895", "no-splits", "no-map-13", "dot-underscore"}
    assert set(nyuv2.DATASET.defects) == {*REFUSED, *other}
