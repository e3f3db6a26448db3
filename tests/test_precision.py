"""Precision: what a device computes in, that the record says so, and that the loop scales losses where it is asked to.

Mixed precision itself runs on GPUs alone; here CUDA is no more than a name, and torch's own scaler stands in on the CPU."""

from __future__ import annotations

import pytest
import torch

from mmbench import build, precision
from mmbench.errors import UserError
from mmbench.optim import optimiser
from mmbench.precision import computed, path
from mmbench.train import _begin, _steps
from tests import tiny

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("asked", "device", "found", "said"),
    [
        ("fp32", CPU, "fp32", "plain"), ("fp16", CPU, "fp32", "plain fp32 for fp16"), ("bf16", CPU, "fp32", "plain fp32 for bf16"),
        ("fp32", CUDA, "fp32", "plain"), ("fp16", CUDA, "fp16", "fp16"), ("bf16", CUDA, "bf16", "bf16"),
    ],
)  # fmt: skip
def test_a_cpu_computes_in_fp32_and_says_so(asked, device, found, said):
    assert computed(asked, device) == found
    assert path(asked, device) == said


def test_an_unknown_precision_is_one_line():
    with pytest.raises(UserError, match="unknown precision 'fp17'; did you mean 'fp16'"):
        computed("fp17", CPU)


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


def test_on_a_cpu_fp16_is_fp32_to_the_bit():
    for one, other in zip(weights("fp32", False), weights("fp16", False), strict=True):
        assert torch.equal(one, other)


def test_losses_are_scaled_and_gradients_are_brought_back_before_they_are_clipped():
    """The scale is a power of two, so nothing is rounded: equal weights, though the loss went backward 1,024 times as large."""
    for one, other in zip(weights("fp32", False), weights("fp32", True), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


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
