"""VGGSound as a source: its csv without a header, labels with commas, clips named in every way; each trait broken."""

from __future__ import annotations

import pytest

from datasets_prep import catalogue, kinetics, vggsound
from datasets_prep.kinetics import Id
from mmbench.errors import UserError

LINES = '---g-f_I2yQ,1,people marching,test\r\n_zzzzzzzz-1,30,"playing drum, snare, tom",train\r\n'


def test_the_csv_has_no_header_and_quotes_commas(tmp_path):
    assert vggsound.read([tmp_path, None]) is None
    (tmp_path / "VGGSound.csv").write_bytes(b"\xef\xbb\xbf" + (LINES + LINES).encode())  # what is said twice alike is said once
    found = vggsound.read([None, tmp_path])
    assert found is not None
    assert [(row.id, row.label, row.part) for row in found.values()] == [
        (Id("---g-f_I2yQ", 1), "people marching", "test"),
        (Id("_zzzzzzzz-1", 30), "playing drum, snare, tom", "train"),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ytid,start,label,split", r"line 3: 'ytid,start,label,split' is not 'ytid,start,label,train'"),
        ("_zzzzzzzz-2,30,playing drum, snare, tom,train", r"line 3: .* is not .* \(a label with commas in quotes\)"),
        ("_zzzzzzzz-2,3.5,singing,train", "line 3: '_zzzzzzzz-2,3.5,singing,train' is not"),
        ("_zzzzzzzz-2,3,singing,val", "line 3: '_zzzzzzzz-2,3,singing,val' is not"),
        ("---g-f_I2yQ,1,people marching,train", "line 3: names ---g-f_I2yQ_000001 a second time, as people marching, train"),
    ],
)
def test_lines_of_another_form_are_named(tmp_path, line, says):
    (tmp_path / "vggsound.csv").write_text(LINES + line + "\n")
    with pytest.raises(UserError, match=says):
        vggsound.read([tmp_path])


@pytest.mark.parametrize("name", ["---g-f_I2yQ_000001", "---g-f_I2yQ_1", "---g-f_I2yQ_000001_000011"])
def test_clips_are_found_however_their_start_is_written(tmp_path, name):
    path = tmp_path / "video" / f"{name}.mp4"
    path.parent.mkdir()
    path.write_bytes(b"clip")
    (path.parent / f"._{name}.mp4").write_bytes(b"resource fork")
    assert kinetics.clips(tmp_path, ["---g-f_I2yQ"]).find(Id("---g-f_I2yQ", 1)) == path
    assert kinetics.clips(tmp_path, ["---g-f_I2yQ"]).find(Id("---g-f_I2yQ", 2)) is None


def test_it_is_a_source_and_not_prepared_by_itself():
    with pytest.raises(
        UserError, match="vggsound is a source, not prepared by itself: run 'mmbench data prepare mm-debiased --raw vggsound=DIR'"
    ):
        catalogue.load("vggsound")
