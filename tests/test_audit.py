"""The lint: each check on a planted error and on a sound table, and what it must find in the four papers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import audit
from mmbench.spec import Cell, Claim, Column, DatasetFacts, Margin, Row, Table, View

FACTS = {"toy": DatasetFacts("toy", "Toy", 6, ("a", "v"), {"s": {"train": 10, "test": 744}}, "s", "p")}
ROWS = ("base", "a", "b")


def cell(row, column="x", table="toy-one", published="1.00", metric="accuracy", key=None, scale=None, **more):
    run = {"dataset": "toy", "split": "s", "modalities": ["a", "v"], "head": "cosine" if scale else "concat"}
    run["head_params"] = {"scale": scale} if scale else {}
    view = View(metric, output=more.pop("output", "fused"))
    return Cell(table, row, column, published, metric, "%", "higher", "run", key=key or f"{row}{column}", run=run, view=view, **more)


def table(values=("60.00", "61.00", "62.00"), claims=(), bold=(), id="toy-one", paper="toy", labels=ROWS, x=(None, 1, 2)):
    rows = tuple(Row(r, label, n) for r, label, n in zip(ROWS, labels, x, strict=True))
    return Table(
        id, paper, "", "", "results", "accuracy", "%", "higher", rows, (Column("x", "X", "accuracy", "%", "higher"),),
        {(r, "x"): v for r, v in zip(ROWS, values, strict=True)}, frozenset((r, "x") for r in bold), tuple(claims), (), "",
    )  # fmt: skip


def suite(*tables, cells=None, **stated):
    found = {t.id: tuple(cell(r, table=t.id, published=t.published[r, "x"]) for r in ROWS) for t in tables}
    return audit.Suite(tables, found | (cells or {}), FACTS, {"names": [], "count": [], "identity": []} | stated)


def kinds(*arguments, **stated):
    return [f.kind for f in audit.examine(suite(*arguments, **stated)) if f.kind != "single runs"]


def claim(form, rows, than=(), **more):
    return Claim("toy-one", "says so", form, rows, than, ("x",), **more)


def test_a_sound_table_has_no_finding():
    sound = (
        claim("better", ("b",), ("base",)),
        claim("best", ("b",)),
        claim("gain", ("b",), ("base",), amount="2.00"),
        claim("monotone", ROWS),
        claim("value", ("a",), amount="61.0"),
        claim("rises-then-falls", ("base", "b", "a")),
        claim("flat", ROWS, amount="2.0"),
        claim("cost", ("b",), ("base",), amount="1.03"),
        claim("cost", ("base",), ("b",)),
        claim("better", ("a",), ("base", "b"), over="any"),
    )
    assert kinds(table(claims=sound, bold=("b",))) == []


PLANTED = [
    ("gain", claim("gain", ("b",), ("base",), amount="+3.00")),
    ("gain", claim("value", ("a",), amount="62.0")),
    ("gain", claim("cost", ("a",), ("base",), amount="2.00")),
    ("refuted", claim("better", ("base",), ("a",))),
    ("refuted", claim("best", ("a",))),
    ("refuted", claim("monotone", ("b", "a"))),
    ("refuted", claim("rises-then-falls", ROWS)),
    ("refuted", claim("gain", ("base",), ("a",))),
    ("refuted", claim("flat", ROWS, amount="1.5")),
    ("refuted", claim("cost", ("a",), ("base",))),
    ("refuted", claim("cost", ("base",), ("a",), amount="higher")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "wrong"), PLANTED)
def test_a_sentence_against_the_numbers_is_found(kind, wrong):
    assert kinds(table(claims=(wrong,))) == [kind]


def test_bold_that_is_not_best_is_found_and_the_better_of_each_pair_is_none():
    assert kinds(table(bold=("a",))) == ["bold"]
    three = table(bold=("base", "b"))
    pairs = replace(
        three,
        rows=(*three.rows, Row("c", "c")),
        published={("base", "x"): "61.00", ("a", "x"): "60.00", ("b", "x"): "62.00", ("c", "x"): "59.00"},
    )
    assert kinds(pairs) == []
    worse = replace(pairs, published=dict(pairs.published) | {("c", "x"): "62.50"})
    assert [f.expected for f in audit.examine(suite(worse)) if f.kind == "bold"] == ["the best: c 62.50"]
    tie = table(("60.00", "62.00", "62.00"), bold=("a",))
    assert kinds(tie) == [], "one of two best"


def test_one_configuration_with_two_values_and_a_value_in_two_papers():
    one, other = table(id="toy-one"), table(("60.50", "61.00", "62.00"), id="other-one", paper="other")
    assert sorted(kinds(one, other)) == ["shared", "shared", "two values"]


def test_values_of_unlike_precision_are_one_value_if_they_can_be():
    one, coarse = table(), table(("60.0", "61.0", "62.0"), id="toy-two")
    assert kinds(one, coarse) == []
    assert kinds(one, table(("60.1", "61.0", "62.0"), id="toy-two")) == ["two values"]


def test_an_amount_that_unrounded_values_can_give_is_no_finding():
    assert kinds(table(claims=(claim("gain", ("b",), ("base",), amount="2.01"),))) == []
    assert kinds(table(claims=(claim("gain", ("b",), ("base",), amount="2.02"),))) == ["gain"]
    assert kinds(table(claims=(claim("gain", ("base",), ("b",), amount="2.00"),))) == ["gain"], "a loss is no gain"


def test_the_margin_of_the_column_says_what_is_flat():
    one = table(claims=(claim("flat", ROWS),))
    assert kinds(one) == [], "nothing says what flat means"
    narrow = replace(one, columns=(replace(one.columns[0], margin=Margin(1.0, "why", "2026-01-01")),))
    assert kinds(narrow) == ["refuted"]


def test_a_baseline_in_two_papers_and_outside():
    plain = {"method": "joint", "head": "concat", "model": "fusion", "optimiser": {"name": "sgd"}}

    def of(paper, value):
        one = replace(cell("base", table=f"{paper}-one", published=value, key=paper))
        return replace(one, run={**one.run, **plain})

    tables = table(id="toy-one"), table(id="other-one", paper="other")

    def found(first, second, *outside):
        made = suite(*tables, cells={"toy-one": (of("toy", first),), "other-one": (of("other", second),)})
        return [f.found for f in audit.examine(replace(made, outside=outside)) if f.kind == "baseline"]

    assert found("60.00", "60.00") == []
    assert found("60.00", "61.00")[0].startswith("60 to 61: ")
    third = {"like": ["toy-one:base:x"], "value": "52-58", "source": "a third"}
    assert found("60.00", "60.00", third) == ["52 to 60: toy 60.00 (sgd); other 60.00 (sgd); a third 52-58"]


def test_cited_rows_are_not_counted_as_runs_of_the_paper():
    one = table(("50.01", "50.02", "50.03"))
    found = [f for f in audit.examine(suite(one)) if f.kind == "single runs"]
    assert [f.says.split(" percentages")[0] for f in found] == ["0 of 3"]
    taken = replace(one, rows=tuple(replace(r, cited=True, source="else") for r in one.rows))
    assert not audit.examine(suite(taken))


def test_a_name_that_the_table_lacks_and_a_label_printed_twice():
    entry = {"paper": "toy", "table": "toy-one", "says": "on Toy and X and CEFA", "names": ["toy", "X", "CEFA"]}
    found = audit.examine(suite(table(), names=[entry]))
    assert [f.found for f in found if f.kind == "name"] == ["CEFA is none of them"]
    assert kinds(table(labels=("base", "f_2", "f_2"))) == ["label"]


def test_a_best_scale_below_its_bound_and_a_scale_above_it_under_the_baseline():
    values = ("60.00", "63.00", "59.00")
    scales = {"base": None, "a": 2.0, "b": 10.0}
    cells = {"toy-one": tuple(cell(r, published=v, scale=scales[r]) for r, v in zip(ROWS, values, strict=True))}
    found = audit.examine(suite(table(values), cells=cells))
    assert [f.found for f in found if f.kind == "bound"] == ["X: best is s = 2, 63.00", "X: s = 10 has 59.00, the baseline 60.00"]
    sound = {"toy-one": tuple(replace(c, published=v) for c, v in zip(cells["toy-one"], ("60.00", "61.00", "63.00"), strict=True))}
    assert not [f for f in audit.examine(suite(table(), cells=sound)) if f.kind == "bound"]


@pytest.mark.parametrize(
    ("compl", "contr", "zeta", "expected"),
    [(("23.44", "1.56"), ("26.56", "48.44"), "0.07", []), (("23.44", "1.56"), ("26.56", "48.44"), "0.06", ["ratio"]),
     (("23.44", "1.56"), ("26.56", "49.44"), "0.07", ["share"])],
)  # fmt: skip
def test_shares_and_zeta(compl, contr, zeta, expected):
    cells = tuple(cell(f"m{i}", "compl", published=v, metric="compl", key="k", output=f"m{i}") for i, v in enumerate(compl))
    cells += tuple(cell(f"m{i}", "contr", published=v, metric="contr", key="k", output=f"m{i}") for i, v in enumerate(contr))
    cells += (cell("both", "zeta", published=zeta, metric="zeta", key="k"),)
    assert kinds(table(), cells={"toy-one": cells}) == expected


def test_sizes_are_whole_channels_and_tell_the_ratio():
    """11 and 14 of 128 channels: zeta .786, printed .79; the percentages alone (8.59 / 10.94) would allow .78."""
    run = {"dataset": "toy", "split": "s", "modalities": ["a", "v"], "encoders": {m: {"dimension": 64} for m in "av"}}

    def found(first, second, zeta):
        made = (("a", first, "compl"), ("b", second, "compl"), ("base", zeta, "zeta"))
        cells = tuple(replace(cell(r, published=v, metric=m, key="k"), run=run) for r, v, m in made)
        return [f for f in audit.examine(suite(table(), cells={"toy-one": cells})) if f.kind in ("share", "ratio")]

    assert found("8.59", "10.94", "0.79") == []
    assert [f.found for f in found("8.59", "10.94", "0.78")] == ["11 of 14 channels (cut, not rounded)"]
    assert [f.kind for f in found("8.62", "10.94", "0.79")] == ["share"]


def test_the_page_lists_contradictions_before_facts():
    text = audit.page([audit.Finding("toy", "toy-one", kind, "a | b", "f_s^2 * 2", "c") for kind in ("shared", "gain")])
    assert text.index("## Contradictions (1)") < text.index("gain") < text.index("## Facts (1)") < text.index("shared")
    assert "a \\| b" in text
    assert "f\\_s^2 \\* 2" in text


def test_counts_and_identities():
    count = {"paper": "toy", "table": "toy-one", "says": "n", "dataset": "toy", "split": "s"}
    assert kinds(table(), count=[count | {"counts": {"test": 744}}]) == []
    assert kinds(table(), count=[count | {"counts": {"test": 745}}, count | {"counts": {"all": 754}}]) == ["count"]
    step = {"paper": "toy", "table": "toy-one", "says": "n", "variables": {"a": [1, 2]}, "given": "True", "expected": "e"}
    assert kinds(table(), identity=[step | {"holds": "a > 0"}]) == []
    assert kinds(table(), identity=[step | {"holds": "a > 1"}]) == ["identity"]


MUST = [
    ("arl-fusion", "gain", "17.35"),
    ("arl-fusion", "gain", "4.40"),
    ("arl-fusion", "name", "CEFA"),
    ("arl-fusion", "bold", "sum-arl"),
    ("arl-fusion", "two values", "arl-gamma:gamma-4:acc 76.68"),
    ("arl-fusion", "refuted", "62.17 against sum 62.32"),
    ("arl-main", "identity", "b0"),
    ("arl-main", "identity", "cov"),
    ("mmcosine-scale", "bound", "best is s = 2"),
    ("mmcosine-scale", "bound", "s = 10 has 59.82"),
    ("mmcosine-scale", "refuted", "59.82"),
    ("mmcosine-bound", "identity", "C"),
    ("smv-sample-function", "label", "f3"),
    ("smv-modality-function", "identity", "phi_j"),
    ("cmvqvae-digits", "ratio", "cut"),
    ("cmvqvae-comparison", "count", "655"),
    ("mmcosine-modalities", "shared", "81.15"),
    ("mmcosine-modalities", "shared", "82.29"),
    ("mmcosine-modalities", "single runs", "15 of 15 are k of 3,755 (rounded)"),
    ("smv-subset", "single runs", "single runs on the full list"),
    ("smv-views", "single runs", "mostly single runs"),
    ("smv-three-modalities", "name", "MLED"),
    ("mmcosine-scale", "baseline", "51.7 to 75.8"),
    ("smv-localization", "single runs", "undecidable"),
    ("smv-localization", "single runs", "mostly single runs"),
    ("cmvqvae-main", "ratio", "11 of 14"),
    ("cmvqvae-main", "single runs", "single runs on the full list"),
    ("arl-fusion", "single runs", "averages"),
    ("arl-gamma", "single runs", "averages"),
]


@pytest.mark.parametrize(("table", "kind", "found"), MUST)
def test_what_is_known_of_the_four_papers_is_found(table, kind, found):
    assert any(found in f.found for f in audit.findings([table]) if f.kind == kind)


def test_sound_derivations_are_no_findings():
    says = " ".join(f.says for f in audit.findings() if f.kind == "identity")
    assert "nine cases" not in says
    assert "Equation 1:" not in says
    assert "two contributions" not in says
