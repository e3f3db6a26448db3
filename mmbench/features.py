"""What CM-VQVAE's features show at the end of a run, as in the paper's Figures 1 to 3: one small picture, beside the record.

A column for each of the first test items; for every modality a row of inputs, of what its decoder makes of all its features, of the
complementary ones alone (open in the mask) and of the contradictory ones (closed); of a segmentation then the predicted and the true
labels. All rows of a modality share the scale of its inputs. Black is void in labels.
"""

from __future__ import annotations

import colorsys
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from mmbench.datasets.data import Batch
from mmbench.encoders.vqvae import VQVAE
from mmbench.method import Run, evaluating
from mmbench.metrics import VOID

ITEMS = 6
TILE, GAP = 64, 2  # pixels


@torch.no_grad()
def picture(run: Run) -> bytes | None:
    """The picture as a PNG file; None of a model without decoders."""
    if not any(isinstance(encoder, VQVAE) and encoder.decoder is not None for encoder in run.model.encoders.values()):
        return None
    items = run.data.parts["test"]
    with evaluating(run.model):
        batch = next(iter(run.batches(items, torch.arange(min(ITEMS, len(items))), ITEMS)))
        rows = [row for m in run.modalities for row in reconstructions(run.model, m, batch.inputs[m])]
        if batch.labels.ndim == 3:
            rows += [_coloured(labels) for labels in (_answers(run, batch), batch.labels)]
    return png(_sheet(rows))


def reconstructions(model: Any, modality: str, x: Tensor) -> Iterator[Tensor]:
    """Rows of one modality, B x 3 x H x W in 0 to 1: inputs, restored from all features, from the open ones, from the closed ones.
    The last two only under a mask of open and closed channels."""
    encoder: VQVAE = model.encoders[modality]
    given = encoder.picture(x)
    maps = encoder.coded(given).map
    parts = [maps]
    if (there := model.head.mask.open()) is not None and model.head.mask.kind == "binary":
        mine = there[model.head.modalities.index(modality)].to(maps)[:, None, None]
        parts += [maps * mine, maps * (1 - mine)]
    low, high = given.min(), given.max()
    for pixels in (given, *map(encoder.restored, parts)):
        scaled = ((pixels - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
        yield scaled if scaled.shape[1] == 3 else scaled[:, :1].expand(-1, 3, -1, -1)


def _answers(run: Run, batch: Batch) -> Tensor:
    return run.model(batch.inputs, batch.keep, None, run.change).fused.argmax(1)


def _coloured(labels: Tensor) -> Tensor:
    """B x H x W classes -> B x 3 x H x W: hues a golden angle apart, void black."""
    colours = np.array([colorsys.hsv_to_rgb(c * 0.618034 % 1, 0.75, 1 - 0.35 * (c % 3) / 2) for c in range(VOID)] + [(0, 0, 0)], np.float32)
    return torch.from_numpy(colours)[labels.cpu().long()].permute(0, 3, 1, 2)


def _sheet(rows: list[Tensor]) -> np.ndarray:
    """Rows of B x 3 x H x W in 0 to 1 -> one picture, uint8; white between the tiles."""
    tiles = [_tile(row.float().cpu()) for row in rows]
    count = len(tiles[0])
    sheet = np.full((len(tiles) * (TILE + GAP) - GAP, count * (TILE + GAP) - GAP, 3), 255, np.uint8)
    for r, row in enumerate(tiles):
        for c, tile in enumerate(row):
            top, left = r * (TILE + GAP), c * (TILE + GAP)
            sheet[top : top + TILE, left : left + TILE] = (tile.permute(1, 2, 0).numpy() * 255).round()
    return sheet


def _tile(row: Tensor) -> Tensor:
    return adaptive_avg_pool2d(row, TILE) if row.shape[-1] > TILE else interpolate(row, (TILE, TILE), mode="nearest")


def png(pixels: np.ndarray) -> bytes:
    """H x W x 3 uint8 -> a PNG file without metadata: equal pixels, equal bytes."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    chunks: Mapping[bytes, bytes] = {
        b"IHDR": struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0), b"IDAT": zlib.compress(lines, 9), b"IEND": b"",
    }  # fmt: skip
    whole = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)
