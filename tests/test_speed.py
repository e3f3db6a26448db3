"""What the benchmarks stand on: pairs in turn, their ratio, and that the per-sample pipeline makes what a prepared store holds."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from datasets_prep import imitation, media, spectrogram
from mmbench import augment
from mmbench.metrics import accuracy
from tests.speed import conftest, per_sample
from tests.speed.pairing import alternate, ratio, seconds


@pytest.fixture
def clips(tmp_path) -> list[per_sample.Clip]:
    found = []
    for i in range(5):
        clip = per_sample.Clip(tmp_path / f"{i}.wav", tmp_path / f"{i}.jpg", i % 3)
        imitation.wav(clip.wav, imitation.tone(str(i), i, 16_000, 1.5 + i / 4), 16_000)
        imitation.jpg(clip.jpg, imitation.pictures(str(i), i, 1, 480, 360)[0])
        found.append(clip)
    return found


def test_who_goes_first_alternates():
    calls: list[str] = []

    def named(name: str):
        return lambda: calls.append(name) or name

    assert alternate(named("a"), named("b"), 3) == [("a", "b")] * 3
    assert "".join(calls) == "abbaab"


def test_the_ratio_is_the_middle_one_and_lies_in_its_interval():
    found = ratio([1.0, 1.1, 0.9, 1.2, 5.0])
    assert found.value == 1.1
    assert 0.9 <= found.low <= 1.1 <= found.high <= 5.0
    assert ratio([2.0, 2.0]).low == 2.0


def test_cpu_seconds_do_not_pass_while_a_process_sleeps():
    slept = seconds(lambda: time.sleep(0.2))
    assert slept.clock >= 0.2
    assert slept.cpu < slept.clock


@pytest.mark.parametrize(
    ("value", "aim", "says"), [(1.02, "<= 1.03", True), (1.04, "<= 1.03", False), (2, ">= 2", True), (1.9, ">= 2", False)]
)
def test_an_aim_is_reached_or_not(value, aim, says):
    assert conftest.reached(value, aim) is says


def test_the_per_sample_pipeline_hears_what_the_store_holds(clips):
    for clip in clips:
        sound, rate = media.wave(str(clip.wav))
        stored = spectrogram.log_psd(spectrogram.tiled(sound, 3, 48_000), rate)
        np.testing.assert_allclose(per_sample.heard(clip.wav), stored, atol=2e-3)


def test_and_sees_it_but_for_pils_whole_numbers(clips):
    for clip, (_, seen, label) in zip(clips, per_sample.Clips(clips, training=False), strict=True):  # pyright: ignore[reportArgumentType]
        pixels = torch.from_numpy(np.asarray(Image.open(clip.jpg)).copy()).permute(2, 0, 1)[None]
        whole = torch.tensor([[0, 0, 360, 480]])
        ours = augment.normalised(augment.resized(pixels, whole, 224), "rgb", None, plain=False)[0]
        torch.testing.assert_close(seen, ours, rtol=0, atol=0.03)
        assert label == clip.label


class Fixed(per_sample.Pair):
    """Features that depend on the input's mean alone: no network to compute."""

    def __init__(self):
        nn.Module.__init__(self)
        self.classifier = nn.Linear(1024, 3)

    def forward(self, sound, picture):
        a, v = (x.mean((1, 2, 3))[:, None] * torch.linspace(-1, 1, 512) for x in (sound, picture))
        return a, v, self.classifier(torch.cat([a, v], 1))


def test_its_loop_over_a_batch_counts_every_clip_once(clips):
    torch.manual_seed(0)
    model, cpu = Fixed(), torch.device("cpu")
    batches = per_sample.loader(clips, 2, training=False, workers=0)
    found = per_sample.evaluate(model, batches, cpu, 3)
    with torch.no_grad():
        answers = torch.cat([model(sound, picture)[2] for sound, picture, _ in batches]).argmax(1).numpy()
    assert 100 * found["fused"] == pytest.approx(accuracy(answers, np.array([clip.label for clip in clips])))


def test_its_epoch_moves_the_weights_and_its_loss_is_finite(clips):
    torch.manual_seed(0)
    model, cpu = Fixed(), torch.device("cpu")
    before = model.classifier.weight.detach().clone()
    loss = per_sample.train(model, torch.optim.SGD(model.parameters(), lr=0.1), per_sample.loader(clips, 2, True, 0), cpu)
    assert np.isfinite(loss)
    assert not torch.equal(before, model.classifier.weight)
