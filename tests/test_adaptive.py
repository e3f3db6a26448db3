"""Seeds added until decided: when it stops, what it runs again, and how often it raises a false alarm."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mmbench import adaptive, as_text, choose, jobqueue, judge, launch, plan, records, resolve, session
from mmbench import published as tables
from mmbench.collect import COLUMNS
from mmbench.errors import UserError
from mmbench.spec import Cell
from tests import calibration, samples

TABLE = "arl-gamma"


def test_budgets():
    assert [adaptive.seconds(text) for text in ("90m", "2h", "1.5 h", "30s", "1d")] == [5400, 7200, 5400, 30, 86400]
    for text in ("2", "h", "0h", "2 weeks", ""):
        with pytest.raises(UserError, match="write it as 90m, 2h or 1d"):
            adaptive.seconds(text)


def test_options_that_do_not_go_together_are_named():
    for given, says in (
        ((None, "2h", "local"), "--budget goes with --until decided"), (("often", "2h", "local"), "'often': write --until decided"),
        (("decided", None, "local"), "needs --budget"),
        (("decided", "2h", "slurm"), "use --on local"),
        (("decided", "2h", "local", True), "leave out --seeds"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=says):
            adaptive.checked(*given)


class Trained:
    """Stands for the launcher: records each job with an accuracy of its own."""

    def __init__(self, monkeypatch, value) -> None:
        self.seeds: list[list[int]] = []
        self.value = value
        monkeypatch.setattr(launch, "run", self)

    def __call__(self, jobs, *arguments, **options):
        from mmbench.jobqueue import Outcome

        self.seeds.append(sorted({job.seed for job in jobs}))
        for job in jobs:
            record = samples.record(job, "ok")
            record["data"] |= {"stand_in": True, "imitation": False}
            for selection in record["result"]["selections"].values():
                selection["values"]["accuracy"] = self.value(job)
            records.write(record, {}, {})
        return Outcome()


def run(monkeypatch, value, budget: str = "1h"):
    trained = Trained(monkeypatch, value)
    done = adaptive.run([TABLE], budget=budget, scale="demo", reading="paper", on="local", workers=1, device="cpu")
    return trained, done


def test_a_clear_difference_needs_one_look(monkeypatch, capsys):
    """With no transferring claim in doubt nothing more is run."""
    trained, done = run(monkeypatch, lambda job: 80.0 + job.run["params"]["gamma"] + 0.01 * (job.seed % 3))
    assert trained.seeds == [[0, 1, 2]]
    assert len(done) == 1
    assert "look at 3 seeds" in capsys.readouterr().err
    assert adaptive.looks(TABLE, "demo", "paper") == 4
    assert adaptive.looks(TABLE, "full", "paper") == 1


def test_what_is_in_doubt_is_run_again_and_only_that(monkeypatch):
    cells = [c for c in resolve.cells(tables.load("arl-fusion"), "demo") if c.state == "run"]
    noise = np.random.default_rng(3)
    trained = Trained(monkeypatch, lambda job: 80.0 + float(noise.standard_normal()))
    adaptive.run(["arl-fusion"], budget="1h", scale="demo", reading="paper", on="local", workers=1, device="cpu")
    assert trained.seeds[0] == [0, 1, 2]
    assert trained.seeds[1:] == [[3, 4], [5, 6, 7], [8, 9, 10, 11]][: len(trained.seeds) - 1]
    assert len(trained.seeds) > 1, "differences of pure noise are not decided at the first look"
    counts = {c.key: sum(1 for (key, _) in records.recorded() if key == c.key) for c in cells}
    assert set(counts.values()) <= {3, 5, 8, 12}


def test_it_stops_before_a_look_that_the_budget_does_not_allow(monkeypatch, capsys):
    noise = np.random.default_rng(3)
    monkeypatch.setattr("tests.samples.record", slow(samples.record))
    trained = Trained(monkeypatch, lambda job: 80.0 + float(noise.standard_normal()))
    adaptive.run(["arl-fusion"], budget="5m", scale="demo", reading="paper", on="local", workers=1, device="cpu")
    assert trained.seeds == [[0, 1, 2]]
    assert "5 seeds would need about" in capsys.readouterr().err


def test_a_first_look_that_needs_more_than_the_budget_is_not_begun(monkeypatch):
    monkeypatch.setattr("tests.samples.record", slow(samples.record))
    trained = Trained(monkeypatch, lambda job: 80.0)
    options = {"scale": "demo", "reading": "paper", "on": "local", "workers": 2, "device": "cpu"}
    session.run([f"{TABLE}:gamma-4"], seeds=1, **options)  # how long such a run takes is known from here on
    recorded = len(records.recorded())
    with pytest.raises(UserError, match=r"3 seeds would need about 1 h 00 min, the budget is 59 min 00 s, and nothing was run"):
        adaptive.run([f"{TABLE}:gamma-4"], budget="59m", **options)
    assert (len(trained.seeds), len(records.recorded())) == (1, recorded)
    assert adaptive.looks(TABLE, "demo", "paper") == 1
    adaptive.run([f"{TABLE}:gamma-4"], budget="61m", **options)
    assert trained.seeds[1:] == [[1, 2]]


@pytest.mark.parametrize("on", ["inline", "local"])
def test_where_no_record_tells_how_long_it_takes_no_job_is_begun_after_the_budget(on, monkeypatch, capsys):
    """The first of three jobs is under way when the budget is spent: it ends, the others are left, and nothing is judged."""
    monkeypatch.setattr(launch, "run", partial(launch.run, executor="tests.fakes:act"))
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600 * len(records.recorded()))  # a job takes an hour
    monkeypatch.setattr(jobqueue, "time", clock)
    (done,) = adaptive.run([f"{TABLE}:gamma-4"], budget="10m", scale="demo", reading="paper", on=on, workers=1, device="cpu")
    assert (len(done.outcome.reports), len(done.outcome.left), done.outcome.out_of_time, done.exit_code) == (1, 2, True, 1)
    assert "look at" not in capsys.readouterr().err
    assert adaptive.looks(TABLE, "demo", "paper") == 1
    said = as_text.outcome(done.plan, done.outcome, ["mmbench", "run"])
    assert "the budget is spent with 2 jobs left" in said
    assert "To go on: mmbench run" in said
    assert "Slurm" not in said


def test_only_what_was_asked_for_is_counted_and_run_again(monkeypatch, capsys):
    """A claim that needs other rows too is decided by no number of seeds."""
    noise = np.random.default_rng(3)
    trained = Trained(monkeypatch, lambda job: 80.0 + float(noise.standard_normal()))
    names = ["arl-fusion:concat:crema-d", "arl-fusion:sum:crema-d"]
    adaptive.run(names, budget="1h", scale="demo", reading="paper", on="local", workers=1, device="cpu")
    said = capsys.readouterr().err
    assert trained.seeds == [[0, 1, 2]]
    assert "look at 3 seeds: no value can be compared here, no claim is judged here, " in said
    assert re.search(r"(1 claim needs|\d+ claims need) cells that were not asked for or cannot run", said)
    verdict = adaptive.judged("arl-fusion", "demo", "paper")
    every = {v.cell.address for v in verdict.values if v.cell.state == "run"}
    assert adaptive.undecided([verdict], every), "they are open, had all been asked for"
    full = replace(verdict, values=tuple(replace(v, word="single run") for v in verdict.values), claims=())
    assert "look at 3 seeds: 0 of 2 values" in adaptive.said([full], 3, {*names})


def slow(record):
    """Records of runs that took an hour."""

    def made(job, status):
        found = record(job, status)
        found["environment"]["seconds"]["total"] = 3600.0
        return found

    return made


def test_names_are_checked_before_anything_runs(monkeypatch):
    trained = Trained(monkeypatch, lambda job: 80.0)
    with pytest.raises(UserError, match="unknown"):
        adaptive.run(["no-table"], budget="1h", scale="demo", reading="paper", on="local", workers=1, device="cpu")
    assert trained.seeds == []
    assert choose.cells([TABLE], "demo", "paper")


def test_where_all_is_blocked_nothing_is_looked_at(capsys):
    """Four empty looks would halve twice the level of the tests of runs that come later."""
    (done,) = adaptive.run([TABLE], budget="1h", scale="full", reading="paper", on="local", workers=1, device="cpu")
    said = capsys.readouterr().err
    assert (done.exit_code, said.count("crema-d is not prepared"), "look at" in said) == (2, 1, False)
    assert adaptive.looks(TABLE, "full", "paper") == 1


def test_blocked_cells_do_not_keep_the_others_from_being_decided(monkeypatch):
    blocked = {c.key for c in choose.cells([f"{TABLE}:gamma-8"], "demo", "paper")}
    runs = [c.run for c in choose.cells([TABLE], "demo", "paper") if c.key in blocked]
    monkeypatch.setattr(plan, "obstacle", lambda run: "blocked: by hand" if run in runs else None)
    trained = Trained(monkeypatch, lambda job: 80.0 + job.run["params"]["gamma"] + 0.01 * (job.seed % 3))
    (done,) = adaptive.run([TABLE], budget="1h", scale="demo", reading="paper", on="local", workers=1, device="cpu")
    assert (trained.seeds, set(done.plan.blocked)) == ([[0, 1, 2]], blocked)
    assert adaptive.looks(TABLE, "demo", "paper") == 4


@pytest.mark.parametrize(("names", "says"), [([], "name a table"), ([TABLE], "go with --on slurm")])
def test_what_a_plain_run_refuses_is_refused(names, says):
    with pytest.raises(UserError, match=says):
        adaptive.run(names, budget="1h", scale="demo", reading="paper", on="local", workers=1, device="cpu", slurm=["partition=x"])


def test_a_table_without_runs_is_done_at_once(monkeypatch):
    trained = Trained(monkeypatch, lambda job: 80.0)
    (done,) = adaptive.run(["mmcosine-bound"], budget="1h", scale="full", reading="paper", on="local", workers=1, device="cpu")
    assert (trained.seeds, done.exit_code) == ([[]], 0)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_false_alarms_over_all_looks_stay_below_the_level(correlation):
    """Values drawn as the paper drew its own: how often any look calls one not reproduced. Through the public judge."""
    source, columns = np.random.default_rng(7), 120
    common = source.standard_normal((columns, 1, max(adaptive.LOOKS))) * np.sqrt(correlation)
    own = source.standard_normal((columns, calibration.ROWS, max(adaptive.LOOKS))) * np.sqrt(1 - correlation)
    runs, printed = 60 + common + own, 60 + source.standard_normal((columns, calibration.ROWS))
    names = {(f"r{i}", f"c{j}"): f"{printed[j, i]:.2f}" for j in range(columns) for i in range(calibration.ROWS)}
    cells = [
        Cell("toy", r, c, text, "accuracy", "%", "higher", "run", key=f"{r}{c}", run={"dataset": "toy", "split": "standard"},
             view=calibration.VIEW)
        for (r, c), text in names.items()
    ]  # fmt: skip
    table, alarms = calibration.table(columns, names), set()
    for n in adaptive.LOOKS:
        found = judge.verdicts(
            table, cells, frame(runs[:, :, :n]), scale="full", reading="paper", facts=calibration.FACTS, looks=len(adaptive.LOOKS)
        )  # fmt: skip
        alarms |= {v.cell.address for v in found.values if not v.consistent}
    rate = len(alarms) / len(cells)
    assert 0.005 < rate <= 0.05


def frame(runs: np.ndarray) -> pd.DataFrame:
    """columns x rows x seeds -> the frame of the judge."""
    columns, rows, n = runs.shape
    return pd.DataFrame(0, index=range(runs.size), columns=list(COLUMNS)).assign(
        key=[f"r{i}c{j}" for j in range(columns) for i in range(rows) for _ in range(n)], seed=list(range(n)) * (columns * rows),
        group="local", status="ok", fingerprint="f", device_kind="cpu", stand_in=False, imitation=False,
        selection=calibration.VIEW.selection, metric=calibration.VIEW.name, value=runs.reshape(-1), n_test=744, train_loss=0.1, started="",
    )  # fmt: skip
