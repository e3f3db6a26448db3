"""The Slurm executor against a real Slurm of one node (skipped by name where there is none), and what needs no cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from mmbench import answers, cluster, launch, paths, records, resolve, session, settings, slurm, submitted
from mmbench import published as tables
from mmbench.errors import UserError
from mmbench.execute import execute
from mmbench.jobqueue import Event, Outcome
from mmbench.spec import Job, View, key
from tests import fakes, samples, slurm_cluster

WHY = slurm_cluster.missing()
needs_slurm = pytest.mark.skipif(bool(WHY), reason=f"no Slurm: {WHY}")
pytestmark = pytest.mark.xdist_group("slurm")  # one cluster, in one process of the tests
SMALL = {"mem": "500M", "time": "10"}
ARRAYS = 4  # the cluster's MaxArraySize


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    with ExitStack() as stack:
        try:
            file = stack.enter_context(slurm_cluster.running(tmp_path_factory.mktemp("slurm"), ARRAYS))
        except RuntimeError as error:  # its daemons are here, but this machine does not let them work
            pytest.skip(f"no Slurm: {error}")
        yield file


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(cluster, "POLL", 0.3)
    monkeypatch.setattr(cluster, "SETTLE", 1.0)


def jobs(*what: str) -> list[Job]:
    return [samples.job(seed, params={"do": do}) for seed, do in enumerate(what)]


def run(given: list[Job], executor: str = "tests.fakes:act", **more) -> Outcome:
    heard = more.pop("heard", [])
    return launch.run(given, "slurm", executor=executor, device="cpu", slurm=SMALL, listen=heard.append, **more)


def until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def states() -> dict[str, str]:
    return {id: state for id, (state, _) in slurm.queue().items()}


def now(job: Job) -> None:
    """Slurm lets a job that is queued again wait two minutes; tests only until the node has cleared away what was there."""
    id = submitted.all()[job.key, job.seed].id
    time.sleep(4)

    def started() -> bool:
        subprocess.run(["scontrol", "update", f"jobid={id}", "starttime=now"], capture_output=True)
        return states().get(id) != "PENDING"

    until(started)


@needs_slurm
def test_more_jobs_than_an_array_holds_a_failure_and_a_divergence(conf):
    given = jobs("record", "fail", "diverge", "record", "record", "record")
    heard: list[Event] = []
    outcome = run(given, heard=heard)
    assert {r.seed: r.status for r in outcome.reports} == {0: "ok", 1: "failed", 2: "diverged", 3: "ok", 4: "ok", 5: "ok"}
    assert outcome.exit_code == 1
    assert outcome.failed[0].why == "ValueError: the loss"
    assert "has two lines" in Path(outcome.failed[0].log).read_text()
    assert len(list((paths.results() / "slurm" / "arrays").glob("*_submission.sh"))) == 2
    assert sorted(seed for _, seed in records.recorded()) == [0, 2, 3, 4, 5]
    assert submitted.all() == {}
    assert [e.kind for e in heard].count("ended") == 6


@needs_slurm
def test_a_worker_that_is_killed_is_replaced_once(conf):
    given, heard = jobs("die once", "die"), []
    outcome = run(given, heard=heard)
    assert {r.seed: r.status for r in outcome.reports} == {0: "ok", 1: "failed"}
    assert "for the second time" in outcome.failed[0].why
    assert [fakes.marks(job) for job in given] == [2, 2]
    assert [e.kind for e in heard].count("again") == 2
    assert records.failures()[given[1].key, 1]["attempts"] == 1


@needs_slurm
def test_a_node_that_goes_down_and_comes_back(conf):
    [job] = jobs("stay once")
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(run([job])), daemon=True)
    thread.start()
    until(lambda: fakes.marks(job) == 1)
    node = slurm_cluster.asked("sinfo", "--noheader", "--format=%n")
    slurm_cluster.asked("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    until(lambda: "RUNNING" not in states().values())
    time.sleep(3)
    slurm_cluster.asked("scontrol", "update", f"nodename={node}", "state=resume")
    now(job)
    thread.join(90)
    assert [r.status for r in found[0].reports] == ["ok"]
    assert fakes.marks(job) == 2


@needs_slurm
def test_a_job_whose_time_is_nearly_up_is_queued_again_and_ends_in_the_same_bits(conf, tmp_path, monkeypatch):
    cell = next(c for c in resolve.cells(tables.load("arl-gamma"), "demo") if c.row == "gamma-4")
    run_ = {**cell.run, "epochs": 2, "schedule": {**cell.run["schedule"], "marks": [1]}}
    job = Job(key(run_), 0, run_, (View("accuracy"),), "demo")
    assert run([job], executor="mmbench.execute:execute", wait=False).left == [job]
    running = paths.results() / "claims"
    until(lambda: any("epoch" in file.read_text() for file in running.glob("*.news")))
    id = submitted.all()[job.key, 0].id
    slurm_cluster.asked("scancel", "--signal=USR2", id)
    until(lambda: states().get(id) == "PENDING")
    now(job)
    until(lambda: records.path(job.run, job.key, 0).exists(), 120)
    resumed = records.read(records.path(job.run, job.key, 0))
    assert resumed["environment"]["resumed"] == 1
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "other"))
    assert execute(job) == "ok"
    assert resumed["result"] == records.read(records.path(job.run, job.key, 0))["result"]


@needs_slurm
def test_cancelled_jobs_leave_the_queue_and_two_runs_share_them(conf):
    command = [sys.executable, "-m", "mmbench", "run", "arl-gamma:gamma-4", "--scale", "demo", "--seeds", "2", "--on", "slurm", "--no-wait"]
    done = subprocess.run([*command, "--slurm", "mem=500M", "--slurm", "begin=now+1hour"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), "no warning of submitit on the screen"
    assert "2 jobs are with Slurm" in done.stdout
    assert subprocess.run([*command, "--slurm", "mem=500M"], capture_output=True).returncode == 0
    assert len(states()) == 2, "what Slurm has already is not handed over again"
    found = answers.status(["arl-gamma:gamma-4"], "demo", "paper", 2)
    assert [job["state"] for job in found["queued"]] == ["PENDING"] * 2
    assert len(session.cancelled(["arl-gamma:gamma-4"], "demo", "paper")["slurm"]) == 2
    until(lambda: states() == {})
    assert submitted.all() == {}
    assert session.cancelled(["arl-gamma:gamma-4"], "demo", "paper") == {"slurm": [], "local": [], "elsewhere": []}


@needs_slurm
def test_two_runs_at_once_record_each_job_once(conf):
    given = jobs("linger", "linger", "linger")
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(run(given)), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert [sorted(r.status for r in o.reports) for o in outcomes] == [["ok"] * 3] * 2
    assert len(records.recorded()) == 3


@needs_slurm
def test_a_full_disk_is_a_failure_that_says_so_and_the_next_run_goes_on(conf, monkeypatch):
    folder = paths.results()
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        [job] = jobs("fill")
        outcome = run([job])
        assert [r.status for r in outcome.reports] == ["failed"]
        assert records.recorded() == {}
        with pytest.raises(UserError, match="No space left"):
            run(jobs("record"))
        (folder / "fill").unlink()
        monkeypatch.setattr(fakes, "fill", lambda file: None)
        assert launch.run([job], "inline", device="cpu", executor="tests.fakes:act").exit_code == 0
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_slurm
def test_what_slurm_refuses_is_one_line(conf):
    with pytest.raises(UserError, match=r"sbatch refused the jobs: .*Invalid partition") as caught:
        launch.run(jobs("record"), "slurm", device="cpu", slurm={"partition": "nowhere"})
    assert "\n" not in str(caught.value)
    assert cluster.slurm.longest("") == 60


def test_options_come_from_the_settings_file_and_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings.slurm() == {}
    (tmp_path / "mmbench.toml").write_text('[slurm]\npartition = "gpu"\ntime = 90\naccount = "a"\n')
    assert settings.slurm(["time=2:00:00", "account=", "--qos=low"]) == {"partition": "gpu", "time": "2:00:00", "qos": "low"}
    with pytest.raises(UserError, match="--slurm 'partition': write it as key=value"):
        settings.slurm(["partition"])
    (tmp_path / "mmbench.toml").write_text("[slurm]\npartition = [1]\n")
    with pytest.raises(UserError, match=r"mmbench\.toml: \[slurm\] partition must be a text or a number"):
        settings.slurm()
    (tmp_path / "mmbench.toml").write_text("[slurm\n")
    with pytest.raises(UserError, match=r"mmbench\.toml: is no TOML file"):
        settings.slurm()


def test_options_that_make_no_sense_are_named():
    for options, says in (
        ({"output": "x"}, "'output' is set by mmbench"), ({"Partition Name": "x"}, "use the name that sbatch has"),
        ({"time": "soon"}, "time is 'soon'"), ({"parallel": "0"}, "parallel is '0'"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=says):
            slurm.checked(options)
    assert slurm.checked({"mem": "1G"}) == {"cpus-per-task": "1", "mem": "1G"}


@pytest.mark.parametrize(
    ("scale", "given", "asked"),
    [("demo", {}, {"mem": "2G"}), ("full", {}, {"mem": "8G"}), ("full", {"mem-per-cpu": "4G"}, {"mem-per-cpu": "4G"})],
)
def test_memory_is_asked_for_by_scale_where_none_is_given(monkeypatch, scale, given, asked):
    """What reaches sbatch, which refuses `mem` beside `mem-per-cpu`; and what it refuses names what was asked for."""
    seen = {}

    def refuse(self, *a):
        seen.update(self.parameters["additional_parameters"])
        raise subprocess.CalledProcessError(1, "sbatch", stderr=b"sbatch: error: no such node\n")

    monkeypatch.setattr("submitit.SlurmExecutor.map_array", refuse)
    monkeypatch.setattr("submitit.SlurmExecutor.affinity", lambda self: 2)
    monkeypatch.setattr(slurm, "array_limit", lambda: 10)
    [job] = jobs("record")
    with pytest.raises(UserError, match=rf"asked for time=15, .*{'='.join(*asked.items())}.*: give others by --slurm KEY=VALUE"):
        list(slurm.submit([replace(job, scale=scale)], given, 15, "x", "cpu"))
    assert {name: value for name, value in seen.items() if name.startswith("mem")} == asked


@pytest.mark.parametrize(("text", "minutes"), [("90", 90), ("90:01", 91), ("1:30:00", 90), ("1-0", 1440), ("1-12:30", 2190), ("0:0:30", 1)])
def test_times_are_read_as_sbatch_reads_them(text, minutes):
    assert slurm.minutes(text) == minutes


def test_time_limits_come_from_recorded_durations():
    [job] = jobs("record")
    assert cluster.limit(job) == cluster.UNKNOWN
    record = samples.record(job, "ok")
    record["environment"]["seconds"]["total"] = 3600.0
    records.write(record, {}, {})
    assert cluster.limit(samples.job(1)) == 120, "twice an hour, in steps of 15, 30, 60, 120 minutes"


def test_without_slurm_the_ways_out_are_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="--on slurm: there is no 'sbatch' here; run it where jobs are submitted, or use --on local"):
        run(jobs("record"))
    with pytest.raises(UserError, match="--slurm and --no-wait go with --on slurm"):
        session.run(
            ["arl-gamma"], scale="demo", reading="paper", seeds=1, on="local", workers=None, device="cpu", slurm=["a=b"]
        )  # fmt: skip


def test_a_queue_that_does_not_answer_is_never_an_empty_one(monkeypatch, tmp_path):
    """Nothing is handed over twice, nothing said to be cancelled, and a watcher waits."""
    [cell] = [c for c in resolve.cells(tables.load("arl-gamma"), "demo") if c.row == "gamma-4"]
    submitted.note(cell.key, 0, "12_0")
    for command in ("sbatch", "srun", "squeue", "scontrol", "scancel"):
        file = tmp_path / "bin" / command
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\necho '{command}: error: Unable to contact slurm controller' >&2\nexit 1\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for ask in (lambda: run(jobs("record")), lambda: session.cancelled(["arl-gamma:gamma-4"], "demo", "paper")):
        with pytest.raises(UserError, match="slurm: squeue: error: Unable to contact slurm controller"):
            ask()
    assert len(submitted.all()) == 1
    [job] = jobs("record")
    watch = cluster.Watch({(job.key, 0): job}, {(job.key, 0): submitted.Submission("1", 0.0)}, lambda event: None, pytest.fail)
    cluster.look(watch)
    assert (watch.gone, [*watch.pending]) == ({}, [(job.key, 0)])


def test_a_submission_that_cannot_be_read_is_no_submission():
    made = submitted.note("a" * 12, 3, "12_0")
    assert submitted.all() == {("a" * 12, 3): made}
    (paths.results() / "slurm" / "jobs" / f"{'a' * 12}-s3.json").write_text(json.dumps({"id": 1})[:-2])
    assert submitted.all() == {}
