"""Job -> record. The only module that knows both torch and records."""

from __future__ import annotations

import hashlib
import platform
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

import mmbench
from mmbench import build, features, history, paths, records, registry
from mmbench.checkpoint import Checkpoint, digest
from mmbench.datasets import store
from mmbench.datasets.data import Data
from mmbench.method import Run
from mmbench.pretraining import before, pretrain
from mmbench.spec import Job
from mmbench.train import Stopped, train


def execute(
    job: Job, *, device: str = "cpu", progress: Callable[[dict[str, Any]], None] | None = None, every: float = 30.0,
    data: Data | None = None, loop: Callable[..., tuple[dict[str, Any], dict[str, float]]] = train,
) -> str:  # fmt: skip
    """Train the job, write its record, and say "ok", "diverged" or "exists". every: seconds between checkpoints.
    Resumes from the checkpoint of an interrupted run. Asked to stop (SIGTERM, Ctrl-C), it finishes the step, writes the
    checkpoint and raises SystemExit(143) or KeyboardInterrupt.
    data, loop: in place of the run's own data and of `train.train`, for `mmbench smoke`."""
    if records.path(job.run, job.key, job.seed).exists():
        return "exists"
    started, began = datetime.now(UTC), time.perf_counter()
    place = torch.device(device)
    if place.type == "cpu":
        torch.set_num_threads(1)  # more threads give other bits, and slow each other down
    first = before(job.run) if data is None else None  # what smoke is given is not pretrained on anything
    data = load(job.run) if data is None else data
    earlier = None if first is None else load(first)
    run = build.run(job.run, job.seed, data, place, paths.weights())
    method = build.method(job.run)
    loaded = time.perf_counter() - began
    folder, name = paths.results() / "checkpoints", records.name(job.key, job.seed)
    checkpoint, early = Checkpoint(folder / f"{name}.pt", every), Checkpoint(folder / f"{name}-pretraining.pt", every)
    with stoppable() as asked:
        try:
            if earlier is not None and not checkpoint.path.exists():
                pretrain(run, earlier, early, lambda: asked.signal is not None, progress or (lambda news: None))
            past, clock = loop(run, method, job.views, checkpoint, lambda: asked.signal is not None, progress or (lambda news: None))
        except Stopped:
            if asked.signal == signal.SIGINT:
                raise KeyboardInterrupt from None
            raise SystemExit(143) from None
    seconds = {"total": time.perf_counter() - began, "load": loaded, "train": clock["train"], "evaluate": clock["evaluate"]}
    record = {
        "schema": records.SCHEMA, "key": job.key, "seed": job.seed, "group": paths.group(), "run": dict(job.run),
        "result": result(run, past), "data": provenance(data, earlier),
        "environment": environment(place, ", ".join(filter(None, (run.path, run.supply))), started, seconds, int(clock["resumed"])),
        "signature": signature(job, place),
    }  # fmt: skip
    kept = {f"{label}/{name}": a for label, k in past["kept"].items() for name, a in run.task.predictions(k).items()}
    curve = {name: np.asarray(values, dtype=np.float32) for name, values in past["curve"].items()}
    records.write(record, curve, kept, features.picture(run) if record["result"]["status"] == "ok" else None)
    checkpoint.remove()
    early.remove()
    return record["result"]["status"]


def load(spec: Mapping[str, Any]) -> Data:
    """The data of a run: a stand-in, or the prepared store under `MMBENCH_DATA`."""
    if spec["dataset"] in registry.DATASETS:
        return registry.load("dataset", spec["dataset"])()
    return store.load(
        paths.data(), spec["dataset"], spec["split"], spec["preparation"], spec["modalities"],
        small=spec.get("small", 0), frames=spec.get("frames", 1), frame_rule=spec.get("frame_rule", "middle"),
    )  # fmt: skip


def result(run: Run, past: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the record that an interrupted and an uninterrupted run have in common, to the bit on one CPU."""
    found: dict[str, Any] = {
        "status": "diverged" if "diverged_at" in past else "ok",
        "epochs": history.lengths(past),
        "evaluated": {"test": len(run.data.parts["test"])},
        "train_loss": past["train_loss"] if np.isfinite(past["train_loss"]) else None,
        "selections": {label: {"epoch": s["epoch"], "values": _rounded(s["values"])} for label, s in past["selections"].items()},
        "weights_sha256": digest(run.model),
    }
    if "diverged_at" in past:
        found["diverged_at"] = {"epoch": past["diverged_at"]}
    return found


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Seven significant digits: more than float32 holds, and the record stays small. Gradient norms and what the validation part
    scored stand in the curve alone: with five modalities, or a validation part, they would not fit."""
    return {n: float(f"{value:.7g}") for n, value in values.items() if np.isfinite(value) and not n.startswith(("gradient.", "val."))}


def provenance(data: Data, earlier: Data | None = None) -> dict[str, Any]:
    """earlier: what the run was pretrained on; the fingerprint then covers both."""
    both = [data] if earlier is None else [data, earlier]
    fingerprint = data.fingerprint if earlier is None else hashlib.sha256("".join(d.fingerprint for d in both).encode()).hexdigest()
    kind = {"stand_in": any(d.stand_in for d in both), "imitation": any(d.imitation for d in both)}
    return {"fingerprint": fingerprint, "version": data.version, **kind}


def environment(place: torch.device, path: str, started: datetime, seconds: Mapping[str, float], resumed: int) -> dict[str, Any]:
    """What may differ between two runs of one job: time, machine, versions. No name of a user, host or path."""
    cuda = place.type == "cuda"
    peak = torch.cuda.max_memory_allocated(place) / 2**20 if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    commit, dirty = repository()
    versions = {"mmbench": mmbench.__version__, "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    return {
        "device": torch.cuda.get_device_name(place) if cuda else platform.machine(), "device_kind": place.type,
        "threads": torch.get_num_threads(), "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "path": path, "versions": versions,
        "commit": commit, "dirty": dirty, "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": {name: round(value, 3) for name, value in seconds.items()}, "peak_memory_mb": round(peak), "resumed": resumed,
    }  # fmt: skip


def repository() -> tuple[str, bool]:
    """The git commit of the code that ran ("" outside a checkout), and whether tracked files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(paths.REPOSITORY), *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no", "--", "mmbench", "benchmarks"))
    except (OSError, subprocess.CalledProcessError):
        return "", False


def signature(job: Job, place: torch.device) -> str:
    """One line to paste into a paper: everything that could change the number."""
    run = job.run
    encoders = "+".join(run["encoders"][m]["name"] for m in run["modalities"])
    given = {**run["head_params"], **run["params"]}
    settings = ",".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in given.items())
    optimiser = ",".join(str(value) for value in run["optimiser"].values())
    return "|".join(
        (
            f"mmbench {mmbench.__version__}", f"{run['dataset']}/{run['split']}/{run['preparation']}", f"{run['model']}({encoders})",
            run["head"], f"{run['method']}({settings})", optimiser, f"epochs={run['epochs']}", f"batch={run['batch']}",
            f"key={job.key}", f"seed={job.seed}", f"torch={torch.__version__}", place.type,
        )
    )  # fmt: skip


class Asked:
    signal: int | None = None


@contextmanager
def stoppable(signals: Sequence[int] = (signal.SIGTERM, signal.SIGINT)) -> Iterator[Asked]:
    """While the block runs, SIGTERM and Ctrl-C are noted instead of acted on. In the main thread only; elsewhere nothing changes."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: object) -> None:
        asked.signal = number

    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
