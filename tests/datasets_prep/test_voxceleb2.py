"""VoxCeleb2 with VoxCeleb1's trials: m4a and wav by one key, faces in both layouts, two trial lists; each layout trait broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datasets_prep import folders, media, spectrogram, verbs, voxceleb2, voxceleb2_imitation, voxceleb2_splits
from datasets_prep.dataset import Sources
from datasets_prep.voxceleb2_files import Index, Utterances, names
from mmbench import batches, published, trials
from mmbench.datasets import store
from mmbench.errors import UserError
from mmbench.smoke import shapes
from tests.datasets_prep.conftest import Made

ARRAYS = list(voxceleb2.ARRAYS)
FIRST, SECOND = "id00012/21Uxsk56VDQ/00001.m4a", "id00012/21Uxsk56VDQ/00002.m4a"
CHANGED = "id00015/21Uxsk56VDQ/00002.m4a"  # what most defects change
TRIED = "id10270/21Uxsk56VDQ/00001.wav"


@pytest.fixture(scope="module")
def vox(tmp_path_factory):
    return Made("voxceleb2", tmp_path_factory)


def sources(raw: Path) -> Sources:
    return Sources({name: raw / name for name in voxceleb2.DATASET.folders if (raw / name).is_dir()})


def find(raw: Path):
    return voxceleb2.find(sources(raw), ARRAYS)


def broken(vox, *defects: str) -> Path:
    """A copy of the undamaged imitation with these defects; lists and metadata are written anew."""
    raw = vox.copy()
    for name in (voxceleb2_splits.META, *voxceleb2_splits.LISTS.values()):
        (raw / name).unlink()
    voxceleb2_imitation.describe(raw, defects)
    for defect in defects:
        voxceleb2_imitation._break(raw, defect)
    return raw


def item(raw: Path, key: str = CHANGED):
    return next(item for item in find(raw).items if item.key == key)


def load(root):
    return store.load(root, "voxceleb2", "vox1-o", "wave-16k", ["audio", "visual"], frames=2, frame_rule="by-count")


def test_the_published_numbers_agree():
    facts = published.datasets()["voxceleb2"]
    assert voxceleb2_splits.EXPECTED.totals == facts.splits
    assert voxceleb2_splits.EXPECTED.trials["vox1-o-cleaned"] == facts.items["trial"]
    assert shapes.TRIALS["voxceleb2"] == tuple(voxceleb2_splits.LISTS) == tuple(voxceleb2_splits.EXPECTED.trials)
    subsets = {recipe["subset"] for recipe in _recipes()}
    assert subsets == set(voxceleb2_splits.LISTS)


def _recipes():
    found = published.recipes()["mmcosine-voxceleb2"]
    return [found, found["released"]]


def test_speakers_are_those_of_dev_and_trials_those_of_voxceleb1(vox):
    found = find(vox.raw())
    assert found.classes == {"sorted": voxceleb2_imitation.DEV}
    assert [item.key for item in found.items] == sorted(
        [f"{stem}.m4a" for stem in voxceleb2_imitation.stems(voxceleb2_imitation.DEV)]
        + [f"{stem}.wav" for stem in voxceleb2_imitation.stems(voxceleb2_imitation.TRIED)]
    )
    assert all(Path(path).exists() for item in found.items for path in item.files.values())
    assert all(item.key.startswith(item.group) and len(item.files) == 2 for item in found.items)
    assert found.problems == ["3 utterances of speakers that are not of dev in vox2_meta.csv are left out: id00017"]


def test_parts_labels_and_trials(vox):
    data = load(vox.store())
    assert data.classes == voxceleb2_imitation.DEV
    train, test = data.parts["train"], data.parts["test"]
    assert [data.classes[label] for label in train.labels] == [key[:7] for key in train.keys] == list(train.groups)
    assert set(test.labels.tolist()) == {-1}
    listed = trials.of(test.extras)
    assert {name: (len(pairs), int(pairs[:, 2].sum())) for name, pairs in listed.items()} == {
        "vox1-o-cleaned": (36, 9),
        "mmcosine-trials": (15, 6),
    }
    for pairs in listed.values():
        assert [test.keys[a][:7] == test.keys[b][:7] for a, b, _ in pairs] == [bool(same) for *_, same in pairs]


def test_sound_is_the_whole_utterance_at_16_khz(vox):
    data = load(vox.store())
    for part, key, path in (
        ("train", FIRST, vox.raw() / "voxceleb2/dev/aac" / FIRST), ("test", TRIED, vox.raw() / "voxceleb1/wav" / TRIED),
    ):  # fmt: skip
        sound = media.clip(path, sound=True).sound
        assert sound is not None
        found = data.parts[part].arrays["audio"].row(data.parts[part].keys.index(key))
        assert found.dtype == np.int16
        assert np.array_equal(found, np.round(sound[0] * 32768).clip(-32768, 32767).astype(np.int16))
    spoken = voxceleb2_imitation.sound(TRIED.removesuffix(".wav"))
    assert np.abs(found / 32768 - spoken).max() < 1e-4
    assert data.parts["train"].arrays["audio"].row(data.parts["train"].keys.index(FIRST)).size > 64_240


def test_the_first_eight_faces_are_kept(vox):
    part = load(vox.store()).parts["train"]
    faces = part.arrays["visual"].row(part.keys.index(FIRST))
    folder = vox.raw() / "voxceleb2/faces" / FIRST.removesuffix(".m4a")
    assert len(list(folder.iterdir())) == 10
    assert faces.shape == (8, 224, 224, 3)
    assert np.array_equal(faces[7], np.asarray(Image.open(folder / "0000007.jpg")))
    assert len(part.arrays["visual"].row(part.keys.index(SECOND))) == 2


def test_a_batch_is_what_a_network_takes(vox):
    """Waves shorter than the window begin again; a test hears 400 frames and sees one face."""
    spec, data = {"augment": "crop-flip-sound", "image_size": 64, "frames": 2}, load(vox.store())
    for part, training, audio, visual in (
        ("train", True, (2, 1, 40, 202), (2, 3, 2, 64, 64)),
        ("test", False, (2, 1, 40, 402), (2, 3, 64, 64)),
    ):
        batch = batches.transformer(data, spec, torch.device("cpu"))(data.parts[part], torch.arange(2), None, training, torch.Generator())
        assert {m: tuple(x.shape) for m, x in batch.inputs.items()} == {"audio": audio, "visual": visual}


def test_what_verify_says(vox, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(vox.store(), root)
    answer = verbs.verify("voxceleb2", root=root)
    assert (answer.code, answer.data["sound"], answer.data["skipped"], answer.data["unavailable"]) == (0, True, {}, {})
    assert "trials of vox1-o, test: vox1-o-cleaned 36 (published: 37,611), mmcosine-trials 15 (published: 27,270)" in answer.text
    (split,) = answer.data["splits"]
    assert split["known"] == {"veri_test2.txt": False, "veri_test.csv": False}
    assert split["overlap"]["train, test"]["groups"] == 0
    assert split["views"][0]["why"][2:] == [
        "train lists 12 items, 1,092,009 are published",
        "vox1-o-cleaned lists 36 trials, 37,611 are published",
        "mmcosine-trials lists 15 trials, 27,270 are published",
    ]
    next(root.glob("voxceleb2/*/trials/mmcosine-trials.txt")).unlink()
    answer = verbs.verify("voxceleb2", quick=True, root=root)
    assert (answer.code, answer.data["broken"]) == (1, ["trials/mmcosine-trials.txt is missing"])


def test_the_published_lists_are_known(vox, monkeypatch):
    listed = sources(vox.raw())
    md5 = voxceleb2_splits.splits(find(vox.raw()), listed)[0][0].lists
    monkeypatch.setattr(voxceleb2_splits, "KNOWN", dict(md5))
    (split,), _ = voxceleb2_splits.splits(find(vox.raw()), listed)
    assert split.known == {"veri_test2.txt": True, "veri_test.csv": True}


def test_speakers_in_both_parts_cost_comparability(vox, tmp_path):
    answer = verbs.prepare("voxceleb2", [str(broken(vox, "speaker-shared"))], jobs=0, root=tmp_path, only=["waves"])
    (split,) = answer.data["splits"]
    assert split["overlap"]["train, test"] == {"groups": 1, "some": ["id10270"], "items": [3, 3]}
    assert "speakers who are verified were trained on: 1 in train and test" in split["views"][0]["why"]
    assert "  vox1-o: 1 speaker in both train and test (id10270)" in answer.text


def test_without_faces_the_sound_is_prepared_and_trials_that_lack_them_are_told(vox, tmp_path):
    raw = broken(vox, "no-face")
    assert find(raw).problems[1:] == [
        "2 of 21 utterances have no faces: id00015/21Uxsk56VDQ/00002.m4a, id10270/21Uxsk56VDQ/00001.wav",
        *(
            f"{name}: {count} trials have no faces: a run with pictures will stop there, unless they are taken out of {file} (the list is "
            f"then not the published one)"
            for name, count, file in (("vox1-o-cleaned", "8 of 36", "veri_test2.txt"), ("mmcosine-trials", "5 of 15", "veri_test.csv"))
        ),
    ]
    answer = verbs.prepare("voxceleb2", [str(raw)], jobs=0, root=tmp_path)
    (split,) = answer.data["splits"]
    assert "28 of 36 trials of vox1-o-cleaned have both items: a run stops at the others: take them out" in split["views"][0]["why"]
    with pytest.raises(
        UserError, match=r"vox1-o-cleaned\.txt:1: 'id10270/21Uxsk56VDQ/00001\.wav' is not prepared: prepare the dataset again"
    ):
        load(tmp_path)
    for name in voxceleb2_splits.LISTS.values():  # the way out that is said: no row is made again
        lines = (raw / name).read_text().splitlines()
        (raw / name).write_text("".join(f"{line}\n" for line in lines if TRIED not in line))
    assert verbs.prepare("voxceleb2", [str(raw)], jobs=0, root=tmp_path).data["made"] == []
    assert {name: len(pairs) for name, pairs in trials.of(load(tmp_path).parts["test"].extras).items()} == {
        "vox1-o-cleaned": 28, "mmcosine-trials": 10,
    }  # fmt: skip


def test_without_any_face(vox, tmp_path):
    raw = broken(vox, "no-faces")
    said = r"faces cannot be made: no utterance has a folder of faces like .*0000002\.jpg \(1 mp4 are no faces: make them first"
    with pytest.raises(UserError, match=said):
        verbs.prepare("voxceleb2", [str(raw)], jobs=0, root=tmp_path, only=["faces"])
    assert list(find(raw).absent) == ["faces"]


def test_without_mmcosines_list(vox):
    found = find(raw := broken(vox, "no-released-list"))
    (split,), lacking = voxceleb2_splits.splits(found, sources(raw))
    assert list(split.trials["test"]) == ["vox1-o-cleaned"]
    assert list(lacking) == ["vox1-o with mmcosine-trials"]
    assert "needs veri_test.csv from data/vox of github.com/GeWu-Lab/MMCosine_ICASSP23" in lacking["vox1-o with mmcosine-trials"]


SAME = ("wav-beside", "released-faces", "two-tracks", "crlf", "dot-underscore")


@pytest.mark.parametrize("defect", SAME)
def test_what_changes_nothing(vox, defect):
    found, before = find(broken(vox, defect)), find(vox.raw())
    assert [item.key for item in found.items] == [item.key for item in before.items]
    assert (found.problems, found.classes) == (before.problems, before.classes)
    assert all(item.files["sound"].endswith(item.key) for item in found.items)
    first = next(item for item in found.items if item.key == FIRST)
    expected = voxceleb2_imitation.faces(FIRST.removesuffix(".m4a"))[:8]
    assert np.abs(voxceleb2.make(first, ["faces"]).arrays["faces"].astype(int) - expected).mean() < 5


def test_one_folder_for_both(vox):
    raw = vox.copy()
    for path in (*raw.glob("voxceleb2/*"), *raw.glob("voxceleb1/wav"), *raw.glob("voxceleb1/faces/*")):
        path.rename((raw / "faces" if path.parent.name == "faces" else raw) / path.name)
    shutil.rmtree(raw / "voxceleb1")
    (raw / "voxceleb2").rmdir()
    found, before = voxceleb2.find(folders.sources([str(raw)], voxceleb2.DATASET.folders, None), ARRAYS), find(vox.raw())
    assert ([item.key for item in found.items], found.problems) == ([item.key for item in before.items], before.problems)
    assert all(Path(path).exists() for item in found.items for path in item.files.values())


def test_wavs_in_place_of_m4a(vox):
    raw = broken(vox, "wav-alone")
    assert item(raw).files["sound"].endswith("00002.wav")
    sound = voxceleb2_imitation.sound(CHANGED.removesuffix(".m4a"))
    assert np.abs(voxceleb2.make(item(raw), ["waves"]).arrays["waves"] / 32768 - sound).max() < 1e-4


def test_another_rate_is_resampled(vox):
    raw = broken(vox, "other-rate", "small-faces")
    made = voxceleb2.make(item(raw), ARRAYS)
    sound = media.clip(item(raw).files["sound"], sound=True).sound
    assert sound is not None
    expected = np.round(spectrogram.resample(sound.mean(0), 44_100, 16_000) * 32768)
    assert np.array_equal(made.arrays["waves"], expected.clip(-32768, 32767).astype(np.int16))
    assert made.arrays["faces"].shape == (4, 224, 224, 3)


def test_an_index_holds_names_alone(tmp_path):
    """Nothing of it is on the disk. Faces and sound meet by key, whatever lies around them."""
    index, other = Index(), Index()
    listed = [
        "a/aac/id00012/v#1/00001.m4a",
        "id00012/-v/00001.m4a",
        "f/id00012/-v/00001/",
        "id00012#-w#00003.txt#001.mp4/",
        "id00012/-w/00003.wav",
    ]
    index.add("/raw", [*listed, "id00012/-w/3.wav", "id00013/-w/00003.wav", "x.mp4"], {"id00012"}, ".m4a")
    other.add("/more", ["wav/id00012/-v/00001.wav"], {"id00012"}, ".wav")
    found = Utterances(index, other)
    assert [(item.key, item.files) for item in found] == [
        ("id00012/-v/00001.m4a", {"sound": "/raw/id00012/-v/00001.m4a", "faces": "/raw/f/id00012/-v/00001"}),
        ("id00012/-v/00001.wav", {"sound": "/more/wav/id00012/-v/00001.wav"}),
        ("id00012/-w/00003.m4a", {"sound": "/raw/id00012/-w/00003.wav", "faces": "/raw/id00012#-w#00003.txt#001.mp4"}),
    ]
    assert (index.strange, dict(index.others), index.clips) == (["a/aac/id00012/v#1/00001.m4a", "id00012/-w/3.wav"], {"id00013": 1}, 1)
    assert found[1:] == [found[1], found[2]]
    (tmp_path / "id00012/-v/00001").mkdir(parents=True)
    (tmp_path / "id00012/-v/00001/0000000.jpg").touch()
    (tmp_path / "id00012/-v/._00001.m4a").touch()
    (tmp_path / "id00012/-v/00002.m4a").touch()
    assert sorted(names(str(tmp_path))) == ["id00012/-v/00001/", "id00012/-v/00002.m4a"]


# ------------------------------------------------------------------------------------------------------------------ bad input

LOST = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "cut-short": "is no readable clip|is cut short",
    "no-sound": "has no sound track",
}


@pytest.mark.parametrize("defect", LOST)
def test_what_costs_the_sound(vox, defect):
    made = voxceleb2.make(item(broken(vox, defect)), ARRAYS)
    assert (set(made.arrays), set(made.skipped)) == ({"faces"}, {"waves"})
    assert made.skipped["waves"].startswith(f"{CHANGED}: ")
    assert any(why in made.skipped["waves"] for why in LOST[defect].split("|"))


FACELESS = {
    "no-face": "has no faces",
    "no-picture": "its folder of faces is empty",
    "broken-face": "its face 0000001.jpg is no whole picture",
}


@pytest.mark.parametrize("defect", FACELESS)
def test_what_costs_the_faces(vox, defect):
    made = voxceleb2.make(item(broken(vox, defect)), ARRAYS)
    assert (set(made.arrays), made.skipped) == ({"waves"}, {"faces": f"{CHANGED}: {FACELESS[defect]}"})


TOLD = {
    "missing-clip": [],
    "other-name": ["1 sounds have no utterance's name and are left out: dev/aac/id00015/21Uxsk56VDQ/2.m4a"],
    "speaker-missing": ["1 of 4 speakers of vox2_meta.csv have no utterance here: id00022"],
}


@pytest.mark.parametrize("defect", TOLD)
def test_what_is_told(vox, defect):
    found = find(broken(vox, defect))
    assert [problem for problem in found.problems if "are not of dev" not in problem] == TOLD[defect]
    assert len(found.items) == (18 if defect == "speaker-missing" else 20)


REFUSED = {
    "all-missing": r"veri_test2\.txt, trial 1: 'id10270/.*' is not below .*raw, nor are 8 others of the trials: unpack all",
    "lfs-pointers": r"none of the first 21 items can be used; for instance .*is a Git-LFS pointer",
    "same-key": r"voxceleb2: two files are one utterance: .*id00015/21Uxsk56VDQ/00002\.m4a lie there a second time: remove one of each",
    "parts": r"vox2_dev_aac_partaa, vox2_dev_aac_partab, .* and 5 more are parts of one archive: join them \(cat vox2_dev_aac_part",
    "no-meta": r"no vox2_meta\.csv: it says who is trained on: name the folder of vox2_meta\.csv from the page .* with --lists",
    "other-meta": r"vox2_meta\.csv: has no column 'Set'; its first line is: VoxCeleb2 ID ,VGGFace2 ID ,Gender",
    "bad-set": r"vox2_meta\.csv, line 3: 'id00015 ,.* is not a speaker like id00012 with a Set of dev or test",
    "meta-twice": r"vox2_meta\.csv: names id00012 more than once",
    "no-lists": r"no trial list: name the folder of veri_test2\.txt, .* or of veri_test\.csv from .* with --lists",
    "trial-missing": r"veri_test2\.txt, trial 4: 'id10270/21Uxsk56VDQ/00099\.wav' is not below .*voxceleb1, nor are 1 others of the trials",
    "bad-trial": r"veri_test2\.txt, line 2: '1 id10270/21Uxsk56VDQ/00001\.wav' is not 'label id10270/video",
    "bad-pair": r"veri_test2\.txt, line 4: label 1 for id10270 and id10271: 1 is for one speaker, 0 for two",
    "one-kind": r"veri_test2\.txt: has no pairs of one speaker, or none of two",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_stops_a_preparation(vox, tmp_path, defect):
    with pytest.raises(UserError, match=REFUSED[defect]) as said:
        verbs.prepare("voxceleb2", [str(broken(vox, defect))], jobs=0, root=tmp_path, only=["waves"])
    assert "\n" not in str(said.value)
    assert not (tmp_path / "voxceleb2").exists()


def test_a_source_that_is_not_named(vox, tmp_path):
    with pytest.raises(UserError, match=r"voxceleb1 is not given: name its folder with --raw voxceleb1=DIR; expected voxceleb2/dev/aac"):
        verbs.prepare("voxceleb2", [f"voxceleb2={vox.raw() / 'voxceleb2'}"], root=tmp_path, lists=str(vox.raw()))


def test_every_defect_is_tried_here():
    tried = {"speaker-shared", "no-faces", "no-released-list", "wav-alone", "other-rate", "small-faces"}
    assert set(voxceleb2_imitation.DEFECTS) == {*SAME, *LOST, *FACELESS, *TOLD, *REFUSED, *tried}
