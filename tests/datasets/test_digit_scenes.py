"""Scenes: labels are classes or void, each digit of a scene is labelled, the nearest hides, the task takes them as they are."""

import numpy as np
import pytest
import torch

from mmbench.datasets.standins import digit_scenes, digits
from mmbench.tasks.segmentation import Segmentation


@pytest.fixture(scope="module")
def data():
    return digit_scenes.load()


def test_each_pixel_is_of_a_class_or_void(data) -> None:
    assert data.classes == (*digits.NAMES, "background")
    for part in data.parts.values():
        assert part.labels.shape == (len(part), 32, 32)
        assert part.arrays["color"].shape == (len(part), 3, 32, 32)
        assert part.arrays["depth"].shape == (len(part), 1, 32, 32)
        assert sorted(part.labels.unique().tolist()) == [*range(11), 255]
        assert 0.4 < float((part.labels == 10).float().mean()) < 0.7
        assert 0.05 < float((part.labels == 255).float().mean()) < 0.25
    assert Segmentation.of(data).classes == 11


def test_a_scene_shows_the_digits_of_its_images_and_no_others(data) -> None:
    _, shown = digits.images()
    for part in data.parts.values():
        for key, labels in zip(part.keys, part.labels, strict=True):
            named = {int(shown[int(i)]) for i in key.removeprefix("image-").split("+")}
            assert set(labels.unique().tolist()) - {10, 255} == named


def test_depth_is_nearer_on_a_digit_than_on_the_wall(data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digit_scenes, "DEPTH_NOISE", 0.0)
    part = digit_scenes.load().parts["train"]
    depth = part.arrays["depth"][:, 0]
    assert torch.equal(part.labels, data.parts["train"].labels)
    assert depth[part.labels < 10].max() < depth[part.labels == 10].min()


def test_the_nearest_digit_hides_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four full squares that share the middle: what is seen there is the last painted, and its depth the least."""
    for name, value in (("DEPTH_NOISE", 0.0), ("ROOM", 0.0), ("SIZE", 24.0), ("WALL", (0.9, 0.9))):
        monkeypatch.setattr(digit_scenes, name, value)
    part = digit_scenes._part(np.ones((4, 8, 8), np.float32), np.array([3, 5, 7, 9]), np.arange(4), np.random.default_rng(5))
    assert part.labels[0, 16, 16] == 9
    depth = part.arrays["depth"][0, 0]
    assert depth[16, 16] == depth.min()
    assert len(depth.unique()) >= 4
