"""The launcher, with an executor that trains nothing: failures, deaths, rivals and signals, in one process and in several."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbench import launch, lease, paths, pool, published, records, resolve, session
from mmbench.errors import UserError
from mmbench.jobqueue import Event, Outcome
from mmbench.places import places
from mmbench.spec import Job
from tests import fakes, samples

EVERYWHERE = pytest.mark.parametrize("on", ["inline", "local"])


def jobs(*what: str) -> list[Job]:
    """One job per word, under seeds 0, 1, ..."""
    return [samples.job(seed, params={"do": do}) for seed, do in enumerate(what)]


def run(given: list[Job], on: str = "local", workers: int = 2, listen=lambda event: None) -> Outcome:
    return launch.run(given, on, workers, device="cpu", executor="tests.fakes:act", listen=listen)


def statuses(outcome: Outcome) -> dict[int, str]:
    return {report.seed: report.status for report in outcome.reports}


@EVERYWHERE
def test_a_failing_job_never_stops_the_others(on):
    given = jobs("record", "fail", "diverge", "record")
    outcome = run(given, on)
    assert statuses(outcome) == {0: "ok", 1: "failed", 2: "diverged", 3: "ok"}
    assert outcome.exit_code == 1
    assert sorted(seed for _, seed in records.recorded()) == [0, 2, 3]
    [failed] = outcome.failed
    assert failed.why == "ValueError: the loss"
    assert failed.log == str(paths.results() / "logs" / f"{given[1].key}-s1.log")
    assert "has two lines" in Path(failed.log).read_text()
    assert records.failures()[given[1].key, 1]["attempts"] == 1
    assert list((paths.results() / "claims").iterdir()) == []


@EVERYWHERE
def test_what_a_job_prints_stands_in_its_log(on, capfd):
    [job] = jobs("record")
    run([job], on)
    log = (paths.results() / "logs" / f"{job.key}-s0.log").read_text()
    assert "on cpu with" in log
    assert "a warning of the job" in log
    assert ("from below Python" in log) == (on == "local")
    assert "a warning of the job" not in capfd.readouterr().err


def test_a_worker_on_a_cpu_has_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    [job] = jobs("record")
    run([job], workers=1)
    assert "on cpu with 1 threads" in (paths.results() / "logs" / f"{job.key}-s0.log").read_text()


def test_a_failure_is_forgotten_when_the_job_is_recorded_and_the_log_goes_on():
    [job] = jobs("record")
    records.write_failure(job, "ValueError: before", "x.log")
    assert run([job], "inline").exit_code == 0
    assert records.failures() == {}


@EVERYWHERE
def test_what_is_recorded_is_not_begun(on):
    [job] = jobs("record")
    records.write(samples.record(job), {}, {})
    assert statuses(run([job], on)) == {0: "exists"}
    assert fakes.marks(job) == 0


def test_a_worker_that_dies_is_replaced_and_its_job_tried_once_more():
    given, heard = jobs("die once", "record", "record", "leave", "die"), []
    outcome = run(given, workers=1, listen=heard.append)
    assert statuses(outcome) == {0: "ok", 1: "ok", 2: "ok", 3: "failed", 4: "failed"}
    assert {r.seed: r.why for r in outcome.failed} == {
        3: "SystemExit: 3", 4: "its worker was killed by SIGKILL; the next run goes on from its last checkpoint"
    }  # fmt: skip
    assert [fakes.marks(job) for job in given] == [2, 1, 1, 1, 2]
    assert [e.job.seed for e in heard if e.kind == "again"] == [0, 4]
    assert records.failures().keys() == {(job.key, job.seed) for job in given[3:]}, "what ended well is no failure"


@EVERYWHERE
def test_a_job_that_runs_out_of_memory_is_tried_once_more_in_a_new_worker(on):
    given = jobs("out of memory once", "out of memory")
    outcome = run(given, on, workers=1)
    assert statuses(outcome) == {0: "ok", 1: "failed"}
    assert outcome.failed[0].why == "MemoryError: no room"
    assert [fakes.marks(job) for job in given] == [2, 2]


def test_cancel_asks_the_launcher_of_the_jobs_and_it_leaves_them_whole(tmp_path):
    cells = resolve.cells(published.load("arl-gamma"), "demo")
    cell = next(c for c in cells if c.row == "gamma-4")
    script = (
        "from tests.test_launch import *\n"
        f"job = Job('{cell.key}', 0, {{**samples.job(0).run, 'params': {{'do': 'wait'}}}}, (), 'demo')\n"
        "raise SystemExit(run([job], 'local', 1).exit_code)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", script], cwd=paths.REPOSITORY)
    until(lambda: lease.launchers() == {(cell.key, 0): launcher.pid})
    assert session.cancelled(["arl-gamma:gamma-4"], "demo", "paper")["local"] == [launcher.pid]
    assert launcher.wait(30) == 143
    assert lease.launchers() == {}


def test_all_workers_may_die_and_every_job_is_accounted_for():
    outcome = run(jobs("die", "die", "die"), workers=2)
    assert statuses(outcome) == dict.fromkeys(range(3), "failed")


@EVERYWHERE
def test_listeners_hear_of_every_job(on):
    heard: list[Event] = []
    given = jobs("record", "fail")
    run(given, on, listen=heard.append)
    for seed in (0, 1):
        kinds = [e.kind for e in heard if e.job is not None and e.job.seed == seed]
        assert kinds == ["started", "progress", "ended"]
    assert {str(e.news) for e in heard if e.kind == "progress"} == {str({"epoch": 1, "epochs": 12})}


@EVERYWHERE
def test_a_job_that_another_process_has_is_waited_for_and_then_taken(on, monkeypatch):
    monkeypatch.setattr("mmbench.jobqueue.PATIENCE", 0.05)
    given = jobs("record", "record")
    other = lease.claim(given[0].key, 0)
    assert other is not None
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if event.kind == "ended" and event.job == given[1]:
            other.release()

    assert statuses(run(given, on, workers=1, listen=listen)) == {0: "ok", 1: "ok"}
    assert [e.job for e in heard if e.kind == "waiting"] == [given[0]]


SCRIPT = """
import sys
from mmbench import launch
from tests import samples
jobs = [samples.job(seed, params={"do": sys.argv[1]}) for seed in range(int(sys.argv[2]))]
if __name__ == "__main__":
    outcome = launch.run(jobs, sys.argv[3], 2, device="cpu", executor="tests.fakes:act")
    print(sorted(r.status for r in outcome.reports), len(outcome.left))
    sys.exit(outcome.exit_code)
"""


def start(tmp_path, do: str, count: int, on: str = "local") -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(paths.REPOSITORY)}

    def heard() -> None:  # what a shell starts in the background ignores Ctrl-C, and so would its children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [sys.executable, script, do, str(count), on]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=heard)


def until(true) -> None:
    while not true():
        time.sleep(0.01)


def test_two_runs_of_the_same_jobs_share_them_and_record_each_once(tmp_path):
    given = [samples.job(seed, params={"do": "linger"}) for seed in range(6)]
    runs = [start(tmp_path, "linger", 6) for _ in range(2)]
    for one in runs:
        assert one.wait(timeout=60) == 0
    assert [fakes.marks(job) for job in given] == [1] * 6
    assert len(list(records.read_all())) == 6
    for one in runs:
        assert one.stdout is not None
        one.stdout.close()


@EVERYWHERE
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_cleanly_and_the_rest_is_left(tmp_path, on, number):
    given = [samples.job(seed, params={"do": "wait"}) for seed in range(3)]
    process = start(tmp_path, "wait", 3, on)
    until(lambda: sum(fakes.marks(job) for job in given) == (2 if on == "local" else 1))
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said.endswith("[] 3\n")
    assert list((paths.results() / "claims").iterdir()) == []
    assert records.failures() == {}


def test_workers_end_when_the_launcher_is_killed_and_their_jobs_are_free(tmp_path):
    given = [samples.job(seed, params={"do": "wait"}) for seed in range(2)]
    process = start(tmp_path, "wait", 2)
    until(lambda: sum(fakes.marks(job) for job in given) == 2)
    process.kill()
    process.communicate(timeout=60)
    until(lambda: lease.running() == {})
    until(lambda: list((paths.results() / "claims").iterdir()) == [])


def test_a_worker_that_someone_else_asks_to_end_fails_its_job_only():
    given = jobs("wait", "record", "record")

    def listen(event: Event) -> None:
        if event.kind == "progress" and event.job == given[0]:
            [claim] = [f for f in (paths.results() / "claims").glob(f"{given[0].key}-s0.1")]
            os.kill(json.loads(claim.read_text())["pid"], signal.SIGTERM)

    outcome = run(given, workers=1, listen=listen)
    assert statuses(outcome) == {0: "failed", 1: "ok", 2: "ok"}
    assert outcome.failed[0].why.startswith("its worker was sent SIGTERM")


def test_a_worker_that_does_not_heed_is_killed_after_the_grace(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "GRACE", 0.3)
    given = jobs("deaf")

    def listen(event: Event) -> None:
        if event.kind == "progress":
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = run(given, workers=1, listen=listen)
    assert (outcome.exit_code, outcome.left) == (143, given)


def test_mistakes_in_the_arguments_are_named():
    for wrong, message in (
        ({"on": "locall"}, "unknown executor 'locall'; did you mean 'local'"),
        ({"workers": -1}, "-1"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
    ):
        with pytest.raises(UserError, match=message):
            launch.run([], **wrong)  # pyright: ignore[reportArgumentType]


def test_no_jobs_are_done_at_once():
    assert run([]).exit_code == 0


def test_places_are_gpus_where_there_are_any(monkeypatch):
    monkeypatch.setattr("mmbench.places.visible_gpus", lambda: ["0", "3"])
    assert [p.environment for p in places("auto", 0)] == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "3"}]
    assert [p.environment["CUDA_VISIBLE_DEVICES"] for p in places("cuda", 3)] == ["0", "3", "0"]
    assert [p.environment["CUDA_VISIBLE_DEVICES"] for p in places("auto", 0, per_gpu=2)] == ["0", "3", "0", "3"]
    assert {p.device for p in places("cpu", 2)} == {"cpu"}
    monkeypatch.setattr("mmbench.places.visible_gpus", lambda: [])
    with pytest.raises(UserError, match="there is no GPU here"):
        places("cuda", 1)
