"""What preparing CREMA-D costs: imitated clips of 2 to 3 s in the true formats, all four recipes and the middle frame. `make speed`.

Clips a second with one worker and with two, in turn: what the later clips add to a run of the first few, so that starting
processes does not count; the least time of each, since other work on the machine only ever adds. And the same from the CPU seconds
of the workers, which other work changes less: what two free cores would give.
Aims: 40 a second on two cores, 1.8 times with two workers. Memory: anonymous, of the command and its workers together, all arrays,
at two sizes of the dataset. Aim: 1.5 GB, whatever the size."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from datasets_prep import commit, crema_d, engine
from datasets_prep.dataset import Sources
from tests.speed.clips import raw

RECIPES = ("stft-257x188", "psd-257x299", "psd-257x1004", "mel-256x256", "middle")
CLIPS, SIZES, ROUNDS, WARM = 120, (30, 120), 3, 10


def seconds(raw: Path, root: Path, jobs: int, clips: int) -> tuple[float, float]:
    """By the clock and of the workers' CPU, for the first clips."""
    sources = Sources({"": raw}, None)
    plan = engine.plan(crema_d.DATASET, sources, root, (), jobs)
    found = replace(plan.found, items=plan.found.items[:clips])
    plan = replace(plan, found=found, wanted=RECIPES, content=commit.plan(plan.dataset, found, RECIPES))
    used, began = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), time.perf_counter()
    engine.run(plan, root, sources, jobs, lambda *_: None, lambda _: None)
    clock = time.perf_counter() - began
    shutil.rmtree(root)
    return clock, sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - used


@pytest.mark.benchmark
def test_clips_a_second_with_one_worker_and_with_two(tmp_path, capsys, benchmark, table):
    folder = raw(tmp_path / "raw", CLIPS)
    cases = [(jobs, clips) for jobs in (1, 2) for clips in (WARM, CLIPS)]
    found: dict[tuple[int, int], list[tuple[float, float]]] = {case: [] for case in cases}

    def rounds() -> None:
        for _ in range(ROUNDS):
            for case, seen in found.items():
                seen.append(seconds(folder, tmp_path / "store", *case))

    benchmark.pedantic(rounds, rounds=1)
    least = {case: [min(by) for by in zip(*seen, strict=True)] for case, seen in found.items()}
    clock, cpu = ([(CLIPS - WARM) / (least[jobs, CLIPS][by] - least[jobs, WARM][by]) for jobs in (1, 2)] for by in (0, 1))
    with capsys.disabled():
        print(f"\nclips a second: {clock[0]:.1f} with one worker, {clock[1]:.1f} with two: {clock[1] / clock[0]:.2f} times", end="")
        print(f"; a CPU second: {cpu[0]:.1f} and {cpu[1]:.1f}, so {2 * cpu[1]:.1f} on two free cores: {2 * cpu[1] / cpu[0]:.2f} times")
    table("clips prepared a second, two workers / one, CPU seconds", 2 * cpu[1] / cpu[0], ">= 1.8")
    assert 2 * cpu[1] > 1.2 * cpu[0], "far below the aim: a machine under load"


def anonymous(pid: int) -> int:
    """Anonymous memory in KB of a process and all that it started."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            says = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        except OSError:
            continue  # it has ended
        if pid in (int(says["Pid"]), int(says["PPid"])) and "RssAnon" in says:
            total += int(says["RssAnon"].split()[0])
    return total


def peak(raw: Path, root: Path) -> float:
    """MB at most, looked at every 20 ms."""
    command = [sys.executable, "-m", "mmbench", "data", "prepare", "crema-d", "--raw", str(raw), "--jobs", "2"]
    process = subprocess.Popen(command, env=os.environ | {"MMBENCH_DATA": str(root)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    most = 0
    while process.poll() is None:
        most = max(most, anonymous(process.pid))
        time.sleep(0.02)
    says = process.communicate()[0].decode()
    assert process.returncode == 0, says
    return most / 1024


@pytest.mark.benchmark
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="anonymous memory is read from /proc")
def test_peak_anonymous_memory_at_two_sizes(tmp_path, capsys, benchmark, table):
    folders = {count: raw(tmp_path / f"raw{count}", count) for count in SIZES}
    peaks = benchmark.pedantic(lambda: {n: peak(folder, tmp_path / f"store{n}") for n, folder in folders.items()}, rounds=1)
    with capsys.disabled():
        print("\nanonymous memory of two workers and the parent: " + ", ".join(f"{mb:.0f} MB of {n} clips" for n, mb in peaks.items()))
    few, many = (peaks[count] for count in SIZES)
    table(f"memory of preparing {SIZES[1]} clips / {SIZES[0]}", many / few, "<= 1.25")
    assert many < 1500
    assert many < 1.25 * few, "grows with the number of clips"
