"""Progress: plain lines away from a terminal, bars on one, and an estimate that counts running jobs by their epochs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from mmbench import console, paths
from mmbench.console import Clock, Lines
from mmbench.jobqueue import Event
from mmbench.worker import Report
from tests import samples


def ended(seed: int, status: str = "ok", **more) -> Event:
    job = samples.job(seed)
    return Event("ended", job, report=Report(job.key, seed, status, seconds=3.2, **more))


def clock(monkeypatch, total: int, expected: float | None = None) -> tuple[Clock, list[float]]:
    now = [100.0]
    monkeypatch.setattr("mmbench.console.time.monotonic", lambda: now[0])
    return Clock(total, expected), now


def test_the_estimate_is_the_plan_until_a_job_has_ended(monkeypatch):
    one, now = clock(monkeypatch, 4, expected=60.0)
    now[0] += 15
    assert one.left() == pytest.approx(45)
    one.hear(ended(0))
    assert one.left() == pytest.approx(3 * 15)


def test_a_running_job_counts_for_its_epochs(monkeypatch):
    one, now = clock(monkeypatch, 2)
    assert one.left() is None
    one.hear(Event("started", samples.job(0)))
    one.hear(Event("progress", samples.job(0), {"epoch": 3, "epochs": 12}))
    now[0] += 10
    assert one.left() == pytest.approx(10 / 0.25 * 1.75)


def test_what_was_recorded_before_says_nothing_about_speed(monkeypatch):
    one, now = clock(monkeypatch, 3)
    one.hear(ended(0, "exists"))
    now[0] += 1
    assert one.left() is None


def test_every_job_is_a_line_and_a_failure_names_its_log(capsys):
    with Lines(Clock(3, None)) as screen:
        screen(Event("started", samples.job(0)))
        screen(ended(0))
        screen(ended(1, "failed", why="ValueError: no", log="results/logs/x.log"))
        screen(Event("waiting", samples.job(2)))
        screen(ended(2, "exists"))
        screen(Event("stopping"))
    lines = capsys.readouterr().err.splitlines()
    key = samples.job().key
    assert lines[0].startswith(f"[1/3] joint with cosine on av-digits, seed 0 ({key}): recorded in 3 s; about ")
    assert lines[1].startswith(
        f"[2/3] joint with cosine on av-digits, seed 1 ({key}): failed: ValueError: no; log: results/logs/x.log; about "
    )
    assert lines[2] == f"another run has joint with cosine on av-digits, seed 2 ({key}): waiting for it"
    assert lines[3] == f"[3/3] joint with cosine on av-digits, seed 2 ({key}): recorded before"
    assert lines[4] == console.STOPPING


def test_a_diverged_job_is_recorded():
    assert console.ending(Report("0" * 12, 0, "diverged", seconds=1)) == "diverged, recorded in 1 s"


SCRIPT = """
from mmbench import console
from mmbench.jobqueue import Event
from mmbench.worker import Report
from tests import samples
job = samples.job(0)
with console.progress(2, None) as screen:
    print(type(screen).__name__)
    screen(Event("started", job))
    screen(Event("progress", job, {"epoch": 6, "epochs": 12}))
    screen(Event("ended", job, report=Report(job.key, 0, "failed", "ValueError: [bold]no[/bold]", "x.log", 1.0)))
    screen(Event("stopping"))
"""


def test_on_a_terminal_there_are_bars_and_failures_stay_readable():
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(paths.REPOSITORY), "TERM": "xterm", "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment, check=False)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, "Bars\n")
    assert "0/2" in shown
    assert "ValueError: [bold]no[/bold]; log: x.log" in shown
    assert console.STOPPING in shown


def test_a_table_keeps_what_is_printed():
    text = console.table([{"a": "71.90", "b": None}, {"a": "007", "b": {"x": "int"}}], {"a": "printed", "b": "other"})
    assert text.splitlines()[2:] == ["71.90", "007        x: int"]
