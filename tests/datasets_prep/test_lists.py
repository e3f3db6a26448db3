"""Lists as they come, and what is refused by name."""

from __future__ import annotations

import pytest

from datasets_prep import lists, rules
from datasets_prep.dataset import Split
from mmbench.errors import UserError


def test_marks_line_ends_and_quotes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfName,Text\r\n"x, y","says ""no"""\r\n\r\n')
    assert lists.rows(path) == [["Name", "Text"], ["x, y", 'says "no"']]
    assert lists.table(path, ["Text"]) == [{"Name": "x, y", "Text": 'says "no"'}]
    with pytest.raises(UserError, match="has no column 'Label'; its first line is: Name,Text"):
        lists.table(path, ["Label"])


def test_md5_ignores_line_ends_only(tmp_path):
    for name, content in (("a", b"x\r\ny\r\n"), ("b", b"x\ny\n"), ("c", b"x \ny\n")):
        (tmp_path / name).write_bytes(content)
    assert lists.md5(tmp_path / "a") == lists.md5(tmp_path / "b") != lists.md5(tmp_path / "c")
    found, known = lists.checked({"a": tmp_path / "a", "c": tmp_path / "c"}, {"a": lists.md5(tmp_path / "b"), "z": ""})
    assert known == {"a": True, "c": None}
    assert found["a"] == lists.md5(tmp_path / "b")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "Git-LFS pointer.*git lfs pull"),
        (b"\n <!DOCTYPE html><html>", "web page saved in place of the file"),
        (b"PK\x03\x04\xff\xfe", "is no UTF-8 text"),
    ],
)
def test_what_is_no_list_says_what_it_is(tmp_path, content, says):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UserError, match=f"list.txt: .*{says}"):
        lists.lines(tmp_path / "list.txt")


def test_lists_are_found_in_the_first_folder_that_has_them(tmp_path):
    for place in ("a/deep", "b"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "a/deep/Train.CSV").write_text("1")
    (tmp_path / "b/train.csv").write_text("2")
    (tmp_path / "b/._train.csv").write_text("3")
    assert lists.find("train.csv", [None, tmp_path / "a", tmp_path / "b"]) == tmp_path / "a/deep/Train.CSV"
    assert lists.find("train.csv", [tmp_path / "b"]) == tmp_path / "b/train.csv"
    assert lists.find("test.csv", [tmp_path / "missing", tmp_path]) is None


def test_long_names_are_cut_short():
    assert lists.few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    with pytest.raises(UserError, match="x: names a more than once"):
        lists.twice(["a", "b", "a"], "x")


def test_carving_takes_a_share_of_each_class_by_name_alone():
    keys = [f"k{i}" for i in range(100)]
    labels = ["a" if i < 60 else "b" for i in range(100)]
    split = Split("s", {"train": (keys, labels), "test": (["t"], ["a"])}, "o")
    carved = rules.carved(split, "s-val", "train", 0.1)
    assert [len(carved.parts[p][0]) for p in ("train", "val", "test")] == [90, 10, 1]
    assert sorted(carved.parts["val"][1]) == ["a"] * 6 + ["b"] * 4
    assert set(carved.parts["train"][0]) | set(carved.parts["val"][0]) == set(keys)
    shuffled = Split("s", {"train": (keys[::-1], labels[::-1]), "test": (["t"], ["a"])}, "o")
    assert set(rules.carved(shuffled, "s-val", "train", 0.1).parts["val"][0]) == set(carved.parts["val"][0])
    assert carved.parts["test"] == split.parts["test"]


def test_groups_stay_together():
    groups = [f"g{i // 5}" for i in range(100)]
    keys = [f"k{i}" for i in range(100)]
    split = rules.by_group("s", keys, ["a"] * 100, groups, "actor", "o")
    of = dict(zip(keys, groups, strict=True))
    parts = {name: {of[key] for key in listed} for name, (listed, _) in split.parts.items()}
    assert [len(parts[name]) for name in ("train", "val", "test")] == [14, 2, 4]
    assert not parts["train"] & parts["test"]
    assert not parts["val"] & parts["test"]
