"""VoxCeleb2 for training and VoxCeleb1 for trials: who speaks, by voice and face (two raw folders). Facts: [D] documented, [V] read.

    voxceleb2/dev/aac/id00012/21Uxsk56VDQ/00001.m4a     voxceleb1/wav/id10270/5r0dWxy17C8/00004.wav     vox2_meta.csv, veri_test2.txt
    faces/ in either, see `voxceleb2_files`

Faces are made by the user, as MMCosine's README says: two frames a second, found and aligned (RetinaFace). Its loader [V] picks two by
their number, of which eight count at most, and the third in a test: so the first eight are kept. Which size they have is not
published: others than 224x224 are resized (ours). Sound is kept whole, for training cuts it anew in every epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from datasets_prep import folders, lists, media, spectrogram, voxceleb2_imitation, voxceleb2_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable
from datasets_prep.voxceleb2_files import SPEAKER, Index, Utterances, names
from datasets_prep.voxceleb2_splits import EXPECTED, LISTS, META, ORDER, TESTED, TRAINED
from mmbench.errors import UserError

VOX2, VOX1 = "voxceleb2", "voxceleb1"
RATE, SIDE, KEPT = 16_000, 224, 8
PICTURES = r"\d+\.(?:jpg|jpeg|png)"

ARRAYS = {
    "waves": Array(
        (), "int16", "wave", "16 kHz mono; in training 200 frames from anywhere, in a test the first 400; 40 log-mels", "sound",
        ragged=True, typical=124_800,  # 7.8 s, the mean by the dataset's paper
        settings={
            "window": 32_240, "test_window": 64_240, "short": "wrap", "rate": RATE, "n_fft": 512, "frame": 400, "hop": 160, "mels": 40,
            "emphasis": 0.97,
        },
    ),
    "faces": Array(
        (SIDE, SIDE, 3), "uint8", "frames", "the first eight aligned faces, two a second", "faces", ragged=True, typical=KEPT,
        settings={"content": "rgb"},
    ),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """All utterances of VoxCeleb2's dev speakers, and of the speakers in the trial lists. UserError where a trial's sound is not there."""
    classes, listed = voxceleb2_splits.speakers(sources), voxceleb2_splits.trials(sources)
    heard = {key[:SPEAKER] for *_, key in voxceleb2_splits.named(listed)}
    for name in (VOX2, VOX1):
        if name not in sources.folders:
            raise UserError(f"{name} is not given: name its folder with --raw {name}=DIR; expected {DATASET.layout}")
    train, test = Index(), Index()
    for index, name, speakers, ending in ((train, VOX2, {*classes}, TRAINED), (test, VOX1, heard, TESTED)):
        index.add(str(sources.folders[name]), names(str(sources.folders[name])), speakers, ending)
    _all_there(listed, test, sources)
    items = Utterances(train, test)
    if not any(key.endswith(TRAINED) for key in items.keys):
        raise UserError(f"{sources.folders[VOX2]}: {_nobody(sources.folders[VOX2], len(classes))}")
    faceless = set(items.faceless())
    absent = {"faces": _no_faces(train, test)} if len(faceless) == len(items) else {}
    problems = [*_left_out(train, classes, heard, items), *([] if absent else _faceless(faceless, items, listed))]
    return Found(items, problems, absent=absent, classes={ORDER: classes})


def _all_there(listed: Mapping[str, Sequence[str]], test: Index, sources: Sources) -> None:
    """UserError, in one line, where a trial names an utterance of which there is no sound."""
    lost = [(name, number, key) for name, number, key in voxceleb2_splits.named(listed) if not test.has_sound(key)]
    if lost:
        name, number, key = lost[0]
        others = f", nor are {len(lost) - 1:,} others of the trials" if len(lost) > 1 else ""
        raise UserError(
            f"{LISTS[name]}, trial {number}: '{key}' is not below {sources.folders[VOX1]}{others}: unpack all of vox1_test_wav.zip there, "
            f"or leave out the trials (the list is then not the published one)"
        )


def _nobody(root: Path, count: int) -> str:
    """What lies there where no utterance was found."""
    parts = sorted(path.name for path in root.iterdir() if "_part" in path.name and path.is_file())
    if parts:
        return f"{lists.few(parts)} are parts of one archive: join them (cat vox2_dev_aac_part* > vox2_dev_aac.zip) and unpack it there"
    return f"no utterance of the {count:,} speakers of {META}; expected {DATASET.layout}"


def _left_out(train: Index, classes: Sequence[str], heard: set[str], items: Utterances) -> Iterator[str]:
    here = {key[:SPEAKER] for key in items.keys}
    if silent := [speaker for speaker in classes if speaker not in here]:
        yield f"{len(silent):,} of {len(classes):,} speakers of {META} have no utterance here: {lists.few(silent)}"
    if others := {speaker: count for speaker, count in train.others.items() if count and speaker not in heard}:
        yield f"{sum(others.values()):,} utterances of speakers that are not of dev in {META} are left out: {lists.few(sorted(others))}"
    if train.strange:
        yield f"{len(train.strange):,} sounds have no utterance's name and are left out: {lists.few(sorted(train.strange))}"


def _faceless(faceless: set[str], items: Utterances, listed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if faceless:
        yield f"{len(faceless):,} of {len(items):,} utterances have no faces: {lists.few(sorted(faceless))}"
    for name, lines in listed.items():
        if count := sum(not faceless.isdisjoint(line.split()[1:]) for line in lines):
            yield (
                f"{name}: {count:,} of {len(lines):,} trials have no faces: a run with pictures will stop there, unless they are taken out "
                f"of {LISTS[name]} (the list is then not the published one)"
            )


def _no_faces(train: Index, test: Index) -> str:
    clips = train.clips + test.clips
    seen = f" ({clips:,} mp4 are no faces: make them first, see datasets_prep/README.md)" if clips else ""
    return f"no utterance has a folder of faces like faces/id00012/21Uxsk56VDQ/00001/0000002.jpg{seen}"


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and faces of one utterance; either stays where the other cannot be made."""
    made = Made()
    for name, read in (("waves", _wave), ("faces", _faces)):
        if name in wanted:
            try:
                made.arrays[name] = read(item)
            except Unreadable as error:
                made.skipped[name] = f"{item.key}: {error}"
    return made


def _wave(item: Item) -> np.ndarray:
    """Samples at 16 kHz, int16."""
    path = Path(item.files["sound"])
    if path.suffix == ".wav":
        sound, rate = media.wave(path)
    else:
        clip = media.clip(path, sound=True)
        if clip.sound is None or not clip.sound.size:
            raise Unreadable("holds no sound")
        sound, rate = clip.sound.mean(0), clip.sound_rate
    sound = sound if rate == RATE else spectrogram.resample(sound, rate, RATE)
    return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)


def _faces(item: Item) -> np.ndarray:
    """The first eight, by their numbers: n x 224 x 224 x 3."""
    if "faces" not in item.files or not (folder := Path(item.files["faces"])).is_dir():
        raise Unreadable("has no faces")
    found, _ = folders.files(folder, PICTURES)
    if not found:
        raise Unreadable("its folder of faces is empty")
    return np.stack([_face(path) for _, path in sorted(found.items(), key=lambda pair: int(pair[0]))[:KEPT]])


def _face(path: Path) -> np.ndarray:
    where = f"its face {path.name}"
    try:
        media.content_check(path)
        with Image.open(path) as picture:
            whole = picture.convert("RGB")
    except Unreadable as error:
        raise Unreadable(f"{where} {error}") from None
    except OSError:
        raise Unreadable(f"{where} is no whole picture") from None
    return np.asarray(whole if whole.size == (SIDE, SIDE) else whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


DATASET = Dataset(
    id="voxceleb2",
    module=__name__,
    arrays=ARRAYS,
    preparations={"wave-16k": {"audio": "waves", "visual": "faces"}},
    classes={},  # the dev speakers of vox2_meta.csv
    groups="speaker",
    find=find,
    make=make,
    splits=voxceleb2_splits.splits,
    imitate=voxceleb2_imitation.imitate,
    defects=voxceleb2_imitation.DEFECTS,
    expected=EXPECTED,
    layout="voxceleb2/dev/aac/id00012/<video>/00001.m4a, voxceleb1/wav/id10270/<video>/00001.wav, faces/id00012/<video>/00001/0000002.jpg",
    folders=(VOX2, VOX1),
    speed=60.0,
)
