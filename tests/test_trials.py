"""Trial lists: both spellings, and every way in which one can be wrong, in one line."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench import trials
from mmbench.errors import UserError

KEYS = ("id1/a/1.wav", "id1/b/2.wav", "id2/c/3.wav")


def listed(tmp_path, text: str):
    file = tmp_path / "list.txt"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "1 id1/a/1.wav id1/b/2.wav\n0 id1/a/1.wav id2/c/3.wav\n",
        "1,/id1/a/1.wav,/id1/b/2.wav\r\n0,/id1/a/1.wav,/id2/c/3.wav\r\n\r\n",
    ],
    ids=["voxceleb", "mmcosine"],
)
def test_lines_become_positions(tmp_path, text):
    found = trials.read(listed(tmp_path, text), KEYS)
    assert found.dtype == np.int64
    assert found.tolist() == [[0, 1, 1], [0, 2, 0]]


def test_a_missing_file_is_named_with_its_line_and_how_many_more(tmp_path):
    text = "1 id1/a/1.wav id1/b/2.wav\n0 id1/a/1.wav id9/x.wav\n0 id9/y.wav id9/x.wav\n"
    with pytest.raises(
        UserError, match=r"list.txt:2: 'id9/x.wav' is not prepared, nor are 1 others of this list: prepare the dataset again"
    ):
        trials.read(listed(tmp_path, text), KEYS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2 id1/a/1.wav id1/b/2.wav\n", r":1: expected 'label first second' with a label of 0 or 1, found '2 id1"),
        ("1 id1/a/1.wav id1/b/2.wav\n1 id1/a/1.wav\n", r":2: expected 'label first second'"),
        ("1 id1/a/1.wav id1/b/2.wav\n", r"labels \[1\], expected pairs of one speaker \(1\) and of two \(0\)"),
        ("", r"labels \[\], expected pairs"),
    ],
)
def test_what_is_no_list_is_one_line(tmp_path, text, says):
    with pytest.raises(UserError, match=says):
        trials.read(listed(tmp_path, text), KEYS)


def test_a_list_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"none.txt: cannot be read"):
        trials.read(tmp_path / "none.txt", KEYS)


def test_positions_outside_the_part_are_refused():
    with pytest.raises(UserError, match="x: trial 1 names item 3 of 3"):
        trials.checked(np.array([[0, 1, 1], [0, 3, 0]]), 3, "x")
    with pytest.raises(UserError, match=r"an array of \(2,\), expected n x 3"):
        trials.checked(np.array([0, 1]), 3, "x")


def test_lists_stand_among_a_parts_extras():
    pairs = np.array([[0, 1, 1], [0, 2, 0]])
    assert list(trials.of({"masks": pairs, "trials.b": pairs, "trials.a": pairs})) == ["b", "a"]
