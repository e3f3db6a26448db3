"""GRIM by hand."""

from __future__ import annotations

import random

import pytest

from mmbench import grim


@pytest.mark.parametrize(
    ("printed", "items", "expected"),
    [("65.32", 744, True), ("60.08", 744, True), ("75.14", 744, False), ("66.67", 3, True), ("66.66", 3, True), ("66.65", 3, False),
     ("50", 4, True), ("51", 4, False), ("100.00", 7, True), ("0.00", 7, True)],
)  # fmt: skip
def test_a_percentage_is_reachable_by_rounding_or_cutting(printed, items, expected):
    """65.32 is 486 of 744; 75.14 lies between 559 (75.134) and 560 (75.269)."""
    assert grim.reachable(printed, items) is expected


def test_chance_is_the_share_of_reachable_values():
    assert grim.chance(4, 0) == pytest.approx(5 / 101)
    assert grim.chance(100, 0) == 1
    assert 0.1 < grim.chance(744, 2) < 0.15


def test_single_runs_and_averages_are_told_apart():
    source = random.Random(0)
    runs = [f"{100 * source.randrange(744) / 744:.2f}" for _ in range(8)]
    assert grim.fit(runs, 744).follows == "single runs on the full list"
    means = [f"{sum(100 * source.randrange(744) / 744 for _ in range(7)) / 7:.2f}" for _ in range(12)]
    assert grim.fit(means, 744).follows.startswith("not single runs")
    assert grim.fit(["50.0", "25.0"], 744).follows == "undecided", "two fit by chance easily enough"


def test_another_size_is_found():
    source = random.Random(1)
    values = [f"{100 * source.randrange(3000, 3755) / 3755:.2f}" for _ in range(15)]
    found = grim.fit(values, 3783)
    assert (found.best_hits, found.hits < 15) == (15, True)
    assert abs(found.best - 3755) <= 3755 * grim.REACH
    assert all(grim.reachable(v, 3755) for v in values)
