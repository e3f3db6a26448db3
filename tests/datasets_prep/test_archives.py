"""Archives are read as they are, once, and what is no archive, half of one, or a trap is refused by name."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from datasets_prep import archives, verbs
from datasets_prep.dataset import Sources
from mmbench.errors import UserError
from tests.datasets_prep.conftest import content


def packed(crema, folder: Path, how: str) -> Path:
    """The imitation with its clips in an archive and its lists beside it."""
    raw = folder / "download"
    raw.mkdir()
    source = crema.raw()
    for name in ("lists", "IMITATION.txt"):
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, raw / name)
    if how.startswith("zip"):
        shutil.make_archive(str(raw / "CREMA-D"), "zip", source, "CREMA-D")
        if how == "zip-parts":
            whole = (raw / "CREMA-D.zip").read_bytes()
            for i in range(3):
                (raw / f"CREMA-D.zip.{i + 1:03}").write_bytes(whole[i * len(whole) // 3 : (i + 1) * len(whole) // 3])
            (raw / "CREMA-D.zip").unlink()
    else:
        with tarfile.open(raw / "CREMA-D.tar.gz", "w:gz") as tar:
            tar.add(source / "CREMA-D", "CREMA-D")
    return raw


@pytest.mark.parametrize("how", ["zip", "zip-parts", "tar"])
def test_an_archive_gives_the_same_store_and_leaves_no_copy(crema, tmp_path, how, capsys):
    raw = packed(crema, tmp_path, how)
    before = sorted(p.name for p in raw.iterdir())
    verbs.prepare("crema-d", [str(raw)], only=["middle", "psd-257x299"], jobs=0, root=tmp_path / "data")
    assert "unpacking CREMA-D." in capsys.readouterr().err
    made, expected = content(tmp_path / "data"), content(crema.store())
    for name in ("index.json", "splits/ogm.json", "middle.npy", "psd-257x299.npy"):
        assert made[f"crema-d/1/{name}"] == expected[f"crema-d/1/{name}"]
    assert sorted(p.name for p in raw.iterdir()) == before
    assert [p.name for p in (tmp_path / "data/.building").iterdir() if p.is_dir()] == []
    again = verbs.prepare("crema-d", [str(raw)], only=["middle", "psd-257x299"], jobs=0, root=tmp_path / "data")
    assert again.data["made"] == []


def test_an_unpacked_archive_is_not_unpacked_again_after_a_stop(crema, tmp_path):
    raw, said = packed(crema, tmp_path, "zip"), []

    def stopped() -> None:
        with archives.opened(Sources({"": raw}), tmp_path / "view", said.append) as sources:
            assert (sources.folders[""] / "CREMA-D/AudioWAV").is_dir()
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            stopped()
    assert len(said) == 1


def test_a_folder_beside_an_archive_of_the_same_name_is_read_too(tmp_path):
    raw, view = tmp_path / "raw", tmp_path / "view"
    (raw / "dev/aac").mkdir(parents=True)
    (raw / "dev/aac/mine").write_text("mine")

    def stopped() -> None:
        with archives.opened(Sources({"": raw}), view, lambda _: None) as sources:
            assert (sources.folders[""] / "dev/mp4/theirs").read_text() == "x"
            assert (sources.folders[""] / "dev/aac/mine").read_text() == "mine"
            raise KeyboardInterrupt

    for name, member in (("a.zip", "dev/mp4/theirs"), ("b.zip", "dev/aac/theirs")):  # the second is downloaded after the stop
        _zip(raw / name, member)
        with pytest.raises(KeyboardInterrupt):
            stopped()
    assert (view / "raw/dev/aac/theirs").is_file()
    assert [p.name for p in (raw / "dev/aac").iterdir()] == ["mine"], "nothing is unpacked into the user's folder"


def _zip(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")


def _locked(path: Path) -> None:
    """A zip with a password, as the flags of its two headers say."""
    _zip(path, "x")
    whole = bytearray(path.read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)


def _tar(path: Path, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, link, 0 if link else 1
        archive.addfile(member, io.BytesIO(b"x"))


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("a.zip", lambda p: _zip(p, "../out"), r"a\.zip: its member '\.\./out' points outside its folder"),
        ("a.zip", lambda p: _zip(p, "/out"), r"its member '/out' points outside its folder"),
        ("a.zip", lambda p: _zip(p, "a\\..\\..\\out"), r"points outside its folder"),
        ("a.tar", lambda p: _tar(p, "x/../../out"), r"points outside its folder"),
        ("a.tar", lambda p: _tar(p, "link", tarfile.SYMTYPE, "/etc"), r"link is a link or a device"),
        ("a.zip", lambda p: p.write_text("<!DOCTYPE html><html>quota</html>"), r"a\.zip: is a web page saved in place of the file"),
        ("a.zip", lambda p: p.write_bytes(b""), r"a\.zip: is empty"),
        ("a.zip", lambda p: p.write_bytes(b"PK\x03\x04" + bytes(100)), r"a\.zip: is no whole archive .*download it again"),
        ("a.tar.gz", lambda p: p.write_bytes(b"\x1f\x8b\x08" + bytes(100)), r"a\.tar\.gz: is no whole archive"),
        ("a.zip", _locked, r"a\.zip: cannot be unpacked here \(.*password.*\): unpack it there first"),
        ("a.rar", lambda p: p.write_bytes(b"Rar!"), r"a\.rar cannot be read as it is: unpack it there first"),
    ],
)
def test_what_is_refused(tmp_path, name, make, says):
    raw = tmp_path / "raw"
    raw.mkdir()
    make(raw / name)
    with pytest.raises(UserError, match=says):
        verbs.prepare("crema-d", [str(raw)], jobs=0, root=tmp_path / "data")
    assert not (tmp_path / "out").exists()
    assert not any(p.name == "out" for p in tmp_path.rglob("*"))


def test_half_an_archive_and_a_missing_part_are_told(crema, tmp_path):
    raw = packed(crema, tmp_path, "zip-parts")
    (raw / "CREMA-D.zip.002").unlink()
    with pytest.raises(UserError, match=r"its parts are CREMA-D\.zip\.001, CREMA-D\.zip\.003: one is missing"):
        verbs.prepare("crema-d", [str(raw)], jobs=0, root=tmp_path / "data")
    (raw / "CREMA-D.zip.003").unlink()
    with pytest.raises(UserError, match="is no whole archive"):
        verbs.prepare("crema-d", [str(raw)], jobs=0, root=tmp_path / "data")


def test_a_root_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "root").write_text("")
    _zip(tmp_path / "raw/a.zip", "x")
    with pytest.raises(UserError, match=r"root/\.building/crema-d-1\.raw/raw: Not a directory"):
        verbs.prepare("crema-d", [str(tmp_path / "raw")], jobs=0, root=tmp_path / "root")
