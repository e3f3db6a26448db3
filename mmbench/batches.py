"""From positions in a part to a batch on the training device: take the items, move them, transform them as whole batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbench import augment, fast, resident
from mmbench.datasets.data import Batch, Data, Part
from mmbench.rows import Rows
from mmbench.transfer import placed


def transformer(
    data: Data, spec: Mapping[str, Any], device: torch.device, whole: bool | None = None, arranged: Sequence[str] = ()
) -> Callable[..., Batch]:
    """The function that makes batches for a run: (part, index, keep, training, generator) -> Batch.
    What a part holds in memory is moved to the device once, and so are the rows of a prepared store where they fit (whole: None asks
    `resident.worthwhile`); else they are read, moved and augmented batch by batch. The batches are the same, to the bit.
    arranged: modalities whose inputs lie with the channels innermost. Nothing is computed in halves, whatever the run's precision."""
    whole = resident.worthwhile(data, device) if whole is None else whole
    known: dict[int, tuple[Part, dict[str, Any], Tensor, dict[str, Tensor]]] = {}

    def held(part: Part) -> tuple[Part, dict[str, Any], Tensor, dict[str, Tensor]]:
        if id(part) not in known:  # the part is kept beside, so that its id stays its own
            arrays = {m: _held(a, device, whole) for m, a in part.arrays.items()}
            extras = {name: torch.as_tensor(e).to(device) for name, e in part.extras.items() if _per_item(e, part)}
            known[id(part)] = part, arrays, torch.as_tensor(part.labels).to(device), extras
        return known[id(part)]

    def transform(part: Part, index: Tensor, keep: Tensor | None, training: bool, generator: torch.Generator | None) -> Batch:
        _, arrays, labels, extras = held(part)
        here = placed(index, device)
        with torch.autocast(device.type, enabled=False):
            inputs = {
                m: augment.read(a, index, spec, training, generator, device) if isinstance(a, Rows) else a[here] for m, a in arrays.items()
            }
        inputs |= {m: fast.arranged(inputs[m]) for m in arranged}
        return Batch(inputs, labels[here], index, None if keep is None else placed(keep, device), {n: e[here] for n, e in extras.items()})

    return transform


def _held(array: Any, device: torch.device, whole: bool) -> Any:
    """A tensor on the device, or rows of a store, which lie there too if `whole`."""
    if isinstance(array, Rows):
        return resident.moved(array, device) if whole and resident.movable(array) else array
    return torch.as_tensor(array).to(device)


def _per_item(extra: Any, part: Part) -> bool:
    """Whether it is an array with a row for each item, which batches carry; a list of trials is none."""
    return isinstance(extra, (np.ndarray, Tensor)) and len(extra) == len(part)
