"""Stored rows that lie on the device as a whole: the same batches, to the bit, as when they are read one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmbench import resident
from mmbench.batches import transformer
from mmbench.datasets.data import Data, Part
from mmbench.rows import Rows

CPU = torch.device("cpu")
SPEC = {"augment": "crop-flip", "image_size": 8}
COUNTS = (3, 1, 4, 2, 5)  # frames of a clip


@pytest.fixture
def data(tmp_path):
    """Frames (ragged, of several sizes on one canvas), spectrograms, values and waves of five stored items; parts take some of them."""
    source = np.random.default_rng(0)
    np.save(tmp_path / "frames.npy", source.integers(0, 256, (sum(COUNTS), 12, 10, 3), dtype=np.uint8))
    np.save(tmp_path / "frames.offsets.npy", np.cumsum([0, *COUNTS]))
    np.save(tmp_path / "frames.sizes.npy", np.array([[12, 10], [9, 10], [12, 7], [8, 8], [12, 10]], np.int32))
    np.save(tmp_path / "sound.npy", source.standard_normal((5, 6, 7)).astype(np.float16))
    np.save(tmp_path / "text.npy", source.standard_normal((5, 4)).astype(np.float32))
    np.save(tmp_path / "wave.npy", source.integers(-99, 99, 5 * 64, dtype=np.int16))
    np.save(tmp_path / "wave.offsets.npy", np.arange(6) * 64)
    window = {"window": 32, "n_fft": 8, "hop": 4}

    def part(rows: list[int]) -> Part:
        chosen, salt = np.array(rows), tuple(f"item {i}" for i in rows)
        arrays = {
            "frames": Rows(tmp_path, "frames", "frames", chosen, {}, (2, "thirds"), salt),
            "sound": Rows(tmp_path, "sound", "spectrogram", chosen, {}, (0, ""), salt),
            "text": Rows(tmp_path, "text", "values", chosen, {}, (0, ""), salt),
            "wave": Rows(tmp_path, "wave", "wave", chosen, window, (0, ""), salt),
        }
        return Part(arrays, np.array(rows), salt)

    return Data("toy", "1", "standard", ("a",) * 5, {"train": part([4, 0, 2, 0]), "test": part([1, 3])}, "0" * 64)


@pytest.mark.parametrize("name", ["train", "test"])
@pytest.mark.parametrize("training", [True, False])
def test_batches_are_the_same_to_the_bit(data, name, training):
    part = data.parts[name]
    index = torch.tensor([1, 0, 1, len(part) - 1])
    found = []
    for whole in (False, True):
        stream = torch.Generator().manual_seed(3) if training else None
        found.append(transformer(data, SPEC, CPU, whole)(part, index, None, training, stream))
    assert found[0].inputs.keys() == {"frames", "sound", "text", "wave"}
    for modality, values in found[0].inputs.items():
        assert torch.equal(values, found[1].inputs[modality]), modality
    assert torch.equal(found[0].labels, found[1].labels)


def test_once_moved_the_files_are_not_read_again(data, tmp_path):
    transform = transformer(data, SPEC, CPU, True)
    part, index = data.parts["train"], torch.arange(3)
    before = transform(part, index, None, False, None)
    for name in ("frames", "sound", "text"):
        file = tmp_path / f"{name}.npy"
        content = bytearray(file.read_bytes())
        content[128:] = bytes(len(content) - 128)
        file.write_bytes(content)
    after = transform(part, index, None, False, None)
    assert all(torch.equal(before.inputs[m], after.inputs[m]) for m in before.inputs)
    assert not torch.equal(transformer(data, SPEC, CPU, False)(part, index, None, False, None).inputs["text"], after.inputs["text"])


def test_only_chosen_rows_are_moved_and_waves_stay(data):
    rows = data.parts["train"].arrays
    moved = resident.moved(rows["frames"], CPU)
    assert moved.content is not None
    assert moved.content.shape == (5 + 3 + 4, 12, 10, 3)
    assert moved.content.dtype == torch.uint8
    assert moved.counts(np.array([0, 2, 3])).tolist() == [5, 4, 3]
    assert moved.sizes(np.array([1])).tolist() == [[12, 10]]
    assert not resident.movable(rows["wave"])
    frames, sound, text = 12 * 10 * 3 * sum(COUNTS), 2 * 6 * 7 * 5, 4 * 4 * 5
    assert resident.size(data) == frames + sound + text


def test_data_are_moved_where_they_fit(data, monkeypatch):
    assert not resident.worthwhile(data, CPU)
    gpu = torch.device("cuda")
    for free, fits in ((2 * resident.size(data), True), (2 * resident.size(data) - 2, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 10 * free))
        assert resident.worthwhile(data, gpu) == fits
