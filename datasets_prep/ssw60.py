"""SSW60: 5,400 videos of sixty species of birds, about ten seconds each at 25 fps. Facts: [D] its README, [G] a guess.

    ssw60/video_ml.csv ssw60/taxa.csv          the folder's name by that of the archive [G]
    ssw60/video_ml/<asset id>.mp4              483821.mp4; ids are not padded
    ssw60/audio_ml/<asset id>.wav              other recordings, not the sound of the videos: never read
    ssw60/images_nabirds/ ssw60/images_inat/   likewise

Nothing is released of how MMCosine read it. Ours is AVE's recipe: the video's own sound at 16 kHz, repeated to 10 s, and one frame a
second. Not every video has a sound track: those that have none are named and left out, never filled with silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import folders, kinetics, lists, spectrogram, ssw60_imitation, ssw60_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.kinetics import RATE
from datasets_prep.media import BOX
from datasets_prep.ssw60_splits import CLASSES, EXPECTED
from mmbench.errors import UserError

FOLDER, OTHERS = "video_ml", ("audio_ml", "images_nabirds", "images_inat")
TEN_SECONDS = 10 * RATE

ARRAYS = {
    "psd-257x1004": Array(
        (257, 1004), "float32", "spectrogram", "16 kHz, repeated to 10 s, log PSD 512 overlap 353, standardised", "clips",
        settings={"rate": RATE, "samples": TEN_SECONDS, "n_fft": 512, "overlap": 353},
    ),
    "frames": Array(
        (BOX[1], BOX[0], 3), "uint8", "frames", "one frame a second, fitted into 340x256", "clips", ragged=True, typical=10, canvas=True,
        settings={"content": "rgb"},
    ),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Every video of the table, whether or not it is there."""
    root = sources.folders[""]
    folder = folders.needed(root, FOLDER, DATASET.layout, OTHERS)
    rows = ssw60_splits.listed(sources)
    ssw60_splits.check_taxa(sources)
    clips, others = folders.files(folder, r"(\d+)\.mp4")
    lacking = [row.asset for row in rows if row.asset not in clips]
    if len(lacking) == len(rows):
        raise UserError(f"{folder}: none of the {len(rows):,} listed videos is there; expected {DATASET.layout}")
    problems = [f"{len(lacking):,} of {len(rows):,} listed videos are not there: {lists.few(lacking)}"] if lacking else []
    if extra := [*sorted(clips.keys() - {row.asset for row in rows}), *others]:
        problems.append(f"{FOLDER}: {len(extra):,} files belong to no row of {ssw60_splits.VIDEOS} and are left out: {lists.few(extra)}")
    if doubtful := sum(row.reliable is False for row in rows):
        problems.append(f"{ssw60_splits.RELIABLE} is 0 for {doubtful:,} of {len(rows):,} videos (a machine says so; they are kept)")
    items = [Item(row.asset, row.asset, {"clips": str(clips.get(row.asset, folder / f"{row.asset}.mp4"))}) for row in rows]
    return Found(sorted(items, key=lambda item: item.key), problems, files=[str(ssw60_splits.path(sources))])


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and pictures of one video; without a sound track the pictures stay."""
    made = kinetics.made(Path(item.files["clips"]), wanted, recipe)
    heard = made.arrays.get("psd-257x1004")
    if heard is not None and heard.std() < 0.5:  # it is standardised: only what never changes has no deviation of 1
        made.notes.append("the sound is silence")
    return made


def recipe(name: str, sound: np.ndarray) -> np.ndarray:
    """The spectrogram of mono float32 at 16 kHz."""
    return spectrogram.log_psd(spectrogram.tiled(sound, 1, TEN_SECONDS), RATE)


DATASET = Dataset(
    id="ssw60",
    module=__name__,
    arrays=ARRAYS,
    preparations={"psd-257x1004": {"audio": "psd-257x1004", "visual": "frames"}},
    classes={"labels": CLASSES},
    groups="video",
    find=find,
    make=make,
    splits=ssw60_splits.splits,
    imitate=ssw60_imitation.imitate,
    defects=ssw60_imitation.DEFECTS,
    expected=EXPECTED,
    layout="ssw60/video_ml/<asset id>.mp4 beside ssw60/video_ml.csv",
    speed=1.0,
)
