"""A class per second: loss, accuracy and contributions by hand, several events in a second, labels outside the classes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.models.localisation import Answer
from mmbench.spec import View
from mmbench.tasks.localisation import Localisation
from tests import tracks


def batch(labels, **extras) -> Batch:
    return Batch({}, torch.tensor(labels), torch.arange(len(labels)), extras=extras)


def test_the_loss_of_perfect_answers_is_that_of_the_facts():
    """Facts 0b: 0.680 with 29 classes, (ln(1 + 1/e) + 28 ln 2) / 29."""
    perfect = torch.full((1, 29, 10), -1e4)
    perfect[:, 3] = 1e4
    loss = Localisation(29).loss(perfect, batch([[3] * 10]))
    assert float(loss) == pytest.approx((math.log(1 + math.exp(-1)) + 28 * math.log(2)) / 29)
    assert float(loss) == pytest.approx(0.680, abs=5e-4)


def test_the_loss_of_even_answers_by_hand_and_of_two_events_in_a_second():
    logits = torch.zeros(1, 2, 1)  # chances of a half
    yes, no = math.log(1 + math.exp(-0.5)), math.log(1 + math.exp(0.5))
    assert float(Localisation(2).loss(logits, batch([[0]]))) == pytest.approx((yes + no) / 2)
    both = batch([[0]], events=torch.ones(1, 1, 2))
    assert float(Localisation(2).loss(logits, both)) == pytest.approx(yes)


def test_a_second_is_learned_from_its_own_label():
    logits = torch.zeros(2, 3, 4, requires_grad=True)
    labels = [[0, 1, 2, 1], [2, 2, 0, 1]]
    Localisation(3).loss(logits, batch(labels)).backward()
    assert (-logits.grad).argmax(1).tolist() == labels


def answering(right: dict[str, int]) -> tuple[Out, Batch]:
    """One clip of four seconds, all of class 1. The answers `fused`, `audio` and `visual` are right in so many first seconds."""
    head = Answer({"audio": 1, "visual": 1}, 2)
    out = Out(head, {m: torch.zeros(1, 4, 1) for m in head.modalities})
    logits = {name: torch.tensor([[[0.5] * 4, [1.0 if s < count else 0.0 for s in range(4)]]]) for name, count in right.items()}
    out.fused = logits.pop("fused")
    out.__dict__["unimodal"] = logits
    return out, batch([[1, 1, 1, 1]])


def test_contributions_of_a_clip_by_hand():
    """v(a) = 2/4, v(v) = 1/4, v(av) = 2 * 3/4: phi_a = (1/2 + 3/2 - 1/4) / 2 = 0.875, phi_v = 0.625; their sum is v(av)."""
    kept = Localisation(2).collect(*answering({"fused": 3, "audio": 2, "visual": 1}))
    assert kept["contribution"].tolist() == [[0.875, 0.625]]
    assert {n: tuple(v.shape) for n, v in kept.items()} == {
        "fused": (1, 2, 4), "labels": (1, 4), "contribution": (1, 2), "choice.audio": (1, 4), "choice.visual": (1, 4),
    }  # fmt: skip


def test_accuracy_counts_the_seconds_of_all_clips():
    task = Localisation(2)
    pieces = [task.collect(*answering(right)) for right in ({"fused": 3, "audio": 2, "visual": 1}, {"fused": 4, "audio": 1, "visual": 0})]
    kept = {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}
    found = task.scores(kept, ("audio", "visual"), (View("macro-f1"),))
    assert found["accuracy"] == 100 * 7 / 8
    assert found["accuracy.audio"] == 100 * 3 / 8
    assert found["accuracy.visual"] == 100 * 1 / 8
    assert found["macro-f1"] == pytest.approx(100 * (2 * 7 / 15) / 2)
    assert found["contribution.audio"] == pytest.approx((0.875 + (0.25 + 2 - 0) / 2) / 2)


def test_predictions_are_stored_a_row_a_second_in_the_order_of_the_clips():
    task = Localisation(2)
    stored = task.predictions(task.collect(*answering({"fused": 3, "audio": 2, "visual": 1})))
    assert stored["log_probabilities"].shape == (4, 2)
    assert stored["log_probabilities"].argmax(1).tolist() == [1, 1, 1, 0]
    assert stored["choice.audio"].tolist() == [1, 1, 0, 0]
    assert {n: v.dtype for n, v in stored.items()} == {
        "log_probabilities": np.float16, "labels": np.int16, "choice.audio": np.int16, "choice.visual": np.int16,
    }  # fmt: skip


def test_events_of_the_data_reach_the_batch():
    content = tracks.data()
    train = content.parts["train"]
    events = torch.nn.functional.one_hot(train.labels, 3).float()
    events[2, 1, 2] = 1
    part = replace(train, extras={"events": events.numpy(), "trials": np.zeros((99, 3))})
    run = tracks.run(content=replace(content, parts=content.parts | {"train": part}))
    given = run.transform(part, torch.tensor([2, 0]), None, True, None)
    assert torch.equal(given.extras["events"], events[[2, 0]])
    assert set(given.extras) == {"events"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (3, "tracks: label 3 in second 1 of '2-4', part 'test', expected 0 to 2: prepare the dataset again"),
        (-1, "tracks: label -1 in second 1 of '2-4', part 'test', expected 0 to 2: prepare the dataset again"),
    ],
)
def test_labels_outside_the_classes_get_one_line(wrong, says):
    content = tracks.data()
    labels = content.parts["test"].labels.clone()
    labels[4, 1] = wrong
    parts = content.parts | {"test": replace(content.parts["test"], labels=labels)}
    with pytest.raises(UserError, match=says):
        Localisation.of(replace(content, parts=parts))


def test_one_label_a_clip_is_no_localisation():
    content = tracks.data()
    parts = {n: replace(p, labels=p.labels[:, 0]) for n, p in content.parts.items()}
    with pytest.raises(UserError, match=r"tracks: labels of part 'train' are an array of \(16,\), expected items x seconds"):
        Localisation.of(replace(content, parts=parts))
