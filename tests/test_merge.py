"""Records from elsewhere: validated one by one, put under their group's name, never over what is here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench import __main__, features, merge, metrics, paths, published, records, registry, resolve
from mmbench.errors import UserError
from mmbench.spec import Job, key
from tests import samples

TODAY = {
    "method:joint": registry.METHODS["joint"].version, "head:cosine": registry.HEADS["cosine"].version, "loop": registry.LOOP,
    "augment": registry.AUGMENT,
}  # fmt: skip


def theirs(seed: int = 0, group: str = "lab-a", **changes) -> dict:
    run = samples.run(versions=TODAY) | changes.pop("run", {})
    around = {"started": f"2026-11-2{seed}T09:00:00Z"} | changes.pop("environment", {})
    return samples.record(Job(key(run), seed, run, (), "demo"), group=group, environment=around, **changes)


def put(folder: Path, record: dict, where: str = "runs/lab-a/av-digits/joint", **arrays) -> Path:
    """A record as it lies in somebody's results folder, sound or not."""
    file = folder / where / f"{record['key']}-s{record['seed']}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record) + "\n")
    for what, content in arrays.items():
        np.savez_compressed(records.beside(file, what), **content)
    return file


def asked(seed: int = 0) -> dict:
    """A record of a setting that a table asks for."""
    return theirs(seed, run=dict(resolve.cells(published.load("arl-gamma"), "demo")[0].run))


def sheet() -> bytes:
    """A picture, as a run leaves it."""
    return features.png(np.arange(36, dtype=np.uint8).reshape(3, 4, 3))


@pytest.fixture
def their(tmp_path):
    return tmp_path / "theirs"


def test_sound_records_are_taken_with_their_arrays_under_their_groups_name(their):
    put(their, theirs(0), curve={"accuracy": np.arange(3.0)}, pred={"last/labels": np.arange(4)})
    put(their, theirs(1))
    done = merge.run(their)
    assert (done.taken, done.here, done.refused, done.exit_code) == ({"lab-a": 2}, 0, {}, 0)
    found = records.recorded("lab-a")
    assert sorted(seed for _, seed in found) == [0, 1]
    file = found[theirs(0)["key"], 0]
    assert file.parent == paths.results() / "runs/lab-a/av-digits/joint"
    assert records.read(file) == theirs(0)
    np.testing.assert_array_equal(records.arrays(file, "curve")["accuracy"], [0, 1, 2])
    np.testing.assert_array_equal(records.arrays(file, "pred")["last/labels"], [0, 1, 2, 3])
    assert records.recorded() == {}  # not among ours


def test_any_folder_will_do_and_what_is_no_record_by_name_is_passed_over(their):
    put(their, theirs(), where="sent/by/mail")
    (their / "notes.json").write_text("{}")
    assert merge.run(their).taken == {"lab-a": 1}


def test_of_a_results_folder_failures_and_what_was_set_aside_do_not_count(their):
    put(their, theirs())
    put(their, theirs(1), where="set-aside/lab-a/av-digits/joint")
    put(their, theirs(2), where="failed")
    assert merge.run(their).taken == {"lab-a": 1}


def test_merging_twice_changes_nothing(their):
    put(their, theirs())
    merge.run(their)
    done = merge.run(their)
    assert (done.taken, done.here, done.exit_code) == ({}, 1, 0)


def test_another_name_can_be_given_and_stands_in_the_record(their):
    put(their, theirs(group="local"))
    assert merge.run(their, name="lab-b").taken == {"lab-b": 1}
    [file] = records.recorded("lab-b").values()
    assert records.read(file)["group"] == "lab-b"


def test_the_same_run_and_seed_with_another_result_is_refused_and_never_replaced(their):
    put(their, theirs())
    merge.run(their)
    put(their, theirs(result={"train_loss": 0.5}))
    done = merge.run(their)
    assert list(done.refused.values()) == ["another record of this run and seed is already in group lab-a; nothing is ever replaced"]
    [file] = records.recorded("lab-a").values()
    assert records.read(file)["result"]["train_loss"] == 0.123


def test_duplicates_within_what_is_merged_count_once(their):
    put(their, theirs())
    put(their, theirs(), where="runs/copy/of/it")
    done = merge.run(their)
    assert (done.taken, done.here) == ({"lab-a": 1}, 1)


def test_a_copy_of_our_own_record_is_no_reproduction(their):
    ours = theirs(group="local")
    records.write(ours, {}, {})
    put(their, ours | {"group": "lab-a"})
    done = merge.run(their)
    assert list(done.refused.values()) == ["a copy of the record in group local: nobody ran it again"]
    assert records.recorded("lab-a") == {}


def test_equal_bits_from_another_day_are_one(their):
    records.write(theirs(group="local"), {}, {})
    put(their, theirs(environment={"started": "2026-11-30T12:00:00Z"}))
    assert merge.run(their).taken == {"lab-a": 1}


def scored(values: dict[str, float]) -> dict:
    return theirs(result={"selections": {"best-test": {"epoch": 1, "values": values}}})


def damaged(what: str) -> dict:
    good = theirs()
    other = samples.run(versions=TODAY, epochs=13)
    old = samples.run(versions=TODAY | {"loop": 0})
    return {
        "schema": good | {"schema": 7},
        "key": good | {"run": other},
        "stale": theirs(run={"versions": TODAY | {"loop": 0}}) | {"key": key(old)},
        "dirty": theirs(environment={"dirty": True}),
        "nan": theirs(result={"selections": {"last": {"epoch": 1, "values": {"accuracy": float("nan")}}}}),
        "path": theirs(environment={"device": "/home/somebody/gpu"}),
        "group": good | {"group": "../up"},
        "dataset": theirs(run={"dataset": "../../up"}),
        "method": theirs(run={"method": "a/b"}),
        "long": theirs(signature="x" * 4000),
        "too good": scored({"accuracy": 95.12, "accuracy.audio": 9512.0}),
        "too bad": scored({"macro-f1@first-704": -5}),
        "surplus": good | {"note": "mine"},
    }[what]


@pytest.mark.parametrize(("what", "says"), [
    ("schema", "is no record of schema 1"),
    ("key", "its key is not that of its run, which is "),
    ("stale", f"made with component versions that are not today's: loop 0, today {registry.LOOP}"),
    ("dirty", "made from a tree with changes that no commit holds"),
    ("nan", "holds NaN, which no record does"),
    ("path", "environment.device holds an absolute path"),
    ("group", "its group is no plain name"),
    ("dataset", "its dataset is no plain name"),
    ("method", "its method is no plain name"),
    ("long", "bytes, more than 4096"),
    ("too good", "its accuracy.audio at best-test is 9512, which is not in 0 to 100"),
    ("too bad", "its macro-f1@first-704 at best-test is -5, which is not in 0 to 100"),
    ("surplus", "it has 'note'"),
])  # fmt: skip
def test_a_bad_record_is_refused_by_name_and_the_good_ones_are_taken(what, says, their):
    put(their, theirs(1))
    bad = put(their, damaged(what), where="runs/lab-a/bad/bad")
    before = bad.read_bytes()
    done = merge.run(their)
    assert done.taken == {"lab-a": 1}
    assert done.exit_code == 1
    [(file, why)] = done.refused.items()
    assert file == f"runs/lab-a/bad/bad/{bad.name}"
    assert says in why
    assert str(their) not in why
    assert bad.read_bytes() == before  # theirs is left alone
    assert len(records.files()) == 1
    assert sorted(p.name for p in (paths.results() / "runs").iterdir()) == ["lab-a"]


def test_truncated_files_are_refused(their):
    put(their, theirs(1))
    file = put(their, theirs())
    file.write_text(file.read_text()[:300])
    assert "truncated" in next(iter(merge.run(their).refused.values()))
    array = put(their, theirs(2), pred={"last/labels": np.arange(400)})
    beside = records.beside(array, "pred")
    beside.write_bytes(beside.read_bytes()[:100])
    assert f"its {beside.name} cannot be read" in merge.run(their).refused.values()
    assert len(records.recorded("lab-a")) == 1


def test_arrays_are_never_unpickled(their):
    file = put(their, theirs())
    np.savez(records.beside(file, "pred"), labels=np.array([print], dtype=object))
    assert list(merge.run(their).refused.values()) == [f"its {records.beside(file, 'pred').name} cannot be read"]


@pytest.mark.parametrize("what", ["curve", "pred"])
def test_arrays_of_anything_else_than_numbers_are_refused(what, their):
    file = put(their, theirs(), **{what: {"accuracy": np.array(["a", "b"])}})
    assert list(merge.run(their).refused.values()) == [f"its {records.beside(file, what).name} holds something else than numbers"]
    assert records.files() == []


def test_the_picture_of_a_run_comes_along(their):
    file = put(their, theirs())
    shown = sheet()
    records.picture(file).write_bytes(shown)
    put(their, theirs(1))
    assert merge.run(their, name="lab-b").taken == {"lab-b": 2}
    found = records.recorded("lab-b")
    assert records.picture(found[theirs()["key"], 0]).read_bytes() == shown
    assert not records.picture(found[theirs(1)["key"], 1]).exists()


@pytest.mark.parametrize(("content", "says"), [(b"<svg/>", "is no PNG file"), (sheet()[:-5], "is damaged"), (None, "cannot be read")])
def test_a_record_with_something_else_in_place_of_its_picture_is_refused(content, says, their):
    file = put(their, theirs())
    beside = records.picture(file)
    beside.write_bytes(content) if content else beside.mkdir()
    assert list(merge.run(their).refused.values()) == [f"its {beside.name} {says}"]
    assert records.files() == []


def test_a_dirty_tree_can_be_taken_knowingly(their):
    put(their, damaged("dirty"))
    assert merge.run(their, dirty=True).taken == {"lab-a": 1}


@pytest.mark.parametrize(("group", "name", "says"), [
    ("local", "", "'local' is the name of your own group: put theirs under another one with --as NAME"),
    ("lab-a", "local", "'local' is the name of your own group"),
    ("lab-a", "Lab A", "--as is 'Lab A': use small letters"),
    ("reference", "", "'reference' is the name of the records that come with the project: put them under another one with --as NAME"),
    ("lab-a", "reference", "'reference' is the name of the records that come with the project: give --as another one"),
])  # fmt: skip
def test_nothing_is_written_under_a_name_that_cannot_be(group, name, says, their):
    put(their, theirs(group=group))
    put(their, theirs(1, group="lab-b"), where="runs/lab-b/av-digits/joint")
    with pytest.raises(UserError, match=says) as error:
        merge.run(their, name=name)
    assert len(str(error.value).splitlines()) == 1
    assert records.files() == []


def test_who_sends_what_comes_with_the_project_too_can_be_told_apart(their):
    put(their, theirs(group="reference"), where="runs/reference/av-digits/joint")
    put(their, theirs(1), where="runs/lab-a/av-digits/joint")
    with pytest.raises(UserError, match=rf"with --as NAME, or give {their}/runs/GROUP$"):
        merge.run(their)
    with pytest.raises(UserError, match=r"with --as NAME$"):
        merge.run(their / "runs" / "reference")
    assert merge.run(their / "runs" / "lab-a").taken == {"lab-a": 1}


def test_a_copy_of_what_comes_with_the_project_is_taken_under_another_name_only_if_it_is_none(their):
    shipped = theirs(group="reference")
    records.write(shipped, {}, {})
    put(their, shipped)
    put(their, theirs(1, group="reference"))
    done = merge.run(their, name="lab-b")
    assert done.taken == {"lab-b": 1}
    assert list(done.refused.values()) == ["a copy of the record in group reference: nobody ran it again"]


def test_what_a_metric_cannot_be_is_known_of_all_that_are_printed_in_per_cent():
    shares = {column.metric for id in published.ids() for column in published.load(id).columns if column.unit == "%"}
    assert shares < set(metrics.SHARES)


def test_numbers_of_other_kinds_and_rounded_shares_are_taken(their):
    put(their, scored({"log.drawn": 6437.0, "contribution.audio": 1.3, "contr.audio": -7e-15, "compl.audio": 100.0, "loss": 22.9}))
    assert merge.run(their).taken == {"lab-a": 1}


@pytest.mark.parametrize(("known", "strange", "says"), [
    (1, 0, "lab-a: 1 record taken; the report shows it as unverified"),
    (2, 0, "lab-a: 2 records taken; the report shows them as unverified"),
    (0, 1, "lab-a: 1 record taken; the report does not show it: no table asks for the settings of {0}"),
    (1, 2, "lab-a: 3 records taken; the report shows 1 of them, as unverified: no table asks for the settings of {0}, {1}"),
    (0, 5, "lab-a: 5 records taken; the report does not show them: no table asks for the settings of {0}, {1}, {2} and 2 more"),
])  # fmt: skip
def test_what_the_report_will_show_of_them_is_said(known, strange, says, their):
    for seed in range(known):
        put(their, asked(seed))
    files = sorted(put(their, theirs(seed)).relative_to(their).as_posix() for seed in range(strange))
    done = merge.run(their)
    assert done.text() == says.format(*files)
    assert done.answer()["unasked"] == ({"lab-a": files} if files else {})


@pytest.fixture
def mmbench(monkeypatch, capsys):
    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["mmbench", "merge", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        return ended.value.code, *capsys.readouterr()

    return call


def test_the_verb(their, mmbench):
    put(their, asked())
    put(their, damaged("dirty") | {"seed": 1})
    code, out, err = mmbench(str(their))
    assert (code, err) == (1, "")
    assert "lab-a: 1 record taken; the report shows it as unverified" in out
    assert "refused: runs/lab-a/av-digits/joint/" in out
    code, out, _ = mmbench(str(their), "--json", "--dirty")
    dirty = f"runs/lab-a/av-digits/joint/{theirs()['key']}-s1.json"
    assert (code, json.loads(out)) == (0, {"taken": {"lab-a": 1}, "unasked": {"lab-a": [dirty]}, "here": 1, "refused": {}})


def test_nothing_to_merge_is_one_line(their, mmbench):
    says = "is no folder; give the results folder of others, or any folder with their records"
    assert mmbench(str(their)) == (2, "", f"mmbench: {their} {says}\n")
    their.mkdir()
    assert mmbench(str(their)) == (2, "", f"mmbench: {their} holds no record (files named KEY-sSEED.json)\n")
