"""Columns of LaTeX tables: natural where they fit, else fractions of a line that leave every word its room."""

from __future__ import annotations

import re

import pytest

from mmbench.render import columns

SENTENCE = "it is a sentence of the paper that is much longer than what stands beside it " * 3


def fractions(found: list[str]) -> list[float]:
    return [float(re.fullmatch(r">\{\\raggedright\\arraybackslash\}p\{([\d.]+)\\linewidth\}", column)[1]) for column in found]  # type: ignore[index]


def test_a_table_that_fits_keeps_the_widths_of_its_texts():
    assert columns.fitted(["s", "published", "n"], [["1", r"61.0 $\pm$ 0.4", "5"]]) == ("footnotesize", ["l", "l", "l"])


def test_long_texts_share_what_short_ones_leave_and_numbers_stay_whole():
    size, found = columns.fitted(["s", "measured", "remark"], [["vanilla", r"61.00 $\pm$ 0.40", SENTENCE]])
    label, number, remark = fractions(found)
    assert size == "footnotesize"
    assert remark > 3 * number > 3 * label
    assert number * columns.LINE >= len("61.00 ± 0.40")
    assert 0.8 < label + number + remark <= 1 - 2 * columns.BETWEEN / columns.LINE


def test_many_columns_are_set_smaller_and_never_wider_than_the_line():
    headers = ["s", "published, on CREMA-D", "reproduced", "n", "difference", "band", "verdict", "at last", "other groups, unverified"]
    row = ["vanilla", "60.08", r"60.20 $\pm$ 0.40", "5", "+0.12", "59.00 to 61.40", "inconclusive", "59.30", "one of two reproduced it"]
    size, found = columns.fitted(headers, [row])
    assert size == "scriptsize"
    assert sum(fractions(found)) < 1


@pytest.mark.parametrize(("tex", "seen"), [
    (r"\textbf{64.10}", "64.10"), (r"75.10 $\pm$ 0.43", "75.10 x 0.43"), (r"50 \% of a\_b", "50 x of axb"),
    (r"$\checkmark$ reproduced", "x reproduced"), (r"a\textbackslash{}b", "axb"),
])  # fmt: skip
def test_a_command_is_as_wide_as_a_letter(tex, seen):
    assert columns.seen(tex) == seen
