"""From positions in a part to a batch on the training device: take the items, move them, transform them as whole batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbench.datasets.data import Batch, Data, Part


def transformer(data: Data, spec: Mapping[str, Any], device: torch.device) -> Callable[..., Batch]:
    """The function that makes batches for a run: (part, index, keep, training, generator) -> Batch.
    Parts that are held in memory are moved to the device once."""
    resident: dict[int, dict[str, Tensor]] = {}

    def take(part: Part, index: Tensor) -> dict[str, Tensor]:
        if id(part) not in resident:
            resident[id(part)] = {m: torch.as_tensor(a).to(device) for m, a in part.arrays.items() if not isinstance(a, np.memmap)}
        held = resident[id(part)]
        found = {}
        for modality, array in part.arrays.items():
            found[modality] = held[modality][index.to(device)] if modality in held else torch.from_numpy(array[index.numpy()]).to(device)
        return found

    def transform(part: Part, index: Tensor, keep: Tensor | None, training: bool, generator: torch.Generator | None) -> Batch:
        labels = torch.as_tensor(part.labels)[index].to(device)
        return Batch(take(part, index), labels, index, None if keep is None else keep.to(device))

    return transform
