"""What `mmbench plan` costs, as a command of its own, in CPU seconds: that it grows with its cells, and with its seeds, no faster than
they do. What a job costs is counted beyond the plan of one table with one seed, which is mostly Python's start. The least of several
rounds counts, since other work only ever adds. `make speed`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from mmbench import published
from tests.speed.pairing import seconds

ROUNDS, FEW, MANY = 5, 50, 500  # seeds


def cost(folder, tables: list[str], seeds: int) -> tuple[int, float]:
    """How many jobs the plan says there are, and its CPU seconds."""
    command = [sys.executable, "-m", "mmbench", "plan", *tables, "--seeds", str(seeds), "--json"]
    said: list[str] = []

    def call() -> None:
        settings = os.environ | {"MMBENCH_RESULTS": str(folder), "MMBENCH_DATA": str(folder)}
        said.append(subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout)

    used = seconds(call).cpu
    return int(re.search(r'"unique": (\d+)', said[0])[1]), used  # pyright: ignore[reportOptionalSubscript]


@pytest.mark.benchmark
def test_a_plan_grows_no_faster_than_what_it_plans(tmp_path, capsys, benchmark, table):
    ids = published.ids()
    sizes = {"one": (ids[:1], 1), "half": (ids[: len(ids) // 2], FEW), "all": (["all"], FEW), "many": (["all"], MANY)}
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in sizes}

    def rounds() -> None:
        for _ in range(ROUNDS):
            for name, (tables, seeds) in sizes.items():
                found[name].append(cost(tmp_path, tables, seeds))

    benchmark.pedantic(rounds, rounds=1)
    jobs = {name: several[0][0] for name, several in found.items()}
    least = {name: min(used for _, used in several) for name, several in found.items()}
    each = {name: (least[name] - least["one"]) / jobs[name] for name in ("half", "all", "many")}
    with capsys.disabled():
        print("".join(f"\nplan, {name}: {jobs[name]:,} jobs in {least[name]:.2f} s of CPU" for name in sizes), end="")
    table(f"plan of all tables with {FEW} seeds / of one table with one", least["all"] / least["one"])
    table("plan: a job among those of all tables / of half of them", each["all"] / each["half"], "<= 2")
    table(f"plan: a job with {MANY} seeds / with {FEW}", each["many"] / each["all"], "<= 2")
    assert each["all"] < 3 * each["half"]
    assert each["many"] < 3 * each["all"]
