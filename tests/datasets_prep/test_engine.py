"""The promises of preparation: the same bytes whatever the workers, nothing half, nothing twice, and one line for every trouble."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from datasets_prep import building, engine, folders, verbs
from datasets_prep.catalogue import load
from mmbench.errors import UserError
from tests.datasets_prep.conftest import content

COMMAND = """
import sys, pathlib
from datasets_prep import verbs
verbs.prepare("crema-d", [sys.argv[1]], jobs=2, root=pathlib.Path(sys.argv[2]))
"""


def start(raw: Path, root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", COMMAND, str(raw), str(root)], stderr=subprocess.DEVNULL, start_new_session=True)


def journal(root: Path) -> Path:
    return building.folder(root, "crema-d", "1") / "journal.jsonl"


def until(what, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_bytes_do_not_depend_on_the_number_of_workers(crema, tmp_path, jobs):
    verbs.prepare("crema-d", [str(crema.raw())], jobs=jobs, root=tmp_path)
    found, expected = content(tmp_path), content(crema.store())
    assert [name for name in expected if found.get(name) != expected[name]] == []
    assert set(found) == set(expected)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_preparation_goes_on_and_redoes_no_finished_clip(crema, tmp_path, capsys, how):
    process = start(crema.raw(), tmp_path)
    until(lambda: journal(tmp_path).exists() and journal(tmp_path).read_bytes().count(b"\n") >= 6)
    os.kill(process.pid, how)
    process.wait()
    assert process.returncode == (-9 if how == signal.SIGKILL else 143)
    time.sleep(0.2)  # workers see that their parent is gone
    assert not (tmp_path / "crema-d").exists()
    before = len(building.journal(journal(tmp_path).parent))
    with journal(tmp_path).open("a") as handle:
        handle.write('{"row": 3, "arr')  # a line cut short
    seen = []
    dataset, sources = load("crema-d"), folders.sources([str(crema.raw())], [""], None)
    plan = engine.plan(dataset, sources, tmp_path, (), 0)
    engine.run(plan, tmp_path, sources, 0, lambda done, total, skipped: seen.append(done), print)
    assert seen == list(range(before, plan.content and len(plan.found.items) + 1))
    assert f"going on: {before} of" in capsys.readouterr().out
    assert content(tmp_path) == content(crema.store())


def test_a_row_that_is_not_what_the_journal_says_is_made_again(crema, tmp_path, capsys):
    process = start(crema.raw(), tmp_path)
    until(lambda: journal(tmp_path).exists() and journal(tmp_path).read_bytes().count(b"\n") >= 3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.2)
    place = journal(tmp_path).parent
    row = min(building.journal(place).places)
    with building.opened(place / "middle.npy") as (handle, start_):
        os.pwrite(handle, b"\x01\x02\x03", start_ + row * 360 * 480 * 3)
    crema.prepare(tmp_path)
    assert content(tmp_path) == content(crema.store())


def test_recipes_can_be_added_later_and_give_the_same_store(crema, tmp_path):
    first = crema.prepare(tmp_path, only=["stft-257x188"])
    assert first.data["made"] == ["stft-257x188", "middle", "frames"]
    second = crema.prepare(tmp_path)
    assert second.data["made"] == ["psd-257x299", "psd-257x1004", "mel-256x256", "faces"]
    found, expected = content(tmp_path), content(crema.store())
    meta = [json.loads(c.pop("crema-d/1/meta.json")) for c in (found, expected)]
    assert found == expected
    assert {**meta[0], "arrays": 0} == {**meta[1], "arrays": 0}
    assert meta[0]["arrays"] == meta[1]["arrays"]
    assert crema.prepare(tmp_path).data["made"] == []


def test_changed_clips_replace_the_store(crema, tmp_path):
    raw = crema.copy()
    verbs.prepare("crema-d", [str(raw)], only=["middle"], jobs=0, root=tmp_path)
    before = json.loads((tmp_path / "crema-d/1/meta.json").read_text())
    clip = raw / "CREMA-D/VideoFlash/1001_DFA_ANG_XX.flv"
    other = (raw / "CREMA-D/VideoFlash/1001_DFA_DIS_XX.flv").read_bytes()
    clip.unlink()
    clip.write_bytes(other)
    answer = verbs.prepare("crema-d", [str(raw)], only=["middle"], jobs=0, root=tmp_path)
    assert answer.data["made"] == ["middle"]
    assert json.loads((tmp_path / "crema-d/1/meta.json").read_text())["arrays"]["middle"]["sha256"] != before["arrays"]["middle"]["sha256"]
    assert answer.data["twins"] == [
        {"keys": ["1001_DFA_ANG_XX", "1001_DFA_DIS_XX"], "arrays": ["middle"], "in": answer.data["twins"][0]["in"]}
    ]


def test_two_preparations_at_once_are_refused(crema, tmp_path):
    with (
        engine.alone(building.folder(tmp_path, "crema-d", "1")),
        pytest.raises(UserError, match="another preparation of crema-d-1 is running"),
    ):
        crema.prepare(tmp_path)


def test_a_short_disk_is_refused_before_the_start(crema, tmp_path, monkeypatch):
    monkeypatch.setattr(engine.shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(10**6))
    with pytest.raises(UserError, match=r"needs about 0\.1 GB .*make room"):
        crema.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_store_and_the_same_call_goes_on(crema, tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, limit[1]))
    try:
        with pytest.raises(UserError, match="make room and run the same command again"):
            crema.prepare(tmp_path, only=["middle"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not (tmp_path / "crema-d").exists()
    assert crema.prepare(tmp_path, only=["middle"]).data["sound"]


def test_a_root_that_cannot_be_written_is_one_line(crema, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        crema.prepare(tmp_path / "file")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "root/.building"),
            r"root/\.building: no permission to write there: set MMBENCH_D",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "raw/clip.flv"), r"^raw/clip\.flv: cannot be read \(Permission denied\)$"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk of root is full: make room and run the same command again"),
        (OSError(errno.EIO, "Input/output error", "raw/clip.flv"), r"^raw/clip\.flv: cannot be read \(Input/output error\)$"),
    ],
)
def test_what_a_disk_refuses_is_one_line(error, says):
    with pytest.raises(UserError, match=says), engine.disk(Path("root")):
        raise error


def test_a_store_appears_only_when_it_is_whole(crema, tmp_path, monkeypatch):
    monkeypatch.setattr(engine.building, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        crema.prepare(tmp_path)
    assert not (tmp_path / "crema-d").exists()
    monkeypatch.undo()
    assert crema.prepare(tmp_path).data["sound"]
    assert content(tmp_path) == content(crema.store())


def test_interrupted_while_joining_ragged_rows(crema, tmp_path, monkeypatch):
    real = building.file

    def stop(place, name, what=""):
        if what == "joined" and name == "frames" and real(place, "frames").exists() and not (place / "tried").exists():
            (place / "tried").write_text("")
        elif what == "joined" and (place / "tried").exists():
            (place / "tried").unlink()
            raise KeyboardInterrupt
        return real(place, name, what)

    monkeypatch.setattr(building, "file", stop)
    with pytest.raises(KeyboardInterrupt):
        crema.prepare(tmp_path)
    monkeypatch.undo()
    crema.prepare(tmp_path)
    assert content(tmp_path) == content(crema.store())


def test_other_libraries_start_anew(crema, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine.commit.libraries, "versions", lambda: {"av": "1"})
    monkeypatch.setattr(engine.building, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        crema.prepare(tmp_path)
    monkeypatch.undo()
    crema.prepare(tmp_path)
    assert "starting anew" in capsys.readouterr().err
    assert content(tmp_path) == content(crema.store())


def test_nothing_about_the_machine_is_in_a_store(crema):
    text = b"".join(c for name, c in content(crema.store()).items() if name.endswith(".json"))
    for word in (str(crema.raw()), str(crema.store()), os.uname().nodename, os.environ.get("USER") or "\0"):
        assert word.encode() not in text
    shutil.rmtree(crema.store() / ".building", ignore_errors=True)
