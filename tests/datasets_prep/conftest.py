"""Imitations and stores, made once per session and never changed; `broken` gives a copy with a defect."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from datasets_prep import catalogue, verbs

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data"  # real list files, where the machine has them

# What costs a clip -> what is said of it, one of the two where a bar stands between.
LOST = {
    "lfs-pointer": "is a Git-LFS pointer",
    "error-page": "is a web page",
    "zero-bytes": "is empty",
    "cut-short": "is no readable clip|is cut short",
    "missing-clip": "is not there",
}


class Made:
    """One imitated dataset: raw(defects) -> folder; store() -> root of a store of the undamaged one."""

    def __init__(self, dataset: str, factory: pytest.TempPathFactory):
        self.dataset, self.factory = dataset, factory
        self.known: dict[tuple[str, ...], Path] = {}
        self.root: Path | None = None

    def raw(self, *defects: str) -> Path:
        if defects not in self.known:
            self.known[defects] = self.factory.mktemp(self.dataset) / "raw"
            verbs.imitate(self.dataset, self.known[defects], defects)
        return self.known[defects]

    def copy(self, *defects: str) -> Path:
        """One that the test may change."""
        folder = self.factory.mktemp(f"{self.dataset}-copy") / "raw"
        shutil.copytree(self.raw(*defects), folder)
        return folder

    def store(self) -> Path:
        if self.root is None:
            self.root = self.factory.mktemp(f"{self.dataset}-store")
            verbs.prepare(self.dataset, [str(self.raw())], jobs=0, root=self.root)
        return self.root

    def prepare(self, root: Path, *defects: str, **options) -> verbs.Answer:
        return verbs.prepare(self.dataset, [str(self.raw(*defects))], jobs=0, root=root, **options)


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
