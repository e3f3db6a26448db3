"""Caltech101-20: both files, views by their widths, statistics of the training part alone, the split of 708; each trait broken."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from datasets_prep import caltech101_20, caltech101_20_imitation, caltech101_20_splits
from datasets_prep.caltech101_20_imitation import SIZES, content
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import Made

VIEWS = [f"view{i}" for i in range(1, 7)]
FIRST = ["0003", "0004", "0005", "0008"]


@pytest.fixture(scope="module")
def caltech(tmp_path_factory):
    return Made("caltech101-20", tmp_path_factory)


def load(root, preparation="views", split="per-class-30", views=VIEWS):
    return store.load(root, "caltech101-20", split, preparation, views)


def test_the_sizes_give_the_split_that_the_tables_use():
    labels = np.repeat(np.arange(20), list(caltech101_20_splits.SIZES.values()))
    split, other = caltech101_20_splits.splits(labels)
    counts = {part: len(keys) for part, (keys, _) in split.parts.items()}
    assert counts == published.datasets()["caltech101-20"].splits["per-class-30"] == {"train": 1678, "test": 708}
    for part, (keys, classes) in split.parts.items():
        assert Counter(classes) == caltech101_20_splits.EXPECTED.counts["per-class-30"][part]
        assert [caltech101_20_splits.CLASSES[labels[int(key) - 1]] for key in keys] == classes
    assert sorted([*split.parts["train"][0], *split.parts["test"][0]]) == [f"{i:04}" for i in range(1, 2387)]
    assert split.parts["test"][0][:4] == FIRST  # by the sha256 of the numbers: the same everywhere, for ever
    assert set(other.parts) == {"train", "val", "test"}


def test_raw_views_are_those_of_the_file(caltech):
    views, labels = content()
    data = load(caltech.store(), "views-raw")
    for part in data.parts.values():
        rows = [int(key) - 1 for key in part.keys]
        assert part.labels.tolist() == (labels[rows] - 1).tolist()
        for name, view in zip(VIEWS, views, strict=True):
            assert np.array_equal(part.arrays[name].whole(), view[rows].astype(np.float32))


def test_columns_are_standardised_by_the_training_part_alone(caltech):
    train, test = load(caltech.store()).parts["train"], load(caltech.store()).parts["test"]
    for name, view in zip(VIEWS, content()[0], strict=True):
        values = train.arrays[name].whole()
        moving = np.arange(values.shape[1]) != 1
        assert np.allclose(values[:, moving].mean(0), 0, atol=1e-4)
        assert np.allclose(values[:, moving].std(0), 1, atol=1e-4)
        assert not values[:, 1].any()  # a constant column stays, as zeros
        rows = [int(key) - 1 for key in train.keys]
        mean, deviation = view[rows].mean(0), np.where(moving, view[rows].std(0), 1)
        tested = view[[int(key) - 1 for key in test.keys]]
        assert np.allclose(test.arrays[name].whole(), (tested - mean) / deviation, atol=1e-3)


def test_a_batch_is_what_a_network_takes(caltech):
    data = load(caltech.store(), views=VIEWS[:2])
    batch = batches.transformer(data, {"augment": "none"}, torch.device("cpu"))(data.parts["train"], torch.arange(3), None, True, None)
    assert {m: (tuple(x.shape), x.dtype) for m, x in batch.inputs.items()} == {
        "view1": ((3, 48), torch.float32),
        "view2": ((3, 40), torch.float32),
    }


@pytest.mark.parametrize("defect", ["hdf5", "hdf5-rows", "column", "no-sizes", "dot-underscore"])
def test_other_forms_of_the_same_content_read_alike(caltech, tmp_path, defect):
    caltech.prepare(tmp_path, defect, only=["views"])
    assert load(tmp_path).fingerprint == load(caltech.store()).fingerprint


def test_whole_numbers_are_numbers(caltech, tmp_path):
    caltech.prepare(tmp_path, "whole-numbers", only=["views-raw"])
    values = load(tmp_path, "views-raw").parts["train"].arrays["view4"].whole()
    assert values.dtype == np.float32
    assert np.array_equal(values, np.round(values))


REFUSED = {
    "lfs-pointer": r"Caltech101-20\.mat: is a Git-LFS pointer",
    "error-page": r"Caltech101-20\.mat: is a web page",
    "zero-bytes": r"Caltech101-20\.mat: is empty",
    "cut-short": r"Caltech101-20\.mat: ends at byte",
    "zero-based": r"Y is .* from 0\.?0? to 19\.?0?, expected n labels 1 to 20",
    "no-labels": r"has no variable 'Y'; it has X, lenSmp, feanames",
    "five-views": r"'X' is object \(1, 5\), expected a cell of 6 views",
    "swapped": r"view1 \(Gabor\) is float64 \(83, 40\), expected numbers \(83, 48\)",
    "fewer-rows": r"view6 \(LBP\) is float64 \(82, 928\), expected numbers \(83, 928\)",
    "not-finite": r"view3 \(CENTRIST\) holds values that are no numbers",
    "other-sizes": "lenSmp and Y count other pictures per class",
    "no-view": r"_multi-view\.mat: has no array 'view4'; it has Y, view1, view2, view3, view5, view6",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(caltech, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        caltech.prepare(tmp_path, defect)
    assert not (tmp_path / "caltech101-20").exists()


def test_another_folder_is_one_line(tmp_path):
    (tmp_path / "other.txt").write_text("")
    with pytest.raises(UserError, match=r"no Caltech101-20\.mat and no Caltech101-20_multi-view\.mat in it; there is: other\.txt"):
        caltech101_20.find(caltech101_20.Sources({"": tmp_path}), [])


def test_every_defect_is_tried_here():
    assert sum(SIZES) == 83
    tried = {"hdf5", "hdf5-rows", "column", "no-sizes", "dot-underscore", "whole-numbers"}
    assert set(caltech101_20_imitation.DEFECTS) == {*REFUSED, *tried}
