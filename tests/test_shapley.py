"""Shapley values of modalities: the table of the facts (2.2), the identities, and a brute force over permutations."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmbench.heads.concat import Concat
from mmbench.shapley import benefits, contributions, members, shapley

TABLE = [  # v_a, v_v, v_av, phi_a, phi_v
    (0, 0, 0, 0.0, 0.0), (1, 1, 0, 0.0, 0.0), (0, 0, 2, 1.0, 1.0), (1, 1, 2, 1.0, 1.0),
    (0, 1, 0, -0.5, 0.5), (1, 0, 0, 0.5, -0.5), (0, 1, 2, 0.5, 1.5), (1, 0, 2, 1.5, 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("a", "v", "both", "phi_a", "phi_v"), TABLE)
def test_the_eight_cases_of_two_modalities(a, v, both, phi_a, phi_v):
    values = shapley(torch.tensor([[0.0], [a], [v], [both]]))
    assert values.tolist() == [[phi_a, phi_v]]


@given(st.integers(2, 4), st.integers(0, 2**31 - 1))
def test_any_number_of_modalities_agrees_with_all_permutations(modalities, seed):
    right = torch.rand(2**modalities, 3, generator=torch.Generator().manual_seed(seed)) < 0.5
    values = benefits(lambda who: right[sum(1 << i for i, given in enumerate(who) if given)], modalities)
    found = shapley(values)
    expected = torch.zeros_like(found)
    orders = list(permutations(range(modalities)))
    for order in orders:
        coalition = 0
        for i in order:
            expected[:, i] += (values[coalition | 1 << i] - values[coalition]) / len(orders)
            coalition |= 1 << i
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found.sum(1), values[-1], atol=1e-5), "efficiency"


def test_benefits_count_the_modalities_only_where_the_prediction_is_right():
    values = benefits(lambda who: torch.tensor([bool(who.all()), True]), 2)
    assert values.tolist() == [[0, 0], [0, 1], [0, 1], [2, 2]]
    assert members(5, 3).tolist() == [True, False, True]


def test_contributions_of_a_head_whose_audio_alone_decides():
    head = Concat({"audio": 2, "visual": 2}, 2)
    with torch.no_grad():
        head.classifier.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]))
        head.classifier.bias.copy_(torch.tensor([0.0, 0.5]))  # with nothing given the answer is class 1
    features = {"audio": torch.tensor([[2.0, 0.0]]), "visual": torch.tensor([[9.0, 9.0]])}
    assert contributions(head, features, torch.tensor([0])).tolist() == [[1.5, 0.5]]
    assert contributions(head, features, torch.tensor([1])).tolist() == [[-0.5, 0.5]]
