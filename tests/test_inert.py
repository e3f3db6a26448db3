"""Where a mask never closed a channel, the section says so, and a stand-in's claim about it is not judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmbench import inert
from mmbench.sample import Sample
from tests import made_up

PLACE = ("s-4", "acc")  # what the made-up claim is about
OTHER = ("s-2", "acc")


def sample(place, closed: list[list[float]], mask: str = "binary", modalities: int = 2) -> Sample:
    """closed: of each seed, the shares (%) of each modality's closed channels after the last epoch; while training none was open."""
    cell = made_up.cell(place[0], "av-digits")
    cell = replace(cell, run={**cell.run, "modalities": ["audio", "visual"][:modalities], "model_params": {"mask": mask}})
    found = [(seed, "last", "accuracy", 90.0) for seed in range(len(closed))]
    for seed, shares in enumerate(closed):
        found += [(seed, "last", f"contr.{m}", share) for m, share in zip(("audio", "visual"), shares, strict=False)]
        found += [(seed, "first", f"contr.{m}", 100.0) for m in ("audio", "visual")]
    columns = zip(*found, strict=True)
    rows = {name: np.array(values, object) for name, values in zip(("seed", "selection", "metric", "value"), columns, strict=True)}
    return Sample(cell, values=dict.fromkeys(range(len(closed)), 90.0), rows=rows)


def noted(verdict=None, **given):
    before = verdict or made_up.demo()
    return before, inert.noted(before, {PLACE: sample(PLACE, **given), OTHER: Sample(made_up.cell("s-2", "av-digits"))})


def test_a_mask_that_closed_nothing_is_said_and_decides_no_claim():
    before, after = noted(closed=[[0.0, 0.0]] * 3)
    assert after.notes == (
        "in 3 of 3 runs with a mask the mask closed no channel: rows that differ in mask, threshold or penalty alone are then the same "
        "training, or differ by chance",
    )
    assert (before.claims[0].word, after.claims[0].word) == ("seen", "not judged on a stand-in")
    assert after.claims[0].why == "the mask closed no channel in CD, Acc"
    assert after.claims[0].estimate is None
    assert after.claims[1] == before.claims[1]


def test_one_seed_in_which_it_acted_leaves_the_claim_and_is_counted():
    before, after = noted(closed=[[0.0, 0.0], [0.0, 12.5], [0.0, 0.0]])
    assert after.notes[0].startswith("in 2 of 3 runs with a mask the mask closed no channel")
    assert after.claims == before.claims


def test_on_the_papers_data_a_claim_keeps_its_verdict_beside_the_note():
    before, after = noted(made_up.full(), closed=[[0.0, 0.0]])
    assert len(after.notes) == 1
    assert after.claims == before.claims


@pytest.mark.parametrize("given", [
    {"closed": [[3.0, 4.0]] * 2}, {"closed": [[]] * 2}, {"closed": [[0.0, 0.0]], "mask": "none"}, {"closed": [[0.0]], "modalities": 1},
], ids=["acted", "not recorded", "no mask", "one modality"])  # fmt: skip
def test_where_it_acted_or_there_is_nothing_to_act_nothing_is_said(given):
    before, after = noted(**given)
    assert after is before
