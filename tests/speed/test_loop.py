"""What the loop costs over a hand-written minimal one on the same model and data: `make speed`.

Both train for one epoch, in turn, judged by the median of the paired ratios of CPU seconds with its 95 % bootstrap interval. Once the
tiny networks of av-digits, where a step takes milliseconds and every line of Python shows; once the ResNet-18 pair at CREMA-D's shapes,
where nearly all tables train. Aim: 1.03.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmbench import build, fast, optim
from mmbench.datasets.data import Data, Part
from mmbench.method import Method
from mmbench.registry import load
from mmbench.train import _begin, _steps
from tests import tiny
from tests.speed.pairing import alternate, ratio, seconds

BATCH = {"av-digits": 48, "ResNet-18 pair": 8}
PAIRS = {"av-digits": 15, "ResNet-18 pair": 7}


def digits():
    encoders = {m: {"name": "small-cnn", "width": 8} for m in ("audio", "visual")}
    return built(load("dataset", "av-digits")(), encoders, "av-digits")


def pair():
    """One batch of noise of CREMA-D's shapes."""
    source = torch.Generator().manual_seed(0)
    shapes = {"audio": (8, 1, 257, 299), "visual": (8, 3, 224, 224)}
    part = Part({m: torch.randn(s, generator=source) for m, s in shapes.items()}, torch.arange(8) % 6, tuple("abcdefgh"))
    data = Data("tiny", "1", "standard", tuple("abcdef"), {"train": part, "test": part}, "0" * 64, stand_in=True)
    return built(data, {m: {"name": "resnet18"} for m in shapes}, "ResNet-18 pair")


def built(data: Data, encoders, name: str):
    spec = tiny.spec(
        dataset=data.name, batch=BATCH[name], encoders=encoders,
        optimiser={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
    )  # fmt: skip
    return build.run(spec, 0, data, torch.device("cpu"))


def ours(run) -> float:
    run.optimiser = optim.optimiser(run.model.parameters(), run.spec["optimiser"])
    method = Method()
    run.change = lambda features: method.features(run, features)

    def epoch() -> None:
        for _ in _steps(run, method, _begin(run, method)):
            pass

    return seconds(epoch).cpu


def minimal(run) -> float:
    """What a script would do that knows this one network; its inputs lie in memory as ours do."""
    model, part, size = run.model, run.data.parts["train"], run.spec["batch"]
    arranged = fast.channels_last(run.spec)
    inputs = {m: torch.as_tensor(a) for m, a in part.arrays.items()}
    labels = torch.as_tensor(part.labels)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    model.train()

    def epoch() -> None:
        for chosen in torch.randperm(len(labels)).split(size):
            optimiser.zero_grad()
            batch = {m: x[chosen].contiguous(memory_format=torch.channels_last) if m in arranged else x[chosen] for m, x in inputs.items()}
            features = [model.encoders[m](x) for m, x in batch.items()]
            loss = cross_entropy(model.head.classifier(torch.cat(features, 1)), labels[chosen])
            loss.backward()
            optimiser.step()

    return seconds(epoch).cpu


@pytest.mark.benchmark
@pytest.mark.parametrize(("name", "prepared"), [("av-digits", digits), ("ResNet-18 pair", pair)], ids=["av-digits", "resnet18"])
def test_the_loop_against_a_minimal_one(name, prepared, benchmark, table):
    torch.set_num_threads(1)
    first, second = prepared(), prepared()
    ours(first), minimal(second)
    pairs = benchmark.pedantic(alternate, (lambda: ours(first), lambda: minimal(second), PAIRS[name]), rounds=1)
    found = ratio([a / b for a, b in pairs])
    table(f"loop / minimal loop, {name}", found, "<= 1.03")
    assert found.value < 1.5, "an order of magnitude is the loop's fault; the figure itself is for the README"
