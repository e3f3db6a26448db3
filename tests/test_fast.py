"""The fast path: the same training as the plain one but for rounding, by its own name, and never mixed with another within a run."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torchvision.models.resnet import BasicBlock, ResNet

from mmbench import build, fast, paths
from mmbench.checkpoint import Checkpoint, digest
from mmbench.datasets.data import Data, Part
from mmbench.encoders import resnet18
from mmbench.encoders.small_cnn import SmallCNN
from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.rows import Rows
from mmbench.train import Stopped, _begin, _steps, ready, train
from tests import tiny

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
ONE = {"audio": {"name": "small-cnn", "width": 4}, "visual": {"name": "resnet18"}}
PAIR = ONE | {"audio": {"name": "resnet18"}}
SLOW = {"name": "sgd", "lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4}  # the recipes' own


def pair(frames: int = 1, **changes):
    """A run of two ResNet-18: spectrograms of 1 x 65 x 40 and `frames` pictures of 3 x 64 x 64."""

    def part(count: int, seed: int) -> Part:
        source = torch.Generator().manual_seed(seed)
        seen = torch.randn(count, 3, 64, 64, generator=source) if frames == 1 else torch.randn(count, 3, frames, 64, 64, generator=source)
        sound = torch.randn(count, 1, 65, 40, generator=source)
        return Part({"audio": sound, "visual": seen}, torch.arange(count) % 3, tuple(f"{seed}-{i}" for i in range(count)))

    content = Data("tiny", "1", "standard", tuple("abc"), {"train": part(8, 1), "test": part(3, 2)}, "0" * 64, stand_in=True)
    return tiny.run(content=content, **{"encoders": PAIR, "optimiser": SLOW, "batch": 4, "epochs": 1} | changes)


@pytest.fixture
def plain(monkeypatch):
    """A builder of runs on the plain path."""

    def built(maker, **options):
        with monkeypatch.context() as patch:
            patch.setenv("MMBENCH_PATH", "plain")
            return maker(**options)

    return built


def steps(run) -> list[float]:
    """An epoch's losses, of every step."""
    method, losses = Method(), []
    ready(run, method, lambda: False)
    now = _begin(run, method)
    for _ in _steps(run, method, now):
        losses.append(float(now.loss) - sum(losses))
    return losses


def test_residual_networks_run_with_the_channels_innermost(plain):
    run, other = pair(encoders=ONE), plain(pair, encoders=ONE)
    weight = run.model.encoders["visual"].net.layer1[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert other.model.encoders["visual"].net.layer1[0].conv1.weight.is_contiguous()
    batches = [next(iter(r.batches(r.data.parts["train"], torch.arange(4), 4))) for r in (run, other)]
    assert batches[0].inputs["visual"].is_contiguous(memory_format=torch.channels_last)
    assert batches[1].inputs["visual"].is_contiguous()
    for m in ("audio", "visual"):
        assert torch.equal(batches[0].inputs[m], batches[1].inputs[m]), m
    assert (run.path, other.path) == ("channels-last", "plain")
    assert digest(run.model) == digest(other.model), "the values of the weights, wherever they lie"


def test_frames_are_laid_out_so_that_folding_them_into_the_batch_copies_nothing():
    run = pair(frames=2, encoders=ONE)
    seen = next(iter(run.batches(run.data.parts["train"], torch.arange(4), 4))).inputs["visual"]
    assert seen.shape == (4, 3, 2, 64, 64)
    folded = seen.transpose(1, 2).reshape(8, 3, 64, 64)
    assert folded.is_contiguous(memory_format=torch.channels_last)
    assert folded.data_ptr() == seen.data_ptr()


def smoothed(model) -> None:
    """Without kinks: at one, two float32 paths that differ by 1e-7 may take either side, and the gradient jumps by a percent."""
    for encoder in model.encoders.values():
        encoder.net.maxpool = torch.nn.AvgPool2d(3, 2, 1)
        for block in (encoder.net, *(b for b in encoder.net.modules() if isinstance(b, BasicBlock))):
            block.relu = torch.nn.Softplus()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("frames", [1, 2])
def test_the_gradients_of_a_step_are_those_of_the_plain_path(plain, frames):
    """Of each parameter to 1e-4 of the gradient's norm (float32 sums in another order; measured with four seeds: 1.1e-5)."""
    found = []
    for run in (pair(frames=frames), plain(pair, frames=frames)):
        batch = next(iter(run.batches(run.data.parts["train"], torch.arange(4), 4)))
        run.model.train()
        smoothed(run.model)
        run.task.loss(run.forward(batch).fused, batch).backward()
        found.append({name: p.grad for name, p in run.model.named_parameters()})
    for name, gradient in found[1].items():
        assert (found[0][name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_the_losses_and_the_weights_follow_the_plain_path(plain):
    """Two steps of the recipes' own SGD: losses to 1e-4 (measured: 2e-6), and the weights end no further apart than
    2 % of the way that they have come (measured: 0.4 %)."""
    start = {name: p.detach().clone() for name, p in pair().model.named_parameters()}
    run, other = pair(), plain(pair)
    losses, expected = steps(run), steps(other)
    assert len(losses) == 2
    assert losses == pytest.approx(expected, rel=1e-4)
    moved = torch.cat([(p - start[name]).flatten() for name, p in other.model.named_parameters()]).norm()
    apart = torch.cat([(p - q).flatten() for p, q in zip(run.model.parameters(), other.model.parameters(), strict=True)]).norm()
    assert 0 < apart <= 0.02 * moved


def test_other_networks_stay_as_they_are(plain):
    run, other = tiny.run(), plain(tiny.run)
    assert (run.path, run.supply) == ("plain", "")
    assert steps(run) == steps(other)
    assert digest(run.model) == digest(other.model)


def test_the_digest_does_not_see_where_numbers_lie():
    model = torch.nn.Conv2d(3, 5, 3)
    before = digest(model)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    assert not model.weight.is_contiguous()
    assert digest(model) == before
    with torch.no_grad():
        model.weight[0, 0, 0, 0] += 1
    assert digest(model) != before


def test_stopped_and_resumed_the_fast_path_ends_in_the_same_bits(tmp_path):
    whole = pair(encoders=ONE)
    train(whole, Method(), (), Checkpoint(tmp_path / "whole.pt", every=1e9))
    checkpoint, cut = Checkpoint(tmp_path / "cut.pt", every=1e9), pair(encoders=ONE)
    with pytest.raises(Stopped):
        train(cut, Method(), (), checkpoint, stop=lambda: cut.step > 0)
    resumed = pair(encoders=ONE)
    train(resumed, Method(), (), checkpoint)
    assert digest(resumed.model) == digest(whole.model)


def test_a_checkpoint_is_not_continued_on_another_path(tmp_path, plain, monkeypatch):
    monkeypatch.setattr(SmallCNN, "channels_last", True, raising=False)  # as if it had the choice: its checkpoints are small

    def begun(run, name):
        checkpoint = Checkpoint(tmp_path / name, every=1e9)
        with pytest.raises(Stopped):
            train(run, Method(), (), checkpoint, stop=lambda: True)
        return checkpoint

    expected = r"fast.pt: the checkpoint is of the path 'channels-last', this run of 'plain', in other bits: set MMBENCH_PATH=fast to go on"
    with pytest.raises(UserError, match=expected):
        train(plain(tiny.run), Method(), (), begun(tiny.run(), "fast.pt"))
    with pytest.raises(UserError, match="set MMBENCH_PATH=plain to go on with it, or remove this file to begin again"):
        train(tiny.run(), Method(), (), begun(plain(tiny.run), "plain.pt"))


def test_a_checkpoint_of_before_there_was_a_choice_is_of_the_plain_path(tmp_path):
    run = tiny.run()
    assert fast.foreign(None, run) is None
    run.path = "channels-last"
    assert "of the path 'plain'" in str(fast.foreign(None, run))
    run.path = "bf16"
    assert "train it where it was begun" in str(fast.foreign("plain fp32 for bf16", run))


@pytest.mark.parametrize(
    ("asked", "device", "arranged", "said"),
    [
        ("fp32", CPU, (), "plain"), ("fp32", CPU, ("a",), "channels-last"), ("bf16", CPU, ("a",), "fp32 for bf16, channels-last"),
        ("bf16", CUDA, ("a",), "bf16, channels-last"), ("tf32", CUDA, (), "tf32"), ("tf32", CPU, (), "plain fp32 for tf32"),
    ],
)  # fmt: skip
def test_the_path_has_a_name(asked, device, arranged, said):
    assert fast.path(asked, device, arranged) == said


@pytest.fixture
def asked_to_compile(monkeypatch):
    monkeypatch.setenv("MMBENCH_PATH", "compiled")


def test_compiled_encoders_follow_the_others_and_can_be_copied(asked_to_compile, monkeypatch):
    """Traced, without a compiler of C++ beneath: the sums are those of the fast path. ResNet-18 with one block of two in each stage,
    which has all that the whole one has, beside a small network that is compiled as if it had the choice."""
    monkeypatch.setattr(fast.compiled, "__defaults__", ("aot_eager",))
    monkeypatch.setattr(resnet18, "resnet18", lambda weights: ResNet(BasicBlock, [1, 1, 1, 1]))
    monkeypatch.setattr(SmallCNN, "channels_last", True, raising=False)
    run = pair(encoders=ONE)
    assert all(encoder._compiled_call_impl is not None for encoder in run.model.encoders.values())
    assert (run.path, copy.deepcopy(run.model).state_dict().keys()) == ("compiled, channels-last", run.model.state_dict().keys())
    with monkeypatch.context() as patch:
        patch.setenv("MMBENCH_PATH", "fast")
        other = pair(encoders=ONE)
    assert all(encoder._compiled_call_impl is None for encoder in other.model.encoders.values())
    assert (other.path, digest(run.model)) == ("channels-last", digest(other.model))
    np.testing.assert_allclose(steps(run), steps(other), rtol=1e-4)


def test_where_nothing_can_be_compiled_a_run_goes_on_without_and_says_so(asked_to_compile, monkeypatch, capsys):
    def fail(graph, inputs):
        raise RuntimeError("no C++ compiler\nand more")

    monkeypatch.setattr(fast.compiled, "__defaults__", (fail,))
    run = pair()
    assert run.path == "channels-last"
    assert "not compiled: RuntimeError: no C++ compiler\n" in capsys.readouterr().err
    assert all(encoder._compiled_call_impl is None for encoder in run.model.encoders.values())
    assert fast.foreign("channels-last", run) is None
    assert str(fast.foreign("compiled, channels-last", run)).endswith("set MMBENCH_PATH=compiled to go on with it")


def test_small_networks_are_not_compiled(asked_to_compile):
    assert tiny.run().path == "plain"


def test_an_unknown_path_is_one_line(monkeypatch):
    monkeypatch.setenv("MMBENCH_PATH", "plane")
    with pytest.raises(UserError, match="unknown MMBENCH_PATH 'plane'; did you mean 'plain'"):
        paths.path()
    with pytest.raises(UserError, match="unknown MMBENCH_PATH"):
        build.run(tiny.spec(), 0, tiny.data(), CPU)


def test_how_data_come_to_a_gpu(tmp_path, monkeypatch):
    rows = {kind: Rows(tmp_path, kind, kind, np.arange(2)) for kind in ("frames", "wave")}

    def data(*kinds):
        return Data("toy", "1", "standard", ("a",), {"train": Part({k: rows[k] for k in kinds}, np.zeros(2), "ab")}, "0" * 64)

    assert fast.supply(data("frames"), CPU, whole=False) == ""
    assert fast.supply(tiny.data(), CUDA, whole=False) == ""
    assert fast.supply(data("frames"), CUDA, whole=True) == "resident"
    assert fast.supply(data("frames"), CUDA, whole=False) == "prefetched"
    assert fast.supply(data("frames", "wave"), CUDA, whole=True) == "prefetched", "waves stay where they are"
    monkeypatch.setenv("MMBENCH_PATH", "plain")
    assert fast.supply(data("frames"), CUDA, whole=False) == ""
    assert fast.supply(data("frames", "wave"), CUDA, whole=True) == "resident"
