"""False alarms of the judge on runs that reproduce the paper exactly (decisions E1). More draws: `python -m tests.calibration`."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.calibration import alarms


@pytest.mark.parametrize(("correlation", "wild"), list(product((0.0, 0.5, 0.9), (False, True))))
def test_at_five_seeds_false_alarms_are_rare(correlation, wild):
    """Eight cells, 800 tables: a cell's standard error is at most 1.1 %."""
    found = alarms(5, correlation, wild, 800, np.random.default_rng(1))
    assert found.mean() <= 0.07
    assert found.max() <= 0.12
    assert found.mean() > 0.01, "a judge that never objects is no judge"


def test_at_three_seeds_the_rates_are_only_printed_but_not_absurd():
    assert alarms(3, 0.5, False, 200, np.random.default_rng(1)).mean() < 0.10
