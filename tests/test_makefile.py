"""The make targets hand over to the verbs what they are given; nothing is run here."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mmbench import paths

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize(
    ("given", "verb"),
    [
        (("data-crema-d", "RAW=/raw"), "data prepare crema-d --raw /raw"),
        (("data-digits", "RAW=mnist=/m svhn=/s", "LISTS=/l"), "data prepare digits --raw mnist=/m --raw svhn=/s --lists /l"),
        (("table-arl-gamma", "SCALE=demo", "SEEDS=3", "ON=slurm"), "run arl-gamma --scale demo --seeds 3 --on slurm"),
        (("paper-smv", "READING=released"), "run smv --reading released"),
    ],
)
def test_targets_are_verbs(given, verb):
    assert f"-m mmbench {verb}" in " ".join(dry(*given).split())


def test_raw_folders_that_are_not_named_are_asked_for():
    assert 'echo "name the raw download: make data-crema-d RAW=DIR"; exit 2' in dry("data-crema-d")


def dry(*arguments: str) -> str:
    return subprocess.run(
        ["make", "-n", *arguments], cwd=paths.REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    ).stdout  # fmt: skip
