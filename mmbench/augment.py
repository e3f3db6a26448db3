"""What samples go through on their way to the model, a whole batch at a time, on the training device; each sample has its own box.

    crop-flip         training: a random resized crop and a flip of every frame (torchvision's defaults); test: resized to the
                      square, aspect not kept. Bilinear with antialias, then ImageNet's mean and deviation
    crop-flip-sound   the same, and a random window of the wave; in a test the window of an item is random too, as in the
                      released code, but the same in every epoch; where a recipe has a window of its own for tests, its beginning
    none              resized to the square, values in 0..1

A resize is two small matrices per sample (rows, columns), so a batch of different boxes is two batched products. It equals
torchvision.transforms.v2 on float tensors; PIL rounds to whole numbers in between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbench.errors import UserError, unknown
from mmbench.mel import log_mel
from mmbench.rows import Rows, fixed, pick
from mmbench.transfer import placed

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
MOTION = (0.5, 0.226)  # flow and RGB difference, stored around 128: ours, after two-stream practice
SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)  # torchvision's RandomResizedCrop
TRIES = 10
KNOWN = ("none", "crop-flip", "crop-flip-sound")


def read(
    rows: Rows, index: Tensor, spec: Mapping[str, Any], training: bool, generator: torch.Generator | None, device: torch.device
) -> Tensor:
    """The samples of one modality as the encoder wants them, float32 on the device.

    frames: B x C x S x S, or B x C x T x S x S for T > 1; spectrogram and wave: B x 1 x bins x steps; values: as stored.
    spec: the resolved run (augment, image_size or "as stored", frames). generator: CPU; needed in training.
    """
    augment, places = spec.get("augment", "none"), index.cpu().numpy()
    if augment not in KNOWN:
        raise unknown("augmentation", augment, KNOWN)
    if rows.kind == "frames":
        return _frames(rows, places, spec, augment, training, generator, device)
    if rows.kind == "wave":
        return _wave(rows, places, generator if training else None, device)
    found = placed(torch.as_tensor(rows[places]), device)
    return found.float()[:, None] if rows.kind == "spectrogram" else found


def _frames(
    rows: Rows, places: np.ndarray, spec: Mapping[str, Any], augment: str, training: bool, generator: torch.Generator | None,
    device: torch.device,
) -> Tensor:  # fmt: skip
    count, rule = rows.rule
    drawn = None
    if training and rule in ("thirds", "random", "random-test"):
        drawn = torch.rand(len(places), count, generator=generator).numpy()
    picks = pick(rows.counts(places), count, rule, drawn, [rows.salt[i] for i in places], training)
    count = picks.shape[1]
    pictures = placed(torch.as_tensor(rows.entries(places, picks)), device)  # B x T x H x W x C
    batch, _, height, width, channels = pictures.shape
    flat = pictures.permute(0, 1, 4, 2, 3).reshape(batch * count, channels, height, width)
    sizes = torch.from_numpy(rows.sizes(places)).repeat_interleave(count, 0)
    flip = None
    if training and augment != "none":
        assert generator is not None
        boxes = crops(sizes, generator)
        flip = torch.rand(len(flat), generator=generator) < 0.5
    else:
        boxes = torch.cat([torch.zeros_like(sizes), sizes], 1)
    content = rows.settings.get("content", "rgb")
    found = normalised(resized(flat, boxes, int(spec.get("image_size", height)), flip), content, flip, plain=augment == "none")
    found = found.reshape(batch, count, *found.shape[1:])
    return found[:, 0] if count == 1 else found.transpose(1, 2)


def crops(sizes: Tensor, generator: torch.Generator, scale: tuple[float, float] = SCALE, ratio: tuple[float, float] = RATIO) -> Tensor:
    """N random boxes (top, left, height, width) in pictures of the given N x 2 heights and widths, int64 on the CPU.

    A share of the area in `scale` and a log-uniform aspect in `ratio`, ten tries; then the largest central box within `ratio`.
    """
    height, width = sizes[:, :1].double(), sizes[:, 1:].double()
    tries = torch.rand(len(sizes), TRIES, 4, generator=generator, dtype=torch.float64)
    area = height * width * (scale[0] + tries[..., 0] * (scale[1] - scale[0]))
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + tries[..., 1] * (high - low))
    w, h = torch.round(torch.sqrt(area * aspect)), torch.round(torch.sqrt(area / aspect))
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    w, h = w.gather(1, first), h.gather(1, first)
    top = torch.floor(tries[..., 2].gather(1, first) * (height - h + 1))
    left = torch.floor(tries[..., 3].gather(1, first) * (width - w + 1))
    central_w = torch.where(width / height > ratio[1], torch.round(height * ratio[1]), width)
    central_h = torch.where(width / height < ratio[0], torch.round(width / ratio[0]), height)
    central = torch.cat([(height - central_h) // 2, (width - central_w) // 2, central_h, central_w], 1)
    return torch.where(fits.any(1, keepdim=True), torch.cat([top, left, h, w], 1), central).long()


def resized(pictures: Tensor, boxes: Tensor, size: int, flip: Tensor | None = None) -> Tensor:
    """N x C x H x W, of each its box -> N x C x size x size float32, in the range of the input; mirrored where `flip` says so."""
    boxes = placed(boxes, pictures.device)
    rows = weights(boxes[:, 0], boxes[:, 2], size, pictures.shape[2])
    columns = weights(boxes[:, 1], boxes[:, 3], size, pictures.shape[3])
    if flip is not None:
        columns = torch.where(placed(flip, columns.device)[:, None, None], columns.flip(1), columns)
    return rows[:, None] @ pictures.float() @ columns[:, None].transpose(-1, -2)


def weights(first: Tensor, length: Tensor, size: int, total: int) -> Tensor:
    """N x size x total: how much input i counts for output o, when [first, first + length) is resized to `size`.

    Bilinear with antialias: a triangle of half-width max(1, length / size) about the output's centre, cut to the box, sum 1.
    """
    scale = (length.double() / size)[:, None, None]
    support = scale.clamp(min=1)
    places = torch.arange(total, device=first.device, dtype=torch.float64)[None, None] - first[:, None, None]
    centre = scale * (torch.arange(size, device=first.device, dtype=torch.float64)[None, :, None] + 0.5)
    found = (1 - (places + 0.5 - centre).abs() / support).clamp(min=0)
    found = found * ((places >= 0) & (places < length[:, None, None]))
    return (found / found.sum(2, keepdim=True)).float()


def normalised(pictures: Tensor, content: str, flip: Tensor | None, plain: bool) -> Tensor:
    """N x C x S x S in 0..255 -> what the encoder gets. content: "rgb", "flow" (u, v about 128) or "difference" (about 128).
    A mirrored flow runs the other way: u changes its sign."""
    found = pictures / 255
    if plain:
        return found
    if content == "rgb":
        mean, deviation = (placed(torch.tensor(v), found.device)[None, :, None, None] for v in IMAGENET)
        return (found - mean) / deviation
    found = (found - MOTION[0]) / MOTION[1]
    if content == "flow" and flip is not None:
        sign = torch.ones(len(found), found.shape[1], 1, 1)
        sign[flip.cpu(), 0] = -1
        found = found * placed(sign, found.device)
    return found


def _wave(rows: Rows, places: np.ndarray, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """A window of each wave and its spectrogram, B x 1 x bins x steps: log-mel where the recipe has `mels`, else log-magnitude.
    generator None: a test."""
    settings, testing = rows.settings, generator is None
    length = int(settings["test_window"] if testing and "test_window" in settings else settings["window"])
    if settings.get("short") != "wrap" and (rows.counts(places) < length).any():
        raise UserError(f"array '{rows.name}': a wave is shorter than its window of {length} samples: prepare the dataset again")
    if testing and "test_window" in settings:
        drawn = np.zeros(len(places))
    else:
        drawn = fixed([rows.salt[i] for i in places], 1)[:, 0] if testing else torch.rand(len(places), generator=generator).numpy()
    sound = placed(torch.from_numpy(_windows(rows, places, drawn, length)), device).float() / 32768
    if "mels" in settings:
        return log_mel(sound, **{name: settings[name] for name in ("rate", "n_fft", "frame", "hop", "mels", "emphasis")})[:, None]
    return log_stft(sound.clamp(-1, 1), int(settings["n_fft"]), int(settings["hop"]))[:, None]


def _windows(rows: Rows, places: np.ndarray, drawn: np.ndarray, length: int) -> np.ndarray:
    """n x length samples, of each wave from the drawn share (0 to 1) of its possible starts. Shorter waves begin again at their end."""
    count = rows.counts(places)
    short = count < length
    if not short.any():
        return rows.runs(places, (drawn * (count - length + 1)).astype(np.int64), length)
    found = np.empty((len(places), length), rows.dtype)
    for i, place in enumerate(places):
        start = 0 if short[i] else int(drawn[i] * (count[i] - length + 1))
        found[i] = np.resize(rows.row(place), length) if short[i] else rows.runs(places[i : i + 1], np.array([start]), length)[0]
    return found


def log_stft(sound: Tensor, n_fft: int, hop: int) -> Tensor:
    """log(|STFT| + 1e-7) of B x n samples, centred, zero-padded, periodic Hann window: B x (n_fft / 2 + 1) x (n // hop + 1).
    Equals librosa's to 1e-5."""
    window = torch.hann_window(n_fft, device=sound.device)
    found = torch.stft(sound, n_fft, hop, window=window, center=True, pad_mode="constant", return_complex=True)
    return torch.log(found.abs() + 1e-7)
