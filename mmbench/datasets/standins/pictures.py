"""What the stand-ins made of pictures share: how the written digits are split, shown and painted, and how a set is put together.

Every set draws from one stream of its own, in a fixed order, so its data are the same for every seed of a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import torch

from mmbench.datasets.data import Data, Part
from mmbench.datasets.standins import digits as written

SIDE = 32  # height and width of a picture, in pixels


def split(digits: np.ndarray, each: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training items, `each` of every digit, and of the test items, which are all others."""
    shuffled = [random.permutation(np.flatnonzero(digits == digit)) for digit in range(10)]
    train, test = (np.concatenate([s[cut] for s in shuffled]) for cut in (slice(each), slice(each, None)))
    return random.permutation(train), random.permutation(test)


def partners(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """For each of N items another one of its label, each taken once: the items of a label in a random ring, one place on."""
    found = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        ring = random.permutation(np.flatnonzero(labels == label))
        found[ring] = np.roll(ring, 1)
    return found


def upscaled(images: np.ndarray) -> np.ndarray:
    """N x 8 x 8 -> N x 32 x 32 float32, bilinear."""
    small = torch.from_numpy(images.astype(np.float32))[:, None]
    return torch.nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0].numpy()


def placed(images: np.ndarray, size: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """N x 8 x 8 -> N x 32 x 32 float32, bilinear, paper around it: each image `size` pixels high and wide, its middle `rows` below
    the picture's and `columns` to the right (N each, in pixels)."""
    zoom, half = SIDE / size, SIDE / 2
    moved = np.zeros((len(images), 2, 3), np.float32)
    moved[:, 0, 0] = moved[:, 1, 1] = zoom
    moved[:, 0, 2], moved[:, 1, 2] = -columns / half * zoom, -rows / half * zoom
    grid = torch.nn.functional.affine_grid(torch.from_numpy(moved), [len(images), 1, SIDE, SIDE], align_corners=False)
    small = torch.from_numpy(images.astype(np.float32))[:, None]
    return torch.nn.functional.grid_sample(small, grid, align_corners=False)[:, 0].numpy()


def cloth(count: int, cells: int, random: np.random.Generator) -> np.ndarray:
    """Grounds to paint on, count x 3 x 32 x 32 float32: dark coloured blotches in 0..0.5, `cells` along each side, joined smoothly."""
    coarse = torch.from_numpy(random.random((count, 3, cells, cells), np.float32) / 2)
    return torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=False).numpy()


def colours(count: int, random: np.random.Generator) -> np.ndarray:
    """Light colours for ink, count x 3 x 1 x 1 float32 in 0.5..1."""
    return (1 + random.random((count, 3, 1, 1), np.float32)) / 2


def painted(ink: np.ndarray, ground: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The ink, N x 32 x 32 in 0..1, in one colour each (N x 3 x 1 x 1), over the ground (N x 3 x 32 x 32): as the ground."""
    return ground + ink[:, None] * (colour - ground)


def noisy(array: np.ndarray, deviation: float, random: np.random.Generator) -> np.ndarray:
    """float32, with normal noise of this standard deviation on each value."""
    return array.astype(np.float32) + deviation * random.standard_normal(array.shape, np.float32)


def dataset(
    name: str, version: str, parts: Mapping[str, Part], *settings: object, shipped: bytes = b"", classes: tuple[str, ...] = written.NAMES
) -> Data:
    """A stand-in of one split, "standard", normalised over its training part. settings: all that its generator was set to;
    shipped: the content of the file that it read."""
    found = written.normalised(parts)
    return Data(name, version, "standard", classes, found, fingerprint(version, *settings, shipped=shipped), stand_in=True)


def fingerprint(*settings: object, shipped: bytes = b"") -> str:
    """sha256 over what was read and what is done to it; not over the floats made of it, whose last bits differ between CPUs."""
    images, digits = written.images()
    total = hashlib.sha256(shipped)
    total.update((16 * images).astype(np.uint8).tobytes() + digits.astype(np.uint8).tobytes())
    total.update(" ".join(map(str, settings)).encode())
    return total.hexdigest()
