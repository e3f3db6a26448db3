"""A raw CREMA-D folder of clips in the true formats and sizes, for benchmarks: few different ones, copied as often as is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

from datasets_prep import imitation
from datasets_prep.crema_d_splits import ALPHABETICAL

FOLDERS = (("AudioWAV", "wav"), ("VideoFlash", "flv"))
DIFFERENT = 8


def raw(folder: Path, count: int) -> Path:
    """`count` clips, DIFFERENT of them different: 2 to 3 s, 480x360 at 30 frames a second, sound of 16 kHz in wav, 44.1 kHz in flv."""
    imitation.start(folder, [], {})
    root, originals = folder / "CREMA-D", []
    for i in range(count):
        wav, flv = (root / place / f"{1001 + i // 6}_DFA_{ALPHABETICAL[i % 6]}_XX.{end}" for place, end in FOLDERS)
        if i < DIFFERENT:
            seconds = 2 + i / DIFFERENT
            frames = imitation.pictures(str(i), i % 6, int(30 * seconds), 480, 360)
            imitation.wav(wav, imitation.tone(str(i), i % 6, 16_000, seconds), 16_000)
            imitation.clip(flv, frames, 30, imitation.tone(str(i), i % 6, 44_100, seconds), codecs=("flv1", "libmp3lame"))
            originals.append((wav, flv))
        else:
            for source, copy in zip(originals[i % DIFFERENT], (wav, flv), strict=True):
                shutil.copyfile(source, copy)
    return root
