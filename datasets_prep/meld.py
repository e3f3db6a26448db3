"""MELD: 13,708 utterances of a television series, each a clip, a sentence and an emotion. Facts: [V] its csv files, [D] users' code.

    train/train_splits/dia0_utt0.mp4     dev/dev_splits_complete/...     test/output_repeated_splits_test/...     found at any depth
    train_sent_emo.csv dev_sent_emo.csv test_sent_emo.csv

Ids repeat across the parts, so keys carry the part. One clip is corrupt and one missing in every copy; some 141 have no label; four
are cut wrongly and last minutes. Only the first 30 s of a clip are used (ours: its sound is cut to 10.24 s anyway). Sentences become
vectors by a local BERT (`text_model`), or come from a file of vectors made elsewhere (`meld_text`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from datasets_prep import folders, lists, media, meld_imitation, meld_splits, meld_text, spectrogram, text_model
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import BOX, Unreadable
from datasets_prep.meld_splits import CLASSES, EXPECTED, PARTS
from mmbench.errors import UserError

RATE = 16_000
LONGEST = 30  # seconds

ARRAYS = {
    "fbank-hamming": Array(
        (1024, 128), "float32", "spectrogram", "Kaldi's log filter banks, 10 ms, Hamming window, 1,024 frames, normalised as by GeWu-Lab",
        "clips", settings={"window": "hamming", "mels": 128},
    ),
    "frames": Array(
        (BOX[1], BOX[0], 3), "uint8", "frames", "one frame a second, fitted into 340x256", "clips", ragged=True, typical=4, canvas=True,
        settings={"content": "rgb", "longest": LONGEST},
    ),
    "bert": Array((768,), "float32", "values", "the sentence as BERT's mean state, or from text_bert.pkl", "text"),
    "glove": Array((300,), "float32", "values", "the sentence as MELD's own mean of GloVe vectors", "text"),
}  # fmt: skip
PREPARATIONS = {
    f"fbank-frames-{text}": {"audio": "fbank-hamming", "visual": "frames", "text": text} for text in ("bert", "glove")
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Every utterance of the csv files, whether or not its clip is there."""
    root, problems, items = sources.folders[""], [], []
    tables = meld_splits.tables(sources)
    vectors, settings, absent = _text(sources, wanted, tables)
    there = 0
    for part, inner in PARTS.items():
        folder = folders.inside(root, inner, depth=3)
        clips, others = folders.files(folder, r"(dia\d+_utt\d+)\.mp4") if folder else ({}, [])
        problems += [_lacking(root, part, inner)] if folder is None else []
        clips = {name.lower(): path for name, path in clips.items()}
        for row in tables[part]:
            path = clips.pop(row.name, None)
            there += path is not None
            facts = {"sentence": row.sentence, "seconds": row.seconds, "part": part, "id": row.id, "vectors": vectors}
            place = path or (folder or root / inner) / f"{row.name}.mp4"
            items.append(Item(row.key(part), row.dialogue(part), {"clips": str(place)}, facts))
        if extra := [*clips.values(), *others]:
            names = lists.few([Path(name).name for name in extra])
            problems.append(f"{inner}: {len(extra):,} files belong to no utterance and are left out: {names}")
    if not there:
        raise UserError(f"{root}: no clip of MELD: {'; '.join([*problems, f'expected {DATASET.layout}'])}")
    files = [str(path) for path in (*meld_splits.paths(sources).values(), *map(Path, vectors.values()))]
    return Found(sorted(items, key=lambda item: item.key), problems, settings, absent, files)


def _lacking(root: Path, part: str, inner: str) -> str:
    """What to do about a part of which no folder is there; the inner archives of MELD.Raw.tar.gz are the usual reason."""
    name = {"val": "dev"}.get(part, part) + ".tar.gz"
    packed = lists.find(name, [root])
    if packed is None:
        return f"{inner} is not there"
    advice = "name the folder that has it with --raw (an archive in an archive: unpack the outer one first)"
    return f"{inner} is not there: {packed.relative_to(root)} is still packed: {advice}"


def _text(
    sources: Sources, wanted: Sequence[str], tables: Mapping[str, Sequence[meld_splits.Row]]
) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, str]]:
    """array -> file of vectors; array -> what made them; array -> why it cannot be made."""
    vectors: dict[str, str] = {}
    settings: dict[str, dict[str, str]] = {}
    absent: dict[str, str] = {}
    for name, file in meld_text.FILES.items():
        if path := lists.find(file, [sources.lists, *sources.folders.values()]):
            vectors[name], settings[name] = str(path), {"file": file, "sha256": meld_text.sha256(path)}
            if name in wanted:
                meld_text.read(path, ARRAYS[name].shape[0])  # a broken file is found before hours of work
        elif name == "bert" and name in wanted:
            try:
                sentences = "\n".join(row.sentence for rows in tables.values() for row in rows)
                settings[name] = text_model.settings() | {"sentences": hashlib.sha256(sentences.encode()).hexdigest()}
            except UserError as error:
                absent[name] = f"{error}; or put vectors made elsewhere beside the csv files, as {file} (datasets_prep/meld_text.py)"
        elif name in wanted:
            absent[name] = f"{file} is not there"
    return vectors, settings, absent


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound, pictures and sentence of one utterance; each stays where another cannot be made."""
    made = Made()
    for name in ("bert", "glove"):
        if name in wanted:
            _sentence(item, name, made)
    if seen := [name for name in wanted if name in ("frames", "fbank-hamming")]:
        try:
            _clip(item, seen, made)
        except Unreadable as error:
            made.skipped |= dict.fromkeys(seen, f"{Path(item.files['clips']).name}: {error}")
    return made


def _sentence(item: Item, name: str, made: Made) -> None:
    if name not in item.facts["vectors"]:
        made.arrays[name] = text_model.vector(item.facts["sentence"])
        return
    path = Path(item.facts["vectors"][name])
    found = meld_text.read(path, ARRAYS[name].shape[0])[item.facts["part"]].get(item.facts["id"])
    if found is None:
        made.skipped[name] = f"{path.name}: has no vector of {item.facts['id']}"
    else:
        made.arrays[name] = found


def _clip(item: Item, wanted: Sequence[str], made: Made) -> None:
    path = Path(item.files["clips"])
    if not path.exists():
        raise Unreadable("is not there")
    clip = media.clip(path, first_seconds if "frames" in wanted else None, sound="fbank-hamming" in wanted)
    if "frames" in wanted:
        if not clip.frames:
            raise Unreadable("has no picture that can be decoded")
        pictures = np.stack([media.fitted(frame) for _, frame in sorted(clip.frames.items())])
        made.arrays["frames"], made.sizes["frames"] = media.on_canvas(pictures), pictures.shape[1:3]
        lasts = clip.count / clip.rate if clip.rate else 0.0
        if lasts > LONGEST:
            made.notes.append(f"lasts {lasts:.0f} s, its line states {item.facts['seconds']:.1f} s: only its first {LONGEST} s are used")
    if "fbank-hamming" not in wanted:
        return
    if clip.sound is None or not clip.sound.size:
        made.skipped["fbank-hamming"] = f"{path.name}: has no sound track"
        return
    sound = clip.sound[:, : LONGEST * clip.sound_rate].mean(0)
    made.arrays["fbank-hamming"] = spectrogram.fbank(spectrogram.resample(sound, clip.sound_rate, RATE), RATE, "hamming")


def first_seconds(count: int, rate: float) -> list[int]:
    """A frame a second, of the first 30 s."""
    return media.per_second(count, rate)[:LONGEST]


DATASET = Dataset(
    id="meld",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes=CLASSES,
    groups="dialogue",
    find=find,
    make=make,
    splits=meld_splits.splits,
    imitate=meld_imitation.imitate,
    defects=meld_imitation.DEFECTS,
    expected=EXPECTED,
    layout="MELD.Raw/train/train_splits/dia0_utt0.mp4, dev/dev_splits_complete, test/output_repeated_splits_test, and the three csv files",
    speed=6.0,
    memory=900,
)
