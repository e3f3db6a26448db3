"""Strokes: the pen visits each dark pixel once and goes to the nearest; the joints lie on its path; poses grow step by step."""

import numpy as np
import pytest
import torch

from mmbench.datasets.standins import digit_strokes


def test_the_pen_walks_along_a_hook() -> None:
    image = np.zeros((8, 8))
    image[1:6, 2] = image[5, 2:6] = 1
    path = digit_strokes._walk(image) * 8 - 0.5
    assert path.tolist() == [[2, y] for y in range(1, 6)] + [[x, 5] for x in range(3, 6)]


def test_the_figure_begins_at_a_point_and_ends_along_the_whole_path() -> None:
    path = np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]])
    pose = digit_strokes._pose(path)
    assert pose.shape == (digit_strokes.STEPS, 2, digit_strokes.JOINTS)
    assert np.allclose(pose[:, :, 0], 0)
    assert np.allclose(pose[-1][:, [0, 6, 12]], [[0, 0.5, 0.5], [0, 0, 0.5]])
    assert np.allclose(pose[15][:, [6, 12]], [[0.25, 0.5], [0, 0]])


def test_poses_are_steps_by_coordinates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise: the first joint rests, so the first column (its x) is the same from step to step; the last one moves."""
    monkeypatch.setattr(digit_strokes, "POSE_NOISE", 0.0)
    data = digit_strokes.load()
    for part in data.parts.values():
        assert part.arrays["pose"].shape == (len(part), 1, 32, 32)
        assert part.arrays["color"].shape == (len(part), 3, 32, 32)
        pose = part.arrays["pose"][:, 0]
        assert torch.allclose(pose[:, :, 0], pose[:, :1, 0])
        assert (pose[:, :, -1].std(1) > 0.05).all()
