"""The five methods of SMV: warm-up, rates, draws, drop and mask."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mmbench.checkpoint import Checkpoint
from mmbench.errors import UserError
from mmbench.methods.smv_drop import SMVDrop
from mmbench.methods.smv_fixed import SMVFixed
from mmbench.methods.smv_mask import SMVMask, patches
from mmbench.methods.smv_modality import SMVModality, rate
from mmbench.methods.smv_sample import SMVSample
from mmbench.shapley import shapley
from mmbench.train import train
from tests import tiny

COMMON = {"warmup": 2, "zero": "feature", "transforms": "test"}
ALL = {
    "sample": SMVSample(power=1.0, factor=2.0, **COMMON),
    "fixed": SMVFixed(copies=3, **COMMON),
    "modality": SMVModality(function="linear", alpha=1.0, subset=0.5, draw="bernoulli", **COMMON),
    "replacement": SMVModality(function="linear", alpha=1.0, subset=0.5, draw="replacement", **COMMON),
    "drop": SMVDrop(probability=0.5, **COMMON),
    "mask": SMVMask(probability=1.0, share=0.5, patch=2, **COMMON),
}


@pytest.mark.parametrize("name", ALL)
def test_in_the_warm_up_every_sample_comes_once(name):
    """Anchor 9."""
    run = tiny.run()
    for run.epoch in (0, 1):
        draw = ALL[name].draws(run)
        assert draw.index.tolist() == list(range(24))
        assert draw.keep is None
    assert "resampled" not in run.state


def test_sample_level_copies_are_never_cumulative_and_only_of_low_contributors(monkeypatch):
    run = tiny.run()
    run.epoch = 2
    phi = torch.ones(24, 2)
    phi[3] = torch.tensor([-0.5, 0.5])
    monkeypatch.setattr("mmbench.methods.smv_sample.value", lambda *a: (phi, torch.arange(24)))
    for _ in range(2):
        draw = ALL["sample"].draws(run)
        assert draw.index[24:].tolist() == [3] * 4
        assert draw.keep[24:].sum(0).tolist() == [3, 1]


def test_a_fixed_rate_copies_alike_below_one(monkeypatch):
    run = tiny.run()
    run.epoch = 2
    phi = torch.tensor([[1.5, 0.5]] + [[1.0, 1.0]] * 23)
    monkeypatch.setattr("mmbench.methods.smv_fixed.value", lambda *a: (phi, torch.arange(24)))
    draw = ALL["fixed"].draws(run)
    assert draw.index[24:].tolist() == [0, 0, 0]
    assert draw.keep[24:].tolist() == [[False, True]] * 3


@pytest.mark.parametrize(
    ("average", "function", "expected"),
    [((0.875, 0.5), "linear", (1, 0.25)), ((0.5, 0.875), "linear", (0, 0.25)), ((0.875, 0.5), "tanh", (1, 0.24491866)),
     ((0.875, 0.5), "power-1.5", (1, 0.125)), ((0.7, 0.7), "linear", (1, 0.0)), ((1.0, 0.4, 0.7), "linear", (1, 2 / 3 * 0.45))],
)  # fmt: skip
def test_rates_of_modalities(average, function, expected):
    """Facts 0b: phi .875 and .5 give r = .25. A tie re-samples the last modality, as released."""
    low, share = rate(torch.tensor(average, dtype=torch.float64), function, 1.0)
    assert (low, share) == (expected[0], pytest.approx(expected[1]))


def test_the_released_draw_takes_exactly_a_share_with_replacement(monkeypatch):
    """r = .25 of N = 1,000 is K = 250 of modality 2 alone."""
    run = tiny.run(content=tiny.data(train=1000))
    run.epoch = 2
    phi = torch.tensor([[0.875, 0.5]]).repeat(1000, 1)
    monkeypatch.setattr("mmbench.methods.smv_modality.value", lambda *a: (phi, torch.arange(1000)))
    draw = ALL["replacement"].draws(run)
    assert len(draw.index) == 1250
    assert len(draw.index[1000:].unique()) < 250
    assert draw.keep[1000:].tolist() == [[False, True]] * 250
    drawn = ALL["modality"].draws(run)
    assert len(drawn.index[1000:].unique()) == len(drawn.index) - 1000, "each sample at most once"
    assert 200 < len(drawn.index) - 1000 < 300


def test_anchor_of_the_facts_released_code_truncates_200_to_199(monkeypatch):
    """Facts section 8, anchor 8, with its correction in 0b: mean v_a = .6, v_v = .3, r = .2 but for the last bit, K = 199."""
    run = tiny.run(content=tiny.data(train=1000))
    run.epoch = 2
    alone = torch.zeros(1000, 2)
    alone[:600, 0], alone[-300:, 1] = 1, 1
    phi = shapley(torch.stack([torch.zeros(1000), *alone.T, torch.full((1000,), 2.0)]))
    monkeypatch.setattr("mmbench.methods.smv_modality.value", lambda *a: (phi, torch.arange(1000)))
    whole = replace(ALL["replacement"], subset=1.0)
    monkeypatch.setattr(torch, "randint", lambda high, size, generator: torch.arange(size[0]))  # each sample once, to keep the means
    draw = whole.draws(run)
    assert run.logged["rate"][0] == pytest.approx(0.2)
    assert len(draw.index) == 1000 + 199
    assert draw.keep[1000:].tolist() == [[False, True]] * 199, "the weaker modality is trained again, alone"


def test_only_the_subset_is_valued_unless_as_released():
    run = tiny.run()
    run.epoch = 2
    ALL["modality"].draws(run)
    assert run.logged["valued"] == [12, 1]
    run.logged.clear()
    ALL["replacement"].draws(run)
    assert run.logged["valued"] == [24, 1]


def test_drop_withholds_the_high_contributor_only():
    run = tiny.run()
    run.epoch = 2
    draw = ALL["drop"].draws(run)
    assert draw.keep.shape == (24, 2)
    assert draw.keep.any(1).all(), "never both"


def test_patches_are_a_share_of_each_sample():
    shown = torch.ones(5, 3, 20, 30)
    kept = patches(shown, 0.5, 10, torch.Generator().manual_seed(0))
    assert kept.shape == (5, 1, 20, 30)
    assert kept.mean((1, 2, 3)).tolist() == [0.5] * 5
    assert len({tuple(k.flatten().tolist()) for k in kept}) > 1
    frames = patches(torch.ones(2, 3, 4, 25, 25), 0.5, 10, torch.Generator().manual_seed(0))
    assert frames.shape == (2, 1, 1, 25, 25)
    with pytest.raises(UserError, match="no patches"):
        patches(torch.ones(2, 7), 0.5, 10, torch.Generator())


def test_mask_refuses_at_the_start_what_it_could_never_mask():
    run = tiny.run()
    ALL["mask"].start(run)
    replace(ALL["mask"], share=0.0, patch=10).start(run)
    with pytest.raises(UserError, match="patches of 10 pixels leave nothing to mask of audio, 8 x 8"):
        replace(ALL["mask"], patch=10).start(run)


def test_mask_changes_the_shown_inputs_of_the_chosen_alone(monkeypatch):
    run = tiny.run()
    run.epoch = 2
    phi = torch.tensor([[1.5, 0.5]] + [[1.0, 1.0]] * 23)
    monkeypatch.setattr("mmbench.methods.smv_mask.value", lambda *a: (phi, torch.arange(24)))
    ALL["mask"].draws(run)
    part = run.data.parts["train"]
    batch = run.transform(part, torch.tensor([0, 1]), None, True, None)
    ALL["mask"].turns(run, batch)
    assert (batch.inputs["audio"][0] == 0).float().mean() == 0.5
    assert torch.equal(batch.inputs["audio"][1], part.arrays["audio"][1])
    assert torch.equal(batch.inputs["visual"], part.arrays["visual"][:2])
    assert not (part.arrays["audio"] == 0).any(), "the data are as before"


@pytest.mark.parametrize("name", ALL)
def test_a_whole_run_logs_what_it_did(name, tmp_path):
    run = tiny.run(epochs=3)
    history, _ = train(run, ALL[name], (), Checkpoint(tmp_path / "c.pt", every=1e9))
    logged = {"drop": "dropped", "mask": "masked"}.get(name, "resampled")
    assert [str(v) for v in history["curve"][f"log.{logged}"][:2]] == ["nan", "nan"]
    assert history["curve"][f"log.{logged}"][2] >= 0


@pytest.mark.parametrize(
    "make",
    [lambda: SMVSample(power=0, factor=2, **COMMON), lambda: SMVFixed(copies=0, **COMMON), lambda: SMVDrop(probability=2, **COMMON),
     lambda: SMVModality(function="tanh", alpha=1, subset=0, draw="bernoulli", **COMMON),
     lambda: SMVMask(probability=0.5, share=0.5, patch=0, **COMMON), lambda: SMVSample(power=1, factor=2, **(COMMON | {"warmup": -1}))],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(make):
    with pytest.raises(UserError, match="method smv"):
        make()
