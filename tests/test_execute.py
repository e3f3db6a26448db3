"""Job -> record: killed at any moment and started again it is the same record; what a record holds and what it does not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmbench import records, registry
from mmbench.execute import execute
from mmbench.spec import Job, View, key
from tests import tiny

RUN = tiny.spec(
    method="arl", params=tiny.ARL, dataset="few-digits", epochs=3, batch=48,
    encoders={m: {"name": "small-cnn", "width": 2} for m in ("audio", "visual")},
)  # fmt: skip
VIEWS = (View("accuracy"), View("macro-f1", select="last"), View("accuracy", subset="first-64"))


def job(seed: int = 0, **changes) -> Job:
    run = RUN | changes
    return Job(key(run), seed, run, VIEWS, "demo")


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("MMBENCH_GROUP", raising=False)
    return tmp_path / "results"


def written(one: Job) -> dict:
    return records.read(records.path(one.run, one.key, one.seed))


def test_a_job_leaves_one_whole_record_and_doing_it_twice_is_nothing(results):
    assert execute(job()) == "ok"
    assert execute(job()) == "exists"
    record = written(job())
    assert record["result"]["evaluated"] == {"test": len(registry.load("dataset", "few-digits")().parts["test"])}
    assert record["result"]["epochs"] == 3
    assert set(record["result"]["selections"]) == {"first", "last", "best-test", "best-test@first-64"}
    assert {"accuracy", "accuracy.audio", "macro-f1", "accuracy@first-64", "log.k.audio"} <= set(
        record["result"]["selections"]["last"]["values"]
    )
    assert record["data"]["stand_in"] is True
    assert record["environment"]["threads"] == 1
    assert "\n" not in record["signature"]
    path = records.path(RUN, key(RUN), 0)
    assert path.stat().st_size <= 3072
    curve = np.load(path.with_suffix(".curve.npz"))
    assert len(curve["loss"]) == 3
    predictions = np.load(path.with_suffix(".pred.npz"))
    assert predictions["last/log_probabilities"].dtype == np.float16
    right = (predictions["last/log_probabilities"].argmax(1) == predictions["last/labels"]).mean() * 100
    assert right == pytest.approx(record["result"]["selections"]["last"]["values"]["accuracy"], abs=0.5)
    assert not list((results / "checkpoints").glob("*"))


def test_seeds_differ_and_repeat(results, tmp_path, monkeypatch):
    execute(job(0))
    execute(job(1))
    zero, one = written(job(0))["result"], written(job(1))["result"]
    assert zero["weights_sha256"] != one["weights_sha256"]
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "again"))
    execute(job(0))
    assert written(job(0))["result"] == zero


def test_a_diverging_run_is_recorded_with_its_epoch(results):
    wild = job(optimiser={"name": "sgd", "lr": 1e30, "momentum": 0.0, "weight_decay": 0.0})
    assert execute(wild) == "diverged"
    result = written(wild)["result"]
    assert result["status"] == "diverged"
    assert result["diverged_at"]["epoch"] == 0
    assert json.loads(json.dumps(result, allow_nan=False)) == result


CHILD = """
import sys, pickle, base64
from mmbench.execute import execute
execute(pickle.loads(base64.b64decode(sys.argv[1])), every=0, progress=lambda news: print("epoch", flush=True))
"""


def child(one: Job) -> subprocess.Popen:
    import base64
    import pickle

    given = base64.b64encode(pickle.dumps(one)).decode()
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, given], stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_killed_at_random_moments_it_ends_in_the_same_result(results, tmp_path, monkeypatch):
    execute(job())
    expected = written(job())["result"]
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "killed"))
    moments = random.Random(7)
    for _ in range(2):
        process = child(job())
        checkpoint = tmp_path / "killed" / "checkpoints" / f"{key(RUN)}-s0.pt"
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.communicate()
    last = child(job())
    last.communicate()
    assert last.returncode == 0
    record = written(job())
    assert record["result"] == expected
    assert record["environment"]["resumed"] >= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_leaves_a_checkpoint_and_no_record(results, number):
    process = child(job(epochs=400))
    process.stdout.readline()
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 143 if number == signal.SIGTERM else process.returncode != 0
    assert list((results / "checkpoints").glob("*.pt"))
    assert not list(results.glob("runs/**/*.json"))
