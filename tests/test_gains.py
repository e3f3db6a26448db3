"""Gains over plain joint training: against which baseline, and how they are paired."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench import gains, stats
from mmbench.sample import Sample
from mmbench.spec import Column, Row, Table
from tests import samples

ROWS = ("concat", "arl", "cosine", "sum", "sum-arl", "visual")
RUNS = {
    "concat": {"head": "concat", "head_params": {}}, "arl": {"head": "concat", "head_params": {}, "method": "arl", "params": {"gamma": 4}},
    "cosine": {"head": "cosine", "head_params": {"scale": 10, "over": "concat"}}, "sum": {"head": "sum", "head_params": {}},
    "sum-arl": {"head": "sum", "head_params": {}, "method": "arl"},
    "visual": {"head": "concat", "head_params": {}, "method": "unimodal"},
}  # fmt: skip
CELLS = {row: samples.cell(row, **RUNS[row]) for row in ROWS}
PRINTED = {"concat": "60.0", "arl": "61.5", "cosine": "Inapplicable", "sum": "59.0", "sum-arl": "58.5", "visual": "40.0"}


def table(better: str = "higher") -> Table:
    column = Column("acc", "Acc", "accuracy", "%", better)
    return Table("toy", "toy", "Table 1", "Toy", "results", "accuracy", "%", better, tuple(Row(row, row) for row in ROWS), (column,),
                 {}, frozenset(), (), (), "")  # fmt: skip


def ran(row: str, values: dict[int, float], **more) -> Sample:
    cell = CELLS[row].__class__(**{**vars(CELLS[row]), "published": PRINTED[row]})
    return Sample(cell, values, origin=more.get("origin", ("local", "cpu", "")))


def found(better: str = "higher", **values: dict[int, float] | Sample) -> dict[str, gains.Gain]:
    named = {row.replace("_", "-"): value for row, value in values.items()}
    made = {(row, "acc"): value if isinstance(value, Sample) else ran(row, value) for row, value in named.items()}
    return {gain.row: gain for gain in gains.gains(table(better), made)}


SEEDS = {0: 60.0, 1: 61.0, 2: 59.5}
MORE = {0: 62.0, 1: 62.5, 2: 61.0, 7: 99.0}


def test_a_method_is_measured_against_plain_training_with_the_same_head():
    baselines = {row: gain.baseline for row, gain in found(**{row.replace("-", "_"): SEEDS for row in ROWS}).items()}
    assert baselines == {"arl": "concat", "cosine": "concat", "sum-arl": "sum"}  # another fusion is no method; one modality no gain


def test_it_is_paired_on_the_common_seeds():
    gain = found(concat=SEEDS, arl=MORE)["arl"]
    expected = stats.paired(np.array([62.0, 62.5, 61.0]), np.array([60.0, 61.0, 59.5]))
    assert (gain.n, gain.difference, gain.low, gain.high) == (3, *(pytest.approx(v) for v in expected[:3]))
    assert gain.published == pytest.approx(1.5)


def test_where_lower_is_better_a_gain_is_a_fall():
    gain = found("lower", concat=SEEDS, arl=MORE)["arl"]
    assert gain.difference == pytest.approx(-5 / 3)
    assert gain.published == pytest.approx(-1.5)
    assert gain.low is not None
    assert gain.low < gain.difference < gain.high


def test_one_seed_has_no_interval_and_a_word_no_published_gain():
    gain = found(concat={0: 60.0}, cosine={0: 61.0})["cosine"]
    assert (gain.n, gain.difference, gain.low, gain.high, gain.published) == (1, 1.0, None, None, None)


def test_no_gain_without_a_baseline_a_common_seed_or_a_common_origin():
    assert found(arl=MORE) == {}
    assert found(concat={3: 60.0}, arl=MORE) == {}
    assert found(concat=SEEDS, arl=ran("arl", MORE, origin=("local", "cuda", ""))) == {}
