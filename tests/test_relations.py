"""What claims say of recorded quantities, read and put into words."""

from __future__ import annotations

import pytest

from mmbench import published, relations
from mmbench.relations import End


@pytest.mark.parametrize(
    ("text", "larger", "smaller", "said", "difference"),
    [
        ("zeta rises", End("zeta", "last"), End("zeta", "first"), "ζ rises from the first epoch to the last",
         "ζ at the last epoch minus at the first"),
        ("log.k.audio falls", End("log.k.audio", "first"), End("log.k.audio", "last"), "k of audio falls from the first epoch to the last",
         "k of audio at the first epoch minus at the last"),
        ("compl.a < compl.b", End("compl.b", "last"), End("compl.a", "last"), "compl of a below compl of b at the last epoch",
         "compl of b minus compl of a at the last epoch"),
        ("log.valued > log.drawn at first", End("log.valued", "first"), End("log.drawn", "first"),
         "samples valued above samples drawn at the first epoch", "samples valued minus samples drawn at the first epoch"),
    ],
)  # fmt: skip
def test_a_relation(text, larger, smaller, said, difference):
    (found,) = relations.parsed(text)
    assert (found.larger, found.smaller, found.text, found.difference) == (larger, smaller, said, difference)


def test_several_are_joined():
    found = relations.parsed("log.a < log.b at first and log.a rises")
    assert [r.text for r in found] == ["a below b at the first epoch", "a rises from the first epoch to the last"]


@pytest.mark.parametrize("text", ["", "a", "a grows", "a < ", "a < b at last", "a rises at first", "a rises and", "a rises, b falls"])
def test_anything_else_is_no_relation(text):
    assert relations.parsed(text) == ()


def test_units_are_those_of_the_quantities():
    assert [End(name, "last").unit for name in ("compl.audio", "zeta", "log.valued", "log.k")] == ["%", "", "samples", ""]


def test_every_curve_of_the_papers_is_read():
    curves = [c for id in published.ids() for c in published.load(id).claims if c.form == "curve"]
    assert curves
    assert all(relations.parsed(c.quantity) for c in curves)
