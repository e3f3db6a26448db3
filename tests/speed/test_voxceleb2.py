"""What indexing VoxCeleb2 costs: 1,092,009 utterances, names alone, and a folder of faces for each. `make speed`.

`index`: names -> `Utterances`, making the names included; `plan`: what the engine does with them before the first clip (equal keys,
hashes, stamps of files that are not there). CPU seconds, in a process of its own. Aims: 60 s for a million names, 1.5 GB of memory.
And how fast names come from a disk.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from datasets_prep.voxceleb2_files import names

SPEAKERS, UTTERANCES = 5994, 1_092_009
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MEASURED = """
import time
from tests.speed import memory, test_voxceleb2 as speed
from datasets_prep import commit, engine, voxceleb2
from datasets_prep.dataset import Found
from datasets_prep.voxceleb2_files import Index, Utterances

count = {count}
began = time.process_time()
index = Index()
for kind in ("sound", "faces"):
    index.add("/raw", speed.generated(count, kind), speed.People(), ".m4a")
items = Utterances(index)
assert len(items) == count and items[count // 2].files["faces"], len(items)
del index
indexed = time.process_time()
found = Found(items)
engine._unique(items)
commit.plan(voxceleb2.DATASET, found, list(voxceleb2.ARRAYS))
commit.raw(found)
planned = time.process_time()
print([indexed - began, planned - indexed, memory.most() / 1024])
"""


class People:
    """Every speaker."""

    def __contains__(self, speaker: object) -> bool:
        return True


def generated(count: int, kind: str) -> Iterator[str]:
    """The same names in every process, about eight utterances of a video and 182 of a speaker, in an order that is not theirs."""
    draw, left = random.Random(0), count
    for speaker in range(SPEAKERS):
        utterances = left // (SPEAKERS - speaker)
        left -= utterances
        for number in range(utterances):
            if number % 8 == 0:
                video = "".join(draw.choices(LETTERS, k=11))
            name = f"id{speaker + 12:05}/{video}/{number % 8 + 1:05}"
            yield f"dev/aac/{name}.m4a" if kind == "sound" else f"faces/{name}/"


def measured(count: int) -> tuple[float, float, float]:
    """CPU seconds of the index and of the plan, and MB at most, in a process of its own."""
    text = MEASURED.format(count=count)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


@pytest.mark.benchmark
def test_a_million_names(capsys, benchmark):
    sizes = (UTTERANCES // 10, UTTERANCES)
    few, many = benchmark.pedantic(lambda: [measured(count) for count in sizes], rounds=1)
    with capsys.disabled():
        for count, (index, plan, memory) in zip(sizes, (few, many), strict=True):
            print(
                f"\n{count:,} utterances with faces: indexed in {index:.1f} CPU seconds, planned in {plan:.1f}, {memory:.0f} MB at most",
                end="",
            )
        print()
    assert many[2] < 1500
    assert many[0] < 30 * few[0], "ten times the names cost more than thirty times the time"


@pytest.mark.benchmark
def test_names_from_a_disk(tmp_path, capsys, benchmark):
    for speaker, video in product(range(20), range(10)):
        folder = tmp_path / f"dev/aac/id{speaker:05}/{video:011}"
        folder.mkdir(parents=True)
        for number in range(20):
            (folder / f"{number:05}.m4a").touch()
    began = time.perf_counter()
    found = benchmark.pedantic(lambda: sum(1 for _ in names(str(tmp_path))), rounds=1)
    with capsys.disabled():
        print(f"\n{found:,} files of 200 folders listed in {time.perf_counter() - began:.3f} s")
    assert found == 4000
