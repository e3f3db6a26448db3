"""A run that begins with the weights of another dataset: the same recipe is trained there first, as CM-VQVAE's transfer from CREMA-D to
RML. Where a run says `pretraining`, these settings take the place of its own (dataset, split, preparation, epochs).

Ours, as nothing is published: the last epoch's weights are taken, all of them are finetuned, codebooks and mask go along, and the layer
that answers begins anew, as its classes are others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mmbench import build
from mmbench.checkpoint import Checkpoint
from mmbench.datasets.data import Data
from mmbench.errors import UserError
from mmbench.method import Run
from mmbench.train import train


def before(spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """The run that comes first, None where there is none."""
    if "pretraining" not in spec:
        return None
    return {name: value for name, value in (dict(spec) | dict(spec["pretraining"])).items() if name != "pretraining"}


def pretrain(run: Run, data: Data, checkpoint: Checkpoint, stop: Callable[[], bool], progress: Callable[[dict[str, Any]], None]) -> None:
    """Train on `data` and give the run's model what was learned there. Raises Stopped like `train`, with a checkpoint."""
    spec = before(run.spec)
    assert spec is not None
    first = build.run(spec, run.seed, data, run.device)
    train(first, build.method(spec), (), checkpoint, stop, progress)
    take(run.model, first.model.state_dict())


def take(model: nn.Module, learned: Mapping[str, Tensor]) -> None:
    """Weights and buffers by name, all but the layer that answers (`model.answering`, or the head). UserError where one does not fit."""
    new = str(getattr(model, "answering", "head."))
    mine = model.state_dict()
    for name, value in mine.items():
        if not name.startswith(new):
            if name not in learned or learned[name].shape != value.shape:
                there = list(learned[name].shape) if name in learned else "nothing"
                raise UserError(f"pretraining: {name} is {list(value.shape)} here and {there} there: the data differ in size or modalities")
            value.copy_(learned[name])
