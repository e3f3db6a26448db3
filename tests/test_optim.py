"""Optimisers, schedules and clipping: a step by hand, the rates epoch by epoch, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mmbench import optim, registry
from mmbench.errors import UserError


def after_steps(spec, gradients=(2.0, 2.0), start=1.0):
    """A single weight after steps with these gradients."""
    weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    stepper = optim.optimiser([weight], spec)
    for gradient in gradients:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        stepper.step()
    return weight.item()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        # 1 - .1 * 2 = .8, then the velocity is .5 * 2 + 2 = 3
        ({"name": "sgd", "lr": 0.1, "momentum": 0.5, "weight_decay": 0.0}, 0.5),
        # g = 2 + .5 * 1 = 2.5 -> .75; g = 2 + .5 * .75 = 2.375 -> .5125
        ({"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.5}, 0.5125),
        # under equal gradients, both moments' ratio is 1: a step of lr each
        ({"name": "adam", "lr": 0.1, "weight_decay": 0.0}, 0.8),
        # decay apart from the gradient: (1 * .95 - .1) * .95 - .1
        ({"name": "adamw", "lr": 0.1, "weight_decay": 0.5}, 0.7075),
        # sums of squares 4 and 8: .1 * 2 / 2, .1 * 2 / sqrt 8
        ({"name": "adagrad", "lr": 0.1, "weight_decay": 0.0}, 0.9 - 0.2 / math.sqrt(8)),
    ],
    ids=["momentum", "decay", "adam", "adamw", "adagrad"],
)
def test_two_steps_by_hand(spec, expected):
    assert after_steps(spec) == pytest.approx(expected, abs=1e-7)


def rates(spec, epochs=6, losses=None):
    """The rate of each epoch, from 1."""
    stepper = optim.optimiser([nn.Parameter(torch.zeros(()))], {"name": "sgd", "lr": 1.0})
    schedule, found = optim.schedule(stepper, spec, epochs), []
    for epoch in range(epochs):
        found.append(stepper.param_groups[0]["lr"])
        stepper.step()
        schedule.step(losses[epoch]) if losses else schedule.step()
    return found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "constant"}, [1, 1, 1, 1, 1, 1]),
        ({"name": "step", "size": 2, "factor": 0.5}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"name": "multi-step", "marks": [1, 4], "factor": 0.1}, [1, 0.1, 0.1, 0.1, 0.01, 0.01]),
        ({"name": "cosine"}, [(1 + math.cos(math.pi * t / 6)) / 2 for t in range(6)]),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_mark_is_the_first_epoch_at_the_new_rate(spec, expected):
    assert rates(spec) == pytest.approx(expected)


def test_the_plateau_waits_for_more_epochs_than_its_patience():
    """Best at epoch 1; epochs 2 and 3 are no better, one more than the patience: epoch 4 has the new rate."""
    spec = {"name": "plateau", "factor": 0.1, "patience": 1}
    assert rates(spec, losses=[3.0, 2.0, 2.0, 2.0, 1.0, 0.5]) == pytest.approx([1, 1, 1, 1, 0.1, 0.1])


def test_clipping_by_hand_and_none():
    """Norm 5 to 1: a fifth of each; a norm that is small enough stays."""
    pair = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    for norm, expected in ((0.0, [3.0, 4.0]), (10.0, [3.0, 4.0]), (1.0, [0.6, 0.8])):
        for parameter, gradient in zip(pair, (3.0, 4.0), strict=True):
            parameter.grad = torch.tensor([gradient])
        optim.clip(pair, norm)
        assert [p.grad.item() for p in pair] == pytest.approx(expected, rel=1e-5)


def test_the_registry_names_the_same_optimisers_with_parameters_that_torch_takes():
    assert set(optim.OPTIMISERS) == set(registry.OPTIMISERS)
    values = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "betas": [0.9, 0.999], "eps": 1e-8}
    for name, entry in registry.OPTIMISERS.items():
        optim.optimiser([nn.Parameter(torch.zeros(1))], {"name": name, **{p: values[p] for p in entry.params}})


def test_every_schedule_of_the_registry_is_built():
    values = {"size": 1, "marks": [1], "factor": 0.1, "patience": 1}
    for name, entry in registry.SCHEDULES.items():
        assert len(rates({"name": name, **{p: values[p] for p in entry.params}}, losses=[1.0] * 6 if name == "plateau" else None)) == 6


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"name": "sdg", "lr": 0.1}, "unknown optimiser 'sdg'; did you mean 'sgd'"),
        ({"name": "sgd", "lr": -0.1}, "optimiser sgd: Invalid learning rate"),
        ({"name": "adam", "lr": 0.1, "betas": [0.9, 1.5]}, "optimiser adam: Invalid beta"),
        ({"name": "adagrad", "lr": 0.1, "momentum": 0.9}, "optimiser adagrad: .*momentum"),
    ],
)
def test_optimisers_that_cannot_be_are_refused(spec, says):
    with pytest.raises(UserError, match=says):
        optim.optimiser([nn.Parameter(torch.zeros(1))], spec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"name": "stpe"}, "unknown schedule 'stpe'; did you mean 'step'"),
        ({"name": "step", "size": 0, "factor": 0.1}, "schedule step: size 0, expected"),
        ({"name": "step", "size": 1, "factor": 0.0}, "factor is 0, expected a number between 0 and 1"),
        ({"name": "multi-step", "marks": [-1], "factor": 0.1}, "marks .-1., expected"),
        ({"name": "plateau", "factor": 1.0, "patience": 1}, "schedule plateau: factor is 1"),
        ({"name": "plateau", "factor": 0.1, "patience": -1}, "patience -1"),
    ],
)
def test_schedules_that_cannot_be_are_refused(spec, says):
    with pytest.raises(UserError, match=says):
        rates(spec)


def test_a_negative_norm_is_refused():
    with pytest.raises(UserError, match="clip is -1"):
        optim.clip([nn.Parameter(torch.zeros(1))], -1.0)
