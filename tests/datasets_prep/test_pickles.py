"""Arrays and plain containers come out of every protocol as they went in; nothing else is called, whatever a pickle asks for."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from datasets_prep import pickles
from mmbench.errors import UserError

CONTENT = {
    "numbers": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "swapped": np.arange(3, dtype=">i4"),
    "texts": np.array(["a", "äö"]),
    "objects": np.array(["a", "bc", 3], object),
    "truths": np.array([True, False]),
    "nothing": np.zeros((0, 3), np.float64),
    "scalar": np.float32(1.5),
    "plain": [1, 2.5, "x", b"y", None, True, (1, 2), {"a": {1, 2}}, frozenset([3])],
}


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_admitted_comes_out_as_it_went_in(tmp_path, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(CONTENT, protocol))
    found = pickles.load(tmp_path / "a.pkl")
    assert found["plain"] == CONTENT["plain"]
    assert found["scalar"] == np.float32(1.5)
    for name in set(CONTENT) - {"plain", "scalar"}:
        value = pickles.plain(found[name])
        assert type(value) is np.ndarray
        value = value.astype(value.dtype.newbyteorder("="))  # numpy swaps bytes for some protocols and not for others
        assert (value.dtype, value.shape) == (CONTENT[name].dtype.newbyteorder("="), CONTENT[name].shape)
        assert value.tolist() == CONTENT[name].tolist()
    assert pickles.texts(found["texts"]) == ["a", "äö"]
    assert pickles.texts(found["objects"]) is None


def test_an_older_numpy_is_read_too(tmp_path):
    content = pickle.dumps(np.arange(3), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "a.pkl").write_bytes(content)
    assert pickles.load(tmp_path / "a.pkl").tolist() == [0, 1, 2]


class Asks:
    """A pickle that calls `what(*arguments)` when it is read."""

    def __init__(self, what, *arguments):
        self.given = what, arguments

    def __reduce__(self):
        return self.given


def witness(folder: Path) -> str:
    return f"open({str(folder / 'ran')!r}, 'w').write('')"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda folder: Asks(os.system, f"touch {folder}/ran"), r"(posix|nt)\.system"),
        (lambda folder: Asks(exec, witness(folder)), r"_*builtins?_*\.exec"),
        (lambda folder: Asks(eval, witness(folder)), r"_*builtins?_*\.eval"),
        (lambda folder: [np.arange(3), {"deep": Asks(eval, witness(folder))}], r"_*builtins?_*\.eval"),
        (lambda folder: Asks(getattr, "a", "upper"), r"_*builtins?_*\.getattr"),
        (lambda folder: Asks(np.load, f"{folder}/ran"), r"numpy\.load"),
        (lambda folder: OrderedDict(a=1), r"collections\.OrderedDict"),
        (lambda folder: Path("x"), r"pathlib\..*Path"),
        (lambda folder: np.dtype("f4").type, r"numpy\.float32"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_would_run_code_is_refused_by_name_and_runs_nothing(tmp_path, make, name, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(make(tmp_path), protocol))
    with pytest.raises(UserError, match=rf"a\.pkl: was not read, it would run code: it asks for {name}; take the published file"):
        pickles.load(tmp_path / "a.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


def code(text: str) -> bytes:
    """A pickle written by hand, protocol 0."""
    return text.replace(" ", "").encode()


FIRST = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
F4 = "cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (code(f"{FIRST}(I1\n(I2\nt{F4}I00\nS'abc'\ntb."), "is no whole pickle"),  # fewer bytes than stated
        (code(f"{FIRST}(I1\n(I1\ntcnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI00\nS'abcdefgh'\ntb."), "an array of objects that is no list"),
        (code(f"{FIRST}(I1\n(I1\ntcnumpy\ndtype\n(S'V8'\nI0\nI1\ntRI00\nS'abcdefgh'\ntb."), "an array of"),
        (code(f"{FIRST}(I1\n(I-1\nt{F4}I00\nS'abcd'\ntb."), "an array without a shape"),
        (code(f"{FIRST}(I1\n(I1\ntS'f4'\nI00\nS'abcd'\ntb."), "an array without a type"),
        (code("cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'|'\nNN(S'a'\ntI-1\nI-1\nI0\ntb."), "an array of records"),
        (code("cnumpy.core.multiarray\n_reconstruct\n(S'x'\n(I0\ntS'b'\ntR."), "an array of an unknown kind"),
        (code("c_codecs\nencode\n(S'a'\nS'zlib'\ntR."), "bytes in zlib"),
        (code("cnumpy\nndarray\n(I5\ntR."), "is no whole pickle"),  # the class itself is never handed out
        (code("cnumpy\nndarray\n(dS'x'\nI1\nsb."), "is no whole pickle"),  # and cannot be changed
        (code("cnumpy.core.multiarray\n_reconstruct\n(dS'__call__'\nI1\nsb."), "is no whole pickle"),
        (b"\x80\x04P1\n.", "something outside of the file"),
        (pickle.dumps(CONTENT)[:-7], "is no whole pickle"),
        (b"nonsense", "is no whole pickle"),
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>quota</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git-LFS pointer"),
    ],
)
def test_broken_and_crafted_ones_are_one_line(tmp_path, content, says):
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(UserError, match=says):
        pickles.load(tmp_path / "a.pkl")
    assert np.ndarray((2,), "f4").shape == (2,)


def test_the_crafted_form_is_read_where_nothing_is_wrong_with_it(tmp_path):
    (tmp_path / "a.pkl").write_bytes(code(f"{FIRST}(I1\n(I1\nt{F4}I00\nS'abcd'\ntb."))
    assert pickles.load(tmp_path / "a.pkl").tobytes() == b"abcd"
