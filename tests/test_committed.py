"""What is committed under `results`: records are of today's component versions, and the tables are what the report makes of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from mmbench import look, paths, places, published, records, report, today
from mmbench.render import html
from tests.golden import make_report


def committed(folder: str) -> list[Path]:
    if shutil.which("git") is None or not (paths.REPOSITORY / ".git").exists():
        pytest.skip("no git checkout: what is committed is not known")
    listed = subprocess.run(["git", "-C", str(paths.REPOSITORY), "ls-files", "-z", folder], capture_output=True, check=True).stdout
    return [paths.REPOSITORY / name for name in listed.decode().split("\0") if name]


RECORDS = re.compile(r".*/results/runs/[^/]+/[^/]+/[^/]+/[0-9a-f]{12}-s\d+\.json")


def test_committed_records_are_sound_clean_and_of_todays_component_versions():
    for file in (f for f in committed("results/runs") if RECORDS.fullmatch(str(f))):
        record = records.read(file)
        assert (file.name, today.outdated(record["run"])) == (file.name, "")
        assert records.leak(record) is None, file.name


def svg(save: Callable[..., list[Path]], draw: Callable[[], Any], stem: Path, png: bool = False) -> list[Path]:
    """The picture as SVG, and only the name of the PNG: its bytes are the machine's."""
    return [*save(draw, stem), *[stem.with_name(f"{stem.name}.png")] * png]


def made(folder: Path) -> dict[str, bytes]:
    """What the report makes of the committed records, and of the curves and pictures beside them: file name -> content. No PNG."""
    for file in (f for f in committed("results/runs") if f.name.endswith((".json", ".curve.npz", ".png"))):
        target = folder / file.relative_to(paths.REPOSITORY / "results")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMBENCH_RESULTS", str(folder))
        patch.setattr(look, "save", partial(svg, look.save))
        patch.setattr(html, "files", lambda *_: {})  # it is not committed
        patch.setattr(places, "cores", lambda: 1)  # tests run beside each other already
        written = report.write(published.ids())
    return {file.name: file.read_bytes() for file in written if file.suffix != ".png"}


def test_committed_tables_are_what_the_report_makes_of_the_committed_records(tmp_path):
    """Byte for byte: pages, audit, overview, LaTeX and pictures; `make report` makes them anew."""
    there = {file.name: file.read_bytes() for file in committed("results/tables") if file.suffix != ".png"}
    if not there or not committed("results/runs"):
        pytest.skip("no records are committed: nothing to make the tables from")
    there["README.md"] = (paths.REPOSITORY / "results" / "README.md").read_bytes()
    expected = made(tmp_path / "results")
    assert sorted(there) == sorted(expected), "run `make report` and commit results/tables"
    drawn_by = (make_report.HERE / "report" / make_report.STAMP).read_text().strip()  # another matplotlib may place a letter elsewhere
    same = [name for name in expected if not name.endswith(".svg") or drawn_by == mpl.__version__]
    assert [name for name in same if there[name] != expected[name]] == [], "run `make report` and commit results"
