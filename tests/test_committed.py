"""What is committed under `results`: records are of today's component versions, and the tables are what the report makes of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mmbench import paths, published, records, report, today
from mmbench.render import latex, markdown


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


def test_committed_tables_are_what_the_report_makes_of_the_committed_records(tmp_path, monkeypatch):
    """Byte for byte, the markdown and LaTeX of every table; `make report` makes them anew."""
    sources = [f for f in committed("results/runs") if f.suffix == ".json"]
    tables = [f for f in committed("results/tables") if f.suffix in (".md", ".tex") and f.name != "audit.md"]
    if not sources or not tables:
        pytest.skip("no records are committed: nothing to make the tables from")
    for file in sources:
        target = tmp_path / "results" / file.relative_to(paths.REPOSITORY / "results")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "results"))
    made = {}
    for page in report.pages(published.ids(), narrow=False):
        name = page.table.id
        made |= {f"{name}.md": markdown.page(page, {}), f"{name}.tex": latex.page(page), f"{name}-macros.tex": latex.macros(page)}
    stale = [file.name for file in tables if without_pictures(made.get(file.name, "")) != without_pictures(file.read_text())]
    assert stale == [], "run `make report` and commit results/tables"


def without_pictures(text: str) -> str:
    """Curves lie beside records and need not be committed: then their pictures cannot be made anew."""
    return re.sub(r"\n!\[[^\n]*\n", "", text)
