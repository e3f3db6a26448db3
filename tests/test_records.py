"""Records are whole or absent, written once, small; what is no record is named and set aside."""

from __future__ import annotations

import json
import multiprocessing
from typing import Any

import numpy as np
import pytest

from mmbench import paths, records
from mmbench.errors import UserError
from tests import samples

CURVE = {"accuracy": np.linspace(0, 1, 12, dtype=np.float32)}


def written(seed: int = 0, **changes: Any):
    file = records.write(samples.record(samples.job(seed), **changes), CURVE, {"best-test/log-probabilities": np.zeros((3, 2))})
    assert file is not None
    return file


def test_a_record_comes_back_as_it_was_with_its_arrays_beside_it():
    file = written()
    job = samples.job()
    assert file == paths.results() / "runs" / "local" / "av-digits" / "joint" / f"{job.key}-s0.json"
    assert records.read(file) == samples.record()
    assert np.array_equal(records.arrays(file, "curve")["accuracy"], CURVE["accuracy"])
    assert records.arrays(file, "pred")["best-test/log-probabilities"].shape == (3, 2)
    assert sorted(f.suffix for f in file.parent.iterdir()) == [".json", ".npz", ".npz"]


def test_a_record_without_arrays_has_none_beside_it():
    file = records.write(samples.record(), {}, {})
    assert file is not None
    assert records.arrays(file, "curve") == {}


def test_a_record_is_never_replaced():
    file = written()
    before = file.read_bytes()
    assert records.write(samples.record(result={"train_loss": 9.0}), CURVE, {}) is None
    assert file.read_bytes() == before


def _race(loss: float, start: Any, results: Any) -> None:
    start.wait()
    results.put(records.write(samples.record(result={"train_loss": loss}), {}, {}) is not None)


def test_of_several_processes_that_write_one_record_one_does():
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    racers = [context.Process(target=_race, args=(float(i), start, results)) for i in range(4)]
    for racer in racers:
        racer.start()
    start.set()
    assert sorted(results.get(timeout=60) for _ in racers) == [False, False, False, True]
    for racer in racers:
        racer.join()
    [file] = records.recorded().values()
    assert records.read(file)["result"]["train_loss"] in range(4)
    assert len(list(file.parent.iterdir())) == 1


def test_a_record_has_at_most_3_kb_and_logs_of_further_selections_give_way_first():
    log = {f"log.coefficient.{i}": i / 7 for i in range(24)}
    chosen = {label: {"epoch": 3, "values": {"accuracy": 0.5} | log} for label in ("last", "best-test/raw@first-704>30")}
    file = records.write(samples.record(result={"selections": chosen}), {}, {})
    assert file is not None
    assert file.stat().st_size <= 3072
    kept = records.read(file)["result"]["selections"]
    assert kept["last"] == chosen["last"]
    assert kept["best-test/raw@first-704>30"] == {"epoch": 3, "values": {"accuracy": 0.5}}


def test_a_record_that_stays_too_long_is_refused():
    chosen = {"last": {"epoch": 1, "values": {f"log.{i}": i / 7 for i in range(200)}}}
    with pytest.raises(UserError, match="more than 4096"):
        records.write(samples.record(result={"selections": chosen}), {}, {})
    assert records.files() == []


def test_recorded_goes_by_file_names_and_by_group(monkeypatch):
    file = written()
    file.write_text("not even JSON")
    file.with_name("notes.json").write_text("{}")
    assert list(records.recorded()) == [(samples.job().key, 0)]
    monkeypatch.setenv("MMBENCH_GROUP", "elsewhere")
    assert records.recorded() == {}
    assert list(records.recorded("local")) == [(samples.job().key, 0)]


def damage(file) -> dict[str, str]:
    """name of the damage -> what the file then holds."""
    good = file.read_text()
    other = json.loads(good)
    return {
        "is truncated": good[: len(good) // 2],
        "is truncated or": "",
        "no record of schema": json.dumps({"accuracy": 91.25}),
        "of schema 1": json.dumps(other | {"schema": 99}),
        "'result' should be dict": json.dumps(other | {"result": 3}),
        "it has 'note'": json.dumps(other | {"note": "mine"}),
        "status should be": json.dumps(other | {"result": {"status": "failed"}}),
        "of another job": json.dumps(other | {"seed": 5}),
    }


@pytest.mark.parametrize("what", [
    "is truncated", "is truncated or", "no record of schema", "of schema 1", "'result' should be dict", "it has 'note'", "status should be",
    "of another job",
])  # fmt: skip
def test_a_bad_record_is_named_and_set_aside_and_the_good_ones_count(what):
    good, bad = written(0), written(1)
    content = damage(bad)[what]
    bad.write_text(content)
    said: list[str] = []
    assert [r["seed"] for r in records.read_all(complain=said.append)] == [0]
    assert len(said) == 1
    assert what in said[0]
    assert str(bad) in said[0]
    [kept] = (paths.results() / "set-aside").rglob("*.json")
    assert kept.read_text() == content
    assert str(kept) in said[0]
    assert len(list(kept.parent.iterdir())) == 3
    assert list(records.recorded()) == [(samples.job().key, 0)]
    assert good.exists()


def test_bad_records_of_one_name_do_not_overwrite_each_other_when_set_aside():
    for text in ("first", "second"):
        written(0).write_text(text)
        assert list(records.read_all(complain=lambda line: None)) == []
    assert sorted(f.read_text() for f in (paths.results() / "set-aside").rglob("*.json")) == ["first", "second"]


def test_without_a_listener_a_bad_record_is_named_on_stderr(capsys):
    written().write_text("")
    assert list(records.read_all()) == []
    assert "set aside as" in capsys.readouterr().err


def test_whole_looks_at_the_end_only():
    file = written()
    assert records.whole(file)
    for text in (file.read_text()[:-2], ""):
        file.write_text(text)
        assert not records.whole(file)


def test_a_failure_is_kept_apart_counted_and_forgotten():
    job = samples.job()
    records.write_failure(job, "ValueError: no", "results/logs/x.log")
    records.write_failure(job, "ValueError: still no", "results/logs/x.log")
    noted = records.failures()[job.key, 0]
    assert (noted["why"], noted["log"], noted["attempts"]) == ("ValueError: still no", "results/logs/x.log", 2)
    assert records.files() == []
    records.forget_failure(job.key, 0)
    assert records.failures() == {}


def test_what_could_not_be_read_again_is_not_written():
    with pytest.raises(UserError, match="control characters"):
        records.write(samples.record(signature="one\ntwo"), {}, {})
    assert records.files() == []
