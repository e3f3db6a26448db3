"""Statements of the texts: the expressions, and what is refused."""

from __future__ import annotations

import json

import pytest

from mmbench import statements
from mmbench.errors import UserError


def identity(holds, given="True", **variables):
    return {"given": given, "holds": holds, "variables": variables or {"a": [1, 2], "b": [3, 5]}}


def test_a_counterexample_is_the_first_that_satisfies_the_premise_and_not_the_conclusion():
    assert next(statements.counterexamples(identity("a + b < 6"))) == {"a": 1, "b": 5}
    assert list(statements.counterexamples(identity("a < b"))) == []
    assert list(statements.counterexamples(identity("a == 1", given="a == 1"))) == []


@pytest.mark.parametrize(
    ("text", "value"), [("-a**2 + abs(-b)", 2), ("not a == b", True), ("a < b and b < 4 or a == 9", True), ("b / a - 1", 2)]
)
def test_arithmetic(text, value):
    assert statements.evaluate(statements.parsed(text, ["a", "b"]), {"a": 1, "b": 3}) == value


@pytest.mark.parametrize("text", ["__import__('os')", "a.b", "[a]", "open(a)", "a if b else a", "'x'", "a +"])
def test_nothing_but_arithmetic_is_evaluated(text):
    with pytest.raises(UserError):
        statements.evaluate(statements.parsed(text, ["a", "b"]), {"a": 1, "b": 3})


NAMES = {"paper": "arl", "table": "arl-gamma", "says": "x", "names": ["y"]}
COUNT = {"paper": "arl", "table": "arl-main", "says": "x", "dataset": "crema-d", "split": "ogm", "counts": {"test": 744}}
STEP = {"paper": "arl", "table": "arl-main", "says": "x", "variables": {"a": [1]}, "given": "True", "holds": "a > 0", "expected": "y"}


def toml(kind, entry):
    def value(v):
        return "{ " + ", ".join(f"{k} = {value(x)}" for k, x in v.items()) + " }" if isinstance(v, dict) else json.dumps(v)

    return f"[[{kind}]]\n" + "\n".join(f"{k} = {value(v)}" for k, v in entry.items())


@pytest.mark.parametrize(("kind", "entry"), [("names", NAMES), ("count", COUNT), ("identity", STEP)])
def test_a_sound_entry_is_read(tmp_path, kind, entry):
    (path := tmp_path / "statements.toml").write_text(toml(kind, entry))
    assert statements.load(path) == {"names": [], "count": [], "identity": []} | {kind: [entry]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[nme]]\nx = 1", "did you mean 'names'"),
        ('[[names]]\npaper = "arl"', r"statements.toml:\d+: names\[0\].table: is missing"),
        ("names = 3", r"expected \[\[names\]\]"),
        ("names = [3]", "expected a table of keys"),
        (toml("names", NAMES | {"table": "arl-gama"}), "did you mean 'arl-gamma'"),
        (toml("names", NAMES | {"names": [1]}), "names in quotes"),
        (toml("names", NAMES | {"paper": "smv"}), "unknown table 'arl-gamma'"),
        (toml("names", NAMES | {"more": 1}), "unknown key 'more'"),
        (toml("count", COUNT | {"dataset": "crema"}), "did you mean 'crema-d'"),
        (toml("count", COUNT | {"split": "og"}), "did you mean 'ogm'"),
        (toml("count", COUNT | {"counts": {"tset": 1}}), "did you mean 'test'"),
        (toml("count", COUNT | {"counts": {"test": 0}}), "expected a count"),
        (toml("identity", STEP | {"variables": {"a": []}}), "expected a list of numbers"),
        (toml("identity", STEP | {"holds": "a >"}), "no expression"),
        (toml("identity", STEP | {"holds": "b > 0"}), "unknown name in 'b > 0'"),
        (toml("identity", STEP | {"holds": "a / 0 > 1"}), "cannot be evaluated"),
        (toml("identity", STEP | {"holds": "9**9**9 > 1"}), "too large"),
        (toml("identity", STEP | {"holds": "(0 - a)**0.5 > 1"}), "no real number"),
        (toml("identity", STEP | {"holds": "a(1)"}), "not allowed"),
        (toml("identity", STEP | {"variables": {"a": [1] * 20000}}), "at most 10,000"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path, content, says):
    path = tmp_path / "statements.toml"
    path.write_text(content)
    with pytest.raises(UserError, match=says) as error:
        statements.load(path)
    assert "\n" not in str(error.value)


def test_the_statements_of_the_papers_are_sound():
    assert {kind: len(entries) > 1 for kind, entries in statements.load().items()} == dict.fromkeys(statements.FIELDS, True)
