"""The mask over channels: its boundary, its gradient, its pace under Adam, and what it says of the modalities (facts F, B2)."""

from __future__ import annotations

import math

import pytest
import torch

from mmbench.channel_mask import ChannelMask, complementarity
from mmbench.errors import UserError


def mask(kind="binary", names=("color", "audio"), dimension=64, initial=0.01, threshold=0.005) -> ChannelMask:
    return ChannelMask(kind, names, dimension, initial, threshold)


def opened(first: int, second: int, dimension=64) -> ChannelMask:
    """A mask with so many open channels of each modality."""
    made = mask(dimension=dimension)
    weights = torch.zeros(2, dimension)
    weights[0, :first], weights[1, :second] = 1, 1
    made.weights.data = weights.flatten()
    return made


def test_all_open_is_half_and_half():
    assert mask().sizes() == {"compl.color": 50, "compl.audio": 50, "contr.color": 0, "contr.audio": 0, "zeta": 1}


def test_at_the_threshold_a_channel_is_closed():
    made = mask(dimension=1, initial=0.5, threshold=0.5)
    assert made.gates().tolist() == [0, 0]
    made.weights.data[1] = 0.5000001
    assert made.gates().tolist() == [0, 1]


@pytest.mark.parametrize(("dimension", "step"), [(64, 0.78125), (32, 1.5625)])
def test_a_channel_is_worth_so_much(dimension, step):
    assert opened(1, 0, dimension).sizes()["compl.color"] == step


@pytest.mark.parametrize(
    ("first", "second", "dimension", "printed"),
    [(17, 17, 64, (13.28, 13.28, 1.0)), (53, 33, 64, (41.41, 25.78, 0.62)), (7, 18, 64, (5.47, 14.06, 0.39)),
     (11, 14, 64, (8.59, 10.94, 0.78)), (15, 1, 32, (23.44, 1.56, 0.06)), (13, 0, 64, (10.16, 0.0, 0.0))],
)  # fmt: skip
def test_the_printed_sizes_are_so_many_channels(first, second, dimension, printed):
    found = opened(first, second, dimension).sizes()
    assert (round(found["compl.color"], 2), round(found["compl.audio"], 2)) == printed[:2]
    assert found["zeta"] == pytest.approx(printed[2], abs=0.01)  # 1/15 and 11/14 are printed cut, 7/18 rounded
    assert sum(v for name, v in found.items() if name != "zeta") == pytest.approx(100)


def test_zeta_of_two():
    assert opened(15, 1).sizes()["zeta"] == pytest.approx(1 / 15)
    assert opened(11, 14).sizes()["zeta"] == pytest.approx(0.786, abs=5e-4)
    assert opened(0, 3).sizes()["zeta"] == 0
    assert math.isnan(opened(0, 0).sizes()["zeta"]), "two closed masks have no ratio"


def test_zeta_of_three_is_of_each():
    assert complementarity({"a": 10.0, "b": 20.0, "c": 10.0}) == {"zeta.a": 1 / 3, "zeta.b": 1.0, "zeta.c": 1 / 3}
    alone = complementarity({"a": 10.0, "b": 0.0, "c": 0.0})
    assert math.isnan(alone["zeta.a"])
    assert alone["zeta.b"] == alone["zeta.c"] == 0


def test_the_gradient_passes_as_if_the_gate_were_the_weight():
    made, maps = opened(1, 1, dimension=2), torch.randn(3, 4, 2, 2, requires_grad=True)
    upstream = torch.randn(3, 4, 2, 2)
    (made(maps) * upstream).sum().backward()
    torch.testing.assert_close(made.weights.grad, (maps * upstream).sum((0, 2, 3)).detach())
    assert (made.weights.grad != 0).all(), "closed channels learn too"
    torch.testing.assert_close(maps.grad, upstream * torch.tensor([1.0, 0, 1, 0])[:, None, None])


@pytest.mark.parametrize(("initial", "threshold", "steps"), [(0.01, 0.005, 6), (0.1, 0.05, 51)])
def test_under_adam_the_penalty_alone_closes_all_after_so_many_steps(initial, threshold, steps):
    made = mask(initial=initial, threshold=threshold)
    optimiser = torch.optim.Adam([made.weights], lr=1e-3)
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        (1e-4 * made.penalty()).backward()
        optimiser.step()
        assert int(made.open().sum()) == (128 if step < steps else 0), step


def test_under_sgd_it_hardly_moves():
    """Facts B3: 1e-7 a step, 0.1 to 0.05 in half a million steps."""
    made = mask(initial=0.1, threshold=0.05)
    (1e-4 * made.penalty()).backward()
    before = made.weights.detach().double().clone()
    torch.optim.SGD([made.weights], lr=1e-3).step()
    assert float((before - made.weights.detach().double()).max()) == pytest.approx(1e-7, rel=0.1)


def test_gated_multiplies_by_the_weight():
    made, maps = mask("gated", dimension=2), torch.ones(1, 4, 1, 1)
    assert made(maps).flatten().tolist() == pytest.approx([0.01] * 4)
    assert made.sizes() == {}
    assert made.open() is None
    assert made.penalty() is not None


def test_dropout_draws_anew_for_the_whole_batch_and_at_test_too():
    made, maps = mask("dropout").eval(), torch.ones(2, 128, 1, 1)
    torch.manual_seed(0)
    first, second = made(maps), made(maps)
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    assert {*first.unique().tolist()} == {0.0, 1.0}
    assert float(torch.stack([made(maps)[0] for _ in range(50)]).mean()) == pytest.approx(0.5, abs=0.03)
    assert (list(made.parameters()), made.penalty(), made.sizes()) == ([], None, {})


def test_no_mask_changes_nothing_and_counts_as_open():
    made, maps = mask("none"), torch.randn(1, 128, 2, 2)
    assert made(maps) is maps
    assert (list(made.parameters()), made.penalty()) == ([], None)
    assert made.sizes()["zeta"] == 1


def test_an_unknown_mask_is_named():
    with pytest.raises(UserError, match="unknown mask 'binery'; did you mean 'binary'"):
        mask("binery")
