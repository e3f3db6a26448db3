"""Tiny feature files with the names, keys, dtypes and row shapes of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from datasets_prep import ave_imitation, imitation
from datasets_prep.ave_splits import CLASSES, PARTS

DEFECTS = {
    "lfs-pointer": imitation.GENERAL["lfs-pointer"],
    "error-page": imitation.GENERAL["error-page"],
    "zero-bytes": imitation.GENERAL["zero-bytes"],
    "cut-short": "visual_feature.h5 ends in its middle",
    "missing-file": "audio_feature.h5 is not there",
    "dot-underscore": imitation.GENERAL["dot-underscore"],
    "header": "Annotations.txt with a header line, as in the archive of the clips",
    "right-labels": "right_labels.h5 in place of labels.h5, as PSP's and AGM's folders have it",
    "other-key": "a dataset under another key",
    "fewer-rows": "labels.h5 of another number of rows",
    "other-shape": "visual features without their map",
    "no-label": "a row of labels.h5 with a second without a label",
    "one-based": "an order file that counts from 1",
    "row-twice": "an order file that names a row twice",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """All files in `folder`/data, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "data"
    root.mkdir()
    events = ave_imitation.events()
    rows = [(part, row) for part in PARTS for row in events[part]]
    head = ["Category&VideoID&Quality&StartTime&EndTime"] if "header" in defects else []
    lines = [f"{r.label}&{r.video}&good&{r.start}&{r.end}" for _, r in rows]
    (root / "Annotations.txt").write_text("".join(f"{line}\n" for line in [*head, *lines]))
    labels = np.zeros((len(rows), 10, 29), np.float32)
    for i, (_, row) in enumerate(rows):
        labels[i, :, 28] = 1
        labels[i, row.start : row.end] = np.eye(29)[CLASSES.index(row.label)]
    if "no-label" in defects:
        labels[2, 9] = 0
    rng = imitation.stream("features")
    signal = labels @ rng.standard_normal((29, 128)).astype(np.float32)
    visual = rng.random((len(rows), 10, 7, 7, 512), np.float32) * 0.1
    visual[..., :128] += np.maximum(signal, 0)[:, :, None, None]
    _write(root / "audio_feature.h5", (signal + rng.standard_normal(signal.shape)).astype(np.float32), defects, "other-key")
    _write(root / "visual_feature.h5", visual.mean((2, 3)) if "other-shape" in defects else visual, defects, "")
    name = "right_labels.h5" if "right-labels" in defects else "labels.h5"
    _write(root / name, labels[:-1] if "fewer-rows" in defects else labels, defects, "")
    for part in PARTS:
        order = np.array([i for i, (of, _) in enumerate(rows) if of == part], np.int64)
        order = order + 1 if "one-based" in defects else np.append(order, order[0]) if "row-twice" in defects else order
        with h5py.File(root / f"{part}_order.h5", "w") as file:
            file["order"] = order
    for defect in defects:
        _break(root, defect)


def _write(path: Path, values: np.ndarray, defects: Sequence[str], renamed_by: str) -> None:
    with h5py.File(path, "w") as file:
        file["features" if renamed_by in defects else "avadataset"] = values


def _break(root: Path, defect: str) -> None:
    if defect in ("lfs-pointer", "error-page", "zero-bytes", "dot-underscore"):
        imitation.damage(root / "visual_feature.h5", defect)
    elif defect == "cut-short":
        path = root / "visual_feature.h5"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif defect == "missing-file":
        (root / "audio_feature.h5").unlink()
