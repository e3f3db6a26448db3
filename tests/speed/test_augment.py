"""Pictures of a batch as the encoder wants them: ours, read from a store in the page cache and cropped, flipped, resized and normalised
as one batch, against torchvision's transforms picture by picture, as loader workers apply them. Theirs are decoded already: what
decoding costs is measured by `test_reader`. 32 pictures of CREMA-D's size, one thread, in turn, by CPU seconds. `make speed`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datasets_prep import imitation
from mmbench import augment
from mmbench.rows import Rows, file
from tests.speed.pairing import alternate, ratio, seconds
from tests.speed.per_sample import Clips

BATCH, PAIRS = 32, 9
SPEC = {"augment": "crop-flip", "image_size": 224}


def written(folder: Path) -> tuple[Rows, list[Image.Image]]:
    """The same pictures as rows of a store and in memory."""
    pictures = np.stack([imitation.pictures(str(i), i, 1, 480, 360)[0] for i in range(BATCH)])
    np.save(file(folder, "middle"), pictures)
    rows = Rows(folder, "middle", "frames", np.arange(BATCH), {"content": "rgb"}, (1, "middle"), tuple(map(str, range(BATCH))))
    return rows, [Image.fromarray(picture) for picture in pictures]


@pytest.mark.benchmark
@pytest.mark.parametrize("training", [True, False], ids=["training", "test"])
def test_a_batch_of_pictures_against_one_by_one(training, tmp_path, benchmark, table):
    torch.set_num_threads(1)
    rows, images = written(tmp_path)
    transform, generator = Clips((), training).transform, torch.Generator().manual_seed(0)

    def ours() -> torch.Tensor:
        return augment.read(rows, torch.arange(BATCH), SPEC, training, generator if training else None, torch.device("cpu"))

    def theirs() -> torch.Tensor:
        return torch.stack([transform(image) for image in images])

    if not training:  # PIL rounds to whole numbers in between
        torch.testing.assert_close(ours(), theirs(), rtol=0, atol=0.03)
    pairs = benchmark.pedantic(alternate, (lambda: seconds(ours), lambda: seconds(theirs), PAIRS), rounds=1)
    found = ratio([b.cpu / a.cpu for a, b in pairs])
    table(f"pictures one by one / as a batch, {'training' if training else 'test'}, CPU seconds", found)
    assert found.value > 0.1, "ten times slower than picture by picture is more than noise"
