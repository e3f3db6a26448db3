"""Digits' pairs at full size: 1,682,040 to train on and 300,000 to test, drawn by rule and never written out. CPU seconds of one
draw, imports not counted; aim: 5 s. `make speed`."""

from __future__ import annotations

import time

import pytest

from datasets_prep import digits_splits
from mmbench import pairs


def drawn(part: str) -> int:
    """Every pair of a part: which picture of each kind. Their number."""
    sizes = digits_splits.taken(digits_splits.MNIST[part], digits_splits.SVHN[part])
    keys = pairs.Keys(tuple(f"{part}-{digit}" for digit in range(10)), tuple(sizes), digits_splits.ROUNDS, digits_splits.SEED)
    mnist, svhn = keys.entries("mnist"), keys.entries("svhn")
    assert len(mnist) == len(svhn) == len(keys)
    return len(keys)


@pytest.mark.benchmark
def test_all_pairs(capsys, benchmark, table):
    began = time.process_time()
    counts = benchmark.pedantic(lambda: [drawn(part) for part in ("train", "test")], rounds=1)
    seconds = time.process_time() - began
    with capsys.disabled():
        print(f"\n{counts[0]:,} and {counts[1]:,} pairs drawn in {seconds:.2f} CPU seconds")
    assert counts == [1_682_040, 300_000]
    table("CPU seconds to draw all pairs of Digits", seconds, "<= 5")
