"""Two groups, two methods or two rows, paired by seed and by test item."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from mmbench import __main__, compare, paired, published, records, resolve, stats
from mmbench.spec import Job, View
from tests import samples

CONCAT, ARL = "arl-fusion:concat:crema-d", "arl-fusion:concat-arl:crema-d"
LABELS = np.arange(600) % 10


def cell(address: str):
    table, row, column = address.split(":")
    return next(c for c in resolve.cells(published.load(table), "demo") if (c.row, c.column) == (row, column))


def write(address: str, seed: int, wrong: list[int], group: str = "local", predictions: bool = True, **changes):
    """A run that gets all but these test items right."""
    of = cell(address)
    choices = LABELS.copy()
    choices[wrong] += 1
    values = {"accuracy": 100 * float(np.mean(choices == LABELS))}
    result = {"selections": {label: {"epoch": 3, "values": values} for label in ("last", "best-test")}, **changes.pop("result", {})}
    stored = {"log_probabilities": np.log(np.eye(11)[choices] + 1e-4).astype(np.float16), "labels": LABELS.astype(np.int16)}
    arrays = {f"{label}/{name}": array for label in ("last", "best-test") for name, array in stored.items()} if predictions else {}
    records.write(samples.record(Job(of.key, seed, of.run, (), "demo"), group=group, result=result, **changes), {}, arrays)


def many(seed: int) -> list[int]:
    return list(range(seed, seed + 60))


def few(seed: int) -> list[int]:
    return list(range(seed, seed + 30 + seed))


@pytest.fixture
def runs():
    for seed in range(3):
        write(CONCAT, seed, many(seed))
        write(ARL, seed, few(seed))


def test_two_methods_are_paired_where_everything_else_is_equal(runs):
    found = compare.run("arl", "joint", scale="demo")
    (pair,) = found.pairs
    assert (found.kind, pair.first.cell.run["method"], pair.second.cell.run["method"]) == ("method", "arl", "joint")
    assert pair.first.cell.run["head"] == pair.second.cell.run["head"] == "concat"
    assert pair.seeds == (0, 1, 2)
    a, b = (np.array([100 * (1 - len(wrong(seed)) / 600) for seed in range(3)]) for wrong in (few, many))
    assert (pair.difference, pair.low, pair.high, pair.p) == pytest.approx(stats.paired(a, b))
    assert pair.means == pytest.approx((a.mean(), b.mean()))


def test_items_are_paired_run_by_run_and_never_pooled(runs):
    (pair,) = compare.run(ARL, CONCAT, scale="demo").pairs
    assert [(one.seed, one.items, one.only_first, one.only_second) for one in pair.items] == [
        (0, 600, 30, 0),
        (1, 600, 29, 0),
        (2, 600, 28, 0),
    ]
    assert pair.items[0].p == pytest.approx(2 * 0.5**30)


def test_the_order_of_the_names_is_the_sign(runs):
    (one,), (other,) = (compare.run(*names, scale="demo").pairs for names in ((ARL, CONCAT), (CONCAT, ARL)))
    assert one.difference == -other.difference > 0
    assert (one.low, one.high) == (-other.high, -other.low)
    assert [i.only_first for i in one.items] == [i.only_second for i in other.items]


def test_only_common_seeds_count(runs):
    write(ARL, 7, [])
    (pair,) = compare.run(ARL, CONCAT, scale="demo").pairs
    assert pair.seeds == (0, 1, 2)


def test_what_cannot_be_paired_is_left_out_and_named(runs):
    write(ARL, 3, [], result={"status": "diverged", "selections": {}})
    write(CONCAT, 3, [])
    write(ARL, 4, [], data={"fingerprint": "ee" * 32})
    write(CONCAT, 4, [])
    write(ARL, 5, [], result={"selections": {"last": {"epoch": 1, "values": {"accuracy": 3.0}}}})
    write(CONCAT, 5, [])
    (pair,) = compare.run(ARL, CONCAT, scale="demo").pairs
    assert pair.seeds == (0, 1, 2)
    assert pair.why == "without seed 3: a run diverged; without seed 4: the data differ; without seed 5: a record lacks the value"


def test_runs_of_other_items_are_paired_by_seed_only(runs):
    for address in (ARL, CONCAT):
        write(address, 9, [1], predictions=address == ARL)
    (pair,) = compare.run(ARL, CONCAT, scale="demo").pairs
    assert pair.seeds == (0, 1, 2, 9)
    assert [one.seed for one in pair.items] == [0, 1, 2]
    assert pair.no_items == "seed 9: no predictions lie beside the records of group local"


def test_why_nothing_is_paired_by_test_item_is_said(monkeypatch, mmbench):
    """The shipped records have no predictions; others may have those of other items, or of another output."""
    for address in (CONCAT, ARL):
        write(address, 0, [1], predictions=False, group="reference")
    code, out, err = mmbench(ARL, CONCAT, "--scale", "demo")
    assert (code, err) == (0, "")
    assert (
        "Nothing by test item: no predictions lie beside the records of group reference, which come with the project without them; "
        "'mmbench run' makes these runs here, with predictions." in out
    )
    assert "no predictions" in json.loads(mmbench(ARL, CONCAT, "--json")[1])["pairs"][0]["no_items"]
    for address in (CONCAT, ARL):
        write(address, 0, [1])
    assert "Nothing by test item" not in mmbench(ARL, CONCAT)[1]
    monkeypatch.setattr(paired, "CHOSEN", ())
    assert "Nothing by test item: by accuracy no test item is right or wrong." in mmbench(ARL, CONCAT)[1]


def test_predictions_of_other_items_or_outputs_are_not_paired(tmp_path):
    sides = paired.Side(cell(ARL), "local"), paired.Side(cell(CONCAT), "local")
    files = tmp_path / "a.json", tmp_path / "b.json"
    for file, labels in zip(files, (LABELS, LABELS[::-1]), strict=True):
        stored = {f"{at}/labels": labels for at in ("last", "best-test")}
        np.savez(records.beside(file, "pred"), **stored, **{f"{at}/log_probabilities": np.eye(11)[LABELS] for at in ("last", "best-test")})
    assert paired._items(0, sides, files) == "the predictions are of different test items"
    np.savez(records.beside(files[1], "pred"), labels=LABELS)
    assert paired._items(0, sides, files) == "the predictions beside the records do not hold what this value is read off"


def test_one_seed_has_a_difference_and_no_interval():
    write(CONCAT, 0, many(0))
    write(ARL, 0, few(0))
    (pair,) = compare.run(ARL, CONCAT, scale="demo").pairs
    assert pair.difference == pytest.approx(5.0)
    assert (pair.low, pair.high, pair.p) == (None, None, None)
    assert "–" in compare.text(compare.run(ARL, CONCAT, scale="demo"))


def test_two_groups_are_paired_within_equal_runs(runs):
    for seed in range(3):
        write(CONCAT, seed, many(seed + (seed == 2)), group="elsewhere", result={"weights_sha256": ("cd" if seed == 2 else "ab") * 32})
    found = compare.run("elsewhere", "local")
    (pair,) = found.pairs
    assert found.kind == "group"
    assert (pair.first.cell.address, pair.first.group, pair.second.group) == (CONCAT, "elsewhere", "local")
    assert (pair.difference, pair.same) == (0, 2)
    assert [(i.only_first, i.only_second) for i in pair.items] == [(0, 0), (0, 0), (1, 1)]
    assert "2 of 3" in compare.text(found)


def test_shared_runs_are_compared_once(runs):
    """The cell stands in several tables of the suite."""
    key = cell(CONCAT).key
    addresses = [c.address for id in published.ids() for c in resolve.cells(published.load(id), "demo") if c.key == key]
    assert len(addresses) > 1
    assert len(compare.run("arl", "joint").pairs) == 1


def test_other_outputs_and_subsets_are_scored_as_their_view_says(tmp_path):
    file = tmp_path / "x.json"
    np.savez(records.beside(file, "pred"), **{"last/labels": LABELS, "last/choice.audio": LABELS * 0, "last/choice/raw": LABELS})

    def right(metric: str = "accuracy", select: str = "last", **how: str) -> list[bool] | None:
        found = paired.right_items(file, View(metric, select=select, **how))
        return None if found is None else found[0].tolist()

    assert right(output="audio") == [n % 10 == 0 for n in range(600)]
    assert right(decision="raw") == [True] * 600
    assert right(decision="raw", subset="first-384") == [True] * 384
    assert right() is None  # not stored
    assert right("zeta", output="audio") is None  # no item is right or wrong
    assert right(select="best-test", output="audio") is None


@pytest.fixture
def mmbench(monkeypatch, capsys):
    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["mmbench", "compare", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        return ended.value.code, *capsys.readouterr()

    return call


def test_the_verb_prints_tables(runs, mmbench):
    code, out, err = mmbench("arl", "joint", "arl-fusion")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "A: method arl    B: method joint"
    assert "arl-fusion:crema-d on av-digits: concat-arl, concat" in out
    assert "A 3, B 0, neither 0 of 3" in out
    assert "never pooled over seeds" in out


def test_the_verb_prints_json(runs, mmbench):
    code, out, _ = mmbench(ARL, CONCAT, "--json")
    found = json.loads(out)
    assert (code, found["kind"]) == (0, "row")
    (pair,) = found["pairs"]
    assert pair["cells"] == [ARL, CONCAT]
    assert pair["seeds"] == [0, 1, 2]
    assert pair["items"][1] == {"seed": 1, "items": 600, "only_first": 29, "only_second": 0, "p": pytest.approx(2 * 0.5**29)}


def test_where_there_are_no_runs_of_ours_those_that_come_with_the_project_are_compared(mmbench):
    for seed in range(3):
        write(CONCAT, seed, many(seed), group="reference")
        write(ARL, seed, few(seed), group="reference")
    write(ARL, 0, [])  # ours of one side alone: nothing is paired across machines
    code, out, _ = mmbench(ARL, CONCAT, "--json")
    (pair,) = json.loads(out)["pairs"]
    assert (code, pair["groups"], pair["seeds"]) == (0, ["reference", "reference"], [0, 1, 2])
    assert (
        "This line compares runs that come with the project (group reference): group local has no seed of both." in mmbench(ARL, CONCAT)[1]
    )
    write(CONCAT, 0, [1])
    code, out, _ = mmbench(ARL, CONCAT, "--json")
    (pair,) = json.loads(out)["pairs"]
    assert (pair["groups"], pair["seeds"]) == (["local", "local"], [0])
    assert "come with the project" not in mmbench(ARL, CONCAT)[1]


@pytest.mark.parametrize(("arguments", "says"), [
    (("arl", "arl"), "'arl' is compared with itself"),
    (("arl", "jont"), "'jont' is no group of records, no method, and no row TABLE:ROW; did you mean 'joint'?"),
    (("local", "arl"), "'local' is a group and 'arl' a method: name two groups, two methods or two rows"),
    (("arl-fusion:concat", "joint"), "'arl-fusion:concat' is a row and 'joint' a method"),
    (("arl-fusion:concatt", "joint"), "did you mean 'concat'?"),
    (("arl-fusion::crema-d", ARL), "'arl-fusion::crema-d' names no row; expected TABLE:ROW"),
    (("arl-fusion:concat", "arl-gamma:gamma-4"), "are not rows of one table with a column in common; name two rows of one table"),
    (("arl", "joint", "arl-fusio"), "did you mean 'arl-fusion'?"),
    (("arl", "joint", "--scale", "dmeo"), "did you mean 'demo'?"),
    (("arl", "ogm"), "arl and ogm stand in no table with otherwise equal settings; name two rows of one table, TABLE:ROW"),
    (("arl-fusion:sum", "arl-fusion:sum-arl"), "have no run with a seed in common"),
])  # fmt: skip
def test_every_mistake_is_one_line(arguments, says, runs, mmbench):
    code, out, err = mmbench(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
