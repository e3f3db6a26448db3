"""Processes that die cost their task, and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from datasets_prep import workers


def work(shared, task):
    if task == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "error":
        raise OSError(28, "No space left on device")
    return f"{shared}{task}", os.environ["OMP_NUM_THREADS"], os.getpid()


def died(task, how):
    return f"lost {task}: {how}", "", 0


@pytest.mark.parametrize("jobs", [0, 2])
def test_every_task_is_done_once(jobs, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = [result for result, *_ in workers.run(work, "x", list(range(20)), jobs, died)]
    assert sorted(done) == sorted(f"x{i}" for i in range(20))


def test_workers_use_one_thread_each_and_the_parent_keeps_its_own_setting(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = list(workers.run(work, "x", [1, 2, 3, 4], 2, died))
    assert {threads for _, threads, _ in found} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.getpid() not in {pid for *_, pid in found}


def test_a_crash_costs_one_task():
    done = sorted(result for result, *_ in workers.run(work, "", [1, "crash", 2, 3, "crash", 4], 2, died))
    assert done == ["1", "2", "3", "4", "lost crash: the decoder crashed (SIGSEGV)", "lost crash: the decoder crashed (SIGSEGV)"]


@pytest.mark.parametrize("jobs", [0, 1])
def test_an_error_reaches_the_parent(jobs):
    with pytest.raises(OSError, match="No space left") as caught:
        list(workers.run(work, "", ["error"], jobs, died))
    assert caught.value.errno == 28


def test_workers_end_with_their_parent():
    code = (
        "import os, signal, datasets_prep.workers as w, tests.datasets_prep.test_workers as t\n"
        "found = w.run(t.work, '', list(range(5)), 1, t.died)\n"
        "print(next(found)[2], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    worker = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    end = time.monotonic() + 20
    while _alive(worker):
        assert time.monotonic() < end, "the worker outlives its parent"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
