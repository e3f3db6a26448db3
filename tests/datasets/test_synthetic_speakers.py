"""`synthetic-speakers`: who is in it, what its trials are, and that voice and face together tell people apart best."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmbench import build, choose, trials
from mmbench.checkpoint import Checkpoint
from mmbench.datasets.standins import synthetic_speakers
from mmbench.train import train


@pytest.fixture(scope="module")
def data():
    return synthetic_speakers.load()


def test_nobody_of_the_test_is_in_training(data):
    people = {name: set(part.groups) for name, part in data.parts.items()}
    assert {name: len(found) for name, found in people.items()} == {"train": 40, "test": 20}
    assert not people["train"] & people["test"]
    assert set(data.classes) == people["train"]
    assert set(data.parts["test"].labels.tolist()) == {-1}
    train = data.parts["train"]
    assert [data.classes[label] for label in train.labels] == list(train.groups)
    assert torch.bincount(train.labels).tolist() == [30] * 40


@pytest.mark.parametrize(("name", "count"), [("vox1-o-cleaned", 4000), ("mmcosine-trials", 2900)])
def test_trials_are_pairs_of_two_items_half_of_one_person(data, name, count):
    part = data.parts["test"]
    pairs = trials.of(part.extras)[name]
    who = np.array(part.groups)
    assert len(pairs) == len({tuple(pair) for pair in pairs[:, :2].tolist()}) == count
    assert pairs[:, 2].sum() * 2 == count
    assert ((who[pairs[:, 0]] == who[pairs[:, 1]]) == (pairs[:, 2] == 1)).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()


def test_the_shorter_list_is_part_of_the_longer_as_the_papers_is(data):
    lists = trials.of(data.parts["test"].extras)
    assert list(lists) == ["vox1-o-cleaned", "mmcosine-trials"], "the standard list is the one that `all` means"
    longer, shorter = ({tuple(pair) for pair in found.tolist()} for found in lists.values())
    assert shorter < longer


def test_every_cell_on_it_names_a_list_of_its(data):
    lists = set(trials.of(data.parts["test"].extras))
    for reading in ("paper", "released"):
        cells = [c for c in choose.cells(["mmcosine-scale"], "demo", reading) if c.run.get("dataset") == "synthetic-speakers"]
        assert cells
        assert {c.view.subset for c in cells if c.view} <= {"all", *lists}


def test_the_whole_is_the_same_every_time_and_touches_no_other_stream(data):
    before = np.random.get_state()[1].copy()
    again = synthetic_speakers.load()
    assert again.fingerprint == data.fingerprint
    for name, part in data.parts.items():
        assert part.keys == again.parts[name].keys
        assert len(set(part.keys)) == len(part)
        assert all(torch.equal(part.arrays[m], again.parts[name].arrays[m]) for m in part.arrays)
    assert np.array_equal(np.random.get_state()[1], before)


def test_arrays_are_of_deviation_1_over_training(data):
    for array in data.parts["train"].arrays.values():
        assert array.shape == (1200, 1, 32, 32)
        assert array.dtype == torch.float32
        assert abs(float(array.mean())) < 1e-3
        assert abs(float(array.std()) - 1) < 1e-3


def test_a_face_is_its_persons():
    """Without noise two pictures of one person are closer than those of two people."""
    random = np.random.default_rng(0)
    faces = synthetic_speakers.drawn(np.repeat(random.standard_normal((20, synthetic_speakers.TRAITS)), 4, axis=0), random)
    gap = np.sqrt(((faces[:, None] - faces[None]) ** 2).mean((2, 3)))
    same = np.kron(np.eye(20, dtype=bool), np.ones((4, 4), bool))
    assert gap[same & (gap > 0)].mean() < 0.75 * gap[~same].mean()


def test_the_fingerprint_covers_the_noise(data, monkeypatch):
    monkeypatch.setattr(synthetic_speakers, "FACE_NOISE", 0.4)
    assert synthetic_speakers.load().fingerprint != data.fingerprint


def test_both_together_tell_people_apart_better_than_either(data, tmp_path):
    """The rule of its README on one of its seeds, of one joint training: equal error rates of all and of each feature alone."""
    [cell] = choose.cells(["mmcosine-scale:vanilla:vc2"], "demo", "paper")
    run = build.run(cell.run, 103, data, torch.device("cpu"))
    past, _ = train(run, build.method(cell.run), [cell.view] if cell.view else [], Checkpoint(tmp_path / "c"))
    last = past["selections"]["last"]["values"]
    assert 15 < last["eer"] < last["eer.audio"] < last["eer.visual"] < 40
