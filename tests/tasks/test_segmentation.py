"""A class per pixel: loss, both scores and contributions by hand, void, absent classes, labels outside the classes, a whole run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmbench.checkpoint import Checkpoint
from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Head, Out
from mmbench.method import Method
from mmbench.metrics import confusions, image_jaccard, miou
from mmbench.spec import View
from mmbench.tasks.segmentation import Segmentation
from mmbench.train import _evaluate, train
from tests import vqvae

PICTURES = (("visual", (3, 16, 16)), ("audio", (1, 16, 16)))


def batch(labels) -> Batch:
    return Batch({}, torch.tensor(labels), torch.arange(len(labels)))


def run(classes=3, **changes):
    return vqvae.run(content=vqvae.data(PICTURES, count=8, classes=classes, pixels=16), task="segmentation", **changes)


def test_tables_leave_void_out():
    labels, answers = np.array([[[0, 1], [255, 1]]], np.uint8), np.array([[[0, 0], [1, 1]]], np.uint8)
    assert confusions(answers, labels, 2).tolist() == [[[1, 0], [1, 1]]]
    assert confusions(answers, np.full_like(labels, 255), 2).sum() == 0


def test_miou_is_over_one_table():
    """Two pictures. Class 0: 3 hits, union 5; class 1: 2 hits, union 4. Per picture it would be another number."""
    tables = np.array([[[3, 0], [1, 0]], [[0, 1], [0, 2]]])
    assert miou(tables) == pytest.approx(100 * (3 / 5 + 2 / 4) / 2)
    assert np.mean([miou(table[None]) for table in tables]) != pytest.approx(miou(tables))


@pytest.mark.parametrize(
    ("table", "expected"),
    [([[2, 0, 0], [0, 0, 0], [0, 0, 3]], 100.0),  # class 1 occurs nowhere
     ([[2, 1, 0], [0, 0, 0], [0, 0, 3]], 100 * (2 / 3 + 0 + 1) / 3)],  # class 1 is only ever answered: wrong each time
)  # fmt: skip
def test_a_class_that_is_absent(table, expected):
    assert miou(np.array([table])) == pytest.approx(expected)


def test_no_labelled_pixel_at_all_is_undefined():
    assert math.isnan(miou(np.zeros((2, 3, 3), int)))
    assert math.isnan(image_jaccard(np.zeros((2, 3, 3), int)))


def test_the_jaccard_of_an_image_follows_from_its_pixel_accuracy():
    """Accuracies 3/4 and 1/2: a / (2 - a). The third picture has no label."""
    tables = np.array([[[2, 1], [0, 1]], [[1, 0], [1, 0]], [[0, 0], [0, 0]]])
    assert image_jaccard(tables) == pytest.approx(100 * (0.75 / 1.25 + 0.5 / 1.5) / 2)


def test_the_loss_is_the_mean_over_labelled_pixels():
    logits = torch.tensor([[[[2.0, 0.0]], [[0.0, 0.0]]]], requires_grad=True)
    task = Segmentation(2)
    first = -torch.log_softmax(torch.tensor([2.0, 0.0]), 0)[0]
    torch.testing.assert_close(task.loss(logits, batch([[[0, 255]]])), first)
    torch.testing.assert_close(task.loss(logits, batch([[[0, 1]]])), (first + math.log(2)) / 2)
    loss = task.loss(logits, batch([[[255, 255]]]))
    loss.backward()
    assert float(loss.detach()) == float(logits.grad.abs().sum()) == 0, "nothing labelled, nothing learned, no NaN"


def test_labels_of_another_size_are_one_line():
    with pytest.raises(UserError, match=r"^labels of 4x4 pixels and answers of 2x2, expected the same: set image_size"):
        Segmentation(2).loss(torch.zeros(1, 2, 2, 2), Batch({}, torch.zeros(1, 4, 4), torch.arange(1)))


class Given(Head):
    """Answers a row of four pixels: the sum of what the modalities say."""

    def fuse(self, features):
        return sum(features[m] for m in self.modalities)

    def coalition(self, features, keep):
        return self.fuse({m: f * float(keep[i]) for i, (m, f) in enumerate(self.ordered(features))})


def test_contributions_of_a_picture_by_hand():
    """Three labelled pixels of class 1. a is right in two, v in one, both in all three: v(a) = 2/3, v(v) = 1/3, v(av) = 2."""
    says = {"a": [1.0, 1.0, 0.0, 0.0], "v": [0.0, 0.0, 1.0, 1.0]}
    half = torch.full((4,), 0.25)
    features = {m: torch.stack([half, torch.tensor(v)])[None, :, None] for m, v in says.items()}
    kept = Segmentation(2).collect(Out(Given({"a": 1, "v": 1}), features), batch([[[1, 1, 1, 255]]]))
    torch.testing.assert_close(kept["contribution"], torch.tensor([[(2 / 3 + 2 - 1 / 3) / 2, (1 / 3 + 2 - 2 / 3) / 2]]))
    assert kept["confusion"].tolist() == [[[0, 0], [0, 3]]]
    assert kept["confusion.v"].tolist() == [[[0, 0], [2, 1]]]
    assert kept["labels"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "says"),
    [(lambda labels: labels.index_put((torch.tensor(2), torch.tensor(3), torch.tensor(5)), torch.tensor(3)),
      "tiny: part 'train': label 3 at row 3, column 5 of '1-2', expected 0 to 2 or 255 for none: prepare the dataset again"),
     (lambda labels: labels - 1, "expected 0 to 2 or 255 for none"),
     (lambda labels: labels[:, 0, 0], r"tiny: part 'train': labels are an array of \(8,\), expected items x height x width")],
)  # fmt: skip
def test_labels_outside_the_classes_are_one_line(change, says):
    content = vqvae.data(PICTURES, count=8, pixels=16)
    train_part = content.parts["train"]
    parts = dict(content.parts, train=replace(train_part, labels=change(train_part.labels)))
    with pytest.raises(UserError, match=says):
        Segmentation.of(replace(content, parts=parts))


def test_void_is_no_label_outside_the_classes():
    content = vqvae.data(PICTURES, count=8, pixels=16)
    content.parts["train"].labels[0] = 255
    assert Segmentation.of(content).classes == 3


@pytest.mark.parametrize("classes", [13, 40])
def test_a_run_of_both_numbers_of_classes(classes, tmp_path):
    ready = run(classes, epochs=2)
    past, _ = train(ready, Method(), (View("image-jaccard"), View("zeta")), Checkpoint(tmp_path / "c", 1e9))
    last = past["selections"]["last"]["values"]
    assert {"miou", "image-jaccard", "miou.visual", "miou.audio", "zeta", "compl.audio", "mse.visual", "contribution.audio"} <= last.keys()
    stored = ready.task.predictions(past["kept"]["last"])["confusion"]
    assert stored.shape == (8, classes, classes)
    assert stored.sum() == 8 * 16 * 16
    assert miou(stored.astype(np.int64)) == pytest.approx(last["miou"])


def test_the_solver_answers_every_pixel():
    ready = run()
    out = ready.forward(ready.transform(ready.data.parts["train"], torch.arange(2), None, True, None))
    assert out.fused.shape == (2, 3, 16, 16)
    widths = [layer.out_channels for layer in ready.model.head.network if isinstance(layer, torch.nn.ConvTranspose2d)]
    assert widths == [8, 3]


@pytest.mark.parametrize("view", [View("miou", subset="first-4"), View("miou", decision="raw")])
def test_there_is_one_subset_and_one_decision(view):
    with pytest.raises(UserError, match="unknown subset or decision of a segmentation"):
        Segmentation(2).score({"confusion": np.ones((1, 2, 2))}, view)


def test_a_picture_of_void_alone_scores_nothing_and_breaks_nothing():
    ready = run()
    ready.data.parts["test"].labels[:] = 255
    ready.change = lambda features: features
    numbers, _ = _evaluate(ready, ())
    assert math.isnan(numbers["miou"])
    assert math.isnan(numbers["image-jaccard"])
    assert numbers["contribution-gap"] == 0
