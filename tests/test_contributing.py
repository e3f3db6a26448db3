"""CONTRIBUTING.md does what it says: its texts are run, to the letter."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest

from mmbench import build, paths, published, registry, resolve
from mmbench.checkpoint import Checkpoint, digest
from mmbench.train import train
from tests import tiny

TEXT = (paths.REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def benchmarks(tmp_path, monkeypatch):
    copy = tmp_path / "benchmarks"
    shutil.copytree(paths.BENCHMARKS, copy)
    monkeypatch.setattr(paths, "BENCHMARKS", copy)
    return copy


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The example as an installed distribution: a module and its metadata on the path."""
    site = tmp_path / "site"
    info = site / "halved-0.3.dist-info"
    info.mkdir(parents=True)
    (site / "halved.py").write_text(blocks("python")[0])
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halved\nVersion: 0.3\n")
    point = re.search(r'^halved = "(.*)"$', blocks("toml")[0], re.MULTILINE)
    assert point is not None
    (info / "entry_points.txt").write_text(f"[mmbench.methods]\nhalved = {point[1]}\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    registry.third_party.cache_clear()
    yield
    registry.third_party.cache_clear()
    sys.modules.pop("halved", None)


def test_the_example_is_at_most_forty_lines():
    assert blocks("python")[0].count("\n") <= 40


def test_a_method_of_another_package_gets_a_row_in_a_table_of_ours(installed, benchmarks, tmp_path):
    table = benchmarks / "arl" / "gamma.toml"
    table.write_text(table.read_text().replace("[published]", blocks("toml")[1] + "\n[published]"))
    cell = next(c for c in resolve.cells(published.load("arl-gamma"), "demo") if c.row == "halved")
    assert (cell.state, cell.published) == ("run", None)
    assert cell.run["params"] == {"factor": 0.5}
    assert cell.run["versions"]["method:halved"] == "halved 0.3", "a third party's version is its distribution's"

    run = tiny.run(method="halved", params=dict(cell.run["params"]))
    history, _ = train(run, build.method(run.spec), (), Checkpoint(tmp_path / "c.pt", every=1e9))
    joint = tiny.run()
    train(joint, build.method(joint.spec), (), Checkpoint(tmp_path / "d.pt", every=1e9))
    assert any(name.startswith("log.halved") for name in history["curve"])
    assert digest(run.model) != digest(joint.model)


def test_methods_of_others_are_not_listed_and_not_imported_unasked(installed):
    assert "halved" not in list(registry.METHODS)
    assert "halved" not in sys.modules
    assert "halved" in registry.METHODS
    assert "no-such-method" not in registry.METHODS


def test_a_paper_is_added_by_three_files(benchmarks):
    for block in (*blocks("toml"), *blocks("markdown")):
        named = re.match(r"(?:# |<!-- )(benchmarks/toy/\S+)", block)
        if named:
            file = Path(str(benchmarks)) / named[1].removeprefix("benchmarks/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(block)
    published.check()
    assert published.ids()[-1] == "toy-sweep"
    table = published.load("toy-sweep")
    states = {(c.row, scale): c.state for scale in ("full", "demo") for c in resolve.cells(table, scale)}
    assert set(states.values()) == {"run"}
    assert table.claims[0].columns == ("acc",)
