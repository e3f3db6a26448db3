"""A moving digit: the flow is its motion where its ink is, the difference is without the ground, directions belong to classes."""

import numpy as np
import pytest
import torch

from mmbench.datasets.standins import moving_digits


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch):
    """The test part, without noise and with each digit in the direction of its class."""
    for name in ("CAMERA_NOISE", "FLOW_NOISE", "SPREAD"):
        monkeypatch.setattr(moving_digits, name, 0.0)
    return moving_digits.load().parts["test"]


def test_the_flow_points_in_the_direction_of_the_class(part) -> None:
    still = part.arrays["flow"][:, :, :1, :1]  # a corner, where nothing moves
    right, down = (part.arrays["flow"] - still).sum((2, 3)).T
    angle = torch.rad2deg(torch.atan2(down, right)) - 36 * part.labels
    assert ((angle + 180) % 360 - 180).abs().max() < 0.1


def test_the_digit_moves_with_the_flow_and_the_ground_goes_out(part) -> None:
    """The difference is a second picture less a first: ink comes where the motion leads, and where no ink is nothing changes."""
    still = part.arrays["diff"][:, :, :1, :1]
    change = (part.arrays["diff"] - still).mean(1)  # light ink on dark ground: positive where ink comes
    moving = (part.arrays["flow"] - part.arrays["flow"][:, :, :1, :1]).abs().sum(1) > 0
    place = torch.arange(32.0)
    lit = torch.stack([(change * place).sum((1, 2)), (change * place[:, None]).sum((1, 2))], 1)
    angle = torch.deg2rad(36.0 * part.labels)
    along = (lit * torch.stack([angle.cos(), angle.sin()], 1)).sum(1)
    assert (along > 0).all()
    near = torch.nn.functional.max_pool2d(moving[:, None].float(), 9, 1, 4)[:, 0] > 0
    assert change[~near].abs().max() < 1e-3


def test_directions_spread_about_the_class() -> None:
    """With the spread that it has, one mean motion does not tell the class: neighbours overlap."""
    flow = moving_digits.load().parts["train"]
    right, down = flow.arrays["flow"].mean((2, 3)).T.numpy()
    angle = np.rad2deg(np.arctan2(down - down.mean(), right - right.mean()))
    off = (angle - 36 * flow.labels.numpy() + 180) % 360 - 180
    assert 30 < off.std() < 80
