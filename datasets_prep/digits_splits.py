"""Digits' one split, `dmvae`: MNIST paired with SVHN by the rule of MMVAE's script, which DMVAE uses too. All counts [D].

Of each digit n = the smaller number of pictures, at most 10,000; the first n of either set; 30 times shuffled and paired. The script
takes no seed and sorts unstably, so its very pairs are nobody's; here a fixed seed and the order of the files decide. A part has
1,682,040 and 300,000 pairs: they are drawn when asked for (`mmbench.pairs`), and no list of them exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import digits_files, lists
from datasets_prep.dataset import Expected, Found, Sources, Split

DIGITS = tuple("0123456789")
PARTS = ("train", "test")
ROUNDS, MOST, SEED = 30, 10_000, 0
# Pictures of each digit, 0 to 9, in complete copies.
MNIST = {
    "train": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
}
SVHN = {
    "train": (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),
    "test": (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),
}
KNOWN = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}


def taken(mnist: Sequence[int] | np.ndarray, svhn: Sequence[int] | np.ndarray) -> list[int]:
    """How many pictures of each digit take part, from the numbers that there are."""
    return [min(int(a), int(b), MOST) for a, b in zip(mnist, svhn, strict=True)]


def _expected() -> dict[str, dict[str, int]]:
    return {part: {d: n * ROUNDS for d, n in zip(DIGITS, taken(MNIST[part], SVHN[part]), strict=True)} for part in PARTS}


EXPECTED = Expected(
    rows=20,
    counts={"dmvae": _expected()},
    evidence="class sizes of both sets and the rule of MMVAE @54398d7: the code shuffles 30 times, its README says 20 [V]",
)


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    parts, pairs, paths = {}, {}, {}
    for part in PARTS:
        files = digits_files.paths(part, sources)
        counted = [np.bincount(digits_files.labels(files[name]), minlength=10) for name in ("mnist-labels", "svhn")]
        parts[part] = ([key(part, digit) for digit in DIGITS], list(DIGITS))
        pairs[part] = {"rounds": ROUNDS, "seed": SEED, "counts": taken(*counted)}
        paths |= {path.name: path for path in map(Path, files.values())}
    md5, known = lists.checked(paths, KNOWN)
    return [Split("dmvae", parts, "digits", lists=md5, known=known, pairs=pairs)], {}


def key(part: str, digit: str) -> str:
    """A row holds all pictures of one digit, of both sets."""
    return f"{part}-{digit}"
