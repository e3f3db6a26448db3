"""Runs, jobs, cells and records for tests that train nothing."""

from __future__ import annotations

from typing import Any

from mmbench import records
from mmbench.spec import Cell, Job, View, key

ACCURACY = View("accuracy")


def run(dataset: str = "av-digits", method: str = "joint", **changes: Any) -> dict[str, Any]:
    """A resolved run of the true shape and length."""
    whole = {
        "dataset": dataset, "split": "standard", "preparation": "standard", "modalities": ["audio", "visual"], "task": "classification",
        "model": "fusion", "encoders": {m: {"name": "small-cnn", "width": 8} for m in ("audio", "visual")}, "head": "cosine",
        "head_params": {"scale": 10}, "method": method, "params": {},
        "optimiser": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 0.0001},
        "schedule": {"name": "multi-step", "marks": [8], "factor": 0.1}, "epochs": 12, "batch": 48, "clip": 0, "precision": "fp32",
        "init": "xavier", "augment": "none", "drop_last": False, "small": 0, "weights": {},
        "versions": {"method:joint": 1, "head:cosine": 1, "encoder:small-cnn": 1, "model:fusion": 1, "loop": 1, "augment": 1},
    }  # fmt: skip
    return whole | changes


def job(seed: int = 0, **changes: Any) -> Job:
    described = run(**changes)
    return Job(key(described), seed, described, (ACCURACY,), "demo")


def cell(row: str = "concat", column: str = "acc", table: str = "toy", state: str = "run", view: View = ACCURACY, **changes: Any) -> Cell:
    described = run(**changes) if state == "run" else {}
    return Cell(
        table, row, column, "61.5", "accuracy", "%", "higher", state, key=key(described) if described else "", run=described, view=view
    )  # fmt: skip


def record(of: Job | None = None, status: str = "ok", **changes: Any) -> dict[str, Any]:
    """A record as `execute` writes it. changes: of sections, merged one level deep."""
    of = of or job()
    values = {"accuracy": 0.9125, "accuracy.audio": 0.7811, "accuracy.visual": 0.5023, "macro-f1": 0.9101, "log.k.audio": 0.31}
    whole: dict[str, Any] = {
        "schema": records.SCHEMA, "key": of.key, "seed": of.seed, "group": "local", "run": dict(of.run),
        "result": {
            "status": status, "epochs": 12, "evaluated": {"test": 600}, "train_loss": 0.123,
            "selections": {label: {"epoch": 11, "values": values} for label in ("last", "best-test")}, "weights_sha256": "ab" * 32,
        },
        "data": {"fingerprint": "cd" * 32, "version": "1", "stand_in": True, "imitation": False},
        "environment": {
            "device": "x86_64", "device_kind": "cpu", "threads": 1, "cpu_capability": "AVX512", "path": "plain",
            "versions": {"mmbench": "0.1.0", "python": "3.11.2", "torch": "2.11.0", "numpy": "2.4.6"}, "commit": "ef" * 20, "dirty": False,
            "started": "2026-11-21T07:00:00Z", "seconds": {"total": 3.6, "load": 0.4, "train": 2.9, "evaluate": 0.3},
            "peak_memory_mb": 512, "resumed": 0,
        },
        "signature": f"mmbench 0.1.0|{of.run['dataset']}|key={of.key}|seed={of.seed}",
    }  # fmt: skip
    for section, content in changes.items():
        whole[section] = whole[section] | content if isinstance(content, dict) else content
    return whole
