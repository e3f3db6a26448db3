"""A prepared array that lies on the training device as a whole: the same rows, without a file read or a transfer per batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbench.datasets.data import Data
from mmbench.rows import Rows, blocks
from mmbench.transfer import placed

SHARE = 0.5  # of the device's free memory that data may take: the rest is for the network and its batches
BLOCK = 256  # rows read at a time


@dataclass(frozen=True, eq=False)
class Resident(Rows):
    """Rows whose entries stand in `content` (entries x shape, on the device, in the stored type), one row after the other.
    What is read is a tensor there; sizes and counts stay on the host."""

    content: Tensor | None = None

    def _read(self, places: np.ndarray, length: int) -> Any:
        assert self.content is not None
        wanted = (places[:, None] + np.arange(length)).ravel()
        return self.content[placed(torch.from_numpy(wanted), self.content.device)]


def moved(rows: Rows, device: torch.device) -> Resident:
    """All chosen rows, each read and moved once, however often it is chosen."""
    alone, places = _distinct(rows)
    if alone.offsets is None:
        pieces: Iterable[np.ndarray] = (alone[block] for block in blocks(alone, BLOCK))
    else:
        pieces = (alone.row(i) for i in range(len(alone)))
    content = torch.cat([torch.from_numpy(piece).to(device) for piece in pieces])
    same: dict[str, Any] = {f.name: getattr(rows, f.name) for f in fields(Rows)}
    found = Resident(**{**same, "rows": places, "content": content})
    counts = alone.counts(np.arange(len(alone)))
    found.__dict__["offsets"] = None if alone.offsets is None else np.concatenate([[0], np.cumsum(counts)])
    found.__dict__["_sizes"] = None if rows._sizes is None else rows._sizes[alone.rows]
    return found


def _distinct(rows: Rows) -> tuple[Rows, np.ndarray]:
    """The different rows among the chosen ones, and of each chosen one its place among them."""
    unique, places = np.unique(rows.rows, return_inverse=True)
    return replace(rows, rows=unique), places


def worthwhile(data: Data, device: torch.device) -> bool:
    """Whether all stored pictures, spectrograms and values of the dataset fit. Never on a CPU: there the page cache does it. Waves,
    of which a batch needs a window only, always stay where they are."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return 0 < size(data) <= SHARE * free


def size(data: Data) -> int:
    """Bytes of what would be moved."""
    arrays = [rows for part in data.parts.values() for rows in part.arrays.values() if movable(rows)]
    return sum(_distinct(rows)[0].nbytes() for rows in arrays)


def movable(array: Any) -> bool:
    return isinstance(array, Rows) and array.kind != "wave"
