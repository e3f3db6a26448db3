"""Greedy: speeds and their difference by hand, when it curates and for whom, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mmbench.checkpoint import Checkpoint
from mmbench.errors import Inapplicable, UserError
from mmbench.methods.greedy import Greedy, bypass, imbalance, speed
from mmbench.train import train
from tests import tiny


def started(method: Greedy, epoch: int = 0):
    """A run after one backward pass, before the gradients are looked at."""
    run = tiny.run(model="greedy-mmtm")
    run.epoch = epoch
    method.start(run)
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    (turn,) = method.turns(run, batch)
    out = run.forward(batch)
    method.backward(run, out, batch, method.loss(run, out, batch, turn))
    return run, out, batch


def test_a_speed_by_hand():
    """(1 + 4) / (9 + 16) of one tensor; with a second, without gradient, of square 75: 5 / 100."""
    weight, other = nn.Parameter(torch.tensor([3.0, 4.0])), nn.Parameter(torch.tensor([5.0, 5.0, 5.0]))
    weight.grad = torch.tensor([1.0, 2.0])
    assert speed([weight]) == pytest.approx(0.2)
    assert speed([weight, other]) == pytest.approx(0.05)
    assert speed([other]) == 0.0


def test_the_difference_by_hand():
    """log10(2 / 0.2) - log10(0.5 / 5) = 1 + 1."""
    assert imbalance({"audio": 0.2, "visual": 5.0}, {"audio": 2.0, "visual": 0.5}) == pytest.approx(2.0)
    assert imbalance({"audio": 1.0, "visual": 1.0}, {"audio": 3.0, "visual": 3.0}) == 0.0
    assert imbalance({"audio": 0.0, "visual": 1.0}, {"audio": 1.0, "visual": 1.0}) == 0.0, "nothing was learned yet"
    assert math.isnan(imbalance({"audio": math.nan, "visual": 1.0}, {"audio": 1.0, "visual": 1.0}))


def test_the_squeeze_layers_count_for_both_the_excitation_for_its_own():
    blocks = tiny.run(model="greedy-mmtm").model.blocks
    shared = [p for b in blocks for p in b.squeeze.parameters()]
    for m in ("audio", "visual"):
        own = [p for b in blocks for p in b.excite[m].parameters()]
        assert {id(p) for p in bypass(blocks, m)} == {id(p) for p in shared + own}
        assert len(bypass(blocks, m)) == 3 * 4


def test_the_sums_are_of_all_steps_and_leave_the_gradients_alone():
    method = Greedy(epsilon=1e9, window=5, first=0)
    run, out, batch = started(method)
    before = {n: p.grad.clone() for n, p in run.model.named_parameters()}
    for _ in range(2):
        method.gradients(run, out, batch)
    for m in run.modalities:
        own = list(run.model.encoders[m].parameters())
        main = sum(p.grad.square().sum() for p in own) / sum(p.detach().square().sum() for p in own)
        assert run.state["main"][m] == pytest.approx(2 * float(main))
        assert run.state["bypass"][m] == pytest.approx(2 * speed(bypass(run.model.blocks, m)))
    assert all(torch.equal(p.grad, before[n]) for n, p in run.model.named_parameters())
    assert run.state["left"] == 0


@pytest.mark.parametrize(("ahead", "cared"), [("audio", "audio"), ("visual", "visual")])
def test_the_modality_that_learns_more_from_the_other_is_cared_for(ahead, cared):
    method = Greedy(epsilon=0.01, window=5, first=0)
    run, out, batch = started(method)
    run.state["bypass"][ahead] = 1e6
    method.gradients(run, out, batch)
    assert (run.state["left"], run.state["cared"]) == (5, cared)
    method.turns(run, batch)
    assert run.model.cared == cared
    sums = dict(run.state["main"])
    method.gradients(run, out, batch)
    assert (run.state["left"], run.state["main"]) == (4, sums), "a step of curation is not counted"


def test_before_its_first_epoch_it_only_counts():
    method = Greedy(epsilon=0.0, window=5, first=1)
    run, out, batch = started(method)
    method.gradients(run, out, batch)
    assert run.state["left"] == 0
    assert run.state["main"]["audio"] > 0
    run.epoch = 1
    method.gradients(run, out, batch)
    assert run.state["left"] == 5


def test_windows_of_curation_are_parted_by_one_step_as_usual(tmp_path, monkeypatch):
    """Five steps an epoch; control from the second epoch on, always asked for: 1 step as usual, 3 of curation, and again."""
    seen, watched = [], Greedy.gradients
    monkeypatch.setattr(Greedy, "gradients", lambda self, run, *rest: seen.append(run.model.cared) or watched(self, run, *rest))
    run = tiny.run(model="greedy-mmtm")
    history, _ = train(run, Greedy(epsilon=0.0, window=3, first=1), (), Checkpoint(tmp_path / "c.pt", every=1e9))
    assert "".join("." if cared == "" else "c" for cared in seen) == "....." + ".ccc." + "ccc.c"
    shares = [history["curve"][f"log.curated.{m}"] for m in run.modalities]
    assert [a + b for a, b in zip(*shares, strict=True)] == pytest.approx([0.0, 0.6, 0.8])
    assert len(history["curve"]["log.speed_difference"]) == 3


def test_below_epsilon_it_is_joint_training(tmp_path):
    from mmbench.checkpoint import digest
    from mmbench.method import Method

    greedy, joint = tiny.run(model="greedy-mmtm"), tiny.run(model="greedy-mmtm")
    train(greedy, Greedy(epsilon=1e9, window=3, first=0), (), Checkpoint(tmp_path / "a.pt", every=1e9))
    train(joint, Method(), (), Checkpoint(tmp_path / "b.pt", every=1e9))
    assert digest(greedy.model) == digest(joint.model)


@pytest.mark.parametrize("values", [(-0.1, 5, 1), (0.01, 0, 1), (0.01, 5, -1)])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="method greedy: epsilon"):
        Greedy(*values)


def test_another_network_is_refused():
    with pytest.raises(Inapplicable, match="needs the model greedy-mmtm, this run has fusion"):
        Greedy(0.01, 5, 1).start(tiny.run())
