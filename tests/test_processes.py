"""Several processes do what one does, in order, and inherit what cannot be sent."""

from __future__ import annotations

import os

import pytest

from mmbench import processes
from mmbench.errors import UserError


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    shared = {n: (lambda m=n: m * m) for n in range(9)}  # functions without a name are never sent
    assert list(processes.each(lambda known, n: known[n](), shared, range(9), workers)) == [n * n for n in range(9)]


def test_one_worker_is_this_process_and_several_are_others():
    assert set(processes.each(lambda _, n: os.getpid(), None, range(3), 1)) == {os.getpid()}
    assert os.getpid() not in set(processes.each(lambda _, n: os.getpid(), None, range(3), 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_users_mistake_is_told_as_such(workers):
    def wrong(_, n):
        raise UserError(f"{n} is wrong")

    with pytest.raises(UserError, match="7 is wrong"):
        list(processes.each(wrong, None, [7], workers))


def test_one_use_does_not_disturb_another():
    first = processes.each(lambda shared, n: shared + n, 10, range(3), 2)
    assert next(first) == 10
    assert list(processes.each(lambda shared, n: shared - n, 0, range(3), 2)) == [0, -1, -2]
    assert list(first) == [11, 12]
