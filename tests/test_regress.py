"""The regression: its cover, what counts as moved, and what is kept when a change is accepted. Training is done by a fake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest

from mmbench import as_text, choose, cover, golden, launch, paths, records, regress
from mmbench.errors import UserError
from tests import samples


def cell(address: str = "arl-gamma:gamma-4:acc", scale: str = "demo"):
    return choose.cells([address], scale, "paper")[0]


@pytest.fixture(autouse=True)
def _own_golden(tmp_path, monkeypatch):
    monkeypatch.setattr(golden, "file_of", lambda scale: tmp_path / "golden" / f"{scale}.json")


def made(accuracy: float = 80.0, weights: str = "a" * 64, **stamp) -> dict:
    """What a run of one cell leaves for `compare`."""
    one = cell()
    return {
        "scale": "demo", "stamp": {"torch": "2", "processor": "x"} | stamp, "commit": "c" * 40,
        "runs": {
            "arl concat classification fusion": {
                "address": one.address, "key": one.key, "versions": {"loop": 1}, "status": "ok", "weights": weights,
                "numbers": {"accuracy": accuracy, "train-loss": 0.5},
            }
        },
    }  # fmt: skip


COVERED = [cover.Covered(("arl", "concat", "classification", "fusion"), cell(), 3)]


def compared(now: dict) -> regress.Verdict:
    return regress.compare(COVERED, golden.load("demo"), now, (), 1.0)


def test_the_cover_holds_every_kind_once_and_always_the_same():
    cells = list(choose.all_cells("demo"))
    found = cover.cover(cells)
    kinds = {cover.kind(c) for c in cells if c.state == "run"}
    assert [c.kind for c in found] == list(dict.fromkeys(c.kind for c in found))
    assert {c.kind for c in found} == kinds
    assert found == cover.cover(list(cells))
    assert sum(c.of for c in found) == len({c.key for c in cells if c.state == "run"})


def test_nothing_moved_on_the_same_stamp():
    golden.accept("demo", made(), [], "first")
    verdict = compared(made())
    assert (verdict.exit_code, verdict.exact, verdict.moved) == (0, True, ())


def test_on_the_same_stamp_the_last_bit_counts():
    golden.accept("demo", made(), [], "first")
    [moved] = compared(made(accuracy=80.0 + 1e-9)).moved
    assert (moved.metric, moved.allowed, moved.before) == ("accuracy", 0.0, 80.0)
    assert moved.since.startswith("cccccccccccc of 20")
    [weights] = compared(made(weights="b" * 64)).moved
    assert weights.metric == "weights, though no number"


def test_elsewhere_the_spread_over_seeds_decides():
    for seed, value in enumerate((79.0, 80.0, 81.0)):
        records.write(recorded(seed, value), {}, {})
    golden.accept("demo", made(), [], "first")
    kept = golden.load("demo")["runs"]["arl concat classification fusion"]["spread"]
    assert kept["accuracy"] == pytest.approx(1.0)
    allowed = 4 * 2**0.5
    assert compared(made(80 + 0.99 * allowed, processor="y")).exit_code == 0
    [moved] = compared(made(80 + 1.01 * allowed, processor="y")).moved
    assert (moved.metric, moved.allowed) == ("accuracy", pytest.approx(allowed))
    assert compared(made(weights="b" * 64, processor="y")).exit_code == 0, "other machines make other bits"


def recorded(seed: int, value: float) -> dict:
    record = samples.record(samples.job(seed), "ok")
    record["run"], record["key"] = dict(cell().run), cell().key
    record["result"]["selections"]["last"]["values"]["accuracy"] = value
    return record


def test_kinds_that_are_new_or_gone_and_keys_that_changed_are_said():
    assert compared(made()).unknown == ("arl concat classification fusion",)
    golden.accept("demo", made(), [], "first")
    other = made()
    other["runs"]["ogm concat classification fusion"] = other["runs"].pop("arl concat classification fusion")
    verdict = regress.compare([], golden.load("demo"), other, (), 1.0)
    assert (verdict.unknown, verdict.stale) == (("ogm concat classification fusion",), ("arl concat classification fusion",))
    assert verdict.exit_code == 1
    changed = made()
    changed["runs"]["arl concat classification fusion"]["key"] = "0" * 12
    assert compared(changed).moved[0].metric == f"key {cell().key} -> 000000000000"


def test_what_is_accepted_has_a_reason_and_a_history():
    golden.accept("demo", made(), [], "first")
    verdict = compared(made(81.0))
    regress.accept("demo", made(81.0), verdict, "a better optimiser")
    content = golden.load("demo")
    assert content["runs"]["arl concat classification fusion"]["numbers"]["accuracy"] == 81.0
    assert [one["why"] for one in content["history"]] == ["first", "a better optimiser"]
    assert content["history"][1]["moved"] == ["arl-gamma:gamma-4:acc accuracy +1"]
    assert content["since"]["why"] == "a better optimiser"
    with pytest.raises(UserError, match="--accept needs a reason"):
        golden.accept("demo", made(), [], " ")
    failed = regress.compare(COVERED, golden.load("demo"), made(), ["a: b"], 1.0)
    with pytest.raises(UserError, match="1 of 1 runs failed: nothing is accepted until none does"):
        regress.accept("demo", made(), failed, "why")


def test_a_damaged_or_foreign_golden_is_one_line():
    file = golden.file_of("demo")
    golden.accept("demo", made(), [], "first")
    file.write_text(file.read_text()[:-20])
    with pytest.raises(UserError, match="is damaged"):
        golden.load("demo")
    file.write_text(json.dumps({"schema": 99}))
    with pytest.raises(UserError, match=r"has schema 99, this version reads 1; .* mmbench regress --scale demo --accept WHY"):
        golden.load("demo")


@pytest.mark.parametrize("change", [
    {"runs": []}, {"runs": {"a kind": {}}}, {"since": {}}, {"since": None}, {"history": None}, {"history": [3]}, {"stamp": "x"},
])  # fmt: skip
def test_a_golden_that_lacks_what_is_compared_is_damaged(change):
    golden.accept("demo", made(), [], "first")
    file = golden.file_of("demo")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match="is damaged; restore it, or begin a new one"):
        golden.load("demo")


def test_a_damaged_golden_is_said_before_anything_is_trained(monkeypatch, capsys):
    """Or, where the numbers of today are accepted, a new one is begun in its place, which its history says."""
    golden.accept("demo", made(), [], "first")
    file = golden.file_of("demo")
    file.write_text(file.read_text()[:-20])
    faked(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(launch, "run", None)
        with pytest.raises(UserError, match="is damaged"):
            regress.run("demo", 1)
    verdict, now = regress.run("demo", 1, accepting=True)
    assert "is damaged; a new one is begun, without its history" in capsys.readouterr().err
    assert verdict.unknown == ("arl concat classification fusion",)
    regress.accept("demo", now, verdict, "it was cut short")
    [entry] = golden.load("demo")["history"]
    assert entry["why"] == "it was cut short"
    assert entry["moved"][-1] == "a new history, as the one before is damaged"


def faked(monkeypatch):
    monkeypatch.setattr(cover, "cover", lambda cells: COVERED)
    monkeypatch.setattr(launch, "run", partial(launch.run, executor="tests.fakes:act"))


def test_what_failed_is_named_and_neither_a_tolerance_nor_accepting_is_spoken_of(monkeypatch):
    golden.accept("demo", made(), [], "first")
    run = cell().run | {"params": {"do": "fail"}}
    failing = replace(COVERED[0], cell=replace(cell(), run=run))
    faked(monkeypatch)
    monkeypatch.setattr(cover, "cover", lambda cells: [failing])
    verdict, _ = regress.run("demo", 1)
    said = as_text.regression(regress.answer(verdict), markdown=True)
    assert verdict.exit_code == 1
    assert said.startswith("**Regression: 1 of 1 runs failed.** 1 cells at scale demo in ")
    assert "failed: arl-gamma:gamma-4:acc: ValueError: the loss; log: " in said
    assert "compared" not in said
    assert "--accept" not in said


def test_how_it_was_compared_is_said():
    assert "compared" not in as_text.regression(regress.answer(compared(made()))), "with what?"
    golden.accept("demo", made(), [], "first")
    assert "compared to the bit" in as_text.regression(regress.answer(compared(made())))
    elsewhere = as_text.regression(regress.answer(compared(made(processor="y"))))
    assert "within 4·√2 = 5.66 standard deviations over seeds (four of the difference of two runs), as the machine" in elsewhere
    moved = as_text.regression(regress.answer(compared(made(81.0))))
    assert moved.startswith("1 numbers moved")
    assert "`mmbench regress --accept WHY`" in moved


def test_scales_that_cannot_be_regressed_are_named():
    with pytest.raises(UserError, match="regress runs at scale small or demo"):
        regress.chosen("full")
    with pytest.raises(UserError, match="no cell can run at scale small here"):
        regress.chosen("small")  # which both the plan and the run begin with


def test_the_runs_lie_apart_and_leave_no_record(monkeypatch):
    faked(monkeypatch)
    verdict, now = regress.run("demo", 1)
    assert list(now["runs"]) == ["arl concat classification fusion"]
    assert verdict.unknown == ("arl concat classification fusion",)
    assert records.recorded() == {}
    assert not (paths.results() / "regress").exists()


def test_the_command_says_its_cover_without_training():
    done = subprocess.run([sys.executable, "-m", "mmbench", "regress", "--plan", "--json"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    film = {c["reading"]: c["kind"][1] for c in found["cover"] if c["address"] == "arl-fusion:film:crema-d"}
    assert film == {"paper": "film", "released": "bilinear"}
    assert "both" in {c["reading"] for c in found["cover"]}
    assert re.search(r"bilinear .* arl-fusion:film:crema-d +released ", as_text.cover(found))
    assert len(found["cover"]) == len({tuple(c["kind"]) for c in found["cover"]}) > 20
    refused = subprocess.run([sys.executable, "-m", "mmbench", "regress", "--accept", " "], capture_output=True, text=True)
    assert (refused.returncode, refused.stderr) == (2, "mmbench: --accept needs a reason: say why the numbers may change\n")
