"""THE training loop. It never asks which method it runs.

    each epoch:  method.epoch -> method.draws -> shuffle
    each batch:  method.turns
    each turn:   forward (method.features inside) -> method.loss -> method.backward -> method.gradients -> clip -> step

A run can be stopped between any two steps and ends, when resumed, in the same bits on the same CPU as if it had not been.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mmbench import diagnostics, fast, history, optim, precision
from mmbench.checkpoint import Checkpoint
from mmbench.datasets.data import Batch, Part
from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run, Turn, evaluating
from mmbench.randomness import generator, stream
from mmbench.spec import View


class Stopped(Exception):
    """Asked to stop; the checkpoint is written, or nothing was done yet that one could hold."""


@dataclass
class Epoch:
    """One pass over the draws, at `position` batches. index, keep: the draws in shuffled order."""

    index: Tensor
    keep: Tensor | None
    augment: torch.Generator
    position: int
    loss: Tensor
    steps: int


def train(
    run: Run,
    method: Method,
    views: Sequence[View],
    checkpoint: Checkpoint,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[dict[str, Any]], None] = lambda news: None,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Train to the end: the history (`mmbench.history`) and the seconds spent by phase. A loss that becomes NaN or infinite
    ends the run; `history["diverged_at"]` is then the 0-based epoch. Raises Stopped when `stop()` says so."""
    schedule = ready(run, method, stop)
    wanted = history.rules(views, run.task.primary, "val" in run.data.parts)
    past, clock, current = _resume(run, schedule, checkpoint)
    if past is None:
        past, clock = history.empty(), {"train": 0.0, "evaluate": 0.0, "resumed": 0}
        method.start(run)
    while run.epoch < run.epochs:
        began = time.perf_counter()
        current = current or _begin(run, method)
        with closing(_steps(run, method, current)) as steps:
            for _ in steps:
                if stop() or checkpoint.due():
                    clock["train"] += time.perf_counter() - began
                    began = time.perf_counter()
                    checkpoint.save(_content(run, schedule, past, clock, current))
                    if stop():
                        raise Stopped
        clock["train"] += time.perf_counter() - began
        mean = float(current.loss) / max(1, current.steps)
        if not math.isfinite(mean):
            return past | {"diverged_at": run.epoch, "train_loss": mean}, clock
        rate = float(run.optimiser.param_groups[0]["lr"])
        _advance(schedule, mean)
        began = time.perf_counter()
        numbers, kept = _evaluate(run, views)
        numbers |= {"loss": mean, "lr": rate} | diagnostics.gradient_norms(run) | history.logged(run.logged)
        history.append(past, numbers, kept, wanted, run.task.primary, run.task.better)
        clock["evaluate"] += time.perf_counter() - began
        run.epoch, run.logged, current = run.epoch + 1, {}, None
        progress({"epoch": run.epoch, "epochs": run.epochs, "loss": mean, run.task.primary: numbers[run.task.primary]})
    return past | {"train_loss": past["curve"]["loss"][-1]}, clock


def ready(run: Run, method: Method, stop: Callable[[], bool]) -> Any:
    """Give the run all that steps need: optimiser, scaler, the method's `features`, `fit`; and return the schedule."""
    run.optimiser = optim.optimiser([p for p in run.model.parameters() if p.requires_grad], run.spec["optimiser"])
    run.scaler = precision.scaler(run.spec["precision"], run.device)
    run.change = lambda features: method.features(run, features)
    run.fit = lambda modalities, epochs, index: fit(run, modalities, epochs, index, stop)
    return optim.schedule(run.optimiser, run.spec["schedule"], run.epochs)


@dataclass(frozen=True)
class _Only(Method):
    """Joint training of some modalities on some of the training part, for `fit`."""

    modalities: tuple[str, ...]
    index: Tensor

    def draws(self, run: Run) -> Draw:
        return Draw(self.index)

    def turns(self, run: Run, batch: Batch) -> Sequence[Turn]:
        return (Turn(self.modalities),)


def fit(run: Run, modalities: tuple[str, ...], epochs: int, index: Tensor, stop: Callable[[], bool] = lambda: False) -> Any:
    """A copy of the model as it is now, trained jointly on these modalities of these training samples, by the run's own recipe.
    Asked to stop it raises Stopped, and leaves nothing behind: the resumed run begins it again."""
    other = replace(run, model=copy.deepcopy(run.model), epochs=epochs, epoch=0, state={}, logged={}, change=None)
    other.optimiser = optim.optimiser([p for p in other.model.parameters() if p.requires_grad], run.spec["optimiser"])
    other.scaler = precision.scaler(run.spec["precision"], run.device)
    schedule, method = optim.schedule(other.optimiser, run.spec["schedule"], run.epochs), _Only(modalities, index)
    for other.epoch in range(epochs):
        now = _begin(other, method)
        with closing(_steps(other, method, now)) as steps:
            for _ in steps:
                if stop():
                    raise Stopped
        _advance(schedule, float(now.loss) / max(1, now.steps))
    return other.model


def _begin(run: Run, method: Method) -> Epoch:
    """The draws of this epoch, shuffled by (seed, dataset, epoch) alone."""
    method.epoch(run)
    draw: Draw = method.draws(run)
    dataset = run.spec["dataset"]
    order = torch.randperm(len(draw.index), generator=generator(run.seed, dataset, "order", run.epoch))
    torch.manual_seed(stream(run.seed, dataset, "layers", run.epoch))  # dropout and the like
    keep = None if draw.keep is None else draw.keep[order]
    augment = generator(run.seed, dataset, "augment", run.epoch)
    return Epoch(draw.index[order], keep, augment, 0, torch.zeros((), device=run.device), 0)


def _rest(run: Run, now: Epoch) -> Iterator[tuple[Batch, Tensor]]:
    """The batches of the rest of the epoch, and the state of the augmentation's stream behind each. `now` is left as it is: batches
    may be made before they are trained on. The last incomplete batch is dropped only where the recipe says so."""
    size, part = run.spec["batch"], run.data.parts["train"]
    count = len(now.index) // size if run.spec["drop_last"] else math.ceil(len(now.index) / size)
    source = now.augment.clone_state()
    for position in range(now.position, count):
        chosen = slice(position * size, (position + 1) * size)
        keep = None if now.keep is None else now.keep[chosen]
        yield run.transform(part, now.index[chosen], keep, True, source), source.get_state()


def _steps(run: Run, method: Method, now: Epoch) -> Generator[None]:
    """Train on the rest of the epoch; yields after each batch."""
    run.model.train()
    for batch, state in run.prepared(_rest(run, now)):
        now.augment.set_state(state)
        for turn in method.turns(run, batch):
            run.passes = 0
            run.optimiser.zero_grad(set_to_none=True)
            with run.mixed():
                out = run.forward(batch, only=turn.modalities)
                loss = method.loss(run, out, batch, turn)
            method.backward(run, out, batch, run.scaler.scale(loss))
            run.scaler.unscale_(run.optimiser)
            method.gradients(run, out, batch)
            optim.clip(run.model.parameters(), run.spec["clip"])
            run.scaler.step(run.optimiser)
            run.scaler.update()
            run.step += 1
            now.loss += loss.detach()
            now.steps += 1
        now.position += 1
        yield


def _advance(schedule: Any, loss: float) -> None:
    plateau = isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)
    with warnings.catch_warnings():
        # Resumed behind the last step of an epoch, torch thinks that the optimiser has never stepped.
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        schedule.step(loss) if plateau else schedule.step()


def _evaluate(run: Run, views: Sequence[View]) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Scores on every listed item of the test part (and, with `val.` before the name, of the validation part)."""
    kept = outputs(run, run.data.parts["test"])
    numbers = run.task.scores(kept, run.modalities, views)
    if "val" in run.data.parts:
        others = run.task.scores(outputs(run, run.data.parts["val"]), run.modalities, views)
        numbers |= {f"val.{name}": score for name, score in others.items()}
    return numbers, kept


@torch.no_grad()
def outputs(run: Run, part: Part) -> dict[str, Tensor]:
    """What the task keeps of each output, for all items of a part, in its order."""
    found: list[dict[str, Tensor]] = []
    with evaluating(run.model), run.mixed():
        for batch in run.batches(part, torch.arange(len(part)), run.spec["batch"]):
            found.append(run.task.collect(run.model(batch.inputs, batch.keep, None, run.change), batch))
    kept = {name: torch.cat([piece[name] for piece in found]) for name in found[0]}
    assert len(kept["labels"]) == len(part), "evaluated = listed"
    return run.task.whole(kept, part) if hasattr(run.task, "whole") else kept  # a task may score the part only once it is whole


def _content(run: Run, schedule: Any, past: dict[str, Any], clock: dict[str, float], now: Epoch) -> dict[str, Any]:
    return {
        "epoch": run.epoch, "step": run.step, "model": run.model.state_dict(), "optimiser": run.optimiser.state_dict(),
        "schedule": schedule.state_dict() if hasattr(schedule, "state_dict") else {}, "state": run.state, "history": past, "clock": clock,
        "scaler": run.scaler.state_dict(), "logged": run.logged, "random": torch.get_rng_state(), "augment": now.augment.get_state(),
        "index": now.index, "keep": now.keep, "position": now.position, "loss": now.loss, "steps": now.steps, "path": run.path,
    }  # fmt: skip


def _resume(run: Run, schedule: Any, checkpoint: Checkpoint) -> tuple[Any, Any, Epoch | None]:
    """Put everything back as the checkpoint holds it, and the epoch in which it was written; (None, None, None) without one.
    UserError for one of another path: no path would give the bits that came of it."""
    if (content := checkpoint.load()) is None:
        return None, None, None
    if (why := fast.foreign(content.get("path"), run)) is not None:
        raise UserError(f"{checkpoint.path}: {why}, or remove this file to begin again")
    run.epoch, run.step, run.logged = content["epoch"], content["step"], content["logged"]
    run.model.load_state_dict(content["model"])
    run.optimiser.load_state_dict(content["optimiser"])
    schedule.load_state_dict(content["schedule"])
    run.scaler.load_state_dict(content["scaler"])
    run.state.update(content["state"])
    torch.set_rng_state(content["random"])
    augment = torch.Generator()
    augment.set_state(content["augment"])
    content["clock"]["resumed"] += 1
    now = Epoch(content["index"], content["keep"], augment, content["position"], content["loss"].to(run.device), content["steps"])
    return content["history"], content["clock"], now
