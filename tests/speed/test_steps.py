"""A step of every method with every head that it admits, in every precision that this machine computes in, as a ratio to joint training
with one linear layer in fp32: the networks of the stand-ins, 48 pictures of 32 x 32, through the loop itself. Every combination takes a
step in turn; the least time of each counts, since other work only ever adds. What methods do before an epoch is not in it
(`test_methods` measures that, and steps of ResNet-18). On a CPU halves are computed in fp32, so fp32 is all there is. `make speed`."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch

from mmbench import build, precision, registry
from mmbench.datasets.data import Data, Part
from mmbench.train import _begin, _steps, ready
from tests import tiny
from tests.methods.examples import EXAMPLES, HEADS, MODELS, takes

ROUNDS, BATCH, SIZE = 7, 48, 32
BASE = ("joint", "concat", "fp32")
LIMIT = 10  # far above the slowest: a machine under load
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NAMES = [name for name in precision.KNOWN if precision.computed(name, DEVICE) == name]
BOTH = ("audio", "visual")


def pictures() -> Data:
    def part(count: int) -> Part:
        source = torch.Generator().manual_seed(count)
        arrays = {m: torch.randn(count, 1, SIZE, SIZE, generator=source) for m in BOTH}
        return Part(arrays, torch.arange(count) % 6, tuple(map(str, range(count))))

    return Data("tiny", "1", "standard", tuple("abcdef"), {"train": part(BATCH), "test": part(6)}, "0" * 64, stand_in=True)


def admitted(method: str, head: str) -> bool:
    """Whether the registry lets them meet over two modalities."""
    works, other = registry.METHODS[method], registry.HEADS[head]
    return (not works.heads or head in works.heads) and takes(works, 2) and takes(other, 2)


def prepared(method: str, head: str, numbers: str, data: Data):
    """A run whose method is at work from its first epoch on; its epoch is one batch."""
    params = EXAMPLES[method] | {name: 0 for name in ("warmup", "first") if name in EXAMPLES[method]}
    spec = tiny.spec(
        method, head, params=params, head_params=HEADS[head], model=MODELS.get(method, "fusion"), batch=BATCH, precision=numbers,
        encoders={m: {"name": "small-cnn", "width": 8} for m in BOTH},
    )  # fmt: skip
    run, built = build.run(spec, 0, data, DEVICE), build.method(spec)
    ready(run, built, lambda: False)
    built.start(run)
    return run, built


def step(run: Any, method: Any) -> float:
    """Seconds of CPU (on a GPU by the clock) for as many samples as a batch has: where a method draws copies, its epoch is longer."""
    now = _begin(run, method)
    precision.scaler(run.spec["precision"], DEVICE)  # TF32 is a setting of the process, and runs take turns
    began = clock()
    for _ in _steps(run, method, now):
        pass
    return (clock() - began) * BATCH / len(now.index)


def clock() -> float:
    if DEVICE.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


@pytest.mark.benchmark
@pytest.mark.parametrize("numbers", NAMES)
def test_a_step_of_every_method_with_every_head(numbers, benchmark, matrix):
    torch.set_num_threads(1)
    data = pictures()
    cases = dict.fromkeys([BASE, *((method, head, numbers) for method in EXAMPLES for head in HEADS if admitted(method, head))])
    ready_runs = {case: prepared(*case, data) for case in cases}
    times: dict[tuple[str, str, str], list[float]] = {case: [] for case in cases}

    def rounds() -> None:
        for _ in range(ROUNDS):
            for case, (run, method) in ready_runs.items():
                times[case].append(step(run, method))

    benchmark.pedantic(rounds, rounds=1)
    least = {case: min(found) for case, found in times.items()}
    found = {(method, head): seconds / least[BASE] for (method, head, n), seconds in least.items() if n == numbers}
    matrix(f"a step in {numbers} on {DEVICE.type} / joint, concat in fp32: {1e3 * least[BASE]:.1f} ms", found)
    assert all(value < LIMIT for value in found.values())
