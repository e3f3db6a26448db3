"""MMCosine's bound against the values that the facts derive, and against a simplex of class centres."""

from __future__ import annotations

from math import exp

import pytest

from mmbench.theory import scale_bound, sharp_scale_bound


@pytest.mark.parametrize(
    ("classes", "bound"), [(6, 2.216), (28, 3.673), (31, 3.748), (60, 4.194), (101, 4.51), (309, 5.129), (5842, 6.632), (5994, 6.645)]
)
def test_published_bound(classes: int, bound: float) -> None:
    assert scale_bound(classes, 0.99) == pytest.approx(bound, abs=6e-4)


@pytest.mark.parametrize(("classes", "bound"), [(6, 2.585), (31, 3.869), (60, 4.264), (101, 4.555)])
def test_sharp_bound(classes: int, bound: float) -> None:
    assert sharp_scale_bound(classes, 0.99) == pytest.approx(bound, abs=6e-4)


@pytest.mark.parametrize("classes", [2, 6, 101])
def test_the_sharp_bound_is_what_a_simplex_needs(classes: int) -> None:
    """Class centres of two modalities, each with cosine -1/(C-1) to every other: at the sharp bound the posterior is p exactly."""
    s, p = sharp_scale_bound(classes, 0.99), 0.99
    true, other = exp(2 * s), exp(-2 * s / (classes - 1))
    assert true / (true + (classes - 1) * other) == pytest.approx(p)
    assert scale_bound(classes, p) < s
