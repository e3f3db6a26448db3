"""The report from records to files, through the public judge, byte for byte. `python -m tests.golden.make_report` writes the golden
anew, after a change of the report, the judge or a component's version; then look at what changed."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

from mmbench import bulk, paths, places, published, records, report, resolve
from mmbench.errors import UserError
from tests.golden import make_report

GOLDEN = make_report.HERE / "report"


@pytest.fixture(autouse=True)
def _golden_suite(tmp_path):
    """The golden's tables, and a copy of its records as this test's results."""
    shutil.copytree(make_report.HERE / "records", tmp_path / "results")
    with make_report.settings(tmp_path / "results"), make_report.suite():
        yield


def folder(path: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in sorted(path.iterdir())}


def test_golden(tmp_path):
    make_report.write_report(tmp_path / "out")
    found, golden = folder(tmp_path / "out"), folder(GOLDEN)
    drawn_by = golden.pop(make_report.STAMP).decode().strip()
    assert sorted(found) == sorted(golden)
    same = [name for name in golden if not name.endswith(".svg") or drawn_by == mpl.__version__]
    for name in same:
        assert found[name].decode() == golden[name].decode(), name


def test_golden_records_are_those_of_todays_components():
    """A record whose key no table asks for is stale: a version was raised, and the golden not written anew."""
    wanted = {c.key for id in published.ids() for scale in ("full", "demo") for c in resolve.cells(published.load(id), scale)}
    assert {key for key, _ in records.recorded(make_report.GROUP)} <= wanted


def test_the_same_records_give_the_same_bytes(tmp_path):
    for out in ("a", "b"):
        report.write(["mmcosine-scale"], out=tmp_path / out)
    assert folder(tmp_path / "a") == folder(tmp_path / "b")


def test_several_processes_report_what_one_does(tmp_path, monkeypatch):
    asked = ["arl-gamma", "mmcosine-scale"]
    report.write(asked, out=tmp_path / "one")
    for module, name, value in ((bulk, "MANY", 1), (report, "ALONE", 0), (places, "cores", lambda: 2)):
        monkeypatch.setattr(module, name, value)
    report.write(asked, out=tmp_path / "several")
    gc.unfreeze()
    assert folder(tmp_path / "several") == folder(tmp_path / "one")


def test_pages_built_once_are_saved_and_printed_alike(tmp_path):
    built = list(report.pages(["mmcosine-scale"]))
    report.save(built, tmp_path / "a")
    report.write(["mmcosine-scale"], out=tmp_path / "b")
    assert folder(tmp_path / "a") == folder(tmp_path / "b")
    assert report.said(built) == report.text(["mmcosine-scale"])


def test_files_are_named_after_the_table_and_the_section(tmp_path):
    files = report.write(["arl-gamma"], out=tmp_path / "out")
    assert sorted(f.name for f in files) == sorted(f.name for f in (tmp_path / "out").iterdir())
    assert {f.name for f in files} == {
        "arl-gamma.md", "arl-gamma.tex", "arl-gamma-macros.tex",
        *(f"arl-gamma-{scale}.{kind}" for scale in ("full", "demo") for kind in ("svg", "png")),
    }  # fmt: skip


def test_html_that_was_written_before_never_stays_behind_the_tables_beside_it():
    tables = paths.results() / "tables"
    report.write(["arl-gamma"])
    assert not (tables / "index.html").exists()
    report.write(published.ids())
    whole = folder(tables)
    for file in records.files([make_report.GROUP]):
        if json.loads(file.read_text())["seed"] == 0:
            file.unlink()
    report.write(["arl-gamma"])
    now = folder(tables)
    assert now["arl-gamma.html"] != whole["arl-gamma.html"]
    assert now["index.html"] != whole["index.html"]
    assert now["mmcosine-scale.md"] == whole["mmcosine-scale.md"], "that table was not asked for"
    report.write(published.ids())
    assert folder(tables)["index.html"] == now["index.html"]


def test_what_was_written_is_said_with_the_page_to_open(tmp_path):
    few, many = [tmp_path / "a.md", tmp_path / "a.svg"], [*(tmp_path / f"{i}.md" for i in range(12)), tmp_path / "index.html"]
    advice = "'mmbench report' writes all tables as HTML, for a browser"
    assert report.where(few) == f"written:\n{few[0]}\n{few[1]}\n{advice}"
    assert report.where(many) == f"written:\n13 files in {tmp_path}\nopen {many[-1]} to read all tables in a browser"


def test_the_default_place_is_beside_the_records():
    assert {f.parent for f in report.write(["mmcosine-scale"])} == {paths.results() / "tables"}


def test_one_scale_can_be_asked_for():
    (page,) = report.pages(["arl-gamma"], scale="demo", reading="paper")
    assert [g.name for g in page.grids] == ["demo"]
    assert page.banner.startswith("Everything measured on this page ran on av-digits, a stand-in")


def test_a_narrower_report_drops_no_number_from_the_files(tmp_path):
    report.write(["arl-gamma"], out=tmp_path / "a")
    report.write(["arl-gamma"], scale="demo", reading="paper", out=tmp_path / "b")
    assert folder(tmp_path / "a") == folder(tmp_path / "b")
    assert "On the paper's data" not in report.text(["arl-gamma"], scale="demo").partition("On the paper's data, once")[0]


def test_a_reading_without_runs_of_its_own_is_no_section():
    (page,) = report.pages(["arl-gamma"])
    assert [g.name for g in page.grids] == ["full", "demo"]


def test_a_reading_that_was_never_run_is_shown_as_such_when_asked_for():
    (page,) = report.pages(["arl-gamma"], reading="released")
    assert [(g.name, g.measured) for g in page.grids] == [("full-released", False)]
    assert ("On the paper's data, once they are prepared", "make table-arl-gamma READING=released") in page.todo


def test_the_papers_own_setting_is_never_passed_over():
    (page,) = report.pages(["mmcosine-scale"])
    full = page.grids[0]
    assert (full.name, full.measured) == ("full", False)
    assert any("crema-d is not prepared" in reason for reason in full.reasons)


def test_no_records_at_all_give_a_page_that_says_what_to_run(tmp_path):
    shutil.rmtree(tmp_path / "results" / "runs")
    files = report.write(["arl-gamma"], out=tmp_path / "out")
    assert [f.suffix for f in files] == [".md", ".tex", ".tex"]
    text = files[0].read_text()
    assert "Nothing on this page has been run yet" in text
    assert "`make table-arl-gamma SCALE=demo`" in text
    assert "`make table-arl-gamma`" in text
    assert "Nothing on this page has been run yet" in report.text(["arl-gamma"])


def test_a_truncated_record_is_set_aside_and_not_counted(tmp_path, capsys):
    victim = next(iter((tmp_path / "results" / "runs").rglob("*-s4.json")))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:100])
    list(report.pages(["arl-gamma", "mmcosine-scale"]))
    assert "set aside" in capsys.readouterr().err
    assert not victim.exists()
    aside = list((tmp_path / "results" / "set-aside").rglob("*.json"))
    assert [f.read_bytes() for f in aside] == [whole[:100]]


def test_a_failed_job_is_named_with_its_log():
    for file in [f for f in records.files([make_report.GROUP]) if json.loads(f.read_text())["run"]["params"].get("gamma") == 8]:
        file.unlink()
    cell = next(c for c in resolve.cells(published.load("arl-gamma"), "demo") if c.row == "gamma-8")
    records.write_failure(make_report.Job(cell.key, 0, cell.run, (), "demo"), "out of memory", "/a/machine/results/logs/x.log")
    (page,) = report.pages(["arl-gamma"], scale="demo", reading="paper")
    entry = page.grids[0].blocks[0].entries[-1]
    assert (entry.word, entry.remark) == ("failed", "out of memory (log: logs/x.log)")


@pytest.mark.parametrize(("table", "scale", "said"), [("arl-gama", None, "arl-gamma"), ("arl-gamma", "demoo", "demo")])
def test_a_wrong_name_is_answered_with_the_nearest(table, scale, said, tmp_path):
    with pytest.raises(UserError, match=f"did you mean '{said}'"):
        report.write([table], scale=scale, out=tmp_path / "out")


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"the report cannot be written to .*out: .*choose another folder"):
        report.write(["arl-gamma"], out=tmp_path / "out")


def lend(group: str, shift: float, scale: str = "full") -> None:
    """The golden's records of arl-gamma, as if another group had made them, its numbers shifted."""
    keys = {c.key for c in resolve.cells(published.load("arl-gamma"), scale)}
    for (key, _), file in records.recorded(make_report.GROUP).items():
        if key in keys:
            record = json.loads(file.read_text()) | {"group": group}
            for chosen in record["result"]["selections"].values():
                chosen["values"]["accuracy"] += shift
            records.write(record, {}, {})


def test_a_report_says_how_many_other_groups_reproduced_a_value(tmp_path):
    (before,) = report.pages(["arl-gamma"])
    lend("lab-a", 0.02)
    lend("lab-b", 25.0)
    (page,) = report.pages(["arl-gamma"])
    grid = page.grids[0]
    assert [e.reproduced for e in grid.blocks[0].entries] == [e.reproduced for e in before.grids[0].blocks[0].entries]  # ours alone
    assert grid.elsewhere == {"lab-a": 20, "lab-b": 20}
    gamma_1 = grid.blocks[0].entries[0]
    assert gamma_1.confirmed == "1 of 2 reproduced"
    assert [line.split(", ")[0] for line in gamma_1.elsewhere] == ["lab-a (unverified): reproduced", "lab-b (unverified): not reproduced"]
    assert any("other groups (unverified): lab-a" in claim.remark for claim in grid.claims)
    assert (page.grids[1].elsewhere, page.grids[1].blocks[0].entries[0].confirmed) == ({}, "")
    files = {f.name: f.read_text() for f in report.write(["arl-gamma"], out=tmp_path / "out") if f.suffix != ".png"}
    for name in ("arl-gamma.md", "arl-gamma.tex"):
        assert "other groups, unverified" in files[name]
        assert "1 of 2 reproduced; lab-a (unverified): reproduced, " in files[name]
        assert "n 5; lab-b (unverified): not reproduced, " in files[name]
    assert "; ".join(("1 of 2 reproduced", *gamma_1.elsewhere)) in files["arl-gamma.md"]
    assert "1 of 2 reproduced; lab-a" in report.text(["arl-gamma"])
    assert "Runs of other groups, taken over and unverified: lab-a (20 runs), lab-b (20 runs)." in files["arl-gamma.md"]


def test_on_a_stand_in_other_groups_only_ran_it():
    lend("lab-a", 0.0, scale="demo")
    (page,) = report.pages(["arl-gamma"], scale="demo")
    entry = page.grids[0].blocks[0].entries[0]
    assert entry.confirmed == "1 group ran it"
    assert entry.elsewhere[0].startswith("lab-a (unverified): 89.93 ± ")
    assert "reproduced" not in entry.elsewhere[0]


def test_whoever_runs_one_cell_or_fewer_seeds_sees_them_and_keeps_the_claims():
    """What comes with the project stands for what was not run here."""
    (before,) = report.pages(["arl-gamma"])
    lend("reference", 0.0)
    cells = {c.key: c.row for c in resolve.cells(published.load("arl-gamma"), "full")}
    for (key, seed), file in records.recorded(make_report.GROUP).items():
        if cells.get(key, "gamma-4") != "gamma-4" or (key in cells and seed > 2):
            file.unlink()  # what is left of the table is one cell with three seeds
    (page,) = report.pages(["arl-gamma"])
    now = page.grids[0]
    entries = {entry.row.id: entry for entry in now.blocks[0].entries}
    assert {row: entry.n for row, entry in entries.items()} == {"gamma-1": "5", "gamma-2": "5", "gamma-4": "3", "gamma-8": "4 (1 diverged)"}
    assert [claim.word for claim in now.claims] == [claim.word for claim in before.grids[0].claims]
    assert now.notes[-2:] == (
        "15 of these 18 runs come with the project (group reference): of their settings group golden has none; equal seeds on equal data "
        "and devices are paired with ours",
        "of 1 setting group golden, which is shown, has fewer runs than come with the project (group reference)",
    )


def test_what_only_others_ran_is_shown_and_never_as_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("MMBENCH_GROUP", "ours")
    (page,) = report.pages(["arl-gamma"])
    assert page.banner == (
        "Nothing on this page has been run by us: beside the paper's numbers stands what others ran, unverified (golden)."
    )
    assert [(g.name, g.measured) for g in page.grids] == [("full", False), ("demo", False)]
    entry = page.grids[0].blocks[0].entries[0]
    assert (entry.reproduced, entry.word, entry.confirmed) == ("", "blocked", "1 of 1 reproduced")
    text = report.write(["arl-gamma"], out=tmp_path / "out")[0].read_text()
    assert "1 of 1 reproduced" in text
    assert "1 group ran it; golden (unverified): 89.93 ± " in text
    assert "1 group ran it; golden" in report.text(["arl-gamma"], scale="demo")
    assert "1 group ran it; golden (unverified): 89.93 " in (tmp_path / "out" / "arl-gamma.tex").read_text()
    macros = (tmp_path / "out" / "arl-gamma-macros.tex").read_text()
    assert "\\expandafter\\def" not in macros


def test_runs_of_a_dirty_tree_are_counted_and_marked(tmp_path):
    for file in records.files([make_report.GROUP])[:1]:
        record = json.loads(file.read_text())
        record["environment"]["dirty"] = True
        file.write_text(json.dumps(record) + "\n")
    texts = [f.read_text() for f in report.write(published.ids(), out=tmp_path / "out") if f.suffix in (".md", ".html")]
    assert any("; 1 run from a tree with uncommitted changes" in text for text in texts)
    assert any("-dirty" in text for text in texts)
