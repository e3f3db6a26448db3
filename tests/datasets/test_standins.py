"""What the stand-ins made of written pictures have in common: their parts, that training and test share nothing, that each is the same
every time, that its fingerprint covers its settings, that it is what benchmarks/datasets.toml says."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn import datasets

from mmbench import published, registry
from mmbench.datasets.data import Data
from mmbench.datasets.standins import av_digits, digits, pictures
from mmbench.errors import UserError

IDS = ("paired-digits", "digit-strokes", "moving-digits", "digit-views", "digit-scenes")
NO_SETTINGS = {"VERSION", "BACKGROUND", "VOID"}  # what the labels mean


@cache
def loaded(id: str) -> Data:
    return registry.load("dataset", id)()


def module(id: str) -> ModuleType:
    return importlib.import_module(registry.entry("dataset", id).where.partition(":")[0])


def images(data: Data, part: str) -> list[str]:
    """The numbers of the written images that its keys name."""
    return [name.rpartition("-")[2] for key in data.parts[part].keys for name in key.split("+")]


@pytest.mark.parametrize("id", IDS)
def test_it_is_what_the_table_of_datasets_says(id: str) -> None:
    data, facts = loaded(id), published.datasets()[id]
    assert (data.name, data.split, data.stand_in, data.imitation) == (id, facts.split, True, False)
    assert data.version == str(registry.entry("dataset", id).version)
    assert (list(data.modalities), len(data.classes)) == (list(facts.modalities), facts.classes)
    assert {name: len(part) for name, part in data.parts.items()} == facts.splits["standard"]


@pytest.mark.parametrize("id", IDS)
def test_arrays_are_normalised_over_training(id: str) -> None:
    for name, part in loaded(id).parts.items():
        tolerance = 1e-3 if name == "train" else 0.1
        for array in part.arrays.values():
            assert (array.dtype, len(array)) == (torch.float32, len(part))
            assert torch.isfinite(array).all()
            assert abs(float(array.mean())) < tolerance
            assert abs(float(array.std()) - 1) < tolerance


@pytest.mark.parametrize("id", IDS)
def test_no_image_occurs_in_both_parts_and_no_item_twice(id: str) -> None:
    data = loaded(id)
    assert not set(images(data, "train")) & set(images(data, "test"))
    for part in data.parts.values():
        assert len(set(part.keys)) == len(part)


@pytest.mark.parametrize("id", [id for id in IDS if id != "digit-scenes"])
def test_an_item_is_of_the_digit_of_its_images_and_training_is_balanced(id: str) -> None:
    _, shown = digits.images()
    data = loaded(id)
    for name, part in data.parts.items():
        named = shown[np.array(images(data, name), int)].reshape(len(part), -1)
        assert (named == part.labels.numpy()[:, None]).all()
    assert torch.bincount(data.parts["train"].labels).tolist() == [len(data.parts["train"]) // 10] * 10
    assert torch.bincount(data.parts["test"].labels, minlength=10).min() > 30


@pytest.mark.parametrize("id", IDS)
def test_it_is_the_same_every_time_and_leaves_global_streams_alone(id: str) -> None:
    data = loaded(id)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())
    again = module(id).load()
    assert again.fingerprint == data.fingerprint
    for name, part in data.parts.items():
        assert part.keys == again.parts[name].keys
        assert torch.equal(part.labels, again.parts[name].labels)
        assert all(torch.equal(array, again.parts[name].arrays[m]) for m, array in part.arrays.items())
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("id", IDS)
def test_every_setting_is_handed_to_the_fingerprint(id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Asked(Exception):
        pass

    def note(name: str, version: str, parts: object, *settings: object, **_: object) -> None:
        raise Asked(*settings)

    monkeypatch.setattr(pictures, "dataset", note)
    constants = {n: v for n, v in vars(module(id)).items() if n.lstrip("_").isupper() and n not in NO_SETTINGS}
    for name in [n for n, v in constants.items() if isinstance(v, float)]:
        monkeypatch.setattr(module(id), name, constants[name] + 1e-6)  # so that no two floats are alike
        constants[name] += 1e-6
    with pytest.raises(Asked) as asked:
        module(id).load()
    assert [name for name, value in constants.items() if value not in asked.value.args] == []


def test_the_fingerprint_is_of_every_setting_and_of_the_shipped_file() -> None:
    assert pictures.fingerprint(1, 2.5) == pictures.fingerprint(1, 2.5)
    assert len({pictures.fingerprint(*s, shipped=f) for s, f in (((1, 2), b""), ((1, 3), b""), ((1, 2), b"x"))}) == 3


def test_the_digits_are_those_that_scikit_learn_gives() -> None:
    pixels, shown = (np.array(array) for array in datasets.load_digits(return_X_y=True))
    pictures, labels = digits.images()
    assert (pictures.dtype, labels.dtype) == (np.float32, shown.dtype)
    assert np.array_equal(pictures.reshape(-1, 64) * 16, pixels)
    assert np.array_equal(labels, shown)


def test_other_digits_than_those_that_were_measured_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = np.loadtxt(digits.table(), delimiter=",")
    rows[17, 20] += 1
    np.savetxt(tmp_path / "digits.csv.gz", rows, delimiter=",")
    monkeypatch.setattr(digits, "table", lambda: tmp_path / "digits.csv.gz")
    for id in IDS:
        with pytest.raises(UserError, match=r"^scikit-learn's load_digits gives other digits .*: install it by constraints.txt$"):
            module(id).load()


def test_without_scikit_learn_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^scikit-learn's digits are missing, .*: install it by constraints.txt$"):
        digits.images()


def test_each_set_has_a_stream_of_its_own() -> None:
    streams = [av_digits.STREAM, *(module(id)._STREAM for id in (*IDS, "few-digits"))]
    assert len(set(streams)) == len(streams)


def drawn(what: Callable[..., np.ndarray], *arguments: object) -> np.ndarray:
    return what(*arguments, np.random.default_rng(5))


def test_a_partner_is_another_item_of_the_label_and_each_is_one_once() -> None:
    labels = np.array([0, 1, 0, 1, 0, 2, 2])
    found = drawn(pictures.partners, labels)
    assert sorted(found) == list(range(7))
    assert (labels[found] == labels).all()
    assert (found != np.arange(7)).all()


def test_the_split_takes_as_many_of_each_and_loses_none() -> None:
    _, shown = digits.images()
    train, test = pictures.split(shown, 30, np.random.default_rng(5))
    assert np.bincount(shown[train]).tolist() == [30] * 10
    assert sorted([*train, *test]) == list(range(len(shown)))


def test_an_image_stands_where_it_was_placed() -> None:
    ink = pictures.placed(np.ones((2, 8, 8)), 16, np.array([0.0, 8.0]), np.array([0.0, -4.0]))
    rows, columns = np.nonzero(ink[0] > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 23, 8, 23)
    rows, columns = np.nonzero(ink[1] > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 31, 4, 19)


def test_ink_takes_the_colour_and_paper_shows_the_ground() -> None:
    ground, colour = drawn(pictures.cloth, 1, 4), drawn(pictures.colours, 1)
    ink = np.zeros((1, 32, 32), np.float32)
    ink[0, 3, 4] = 1
    shown = pictures.painted(ink, ground, colour)
    assert np.allclose(shown[0, :, 3, 4], colour.ravel())
    assert np.array_equal(shown[0, :, 5:], ground[0, :, 5:])
    assert 0 <= ground.min() < ground.max() <= 0.5 <= colour.min() < colour.max() <= 1
