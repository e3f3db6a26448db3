"""Every form of claim on runs whose answer is plain, on runs that leave it open, and where runs are missing."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mmbench import claims, forms, wording
from mmbench.sample import Sample
from mmbench.spec import FORMS, Cell, Claim, Column, Margin, Row, Table, View

ROWS = ("base", "a", "b", "c")


def table(better="higher"):
    margin = Margin(0.5, "half of 1.0", "2026-11-21")
    return Table(
        "toy", "toy", "", "", "results", "accuracy", "%", better, tuple(Row(r, r) for r in ROWS),
        (Column("x", "x", "accuracy", "%", better, margin=margin), Column("y", "y", "accuracy", "%", better)),
        {(r, c): "1.0" for r in ROWS for c in "xy"}, frozenset(), (), (), "",
    )  # fmt: skip


def runs(base=60.0, a=61.0, b=64.0, c=62.0, noise=0.05, seeds=5):
    source = np.random.default_rng(0)
    means = dict(zip(ROWS, (base, a, b, c), strict=True))
    noises = {(r, col): source.standard_normal(seeds) for r in ROWS for col in "xy"}  # about 0, so that a row's mean is as given
    return {at: {s: means[at[0]] + noise * (drawn[s] - drawn.mean()) for s in range(seeds)} for at, drawn in noises.items()}


def sample(row, column, values, **more):
    return Sample(Cell("toy", row, column, "1.0", "accuracy", "", "higher", "run", key=f"{row}{column}"), values, **more)


def recorded(quantities):
    """{(name, selection): {seed: value}} as a frame's columns."""
    long = [(name, selection, seed, v) for (name, selection), series in quantities.items() for seed, v in series.items()]
    return {c: np.array(col, dtype) for c, col, dtype in zip(("metric", "selection", "seed", "value"), zip(*long), "OOif")}  # noqa: B905


def samples(values=None, quantities=None, **more):
    found = {at: sample(*at, series, **more.get(at[0], {})) for at, series in (values or runs()).items()}
    for row, own in (quantities or {}).items():
        found[row, "x"] = replace(found[row, "x"], rows=recorded(own))
    return found


def judged(form, values=None, better="higher", stand_in=False, quantities=None, more=None, **fields):
    fields = {"columns": ("x",), **fields}
    claim = Claim("toy", "says", form, **fields)
    return claims.evaluate(claim, table(better), samples(values, quantities, **(more or {})), stand_in=stand_in)


CLEAR = [
    ("better", {"rows": ("a",), "than": ("base",)}, "holds"),
    ("better", {"rows": ("base",), "than": ("a",)}, "fails"),
    ("better", {"rows": ("b",)}, "holds"),  # than all others
    ("better", {"rows": ("a", "b"), "than": ("c",)}, "fails"),
    ("better", {"rows": ("a", "b"), "than": ("c",), "over": "any"}, "holds"),
    ("best", {"rows": ("b",)}, "holds"),
    ("best", {"rows": ("a",)}, "fails"),
    ("best", {"rows": ("a", "b")}, "holds"),
    ("rises-then-falls", {"rows": ("base", "a", "b", "c")}, "holds"),
    ("rises-then-falls", {"rows": ("base", "a", "c", "b")}, "fails"),
    ("monotone", {"rows": ("base", "a", "c", "b")}, "holds"),
    ("monotone", {"rows": ("base", "a", "b", "c")}, "fails"),
    ("flat", {"rows": ("a", "c"), "amount": "1.5"}, "holds"),
    ("flat", {"rows": ("a", "c")}, "fails"),  # the column's margin, 0.5
    ("gain", {"rows": ("b",), "than": ("base",), "amount": "+4.0"}, "holds"),
    ("gain", {"rows": ("b",), "than": ("base",), "amount": "+18.14"}, "fails"),
    ("gain", {"rows": ("a", "b"), "than": ("base",)}, "holds"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "lower"}, "holds"),
    ("cost", {"rows": ("b",), "than": ("base",), "amount": "lower"}, "fails"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "0.9375x"}, "holds"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "2.68x"}, "fails"),
    ("value", {"rows": ("a",), "amount": "61.0"}, "holds"),
    ("value", {"rows": ("a",), "amount": "63.0"}, "fails"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "fields", "word"), CLEAR)
def test_plain_cases(form, fields, word):
    assert judged(form, **fields).word == word


def test_every_form_has_a_plain_case():
    assert {case[0] for case in CLEAR} | {"curve"} == set(FORMS) == set(claims.FORMS)


@pytest.mark.parametrize(
    ("form", "fields"),
    [("better", {"rows": ("a",), "than": ("c",)}), ("best", {"rows": ("b",)}), ("rises-then-falls", {"rows": ("base", "b", "c")})],
)
def test_noise_leaves_it_undecided(form, fields):
    assert judged(form, runs(61.5, 61.5, 62, 61.5, noise=2.0), **fields).word == "undecided"


def test_lower_is_better_turns_everything_round():
    assert judged("better", better="lower", rows=("base",), than=("b",)).word == "holds"
    assert judged("best", better="lower", rows=("base",)).word == "holds"
    assert judged("monotone", better="lower", rows=("b", "c", "a", "base")).word == "holds"


def test_it_must_hold_in_all_columns_or_in_any():
    values = runs()
    values |= {("a", "y"): {s: 50.0 + s / 10 for s in range(5)}}
    fields = {"rows": ("a",), "than": ("base",), "columns": ("x", "y")}
    assert judged("better", values, **fields).word == "fails"
    assert judged("better", values, **fields, over="any").word == "holds"


def test_missing_runs_and_single_seeds_are_said_not_guessed():
    values = runs()
    del values["a", "x"]
    found = judged("better", values, rows=("a",), than=("base",))
    assert (found.word, found.why) == ("missing", "no runs of a in x")
    assert judged("better", runs(seeds=1), rows=("a",), than=("base",)).word == "missing"
    disjoint = runs()
    disjoint["a", "x"] = {100 + s: v for s, v in disjoint["a", "x"].items()}
    assert "0 common seeds" in judged("better", disjoint, rows=("a",), than=("base",)).why


def test_a_failing_part_decides_even_where_another_part_is_missing():
    values = runs()
    del values["c", "x"]
    both = {"rows": ("base",), "than": ("b", "c")}
    assert judged("better", values, **both).word == "missing", "one layout for all rows of a column"
    values = runs()
    values |= {("a", "y"): {}}
    assert judged("better", values, rows=("a",), than=("b",), columns=("x", "y")).word == "fails"


def test_on_a_stand_in_only_directions_are_looked_for_in_their_own_words():
    fields = {"rows": ("a",), "than": ("base",)}
    assert judged("better", stand_in=True, transfers=True, **fields).word == "seen"
    assert judged("better", stand_in=True, transfers=True, rows=("base",), than=("a",)).word == "not seen"
    assert judged("better", stand_in=True, **fields).word == "not judged on a stand-in"


def test_pairing_by_seed_finds_what_unpaired_noise_would_hide():
    """Seeds move all rows together by 5; the difference of 0.5 is the same in each."""
    shift = {s: 5.0 * s for s in range(5)}
    values = {("a", "x"): {s: 60.5 + shift[s] + 0.01 * (-1) ** s for s in range(5)}, ("base", "x"): {s: 60 + shift[s] for s in range(5)}}
    assert judged("better", values, rows=("a",), than=("base",)).word == "holds"


def series(value):
    return {s: value + 0.01 * s * (-1) ** s for s in range(5)}


@pytest.mark.parametrize(
    ("quantity", "word"),
    [("log.k rises", "holds"), ("log.k falls", "fails"), ("log.k < log.d", "holds"), ("log.k > log.d", "fails"),
     ("log.none rises", "missing"), ("log.k wobbles", "missing")],
)  # fmt: skip
def test_curves_compare_ends_or_two_quantities(quantity, word):
    own = {("log.k", "last"): series(0.7), ("log.k", "first"): series(0.5), ("log.d", "last"): series(0.9)}
    assert judged("curve", rows=("a",), quantity=quantity, quantities={"a": own}).word == word


def test_a_falling_quantity():
    own = {("log.zeta", "last"): series(0.2), ("log.zeta", "first"): series(0.5)}
    found = judged("curve", rows=("a",), quantity="log.zeta falls", quantities={"a": own})
    assert (found.word, found.estimate) == ("holds", pytest.approx(0.3))
    assert judged("curve", rows=("a",), quantity="log.zeta rises", quantities={"a": own}).word == "fails"


def test_a_course_may_have_several_parts():
    own = {("log.k", "last"): series(0.7), ("log.k", "first"): series(0.5), ("log.d", "first"): series(0.6), ("log.d", "last"): series(0.6)}
    starts_below = "log.k < log.d at first and log.k rises"
    found = judged("curve", rows=("a",), quantity=starts_below, quantities={"a": own})
    assert (found.word, found.comparisons, found.of.quantity) == ("holds", 2, "log.k < log.d at first")
    wrong = judged("curve", rows=("a",), quantity=f"{starts_below} and log.k < log.d", quantities={"a": own})
    assert (wrong.word, wrong.of.quantity) == ("fails", "log.k < log.d")


def test_printed_amounts_are_read():
    assert [forms.number(t) for t in ("+18.14", "0.96x", "2 %", "-3", "about 2")] == [18.14, 0.96, 2.0, -3.0, 2.0]
    with pytest.raises(ValueError, match="no number in the amount 'much'"):
        forms.number("much")


def test_the_numbers_of_a_gain_are_the_paired_t_interval():
    values = {("a", "x"): {0: 61.0, 1: 62.5, 2: 61.0}, ("base", "x"): {0: 60.0, 1: 61.0, 2: 60.5}}
    found = judged("gain", values, rows=("a",), than=("base",))
    half = 2.919986 * 0.5 / np.sqrt(3)  # t(.95, 2); the differences 1, 1.5, 0.5
    assert (found.estimate, found.low, found.high) == tuple(pytest.approx(x, rel=1e-5) for x in (1.0, 1.0 - half, 1.0 + half))
    assert (found.df, found.n, found.word) == (2, 3, "holds")


def gained(by, spread, seeds=5):
    """Paired gains of the given mean and standard deviation."""
    source = np.random.default_rng(2).standard_normal(seeds)
    noise = spread * (source - source.mean()) / source.std(ddof=1)
    return {("a", "x"): {s: 60 + by + noise[s] for s in range(seeds)}, ("base", "x"): dict.fromkeys(range(seeds), 60.0)}


@pytest.mark.parametrize(
    ("by", "spread", "amount", "word"),
    [
        (4.0, 1.0, "4.00", "holds"),
        (4.0, 1.0, "6.50", "holds"),  # one more pair of runs: 4 +- t(.975, 4) sqrt(1 + 1/5) = 3.04
        (4.0, 1.0, "7.10", "fails"),
        (4.0, 1.0, "-4.00", "holds"),  # a lower error rate: the sign is the column's
        (0.1, 1.0, "0.10", "undecided"),  # fits, but there may be no gain
        (0.1, 1.0, "9.80", "fails"),  # the direction is open, the amount is not
        (-4.0, 1.0, "4.00", "fails"),
        (4.0, 0.001, "4.20", "holds"),  # further off than our noise, but within the column's margin of 0.5
        (4.0, 0.001, "4.60", "fails"),
        (4.1, 0.001, "5", "holds"),  # printed without decimals: 4.5 and more, and the margin reaches down to 4.0
    ],
)
def test_the_amount_of_a_gain(by, spread, amount, word):
    assert judged("gain", gained(by, spread), rows=("a",), than=("base",), amount=amount).word == word


def test_more_seeds_do_not_make_a_printed_amount_harder_to_meet():
    """The stated gain is one pair of runs: an interval of our mean would shrink past it (facts, judging 4.2)."""
    words = {judged("gain", gained(4.0, 1.0, n), rows=("a",), than=("base",), amount="5.5").word for n in (5, 20, 80)}
    assert words == {"holds"}


@pytest.mark.parametrize(("spread", "word"), [(0.01, "holds"), (1.0, "undecided")])
def test_a_value_holds_only_where_the_noise_allows_to_say_so(spread, word):
    values = {("a", "x"): {s: v for s, v in enumerate(61 + spread * np.array([-1, 0, 1, 0, 0]))}}
    assert judged("value", values, rows=("a",), amount="61.1").word == word


def test_the_numbers_of_a_cost_are_ratios():
    values = {("a", "x"): {0: 2.0, 1: 4.0, 2: 6.0}, ("base", "x"): {0: 1.0, 1: 2.0, 2: 3.0}}
    found = judged("cost", values, rows=("a",), than=("base",), amount="higher")
    assert (found.word, found.estimate, found.low, found.high) == ("holds", *[pytest.approx(2.0)] * 3)
    assert judged("cost", values, rows=("a",), than=("base",)).word == "fails"
    zero = values | {("base", "x"): {0: 0.0, 1: 2.0, 2: 3.0}}
    assert judged("cost", zero, rows=("a",), than=("base",)).why == "a cost of a or base is not above 0"


def test_best_among_named_rows_only():
    assert judged("best", rows=("c",), than=("a", "base")).word == "holds"
    assert judged("best", rows=("c",)).word == "fails"
    assert judged("best", rows=ROWS).word == "missing", "nothing is left to be better than"


def test_all_other_rows_are_those_with_a_number_of_ours():
    """A row that is only cited, or printed as a word, is no rival; one that merely has not been run is."""
    toy = table()
    words = {**toy.published, ("c", "x"): "Inapplicable"}
    cited = tuple(replace(r, cited=r.id == "base") for r in toy.rows)
    found = {at: s for at, s in samples().items() if at[0] not in ("base", "c")}
    claim = Claim("toy", "says", "best", ("b",), columns=("x",))
    assert claims.evaluate(claim, replace(toy, published=words, rows=cited), found, stand_in=False).word == "holds"
    unrun = samples() | {("c", "x"): sample("c", "x", {})}
    assert claims.evaluate(claim, toy, unrun, stand_in=False).why == "no runs of c in x"


def test_of_many_comparisons_one_lucky_one_is_no_news():
    """t = 2.35, between t(.95, 4) = 2.13 and t(.975, 4) = 2.78: enough alone, not as one of two of which one would do."""
    values = gained(1.0, 0.95) | {(r, "y"): v for (r, _), v in gained(1.0, 0.95).items()}
    one = {"rows": ("a",), "than": ("base",)}
    assert judged("better", values, **one).word == "holds"
    assert judged("better", values, columns=("x", "y"), **one).word == "holds"
    assert judged("better", values, columns=("x", "y"), over="any", **one).word == "undecided"
    other = {"rows": ("base",), "than": ("a",)}
    assert judged("better", values, **other).word == "fails"
    assert judged("better", values, columns=("x", "y"), **other).word == "undecided"
    assert judged("better", values, columns=("x", "y"), over="any", **other).word == "fails"


def test_the_weakest_of_all_and_the_strongest_of_any_give_the_numbers():
    both = {"rows": ("a", "b"), "than": ("base",)}
    assert judged("gain", **both).estimate == pytest.approx(1.0)
    assert judged("gain", **both, over="any").estimate == pytest.approx(4.0)


def test_runs_on_other_devices_are_never_paired():
    found = judged("better", rows=("a",), than=("base",), more={"a": {"origin": ("local", "cuda", "")}})
    assert (found.word, found.why) == ("missing", "runs in x are on different data or devices, and are never paired")


def test_ours_are_paired_with_those_that_come_with_the_project():
    """Whoever runs one cell of a table keeps the claims: the other cells are there, of the same seeds on the same data and device."""
    alone = judged("better", rows=("a",), than=("base",))
    assert judged("better", rows=("a",), than=("base",), more={"a": {"origin": ("reference", "", "")}}) == alone


def test_diverged_seeds_are_left_out_and_named():
    values = runs()
    del values["a", "x"][3]
    found = judged("better", values, rows=("a",), than=("base",), more={"a": {"diverged": (3,)}})
    assert (found.word, found.n, found.why) == ("holds", 4, "a diverged with 1 of 5 seeds")


@pytest.mark.parametrize(
    ("form", "fields", "hindrance", "word"),
    [
        ("better", {}, {"hindrance": "700 of 744 test items found"}, "holds"),  # our runs among themselves
        ("gain", {"amount": "1.0"}, {"hindrance": "700 of 744 test items found"}, "undecided"),
        ("better", {}, {"foreign": "ran on an imitation of x", "hindrance": "ran on an imitation of x"}, "undecided"),
    ],
)
def test_what_hinders_a_comparison(form, fields, hindrance, word):
    found = judged(form, rows=("a",), than=("base",), more={"a": hindrance}, **fields)
    assert found.word == word
    assert hindrance["hindrance"] in found.why
    elsewhere = judged(form, rows=("a",), than=("base",), more={"c": hindrance}, **fields)
    assert elsewhere.word == "holds", "a row that the claim does not speak of"


def generated():
    """Claims with one and several comparisons, on runs whose differences lie all about what the noise allows to say."""
    source = np.random.default_rng(9)
    named = [{"rows": ("a",), "than": ("base",)}, {"rows": ("a", "b")}, {"rows": ("a", "b"), "columns": ("x", "y")}]
    amounts = [("better", ""), ("gain", ""), ("gain", "0.50"), ("cost", ""), ("cost", "higher"), ("cost", "0.99"), ("cost", "1.01")]
    for (form, amount), fields, over, looks, stand_in in product(amounts, named, ("all", "any"), (1, 4), (True, False)):
        given = {"columns": ("x",), "than": ("base", "c"), "over": over, "amount": amount, "transfers": True, **fields}
        for _ in range(2):
            values = runs(*(60 + 0.6 * source.standard_normal(4)), noise=source.uniform(0.1, 0.8), seeds=int(source.integers(2, 6)))
            yield claims.evaluate(Claim("toy", "says", form, **given), table(), samples(values), stand_in=stand_in, looks=looks)


def printed_side(found):
    """On which side of the edge the printed interval lies, in the words of a claim."""
    text = wording.evidence(found, table(), {})
    ends = [float(n) for n in re.search(r"interval (\S+) to ([-+]?[\d.]+)", text).groups()]
    cost = found.claim.form == "cost"
    sign = forms.tested.sign_of_cost(found.claim.amount) if cost else 1.0
    low, high = sorted(sign * (end - cost) for end in ends)
    return "holds" if low > 0 else "fails" if high < 0 else "undecided"


def test_the_words_follow_from_the_printed_bounds():
    """Of every verdict, read back from its evidence; only a printed amount can decide otherwise, and then the reason is printed too."""
    met, words = set(), {seen: word for word, seen in claims.STAND_IN.items()}
    for found in generated():
        word, side = words.get(found.word, found.word), printed_side(found)
        met.add((found.claim.form, bool(found.why), word))
        unlike = " is not what one more pair" in found.why and "within the margin" not in found.why
        if unlike:
            assert word == "fails"
        elif found.claim.form != "cost" or not found.why:
            assert word == side, found
    every = {(form, False, word) for form in ("better", "gain", "cost") for word in ("holds", "fails", "undecided")}
    assert every | {("gain", True, "fails"), ("gain", True, "holds"), ("cost", True, "holds"), ("cost", True, "undecided")} <= met


def test_a_bound_of_several_comparisons_says_at_which_level():
    """The numbers that reviewers found to contradict: printed at 5 %, asked at 5 % of four."""
    values = gained(-1.0, 0.95) | {(r, "y"): v for (r, _), v in gained(-1.0, 0.95).items()}
    found = judged("better", values, columns=("x", "y"), rows=("a",), than=("base",))
    assert (found.word, found.comparisons, found.risks) == ("undecided", 2, (0.05, 0.025))
    assert found.low < -1 < 0 < found.high
    assert wording.evidence(found, table(), {("a", "x"): "av-digits", ("base", "x"): "av-digits"}) == (
        "weakest of 2 comparisons: a minus base in x, on av-digits: -1.00 points, "
        "interval -1.91 to +0.18 (lower end at 5 %, upper end at 2.5 %), 4 degrees of freedom, 5 seeds"
    )


def test_the_same_runs_are_compared_once():
    """Two columns that one stand-in imitates: one comparison, named with both columns, and asked at the whole level."""
    values = gained(-1.0, 0.95) | {(r, "y"): v for (r, _), v in gained(-1.0, 0.95).items()}
    found = {at: sample(*at, series) for at, series in values.items()}
    shared = {at: replace(s, cell=replace(s.cell, key=at[0])) for at, s in found.items()}
    claim = Claim("toy", "says", "better", ("a",), ("base",), ("x", "y"), transfers=True)
    once = claims.evaluate(claim, table(), shared, stand_in=True)
    assert (once.word, once.comparisons, once.of.columns) == ("not seen", 1, ("x", "y"))
    assert claims.evaluate(claim, table(), found, stand_in=True).comparisons == 2
    other = {at: replace(s, cell=replace(s.cell, view=View("macro-f1"))) if at[1] == "y" else s for at, s in shared.items()}
    assert claims.evaluate(claim, table(), other, stand_in=True).comparisons == 2, "read in another way"


def test_what_cannot_be_run_says_why():
    values = runs()
    del values["a", "x"], values["c", "x"]
    found = {at: s for at, s in samples(values).items()} | {(r, "x"): sample(r, "x", {}) for r in "ac"}
    claim = Claim("toy", "says", "better", ("a", "c"), ("base",), ("x",))
    absent = {"ax": "blocked: x is not prepared: run ...", "cx": "blocked: y is not prepared: run ..."}
    one = claims.evaluate(claim, table(), found, stand_in=False, absent=absent)
    assert (one.word, one.why) == ("missing", "blocked: x is not prepared: run ...; y is not prepared: run ...")
    partly = claims.evaluate(claim, table(), found, stand_in=False, absent={"ax": absent["ax"]})
    assert partly.why == "no runs of a and c in x"


@pytest.mark.parametrize("form", ["best", "rises-then-falls", "flat", "value"])
def test_optima_and_sizes_never_transfer(form):
    found = judged(form, rows=("base", "a", "b"), amount="1.0", transfers=True, stand_in=True)
    assert (found.word, found.estimate) == ("not judged on a stand-in", None)


def test_what_is_not_looked_for_on_a_stand_in_says_why():
    own = judged("better", rows=("a",), than=("base",), stays="said of one data set alone", stand_in=True)
    assert (own.word, own.why) == ("not judged on a stand-in", "said of one data set alone")
    assert judged("best", rows=("a",), stand_in=True).why == "where an optimum lies on other data says nothing"


def test_of_an_amount_only_the_direction_transfers():
    fields = {"rows": ("b",), "than": ("base",), "transfers": True, "stand_in": True}
    assert judged("gain", amount="18.14", **fields).word == "seen"
    assert judged("cost", amount="2.68", **fields).word == "seen"
    assert judged("cost", amount="0.50", **fields).word == "not seen"
    noisy = runs(62, 62, 62, 62, noise=3.0)
    assert judged("gain", noisy, amount="18.14", **fields).word == "unclear"


def test_flat_takes_a_relative_margin_of_the_rows_mean():
    wide = Margin(0.05, "5 %", "2026-11-21", relative=True)
    toy = table()
    relative = replace(toy, columns=(replace(toy.columns[0], margin=wide), toy.columns[1]))
    claim = Claim("toy", "says", "flat", ("a", "c"), columns=("x",))  # 61 and 62: 5 % is about 3
    assert claims.evaluate(claim, relative, samples(), stand_in=False).word == "holds"
    none = replace(claim, columns=("y",))
    assert claims.evaluate(none, relative, samples(), stand_in=False).why == "no amount and no margin say how flat"


def test_a_claim_without_any_cell_is_missing():
    assert judged("better", columns=(), rows=("a",), than=("base",)).why == "no cell to ask"


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_claim_that_is_false_seldom_holds(seeds):
    """No difference at all: 5 % of the tables say "better", 5 % "worse"; 2,000 tables have a standard error of 0.5 %."""
    source, words = np.random.default_rng(seeds), []
    for _ in range(2000):
        drawn = source.standard_normal((2, seeds)) + source.standard_normal(seeds)
        values = {(r, "x"): dict(enumerate(drawn[i])) for i, r in enumerate(("a", "base"))}
        words.append(judged("better", values, rows=("a",), than=("base",)).word)
    assert 0.03 <= words.count("holds") / 2000 <= 0.07
    assert 0.03 <= words.count("fails") / 2000 <= 0.07
