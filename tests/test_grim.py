"""GRIM by hand."""

from __future__ import annotations

import random

import pytest

from mmbench import grim


@pytest.mark.parametrize(
    ("printed", "items", "rules"),
    [("65.32", 744, ("rounded", "cut")), ("60.08", 744, ("rounded", "cut")), ("59.00", 744, ("cut",)), ("75.14", 744, ()),
     ("66.67", 3, ("rounded",)), ("66.66", 3, ("cut",)), ("66.65", 3, ()), ("50", 4, ("rounded", "cut")), ("51", 4, ()),
     ("12.5", 8, ("rounded", "cut")), ("13", 8, ("rounded",)), ("12", 8, ("cut",)), ("100.00", 7, ("rounded", "cut")),
     ("0.00", 7, ("rounded", "cut"))],
)  # fmt: skip
def test_a_percentage_is_reachable_by_rounding_or_by_cutting(printed, items, rules):
    """65.32 is 486 of 744, 59.00 is 439 (59.005) cut; 75.14 lies between 559 (75.134) and 560 (75.269)."""
    assert tuple(rule for rule in grim.RULES if grim.reachable(printed, items, rule)) == rules


def test_chance_is_the_share_of_reachable_values():
    assert grim.chance(4, 0, "rounded") == pytest.approx(5 / 101)
    assert grim.chance(100, 0, "cut") == 1
    assert grim.chance(744, 2, "rounded") == pytest.approx(745 / 10001)
    assert grim.chance(37611, 2, "cut") == 1


def test_single_runs_and_averages_are_told_apart():
    source = random.Random(0)
    counts = [source.randrange(744) for _ in range(8)]
    assert (one := grim.fit([f"{100 * k / 744:.2f}" for k in counts], 744)).follows == "single runs on the full list"
    assert (one.hits, one.rule, one.luck) == (8, "rounded", 0)
    cut = grim.fit([f"{(10000 * k // 744) / 100:.2f}" for k in counts], 744)
    assert (cut.hits, cut.rule, cut.follows) == (8, "cut", "single runs on the full list")
    means = [f"{sum(100 * source.randrange(744) / 744 for _ in range(7)) / 7:.2f}" for _ in range(12)]
    assert grim.fit(means, 744).follows.startswith("averages")
    assert grim.fit(["50.0", "25.0"], 744).follows == "undecidable", "two fit by chance easily enough"
    assert grim.fit(["50.00", "25.01", "4.99"], 37611).luck is None, "every value is k of so many"


def test_random_values_are_called_neither():
    """Of 200 random sets of eight, at most a few (1 % under either rule) pass for single runs."""
    source = random.Random(3)
    wrong = [grim.fit([f"{source.uniform(55, 80):.2f}" for _ in range(8)], 744).follows for _ in range(200)]
    assert sum("single runs on" in follows for follows in wrong) <= 6


def test_another_size_is_found_and_only_if_random_values_find_none():
    source = random.Random(1)
    found = grim.fit([f"{100 * source.randrange(3000, 3755) / 3755:.2f}" for _ in range(15)], 3783)
    assert (3755, "rounded") in found.best
    assert (found.best_hits, found.hits < 15, found.luck) == (15, True, 0)
    assert found.follows == "single runs on another number of items"
    few = grim.fit(["81.15", "83.46", "84.18"], 3783)
    assert few.best_hits == 3
    assert few.luck is not None
    assert few.luck > 90, "three values fit some size whatever they are"
