"""Reading a prepared store: by key, any modalities, `small` by its rule, frames by theirs; what is missing says which command helps."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmbench import augment
from mmbench.datasets import store
from mmbench.errors import Blocked, UserError
from mmbench.rows import Rows, file, pick

KEYS = [f"clip-{i:02}" for i in range(20)]
LABELS = ["cat", "dog"] * 10


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A store of twenty clips with a spectrogram, ragged frames of two sizes, and a wave; clip 3 has no sound, clip 5 no picture."""
    base = tmp_path_factory.mktemp("store")
    home = base / "toy" / "1"
    (home / "splits").mkdir(parents=True)
    sound = np.arange(20 * 4 * 6, dtype=np.float32).reshape(20, 4, 6)
    counts = np.array([0 if i == 5 else 1 + i % 4 for i in range(20)])
    frames = np.concatenate([np.full((n, 8, 10, 3), i, np.uint8) for i, n in enumerate(counts)])
    frames[:, 0, 0, 0] = np.concatenate([np.arange(n) for n in counts])
    waves = np.concatenate([np.arange(100 + i, dtype=np.int16) + 1000 * i for i in range(20)])
    for name, array, gone, lengths in (("spec", sound, 3, None), ("frames", frames, 5, counts), ("wave", waves, -1, np.arange(100, 120))):
        np.save(file(home, name), array)
        digests = np.random.default_rng(0).integers(1, 255, (20, 32), dtype=np.uint8)
        if gone >= 0:
            digests[gone] = 0
        np.save(file(home, name, "digests"), digests)
        if lengths is not None:
            np.save(file(home, name, "offsets"), np.concatenate([[0], np.cumsum(lengths)]))
    np.save(file(home, "frames", "sizes"), np.array([[8, 10] if i % 2 else [4, 5] for i in range(20)], np.int32))
    arrays = {
        "spec": {"kind": "spectrogram"},
        "frames": {"kind": "frames"},
        "wave": {"kind": "wave", "settings": {"window": 64, "n_fft": 16, "hop": 8}},
    }
    preparations = {
        "sound": {"audio": "spec", "visual": {"*": "frames", "random": "faces"}},
        "wave": {"audio": "wave", "visual": {"*": "frames"}},
    }
    meta = {
        "format": 1, "dataset": "toy", "version": "1", "imitation": False, "classes": {"az": ["cat", "dog"], "za": ["dog", "cat"]},
        "arrays": arrays, "preparations": preparations, "extras": {}, "items": 20,
    }  # fmt: skip
    order = [*range(19, 9, -1)]
    parts = {
        "train": {"keys": [KEYS[i] for i in order], "labels": [LABELS[i] for i in order]},
        "test": {"keys": [*KEYS[:10], "not-there"], "labels": [*LABELS[:10], "cat"]},
        "again": {"keys": ["clip-00@a", "clip-00@b"], "of": ["clip-00", "clip-00"], "labels": ["cat", "dog"]},
    }
    (home / "splits" / "s.json").write_text(json.dumps({"order": "az", "parts": parts}))
    (home / "index.json").write_text(json.dumps({"keys": KEYS, "groups": [f"g{i // 5}" for i in range(20)]}))
    (home / "meta.json").write_text(json.dumps(meta))
    return base


def load(root, **changes):
    given = {
        "dataset": "toy",
        "split": "s",
        "preparation": "sound",
        "modalities": ["audio", "visual"],
        "frames": 2,
        "frame_rule": "uniform",
    }
    return store.load(root, **given | changes)


def test_modalities_meet_by_key_and_items_lacking_one_are_left_out(root):
    data = load(root)
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 10, "test": 8, "again": 2}
    test = data.parts["test"]
    assert test.keys == tuple(k for i, k in enumerate(KEYS[:10]) if i not in (3, 5))
    index = np.array([4, 0])
    assert [int(s[0, 0]) // 24 for s in test.arrays["audio"][index]] == [6, 0]
    picks = pick(test.arrays["visual"].counts(index), 2, "first", None, [])
    assert test.arrays["visual"].entries(index, picks)[:, 0, 1, 1, 0].tolist() == [6, 0]
    assert test.groups == tuple(f"g{i // 5}" for i in (0, 1, 2, 4, 6, 7, 8, 9))
    assert test.labels.tolist() == [0, 1, 0, 0, 0, 1, 0, 1]
    assert len(load(root, modalities=["audio"]).parts["test"]) == 9


def test_the_list_gives_the_order(root):
    assert load(root).parts["train"].keys == tuple(reversed(KEYS[10:]))


def test_two_items_may_read_one_row(root):
    again = load(root).parts["again"]
    assert again.keys == ("clip-00@a", "clip-00@b")
    assert again.labels.tolist() == [0, 1]
    sounds = again.arrays["audio"].whole()
    assert np.array_equal(sounds[0], sounds[1])


def test_small_is_the_first_of_each_class_by_hash(root):
    small = load(root, small=2).parts
    assert [len(small[p]) for p in ("train", "test")] == [4, 4]
    assert np.bincount(small["train"].labels).tolist() == [2, 2]
    whole = load(root).parts["train"]
    assert [k for k in whole.keys if k in small["train"].keys] == list(small["train"].keys)
    assert set(small["train"].keys) < set(load(root, small=3).parts["train"].keys)
    assert load(root, small=2).fingerprint != load(root).fingerprint


def test_the_fingerprint_is_of_what_is_read(root, tmp_path):
    first = load(root, modalities=["audio"]).fingerprint
    assert load(root, modalities=["audio"]).fingerprint == first
    assert load(root, modalities=["audio"], order="za").fingerprint != first
    assert load(root).fingerprint != first
    for name, changes in (("frames", False), ("spec", True)):
        shutil.copytree(root, tmp_path / name)
        digests = np.load(file(tmp_path / name / "toy" / "1", name, "digests"))
        digests[15] ^= 1
        np.save(file(tmp_path / name / "toy" / "1", name, "digests"), digests)
        assert (load(tmp_path / name, modalities=["audio"]).fingerprint != first) is changes


@pytest.mark.parametrize(
    ("changes", "says", "kind"),
    [
        ({"dataset": "crema-d"}, "crema-d is not prepared in .*mmbench data prepare crema-d --raw DIR", Blocked),
        ({"split": "t"}, "unknown split of toy 't'.*mmbench data prepare toy --raw DIR --lists DIR", Blocked),
        ({"preparation": "sond"}, "unknown preparation of toy 'sond'; did you mean 'sound'", Blocked),
        ({"modalities": ["touch"]}, "unknown modality of toy 'touch'", UserError),
        ({"frame_rule": "random"}, "array of visual for frame rule 'random' of toy 'faces'", Blocked),
    ],
)
def test_what_is_not_there_says_how_to_get_it(root, changes, says, kind):
    with pytest.raises(kind, match=says):
        load(root, **changes)


@pytest.mark.parametrize("name", ["meta.json", "index.json", "splits/s.json"])
def test_damaged_files_are_named(root, tmp_path, name):
    shutil.copytree(root, tmp_path / "store")
    (tmp_path / "store/toy/1" / name).write_text("{")
    with pytest.raises(UserError, match=f"{name} is damaged: prepare the dataset again"):
        load(tmp_path / "store")
    if name != "meta.json":
        (tmp_path / "store/toy/1" / name).unlink()
        with pytest.raises(UserError, match=r"missing: prepare the dataset again|unknown split"):
            load(tmp_path / "store")


def test_another_format_is_refused(root, tmp_path):
    shutil.copytree(root, tmp_path / "store")
    meta = tmp_path / "store/toy/1/meta.json"
    meta.write_text(meta.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(UserError, match="store format 9, this version of mmbench reads 1"):
        load(tmp_path / "store")


def test_a_shortened_array_is_refused(root, tmp_path):
    shutil.copytree(root, tmp_path / "store")
    path = tmp_path / "store/toy/1/spec.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"spec\.npy: is damaged"):
        load(tmp_path / "store").parts["train"].arrays["audio"].whole()


# ------------------------------------------------------------------------------------------------------------ frames and waves


@pytest.mark.parametrize(
    ("rule", "frames", "count", "expected"),
    [
        ("middle", 1, 76, [38]), ("middle", 1, 1, [0]), ("first", 1, 9, [0]), ("first", 3, 2, [0, 1, 1]), ("uniform", 3, 10, [1, 5, 8]),
        ("uniform", 3, 3, [0, 1, 2]), ("uniform", 3, 1, [0, 0, 0]), ("thirds", 3, 10, [0, 3, 6]), ("thirds", 3, 6, [0, 2, 4]),
        ("random", 1, 31, [15]),
    ],
)  # fmt: skip
def test_frames_of_a_test_by_rule(rule, frames, count, expected):
    assert pick(np.array([count]), frames, rule, None, ["clip"]).tolist() == [expected]


def test_random_frames_cover_their_part_and_tests_stay_the_same():
    rng = np.random.default_rng(0)
    counts = np.full(2000, 10)
    thirds = pick(counts, 3, "thirds", rng.random((2000, 3)), [])
    assert [sorted(set(column)) for column in thirds.T.tolist()] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert set(pick(counts, 1, "random", rng.random((2000, 1)), []).ravel().tolist()) == set(range(10))
    names = [f"clip-{i}" for i in range(2000)]
    drawn = pick(counts, 1, "random-test", None, names)
    assert np.array_equal(drawn, pick(counts, 1, "random-test", None, names))
    assert np.bincount(drawn.ravel(), minlength=10).min() > 150
    with pytest.raises(UserError, match="unknown frame rule 'last'"):
        pick(counts, 1, "last", None, [])


def test_a_batch_for_the_model(root):
    spec = {"augment": "crop-flip", "image_size": 16, "frames": 2}
    part, index, device = load(root).parts["train"], torch.tensor([3, 0, 7]), torch.device("cpu")
    shapes = {}
    for modality in ("audio", "visual"):
        train, again = (augment.read(part.arrays[modality], index, spec, True, torch.Generator().manual_seed(1), device) for _ in range(2))
        assert torch.equal(train, again)
        test = augment.read(part.arrays[modality], index, spec, False, None, device)
        assert train.shape == test.shape
        assert train.dtype == torch.float32
        shapes[modality] = tuple(test.shape)
    assert shapes == {"audio": (3, 1, 4, 6), "visual": (3, 3, 2, 16, 16)}
    one = load(root, frames=1, frame_rule="first").parts["train"].arrays["visual"]
    assert augment.read(one, index, {**spec, "augment": "none"}, False, None, device).shape == (3, 3, 16, 16)


def test_a_random_window_of_the_wave_in_training_and_a_fixed_one_in_tests(root):
    part, index, device = load(root, preparation="wave").parts["train"], torch.arange(10), torch.device("cpu")
    spec, wave = {"augment": "crop-flip-sound", "image_size": 16}, part.arrays["audio"]
    test = [augment.read(wave, index, spec, False, None, device) for _ in range(2)]
    assert test[0].shape == (10, 1, 9, 9)
    assert torch.equal(*test)
    train = [augment.read(wave, index, spec, True, torch.Generator().manual_seed(s), device) for s in (1, 2)]
    assert not torch.equal(*train)
    window = wave.runs(np.array([0]), np.array([7]), 64)
    assert window.tolist() == [[1000 * 19 + 7 + i for i in range(64)]]
    short = SimpleNamespace(kind="wave", settings={"window": 200}, counts=wave.counts, name="wave")
    with pytest.raises(UserError, match="a wave is shorter than its window of 200 samples"):
        augment.read(short, index, spec, False, None, device)


def test_whole_rows_of_either_kind(root):
    rows = load(root).parts["train"].arrays
    assert rows["visual"].row(0)[:, 1, 1, 0].tolist() == [19] * 4
    assert int(rows["audio"].row(0)[0, 0]) == 19 * 24
    with pytest.raises(UserError, match="rows of several lengths"):
        rows["visual"][np.array([0])]
    assert isinstance(rows["audio"], Rows)
    assert rows["audio"].nbytes() == 10 * 24 * 4


def test_trial_lists_of_a_part_become_pairs_of_positions(root, tmp_path):
    """Lists lie beside the arrays, by item name; who is only verified has no class, and is not thinned out by `small`."""
    shutil.copytree(root, tmp_path / "copy")
    home = tmp_path / "copy" / "toy" / "1"
    listed = json.loads((home / "splits" / "s.json").read_text())
    listed["parts"]["test"] |= {"trials": ["standard"], "labels": [""] * 11}
    (home / "splits" / "s.json").write_text(json.dumps(listed))
    (home / "trials").mkdir()
    (home / "trials" / "standard.txt").write_text("1 clip-00 clip-04\n0 clip-01 clip-00\n")
    data = load(tmp_path / "copy", small=2)
    assert data.parts["test"].extras["trials.standard"].tolist() == [[0, 3, 1], [1, 0, 0]]
    assert set(data.parts["test"].labels.tolist()) == {-1}
    (home / "trials" / "standard.txt").write_text("1 clip-00 clip-04\n0 clip-01 clip-03\n")  # clip 3 has no sound
    assert data.fingerprint != load(root, small=2).fingerprint
    with pytest.raises(UserError, match=r"standard.txt:2: 'clip-03' is not prepared: prepare the dataset again with it"):
        load(tmp_path / "copy")
