"""The loop: equal to a hand-written one to the bit, fair between methods, and the same after any interruption."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmbench import build, diagnostics
from mmbench.checkpoint import Checkpoint, digest
from mmbench.method import Draw, Method, Turn
from mmbench.randomness import generator
from mmbench.spec import View
from mmbench.train import Stopped, outputs, train
from tests import tiny


def finish(run, method, path, views=(), **options):
    return train(run, method, views, Checkpoint(path / "c.pt", every=1e9), **options)


def test_joint_training_is_a_hand_written_loop_to_the_bit(tmp_path):
    run = tiny.run()
    finish(run, Method(), tmp_path)

    by_hand = tiny.run()
    model, part = by_hand.model, by_hand.data.parts["train"]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for epoch in range(3):
        if epoch == 2:
            optimiser.param_groups[0]["lr"] = 0.05 * 0.1
        model.train()
        for chosen in torch.randperm(24, generator=generator(0, "tiny", "order", epoch)).split(5):
            optimiser.zero_grad()
            features = [model.encoders[m](part.arrays[m][chosen]) for m in ("audio", "visual")]
            logits = model.head.classifier(torch.cat(features, 1))
            cross_entropy(logits, part.labels[chosen]).backward()
            optimiser.step()
    assert digest(run.model) == digest(model)


def test_the_order_and_the_initial_weights_do_not_depend_on_method_or_head():
    joint, arl = tiny.run(), tiny.run(method="arl", params=tiny.ARL)
    total, other = tiny.run(head="sum"), tiny.run(seed=1)
    for run in (arl, total):
        for name, value in joint.model.encoders.state_dict().items():
            assert torch.equal(value, run.model.encoders.state_dict()[name]), name
    assert digest(joint.model) == digest(arl.model)
    assert digest(joint.model) != digest(other.model)


def test_every_listed_item_is_evaluated_whatever_the_batch():
    run = tiny.run(content=tiny.data(test=11))
    kept = outputs(run, run.data.parts["test"])
    assert len(kept["labels"]) == 11
    assert torch.equal(kept["labels"], run.data.parts["test"].labels)


def test_the_last_incomplete_batch_is_trained_on_unless_the_recipe_drops_it(tmp_path):
    whole, dropped = tiny.run(), tiny.run(drop_last=True)
    finish(whole, Method(), tmp_path / "a")
    finish(dropped, Method(), tmp_path / "b")
    assert (whole.step, dropped.step) == (3 * 5, 3 * 4)


class Copies(Method):
    """Every sample twice, the second time without the visual modality."""

    def draws(self, run):
        index = torch.arange(24).repeat(2)
        keep = torch.ones(48, 2, dtype=torch.bool)
        keep[24:, 1] = False
        return Draw(index, keep)


def test_draws_extend_the_epoch_and_withhold_modalities(tmp_path):
    run = tiny.run()
    finish(run, Copies(), tmp_path)
    assert run.step == 3 * math.ceil(48 / 5)


def test_a_withheld_modality_gives_its_encoder_no_gradient_but_moves_its_norm():
    """Facts section 8, anchor 7."""
    run = tiny.run()
    part = run.data.parts["train"]
    run.model.train()
    before = run.model.encoders["visual"].state_dict()
    before = {n: v.clone() for n, v in before.items()}
    batch = run.transform(part, torch.arange(6), torch.tensor([[True, False]] * 6), True, None)
    run.task.loss(run.forward(batch).fused, batch).backward()
    assert all(p.grad is None or p.grad.abs().sum() == 0 for p in run.model.encoders["visual"].parameters())
    assert run.model.head.classifier.weight.grad[:, run.model.encoders["audio"].out :].abs().sum() == 0
    moved = [n for n, v in run.model.encoders["visual"].state_dict().items() if not torch.equal(v, before[n])]
    assert any("running_mean" in n for n in moved)


class Alternating(Method):
    def turns(self, run, batch):
        return (Turn(("audio",)), Turn(("visual",)))


def test_a_turn_runs_only_its_encoders(tmp_path):
    run = tiny.run(epochs=1)
    finish(run, Alternating(), tmp_path)
    assert run.step == 2 * 5
    counts = {n: int(v) for n, v in run.model.state_dict().items() if n.endswith("num_batches_tracked")}
    assert set(counts.values()) == {5}


def test_a_second_forward_in_a_step_leaves_the_norm_statistics_alone():
    run = tiny.run()
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    run.model.train()
    first = run.forward(batch)
    once = {n: v.clone() for n, v in run.model.state_dict().items()}
    second = run.forward(batch)
    assert torch.equal(first.fused, second.fused), "normalised by the batch both times"
    frozen = run.forward(batch, frozen_norm=True)
    assert not torch.equal(first.fused, frozen.fused)
    assert all(torch.equal(v, once[n]) for n, v in run.model.state_dict().items())
    assert run.model.training


def test_unimodal_training_never_touches_the_other_encoder(tmp_path):
    run = tiny.run(method="unimodal", params={"modality": "visual"}, optimiser={"name": "sgd", "lr": 0.05})
    before = {n: v.clone() for n, v in run.model.encoders["audio"].state_dict().items()}
    history, _ = finish(run, build.method(run.spec), tmp_path)
    assert all(torch.equal(v, before[n]) for n, v in run.model.encoders["audio"].state_dict().items())
    last = history["selections"]["last"]["values"]
    assert last["accuracy"] == last["accuracy.visual"]


def test_diagnostics_change_nothing():
    run = tiny.run()
    state, random = digest(run.model), torch.get_rng_state()
    norms = diagnostics.gradient_norms(run)
    assert set(norms) == {"gradient.audio", "gradient.visual"}
    assert all(value > 0 for value in norms.values())
    assert digest(run.model) == state
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in run.model.parameters())


def test_a_loss_that_is_not_finite_ends_the_run_at_its_epoch(tmp_path):
    class Explodes(Method):
        def loss(self, run, out, batch, turn):
            return super().loss(run, out, batch, turn) * (float("nan") if run.epoch == 1 else 1.0)

    history, _ = finish(tiny.run(), Explodes(), tmp_path)
    assert history["diverged_at"] == 1
    assert len(history["curve"]["loss"]) == 1


def test_the_curve_holds_scores_losses_logs_and_diagnostics(tmp_path):
    run = tiny.run(method="arl", params=tiny.ARL, content=tiny.data(validated=True))
    history, clock = finish(run, build.method(run.spec), tmp_path, views=(View("macro-f1"), View("accuracy", subset="first-4")))
    curve = history["curve"]
    for name in ("accuracy", "accuracy.audio", "macro-f1", "accuracy@first-4", "val.accuracy", "loss", "lr", "log.k.audio",
                 "log.variance_ratio", "contribution.visual", "gradient.audio"):  # fmt: skip
        assert len(curve[name]) == 3, name
    assert math.isnan(curve["log.k.audio"][0]), "nothing is scaled in the warm-up"
    assert curve["lr"] == pytest.approx([0.05, 0.05, 0.005])
    assert set(history["selections"]) == {"first", "last", "best-test", "best-val", "best-test@first-4"}
    assert history["selections"]["best-test"]["values"]["accuracy"] == max(curve["accuracy"])
    best = curve["val.accuracy"].index(max(curve["val.accuracy"]))
    assert history["selections"]["best-val"]["epoch"] == best, "the earlier of ties"
    assert clock["train"] > 0


@pytest.mark.parametrize("schedule", [
    {"name": "multi-step", "marks": [2], "factor": 0.1}, {"name": "step", "size": 1, "factor": 0.5}, {"name": "cosine"},
    {"name": "plateau", "factor": 0.5, "patience": 0}, {"name": "constant"},
])  # fmt: skip
@pytest.mark.parametrize("stops", [(0,), (4,), (7, 12)])
def test_stopped_between_any_two_steps_and_resumed_a_run_ends_in_the_same_bits(tmp_path, schedule, stops):
    """Also when it is stopped twice. ARL logs and scales; Adagrad keeps state; the draws extend."""

    def fresh():
        run = tiny.run(method="arl", params=tiny.ARL, schedule=schedule, optimiser={"name": "adagrad", "lr": 0.02})
        return run, build.method(run.spec)

    run, method = fresh()
    whole, _ = finish(run, method, tmp_path / "whole")
    expected = digest(run.model)

    checkpoint = Checkpoint(tmp_path / "cut" / "c.pt", every=1e9)
    for at in stops:
        run, method = fresh()
        with pytest.raises(Stopped):
            train(run, method, (), checkpoint, stop=lambda run=run, at=at: run.step > at)
    run, method = fresh()
    resumed, clock = train(run, method, (), checkpoint)
    assert clock["resumed"] == len(stops)
    assert digest(run.model) == expected
    assert {n: [str(v) for v in c] for n, c in resumed["curve"].items()} == {n: [str(v) for v in c] for n, c in whole["curve"].items()}
    assert resumed["selections"] == whole["selections"]
    assert all(torch.equal(t, whole["kept"][s][n]) for s, k in resumed["kept"].items() for n, t in k.items())
