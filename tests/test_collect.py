"""The frame: a row per (key, seed, group, selection, metric), and nothing that is no value among the values."""

from __future__ import annotations

import math

from mmbench import collect
from tests import samples


def test_every_value_of_every_selection_is_a_row():
    frame = collect.frame([samples.record(samples.job(seed)) for seed in (0, 1)])
    assert tuple(frame.columns) == collect.COLUMNS
    assert len(frame) == 2 * 2 * 5
    [row] = frame[(frame.seed == 1) & (frame.selection == "last") & (frame.metric == "accuracy.audio")].to_dict("records")
    job = samples.job(1)
    assert row == {
        "key": job.key, "seed": 1, "group": "local", "status": "ok", "dataset": "av-digits", "split": "standard", "method": "joint",
        "head": "cosine", "device_kind": "cpu", "fingerprint": "cd" * 32, "stand_in": True, "imitation": False, "selection": "last",
        "metric": "accuracy.audio", "value": 0.7811, "n_test": 600, "train_loss": 0.123, "seconds": 3.6, "peak_memory_mb": 512,
        "commit": "ef" * 20, "dirty": False, "started": "2026-11-21T07:00:00Z",
    }  # fmt: skip


def test_a_diverged_record_is_one_row_without_a_value():
    frame = collect.frame([samples.record(status="diverged", result={"train_loss": None, "diverged_at": {"epoch": 4}})])
    [row] = frame.to_dict("records")
    assert (row["status"], row["selection"], row["metric"]) == ("diverged", "", "")
    assert math.isnan(row["value"])
    assert math.isnan(row["train_loss"])


def test_no_records_give_an_empty_frame_with_all_columns():
    frame = collect.frame([])
    assert tuple(frame.columns) == collect.COLUMNS
    assert len(frame) == 0
