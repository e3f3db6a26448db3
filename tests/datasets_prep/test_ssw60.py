"""SSW60: the csv files in every form that the README leaves open, the videos' own sound, numbers that lie; each trait broken."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets_prep import folders, media, spectrogram, ssw60, ssw60_imitation, ssw60_splits, verbs
from datasets_prep.ssw60_imitation import DOUBTFUL, MUTE, RATE, SECONDS
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.rows import Rows
from tests.datasets_prep.conftest import LOST, Made

BOTH = ["audio", "visual"]
PSD = "psd-257x1004"
LISTED = {part: [asset for asset, _, of in ssw60_imitation.videos() if of == part] for part in ssw60_splits.PARTS}
BROKEN = "483326"  # the video that defects are done to, a training one


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    return Made("ssw60", tmp_path_factory)


def sources(raw: Path, lists: Path | None = None):
    return folders.sources([str(raw)], ssw60.DATASET.folders, lists)


def find(raw: Path):
    return ssw60.find(sources(raw), list(ssw60.ARRAYS))


def splits(raw: Path):
    made, lacking = ssw60_splits.splits(find(raw), sources(raw))
    return {split.name: split for split in made}, lacking


def broken(birds, *defects: str) -> Path:
    """A copy of the undamaged imitation, its videos kept and the csv files written anew with these defects."""
    raw = birds.copy()
    for path in (raw / "ssw60").glob("*.csv"):
        path.unlink()
    ssw60_imitation.describe(raw / "ssw60", defects)
    return raw


def item(raw: Path, asset: str = BROKEN):
    return next(item for item in find(raw).items if item.key == asset)


def row(root: Path, name: str, key: str):
    keys = json.loads((root / "ssw60/1/index.json").read_text())["keys"]
    return Rows(root / "ssw60/1", name, "", np.arange(len(keys))).row(keys.index(key))


def load(root: Path):
    return store.load(root, "ssw60", "official", PSD, BOTH, frames=3, frame_rule="uniform")


# ------------------------------------------------------------------------------------------------------------- what is stored


def test_the_sound_is_the_videos_own_at_16_khz(birds):
    """Not that of `audio_ml`, which holds other recordings."""
    clip = media.clip(birds.raw() / f"ssw60/video_ml/{BROKEN}.mp4", sound=True)
    assert clip.sound is not None
    assert (clip.sound.shape[0], clip.sound_rate) == (2, 22_050)
    sound = spectrogram.resample(clip.sound.mean(0), 22_050, 16_000)
    assert np.array_equal(row(birds.store(), PSD, BROKEN), spectrogram.log_psd(spectrogram.tiled(sound, 1, 160_000), 16_000))


def test_frames_are_counted_by_decoding(birds):
    """The table states 153 frames, seven seconds of them, where there are 75."""
    stated = [row["frame_count"] for row in ssw60_splits.table(birds.raw() / "ssw60/video_ml.csv", ["frame_count"])]
    assert set(stated) == {"153"}
    clip = media.clip(birds.raw() / f"ssw60/video_ml/{BROKEN}.mp4", lambda count, rate: {0, RATE, 2 * RATE})
    assert (clip.count, clip.rate) == (RATE * SECONDS, RATE)
    frames = row(birds.store(), "frames", BROKEN)
    assert frames.shape == (SECONDS, 256, 340, 3)
    for stored, (_, frame) in zip(frames, sorted(clip.frames.items()), strict=True):
        assert np.array_equal(stored[:192, :340], media.fitted(frame))


def test_pictures_of_all_sizes_fit_the_canvas(birds):
    part = load(birds.store()).parts["train"]
    sizes = {tuple(size) for size in part.arrays["visual"].sizes(np.arange(len(part))).tolist()}
    assert sizes == {(54, 96), (192, 340), (96, 54)}


def test_parts_and_classes_are_those_of_the_table(birds):
    data = load(birds.store())
    assert data.classes == tuple(str(i) for i in range(60))
    heard = {part: tuple(asset for asset in of if asset != MUTE) for part, of in LISTED.items()}
    assert {name: part.keys for name, part in data.parts.items()} == heard
    labels = {asset: label for asset, label, _ in ssw60_imitation.videos()}
    for part in data.parts.values():
        assert part.labels.tolist() == [labels[asset] for asset in part.keys]
        assert set(part.labels.tolist()) == set(ssw60_imitation.USED)


def test_a_video_without_sound_is_named_and_its_pictures_stay(birds):
    answer = verbs.verify("ssw60", root=birds.store())
    assert answer.data["sound"]
    assert answer.data["skipped"] == {MUTE: {PSD: f"{MUTE}.mp4: has no sound track"}}
    assert row(birds.store(), "frames", MUTE).shape == (SECONDS, 256, 340, 3)
    official = next(s for s in answer.data["splits"] if s["name"] == "official")
    (view,) = official["views"]
    assert view["why"] == [
        "it is an imitation",
        "nothing is published about the counts of this split",
        f"12 of 13 training items found: {MUTE} missing",
    ]
    assert {part: n["listed"] for part, n in view["parts"].items()} == {"train": 13, "test": 4}
    assert official["overlap"]["train, test"]["groups"] == 0
    assert official["known"] == {"video_ml.csv": None}
    assert "a complete copy has 5,400" in answer.text


def test_the_doubtful_sounds_are_told_kept_and_left_out_of_a_split_of_their_own(birds):
    assert find(birds.raw()).problems == ["reliable_audio is 0 for 2 of 17 videos (a machine says so; they are kept)"]
    made, lacking = splits(birds.raw())
    assert lacking == {}
    for part, (assets, _) in made["official-reliable"].parts.items():
        assert assets == [asset for asset in LISTED[part] if asset not in DOUBTFUL]
    carved = made["official-val"].parts
    assert [len(carved[part][0]) for part in ("train", "val", "test")] == [12, 1, 4]
    assert {*carved["train"][0], *carved["val"][0]} == {*LISTED["train"]}


# --------------------------------------------------------------------------------------------------------- forms of the files

SAME = ("index-column", "corrected-column", "column-order", "crlf-lists", "blanks", "no-taxa")


@pytest.mark.parametrize("defect", SAME)
def test_other_forms_of_the_csv_files_say_the_same(birds, defect):
    (made, _), (expected, _) = splits(broken(birds, defect)), splits(birds.raw())
    assert {name: split.parts for name, split in made.items()} == {name: split.parts for name, split in expected.items()}


def test_the_column_is_misspelt_as_in_the_real_file(birds):
    header = (birds.raw() / "ssw60/video_ml.csv").read_text().partition("\n")[0]
    assert header.split(",")[9:11] == ["orginal_video_start_second", "original_video_end_second"]


def test_without_a_folder_around_it_and_with_the_lists_elsewhere(birds, tmp_path):
    expected = [item.key for item in find(birds.raw()).items]
    flat = birds.raw("flat")
    assert (flat / "video_ml.csv").exists()
    assert [item.key for item in find(flat).items] == expected
    assert [item.key for item in find(birds.raw() / "ssw60").items] == expected
    raw = birds.copy()
    (raw / "ssw60/video_ml.csv").rename(tmp_path / "VIDEO_ML.csv")
    assert [item.key for item in ssw60.find(sources(raw, tmp_path), []).items] == expected


def test_the_archive_is_read_as_it_was_downloaded(birds, tmp_path):
    raw = birds.copy()
    with tarfile.open(raw / "ssw60.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(raw / "ssw60", "ssw60")
    shutil.rmtree(raw / "ssw60")
    data = verbs.prepare("ssw60", [str(raw)], jobs=0, root=tmp_path, only=[PSD, "frames"]).data
    assert (data["items"], list(data["skipped"]), data["imitation"]) == (17, [MUTE], True)
    assert np.array_equal(row(tmp_path, PSD, BROKEN), row(birds.store(), PSD, BROKEN))


def test_without_the_column_of_reliable_sound_its_split_is_not_made(birds):
    raw = broken(birds, "no-reliable")
    made, lacking = splits(raw)
    assert set(made) == {"official", "official-val"}
    assert lacking == {"official-reliable": "video_ml.csv has no column 'reliable_audio'"}
    assert find(raw).problems == []


# ------------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("defect", LOST)
def test_what_costs_a_video(birds, defect):
    made = ssw60.make(item(broken(birds, defect)), list(ssw60.ARRAYS))
    assert made.arrays == {}
    assert set(made.skipped) == set(ssw60.ARRAYS)
    assert made.skipped["frames"].startswith(f"{BROKEN}.mp4: ")
    assert any(why in made.skipped["frames"] for why in LOST[defect].split("|"))


def test_no_sound_silence_and_one_frame(birds):
    made = ssw60.make(item(broken(birds, "no-sound")), list(ssw60.ARRAYS))
    assert (list(made.arrays), made.skipped) == (["frames"], {PSD: f"{BROKEN}.mp4: has no sound track"})
    made = ssw60.make(item(broken(birds, "silent")), [PSD])
    assert (made.skipped, made.notes) == ({}, ["the sound is silence"])
    made = ssw60.make(item(broken(birds, "one-frame")), ["frames"])
    assert (len(made.arrays["frames"]), made.skipped, made.notes) == (1, {}, [])
    assert ssw60.make(item(birds.raw()), [PSD]).notes == []


def test_a_missing_video_is_told_before_the_start(birds):
    found = find(broken(birds, "missing-clip"))
    assert len(found.items) == 17
    assert found.problems[0] == f"1 of 17 listed videos are not there: {BROKEN}"


def test_videos_that_the_table_does_not_name_are_told_and_left_out(birds):
    found = find(broken(birds, "unlisted", "dot-underscore"))
    assert len(found.items) == 17
    assert found.problems[0] == "video_ml: 2 files belong to no row of video_ml.csv and are left out: 999999, bird.mp4"


REFUSED = {
    "all-missing": r"no folder 'video_ml' in it; expected ssw60/video_ml/<asset id>\.mp4 .*there is: audio_ml, audio_ml\.csv",
    "same-key": r"two clips have one key: 483326\.MP4 and 483326\.mp4",
    "no-csv": r"no video_ml\.csv in it, which says what bird each video shows: name the folder of .*ssw60\.tar\.gz .* with --lists",
    "other-column": r"video_ml\.csv: has no column 'split'; its first line is: asset_id,label,part,",
    "other-label": r"video_ml\.csv, row 2: label is '60', expected 0 to 59",
    "other-part": r"video_ml\.csv, row 2: split is 'val', expected train or test",
    "other-truth": r"video_ml\.csv, row 2: reliable_audio is 'maybe', expected 0 or 1",
    "number-ids": r"row 2: asset_id is '483326\.0', expected a number like 483821: was the file changed by a spreadsheet\?",
    "asset-twice": r"video_ml\.csv: names 483821 more than once",
    "unquoted": r"taxa\.csv, row 1: has 11 cells, its header 9: is a comma not in quotes\?",
    "fewer-taxa": r"taxa\.csv: has no species for label 59: expected a row for each of 0 to 59",
    "label-twice": r"taxa\.csv: column label: names 0 more than once",
    "more-taxa": r"taxa\.csv: label 60 is none of 0 to 59",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(birds, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]) as error:
        verbs.prepare("ssw60", [str(broken(birds, defect))], jobs=0, root=tmp_path)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "ssw60").exists()


def test_pointers_for_all_videos_or_none_at_all(birds, tmp_path):
    with pytest.raises(UserError, match=r"none of the first 17 items can be used; for instance .*is a Git-LFS pointer"):
        verbs.prepare("ssw60", [str(broken(birds, "lfs-pointers"))], jobs=0, root=tmp_path)
    raw = birds.copy()
    for path in (raw / "ssw60/video_ml").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"none of the 17 listed videos is there; expected ssw60/video_ml/"):
        find(raw)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"<!DOCTYPE html>", b"\xff\xfe\x00", b"\n\n"])
def test_a_table_that_is_none_is_named(birds, content):
    raw = birds.copy()
    (raw / "ssw60/video_ml.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"video_ml\.csv: ") as error:
        find(raw)
    assert len(str(error.value).splitlines()) == 1


def test_every_defect_is_tried_here():
    tried = {"flat", "no-reliable", "no-sound", "silent", "one-frame", "unlisted", "dot-underscore", "lfs-pointers"}
    assert set(ssw60.DATASET.defects) == {*SAME, *LOST, *REFUSED, *tried}
