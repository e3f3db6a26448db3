"""The codebook of moving averages: nearest codes by brute force, an update by hand, its start, and what must not move it (facts G3)."""

from __future__ import annotations

import math

import pytest
import torch

from mmbench import codebook
from mmbench.codebook import Codebook, perplexity
from mmbench.errors import UserError


def book(codes=5, dimension=3, decay=0.99) -> Codebook:
    torch.manual_seed(0)
    return Codebook(codes, dimension, decay)


def test_it_begins_with_independent_normal_codes_and_sums_and_no_counts():
    made = book(512, 64)
    assert float(made.counts.abs().sum()) == 0
    for values in (made.codes, made.sums):
        assert abs(float(values.mean())) < 0.02
        assert float(values.std()) == pytest.approx(1, abs=0.02)
    correlation = torch.corrcoef(torch.stack([made.codes.flatten(), made.sums.flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.02
    assert list(made.parameters()) == [], "buffers: no optimiser sees them, no weight decay, no clipping"


def test_the_nearest_code_is_that_of_all_distances(monkeypatch):
    made, flat = book(7, 4), torch.randn(50, 4)
    expected = (flat[:, None] - made.codes).square().sum(2).argmin(1)
    assert torch.equal(made.nearest(flat), expected)
    monkeypatch.setattr(codebook, "CHUNK", 21)  # three vectors at a time
    assert torch.equal(made.nearest(flat), expected)


def test_no_table_of_distances_is_larger_than_256_mb(monkeypatch):
    seen, real = [], torch.addmm

    def watched(*arguments):
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(torch, "addmm", watched)
    book(512, 2).nearest(torch.randn(2 * 128 * 32 * 32 // 4, 2))
    assert max(table.numel() * table.element_size() for table in seen) <= 256e6
    assert len(seen) > 1, "the piece was too small for this to say anything"


def test_an_update_by_hand():
    """Two codes on a line, decay 0.5. Three vectors choose code 0 (sum 3.5), one code 1. Counts 1.5 and 0.5, smoothed and kept."""
    made = Codebook(2, 1, 0.5)
    made.codes.copy_(torch.tensor([[1.0], [5.0]]))
    made.sums.copy_(torch.tensor([[2.0], [8.0]]))
    z = torch.tensor([0.5, 1.0, 2.0, 6.0]).view(1, 1, 2, 2)
    found, index = made(z)
    assert index.flatten().tolist() == [0, 0, 0, 1]
    assert found.flatten().tolist() == [1, 1, 1, 5], "the look-up is in the old book"
    smooth = [2 * (count + 1e-5) / (2 + 2e-5) for count in (1.5, 0.5)]
    assert made.counts.tolist() == pytest.approx(smooth)
    assert made.sums.flatten().tolist() == pytest.approx([0.5 * 2 + 0.5 * 3.5, 0.5 * 8 + 0.5 * 6])
    assert made.codes.flatten().tolist() == pytest.approx([2.75 / smooth[0], 7 / smooth[1]])


def test_smoothing_is_cumulative():
    """The smoothed counts go into the next average: of a code that nobody chooses they never reach 0."""
    made, z = Codebook(2, 1, 0.5), torch.zeros(1, 1, 1, 1)
    made.codes.copy_(torch.tensor([[0.0], [9.0]]))
    made.sums.zero_()
    counts = [0.0, 0.0]
    for _ in range(3):
        made.codes.copy_(torch.tensor([[0.0], [9.0]]))
        made(z)
        counts = [0.5 * c + 0.5 * n for c, n in zip(counts, (1, 0), strict=True)]
        total = sum(counts)
        counts = [total * (c + 1e-5) / (total + 2e-5) for c in counts]
    assert made.counts.tolist() == pytest.approx(counts, rel=1e-5)


def test_evaluation_moves_nothing():
    made = book().eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made(torch.randn(2, 3, 4, 4))
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())


def test_no_gradient_reaches_the_book():
    made, z = book(), torch.randn(2, 3, 4, 4, requires_grad=True)
    found, _ = made(z)
    assert not found.requires_grad
    assert not any(value.requires_grad for value in made.state_dict().values())


def test_unused_codes_jump_and_come_back_as_the_facts_simulate():
    """131,072 vectors a step, all on code 0. The count of an unused code after one step is about eps, so it jumps to 1e5 a dimension;
    then its sum falls by 0.99 a step while its count gains about eps: 577 at step 100, 18 at 400, 2.4 at 600, 0.9 at 700, 0.3 at 800."""
    torch.manual_seed(0)
    made, vectors = Codebook(512, 64, 0.99), torch.zeros(1, 64)
    size: dict[int, float] = {}
    chosen, index = torch.bincount(torch.zeros(131072, dtype=torch.int64), minlength=512), torch.zeros(1, dtype=torch.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "bincount", lambda *_, **__: chosen)
        for step in range(1, 801):
            made.learn(vectors, index)
            size[step] = float(made.codes[1:].abs().mean())
    assert 3e4 < size[1] < 3e5
    for step, expected in ((100, 577), (400, 18), (600, 2.4), (700, 0.9), (800, 0.3)):
        assert size[step] == pytest.approx(expected, rel=0.25)


def test_perplexity_counts_the_codes_in_use():
    assert float(perplexity(torch.zeros(2, 3, 3, dtype=torch.int64), 8)) == pytest.approx(1, abs=1e-6)
    assert float(perplexity(torch.arange(8).view(1, 2, 4), 8)) == pytest.approx(8, rel=1e-5)
    shares = [0.75, 0.25]
    expected = math.exp(-sum(s * math.log(s) for s in shares))
    assert float(perplexity(torch.tensor([0, 0, 0, 3]), 4)) == pytest.approx(expected, rel=1e-5)


def test_a_code_that_does_not_exist_is_refused():
    made = book(5)
    torch.testing.assert_close(made.look_up(torch.tensor([[4, 0]])), made.codes[[4, 0]][None])
    for index in (5, -1):
        with pytest.raises(UserError, match=rf"^codebook: no code {index}, expected 0 to 4$"):
            made.look_up(torch.tensor([0, index]))


@pytest.mark.parametrize(("codes", "decay"), [(0, 0.99), (8, 0.0), (8, 1.0)])
def test_a_book_that_cannot_learn_is_refused(codes, decay):
    with pytest.raises(UserError, match="expected at least 1 code and a decay between 0 and 1"):
        Codebook(codes, 2, decay)
