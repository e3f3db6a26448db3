"""TV-L1 flow: from the ready archives, or computed by OpenCV. Two channels, u and v, as grey pictures about 128.

Both archives were made as 128 + pixels * 255 / (2 * 20), cut at 20 pixels a frame; the computed flow is quantised alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from datasets_prep import folders, media
from datasets_prep.dataset import Item
from datasets_prep.lists import few
from datasets_prep.media import Clip, Unreadable
from mmbench.errors import UserError

BOUND = 20.0  # pixels a frame
TWO_TREES, ONE_TREE, COMPUTED = "tvl1_flow", "rawframes", "computed"


@dataclass(frozen=True)
class Flow:
    """Where the flow of a clip lies. kind: the layout; root: its folder."""

    kind: str
    root: Path

    def files(self, key: str, action: str, stem: str) -> dict[str, str]:
        """The folders of one clip, under the name that is there: the key, or the clip's own spelling."""
        if self.kind == COMPUTED:
            return {}
        if self.kind == ONE_TREE:
            return {"flow": str(_existing(_place(self.root, action), key, stem))}
        return {part: str(_existing(self.root / part, key, stem)) for part in ("u", "v")}


def _existing(folder: Path, key: str, stem: str) -> Path:
    wanted = _by_lower(folder)
    return folder / wanted.get(key.lower(), wanted.get(stem.lower(), key))


def _place(root: Path, action: str) -> Path:
    return root / _by_lower(root).get(action.lower(), action)


@cache
def _by_lower(folder: Path) -> dict[str, str]:
    return {p.name.lower(): p.name for p in folder.iterdir()} if folder.is_dir() else {}


def find(root: Path) -> Flow:
    """The ready flow beside the clips, else computing it; UserError where OpenCV is not there either."""
    _by_lower.cache_clear()
    for kind in (TWO_TREES, ONE_TREE):
        folder = folders.inside(root, kind)
        if folder is not None:
            lacking = [part for part in ("u", "v") if kind == TWO_TREES and not (folder / part).is_dir()]
            if lacking:
                raise UserError(f"{folder}: no folder '{lacking[0]}' in it; expected tvl1_flow/{{u,v}}/v_X_gNN_cNN/frame000001.jpg")
            return Flow(kind, folder)
    _solver()
    return Flow(COMPUTED, root)


@cache
def _solver() -> Any:
    try:
        import cv2  # pyright: ignore[reportMissingImports]

        return cv2.optflow.DualTVL1OpticalFlow_create()  # pyright: ignore[reportAttributeAccessIssue]
    except (ImportError, AttributeError):
        raise UserError(
            "flow: neither tvl1_flow/ nor rawframes/ lies beside UCF-101: unpack the ready archive there, or install "
            "'mmbench[flow]' to compute it (slow), or prepare without it: --only rgb --only diff"
        ) from None


def read(item: Item, clip: Clip, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """T x H x W x 2 uint8, one for each pair of neighbouring frames (0-based)."""
    if item.facts["flow"] == COMPUTED:
        grey = {i: clip.frames[i].to_ndarray(format="gray") for pair in pairs for i in pair}
        return np.stack([quantised(compute(grey[a], grey[b])) for a, b in pairs])
    if item.facts["flow"] == ONE_TREE:
        names = [("flow", f"flow_{axis}_{{:05}}.jpg") for axis in "xy"]
    else:
        names = [(part, "frame{:06}.jpg") for part in ("u", "v")]
    channels = [_pictures(Path(item.files[source]), pattern, [first for first, _ in pairs]) for source, pattern in names]
    if channels[0].shape != channels[1].shape:
        raise Unreadable(f"{item.key}: u and v have pictures of different sizes")
    found = np.stack(channels, -1)
    if found.shape[1] > 256 or found.shape[2] > 342:
        raise Unreadable(f"{item.key}: flow pictures of {found.shape[2]}x{found.shape[1]} are larger than 342x256")
    return found


def _pictures(folder: Path, pattern: str, firsts: Sequence[int]) -> np.ndarray:
    """The flow from frame i to i + 1 is picture i + 1, counted from 1; the last is taken where there is one fewer."""
    if not folder.is_dir():
        raise Unreadable(f"{folder.parent.name}/{folder.name}: is not there")
    there = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    count = sum(name.startswith(pattern.partition("{")[0]) for name in there)
    if not count:
        raise Unreadable(f"{folder.parent.name}/{folder.name}: no picture {pattern.format(1)}; there is {few(there, 2) or 'nothing'}")
    found = []
    for first in firsts:
        path = folder / pattern.format(min(first, count - 1) + 1)
        try:
            media.content_check(path)
            found.append(np.asarray(Image.open(path).convert("L")))
        except (OSError, UnidentifiedImageError, Unreadable) as error:
            why = error if isinstance(error, Unreadable) else "is no readable picture" if path.exists() else "is not there"
            raise Unreadable(f"{folder.name}/{path.name}: {why}") from None
    return np.stack(found)


def compute(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """H x W x 2 float32, pixels from one grey picture to the other."""
    return _solver().calc(one, other, None)


def quantised(flow: np.ndarray) -> np.ndarray:
    """128 + pixels * 255 / 40, cut to 0..255: uint8."""
    return np.clip(np.round(flow * (255 / (2 * BOUND)) + 128), 0, 255).astype(np.uint8)
