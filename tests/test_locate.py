"""Lines of keys: nested headers, arrays of tables, dotted and quoted keys, values over several lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench import locate, paths
from mmbench.errors import UserError

TEXT = '''# comment = 1
[a]
x = 1
"y.z" = { inner = 2 }

[a.b]
list = [
    "[not.a.header]",
    2, # ]
]
after = """
k = 3
"""
last.deep = 4

[[c]]
n = 1
[[c]]
n = 2 # [d]
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "BENCHMARKS", tmp_path / "benchmarks")
    (tmp_path / "benchmarks").mkdir()
    path = tmp_path / "benchmarks" / "t.toml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("a",), 2), (("a", "x"), 3), (("a", "y.z"), 4), (("a", "y.z", "inner"), 4), (("a", "b"), 6), (("a", "b", "list"), 7),
        (("a", "b", "after"), 11), (("a", "b", "last", "deep"), 14), (("c", 0, "n"), 17), (("c", 1), 18), (("c", 1, "n"), 19),
    ],
)  # fmt: skip
def test_place(file: Path, where: locate.Where, line: int) -> None:
    assert locate.place(file, where) == f"benchmarks/t.toml:{line}"


def test_a_key_that_is_nowhere_has_the_line_of_what_holds_it(file: Path) -> None:
    assert locate.place(file, ("a", "b", "missing")) == "benchmarks/t.toml:6"
    assert locate.place(file, ("nothing",)) == "benchmarks/t.toml"


def test_the_complaint(file: Path) -> None:
    assert str(locate.wrong(file, ("c", 1, "n"), "expected a word")) == "benchmarks/t.toml:19: c[1].n: expected a word"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a = 1\nb = \xff\n", "benchmarks/t.toml:2: expected UTF-8 text"),
        (b"a = = 1", "benchmarks/t.toml: not valid TOML: Invalid value"),
        (b"a = " + b"[" * 100_000, "benchmarks/t.toml: not valid TOML"),
    ],
)
def test_what_is_not_toml(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        locate.read(file)
    assert str(caught.value).startswith(says)


def test_a_file_is_read_again_after_it_changed(file: Path) -> None:
    assert locate.read(file)["a"]["x"] == 1
    file.write_text("[a]\nx = 22\n")
    assert locate.read(file)["a"]["x"] == 22
