"""The doctor finds every damaged byte, and says what a loss means."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets_prep import verbs
from mmbench.errors import Blocked, UserError
from mmbench.rows import header


@pytest.fixture
def root(crema, tmp_path) -> Path:
    crema.prepare(tmp_path, only=["middle", "frames", "psd-257x299"])
    return tmp_path


def home(root: Path) -> Path:
    return root / "crema-d" / "1"


def test_a_sound_store(root):
    answer = verbs.verify("crema-d", root=root)
    assert (answer.code, answer.data["sound"], answer.data["broken"]) == (0, True, [])
    assert "crema-d: sound, 26 items (an imitation), a complete copy has 7,442" in answer.text
    assert json.loads(json.dumps(answer.data)) == answer.data
    assert verbs.verify("crema-d", strict=True, root=root).code == 1  # an imitation is never comparable


@pytest.mark.parametrize("array", ["psd-257x299", "frames"])
def test_one_changed_byte_is_found_and_named(root, array):
    path = home(root) / f"{array}.npy"
    start = header(path)[2]
    with path.open("r+b") as handle:
        handle.seek(start + 5_000_000)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 1]))
    answer = verbs.verify("crema-d", root=root)
    assert answer.code == 1
    assert len(answer.data["broken"]) == 1
    assert f"{array}.npy: 1 of 26 rows are damaged" in answer.data["broken"][0]
    assert "BROKEN" in answer.text
    assert verbs.verify("crema-d", quick=True, root=root).code == 0


def _swap_digests(place: Path) -> None:
    digests = np.load(place / "middle.digests.npy")
    np.save(place / "middle.digests.npy", digests[::-1])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda place: (place / "middle.npy").unlink(), "middle.npy: cannot be read"),
        (lambda place: os.truncate(place / "middle.npy", 5_000), "middle.npy: is damaged"),
        (lambda place: (place / "middle.npy").write_bytes(b"x" * 500), "middle.npy: is no numpy file"),
        (
            lambda place: np.save(place / "middle.npy", np.zeros((3, 4), np.uint8)),
            "middle.npy holds uint8 (3, 4), expected uint8 (26, 360, 480, 3)",
        ),
        (lambda place: np.save(place / "frames.offsets.npy", np.arange(5)), "frames.offsets.npy does not belong to frames.npy"),
        (lambda place: (place / "splits/ogm.json").unlink(), "splits/ogm.json is missing"),
        (lambda place: (place / "splits/ogm.json").write_text('{"order": "ogm", '), "splits/ogm.json is damaged"),
        (lambda place: (place / "index.json").unlink(), "index.json is missing"),
        (lambda place: (place / "index.json").write_text('{"keys": [], "groups": []}'), "index.json does not belong to meta.json"),
        (_swap_digests, "middle.digests.npy is damaged"),
    ],
)
def test_other_damage(root, damage, says):
    damage(home(root))
    answer = verbs.verify("crema-d", root=root)
    assert answer.code == 1
    assert any(says in line for line in answer.data["broken"])
    assert "prepare it again: 'mmbench data prepare crema-d --raw DIR'" in answer.text


@pytest.mark.parametrize(("content", "says"), [("{", "meta.json is damaged"), ('{"format": 0}', "store format 0, this version of mmbench")])
def test_a_store_that_says_nothing_of_itself_is_broken_in_the_list(root, content, says):
    (home(root) / "meta.json").write_text(content)
    with pytest.raises(UserError, match=says):
        verbs.verify("crema-d", root=root)
    answer = verbs.list_(root)
    assert says in next(entry["prepared"]["broken"] for entry in answer.data if entry["id"] == "crema-d")
    assert "  broken" in next(line for line in answer.text.splitlines() if line.startswith("crema-d "))


def test_nothing_prepared(tmp_path):
    with pytest.raises(Blocked, match="crema-d is not prepared"):
        verbs.verify("crema-d", root=tmp_path)


def _real(root: Path) -> None:
    """Make the store look like a complete real one: not an imitation, known lists, all counts as published."""
    place = home(root)
    meta = json.loads((place / "meta.json").read_text())
    meta["imitation"] = False
    (place / "meta.json").write_text(json.dumps(meta))
    split = json.loads((place / "splits/ogm.json").read_text())
    split["known"] = dict.fromkeys(split["known"], True)
    (place / "splits/ogm.json").write_text(json.dumps(split))


def test_comparability_is_lost_by_test_clips_not_by_those_that_are_bad_everywhere(root, monkeypatch):
    from datasets_prep import crema_d, doctor

    _real(root)
    split = json.loads((home(root) / "splits/ogm.json").read_text())
    counts = {p: {c: part["labels"].count(c) for c in set(part["labels"])} for p, part in split["parts"].items()}
    monkeypatch.setitem(crema_d.EXPECTED.counts, "ogm", counts)  # pyright: ignore[reportArgumentType]

    def ogm():
        data = doctor.examine(crema_d.DATASET, root, quick=True)
        return next(s for s in data["splits"] if s["name"] == "ogm")["views"][0]

    assert ogm()["comparable"]
    digests = np.load(home(root) / "middle.digests.npy")
    keys = json.loads((home(root) / "index.json").read_text())["keys"]

    def lose(key):
        lost = digests.copy()
        lost[keys.index(key)] = 0
        np.save(home(root) / "middle.digests.npy", lost)

    lose("1076_MTI_SAD_XX")
    assert ogm()["comparable"]
    assert ogm()["parts"]["train"]["missing"] == ["1076_MTI_SAD_XX"]
    for part, what in (("train", "training"), ("test", "test")):
        key = next(k for k in split["parts"][part]["keys"] if "MTI" not in k)
        lose(key)
        listed = len(split["parts"][part]["keys"])
        assert not ogm()["comparable"]
        assert ogm()["why"] == [f"{listed - 1} of {listed} {what} items found: {key} missing"]
    shutil.rmtree(root / ".building", ignore_errors=True)
