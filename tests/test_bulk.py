"""Many records are read by several processes, in order, as one would read them; equal settings are kept once."""

from __future__ import annotations

import gc
import json

import pytest

from mmbench import bulk, places, records
from mmbench.spec import Job, key
from tests import samples


@pytest.fixture
def written():
    """Two settings of five seeds each."""
    runs = [samples.run(), samples.run(epochs=13)]
    for run in runs:
        for seed in range(5):
            records.write(samples.record(Job(key(run), seed, run, (), "demo")), {}, {})
    return records.files()


@pytest.fixture
def several(monkeypatch):
    monkeypatch.setattr(bulk, "MANY", 4)
    monkeypatch.setattr(bulk, "CHUNK", 3)
    monkeypatch.setattr(places, "cores", lambda: 2)


def test_several_processes_read_what_one_reads_in_order(written, several, monkeypatch):
    found = list(bulk.read(written))
    assert found == [records.read(file) for file in written]
    monkeypatch.setattr(places, "cores", lambda: 1)
    assert list(bulk.read(written)) == found


@pytest.mark.parametrize("cores", [1, 2])
def test_what_is_no_record_is_answered_in_its_place(cores, written, several, monkeypatch):
    monkeypatch.setattr(places, "cores", lambda: cores)
    written[4].write_text("{")
    found = list(bulk.read(written))
    assert found[4] == f"{written[4]} is truncated or no JSON"
    assert [isinstance(answer, str) for answer in found] == [n == 4 for n in range(10)]


@pytest.mark.parametrize("cores", [1, 2])
def test_a_record_whose_run_is_not_that_of_its_key_is_answered_in_its_place(cores, written, several, monkeypatch):
    """Also where the seed before it has the same key, and where the one behind it is sound."""
    monkeypatch.setattr(places, "cores", lambda: cores)
    record = records.read(written[3])
    written[3].write_text(json.dumps(record | {"run": samples.run(batch=49)}) + "\n")
    found = list(bulk.read(written))
    assert found[3] == f"{written[3]}: its key is not that of its run, which is {key(samples.run(batch=49))}"
    assert [isinstance(answer, str) for answer in found] == [n == 3 for n in range(10)]


def test_seeds_of_one_setting_share_it_and_other_settings_do_not(written):
    found = [answer for answer in bulk.read(written) if isinstance(answer, dict)]
    assert len({id(record["run"]) for record in found}) == len({record["key"] for record in found}) == 2
    assert len({id(record["result"]) for record in found}) == 10


def test_shared_settings_come_over_from_the_other_processes(written, several):
    found = [answer for answer in bulk.read(written) if isinstance(answer, dict)]
    assert len({id(record["run"]) for record in found}) < len(found)


@pytest.mark.parametrize("before", [True, False])
def test_garbage_is_collected_afterwards_as_it_was_before(before, written, several):
    given = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        assert len(list(bulk.read(written))) == 10
        assert gc.isenabled() is before
    finally:
        gc.unfreeze()
        (gc.enable if given else gc.disable)()
