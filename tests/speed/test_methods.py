"""A step of each method as a ratio to joint training, within one run: a pair of ResNet-18, 64 x 64, batch 64, one thread; every
method takes a step in turn, seven times, and the least time of each counts. `make speed` prints the tables.

SMV costs nothing in a step: before an epoch it values the samples, here as many as one step trains on, so that the ratio is what
valuation adds to an epoch, in epochs of joint training; and in passes of all samples through the encoders, of which it needs one.
OGM-GE draws a normal per convolution weight: what it adds to a step is also given in the time that the drawing alone takes.
Greedy has another network, so its ratio is that of the network too. Memory: the peak of a fresh process for each method, less what
the process held before it built the run."""

from __future__ import annotations

import multiprocessing
import time

import pytest
import torch

from mmbench import build, optim
from mmbench.datasets.data import Data, Part
from mmbench.valuation import value
from tests import tiny
from tests.methods.examples import EXAMPLES, MODELS
from tests.speed import memory

ROUNDS = 7
CASES = {
    "joint": "joint",
    "mmcosine": "joint",
    "arl": "arl",
    "ccl": "ccl",
    "pmr": "pmr",
    "ogm": "ogm",
    "agm": "agm",
    "g-blending": "g-blending",
    "greedy": "greedy",
}
VALUATION = {"smv, zero at the feature": "feature", "smv, zero at the input": "input"}
ALONE = ("one pass of the features", "one normal per convolution weight")
LIMIT = {"mmcosine": 1.5, "arl": 1.5, "ccl": 1.5, "pmr": 1.5, "ogm": 3.0, "agm": 3.5, "g-blending": 1.5} | dict.fromkeys(
    VALUATION, 1.0
)  # far above the aim: a machine under load
MEMORY = 1.15  # of all but AGM and Greedy


def pictures() -> Data:
    def part(count: int) -> Part:
        source = torch.Generator().manual_seed(count)
        arrays = {m: torch.randn(count, c, 64, 64, generator=source) for m, c in (("audio", 1), ("visual", 3))}
        return Part(arrays, torch.arange(count) % 6, tuple(map(str, range(count))))

    return Data("tiny", "1", "standard", tuple("abcdef"), {"train": part(64), "test": part(6)}, "0" * 64, stand_in=True)


def prepared(case: str, data: Data):
    method = CASES[case]
    head = ("cosine", {"scale": 5.0, "over": "concat"}) if case == "mmcosine" else ("concat", {})
    params = EXAMPLES[method] | ({"warmup": 0} if "warmup" in EXAMPLES[method] else {})
    spec = tiny.spec(
        method, head[0], head_params=head[1], params=params, model=MODELS.get(method, "fusion"), batch=64,
        encoders={m: {"name": "resnet18"} for m in ("audio", "visual")},
    )  # fmt: skip
    run, built = build.run(spec, 0, data, torch.device("cpu")), build.method(spec)
    run.optimiser = optim.optimiser(run.model.parameters(), spec["optimiser"])
    if case != "g-blending":  # its start trains copies
        built.start(run)
    else:
        run.state["weights"] = torch.tensor([0.25, 0.25, 0.5])
    built.epoch(run)
    run.model.train()
    return run, built


def valuation(run, zero: str) -> float:
    began = time.perf_counter()
    value(run, zero, "test")
    return time.perf_counter() - began


def features(run) -> float:
    began = time.perf_counter()
    run.features("train")
    return time.perf_counter() - began


def normals(run) -> float:
    shapes = [p.shape for p in run.model.encoders.parameters() if p.dim() == 4]
    source = torch.Generator().manual_seed(0)
    began = time.perf_counter()
    for shape in shapes:
        torch.randn(shape, generator=source)
    return time.perf_counter() - began


def step(run, method) -> float:
    began = time.perf_counter()
    batch = run.transform(run.data.parts["train"], torch.arange(64), None, True, None)
    for turn in method.turns(run, batch):
        run.passes = 0
        run.optimiser.zero_grad(set_to_none=True)
        out = run.forward(batch, only=turn.modalities)
        method.backward(run, out, batch, method.loss(run, out, batch, turn))
        method.gradients(run, out, batch)
        run.optimiser.step()
    return time.perf_counter() - began


@pytest.mark.benchmark
def test_a_step_of_each_method_against_joint(benchmark, table):
    torch.set_num_threads(1)
    data = pictures()
    ready = {case: prepared(case, data) for case in CASES}
    times: dict[str, list[float]] = {case: [] for case in (*CASES, *VALUATION, *ALONE)}

    def rounds() -> None:
        for _ in range(ROUNDS):
            for case, (run, method) in ready.items():
                times[case].append(step(run, method))
            for case, zero in VALUATION.items():
                times[case].append(valuation(ready["joint"][0], zero))
            for case, alone in zip(ALONE, (features, normals), strict=True):
                times[case].append(alone(ready["joint"][0]))

    benchmark.pedantic(rounds, rounds=1)
    ratios = {case: min(t) / min(times["joint"]) for case, t in times.items()}
    passes, draws = (ratios[case] for case in ALONE)
    for case, ratio in ratios.items():
        table(f"{'' if case in (*ALONE, *VALUATION) else 'step of '}{case} / a step of joint, ResNet-18 pair", ratio)
    for case in VALUATION:
        table(f"{case} / one pass of the features", ratios[case] / passes)
    table("what ogm adds to a step / drawing its normals", (ratios["ogm"] - 1) / draws)
    assert all(ratios[case] < limit for case, limit in LIMIT.items())


def peak(case: str) -> int:
    """What two steps need at most beyond what the process held before, in kB."""
    torch.set_num_threads(1)
    data = pictures()
    before = memory.restart()
    run, method = prepared(case, data)
    for _ in range(2):
        step(run, method)
    return memory.most() - before


@pytest.mark.benchmark
def test_peak_memory_of_each_method_against_joint(benchmark, table):
    def fresh() -> dict[str, int]:
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            return dict(zip(CASES, pool.map(peak, CASES, chunksize=1), strict=True))

    peaks = benchmark.pedantic(fresh, rounds=1)
    ratios = {case: size / peaks["joint"] for case, size in peaks.items()}
    for case, found in ratios.items():
        table(f"peak memory of {case} / of joint", found, f"<= {MEMORY}" if case not in ("agm", "greedy") else "")
    assert all(ratio <= MEMORY for case, ratio in ratios.items() if case not in ("agm", "greedy"))
