"""Which records a report is made of: ours, each once; those of other groups apart; what counts nowhere is said."""

from __future__ import annotations

import json
import shutil

import pytest

from mmbench import found, paths, records, registry
from mmbench.spec import Job, key
from tests import samples

TODAY = {"method:joint": registry.METHODS["joint"].version, "loop": registry.LOOP}
KEY = key(samples.run(versions=TODAY))


def write(seed: int = 0, group: str = "local", **changes):
    run = samples.run(**({"versions": TODAY} | changes))
    file = records.write(samples.record(Job(key(run), seed, run, (), "demo"), group=group), {}, {})
    assert file is not None
    return file


def aside() -> list[str]:
    return sorted(f.name for f in (paths.results() / "set-aside").rglob("*.json"))


def test_ours_by_key_with_seeds_in_order_and_other_groups_apart():
    for seed in (10, 2, 1):
        write(seed)
    write(3, group="lab-a")
    read = found.read({KEY}, every=True)
    assert [r["seed"] for r in read.own[KEY]] == [1, 2, 10]
    assert {group: [r["seed"] for r in theirs[KEY]] for group, theirs in read.others.items()} == {"lab-a": [3]}
    assert {group: len(theirs) for group, theirs in read.of([KEY]).items()} == {"lab-a": 1}
    assert read.of(["another"]) == {}


def test_what_comes_with_the_project_stands_in_where_we_have_nothing(capsys):
    other = key(samples.run(versions=TODAY, epochs=7))
    for seed in (0, 1):
        write(seed, group=found.SHIPPED)
        write(seed, group=found.SHIPPED, epochs=7)
    write(5)
    read = found.read({KEY, other}, every=True)
    assert [r["seed"] for r in read.own[KEY]] == [5], "never mixed within a run: groups are never pooled"
    assert [r["seed"] for r in read.own[other]] == [0, 1]
    assert read.others == {}, "they are the project's own, and no other group's check of ours"
    write(0, group=found.SHIPPED, versions=TODAY | {"loop": 0})
    found.read({KEY, other}, every=True)
    assert capsys.readouterr().err.startswith("in group reference, 1 record count nowhere")


def test_our_group_is_the_one_that_is_named(monkeypatch):
    write(0)
    write(0, group="lab-a")
    monkeypatch.setenv("MMBENCH_GROUP", "lab-a")
    assert [*found.read({KEY}, every=False).others] == ["local"]


def test_of_a_few_tables_the_records_of_others_are_not_even_opened():
    write(epochs=7).write_text("not JSON")
    write(0)
    assert [*found.read({KEY}, every=False).own] == [KEY]
    assert aside() == []


def test_settings_that_no_table_asks_for_count_nowhere_and_are_said(capsys):
    write(0)
    write(0, epochs=7)
    write(1, epochs=7)
    assert [*found.read({KEY}, every=True).own] == [KEY]
    assert capsys.readouterr().err == "in group local, 2 records count nowhere: 2 have settings that no table asks for\n"
    assert aside() == []


def test_other_component_versions_than_todays_count_nowhere_and_are_said(capsys):
    write(0, versions=TODAY | {"loop": 0})
    assert found.read({KEY}, every=True).own == {}
    says = f"1 are of component versions that are not today's (loop 0, today {registry.LOOP}): run them again"
    assert capsys.readouterr().err == f"in group local, 1 record count nowhere: {says}\n"


def test_a_second_record_of_a_run_is_set_aside(capsys):
    first = write(0)
    second = first.parent.parent / "zeta" / first.name
    second.parent.mkdir()
    shutil.copy(first, second)
    assert [r["seed"] for r in found.read({KEY}, every=True).own[KEY]] == [0]
    assert "zeta" in (line := capsys.readouterr().err)
    assert "is a second record of the same run and seed: set aside as" in line
    assert first.exists()
    assert aside() == [first.name]


def test_a_record_copied_in_from_another_group_is_set_aside(capsys):
    file = write(0)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"group": "lab-a"}))
    assert found.read({KEY}, every=True).own == {}
    assert "is of group lab-a, not local; 'mmbench merge' takes records over: set aside as" in capsys.readouterr().err


@pytest.mark.parametrize(("old", "new", "says"), [
    ('"schema":1', '"schema":2', "is no record of schema 1"),
    ("0.9125", "NaN", "holds NaN"),
    ("}\n", "", "truncated"),
])  # fmt: skip
def test_bad_records_are_named_set_aside_and_not_counted(old, new, says, capsys):
    write(1)
    bad = write(0)
    bad.write_text(new.join(bad.read_text().rsplit(old, 1)))
    assert [r["seed"] for r in found.read({KEY}, every=True).own[KEY]] == [1]
    line = capsys.readouterr().err
    assert says in line
    assert len(line.splitlines()) == 1
    assert aside() == [bad.name]
