"""The command line: what the verbs answer, and one line with exit code 2 for every mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbench import __main__, paths, published, records
from tests import samples

ONE = ("smv-views:concat:2", "--scale", "demo", "--seeds", "1")  # the quickest that there is


@pytest.fixture
def mmbench(monkeypatch, capsys):
    """Call the command line: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mmbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        out, err = capsys.readouterr()
        return int(str(ended.value.code)), out, err

    return call


def process(*arguments: str, **more) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(paths.REPOSITORY)}
    command = [sys.executable, "-m", "mmbench", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **more)


@pytest.mark.parametrize(("arguments", "says"), [
    (("show", "arl-gama"), "unknown table or paper 'arl-gama'; did you mean 'arl-gamma'?"),
    (("show", "arl-gamma:gama-4"), "unknown row of arl-gamma 'gama-4'; did you mean 'gamma-4'?"),
    (("show", "arl-gamma:gamma-4:accc"), "unknown column of arl-gamma 'accc'; did you mean 'acc'?"),
    (("show",), "Missing argument 'TABLE'."),
    (("plan", "alr"), "unknown table or paper 'alr'; did you mean 'arl"),
    (("plan", "--scale", "dmeo"), "unknown scale 'dmeo'; did you mean 'demo'?"),
    (("plan", "--reading", "papper"), "unknown reading 'papper'; did you mean 'paper'?"),
    (("plan", "--seeds", "-1"), "--seeds is -1: give 1 or more"),
    (("plan", "--seeds", "0"), "--seeds is 0: give 1 or more"),
    (("plan", "--seeds", "five"), "Invalid value for '--seeds': 'five' is not a valid integer."),
    (("plan", "--sedes", "5"), "No such option: --sedes"),
    (("run",), "name a table, a cell (TABLE:ROW:COLUMN), a paper, or 'all'"),
    (("run", "arl-gamma", "--jobs", "-2"), "--jobs is -2: give 1 or more"),
    (("run", "arl-gamma", "--on", "locl"), "unknown executor 'locl'; did you mean 'local'?"),
    (("run", "arl-gamma", "--device", "tpu"), "unknown device 'tpu'"),
    (("run", "arl-gamma", "--until", "decided", "--budget", "2h", "--seeds", "5"), "leave out --seeds"),
    (("regress", "--scale", "small", "--plan"), "no cell can run at scale small here: prepare a dataset first"),
    (("status", "arl-gamma", "--seeds", "-3"), "--seeds is -3"),
    (("report", "arl-gama"), "did you mean 'arl-gamma'?"),
    (("report", "arl-gamma", "--scale", "ful"), "unknown scale 'ful'; did you mean 'full'?"),
    (("list", "metods"), "unknown list 'metods'; did you mean 'methods'?"),
    (("cite", "smvv"), "unknown table or paper 'smvv'"),
    (("trian",), "No such command 'trian'"),
])  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(mmbench, arguments, says):
    code, out, err = mmbench(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert not paths.results().exists()


def test_an_unwritable_results_folder_is_named(mmbench, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / folder))
        for verb in (("run", *ONE), ("report", "arl-gamma")):
            code, out, err = mmbench(*verb)
            assert (code, out, err.count("\n")) == (2, "", 1)
            assert f"the results folder {tmp_path / folder} cannot be written" in err
            assert "MMBENCH_RESULTS" in err


def test_a_group_that_is_no_name_is_said(mmbench, monkeypatch):
    monkeypatch.setenv("MMBENCH_GROUP", "Our Lab")
    code, _, err = mmbench("plan", "arl-gamma")
    assert (code, err) == (2, "mmbench: MMBENCH_GROUP is 'Our Lab': use small letters, digits, '.', '+' and '-' only\n")


def test_list_shows_every_table_and_every_component(mmbench):
    assert [t["id"] for t in json.loads(mmbench("list", "--json")[1])] == published.ids()
    assert all(id in mmbench("list")[1] for id in published.ids())
    assert {"joint", "unimodal", "arl"} <= {m["id"] for m in json.loads(mmbench("list", "methods", "--json")[1])}
    assert [p["id"] for p in json.loads(mmbench("list", "papers", "--json")[1])] == list(published.papers())
    assert "rule: paper|code|constant" in mmbench("list", "methods")[1]


def test_show_answers_in_the_documented_shape(mmbench):
    code, out, _ = mmbench("show", "arl-gamma", "--json")
    shown = json.loads(out)
    assert code == 0
    assert [shown[name] for name in ("id", "paper", "where", "metric", "unit", "better")] == [
        "arl-gamma", "arl", "Supplement, Table 4", "accuracy", "%", "higher"
    ]  # fmt: skip
    assert [row["id"] for row in shown["rows"]] == ["gamma-1", "gamma-2", "gamma-4", "gamma-8"]
    assert [column["id"] for column in shown["columns"]] == ["acc"]
    [cell] = [c for c in shown["cells"] if c["row"] == "gamma-4"]
    assert (cell["published"], cell["run"]["dataset"], cell["run"]["params"]["gamma"]) == ("76.68", "crema-d", 4)
    assert cell["view"]["metric"] == "accuracy"
    assert "the optimal performance is achieved when γ = 4" in [claim["says"] for claim in shown["claims"]]


def test_show_prints_the_table_as_printed_and_why_says_where_from(mmbench):
    assert "76.68" in mmbench("show", "arl-gamma")[1]
    _, out, _ = mmbench("show", "arl-gamma:gamma-4", "--why")
    line = next(line for line in out.splitlines() if line.startswith("params.gamma"))
    assert line.split()[-1].startswith("benchmarks/arl/gamma.toml:")
    assert "73.35" not in out
    [cell] = json.loads(mmbench("show", "arl-gamma:gamma-4", "--why", "--json")[1])["cells"]
    assert cell["why"]["params.gamma"] == line.split()[-1]


def test_plan_counts_and_lists_every_missing_job(mmbench):
    code, out, _ = mmbench("plan", "arl-gamma", "--scale", "demo", "--json")
    found = json.loads(out)
    assert (code, found["wanted"], found["unique"], found["recorded"], found["missing"]) == (0, 20, 20, 0, 20)
    assert len({(job["key"], job["seed"]) for job in found["jobs"]}) == 20


def test_plan_says_in_one_line_what_is_blocked_and_both_ways_out(mmbench):
    code, out, _ = mmbench("plan", "arl-gamma")
    [line] = [line for line in out.splitlines() if line.startswith("blocked")]
    way = "run 'mmbench data prepare crema-d --raw DIR', or try the stand-in with --scale demo"
    assert (code, line) == (0, f"blocked: crema-d is not prepared: {way} (20 jobs)")


def test_run_of_what_is_blocked_says_so_and_ends_with_2(mmbench):
    code, out, err = mmbench("run", "arl-gamma")
    assert code == 2
    assert err.startswith("blocked: crema-d is not prepared: run 'mmbench data prepare crema-d --raw DIR', or try")
    assert err.count("\n") == 1
    assert "0 recorded, 4 runs blocked" in out


def test_plan_and_run_of_what_a_paper_calls_inapplicable_say_why(mmbench):
    line = "inapplicable: method greedy takes exactly 2 modalities, this cell has 3"
    assert mmbench("plan", "smv-three-modalities:greedy")[1].splitlines()[-1] == line
    code, out, err = mmbench("run", "smv-three-modalities:greedy")
    assert (code, err) == (0, line + "\n")
    assert out.startswith("0 recorded")


def test_a_column_of_all_rows_has_an_address(mmbench):
    shown = json.loads(mmbench("show", "mmcosine-scale::cd", "--json")[1])
    assert {cell["column"] for cell in shown["cells"]} == {"cd"}
    assert len(shown["cells"]) > 1


def test_check_and_cite_answer(mmbench):
    code, out, _ = mmbench("check", "--json")
    assert (code, set(json.loads(out)["keys"])) == (0, {"full", "small", "demo"})
    assert mmbench("cite", "arl-gamma")[1].startswith("@inproceedings{wei2025arl,\n  title = {Improving Multimodal Learning")


def test_start_up_verbs_import_nothing_heavy():
    for verb in (["list"], ["plan"], ["status", "arl-gamma"], ["show", "arl-gamma", "--json"]):
        code = (
            "import sys; sys.argv = ['mmbench', *%r]\nfrom mmbench import __main__\ntry: __main__.main()\nexcept SystemExit: pass\n"
            "heavy = {'torch', 'scipy', 'pandas', 'matplotlib', 'numpy', 'rich.progress'} & set(sys.modules)\nassert not heavy, heavy"
        )
        subprocess.run([sys.executable, "-c", code % verb], check=True, stdout=subprocess.DEVNULL, cwd=paths.REPOSITORY)


def test_a_reader_that_leaves_early_gets_no_traceback():
    listing = process("list")
    assert listing.stdout is not None
    listing.stdout.close()
    assert listing.stderr is not None
    assert listing.stderr.read() == ""
    listing.wait()
    listing.stderr.close()


def test_run_records_what_is_missing_and_does_nothing_twice(mmbench):
    first = process("run", *ONE, "--json")
    out, err = first.communicate(timeout=600)
    answer = json.loads(out)
    assert (first.returncode, answer["exit_code"], [job["status"] for job in answer["jobs"]]) == (0, 0, ["ok"])
    assert "[1/1] joint with concat on digit-views, seed 0" in err
    [record] = records.read_all()
    assert records.leak(record) is None
    assert mmbench("run", *ONE)[:2] == (0, f"0 recorded, 1 were recorded before, in 0 s: {paths.results() / 'runs' / 'local'}\n")
    assert json.loads(mmbench("plan", "smv-views::2", "--scale", "demo", "--json")[1])["seconds"] > 0
    found = json.loads(mmbench("status", *ONE, "--json")[1])
    assert (found["recorded"], found["missing"], found["running"], found["failed"]) == (1, 0, [], [])
    code, out, _ = mmbench("report", "smv-views", "--scale", "demo", "--json")
    assert (code, {Path(file).exists() for file in json.loads(out)}) == (0, {True})
    assert str(paths.results() / "tables" / "smv-views.md") in json.loads(out)


def test_a_job_that_fails_is_named_with_its_log_and_the_exit_code_is_1(mmbench):
    [job] = json.loads(mmbench("plan", *ONE, "--json")[1])["jobs"]
    broken = paths.results() / "checkpoints" / f"{job['key']}-s0.pt"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no checkpoint")
    code, out, _ = mmbench("run", *ONE, "--on", "inline")
    log = paths.results() / "logs" / f"{job['key']}-s0.log"
    assert code == 1
    assert out.startswith("failed: joint with concat on digit-views, seed 0")
    assert f"log: {log}\n" in out
    assert "Traceback" in log.read_text()
    code, out, _ = mmbench("status", *ONE)
    assert f"failed 1x: {job['key']}-s0: " in out


def test_a_damaged_record_is_set_aside_by_the_run_that_wants_it(mmbench):
    [job] = json.loads(mmbench("plan", *ONE, "--json")[1])["jobs"]
    run = json.loads(mmbench("show", *ONE[:3], "--json")[1])["cells"][0]["run"]
    file = records.path(run, job["key"], 0)
    file.parent.mkdir(parents=True)
    for content in ("{}\n", '{"schema":1,'):
        file.write_text(content)
        (paths.results() / "checkpoints").mkdir(exist_ok=True)
        (paths.results() / "checkpoints" / f"{job['key']}-s0.pt").write_bytes(b"fails at once, so that nothing is trained")
        code, _, err = mmbench("run", *ONE, "--on", "inline")
        assert code == 1
        assert f"{file} is " in err
        assert "set aside as" in err
        assert not file.exists()
    assert len(list((paths.results() / "set-aside").rglob("*.json"))) == 2


def test_a_run_that_is_stopped_says_how_to_go_on_and_goes_on(tmp_path):
    started = process("run", "mmcosine-scale::cd", "--scale", "demo", "--seeds", "2", "--jobs", "1")
    claims = paths.results() / "claims"
    while not (claims.exists() and list(claims.glob("*.news"))):
        time.sleep(0.02)
    started.send_signal(signal.SIGTERM)
    out, err = started.communicate(timeout=600)
    assert started.returncode == 143
    assert "stopping: each job finishes its step and writes its checkpoint" in err
    assert "stopped with " in out
    assert out.endswith("To go on: mmbench run mmcosine-scale::cd --scale demo --seeds 2 --jobs 1\n")
    assert list(claims.iterdir()) == []
    [checkpoint] = (paths.results() / "checkpoints").glob("*.pt")
    assert checkpoint.stem not in {records.name(*job) for job in records.recorded()}


def test_the_sample_record_is_one_of_a_true_cell(mmbench):
    """The samples of these tests must not drift from what tables resolve to."""
    run = json.loads(mmbench("show", "mmcosine-scale:vanilla:cd", "--scale", "demo", "--json")[1])["cells"][0]["run"]
    assert set(samples.run()) <= set(run)
    assert Path(records.path(run, "0" * 12, 0)).parts[-3:-1] == ("av-digits", "joint")
