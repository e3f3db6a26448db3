"""Batches made ahead in a thread: the same batches, the same bits after any interruption, and no thread that is left behind."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmbench.checkpoint import Checkpoint, digest
from mmbench.datasets.data import Batch, Data, Part
from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.rows import Rows
from mmbench.train import Stopped, _begin, _rest, train
from mmbench.transfer import DEPTH, ahead, placed
from tests import tiny

CPU = torch.device("cpu")


def threads() -> int:
    return sum(thread.name.startswith("batches") for thread in threading.enumerate())


def numbered(count: int, made: list[int], fails_at: int = -1):
    for i in range(count):
        if i == fails_at:
            raise UserError("wave 3 is too short")
        made.append(i)
        yield Batch({}, torch.tensor([i]), torch.tensor([i])), i


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_all_items_come_in_their_order_and_the_thread_ends(count):
    assert [i for _, i in ahead(numbered(count, []), CPU)] == list(range(count))
    assert threads() == 0


def test_no_more_are_made_ahead_than_asked_for():
    made: list[int] = []
    for _, i in ahead(numbered(9, made), CPU):
        assert len(made) <= i + 1 + DEPTH
    assert made == list(range(9))


def test_an_error_in_the_thread_reaches_the_loop_as_itself():
    seen = []
    with pytest.raises(UserError, match=r"^wave 3 is too short$"):
        seen.extend(i for _, i in ahead(numbered(9, [], fails_at=3), CPU))
    assert seen == [0, 1, 2]
    assert threads() == 0


def test_who_stops_in_the_middle_leaves_no_thread():
    made: list[int] = []
    items = ahead(numbered(100, made), CPU)
    next(items)
    assert threads() == 1
    items.close()
    assert threads() == 0
    assert len(made) <= 1 + DEPTH


def test_the_thread_computes_with_as_many_threads_as_the_loop():
    def counted():
        yield Batch({}, torch.zeros(1), torch.zeros(1)), torch.get_num_threads()

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert [count for _, count in ahead(counted(), CPU)] == [3]
    finally:
        torch.set_num_threads(before)


def test_on_a_cpu_a_tensor_is_placed_as_it_is():
    tensor = torch.arange(3)
    assert placed(tensor, CPU) is tensor


@pytest.fixture
def stored(tmp_path):
    """Maker of runs on stored frames, which are cropped and flipped at random; prefetched or not."""
    source = np.random.default_rng(0)
    np.save(tmp_path / "frames.npy", source.integers(0, 256, (14, 12, 10, 3), dtype=np.uint8))

    def part(first: int, count: int) -> Part:
        names = tuple(f"item {i}" for i in range(first, first + count))
        frames = Rows(tmp_path, "frames", "frames", np.arange(first, first + count), {}, (1, "first"), names)
        return Part({"audio": frames}, np.arange(count) % 3, names)

    def make(supply: str):
        data = Data("tiny", "1", "standard", tuple("abc"), {"train": part(0, 11), "test": part(11, 3)}, "0" * 64, stand_in=True)
        run = tiny.run(modalities=1, content=data, augment="crop-flip", image_size=8, batch=3, epochs=2)
        return replace(run, supply=supply)

    return make


def test_the_batches_are_the_same_to_the_bit(stored):
    found = []
    for supply in ("", "prefetched"):
        run = stored(supply)
        now = _begin(run, Method())
        before = now.augment.get_state()
        found.append([(batch.inputs["audio"].clone(), state) for batch, state in run.prepared(_rest(run, now))])
        assert torch.equal(now.augment.get_state(), before), "what is not trained on yet has no part in the checkpoint"
    assert len(found[0]) == len(found[1]) == 4
    for (one, state), (other, same) in zip(*found, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(state, same)
    assert not torch.equal(found[0][0][1], found[0][1][1]), "random numbers are drawn"


def finished(run, checkpoint, **options):
    train(run, Method(), (), checkpoint, **options)
    return digest(run.model)


@pytest.mark.parametrize("at", [0, 2, 5])
def test_stopped_in_the_middle_and_resumed_a_prefetched_run_ends_in_the_same_bits(stored, tmp_path, at):
    """As the one that makes its batches when they are due: the checkpoint is of the batch trained on, not of those made ahead."""
    expected = finished(stored(""), Checkpoint(tmp_path / "a.pt", every=1e9))
    assert finished(stored("prefetched"), Checkpoint(tmp_path / "b.pt", every=1e9)) == expected
    checkpoint, run = Checkpoint(tmp_path / "c.pt", every=1e9), stored("prefetched")
    with pytest.raises(Stopped):
        train(run, Method(), (), checkpoint, stop=lambda: run.step > at)
    assert threads() == 0
    assert finished(stored("prefetched"), checkpoint) == expected


def test_what_is_wrong_with_a_batch_is_said_by_the_training(stored, tmp_path):
    run = stored("prefetched")
    good = run.transform

    def bad(part, index, *rest):
        if part is run.data.parts["train"] and 4 in index.tolist():
            raise UserError("item 4 cannot be read")
        return good(part, index, *rest)

    run.transform = bad
    with pytest.raises(UserError, match="item 4 cannot be read"):
        train(run, Method(), (), Checkpoint(tmp_path / "c.pt", every=1e9))
    assert threads() == 0
