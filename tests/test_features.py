"""The picture of a run's features: what stands in which row, a PNG that every reader opens, and the same bytes twice."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from mmbench import features, records
from mmbench.execute import execute
from mmbench.features import GAP, ITEMS, TILE
from mmbench.spec import Job, View, key
from tests import samples, vqvae
from tests.test_execute import results as results

VANILLA = {"mask": "none", "quantise": False, "reconstruct": False}


def ready(**changes):
    run = vqvae.lively(vqvae.run(**changes))
    run.change = lambda maps: maps
    return run


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def rows(content: bytes) -> int:
    height, width, _ = opened(content).shape
    assert width == ITEMS * (TILE + GAP) - GAP
    return (height + GAP) // (TILE + GAP)


def test_rows_are_inputs_all_complementary_and_contradictory_features_of_each_modality():
    assert rows(features.picture(ready())) == 2 * 4
    assert rows(features.picture(ready(modalities=3))) == 3 * 4
    assert rows(features.picture(ready(mask="gated"))) == 2 * 2, "no channel is open or closed"
    assert features.picture(ready(**VANILLA)) is None


def test_a_segmentation_shows_its_answers_and_the_labels():
    content = vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 16, 16))), count=8, pixels=16)
    content.parts["test"].labels[:] = 1
    content.parts["test"].labels[0] = 255
    found = features.picture(ready(task="segmentation", content=content))
    assert rows(found) == 2 * 4 + 2
    truth = opened(found)[-TILE:]
    assert (truth[:, :TILE] == 0).all(), "void is black"
    assert len(np.unique(truth[:, TILE + GAP : 2 * TILE + GAP].reshape(-1, 3), axis=0)) == 1


def test_open_and_closed_channels_are_decoded_apart():
    run = ready()
    x = run.data.parts["test"].arrays["visual"][:2]
    model, encoder = run.model.eval(), run.model.encoders["visual"]
    model.head.mask.weights.data[:3] = 0
    given, whole, complementary, contradictory = features.reconstructions(model, "visual", x)
    maps = encoder.coded(x).map
    mine = torch.ones(8)
    mine[:3] = 0

    def shown(pixels):
        return ((pixels - x.min()) / (x.max() - x.min())).clamp(0, 1)

    torch.testing.assert_close(given, shown(x))
    torch.testing.assert_close(whole, shown(encoder.restored(maps)))
    torch.testing.assert_close(complementary, shown(encoder.restored(maps * mine[:, None, None])))
    torch.testing.assert_close(contradictory, shown(encoder.restored(maps * (1 - mine)[:, None, None])))


def test_a_png_holds_the_pixels_and_nothing_else():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    found = features.png(pixels)
    assert (opened(found) == pixels).all()
    assert found == features.png(pixels.copy())
    assert Image.open(io.BytesIO(found)).info == {}


def test_it_lies_beside_the_record_and_goes_aside_with_it(results, monkeypatch):
    monkeypatch.setattr("mmbench.execute.load", lambda spec: vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 16, 16))), count=8))
    run = vqvae.run(epochs=1).spec
    job = Job(key(run), 0, run, (View("zeta"),), "demo")
    assert execute(job) == "ok"
    file = records.path(run, job.key, 0)
    assert rows(records.picture(file).read_bytes()) == 8
    first = records.picture(file).read_bytes()
    monkeypatch.setenv("MMBENCH_GROUP", "again")
    execute(job)
    assert records.picture(records.path(run, job.key, 0)).read_bytes() == first
    moved = records.set_aside(file)
    assert records.picture(moved).exists()
    assert not records.picture(file).exists()


@pytest.mark.parametrize("shown", [None, b"a picture"])
def test_only_a_run_that_leaves_one_has_one(results, shown):
    record = samples.record()
    file = records.write(record, {}, {}, shown)
    assert records.picture(file).exists() == (shown is not None)
    assert not list(file.parent.glob(".*"))
