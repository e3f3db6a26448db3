"""MATLAB files of both versions: read lazily where they are large, and named where they are not what they should be."""

from __future__ import annotations

from contextlib import suppress

import h5py
import numpy as np
import pytest
import scipy.io

from datasets_prep import matlab
from mmbench.errors import UserError


@pytest.fixture
def five(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.arange(6.0).reshape(2, 3), "y": np.array([["word"]])}, do_compression=True)
    return tmp_path / "a.mat"


@pytest.fixture
def seven(tmp_path):
    with h5py.File(tmp_path / "b.mat", "w", userblock_size=512) as file:
        file["x"] = np.arange(6, dtype=np.uint16).reshape(2, 3)
        word = file.create_dataset("#refs#/a", data=np.array([[ord(c)] for c in "kitchen"], np.uint16))
        file.create_dataset("names", data=np.array([[word.ref, word.ref]], h5py.ref_dtype))
        file.create_group("group")
    with (tmp_path / "b.mat").open("r+b") as handle:
        handle.write(b"MATLAB 7.3 MAT-file")
    return tmp_path / "b.mat"


def test_the_version_is_told_by_the_first_bytes(five, seven, tmp_path):
    with h5py.File(tmp_path / "c.mat", "w") as file:
        file["x"] = [1]
    assert [matlab.kind(path) for path in (five, seven, tmp_path / "c.mat")] == [5, 73, 73]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x" * 600, r"is no MATLAB file: its first bytes are b'xxxxxxxx'"),
        (b"", r"is empty"),
        (b"<html>quota</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git-LFS pointer"),
    ],
)
def test_what_is_no_matlab_file(tmp_path, content, says):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(UserError, match=says):
        matlab.load(tmp_path / "a.mat")


def test_version_5_is_read_whole_or_by_name(five):
    assert set(matlab.load(five)) == {"x", "y"}
    assert set(matlab.load(five, ["y"])) == {"y"}
    content = matlab.load(five)
    assert matlab.needed(five, content, {"x": (2, None)}) is content
    with pytest.raises(UserError, match=r"a\.mat: has no variable 'z'; it has x, y"):
        matlab.needed(five, content, {"z": (1,)})
    with pytest.raises(UserError, match=r"a\.mat: 'x' is \(2, 3\), expected \(any, 4\)"):
        matlab.needed(five, content, {"x": (None, 4)})


@pytest.mark.parametrize("lost", [1, 20, 150])
def test_a_cut_file_is_told_before_it_is_read(five, lost):
    five.write_bytes(five.read_bytes()[:-lost])
    with pytest.raises(UserError, match=r"a\.mat: ends at byte \d+ of \d+: it is no whole MATLAB file"):
        matlab.load(five, ["x"])


@pytest.mark.parametrize("at", range(136, 200, 7))
@pytest.mark.parametrize("packed", [True, False])
def test_damage_inside_is_one_line_if_it_is_seen(five, at, packed):
    scipy.io.savemat(five, {"x": np.arange(6.0).reshape(2, 3), "y": np.array([["word"]])}, do_compression=packed)
    content = bytearray(five.read_bytes())
    content[at : at + 6] = b"\xff" * 6
    five.write_bytes(content)
    said = ""
    with suppress(UserError):
        matlab.load(five)
        said = "nothing"
    assert not (packed and said)  # packed, a checksum sees it; else other numbers are all that it can be


def test_damage_is_named(five):
    content = bytearray(five.read_bytes())
    content[140:150] = b"\xff" * 10
    five.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mat: is no whole MATLAB file \(.*: download it again"):
        matlab.load(five)


def test_one_version_in_place_of_the_other(five, seven):
    with pytest.raises(UserError, match=r"b\.mat: is MATLAB v7\.3 \(HDF5\), expected version 5"):
        matlab.load(seven)
    with pytest.raises(UserError, match=r"a\.mat: is MATLAB version 5, expected v7\.3"):
        matlab.opened(five)


def test_arrays_of_version_73(seven):
    assert matlab.array(seven, "x", (None, 3), "u2 f4")[1].tolist() == [3, 4, 5]
    assert matlab.array(seven, "x", (None, 3), "u2 f4") is matlab.array(seven, "x", (None, 3), "u2 f4")  # stays open, with its chunks
    assert matlab.words(seven, "names") == ["kitchen", "kitchen"]
    assert matlab.words(seven, "others") == []
    for name, shape, kinds, says in (
        ("z", (2, 3), "u2", r"has no array 'z'; it has group, names, x"),
        ("group", (2, 3), "u2", r"has no array 'group'"),
        ("x", (2, 4), "u2", r"'x' is \(2, 3\), expected \(2, 4\)"),
        ("x", (2, 3), "f4 f8", r"'x' holds uint16, expected float32 or float64"),
    ):
        with pytest.raises(UserError, match=says):
            matlab.array(seven, name, shape, kinds)
