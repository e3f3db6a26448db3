"""What the loop costs over a hand-written minimal one on the same model and data: `make speed`.

Both train the av-digits networks for one epoch; interleaved, and judged by the median of paired ratios with its 95 % bootstrap
interval, printed. A ratio within one run, so that no machine's speed enters.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from scipy.stats import bootstrap
from torch.nn.functional import cross_entropy

from mmbench import build, optim
from mmbench.method import Method
from mmbench.registry import load
from mmbench.train import _begin, _steps
from tests import tiny

PAIRS = 15


def prepared():
    data = load("dataset", "av-digits")()
    spec = tiny.spec(
        dataset="av-digits", batch=48, encoders={m: {"name": "small-cnn", "width": 8} for m in ("audio", "visual")},
        optimiser={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
    )  # fmt: skip
    return build.run(spec, 0, data, torch.device("cpu"))


def ours(run) -> float:
    run.optimiser = optim.optimiser(run.model.parameters(), run.spec["optimiser"])
    method = Method()
    run.change = lambda features: method.features(run, features)
    began = time.perf_counter()
    for _ in _steps(run, method, _begin(run, method)):
        pass
    return time.perf_counter() - began


def minimal(run) -> float:
    model, part = run.model, run.data.parts["train"]
    inputs = {m: torch.as_tensor(a) for m, a in part.arrays.items()}
    labels = torch.as_tensor(part.labels)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    model.train()
    began = time.perf_counter()
    for chosen in torch.randperm(len(labels)).split(48):
        optimiser.zero_grad()
        features = [model.encoders[m](x[chosen]) for m, x in inputs.items()]
        loss = cross_entropy(model.head.classifier(torch.cat(features, 1)), labels[chosen])
        loss.backward()
        optimiser.step()
    return time.perf_counter() - began


def test_the_loop_against_a_minimal_one(capsys, benchmark):
    torch.set_num_threads(1)
    first, second = prepared(), prepared()
    ours(first), minimal(second)
    ratios: list[float] = []

    def pairs() -> None:
        for i in range(PAIRS):  # who goes first alternates
            if i % 2:
                theirs, mine = minimal(second), ours(first)
            else:
                mine, theirs = ours(first), minimal(second)
            ratios.append(mine / theirs)

    benchmark.pedantic(pairs, rounds=1)
    interval = bootstrap((np.array(ratios),), np.median, rng=np.random.default_rng(0)).confidence_interval
    with capsys.disabled():
        print(f"\nloop / minimal loop: {np.median(ratios):.3f} (95 % {interval.low:.3f} to {interval.high:.3f}, {PAIRS} pairs)")
    assert np.median(ratios) < 1.5, "an order of magnitude is the loop's fault; the figure itself is for the README"
