"""The small set: nothing of it trains `av-digits`, its parts share nothing, and it says what it is."""

import numpy as np
import pytest
import torch

from mmbench.datasets.standins import av_digits, digits, few_digits, pictures


@pytest.fixture(scope="module")
def data():
    return few_digits.load()


def used(part) -> tuple[set[str], set[str], set[str]]:
    """Images, sounds and voices of a part."""
    images, sounds = zip(*(key.split("+") for key in part.keys), strict=True)
    return set(images), set(sounds), set(part.groups)


def test_it_says_what_it_is(data):
    assert (data.name, data.split, data.stand_in, data.modalities) == ("few-digits", "standard", True, ("audio", "visual"))
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 300, "test": 297}
    assert torch.bincount(data.parts["train"].labels).tolist() == [30] * 10
    assert torch.bincount(data.parts["test"].labels).min() > 20
    assert {tuple(a.shape[1:]) for part in data.parts.values() for a in part.arrays.values()} == {(1, 32, 32)}


def test_nothing_of_it_trains_where_a_network_comes_from(data):
    elsewhere = used(av_digits.load().parts["train"])
    for part in data.parts.values():
        assert [mine & theirs for mine, theirs in zip(used(part), elsewhere, strict=True)] == [set(), set(), set()]


def test_no_image_sound_or_voice_occurs_in_both_parts_or_twice(data):
    train, test = used(data.parts["train"]), used(data.parts["test"])
    assert [mine & theirs for mine, theirs in zip(train, test, strict=True)] == [set(), set(), set()]
    assert [len(a) + len(b) for a, b in zip(train, test, strict=True)] == [597, 597, 20]


def test_image_and_sound_are_of_the_labelled_digit(data, monkeypatch):
    monkeypatch.setattr(few_digits, "IMAGE_NOISE", 0.0)
    shown = digits.images()
    part = few_digits.load().parts["test"]
    for key, label, picture in zip(part.keys, part.labels.tolist(), part.arrays["visual"].numpy(), strict=True):
        image, sound = key.split("+")
        index = int(image.removeprefix("image-"))
        assert shown[1][index] == label == int(sound.split("-")[1])
        assert np.corrcoef(pictures.upscaled(shown[0][[index]]).ravel(), picture.ravel())[0, 1] > 0.9999


def test_it_is_the_same_every_time_and_its_fingerprint_tells_the_noise(data, monkeypatch):
    again = few_digits.load()
    assert again.fingerprint == data.fingerprint
    assert all(torch.equal(a, data.parts[n].arrays[m]) for n, part in again.parts.items() for m, a in part.arrays.items())
    monkeypatch.setattr(few_digits, "SOUND_NOISE", 0.5)
    assert few_digits.load().fingerprint != data.fingerprint
