"""A step asks the device for no number, as a GPU then waits until all is computed that it was given. Seen on a CPU by the operations
that hand a number, or a shape that depends on numbers, to Python."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmbench.train import _begin, _steps, ready
from tests import tracks
from tests.methods.examples import EXAMPLES
from tests.methods.test_all import fresh

ASKS = ("_local_scalar_dense", "nonzero", "masked_select")
# What a method decides on the host, and how often per step of two modalities: what it does next depends on it.
DECIDES = {"agm": 1, "pmr": 7, "greedy": 4}


class Watch(TorchDispatchMode):
    """Counts the asking operations."""

    def __init__(self):
        super().__init__()
        self.asked: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        boolean = name == "index" and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        if name in ASKS or boolean:
            self.asked.append(name)
        return func(*args, **(kwargs or {}))


def asked(run, method) -> list[str]:
    """In the second step of the second epoch."""
    ready(run, method, lambda: False)
    method.start(run)
    for run.epoch in (0, 1):
        steps = _steps(run, method, _begin(run, method))
        next(steps)
    with Watch() as watch:
        next(steps)
    return watch.asked


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_step_asks_for_no_more_numbers_than_its_method_must(name):
    run, method = fresh(name, 2, batch=4)
    assert len(asked(run, method)) <= DECIDES.get(name, 0)


def test_neither_does_clipping():
    """Under SGD: Adam and its kin count their steps in numbers that lie on the host."""
    assert asked(*fresh("joint", 2, batch=4, clip=0.1)) == []


def test_localisation_asks_nothing_for_a_method_that_changes_no_features():
    run = tracks.run(optimiser={"name": "sgd", "lr": 0.05})
    assert len(asked(run, fresh("joint", 2)[1])) == 2, "torch's one_hot, which looks at its labels on a CPU alone"


def test_a_question_is_seen():
    values = torch.arange(3.0)
    with Watch() as watch:
        bool(values.sum() > 1)
        values[values > 1]
        torch.nonzero(values)
    assert len(watch.asked) == 3


def test_turns_of_one_modality_ask_for_nothing():
    assert asked(*fresh("unimodal", 2, batch=4)) == []
