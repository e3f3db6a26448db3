"""Digits: idx and MATLAB put right, ten is zero, pairs by the published rule in the published number; each trait broken."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from datasets_prep import digits, digits_imitation, digits_splits, doctor, folders, verbs
from datasets_prep.digits_imitation import count, picture
from mmbench import batches, pairs, published
from mmbench.datasets import store
from mmbench.errors import UserError
from tests.datasets_prep.conftest import Made

BOTH = ["mnist", "svhn"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made("digits", tmp_path_factory)


def load(root, modalities=BOTH, **options):
    return store.load(root, "digits", "dmvae", "pairs-32", modalities, **options)


def taken(part: str) -> list[int]:
    return [min(count("mnist", part, d), count("svhn", part, d)) for d in range(10)]


# ------------------------------------------------------------------------------------------------------------ the published numbers


def test_the_class_sizes_give_the_published_numbers_of_pairs():
    assert {part: sum(digits_splits.MNIST[part]) for part in digits_splits.PARTS} == {"train": 60_000, "test": 10_000}
    assert {part: sum(digits_splits.SVHN[part]) for part in digits_splits.PARTS} == {"train": 73_257, "test": 26_032}
    totals = {part: sum(of.values()) for part, of in digits_splits.EXPECTED.counts["dmvae"].items()}
    assert totals == published.datasets()["digits"].splits["dmvae"] == {"train": 1_682_040, "test": 300_000}


def test_the_pairs_of_the_full_size(monkeypatch):
    """All 1,682,040 of them, drawn from the published class sizes."""
    sizes = digits_splits.taken(digits_splits.MNIST["train"], digits_splits.SVHN["train"])
    keys = pairs.Keys(tuple(f"train-{d}" for d in range(10)), tuple(sizes), digits_splits.ROUNDS, digits_splits.SEED)
    mnist, svhn = keys.entries("mnist"), keys.entries("svhn")
    assert len(keys) == len(mnist) == len(svhn) == 1_682_040
    assert sizes[1] == 6742  # MNIST has the fewer ones
    last = slice(-sizes[9], None)
    assert np.array_equal(np.sort(mnist[last]), np.arange(sizes[9]))
    assert (mnist[last] != svhn[last]).any()


def test_no_digit_takes_more_than_ten_thousand():
    assert digits_splits.taken([12_000, 5], [13_000, 9]) == [10_000, 5]


# ------------------------------------------------------------------------------------------------------------- what is stored


def test_pairs_are_of_one_digit_and_all_take_part_in_every_round(made):
    data = load(made.store())
    for name, part in data.parts.items():
        expected = taken(name)
        assert Counter(part.labels.tolist()) == {d: 30 * n for d, n in enumerate(expected)}
        everything = np.arange(len(part))
        mnist, svhn = part.arrays["mnist"][everything], part.arrays["svhn"][everything]
        assert (mnist.shape[1:], svhn.shape[1:]) == ((32, 32, 1), (32, 32, 3))
        for digit in range(10):
            mine = part.labels == digit
            for found, kind in ((mnist[mine][:, 2:-2, 2:-2, 0], "mnist"), (svhn[mine], "svhn")):
                numbers = found[:, 0, 0] if kind == "mnist" else found[:, 0, 0, 0]
                assert Counter(numbers.tolist()) == dict.fromkeys(range(expected[digit]), 30)  # the first n of the file, no others
                assert np.array_equal(found[0], picture(kind, name, digit, int(numbers[0])))
        assert not mnist[:, :2].any()
        assert not mnist[:, :, -2:].any()


def test_the_same_pairs_in_every_store_and_for_one_modality_alone(made, tmp_path):
    made.prepare(tmp_path, "unpacked")
    first, again, alone = load(made.store()), load(tmp_path), load(tmp_path, ["svhn"])
    assert first.fingerprint == again.fingerprint != alone.fingerprint
    some = np.arange(0, 1000, 7)
    pictures = [data.parts["train"].arrays["svhn"][some] for data in (first, again, alone)]
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])


def test_a_batch_is_what_a_network_takes(made):
    data = load(made.store())
    run = batches.transformer(data, {"augment": "none"}, torch.device("cpu"))
    batch = run(data.parts["test"], torch.tensor([0, 5, 400]), None, False, None)
    assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"mnist": (3, 1, 32, 32), "svhn": (3, 3, 32, 32)}
    stored = data.parts["test"].arrays["svhn"][[0, 5, 400]]
    assert torch.allclose(batch.inputs["svhn"], torch.from_numpy(stored).permute(0, 3, 1, 2) / 255)


def test_small_takes_pairs_of_every_digit(made):
    part = load(made.store(), small=4).parts["train"]
    assert Counter(part.labels.tolist()) == dict.fromkeys(range(10), 4)
    whole = load(made.store()).parts["train"]
    at = list(whole.keys).index(part.keys[9])
    assert np.array_equal(part.arrays["mnist"][[9]], whole.arrays["mnist"][[at]])


def test_the_doctor_counts_pairs(made):
    (split,) = doctor.examine(digits.DATASET, made.store(), quick=True)["splits"]
    parts = split["views"][0]["parts"]
    assert {p: (n["listed"], n["found"], n["expected"]) for p, n in parts.items()} == {
        "train": (30 * sum(taken("train")), 30 * sum(taken("train")), 1_682_040),
        "test": (30 * sum(taken("test")), 30 * sum(taken("test")), 300_000),
    }
    assert set(split["known"].values()) == {False}


def test_a_digit_that_is_missing_is_told_and_shifts_nothing(made, tmp_path):
    data = made.prepare(tmp_path, "no-nine").data
    assert data["skipped"]["train-9"] == {"svhn": "train_32x32.mat: has no picture of the digit 9"}
    part, whole = load(tmp_path).parts["train"], load(made.store()).parts["train"]
    assert part.keys[:] == whole.keys[: len(part)]
    assert set(part.labels.tolist()) == set(range(9))


# ------------------------------------------------------------------------------------------------------------------ bad input

REFUSED = {
    "lfs-pointer": r"train_32x32\.mat: is a Git-LFS pointer",
    "error-page": r"train-images-idx3-ubyte\.gz: is a web page",
    "zero-bytes": r"train_32x32\.mat: is empty",
    "cut-short": r"train_32x32\.mat: ends at byte .*: it is no whole MATLAB file",
    "cut-short-gz": r"train-images-idx3-ubyte\.gz: is no whole gzip file",
    "missing-file": r"no test_32x32\.mat in it; expected MNIST/raw/",
    "zero-label": r"train_32x32\.mat: y holds uint8 from 0 to 9, expected 1 to 10 \(10 is the digit 0\)",
    "axes": r"'X' is \(60, 32, 32, 3\), expected \(32, 32, 3, any\)",
    "float": r"train_32x32\.mat: 'X' holds double, expected uint8",
    "fewer-labels": r"train_32x32\.mat: X has \d+ pictures, y \d+ labels: they do not belong together",
    "little-endian": r"train-images-idx3-ubyte\.gz: begins with \[50855936\], expected 2051",
    "other-part": r"train-images-idx3-ubyte\.gz: has 49 pictures, train-labels-idx1-ubyte\.gz 39 labels",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(made, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        made.prepare(tmp_path, defect)
    assert not (tmp_path / "digits").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x00\x00\x08\x01\x00\x00\x00\x05abc", "states 5 and holds 3 bytes; expected n"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x02\x00\x0b", "holds label 11, expected 0 to 9"),
        (b"\x00\x00", "begins with nothing, expected 2049"),
    ],
)
def test_label_files_that_are_not_what_they_should_be(tmp_path, content, says):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(UserError, match=says):
        digits_splits.digits_files.labels(tmp_path / "train-labels-idx1-ubyte")


def test_two_sources_may_lie_anywhere(made, tmp_path):
    raw = made.raw("dot-underscore")
    given = folders.sources([f"mnist={raw / 'MNIST'}", f"svhn={raw / 'SVHN'}"], digits.DATASET.folders, None)
    assert len(digits.find(given, BOTH).items) == 20
    with pytest.raises(UserError, match=r"no train-images-idx3-ubyte\.gz in it"):
        digits.find(folders.sources([f"mnist={raw / 'SVHN'}", f"svhn={raw}"], digits.DATASET.folders, None), BOTH)


def test_one_process_reads_the_files(made, tmp_path, capsys):
    verbs.prepare("digits", [str(made.raw())], jobs=8, root=tmp_path)
    assert "0.9 GB of memory" in (said := capsys.readouterr().err)  # not eight times that
    assert "with 1 processes" in said
    assert load(tmp_path).fingerprint == load(made.store()).fingerprint


def test_every_defect_is_tried_here():
    assert set(digits_imitation.DEFECTS) == {*REFUSED, "unpacked", "no-nine", "dot-underscore"}
