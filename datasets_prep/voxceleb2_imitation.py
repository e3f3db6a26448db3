"""A tiny VoxCeleb2 and VoxCeleb1: four speakers to train on, one of the test part, three in trials; m4a, wav, faces and all lists."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from datasets_prep import imitation

RATE, SIDE = 16_000, 224
DEV, OTHER, TRIED = ("id00012", "id00015", "id00021", "id00022"), "id00017", ("id10270", "id10271", "id10272")
VIDEOS = ("21Uxsk56VDQ", "-_xK7Zc9b2E")
LONG = f"{DEV[0]}/{VIDEOS[0]}/00001"  # longer than what is heard of it, and with all faces
FACES = {LONG: 10, f"{DEV[0]}/{VIDEOS[0]}/00002": 2}  # of the others four
CODECS = ("mpeg4", "aac")

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "an utterance without a sound track",
    "other-rate": "an utterance at 44.1 kHz in stereo",
    "wav-beside": "a wav beside each m4a, as VOXT's conversion leaves them",
    "wav-alone": "wavs in place of all m4a",
    "same-key": "an utterance in two folders",
    "other-name": "a sound that is named like no utterance",
    "speaker-missing": "nothing of a speaker of the dev part",
    "speaker-shared": "a speaker of the trials in the dev part",
    "parts": "the parts of the archive, not joined",
    "no-faces": "no faces, but the videos of the dev part",
    "no-face": "utterances without faces, one of each part",
    "no-picture": "an empty folder of faces",
    "broken-face": "a face that is cut short",
    "small-faces": "faces of 112x112",
    "released-faces": "faces as MMCosine's script leaves them: id#video#00001.txt#000.mp4/0000000.png",
    "two-tracks": "the same, and a second track of an utterance",
    "no-meta": "without vox2_meta.csv",
    "other-meta": "vox2_meta.csv without its column Set",
    "bad-set": "a Set that is neither dev nor test",
    "meta-twice": "a speaker twice in vox2_meta.csv",
    "no-lists": "without any trial list",
    "no-released-list": "without MMCosine's list",
    "trial-missing": "trials that name utterances that are not there",
    "bad-trial": "a trial of one utterance",
    "bad-pair": "a trial that calls two speakers one",
    "one-kind": "trials of one speaker alone",
    "crlf": "lists with a byte order mark and CRLF",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/voxceleb2 and `folder`/voxceleb1, the metadata and lists beside them, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for stem in stems((*DEV, OTHER)):
        imitation.clip(folder / place(stem), None, 0, sound(stem), RATE, CODECS, 1)
        _faces(folder / "voxceleb2/faces" / stem, stem)
    for stem in stems(TRIED):
        imitation.wav(folder / "voxceleb1/wav" / f"{stem}.wav", sound(stem), RATE)
        _faces(folder / "voxceleb1/faces" / stem, stem)
    describe(folder, defects)
    for defect in defects:
        _break(folder, defect)


def stems(speakers: Sequence[str]) -> list[str]:
    """Two utterances of a video and one of another, of each speaker."""
    return [f"{speaker}/{video}" for speaker in speakers for video in (f"{VIDEOS[0]}/00001", f"{VIDEOS[0]}/00002", f"{VIDEOS[1]}/00013")]


def place(stem: str) -> str:
    return f"voxceleb2/{'test' if stem.startswith(OTHER) else 'dev'}/aac/{stem}.m4a"


def sound(stem: str) -> np.ndarray:
    return imitation.tone(stem, int(stem[2:7]) % 12, RATE, 5.0 if stem == LONG else 1.0)


def faces(stem: str) -> np.ndarray:
    return imitation.pictures(stem, int(stem[2:7]) % 12, FACES.get(stem, 4), SIDE, SIDE)


def _faces(folder: Path, stem: str) -> None:
    for number, picture in enumerate(faces(stem)):
        imitation.jpg(folder / f"{number:07}.jpg", picture)


def describe(folder: Path, defects: Sequence[str]) -> None:
    """The metadata and both lists; the second has the trials of which two speakers are together, and commas."""
    every = list(combinations(stems(TRIED), 2))
    lines = [f"{int(one[:7] == other[:7])} {one}.wav {other}.wav" for one, other in every]
    fewer = [line for line in lines if TRIED[2] not in line]
    if "trial-missing" in defects:
        lines[3:5] = [f"0 {TRIED[0]}/{VIDEOS[0]}/00099.wav {TRIED[1]}/{VIDEOS[0]}/00098.wav"] * 2
    if "bad-trial" in defects:
        lines[1] = lines[1].rpartition(" ")[0]
    if "bad-pair" in defects:
        lines[3] = f"1{lines[3][1:]}"
    if "one-kind" in defects:
        lines = [line for line in lines if line[0] == "1"]
    written = {"vox2_meta.csv": _meta(defects), "veri_test2.txt": lines}
    written["veri_test.csv"] = [line.replace(" ", ",") for line in fewer]
    left = {"no-meta": ["vox2_meta.csv"], "no-lists": ["veri_test2.txt", "veri_test.csv"], "no-released-list": ["veri_test.csv"]}
    for name, content in written.items():
        if not any(name in left.get(defect, ()) for defect in defects):
            end = "\r\n" if "crlf" in defects else "\n"
            encoding = "utf-8-sig" if "crlf" in defects else "utf-8"
            (folder / name).write_bytes("".join(f"{line}{end}" for line in content).encode(encoding))


def _meta(defects: Sequence[str]) -> list[str]:
    """Blanks and tabs trail names and values, as in the published file."""
    rows = ["VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set ", *(f"{speaker} ,n{i:06}\t,m ,dev\t" for i, speaker in enumerate(DEV))]
    rows.append(f"{OTHER} ,n000099 ,f ,test ")
    if "speaker-shared" in defects:
        rows.append(f"{TRIED[0]} ,n000100 ,f ,dev ")
    if "other-meta" in defects:
        rows = [row.rpartition(",")[0] for row in rows]
    if "bad-set" in defects:
        rows[2] = rows[2].replace("dev", "train")
    return [*rows, rows[1]] if "meta-twice" in defects else rows


def _break(folder: Path, defect: str) -> None:
    stem = f"{DEV[1]}/{VIDEOS[0]}/00002"
    path, seen = folder / place(stem), folder / "voxceleb2/faces" / stem
    every = sorted((folder / "voxceleb2/dev").rglob("*.m4a"))
    if defect in imitation.BREAK:
        imitation.damage(path, defect)
    elif defect == "lfs-pointers":
        for file in (file for file in sorted(folder.rglob("*")) if file.suffix in (".m4a", ".wav", ".jpg")):
            imitation.pointer(file)
    elif defect in ("wav-beside", "wav-alone"):
        for file in every:
            imitation.wav(file.with_suffix(".wav"), sound("/".join(file.with_suffix("").parts[-3:])), RATE)
            if defect == "wav-alone":
                file.unlink()
    elif defect == "all-missing":
        shutil.rmtree(folder / "voxceleb1")
    elif defect == "parts":
        shutil.rmtree(folder / "voxceleb2")
        (folder / "voxceleb2").mkdir()
        for letter in "abcdefgh":
            (folder / f"voxceleb2/vox2_dev_aac_parta{letter}").write_bytes(b"PK" + bytes(20))
    elif defect == "speaker-missing":
        shutil.rmtree(folder / "voxceleb2/dev/aac" / DEV[3])
    else:
        _sound(folder, path, defect)
        _pictures(folder, seen, defect)


def _sound(folder: Path, path: Path, defect: str) -> None:
    if defect == "no-sound":
        imitation.clip(path, imitation.pictures("broken", 1, 5, 96, 64), 10, codecs=CODECS)
    elif defect == "other-rate":
        imitation.clip(path, None, 0, imitation.tone("other", 3, 44_100, 1.0), 44_100, CODECS, 2)
    elif defect == "same-key":
        copy = folder / "voxceleb2/again" / path.relative_to(folder / "voxceleb2/dev/aac")
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    elif defect == "other-name":
        path.rename(path.with_name("2.m4a"))
    elif defect == "speaker-shared":
        for stem in stems(TRIED[:1]):
            imitation.clip(folder / place(stem), None, 0, sound(stem), RATE, CODECS, 1)


def _pictures(folder: Path, seen: Path, defect: str) -> None:
    if defect == "no-faces":
        for source in ("voxceleb2", "voxceleb1"):
            shutil.rmtree(folder / source / "faces")
        imitation.clip(folder / f"voxceleb2/dev/mp4/{LONG}.mp4", faces(LONG), 25, sound(LONG), RATE, CODECS, 1)
    elif defect == "no-face":
        shutil.rmtree(seen)
        shutil.rmtree(folder / "voxceleb1/faces" / stems(TRIED)[0])
    elif defect == "no-picture":
        for picture in seen.iterdir():
            picture.unlink()
    elif defect == "broken-face":
        picture = seen / "0000001.jpg"
        picture.write_bytes(picture.read_bytes()[:600])
    elif defect == "small-faces":
        for picture in sorted(seen.iterdir()):
            imitation.jpg(picture, imitation.pictures("small", 1, 1, 112, 112)[0])
    elif defect in ("released-faces", "two-tracks"):
        for source in ("voxceleb2", "voxceleb1"):
            _released(folder / source / "faces", defect == "two-tracks")


def _released(place: Path, twice: bool) -> None:
    for stem in stems((*DEV, OTHER) if place.parent.name == "voxceleb2" else TRIED):
        for track in range(1 + (twice and stem == LONG)):
            folder = place / f"{stem.replace('/', '#')}.txt#{track:03}.mp4"
            folder.mkdir()
            for path in sorted((place / stem).iterdir()):
                with Image.open(path) as picture:
                    (ImageOps.invert(picture) if track else picture).save(folder / f"{path.stem}.png", compress_level=1)
        shutil.rmtree(place / stem)
    for speaker in (folder for folder in place.iterdir() if "#" not in folder.name):
        shutil.rmtree(speaker)
