"""CMU-MOSI: MMSA's and MultiBench's pickles, the three rules for a score of 0, -inf, videos kept apart; each trait broken."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from datasets_prep import cmu_mosi, cmu_mosi_files, cmu_mosi_imitation
from datasets_prep.cmu_mosi_imitation import array, ids
from mmbench import batches, published
from mmbench.datasets import store
from mmbench.errors import Blocked, UserError
from tests.datasets_prep.conftest import Made

ALL = ["audio", "visual", "text"]


@pytest.fixture(scope="module")
def mosi(tmp_path_factory):
    return Made("cmu-mosi", tmp_path_factory)


def load(root, split="mmsa", preparation="mmsa-unaligned-nonnegative", modalities=ALL):
    return store.load(root, "cmu-mosi", split, preparation, modalities)


def labels(data) -> dict[str, str]:
    return {key: data.classes[label] for part in data.parts.values() for key, label in zip(part.keys, part.labels, strict=True)}


def test_the_published_numbers_agree():
    splits = published.datasets()["cmu-mosi"].splits
    assert cmu_mosi.EXPECTED.totals == splits
    assert sum(splits["mmsa"].values()) == cmu_mosi.EXPECTED.rows == 2199


@pytest.mark.parametrize("form", ["unaligned", "aligned"])
def test_arrays_are_those_of_the_file_but_for_what_is_not_finite(mosi, form):
    data = load(mosi.store(), preparation=f"mmsa-{form}-nonnegative")
    part = data.parts["train"]
    assert part.keys == tuple(ids(form, "train"))
    for modality in ALL:
        expected = array(form, "train", modality)
        assert np.isinf(expected).any() == (modality == "audio")
        assert np.array_equal(part.arrays[modality].whole(), np.where(np.isinf(expected), 0, expected))


def test_three_rules_for_a_score_of_zero(mosi, tmp_path):
    default = labels(load(mosi.store()))
    without = labels(load(mosi.store(), "mmsa-nonzero"))
    assert [default["ve$_$1"], default["ve$_$2"], default["ve$_$3"]] == ["negative", "nonnegative", "nonnegative"]
    assert {key: label for key, label in without.items() if key.startswith("ve")} == {"ve$_$1": "negative", "ve$_$3": "positive"}
    mosi.prepare(tmp_path, only=["multibench"])
    above = labels(load(tmp_path, "multibench", "multibench"))
    assert [above["ve[0]"], above["ve[1]"], above["ve[2]"]] == ["nonpositive", "nonpositive", "positive"]


def test_a_store_holds_one_numbering(mosi, tmp_path, capsys):
    answer = mosi.prepare(tmp_path)
    said = capsys.readouterr().err
    assert "not made: multibench-audio: MMSA's and MultiBench's items are numbered differently" in said
    assert answer.data["unavailable"] == {"multibench": "the store holds the items of MMSA"}
    with pytest.raises(Blocked, match="unknown split of cmu-mosi 'multibench'"):
        load(tmp_path, "multibench", "multibench")
    with pytest.raises(UserError, match="cmu-mosi: multibench-audio cannot be made: MMSA's and MultiBench's"):
        mosi.prepare(tmp_path, only=["multibench", "mmsa-unaligned-nonnegative"])
    alone = mosi.prepare(tmp_path / "other", "multibench-alone").data
    assert {a["name"] for a in alone["arrays"]} == {f"multibench-{m}" for m in ALL}
    assert alone["unavailable"] == {"mmsa": "the store holds the items of MultiBench"}


def test_videos_are_the_groups(mosi):
    part = load(mosi.store()).parts["train"]
    assert Counter(part.groups) == {"va": 3, "vb": 3, "vc": 3}
    assert cmu_mosi.video("03bSnISJMiM[11]") == cmu_mosi.video("03bSnISJMiM$_$11") == "03bSnISJMiM"


def test_a_batch_is_what_a_network_takes(mosi):
    data = load(mosi.store())
    batch = batches.transformer(data, {"augment": "none"}, torch.device("cpu"))(data.parts["val"], torch.arange(3), None, False, None)
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"audio": (3, 375, 5), "visual": (3, 500, 20), "text": (3, 50, 768)}
    assert all(torch.isfinite(x).all() for x in batch.inputs.values())


# ------------------------------------------------------------------------------------------------------------------ bad input

REFUSED = {
    "lfs-pointer": r"unaligned_50\.pkl: is a Git-LFS pointer",
    "error-page": r"unaligned_50\.pkl: is a web page",
    "zero-bytes": r"unaligned_50\.pkl: is empty",
    "cut-short": r"unaligned_50\.pkl: is no whole pickle of arrays",
    "malicious": r"unaligned_50\.pkl: was not read, it would run code: it asks for _*builtins?_*\.exec",
    "no-unaligned": r"unaligned-audio cannot be made: unaligned_50\.pkl is not there",
    "swapped": r"train\.audio is float32 \(9, 500, 20\), expected floats \(9, 375, 5\)",
    "whole-numbers": r"train\.audio is int64 \(9, 375, 5\), expected floats",
    "no-valid": r"unaligned_50\.pkl: is no dictionary of train, valid, test",
    "no-text": r"unaligned_50\.pkl: train\.text is missing; there is: audio, vision, id",
    "scores": r"train\.regression_labels is float32 \(9,\), expected 9 numbers from -3 to 3",
    "annotations": r"train: annotations and scores do not belong together \(va\$_\$1\)",
    "id-twice": r"unaligned_50\.pkl: names va\$_\$1 more than once",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(mosi, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        mosi.prepare(tmp_path, defect, only=["mmsa-unaligned-nonnegative"])
    assert not (tmp_path / "cmu-mosi").exists()
    assert not list(mosi.raw(defect).rglob("written"))  # what the malicious one would have made


@pytest.mark.parametrize("defect", ["old-protocol", "new-protocol", "double", "no-aligned", "dot-underscore"])
def test_other_forms_of_the_same_content_read_alike(mosi, tmp_path, defect):
    mosi.prepare(tmp_path, defect, only=["mmsa-unaligned-nonnegative"])
    assert load(tmp_path).fingerprint == load(mosi.store()).fingerprint


def test_an_item_that_one_file_lacks_is_named(mosi, tmp_path):
    data = mosi.prepare(tmp_path, "fewer-aligned").data
    assert data["skipped"] == {"vc$_$3": dict.fromkeys([f"aligned-{m}" for m in ALL], "aligned_50.pkl: has no item vc$_$3")}
    assert [len(load(tmp_path, preparation=f"mmsa-{f}-nonnegative").parts["train"]) for f in ("unaligned", "aligned")] == [9, 8]


def test_what_multibenchs_loader_leaves_out(mosi, tmp_path):
    mosi.prepare(tmp_path, "silent", only=["multibench"])
    assert load(tmp_path, "multibench", "multibench").parts["test"].keys == ("ve[0]", "ve[2]")


def test_the_published_file_is_known_by_its_checksum(mosi, monkeypatch):
    found = cmu_mosi.find(cmu_mosi.Sources({"": mosi.raw()}), [])
    right = cmu_mosi_files.sha256(mosi.raw() / "MOSI/Processed/aligned_50.pkl")
    form = cmu_mosi_files.FORMS["aligned"]
    monkeypatch.setitem(cmu_mosi_files.FORMS, "aligned", cmu_mosi_files.Form(form.file, form.shapes, form.score, right))
    made, _ = cmu_mosi.splits(found, cmu_mosi.Sources({"": mosi.raw()}))
    assert [split.known for split in made] == [{"unaligned_50.pkl": False, "aligned_50.pkl": True}] * 2


def test_every_defect_is_tried_here():
    tried = {"old-protocol", "new-protocol", "double", "no-aligned", "dot-underscore", "fewer-aligned", "silent", "multibench-alone"}
    assert set(cmu_mosi_imitation.DEFECTS) == {*REFUSED, *tried}
