"""Precision: what a device computes in, that the record says so, and that the loop scales losses where it is asked to.

Mixed precision itself runs on GPUs alone; here CUDA is no more than a name, and torch's own scaler stands in on the CPU."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mmbench import build, precision
from mmbench.datasets.data import Part
from mmbench.errors import UserError
from mmbench.optim import optimiser
from mmbench.precision import computed, path
from mmbench.rows import Rows
from mmbench.train import _begin, _steps
from tests import tiny

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("asked", "device", "found", "said"),
    [
        ("fp32", CPU, "fp32", "plain"), ("fp16", CPU, "fp32", "plain fp32 for fp16"), ("bf16", CPU, "fp32", "plain fp32 for bf16"),
        ("tf32", CPU, "fp32", "plain fp32 for tf32"), ("fp32", CUDA, "fp32", "plain"), ("tf32", CUDA, "tf32", "tf32"),
        ("fp16", CUDA, "fp16", "fp16"), ("bf16", CUDA, "bf16", "bf16"),
    ],
)  # fmt: skip
def test_a_cpu_computes_in_fp32_and_says_so(asked, device, found, said):
    assert computed(asked, device) == found
    assert path(asked, device) == said


def test_an_unknown_precision_is_one_line():
    with pytest.raises(UserError, match="unknown precision 'fp17'; did you mean 'fp16'"):
        computed("fp17", CPU)


@pytest.mark.parametrize(("asked", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_a_gpu_rounds_factors_to_tf32_only_where_the_run_asks_for_it(monkeypatch, asked, allowed):
    """CUDA is no more than a name, but the two switches are torch's own."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    monkeypatch.setattr(precision, "GradScaler", lambda device, enabled: enabled)
    try:
        for switch in switches:
            switch.allow_tf32 = not allowed
        assert precision.scaler(asked, CUDA) is False
        assert [switch.allow_tf32 for switch in switches] == [allowed, allowed]
    finally:
        for switch, was in zip(switches, before, strict=True):
            switch.allow_tf32 = was
    assert isinstance(precision.mixed("tf32", CUDA), nullcontext)


def weights(asked: str, scaled: bool) -> list[torch.Tensor]:
    """Of two steps. scaled: under a scaler that works, as on a GPU in fp16."""
    run = tiny.run(precision=asked, clip=0.1, batch=12)
    method = build.method(run.spec)
    run.optimiser, run.change = optimiser(run.model.parameters(), run.spec["optimiser"]), lambda features: features
    run.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, enabled=scaled)
    for _ in _steps(run, method, _begin(run, method)):
        pass
    assert run.step == 2
    return [p.detach().clone() for p in run.model.parameters()]


@pytest.mark.parametrize("asked", ["fp16", "tf32"])
def test_on_a_cpu_all_is_fp32_to_the_bit(asked):
    for one, other in zip(weights("fp32", False), weights(asked, False), strict=True):
        assert torch.equal(one, other)


def test_losses_are_scaled_and_gradients_are_brought_back_before_they_are_clipped():
    """The scale is a power of two, so nothing is rounded: equal weights, though the loss went backward 1,024 times as large."""
    for one, other in zip(weights("fp32", False), weights("fp32", True), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


def test_evaluation_augments_in_fp32(monkeypatch, tmp_path):
    """Batches made inside a block of halves are those made outside: a resize in halves would round the pixels."""
    monkeypatch.setattr(precision, "computed", lambda asked, device: asked)
    np.save(tmp_path / "frames.npy", np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3), dtype=np.uint8))
    frames = Rows(tmp_path, "frames", "frames", np.arange(4), {}, (1, "first"), "abcd")
    part = Part({"audio": frames}, np.zeros(4, np.int64), "abcd")
    run = tiny.run(modalities=1, content=replace(tiny.data(), parts={"train": part, "test": part}), precision="bf16", image_size=8)
    outside = next(iter(run.batches(part, torch.arange(4), 4))).inputs["audio"]
    with run.mixed():
        inside = next(iter(run.batches(part, torch.arange(4), 4))).inputs["audio"]
    assert torch.equal(inside, outside)
    assert inside.dtype == torch.float32


def test_the_network_runs_mixed_where_a_gpu_is_asked_to(monkeypatch):
    """The same, with the CPU's own bf16 in place of a GPU's: products are halves, losses and features are not."""
    monkeypatch.setattr(precision, "computed", lambda asked, device: asked)
    run = tiny.run(precision="bf16")
    batch = next(iter(run.batches(run.data.parts["train"], torch.arange(4), 4)))
    out = run.forward(batch)
    assert out.fused.dtype == torch.bfloat16
    with run.mixed():
        assert run.task.loss(out.fused, batch).dtype == torch.float32
    found, _, _ = run.features("test")
    assert {f.dtype for f in found.values()} == {torch.float32}
