"""Pairs: two hands wrote them, the clean picture is the image its key names, the cluttered one is that image among others."""

import numpy as np
import pytest

from mmbench.datasets.standins import digits, paired_digits, pictures


def test_the_two_pictures_are_different_images_and_each_is_used_once_in_each() -> None:
    for part in paired_digits.load().parts.values():
        clean, street = zip(*(key.removeprefix("mnist-").split("+svhn-") for key in part.keys), strict=True)
        assert all(a != b for a, b in zip(clean, street, strict=True))
        assert len(set(clean)) == len(set(street)) == len(part)
        assert set(clean) == set(street)


def test_the_clean_picture_is_its_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired_digits, "CLEAN_NOISE", 0.0)
    part = paired_digits.load().parts["test"]
    shown = digits.images()[0][int(part.keys[3].removeprefix("mnist-")[:4])]
    assert np.corrcoef(pictures.upscaled(shown[None]).ravel(), part.arrays["mnist"][3].numpy().ravel())[0, 1] > 0.9999


def test_neighbours_of_the_part_stand_beside_the_cluttered_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise, on a black ground and in white ink: the middle is the digit, ink beyond it on both sides."""
    monkeypatch.setattr(paired_digits, "STREET_NOISE", 0.0)
    monkeypatch.setattr(pictures, "cloth", lambda count, cells, random: np.zeros((count, 3, 32, 32), np.float32))
    monkeypatch.setattr(pictures, "colours", lambda count, random: np.ones((count, 3, 1, 1), np.float32))
    images = np.zeros((3, 8, 8), np.float32)
    images[0], images[1:, 3:5] = 1, 1  # a block between two bars
    street = paired_digits._street(images, np.array([0]), np.array([1, 2]), np.random.default_rng(5))[0, 0]
    assert (street[6:26, 6:26] > 0.5).all()
    assert street[16, [1, 30]].min() > 0.5
    assert street[8, 1] == street[8, 30] == 0
