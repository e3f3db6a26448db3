"""Statements of the texts: the expressions, and what is refused."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("content", "says"),
    [("[[nme]]\nx = 1", "did you mean 'names'"), ('[[names]]\npaper = "arl"', "expected exactly"),
     ('[[names]]\npaper = "arl"\ntable = "arl-gama"\nsays = "x"\nnames = []', "did you mean 'arl-gamma'")],
)  # fmt: skip
def test_a_wrong_file_is_one_clear_line(tmp_path, content, says):
    path = tmp_path / "statements.toml"
    path.write_text(content)
    with pytest.raises(UserError, match=says):
        statements.load(path)
