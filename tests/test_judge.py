"""The judge through its public function: admissibility, the words, spread, multiplicity, claims on a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmbench import judge
from mmbench.collect import COLUMNS
from mmbench.errors import UserError
from mmbench.spec import Cell, Claim, Column, DatasetFacts, Margin, Row, Table, View

FACTS = {
    "toy": DatasetFacts("toy", "Toy", 6, ("audio", "visual"), {"ogm": {"train": 6698, "test": 744}}, "ogm", "standard"),
    "stand": DatasetFacts("stand", "Stand-in", 6, ("audio", "visual"), {"standard": {"test": 600}}, "standard", "standard", stand_in=True),
}
VIEW = View("accuracy")
MARGIN = Margin(1.0, "half of 2.0", "2026-11-21")


def cell(row="a", published="60.00", **changes):
    given = {"run": {"dataset": "toy", "split": "ogm"}, "margin": MARGIN, "view": VIEW, "key": row, "state": "run", **changes}
    return Cell("toy", row, "x", published, "accuracy", "%", "higher", **given)


def rows(key="a", values=(60.0, 60.4, 59.6, 60.2, 59.8), **changes):
    found = []
    for seed, value in enumerate(values):
        given = dict.fromkeys(COLUMNS, "") | {
            "key": key, "seed": seed, "group": "local", "status": "ok", "fingerprint": "f", "device_kind": "cpu", "stand_in": False,
            "imitation": False, "selection": "best-test", "metric": "accuracy", "value": value, "n_test": 744, "train_loss": 0.1,
        }  # fmt: skip
        if np.isnan(value):
            given |= {"status": "diverged", "selection": "", "metric": "", "n_test": 0}
        found.append(given | changes)
    return found


def table(*cells, claims=()):
    names = tuple(Row(c.row, c.row) for c in cells)
    columns = (Column("x", "x", "accuracy", "%", "higher", margin=MARGIN),)
    printed = {(c.row, "x"): c.published for c in cells if c.published}
    return Table("toy", "toy", "", "", "results", "accuracy", "%", "higher", names, columns, printed, frozenset(), tuple(claims), (), "")


def judged(*cells, records=None, scale="full", claims=(), **options):
    frame = pd.DataFrame(rows() if records is None else records, columns=list(COLUMNS))
    return judge.verdicts(table(*cells, claims=claims), cells, frame, scale=scale, reading="paper", facts=FACTS, **options)


def word(one=None, records=None, **options):
    return judged(one or cell(), records=records, **options).values[0]


def test_reproduced_says_how_much_it_rests_on():
    found = word()
    assert (found.word, found.n) == ("reproduced", 5)
    assert found.mean == pytest.approx(60.0)
    assert found.difference == pytest.approx(0.0)
    assert (found.consistent, found.equivalent) == (True, True)
    assert found.sd == pytest.approx(np.std([60, 60.4, 59.6, 60.2, 59.8], ddof=1))
    assert found.low < 60 < found.high
    assert found.df == 4


@pytest.mark.parametrize(
    ("published", "values", "expected"),
    [
        ("61.00", (60.0, 61.5, 58.5, 60.75, 59.25), "inconclusive"),  # wide band, margin finer than the noise
        ("60.30", (60.0, 60.01, 59.99, 60.0, 60.0), "close"),  # outside our noise, inside the margin
        ("63.00", (60.0, 60.4, 59.6, 60.2, 59.8), "not reproduced"),
        ("57.00", (60.0, 60.4, 59.6, 60.2, 59.8), "not reproduced"),
    ],
)
def test_the_four_words(published, values, expected):
    found = word(cell(published=published), rows(values=values))
    assert found.word == expected
    if expected == "not reproduced":
        assert found.why == ("below the published value" if published == "63.00" else "above the published value")
        assert found.holm is True
    if expected == "inconclusive":
        assert found.why == "margin finer than the noise"


def test_inconclusive_says_how_many_seeds_would_decide():
    found = word(cell(published="60.50"), rows(values=(60.0, 60.9, 59.1, 60.5, 59.5)))
    assert found.word == "inconclusive"
    assert found.seeds_needed is not None
    assert found.seeds_needed > 5


def test_half_a_printed_unit_is_no_difference():
    """72 is anything from 71.5 to 72.5: without spread 71.6 is it, and 71.4 is not."""
    level = rows(values=(71.6,) * 5)
    assert word(cell(published="72"), level).consistent
    assert not word(cell(published="73"), level).consistent


def test_a_spread_of_nothing_is_floored_by_the_test_sets_granularity():
    assert word(records=rows(values=(60.0,) * 5)).sd == pytest.approx(100 / 744 / np.sqrt(12))


def test_one_seed_is_a_single_run_whatever_it_says():
    found = word(records=rows(values=(60.0,)))
    assert found.word == "single run"
    assert found.p is None


def test_a_single_run_borrows_the_spread_of_its_neighbours():
    several = judged(cell("a"), cell("b"), cell("c", "70.00"), records=rows("a") + rows("b") + rows("c", (60.0,)))
    alone = several.values[2]
    assert alone.word == "single run"
    assert alone.sd == pytest.approx(several.spread["x"])
    assert (alone.consistent, alone.p, alone.holm) == (False, None, None)


def test_a_cell_uses_the_larger_of_the_pooled_spread_and_its_own():
    wide = (60.0, 63.0, 57.0, 61.5, 58.5)
    found = judged(cell("a"), cell("b"), records=rows("a") + rows("b", wide))
    own = [np.std(v, ddof=1) for v in ((60.0, 60.4, 59.6, 60.2, 59.8), wide)]
    assert found.spread["x"] == pytest.approx(np.sqrt((own[0] ** 2 + own[1] ** 2) / 2))
    assert [v.sd for v in found.values] == [pytest.approx(found.spread["x"]), pytest.approx(own[1])]
    assert found.values[0].df == found.values[1].df == found.df["x"]


def test_a_column_pools_only_what_is_the_same_quantity():
    """Another data set in the same column has a spread of its own; the column's is that of the most cells."""
    other = cell("c", run={"dataset": "stand", "split": "standard"})
    loud = rows("c", (50.0, 60.0, 40.0, 55.0, 45.0), n_test=600)
    found = judged(cell("a"), cell("b"), other, records=rows("a") + rows("b") + loud)
    assert [v.sd > 3 for v in found.values] == [False, False, True]
    assert found.spread["x"] < 1


def test_a_cell_never_knows_less_than_its_own_runs_tell():
    """Where another cell lost three seeds, two are left to pool over."""
    nan = float("nan")
    found = judged(cell("a"), cell("b"), cell("c"), records=rows("a") + rows("b") + rows("c", (60.0, 60.5, nan, nan, nan)))
    assert found.df["x"] == 1
    assert [v.df for v in found.values] == [4, 4, 1]
    assert [v.word for v in found.values] == ["reproduced", "reproduced", "diverged"]


@pytest.mark.parametrize(
    ("state", "published", "expected"),
    [("cited", "57.7", "cited"), ("inapplicable", "Inapplicable", "inapplicable, as printed"), ("inapplicable", "61.0", "not judged")],
)
def test_words_that_need_no_run(state, published, expected):
    assert word(cell(published=published, state=state)).word == expected


def test_settings_are_compared_with_what_the_model_resolves_to():
    assert word(cell(published="128", state="setting", computed="128")).word == "reproduced"
    assert word(cell(published="128", state="setting", computed="64")).word == "not reproduced"
    assert word(cell(published="128", state="setting", computed="64"), scale="demo").word == "not comparable"
    assert word(cell(published="32x32x64", state="setting", computed="32x32x64")).word == "reproduced"
    assert word(cell(published="32x32x64", state="setting", computed="64")).word == "not reproduced"


@pytest.mark.parametrize(("printed", "expected"), [("2.22", "reproduced"), ("2.21", "not reproduced"), (None, "not judged")])
def test_a_formula_is_compared_as_rounded_in_print(printed, expected):
    assert word(cell(published=printed, state="computed", computed="2.216")).word == expected


def test_no_run_is_missing_blocked_or_failed_and_never_a_number():
    nothing = []
    assert word(records=nothing).word == "missing"
    assert word(records=nothing, blocked={"a": "toy is not prepared"}).why == "toy is not prepared"
    assert word(records=nothing, failed={"a": "no memory"}).word == "failed"
    assert word(records=nothing).mean is None


@pytest.mark.parametrize(
    ("changes", "scale", "reason"),
    [({"stand_in": True}, "full", "stand-in"), ({"imitation": True}, "full", "imitation"), ({"n_test": 700}, "full", "700 of 744"),
     ({}, "small", "scale small")],
)  # fmt: skip
def test_what_is_not_comparable_is_printed_but_never_judged(changes, scale, reason):
    found = word(records=rows(**changes), scale=scale)
    assert found.word == "not comparable"
    assert reason in found.why
    assert found.mean == pytest.approx(60.0)
    assert (found.consistent, found.p, found.holm) == (None, None, None)


def test_other_data_and_other_devices_are_never_pooled():
    mixed = rows() + rows(values=(80.0, 81.0), device_kind="cuda") + rows(values=(70.0,), fingerprint="g")
    found = judged(cell(), records=mixed)
    assert found.values[0].mean == pytest.approx(60.0)
    assert found.values[0].n == 5
    assert "left out" in found.notes[0]


def test_a_diverged_seed_is_shown_and_the_cell_is_never_reproduced():
    found = word(records=rows(values=(60.0, 60.4, float("nan"), 60.2, 59.8)))
    assert (found.word, found.diverged, found.n) == ("diverged", 1, 4)
    assert found.why == "1 of 5 seeds diverged"
    assert found.mean == pytest.approx(60.1)


def test_all_seeds_diverged_leave_no_number():
    found = word(records=rows(values=(float("nan"),) * 3))
    assert (found.word, found.why, found.mean, found.difference) == ("diverged", "3 of 3 seeds diverged", None, None)
    assert word(cell(published=None), rows(values=(float("nan"),) * 3)).word == "diverged"


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "loss", "expected"),
    [
        ((NAN, NAN, NAN, 40.0, 41.0), 0.1, "reproduced"),
        ((NAN, NAN, 40.0, 41.0, 42.0), 0.1, "not reproduced"),
        ((NAN, NAN, 40.0, 41.0, 42.0), 1.79, "reproduced"),  # the other three did not learn: ln 6 = 1.79
        ((NAN, 40.0), 1.5, "not reproduced"),  # a diverged seed's loss counts once, not as "did not learn" too
        ((60.0,) * 5, 0.1, "not reproduced"),
        ((16.0,) * 5, 1.79, "reproduced"),
        ((16.0,) * 5, 1.60, "not reproduced"),  # .9 ln 6 = 1.61
    ],
)
def test_not_converge_agrees_with_a_majority_that_diverged_or_did_not_learn(values, loss, expected):
    records = [r | ({"train_loss": 5.0} if np.isnan(r["value"]) else {}) for r in rows(values=values, train_loss=loss)]
    assert word(cell(published="Not converge"), records).word == expected


def test_inapplicable_in_print_but_it_runs():
    found = word(cell(published="Inapplicable"))
    assert (found.word, found.why) == ("not reproduced", "it could be run, with 5 seeds")
    assert word(cell(published="Inapplicable"), []).word == "missing"


@pytest.mark.parametrize("printed", ["Inapplicable", "Not converge"])
def test_words_are_not_compared_on_other_data_either(printed):
    assert word(cell(published=printed), rows(stand_in=True)).word == "not comparable"


def test_unknown_k_prints_both_verdicts_where_they_differ():
    """1.0 away at s = 0.5: within the band of a single published run, outside that of a mean of five."""
    found = word(cell(published="61.10"), rows(values=(60.0, 60.5, 59.5, 60.6, 59.4)))
    assert found.consistent
    assert found.alternative == "not reproduced"
    stated = word(replace(cell(published="61.10"), runs_behind="mean of 5"), rows(values=(60.0, 60.5, 59.5, 60.6, 59.4)))
    assert stated.word == "not reproduced"
    assert stated.alternative == ""


def test_best_of_k_is_held_against_the_best_of_k():
    values = (60.0, 60.5, 59.5, 60.6, 59.4)
    found = word(replace(cell(published="60.70"), runs_behind="best of 5"), rows(values=values))
    assert found.word == "reproduced", "0.7 above the mean is where the best of five is expected"
    assert found.low < 60.7 < found.high
    assert found.low + found.high > 2 * 60.3, "the band is not about the mean"
    assert found.alternative == ""
    below = word(replace(cell(published="59.30"), runs_behind="best of 5"), rows(values=values))
    assert (below.word, below.why) == ("not reproduced", "above the published value")
    assert word(replace(cell(published="59.30"), runs_behind="1"), rows(values=values)).consistent


@pytest.mark.parametrize("text", ["best of", "a few", "0", "mean of 0"])
def test_a_number_of_runs_that_makes_no_sense_is_one_line(text):
    with pytest.raises(UserError, match=f"toy:a:x: seeds is '{text}', expected a number from 1"):
        word(replace(cell(), runs_behind=text))


def test_relative_margins():
    wide = replace(cell(published="60.00"), margin=Margin(0.1, "10 %", "2026-11-21", relative=True))
    assert word(wide).equivalent
    assert not word(replace(wide, margin=Margin(0.001, "0.1 %", "2026-11-21", relative=True))).equivalent


def test_a_margin_finer_than_the_noise_cannot_make_equal():
    """s = 0.32 with n = 5: 2 s / sqrt(n) = 0.28."""
    assert word(replace(cell(), margin=Margin(0.27, "", ""))).why == "margin finer than the noise"
    assert word(replace(cell(), margin=Margin(0.31, "", ""))).word == "reproduced"
    far = word(replace(cell(published="63.00"), margin=Margin(0.1, "", "")))
    assert far.word == "not reproduced", "that it differs by more than the noise needs no margin"
    assert word(replace(cell(), margin=None)).why == "no margin was fixed"


def multiples(*given, base="b"):
    """Rows printed as multiples of row b, of counts around 100 and 200."""
    unit = {"versus": base, "unit": "x", "margin": Margin(0.1, "10 %", "2026-11-21", relative=True)}
    return [replace(cell(row, printed), **unit) for row, printed in given]


def test_a_relative_value_is_the_ratio_of_the_same_seed():
    cells = multiples(("b", "1.00"), ("a", "2.00"))
    records = rows("b", (100.0, 110.0, 120.0)) + rows("a", (200.0, 220.0, 240.6))
    records += rows("a", (3.0,) * 3, selection="last")
    unit, ratio = judged(*cells, records=records).values
    assert (unit.word, unit.mean) == ("not judged", 1.0)
    assert ratio.word == "reproduced"
    assert ratio.mean == pytest.approx((2 + 2 + 2.005) / 3)
    assert ratio.sd == pytest.approx(np.std([2, 2, 2.005], ddof=1)), "the spread of the ratios, not of the counts"
    assert ratio.selections == {}, "of other epochs only the counts are known"


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ([], "it is a multiple of b, of which no run is recorded"),
        (rows("b", (1.0, 1.0), device_kind="cuda"), "it is a multiple of b, which ran on other data or devices"),
        (rows("b", (0.0,) * 5), "it is a multiple of b, on no common seed"),
    ],
)
def test_a_multiple_of_nothing_is_missing(base, why):
    _, ratio = judged(*multiples(("b", "1.00"), ("a", "2.00")), records=rows("a") + base).values
    assert (ratio.word, ratio.why, ratio.mean) == ("missing", why, None)


def test_the_other_selections_stand_beside():
    found = word(records=rows() + rows(values=(55.0,) * 5, selection="last"))
    assert found.selections == {"last": 55.0}


def test_unequal_seed_sets_pool_over_the_complete_seeds():
    found = judged(cell("a"), cell("b"), records=rows("a") + rows("b", (60.0, 61.0, 62.0)))
    first = np.array([60.0, 60.4, 59.6]).var(ddof=1), np.array([60.0, 61.0, 62.0]).var(ddof=1)
    assert found.spread["x"] == pytest.approx(np.sqrt(sum(first) / 2))
    assert 2 <= found.df["x"] <= 2 * 2
    assert {v.n for v in found.values} == {5, 3}
    assert found.values[0].df >= 4, "a cell never knows less than its own runs tell"


def test_seed_sets_without_overlap_are_judged_each_by_itself():
    apart = [r | {"seed": r["seed"] + 100} for r in rows("b", (60.0, 61.0, 62.0))]
    found = judged(cell("a"), cell("b"), records=rows("a") + apart)
    assert found.spread == {}
    assert [(v.sd, v.df) for v in found.values] == [(pytest.approx(np.std([60, 60.4, 59.6, 60.2, 59.8], ddof=1)), 4), (1.0, 2)]


def test_multiplicity_counts_a_shared_cell_once():
    shared = [cell("a"), replace(cell("b"), key="a"), cell("c", "70.00")]
    found = judged(*shared, records=rows("a") + rows("c"))
    assert found.expected_false_alarms == pytest.approx(0.10)
    assert [v.holm for v in found.values] == [False, False, True]


def test_two_numbers_read_off_one_run_are_two_tests():
    f1 = replace(cell("b", "60.00"), key="a", view=View("macro-f1"), metric="macro-f1")
    found = judged(cell("a"), f1, records=rows("a") + rows("a", metric="macro-f1"))
    assert found.expected_false_alarms == pytest.approx(0.10)


def test_what_is_not_judged_is_no_test():
    found = judged(cell("a"), cell("b"), cell("c"), records=rows("a", (60.0,)) + rows("b", stand_in=True))
    assert found.expected_false_alarms is None
    assert {v.holm for v in found.values} == {None}


def test_claims_are_judged_and_say_when_data_hinder_them():
    claim = Claim("toy", "b beats a", "better", ("b",), ("a",), ("x",), transfers=True)
    records = rows("a") + rows("b", (63.0, 63.4, 62.6, 63.3, 62.7))
    assert judged(cell("a"), cell("b"), records=records, claims=(claim,)).claims[0].word == "holds"
    assert judged(cell("a"), cell("b"), records=records, claims=(claim,), scale="demo").claims[0].word == "seen"
    lost = [r | {"n_test": 700} for r in records]
    found = judged(cell("a"), cell("b"), records=lost, claims=(claim,)).claims[0]
    assert (found.word, found.why) == ("holds", "700 of 744 test items found"), "our runs are compared among themselves"
    made_up = [r | {"imitation": True} for r in records]
    found = judged(cell("a"), cell("b"), records=made_up, claims=(claim,)).claims[0]
    assert (found.word, found.why) == ("undecided", "not comparable: ran on an imitation of toy")
    assert judged(cell("a"), cell("b"), records=rows("a"), claims=(claim,)).claims[0].word == "missing"
    why = "blocked: toy is not prepared"
    found = judged(cell("a"), cell("b"), records=rows("a"), claims=(claim,), blocked={"b": why}).claims[0]
    assert (found.word, found.why) == ("missing", why), "as its values say"
    assert judged(cell("a"), cell("b"), records=rows("a"), claims=(claim,), blocked={"a": why}).claims[0].why == "no runs of b in x"


def test_an_empty_frame_is_a_table_of_missing_runs():
    assert {v.word for v in judged(cell("a"), cell("b"), records=[]).values} == {"missing"}
