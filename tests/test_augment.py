"""Crops, flips, resizes and windows against torchvision and librosa, sample by sample."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from mmbench import augment
from mmbench.errors import UserError
from mmbench.mel import log_mel
from mmbench.rows import Rows, pick


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (6, 3, 90, 120), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [32, 112, 224])
def test_each_sample_is_cropped_and_resized_as_torchvision_does_it(pictures, size):
    boxes = torch.tensor([[0, 0, 90, 120], [5, 7, 40, 60], [60, 100, 30, 20], [0, 0, 90, 67], [10, 0, 17, 120], [89, 119, 1, 1]])
    ours = augment.resized(pictures, boxes, size)
    for one, picture, (top, left, height, width) in zip(ours, pictures, boxes.tolist(), strict=True):
        theirs = functional.resized_crop(picture.float(), top, left, height, width, [size, size], antialias=True)
        assert torch.allclose(one, theirs, atol=2e-3), (one - theirs).abs().max()  # of 255


def test_a_test_picture_is_resized_without_keeping_its_aspect(pictures):
    boxes = torch.tensor([[0, 0, 90, 120]]).repeat(6, 1)
    theirs = v2.Resize((64, 64), antialias=True)(pictures.float())
    assert torch.allclose(augment.resized(pictures, boxes, 64), theirs, atol=2e-3)


def test_flips_mirror_only_the_chosen(pictures):
    boxes = torch.tensor([[3, 4, 50, 70]]).repeat(6, 1)
    flip = torch.tensor([True, False, True, False, False, True])
    plain, ours = augment.resized(pictures, boxes, 32), augment.resized(pictures, boxes, 32, flip)
    assert torch.allclose(ours, torch.where(flip[:, None, None, None], plain.flip(3), plain))


def test_pictures_that_share_a_canvas_never_see_its_empty_part():
    canvas = torch.full((2, 3, 40, 60), 255, dtype=torch.uint8)
    canvas[0, :, :30, :20] = 10  # a small picture in the corner; beyond it what must not be read
    sizes = torch.tensor([[30, 20], [40, 60]], dtype=torch.int32)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        assert (augment.resized(canvas, augment.crops(sizes, generator), 16)[0] - 10).abs().max() < 1e-3


def test_random_boxes_follow_torchvisions_law():
    torch.manual_seed(3)
    picture, crop = torch.zeros(3, 90, 120), v2.RandomResizedCrop(32, antialias=True)
    theirs = np.array([[p["top"], p["left"], p["height"], p["width"]] for p in (crop.make_params([picture]) for _ in range(3000))])
    ours = augment.crops(torch.tensor([[90, 120]]).repeat(3000, 1), torch.Generator().manual_seed(4)).numpy()
    assert (ours[:, 0] + ours[:, 2]).max() <= 90
    assert (ours[:, 1] + ours[:, 3]).max() <= 120
    for column in range(4):
        quantiles = [np.quantile(boxes[:, column], (0.1, 0.25, 0.5, 0.75, 0.9)) for boxes in (ours, theirs)]
        assert np.abs(quantiles[0] - quantiles[1]).max() < 5  # pixels


def test_a_picture_too_narrow_for_any_box_gets_the_central_one():
    boxes = augment.crops(torch.tensor([[10, 400], [400, 10]]), torch.Generator().manual_seed(0), scale=(1.0, 1.0))
    assert boxes.tolist() == [[0, 193, 10, 13], [193, 0, 13, 10]]


def test_colours_get_imagenets_statistics_and_mirrored_flow_runs_the_other_way():
    grey = torch.full((2, 3, 4, 4), 255 * 0.485)
    assert torch.allclose(augment.normalised(grey, "rgb", None, plain=False)[:, 0], torch.zeros(2, 4, 4), atol=1e-6)
    assert torch.allclose(augment.normalised(grey, "rgb", None, plain=True), torch.full_like(grey, 0.485))
    flow = torch.tensor([200.0, 90.0])[None, :, None, None].expand(2, 2, 4, 4)
    still, mirrored = augment.normalised(flow, "flow", torch.tensor([False, True]), plain=False)
    assert torch.allclose(mirrored[0], -still[0])
    assert torch.allclose(mirrored[1], still[1])


def test_the_spectrogram_on_the_device_is_librosas():
    import librosa

    rng = np.random.default_rng(0)
    sound = (np.sin(np.cumsum(rng.uniform(0.01, 0.4, 80_000))) * 0.3 + 0.01 * rng.standard_normal(80_000)).astype(np.float32)
    theirs = np.log(np.abs(librosa.stft(sound, n_fft=256, hop_length=128)) + 1e-7)
    ours = augment.log_stft(torch.from_numpy(sound)[None], 256, 128)[0].numpy()
    assert ours.shape == theirs.shape == (129, 626)
    assert np.abs(np.exp(ours) - np.exp(theirs)).max() < 1e-5
    assert np.quantile(np.abs(ours - theirs), 0.99) < 1e-5  # the rest are nearly empty bins, which hold the last bits of the FFT


def waves(tmp_path, lengths: list[int], **settings) -> Rows:
    """Ramps: sample i of a wave is i, so that a window says where it began."""
    np.save(tmp_path / "w.npy", np.concatenate([np.arange(n, dtype=np.int16) for n in lengths]))
    np.save(tmp_path / "w.offsets.npy", np.cumsum([0, *lengths]))
    return Rows(tmp_path, "w", "wave", np.arange(len(lengths)), settings, (0, ""), tuple(f"item {i}" for i in range(len(lengths))))


VOICE = {"rate": 16_000, "window": 3_200, "test_window": 6_400, "n_fft": 512, "frame": 400, "hop": 160, "mels": 40, "emphasis": 0.97}


def test_voices_are_mel_frames_of_a_random_window_and_in_a_test_of_the_beginning(tmp_path):
    rows = waves(tmp_path, [8_000, 7_000], **VOICE, short="wrap")
    read = partial(augment.read, rows, torch.arange(2), {"augment": "crop-flip-sound"}, device=torch.device("cpu"))
    tested = read(training=False, generator=None)
    assert tested.shape == (2, 1, 40, 41)
    begin = torch.arange(6_400).float()[None] / 32768
    torch.testing.assert_close(tested[0], log_mel(begin, **{n: VOICE[n] for n in ("rate", "n_fft", "frame", "hop", "mels", "emphasis")}))
    drawn = [read(training=True, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert drawn[0].shape == (2, 1, 40, 21)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_voice_that_is_too_short_begins_again(tmp_path):
    rows = waves(tmp_path, [3, 8], **VOICE, short="wrap")
    assert augment._windows(rows, np.array([0, 1]), np.array([0.9, 0.99]), 5).tolist() == [[0, 1, 2, 0, 1], [3, 4, 5, 6, 7]]
    plain = waves(tmp_path, [3, 8], **VOICE)
    with pytest.raises(UserError, match="'w': a wave is shorter than its window of 6400 samples"):
        augment.read(plain, torch.arange(2), {}, False, None, torch.device("cpu"))


def test_faces_are_picked_by_their_number():
    """Two in training by MMCosine's list, in a test the third alone; few faces repeat the last."""
    counts = np.array([1, 3, 5, 6, 7, 8, 30])
    assert pick(counts, 2, "by-count", None, [], True).tolist() == [[0, 0], [0, 2], [1, 3], [2, 4], [2, 5], [2, 6], [2, 6]]
    assert pick(counts, 2, "by-count", None, []).tolist() == [[0], [2], [2], [2], [2], [2], [2]]
