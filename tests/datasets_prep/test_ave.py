"""AVE, both tasks: the real lists give the facts' counts and meet the order files; repeated videos stay apart; each trait broken."""

from __future__ import annotations

import json
from collections import Counter

import h5py
import numpy as np
import pytest

from datasets_prep import ave, ave_imitation, ave_localisation, ave_splits, media, spectrogram, verbs
from datasets_prep import lists as readers
from datasets_prep.dataset import Found, Sources
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.rows import Rows
from tests.datasets_prep.conftest import Made


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return Made("ave", tmp_path_factory)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return Made("ave-localisation", tmp_path_factory)


def row(root, dataset, name, key):
    keys = json.loads((root / dataset / "1/index.json").read_text())["keys"]
    return Rows(root / dataset / "1", name, "", np.arange(len(keys))).row(keys.index(key))


# ------------------------------------------------------------------------------------------------------------ the real lists


@pytest.fixture(scope="module")
def real(lists):
    folder = lists / "ave"
    made, lacking = ave_splits.splits(Found([]), Sources({"": folder}, folder))
    assert lacking == {}
    return {split.name: split for split in made}, folder


def test_the_real_lists_are_known_and_counted(real):
    splits, _ = real
    assert set(splits["official"].known.values()) == {True}
    for part, (keys, labels) in splits["official"].parts.items():
        assert Counter(labels) == ave_splits.COUNTS[part]
        assert len(set(keys)) == len(keys)
    assert {part: len(keys) for part, (keys, _) in splits["official"].parts.items()} == {"train": 3339, "val": 402, "test": 402}
    assert {part: len(keys) for part, (keys, _) in splits["arl"].parts.items()} == {"train": 3312, "val": 401, "test": 402}
    videos = {part: {key.partition("@")[0] for key in keys} for part, (keys, _) in splits["official"].parts.items()}
    assert [len(videos[a] & videos[b]) for a, b in (("train", "test"), ("train", "val"), ("val", "test"))] == [8, 10, 0]
    assert len(set().union(*splits["official"].of.values())) == ave_splits.EXPECTED.rows == 4097
    assert set(ave_splits.EXPECTED.known_bad) <= set(splits["official"].parts["train"][0])


def test_a_header_changes_nothing(real):
    _, folder = real
    rows = [ave_splits.rows(folder / name) for name in ("Annotations.txt", "Annotations.headerless.txt")]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 4143
    assert tuple(dict.fromkeys(r.label for r in rows[0])) == ave_splits.CLASSES
    for name in ("Annotations.txt", "Annotations.headerless.txt"):
        assert readers.md5(folder / name) in ave_splits.KNOWN["Annotations.txt"]


def test_the_real_order_files_name_the_rows_of_the_lists(real, lists):
    splits, folder = real
    (made,), _ = ave_localisation.splits(Found([]), Sources({"": folder}))
    assert set(made.known.values()) == {True}
    for part, (keys, labels) in made.parts.items():
        assert [key[5:] for key in keys] == [key.partition("@")[0] for key in splits["official"].parts[part][0]]
        assert labels == splits["official"].parts[part][1]
    with h5py.File(folder / "mil_labels.h5") as file:
        numbers = np.asarray(file["avadataset"]).argmax(1)
    assert [ave_localisation.CLASSES[i] for i in numbers] == [r.label for r in ave_splits.rows(folder / "Annotations.txt")]


# ------------------------------------------------------------------------------------------------------------- classification


def test_only_the_event_is_stored(clips):
    event = ave_imitation.events()["train"][1]
    assert (event.start, event.end) == (2, 6)
    clip = media.clip(clips.raw() / f"AVE_Dataset/AVE/{event.video}.mp4", lambda count, rate: set(range(count)), sound=True)
    assert clip.sound is not None
    expected = spectrogram.log_psd(spectrogram.tiled(clip.sound.mean(0)[2 * 16_000 : 6 * 16_000], 1, 160_000), 16_000)
    assert np.array_equal(row(clips.store(), "ave", "psd-257x1004", event.key), expected)
    frames = row(clips.store(), "ave", "frames", event.key)
    assert frames.shape == (5, 256, 340, 3)
    for stored, second in zip(frames, range(2, 7), strict=True):
        assert np.array_equal(stored[:48, :64], media.rgb(clip.frames[8 * second]))


def test_a_video_with_two_classes_is_two_items_of_one_clip(clips):
    data = store.load(clips.store(), "ave", "official", "psd-257x1004", ["audio", "visual"])
    part = data.parts["train"]
    twin = ave_imitation.events()["train"][3]
    twins = [i for i, key in enumerate(part.keys) if key.partition("#")[0] == twin.key]
    assert [part.keys[i] for i in twins] == [twin.key, f"{twin.key}#2"]
    assert [data.classes[part.labels[i]] for i in twins] == ["Male speech, man speaking", "Female speech, woman speaking"]
    sounds = part.arrays["audio"][np.array(twins)]
    assert np.array_equal(sounds[0], sounds[1])
    once = store.load(clips.store(), "ave", "arl", "psd-257x1004", ["audio"]).parts["train"]
    assert [once.labels[i] for i, key in enumerate(once.keys) if key == twin.key] == [1]


def test_the_doctor_tells_the_leak_and_the_event_of_no_length(clips):
    data = verbs.verify("ave", root=clips.store()).data
    official = next(s for s in data["splits"] if s["name"] == "official")
    assert official["overlap"]["train, test"]["groups"] == 1
    assert official["views"][0]["parts"]["train"]["missing"] == ["VWi2ENBuTbw@0-0"]
    assert data["known_bad"] == {"VWi2ENBuTbw@0-0": "an event of no length [V]"}
    assert not any("missing" in why for why in official["views"][0]["why"])  # it is so in every copy


BROKEN = {
    "lfs-pointers": "none of the first .* items can be used; for instance .*Git-LFS pointer",
    "all-missing": "none of the 21 annotated clips is there; expected AVE_Dataset/AVE",
    "same-key": "two clips have one key: AVE_Dataset/-tr",
    "commas": "Set.txt, line 1: 'Church bell,.*' is not 'Category&VideoID",
    "no-lists": "no list says what happens when: needs trainSet.txt",
}
SKIPPED = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "missing-clip": "is not there",
    "cut-short": "is no readable clip",
    "no-sound": "has no sound track",
    "short-sound": "its sound ends before second 2",
    "one-frame": "has no picture between second 2 and 6",
    "dot-underscore": "",
    "header-less": "",
    "crlf-lists": "",
}


@pytest.mark.parametrize("defect", BROKEN)
def test_what_stops_a_preparation(clips, tmp_path, defect):
    raw = clips.raw(defect) if defect in ("commas", "no-lists") else clips.copy()
    ave_imitation._break(raw / "AVE_Dataset", defect)
    with pytest.raises(UserError, match=BROKEN[defect]):
        verbs.prepare("ave", [str(raw)], jobs=0, root=tmp_path)
    assert not (tmp_path / "ave").exists()


@pytest.mark.parametrize("defect", SKIPPED)
def test_what_costs_a_clip(clips, tmp_path, defect):
    raw = clips.raw(defect) if defect in ("header-less", "crlf-lists") else clips.copy()
    ave_imitation._break(raw / "AVE_Dataset", defect)
    data = verbs.prepare("ave", [str(raw)], jobs=0, root=tmp_path).data
    data["skipped"].pop("VWi2ENBuTbw@0-0")
    reasons = {why for arrays in data["skipped"].values() for why in arrays.values()}
    assert all(SKIPPED[defect] in why for why in reasons)
    assert bool(reasons) == bool(SKIPPED[defect])
    if defect in ("no-sound", "short-sound", "one-frame"):
        (lost,) = data["skipped"].values()
        assert set(lost) == ({"frames"} if defect == "one-frame" else {"psd-257x1004"})


def test_without_the_set_lists_there_is_a_rule(clips, tmp_path):
    data = clips.prepare(tmp_path, "no-sets").data
    assert [s["name"] for s in data["splits"]] == ["video-hash"]
    assert set(data["unavailable"]) == {"official", "arl"}
    assert data["splits"][0]["overlap"]["train, test"]["groups"] == 0


def test_every_defect_is_tried_here():
    assert set(ave.DATASET.defects) == {*BROKEN, *SKIPPED, "no-sets"}
    assert set(ave_localisation.DATASET.defects) == {*REFUSED, *TAKEN, "no-label"}


# --------------------------------------------------------------------------------------------------------------- localisation


def test_features_and_labels_are_those_of_the_files(features):
    data = store.load(features.store(), "ave-localisation", "official", "vggish-vgg19", ["audio", "visual"])
    assert (len(data.classes), data.classes[28]) == (29, "background")
    part = data.parts["val"]
    with h5py.File(features.raw() / "data/val_order.h5") as file:
        order = np.asarray(file["order"])
    with h5py.File(features.raw() / "data/labels.h5") as labels, h5py.File(features.raw() / "data/visual_feature.h5") as visual:
        assert np.array_equal(part.labels, np.asarray(labels["avadataset"])[order].argmax(2))
        assert np.array_equal(part.extras["events"], np.asarray(labels["avadataset"])[order])
        assert np.array_equal(part.arrays["visual"].whole(), np.asarray(visual["avadataset"])[order])
    assert part.labels.shape == (4, 10)
    assert part.arrays["visual"].whole().shape == (4, 10, 7, 7, 512)
    event = ave_imitation.events()["val"][0]
    assert part.labels[0].tolist() == [0 if event.start <= s < event.end else 28 for s in range(10)]


def test_small_goes_by_the_class_of_the_video(features):
    small = store.load(features.store(), "ave-localisation", "official", "vggish-vgg19", ["audio"], small=1)
    assert len(small.parts["train"]) == len(ave_imitation.USED)


REFUSED = {
    "lfs-pointer": "visual_feature.h5: is a Git-LFS pointer",
    "error-page": "visual_feature.h5: is a web page",
    "zero-bytes": "visual_feature.h5: is empty",
    "cut-short": "visual_feature.h5: is no readable HDF5 file, or only a part of one",
    "missing-file": "no audio_feature.h5 in it; expected audio_feature.h5, visual_feature.h5",
    "other-key": "audio_feature.h5: has no dataset 'avadataset'; it has features",
    "fewer-rows": r"labels.h5: has 22 rows, Annotations.txt 23: they do not belong together",
    "other-shape": r"visual_feature.h5: holds \(23, 10, 512\), expected \(rows, 10, 7, 7, 512\)",
    "one-based": "test_order.h5: row 23, but Annotations.txt has the rows 0 to 22",
    "row-twice": "train_order.h5: names 0 more than once",
}
TAKEN = ("header", "right-labels", "dot-underscore")


@pytest.mark.parametrize("defect", REFUSED)
def test_feature_files_that_do_not_belong_together_are_refused(features, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]):
        features.prepare(tmp_path, defect)
    assert not (tmp_path / "ave-localisation").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("labels.h5", None, r"labels\.h5: 'avadataset' holds other datasets, expected numbers"),
        ("labels.h5", np.full((23, 10, 29), b"x"), r"labels\.h5: 'avadataset' holds \|S1, expected numbers"),
        ("test_order.h5", np.array([b"1"]), r"test_order\.h5: 'order' holds \|S1, expected numbers"),
    ],
)
def test_files_of_another_kind_are_refused(features, tmp_path, name, content, says):
    raw, key = features.copy(), "order" if "order" in name else "avadataset"
    with h5py.File(raw / "data" / name, "w") as file:
        file.create_group(key) if content is None else file.create_dataset(key, data=content)
    with pytest.raises(UserError, match=says):
        verbs.prepare("ave-localisation", [str(raw)], jobs=0, root=tmp_path)


@pytest.mark.parametrize("defect", TAKEN)
def test_other_forms_of_the_files_give_the_same(features, tmp_path, defect):
    assert features.prepare(tmp_path, defect).data["sound"]
    key = "0003-" + ave_imitation.events()["train"][3].video
    for name in ave_localisation.ARRAYS:
        assert np.array_equal(row(tmp_path, "ave-localisation", name, key), row(features.store(), "ave-localisation", name, key))


def test_a_second_without_a_label_costs_the_clip(features, tmp_path):
    answer = features.prepare(tmp_path, "no-label")
    skipped = answer.data["skipped"]
    key = "0002-" + ave_imitation.events()["train"][2].video
    why = f"{key}: labels.h5: row 2 has a second without a label, not even the background's"
    assert skipped == {key: dict.fromkeys(ave_localisation.ARRAYS, why)}
    assert f"\n  {why} (" in answer.text, "its name once"
