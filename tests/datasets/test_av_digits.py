"""The stand-in: its shapes, that training and test share nothing, that it is the same every time, and its messages."""

import hashlib
import shutil

import numpy as np
import pytest
import torch

from mmbench import build
from mmbench.checkpoint import Checkpoint
from mmbench.datasets.standins import av_digits, digits
from mmbench.errors import UserError
from mmbench.train import train
from tests import tiny


@pytest.fixture(scope="module")
def data():
    return av_digits.load()


def test_it_says_what_it_is(data):
    assert (data.name, data.split, data.stand_in, data.imitation) == ("av-digits", "standard", True, False)
    assert data.modalities == ("audio", "visual")
    assert len(data.classes) == 10
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 1200, "test": 597}


def test_arrays_are_normalised_single_channel_pictures(data):
    for name, part in data.parts.items():
        for array in part.arrays.values():
            assert array.shape == (len(part), 1, 32, 32)
            assert array.dtype == torch.float32
            assert torch.isfinite(array).all()
            tolerance = 1e-3 if name == "train" else 0.1
            assert abs(float(array.mean())) < tolerance
            assert abs(float(array.std()) - 1) < tolerance


def test_training_has_equally_many_of_each_digit(data):
    assert torch.bincount(data.parts["train"].labels).tolist() == [120] * 10
    assert torch.bincount(data.parts["test"].labels).min() > 50


def test_image_and_sound_are_of_the_labelled_digit(data):
    _, shown = digits.images()
    for part in data.parts.values():
        for key, label in zip(part.keys, part.labels.tolist(), strict=True):
            image, sound = key.split("+")
            assert shown[int(image.removeprefix("image-"))] == label
            assert int(sound.split("-")[1]) == label


def test_no_image_sound_or_voice_occurs_in_both_parts_or_twice(data):
    train, test = data.parts["train"], data.parts["test"]
    images, sounds = zip(*(key.split("+") for part in (train, test) for key in part.keys), strict=True)
    assert len(set(images)) == len(set(sounds)) == 1797
    assert not set(train.groups) & set(test.groups)
    assert (len(set(train.groups)), len(set(test.groups))) == (40, 20)


def test_it_is_the_same_every_time_and_leaves_global_streams_alone(data):
    np.random.seed(1)
    torch.manual_seed(1)
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())
    again = av_digits.load()
    assert again.fingerprint == data.fingerprint
    for name, part in data.parts.items():
        assert part.keys == again.parts[name].keys
        assert all(torch.equal(array, again.parts[name].arrays[m]) for m, array in part.arrays.items())
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_the_fingerprint_covers_the_noise(data, monkeypatch):
    monkeypatch.setattr(av_digits, "IMAGE_NOISE", av_digits.IMAGE_NOISE + 0.1)
    assert av_digits.load().fingerprint != data.fingerprint


def test_the_picture_of_a_pair_is_that_image_and_the_sound_that_sound(data, monkeypatch):
    """Without noise, and up to scale, item 0 of the test part is the image and the spectrogram that its key names."""
    from sklearn.datasets import load_digits

    monkeypatch.setattr(av_digits, "IMAGE_NOISE", 0.0)
    monkeypatch.setattr(av_digits, "SOUND_NOISE", 0.0)
    part = av_digits.load().parts["test"]
    assert part.keys == data.parts["test"].keys
    image, sound = part.keys[0].split("+")
    shown = load_digits().images[int(image.removeprefix("image-"))]
    quarters = part.arrays["visual"][0, 0].reshape(8, 4, 8, 4).mean((1, 3)).numpy()
    assert np.corrcoef(shown.ravel(), quarters.ravel())[0, 1] > 0.95
    archive = np.load(digits.SOUNDS)
    stored = archive["test"][archive["test_keys"].tolist().index(sound.removeprefix("sound-"))]
    assert np.corrcoef(stored.ravel(), part.arrays["audio"][0, 0].numpy().ravel())[0, 1] > 0.99999


def test_the_shipped_sounds_are_small_distinct_and_match_their_checksum():
    content = digits.SOUNDS.read_bytes()
    assert len(content) <= 3_000_000
    assert hashlib.sha256(content).hexdigest() == digits.SOUNDS.with_suffix(".sha256").read_text().split()[0]
    archive = np.load(digits.SOUNDS)
    together = np.concatenate([archive["train"], archive["test"]])
    assert together.dtype == np.uint8
    assert len({picture.tobytes() for picture in together}) == len(together) == 3000


def test_damaged_or_missing_sounds_get_one_line(tmp_path, monkeypatch):
    file = tmp_path / "spoken_digits.npz"
    monkeypatch.setattr(digits, "SOUNDS", file)
    with pytest.raises(UserError, match=r"spoken_digits.npz is missing: install mmbench again"):
        av_digits.load()
    shutil.copy(digits.Path(digits.__file__).parent / "spoken_digits.sha256", tmp_path)
    file.write_bytes(b"not the sounds")
    with pytest.raises(UserError, match=r"spoken_digits.npz is damaged"):
        av_digits.load()


def test_the_imbalance_is_there(data, tmp_path):
    """Decisions F1, on one of its seeds (the README has all five): under joint training the image branch ends at least 15 points
    below image-only training, and the fused accuracy lies between 80 and 93 %."""

    def last(method: str, **params: str) -> dict[str, float]:
        spec = tiny.spec(
            method, params=params, dataset="av-digits", epochs=12, batch=48, schedule={"name": "step", "size": 6, "factor": 0.1},
            optimiser={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
            encoders={m: {"name": "small-cnn", "width": 8} for m in data.modalities},
        )  # fmt: skip
        run = build.run(spec, 103, data, torch.device("cpu"))
        past, _ = train(run, build.method(spec), (), Checkpoint(tmp_path / method))
        return past["selections"]["last"]["values"]

    joint, alone = last("joint"), last("unimodal", modality="visual")
    assert 80 <= joint["accuracy"] <= 93
    assert alone["accuracy"] - joint["accuracy.visual"] >= 15
