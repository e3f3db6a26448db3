"""What a worker process of `mmbench measure` does: the time of a step, of an evaluation and of what else an epoch holds, for one cell
at its true network and shapes on generated items; and the steps of several processes at once."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from math import ceil, prod
from typing import Any

import numpy as np
import torch

from mmbench import build, execute, paths, published
from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.measure import kinds
from mmbench.method import Method, Run
from mmbench.resident import SHARE
from mmbench.smoke import cell, shapes, steps
from mmbench.spec import Job
from mmbench.train import Epoch, _begin, _steps, outputs, ready

# Seconds to measure for, and the fewest and the most repeats, after so many that do not count (on a CPU see `timings`).
SECONDS, REPEATS, WARM = {"cpu": 1.0, "cuda": 1.5}, {"cpu": (1, 20), "cuda": (5, 500)}, {"cpu": 0, "cuda": 5}
LIGHT = 300_000  # numbers in a batch up to which a CPU too takes the recipe's: of small networks a step costs much the same for 4 items
TRAINED = 16  # items of the training part on a CPU: of fewer, the share that a method draws says nothing
TOGETHER = 3.0  # seconds
PATIENCE = 120.0  # seconds that one process waits for the others

Progress = Callable[[dict[str, Any]], None]


def run(job: Job, *, device: str, progress: Progress) -> str:
    """Measure one cell; progress hears it under "measured"."""
    brief, place = cell.shortened(job.run, device), torch.device(device)
    if place.type == "cpu":
        torch.set_num_threads(1)  # as every job on a CPU
        if 0 < kinds.elements(kinds.shown(job.key)) * job.run["batch"] <= LIGHT:
            brief["batch"] = job.run["batch"]
    else:
        torch.cuda.init()  # there are no statistics before
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(place)
    trained = max(TRAINED, brief["batch"]) if place.type == "cpu" else 0
    with cell.generated(brief, trained=trained, tested=brief["batch"]) as data:
        built = build.run(brief, job.seed, data, place)
        found = timings(built, build.method(brief), place)
        shape = steps.described(built)
    measured = {"batch": brief["batch"], **found, **shape, "fits": fits(job.run, place), "path": built.path}
    progress({"measured": measured, "code": execute.repository()})
    return "ok"


def fits(run: Mapping[str, Any], place: torch.device) -> bool:
    """Whether all of the real dataset would lie on the device (`resident.worthwhile`), as the generated items do, by its counts and
    shapes. On a CPU it is read from the page cache, as they are."""
    if place.type == "cpu":
        return True
    items = sum(kinds.counts(run, published.datasets())[0].values())
    stored = [s for s in shapes.arrays(run).values() if s.kind != "wave"]
    each = sum(prod(s.shape) * (s.entries or 1) * np.dtype(s.dtype).itemsize for s in stored)
    return 0 < items * each <= SHARE * torch.cuda.mem_get_info(place)[0]


class Counted:
    """A run's `transform` that counts the items it is asked for."""

    def __init__(self, transform: Callable[..., Batch]) -> None:
        self.transform, self.items = transform, 0

    def __call__(self, part: Any, index: torch.Tensor, *rest: Any) -> Batch:
        self.items += len(index)
        return self.transform(part, index, *rest)


def timings(run: Run, method: Method, place: torch.device) -> dict[str, Any]:
    """Seconds of a step and of an evaluation batch; peak memory; and of the middle epoch, when warm-ups are over, how
    many items it draws and how many it looks at before it begins, each as a share of the training part. copies: of those that the
    method trains before the first epoch (share of modalities, epochs, share of items)."""
    part, asked = len(run.data.parts["train"]), []

    def fit(modalities: tuple[str, ...], epochs: int, index: torch.Tensor) -> Any:
        asked.append([len(modalities) / len(run.modalities), epochs, round(len(index) / part, 3)])
        return run.model

    ready(run, method, lambda: False)
    run.fit = fit
    method.start(run)
    first = _begin(run, method)  # some methods begin something there
    if place.type == "cuda" or run.spec["batch"] > cell.BATCH:
        one_step(run, method, first)  # what is slow on a CPU is as slow the first time
    run.epoch, run.transform = run.epochs // 2, Counted(run.transform)
    now = _begin(run, method)
    looked, run.transform = run.transform.items / part, run.transform.transform
    test = run.data.parts["test"]
    batches = ceil(len(test) / run.spec["batch"])
    began = time.time()
    step, count = timed(lambda: one_step(run, method, now), place)
    ended = time.time()
    evaluation, _ = timed(lambda: outputs(run, test), place, seconds=SECONDS[place.type] / 3)
    return {
        "steps": count, "step_seconds": step, "evaluate_seconds": round(evaluation / batches, 6),
        "draws": round(len(now.index) / part, 3), "looked": round(looked, 3), "copies": asked, "peak_memory_mb": peak(place),
        "window": [began, ended],
    }  # fmt: skip


def one_step(run: Run, method: Method, now: Epoch) -> None:
    """The first batch of the epoch, again and again."""
    now.position = 0
    if next(_steps(run, method, now), now) is now:
        raise UserError("a batch of this cell has no whole step")


def timed(work: Callable[[], object], place: torch.device, seconds: float | None = None) -> tuple[float, int]:
    """Mean seconds of the work, repeated, and how often. On a CPU of processor time, which is what a job that has a core to itself takes,
    however many others wanted it now."""
    low, high = REPEATS[place.type]
    until = SECONDS[place.type] if seconds is None else seconds
    clock = time.process_time if place.type == "cpu" else time.perf_counter
    for _ in range(WARM[place.type]):
        work()
    wait(place)
    began, passed, count = clock(), time.perf_counter(), 0
    while count < low or (count < high and time.perf_counter() - passed < until):
        work()
        count += 1
        if place.type == "cuda" and count % low == 0:
            wait(place)  # else the loop runs ahead of the device, and the time is not seen to be up
    wait(place)
    return round((clock() - began) / count, 6), count


def wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)


def peak(place: torch.device) -> int:
    """MB: of the device, or of this process since its job began."""
    used = (
        torch.cuda.max_memory_allocated(place) / 2**20
        if place.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )
    return round(used)


def together(job: Job, *, device: str, progress: Progress) -> str:
    """As many processes as `job.run["together"]` train this cell at the same time, each in its own; progress hears how far this one
    came under "together". UserError where the others do not come."""
    count, place = job.run["together"], torch.device(device)
    if place.type == "cpu":
        torch.set_num_threads(1)
    brief = cell.shortened({name: value for name, value in job.run.items() if name != "together"}, device)
    with cell.generated(brief) as data:
        run, method = build.run(brief, job.seed, data, place), build.method(brief)
        ready(run, method, lambda: False)
        method.start(run)
        now = _begin(run, method)
        for _ in range(WARM[place.type]):
            one_step(run, method, now)
        wait(place)
        meet(job.seed, count)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < TOGETHER:
            one_step(run, method, now)
            done += 1
            if done % 20 == 0:
                wait(place)
        wait(place)
        progress({"together": {"steps": done, "seconds": time.perf_counter() - began, "batch": brief["batch"]}})
    return "ok"


def meet(mine: int, count: int) -> None:
    """Come back when all `count` processes are here."""
    folder = paths.results() / f"together-{count}"
    folder.mkdir(exist_ok=True)
    (folder / str(mine)).touch()
    end = time.monotonic() + PATIENCE
    while len(list(folder.iterdir())) < count:
        if time.monotonic() > end:
            raise UserError(f"only {len(list(folder.iterdir()))} of {count} processes began within {PATIENCE:.0f} s")
        time.sleep(0.01)
