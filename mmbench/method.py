"""A method: the eight moments at which it may change training, and the run that it is handed.

A method is one small frozen dataclass of hyper-parameters in one file of `methods/`; it overrides only what its paper changes.
Whatever it changes while training lives in `run.state` (tensors, numbers, plain containers), so that a checkpoint holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmbench.datasets.data import Batch, Data, Part
from mmbench.head import Out
from mmbench.precision import GradScaler, mixed, unscaled
from mmbench.randomness import generator
from mmbench.transfer import ahead


@dataclass(frozen=True)
class Draw:
    """What one epoch trains on, before shuffling. index: n positions in the training part (int64), repeats allowed;
    keep: n x M bool, which modalities of each are given (None: all)."""

    index: Tensor
    keep: Tensor | None = None


@dataclass(frozen=True)
class Turn:
    """One forward, backward and optimiser step on a batch. modalities: whose encoders run (empty: all)."""

    modalities: tuple[str, ...] = ()
    name: str = ""


@dataclass
class Run:
    """What a method sees of the training. `epoch` is 0-based; `step` counts optimiser steps since the start."""

    spec: Mapping[str, Any]
    seed: int
    data: Data
    model: Any  # has .encoders (ModuleDict by modality) and .head, and returns Out
    task: Any
    device: torch.device
    transform: Callable[..., Batch]  # (part, index, keep, training, generator) -> Batch on the device
    epochs: int
    optimiser: Any = None
    scaler: GradScaler = field(default_factory=unscaled)  # of fp16 losses; bound by the loop
    epoch: int = 0
    step: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None  # the method's `features`, bound by the loop
    fit: Callable[..., Any] | None = None  # (modalities, epochs, index) -> a trained copy of the model; bound by the loop
    logged: dict[str, list[Any]] = field(default_factory=dict)  # name -> [sum, count] of this epoch
    passes: int = 0  # forward passes since the last optimiser step
    path: str = "plain"  # how its numbers come about (`fast.path`)
    supply: str = ""  # how data come to the device (`fast.supply`)

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.model.head.modalities

    @property
    def classes(self) -> int:
        return len(self.data.classes)

    def random(self, purpose: str) -> torch.Generator:
        """A generator of this run's own for a purpose in this epoch; CPU. No other purpose or epoch is shifted by drawing from it."""
        return generator(self.seed, self.spec["dataset"], purpose, self.epoch)

    def forward(self, batch: Batch, keep: Tensor | None = None, frozen_norm: bool = False, only: tuple[str, ...] = ()) -> Out:
        """The model's output on a batch. keep: which modalities are given (default: the batch's own).
        Batch-norm statistics move at most once per optimiser step: in the first pass, and only if not frozen_norm."""
        keep = batch.keep if keep is None else keep
        self.passes += 1
        norms = evaluating(self.model) if frozen_norm else still_statistics(self.model) if self.passes > 1 else nullcontext()
        with self.mixed(), norms:
            return self.model(batch.inputs, keep, only or None, self.change)

    def mixed(self) -> AbstractContextManager[Any]:
        """In the block, the network computes in the run's precision."""
        return mixed(self.spec["precision"], self.device)

    def batches(self, part: Part, index: Tensor, size: int, transforms: str = "test", purpose: str = "valuation") -> Iterator[Batch]:
        """The part's items in the given order, `size` at a time. transforms: "test" (deterministic) or "train" (as drawn for `purpose`)."""
        stream = self.random(purpose) if transforms == "train" else None
        made = ((self.transform(part, chunk, None, transforms == "train", stream), None) for chunk in index.split(size))
        for batch, _ in self.prepared(made):
            yield batch

    def prepared(self, made: Iterator[tuple[Batch, Any]]) -> Iterator[tuple[Batch, Any]]:
        """The same, made in a thread beside the training where data do not lie on the device."""
        return ahead(made, self.device) if self.supply == "prefetched" else made

    def fraction(self, part: str, share: float) -> Tensor:
        """Positions of a random share of a part, without replacement, at least one, anew in each epoch; all in order for a share of 1."""
        count = len(self.data.parts[part])
        if share >= 1:
            return torch.arange(count)
        return torch.randperm(count, generator=self.random("fraction"))[: max(1, int(share * count))]

    @torch.no_grad()
    def features(self, part: str = "train", fraction: float = 1.0, transforms: str = "test") -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Features of (a random fraction of) a part, batch-norm frozen: modality -> n x d, labels n, index n."""
        items, index = self.data.parts[part], self.fraction(part, fraction)
        found: dict[str, list[Tensor]] = {m: [] for m in self.modalities}
        labels = []
        with evaluating(self.model), self.mixed():
            for batch in self.batches(items, index, self.spec["batch"], transforms):
                for m, f in self.model(batch.inputs).features.items():
                    found[m].append(f.float())
                labels.append(batch.labels)
        return {m: torch.cat(f) for m, f in found.items()}, torch.cat(labels), index

    def log(self, name: str, value: float | Tensor) -> None:
        """Add to this epoch's mean of a named quantity; it stands in the curve as `log.<name>`."""
        total = self.logged.setdefault(name, [0.0, 0])
        # Not in place: after a resume the sum is on the CPU, the value on the run's device, and their sum is there too.
        total[0] = total[0] + (value.detach() if isinstance(value, Tensor) else value)
        total[1] += 1


@dataclass(frozen=True)
class Method:
    """Joint training: the defaults of all moments. Concrete methods are final and override what their paper changes."""

    def start(self, run: Run) -> None:
        """Once, before the first epoch (not after a resume)."""

    def epoch(self, run: Run) -> None:
        """Before each epoch."""

    def draws(self, run: Run) -> Draw:
        """Before each epoch: every sample once, all modalities."""
        return Draw(torch.arange(len(run.data.parts["train"])))

    def turns(self, run: Run, batch: Batch) -> Sequence[Turn]:
        """Per batch: one turn, all modalities."""
        return (Turn(),)

    def features(self, run: Run, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """In every forward pass, training and test: the features that the head gets."""
        return features

    def loss(self, run: Run, out: Out, batch: Batch, turn: Turn) -> Tensor:
        """Per turn: the task's loss on the fused output (or the head's several terms), and the model's own losses. A scalar."""
        terms = [run.task.loss(logits, batch) for logits in out.terms] + list(out.losses.values())
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    def backward(self, run: Run, out: Out, batch: Batch, loss: Tensor) -> None:
        """Per turn: fill the gradients."""
        loss.backward()

    def gradients(self, run: Run, out: Out, batch: Batch) -> None:
        """Per turn, after backward and before clipping: change the gradients in place."""


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for the block: frozen batch-norm statistics, no dropout."""
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)


@contextmanager
def still_statistics(model: nn.Module) -> Iterator[None]:
    """Batch-norm normalises by the batch, as in training, but its running statistics do not move."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
