"""Imitations and stores, made once per run of the tests and never changed; `copy` gives one that a test may change."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets_prep import catalogue, imitation, verbs

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data"  # real list files, where the machine has them

# What costs a clip -> what is said of it, one of the two where a bar stands between.
LOST = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "cut-short": "is no readable clip|is cut short",
    "missing-clip": "is not there",
}


def shared(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have in common."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"


def once(place: Path, make: Callable[[Path], object]) -> Path:
    """`place`, made by the first of the processes that asks for it; the others wait."""
    done = place.with_name(f"{place.name}.done")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(place)
            done.touch()
    return place


class Made:
    """One imitated dataset: raw(defects) -> folder; store() -> root of a store of the undamaged one."""

    def __init__(self, dataset: str, factory: pytest.TempPathFactory):
        self.dataset, self.factory, self.folder = dataset, factory, shared(factory) / dataset

    def raw(self, *defects: str) -> Path:
        place = self.folder / "-and-".join(("imitation", *defects)) / "raw"
        return once(place, lambda folder: verbs.imitate(self.dataset, folder, defects))

    def copy(self, *defects: str) -> Path:
        """One that the test may change."""
        folder = self.factory.mktemp(f"{self.dataset}-copy") / "raw"
        shutil.copytree(self.raw(*defects), folder)
        return folder

    def store(self) -> Path:
        return once(self.folder / "store", lambda root: verbs.prepare(self.dataset, [str(self.raw())], jobs=0, root=root))

    def prepare(self, root: Path, *defects: str, **options) -> verbs.Answer:
        return verbs.prepare(self.dataset, [str(self.raw(*defects))], jobs=0, root=root, **options)


@pytest.fixture(autouse=True)
def _encoded_once(monkeypatch, tmp_path_factory):
    """An imitation with a defect differs from the others in few clips: equal pictures and sound are not encoded again."""
    encode, folder = imitation.clip, shared(tmp_path_factory) / "clips"

    def clip(path: Path, frames: np.ndarray | None, rate: int, sound: np.ndarray | None = None, *how: object, **named: object) -> None:
        told = path.suffix, rate, how, sorted(named.items()), [None if a is None else (a.shape, a.dtype.str) for a in (frames, sound)]
        digest = hashlib.sha256(repr(told).encode())
        for given in (frames, sound):
            digest.update(b"" if given is None else np.ascontiguousarray(given))
        known = once(folder / f"{digest.hexdigest()}{path.suffix}", lambda place: encode(place, frames, rate, sound, *how, **named))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(known, path)

    monkeypatch.setattr(imitation, "clip", clip)


@pytest.fixture(scope="session", params=list(catalogue.MODULES))
def every(request, tmp_path_factory):
    return Made(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def crema(tmp_path_factory):
    return Made("crema-d", tmp_path_factory)


@pytest.fixture(scope="session")
def lists():
    if not LISTS.is_dir():
        pytest.skip("the real list files are not here (../shared/data)")
    return LISTS


def content(root: Path) -> dict[str, bytes]:
    """Every file of the stores under a root."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file() and ".building" not in p.parts}
