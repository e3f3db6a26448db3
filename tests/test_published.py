"""Loading benchmarks/: what is there, what is refused and how, and that no mutated file ends in a traceback."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmbench import paths, published, resolve, sources
from mmbench.errors import UserError

REAL = paths.BENCHMARKS
Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """A copy of benchmarks/ to damage: edit(file, old, new) replaces the first occurrence."""
    root = tmp_path / "benchmarks"
    shutil.copytree(REAL, root)
    monkeypatch.setattr(paths, "BENCHMARKS", root)

    def replace(file: str, old: str, new: str) -> None:
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new, 1))

    return replace


def test_papers_and_tables_come_in_suite_order() -> None:
    assert published.papers() == ("mmcosine", "smv", "arl", "cmvqvae")
    ids = published.ids()
    assert ids[0] == "mmcosine-bound"
    assert len(ids) == len(set(ids)) == 27
    assert published.load("arl-gamma").published["gamma-4", "acc"] == "76.68"
    published.check()


def test_a_table_keeps_strings_words_bold_and_cited_rows() -> None:
    assert published.load("arl-fusion").published["concat-arl", "ave"] == "71.90"
    assert ("sum-arl", "crema-d") in published.load("arl-fusion").bold
    assert published.load("smv-three-modalities").published["agm", "ucf101-three"] == "Not converge"
    row = published.load("cmvqvae-comparison").row("masksup")
    assert row.cited
    assert "Zunair" in row.source
    assert published.load("smv-sample-function").row("f3").label == published.load("smv-sample-function").row("f2").label


def test_addresses() -> None:
    one = published.Filter("arl-gamma", "gamma-4", "acc")
    assert published.select(["arl-gamma:gamma-4:acc", "arl-gamma:gamma-4:acc"]) == [one]
    assert published.select(["arl-fusion::ks"]) == [published.Filter("arl-fusion", "", "ks")]
    assert [f.table for f in published.select(["mmcosine"])] == [id for id in published.ids() if id.startswith("mmcosine-")]
    cells = resolve.cells(published.load("arl-gamma"))
    assert [one.matches(cell) for cell in cells] == [False, False, True, False]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("arl-gama", "unknown table or paper 'arl-gama'; did you mean 'arl-gamma'?"),
        ("arl-gamma:gamma-5", "unknown row of arl-gamma 'gamma-5'; did you mean 'gamma-8'?"),
        ("arl-gamma:gamma-4:akk", "unknown column of arl-gamma 'akk'; known: acc"),
        ("arl-gamma:a:b:c", "'arl-gamma:a:b:c' is no address; expected TABLE, TABLE:ROW or TABLE:ROW:COLUMN"),
    ],
)
def test_wrong_addresses(address: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        published.select([address])
    assert str(caught.value) == says


WRONG = [
    ("arl/gamma.toml", '[rows.gamma-1]', '[rows.gamma-1', "benchmarks/arl/gamma.toml: not valid TOML"),
    ("arl/gamma.toml", '[rows.gamma-2]', '[rows.gamma-1]', "not valid TOML: Cannot declare ('rows', 'gamma-1') twice"),
    ("arl/gamma.toml", 'acc = "76.68"', 'acc = 76.68', "published.gamma-4.acc: expected a number in quotes, as printed"),
    ("arl/gamma.toml", 'acc = "76.68"', 'acc = "better"', "as printed, or one of Inapplicable, Not converge"),
    ("arl/gamma.toml", 'gamma-8 = { acc', 'gamma-9 = { acc', "published.gamma-9: unknown row 'gamma-9'"),
    ("arl/gamma.toml", 'gamma-8 = { acc = "75.49" }', '', "rows.gamma-8: expected its values under [published], or printed = false"),
    ("arl/gamma.toml", 'rows = ["gamma-4"]', 'rows = ["gama-4"]', "claims[1].rows: unknown row 'gama-4'; did you mean 'gamma-4'?"),
    ("arl/gamma.toml", 'form = "best"', 'form = "bets"', "claims[1].form: unknown form 'bets'; did you mean 'best'?"),
    ("arl/gamma.toml", 'method = "arl"', 'method = "alr"', "table.method: unknown method 'alr'; did you mean 'arl'?"),
    ("arl/gamma.toml", 'recipe = "arl-crema-d"', 'recipe = "arl-cremad"', "table.recipe: unknown recipe 'arl-cremad'; did you mean"),
    ("arl/gamma.toml", 'params = { gamma = 4 }', 'params = { gama = 4 }', "rows.gamma-4.params.gama: method 'arl' has no parameter 'gama'"),
    ("arl/gamma.toml", 'params = { gamma = 4 }', 'params = { gamma = "4" }', "rows.gamma-4.params.gamma: expected a number, found '4'"),
    ("arl/gamma.toml", 'params = { gamma = 4 }', 'params = 4', "rows.gamma-4.params: expected a table of keys, found 4"),
    ("arl/gamma.toml", 'metric = "accuracy"', 'metric = "acuracy"', "table.metric: unknown metric 'acuracy'; did you mean 'accuracy'?"),
    ("arl/gamma.toml", 'seeds = "unknown"', 'seeds = "a few"', "table.seeds: expected a count, 'mean of 3', 'best of 5' or 'unknown'"),
    ("arl/gamma.toml", 'id = "arl-gamma"', 'id = "arl-gmma"', "table.id: expected 'arl-gamma' (after the file's name), found 'arl-gmma'"),
    ("arl/gamma.toml", 'better = "higher"', 'better = "more"', "table.better: expected one of higher, lower, found 'more'"),
    ("arl/gamma.toml", 'value = 0.59', 'value = 0', "columns.acc.margin.value: expected a number above 0, found 0"),
    ("arl/gamma.toml", 'label = "Acc"', 'lable = "Acc"', "columns.acc.label: is missing"),
    ("arl/gamma.toml", 'label = "8"', 'label = "8"\nlebal = "8"', "rows.gamma-8.lebal: unknown key 'lebal'; did you mean 'label'?"),
    ("arl/gamma.toml", '[rows.gamma-8]', '[rows.Gamma_8]', "'Gamma_8' is no id; expected small letters, digits, '.', '+' and '-'"),
    ("arl/gamma.toml", '[published]', '[scale.demo]\nmethod = "joint"\n\n[published]', "scale.demo.method: a scale may set only dataset"),
    ("arl/gamma.toml", '[published]', '[scale.demo]\noptimiser = { momentum = 0 }\n\n[published]', "may set only the optimiser's lr"),
    ("arl/gamma.toml", '[published]', '[scale.full]\nepochs = 1\n\n[published]', "scale.full: unknown scale 'full'"),
    ("arl/gamma.toml", 'params = { gamma = 2 }', 'notes = ["arl.nothing"]', "rows.gamma-2.notes: unknown ledger entry 'arl.nothing'"),
    ("arl/fusion.toml", 'amount = "18.14"', 'amount = "much"', "claims[2].amount: expected a number as printed, found 'much'"),
    ("arl/fusion.toml", 'in = ["ave"]', 'in = ["avx"]', "claims[3].in: unknown column 'avx'; did you mean 'ave'?"),
    ("arl/fusion.toml", '{ modality = "visual" }', '{ modality = "visual", extra = 1 }', "method 'unimodal' has no parameter 'extra'"),
    ("arl/main.toml", 'log.dependency_ratio rises"', 'log.dependency_ratio grows"', "claims[0].quantity: expected 'a < b'"),
    ("arl/main.toml", 'weaker = true', 'weaker = "yes"', "claims[0].weaker: expected true or false, found 'yes'"),
    ("arl/gamma.toml", 'transfers = "where', 'transfers = "" # "where', "claims[2].transfers: expected true, or in quotes why form"),
    ("arl/gamma.toml", '"gamma-4"]\ntransfers = false', '"gamma-4"]\ntransfers = true', "expected false, or in quotes why form 'best'"),
    ("arl/fusion.toml", '"18.14"\ntransfers = true', '"18.14"\ntransfers = 1', "claims[2].transfers: expected true, or in quotes"),
    ("smv/fixed-rate.toml", 'relative_to = "sample-level"', 'relative_to = "sample"', "resampled.relative_to: unknown row 'sample'"),
    ("cmvqvae/comparison.toml", 'source = "Cao et al. (IEEE Transactions on Cybernetics 2017)"', '', "rows.c3d.source: is missing"),
    ("cmvqvae/digits.toml", 'output = "svhn"', 'output = "svnh"', "rows.svhn.output: unknown output 'svnh'; did you mean 'svhn'?"),
    ("mmcosine/scale.toml", 'in = ["vc2"]', 'in = ["cd"]', "claims[2].in: row 's-20' has no value in column 'cd'"),
    ("mmcosine/bound.toml", 'formula = "scale-bound"', 'formula = "scale"', "columns.p90.formula: unknown formula 'scale'"),
    ("recipes.toml", 'extends = "arl"', 'extends = "alr"', "arl-crema-d.extends: unknown recipe 'alr'; did you mean 'arl'?"),
    ("recipes.toml", 'extends = "arl"', 'extends = "smv-meld"', "'smv-meld' itself extends a recipe; one step is all there is"),
    ("recipes.toml", 'dataset = "crema-d"', 'dataset = "cremad"', "mmcosine-crema-d.dataset: unknown dataset 'cremad'; did you"),
    ("recipes.toml", 'factor = 0.1', 'factor = 0.1, patience = 3', "schedule 'step' has no parameter 'patience'"),
    ("recipes.toml", '{ of = 200, at = 100 }', '{ of = 200 }', "expected an epoch mark { of = 100, at = 69 }"),
    ("recipes.toml", 'batch = 32', 'batch = 0', "mmcosine-crema-d.batch: expected a whole number of at least 1, found 0"),
    ("recipes.toml", 'momentum = 0.9', 'momentum = true', "mmcosine-crema-d.optimiser.momentum: expected a number, found True"),
    ("datasets.toml", 'split = "ogm"', 'split = "omg"', "crema-d.split: unknown split 'omg'; did you mean 'ogm'?"),
    ("arl/paper.toml", '"arl-gamma", ', '', "benchmarks/arl/gamma.toml: is not listed under 'tables'"),
    ("arl/paper.toml", '"arl-gamma", ', '"arl-gamma", "arl-gamma", ', "benchmarks/arl/paper.toml:8: tables: an id stands twice"),
    ("arl/NOTES.md", "- **arl.selection**", "- **arl.schedule**", "the entry 'arl.schedule' stands twice"),
    ("outside.toml", "arl-fusion:concat:crema-d", "arl-fusion:concat:cremad", "values[0].like: unknown column of arl-fusion 'cremad'"),
]  # fmt: skip


def everything() -> int:
    """All that loading and resolving can complain about."""
    published.check()
    sources.outside()
    tables = [published.load(id) for id in published.ids()]
    return sum(len(resolve.cells(table, scale)) for table in tables for scale in ("full", "demo"))


@pytest.mark.parametrize(("file", "old", "new", "says"), WRONG)
def test_each_mistake_gets_one_line_with_file_and_key(edit: Edit, file: str, old: str, new: str, says: str) -> None:
    edit(file, old, new)
    with pytest.raises(UserError) as caught:
        everything()
    message = str(caught.value)
    assert says in message
    assert message.startswith("benchmarks/")
    assert "\n" not in message


def test_a_complaint_names_the_line(edit: Edit) -> None:
    edit("arl/gamma.toml", "params = { gamma = 8 }", "params = { gamma = 8, tempereture = 1 }")
    line = (paths.BENCHMARKS / "arl" / "gamma.toml").read_text().split("\n").index("params = { gamma = 8, tempereture = 1 }") + 1
    with pytest.raises(
        UserError, match=rf"^benchmarks/arl/gamma.toml:{line}: rows.gamma-8.params.tempereture: .*did you mean 'temperature'"
    ):
        resolve.cells(published.load("arl-gamma"))


def test_missing_files_and_unknown_names_are_one_line(edit: Edit) -> None:
    (paths.BENCHMARKS / "arl" / "gamma.toml").unlink()
    with pytest.raises(UserError, match=r"^benchmarks/arl/gamma.toml: cannot be read: No such file or directory$"):
        published.load("arl-gamma")
    with pytest.raises(UserError, match=r"^unknown table 'arl-gama'; did you mean 'arl-gamma'\?$"):
        published.load("arl-gama")
    with pytest.raises(UserError, match=r"^unknown scale 'ful'; did you mean 'full'\?$"):
        resolve.cells(published.load("arl-fusion"), "ful")


def test_a_ledger_entry_is_found_by_its_id_and_every_entry_is_used() -> None:
    assert published.notes("arl")["arl.frame"].startswith("[C; NF; ours] One frame per clip.")
    used = {
        note
        for table in map(published.load, published.ids())
        for reading in ("paper", "released")
        for cell in resolve.cells(table, reading=reading)
        for note in cell.notes
    }
    assert sorted(set(published.ledger()) - used) == []


def test_third_parties_and_citations() -> None:
    assert {value.evidence for value in sources.outside()} <= set(sources.EVIDENCE)
    table = published.load("smv-localization")
    found = sources.cite([table], resolve.cells(table))
    assert [entry.split("{")[1].split(",")[0] for entry in found] == ["wei2024valuation", "tian2018ave", "peng2022ogm"]
    assert not any("mmbench" in entry for entry in found)


def test_every_paper_dataset_and_method_can_be_cited() -> None:
    known = sources.bibliography()
    cells = [cell for id in published.ids() for cell in resolve.cells(published.load(id)) if cell.run]
    names = {*published.papers(), *(cell.run["dataset"] for cell in cells), *(cell.run["method"] for cell in cells)}
    assert names - set(known) == {"joint", "unimodal"}


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys; from mmbench import published, resolve, sources; [resolve.cells(published.load(i)) for i in published.ids()]; "
        "print(sorted({'torch', 'numpy', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.REPOSITORY)
    assert found.stdout.strip() == "[]"


FILES = sorted(str(path.relative_to(REAL)) for path in REAL.glob("**/*.toml"))
COUNTER = itertools.count()
TOKENS = st.sampled_from(
    ["", "4", "-1", "nan", "inf", "1e400", "true", '"x"', '""', "[]", "{}", "[1, 2]", '["ce"]', "{ of = 0, at = 1 }", "1979-05-27", "=", "]", '"""', "é", "\x00", "a.b = 1", "[table]", "[[claims]]", "[rows.new]"]  # noqa: E501
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """A real file with one to three lines dropped, doubled, moved, or with a value or a word replaced."""
    file = draw(st.sampled_from(FILES))
    lines = (REAL / file).read_text().split("\n")
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[n]
                lines = lines or [""]
            case 1:
                lines.insert(draw(st.integers(0, len(lines))), lines[n])
            case 2:
                lines[n] = lines[n].partition("=")[0] + "= " + draw(TOKENS)
            case 3:
                other = lines[draw(st.integers(0, len(lines) - 1))].partition("=")[2]
                lines[n] = lines[n].partition("=")[0] + "=" + other
            case _:
                lines.insert(n, draw(TOKENS))
    return file, "\n".join(lines)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_a_mutated_file_is_a_valid_suite_or_one_clear_message(tmp_path_factory: pytest.TempPathFactory, mutation: tuple[str, str]) -> None:
    root = tmp_path_factory.getbasetemp() / f"mutated-{next(COUNTER)}" / "benchmarks"
    root.mkdir(parents=True)
    for path in REAL.glob("**/*"):
        if path.is_dir():
            (root / path.relative_to(REAL)).mkdir(exist_ok=True)
        elif str(path.relative_to(REAL)) != mutation[0]:
            (root / path.relative_to(REAL)).symlink_to(path)
    (root / mutation[0]).write_text(mutation[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "BENCHMARKS", root)
        message = complaint(mutation[0])
    shutil.rmtree(root)
    assert message is None or (message and "\n" not in message)


def complaint(file: str) -> str | None:
    """What loading and resolving say about the suite whose `file` was changed; None if it is valid. Anything else is raised."""
    try:
        published.check()
        sources.outside()
        own = [id for id in published.ids() if published.path(id) == paths.BENCHMARKS / file]
        for id in own or published.ids()[:: 1 if file == "recipes.toml" else 9]:
            for scale, reading in (("full", "paper"), ("demo", "released")):
                resolve.cells(published.load(id), scale, reading)
    except UserError as error:
        return str(error)
    return None
