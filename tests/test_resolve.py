"""The ladder on a made-up suite: who wins, what a name starts afresh, types, marks, states, and where every leaf came from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench import paths, published, registry, resolve
from mmbench.errors import UserError
from mmbench.spec import READINGS, SCALES, Cell, flatten

REAL = paths.BENCHMARKS
RECIPES = """
[defaults]
task = "classification"
model = "fusion"
method = "joint"
head = "concat"
precision = "fp32"
clip = 0
drop_last = false
init = "torchvision"
encoders = { all = { name = "resnet18" } }

[defaults.scale.demo.optimisers.sgd]
optimiser = { lr = 0.5 }

[base]
dataset = "crema-d"
optimiser = { name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 0 }
schedule = { name = "step", size = { of = 100, at = 69 }, factor = 0.1 }
epochs = 100
batch = 8
seeds = "mean of 3"

[base.methods.arl]
params = { rule = "paper", temperature = 1, gamma = 1, warmup = 0, regularisation = true, asymmetric = true, residual = true }

[base.released]
clip = 1

[own]
extends = "base"
batch = 16

[own.methods.arl]
params = { temperature = 2 }

[own.released]
clip = 2

[own.scale.demo]
dataset = "av-digits"
epochs = 10
encoders = { all = { name = "small-cnn", width = 8 } }
"""
TABLE = """
[table]
id = "toy-one"
where = "nowhere"
title = "toy"
kind = "results"
metric = "accuracy"
unit = "%"
better = "higher"
recipe = "own"

[columns.a]
label = "a"

[columns.b]
label = "b"

[rows.x]
label = "x"

[rows.y]
label = "y"
method = "arl"

[published]
x = { a = "1.0", b = "2.0" }
y = { a = "3.0", b = "4.0" }
"""
Resolve = Callable[..., dict[str, Cell]]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """suite(more, recipes, scale, reading): the cells of the toy table with `more` appended, by "row:column"."""
    root = tmp_path / "benchmarks"
    (root / "toy").mkdir(parents=True)
    shutil.copy(REAL / "datasets.toml", root)
    (root / "toy" / "paper.toml").write_text('order = 1\ntitle = "t"\nvenue = "v"\nyear = 2026\ntables = ["toy-one"]\n')
    monkeypatch.setattr(paths, "BENCHMARKS", root)

    def cells(more: str = "", recipes: str = "", scale: str = "full", reading: str = "paper", table: str = TABLE) -> dict[str, Cell]:
        (root / "recipes.toml").write_text(RECIPES + recipes)
        (root / "toy" / "one.toml").write_text(table + more)
        return {f"{c.row}:{c.column}": c for c in resolve.cells(published.load("toy-one"), scale, reading)}

    return cells


def test_the_last_level_wins_leaf_by_leaf(suite: Resolve) -> None:
    assert suite()["x:a"].run["batch"] == 16  # recipe over the one that it extends
    assert suite()["x:a"].run["optimiser"] == {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0}
    columns = TABLE.replace('label = "a"', 'label = "a"\nbatch = 32\nclip = 3')
    assert suite(table=columns)["x:a"].run["batch"] == 32
    assert suite(table=columns)["x:b"].run["batch"] == 16
    rows = columns.replace('label = "x"', 'label = "x"\nbatch = 64\noptimiser = { lr = 0.2 }')
    found = suite(table=rows)["x:a"].run
    assert (found["batch"], found["clip"], found["optimiser"]["lr"], found["optimiser"]["momentum"]) == (64, 3, 0.2, 0.9)
    values = suite("[values.x.a]\nbatch = 128\n", table=rows)
    assert [values[cell].run["batch"] for cell in ("x:a", "x:b", "y:a")] == [128, 64, 32]


def test_the_released_ladder_comes_after_the_whole_paper_ladder(suite: Resolve) -> None:
    rows = TABLE.replace('label = "x"', 'label = "x"\nclip = 9')
    assert suite(table=rows)["x:a"].run["clip"] == 9
    assert suite(table=rows, reading="released")["x:a"].run["clip"] == 2
    more = "[released]\nclip = 4\n[released.columns.a]\nclip = 5\n[released.rows.y]\nclip = 6\n[released.values.y.b]\nclip = 7\n"
    found = suite(more, table=rows, reading="released")
    assert [found[cell].run["clip"] for cell in ("x:a", "x:b", "y:a", "y:b")] == [5, 4, 6, 7]
    assert suite(more, table=rows)["x:a"].run["clip"] == 9


def test_a_scale_comes_last_and_its_rate_is_for_one_optimiser(suite: Resolve) -> None:
    adam = TABLE.replace('label = "x"', 'label = "x"\noptimiser = { name = "adam", lr = 0.3, weight_decay = 0 }')
    found = suite(table=adam, scale="demo", reading="released")
    assert (found["x:a"].run["optimiser"]["lr"], found["y:a"].run["optimiser"]["lr"]) == (0.3, 0.5)
    assert found["x:a"].run["epochs"] == 10
    assert found["x:a"].run["clip"] == 2


def test_methods_below_the_table_stand_under_it(suite: Resolve) -> None:
    found = suite()
    assert found["x:a"].run["params"] == {}
    assert found["y:a"].run["params"]["temperature"] == 2
    assert found["y:a"].run["params"]["gamma"] == 1
    table = suite("[methods.arl]\nparams = { gamma = 7 }\n")
    assert (table["y:a"].run["params"]["gamma"], table["x:a"].run["params"]) == (7, {})


def test_another_name_starts_its_parameters_afresh(suite: Resolve) -> None:
    for key, value, lacks in (
        ("head", 'head = "cosine"', "head 'cosine' needs 'scale'"),
        ("optimiser", 'optimiser = { name = "adam" }', "optimiser 'adam' needs 'lr'"),
        ("schedule", 'schedule = { name = "multi-step" }', "schedule 'multi-step' needs 'marks'"),
    ):
        with pytest.raises(UserError, match=f"cell x:a: {lacks}"):
            suite(table=TABLE.replace('label = "x"', f'label = "x"\n{value}'))
        assert key in value
    table = TABLE.replace('label = "x"', 'label = "x"\noptimiser = { name = "adam", lr = 1, weight_decay = 0 }')
    assert suite(table=table)["x:a"].run["optimiser"] == {"name": "adam", "lr": 1.0, "weight_decay": 0.0}


def test_parameters_of_one_method_never_reach_another(suite: Resolve) -> None:
    """The table names the baseline; its rows get what the recipe says for theirs."""
    found = suite(table=TABLE.replace('recipe = "own"', 'recipe = "own"\nmethod = "joint"'))
    assert found["y:a"].run["params"]["temperature"] == 2
    assert found["x:a"].run["params"] == {}


def test_another_dataset_brings_its_own_defaults(suite: Resolve) -> None:
    table = TABLE.replace('recipe = "own"', 'recipe = "own"\npreparation = "mel-256x256"\nsubset = "first-704"\nframe_rule = "first"')
    full, demo = suite(table=table)["x:a"], suite(table=table, scale="demo")["x:a"]
    assert (full.run["preparation"], full.run["frame_rule"], full.run["image_size"]) == ("mel-256x256", "first", 224)
    assert (demo.run["preparation"], demo.run["split"], demo.run["augment"]) == ("none", "standard", "none")
    assert not {"frames", "frame_rule", "image_size"} & set(demo.run)
    assert full.view is not None
    assert demo.view is not None
    assert (full.view.subset, demo.view.subset) == ("first-704", "all")


def test_encoders_for_all_and_for_one(suite: Resolve) -> None:
    more = 'encoders = { audio = { name = "small-cnn", width = 4 } }\nweights = { all = "w.pth" }'
    found = suite(table=TABLE.replace('label = "x"', f'label = "x"\n{more}'))["x:a"].run
    assert found["encoders"] == {"audio": {"name": "small-cnn", "width": 4}, "visual": {"name": "resnet18"}}
    assert found["weights"] == {"audio": "w.pth", "visual": "w.pth"}
    demo = suite(table=TABLE.replace('label = "x"', f'label = "x"\n{more}'), scale="demo")["x:a"].run
    assert demo["encoders"]["visual"] == {"name": "small-cnn", "width": 8}
    assert demo["weights"].get("visual") is None  # weights belong to the encoder that they were given for


def test_values_are_coerced_by_their_declared_type(suite: Resolve) -> None:
    keys = set()
    for gamma in ("4", "4.0", "40e-1"):
        cell = suite(f"[methods.arl]\nparams = {{ gamma = {gamma} }}\n")["y:a"]
        assert isinstance(cell.run["params"]["gamma"], float)
        keys.add(cell.key)
    assert len(keys) == 1
    assert suite("[methods.arl]\nparams = { gamma = 5 }\n")["y:a"].key not in keys


def test_a_neutral_value_is_left_out_of_the_key(suite: Resolve) -> None:
    adam = 'label = "x"\noptimiser = {{ name = "adam", lr = 1, weight_decay = 0{} }}'
    bare, neutral, other = (
        suite(table=TABLE.replace('label = "x"', adam.format(more)))["x:a"]
        for more in ("", ", betas = [0.9, 0.999]", ", betas = [0.5, 0.999]")
    )
    assert bare.key == neutral.key != other.key
    assert "betas" not in neutral.run["optimiser"]


@pytest.mark.parametrize(("epochs", "expected"), [(100, 69), (10, 7), (200, 138), (1, 1)])
def test_marks_are_fractions_of_the_epochs(suite: Resolve, epochs: int, expected: int) -> None:
    assert suite(table=TABLE.replace('recipe = "own"', f'recipe = "own"\nepochs = {epochs}'))["x:a"].run["schedule"]["size"] == expected


def test_a_mark_at_zero_stays_there_and_an_integer_stays(suite: Resolve) -> None:
    warm = "[methods.arl]\nparams = {{ warmup = {} }}\n"
    assert suite(warm.format("{ of = 100, at = 0 }"), scale="demo")["y:a"].run["params"]["warmup"] == 0
    assert suite(warm.format("{ of = 100, at = 1 }"), scale="demo")["y:a"].run["params"]["warmup"] == 1
    assert suite(warm.format("6"), scale="demo")["y:a"].run["params"]["warmup"] == 6


def test_versions_come_from_the_registry(suite: Resolve) -> None:
    versions = suite()["y:a"].run["versions"]
    assert versions["method:arl"] == registry.METHODS["arl"].version
    assert versions["loop"] == registry.LOOP
    assert {"dataset:crema-d", "head:concat", "encoder:resnet18", "model:fusion", "task:classification", "augment", "preparation"} <= set(
        versions
    )


def test_a_changed_version_changes_the_key(suite: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    before = suite()["x:a"].key
    monkeypatch.setattr(registry, "LOOP", registry.LOOP + 1)
    assert suite()["x:a"].key != before


def test_states(suite: Resolve) -> None:
    rows = (
        '\n[rows.g]\nlabel = "g"\nprinted = false\nmethod = "greedy"\nmodel = "greedy-mmtm"\n'
        "params = { epsilon = 0.01, window = 5, first = 1 }\n"
        '[rows.u]\nlabel = "u"\nprinted = false\nhead = "sum"\nmodel = "greedy-mmtm"\n'
        '[rows.c]\nlabel = "c"\ncited = true\nsource = "elsewhere"\nprinted = false\n'
        '[rows.r]\nlabel = "r"\ncited = true\nsource = "elsewhere"\nprinted = false\nrecipe = "base"\n'
    )
    found = suite(rows)
    states = {row: found[f"{row}:a"].state for row in "xgucr"}
    assert states == {"x": "run", "g": "run", "u": "inapplicable", "c": "cited", "r": "run"}
    assert found["u:a"].why == "model greedy-mmtm works with the heads concat, not with sum"
    assert found["c:a"].why == "taken over from elsewhere"
    assert (found["c:a"].key, found["c:a"].run, found["c:a"].published) == ("", {}, None)
    three = rows.replace('method = "greedy"', 'method = "greedy"\ndataset = "meld"')
    refused = suite(three)["g:a"]
    assert (refused.state, refused.key) == ("inapplicable", "")
    assert refused.why == "method greedy takes exactly 2 modalities, this cell has 3"


def test_a_row_without_printed_values_crosses_every_column_and_a_hole_makes_no_cell(suite: Resolve) -> None:
    found = suite('[rows.z]\nlabel = "z"\nprinted = false\n', table=TABLE.replace(', b = "2.0"', ""))
    assert list(found) == ["x:a", "y:a", "y:b", "z:a", "z:b"]
    columns = TABLE.replace("[rows.x]", '[columns.c]\nlabel = "c"\nprinted = false\n[rows.x]').replace(', b = "2.0"', "")
    assert list(suite(table=columns)) == ["x:a", "x:c", "y:a", "y:b", "y:c"]


def test_a_view_takes_its_fields_from_the_ladder_and_trains_nothing(suite: Resolve) -> None:
    more = '[columns.c]\nlabel = "c"\nmetric = "macro-f1"\nselect = "last"\noutput = "audio"\n'
    table = TABLE.replace("[rows.x]", more + "[rows.x]").replace('x = { a = "1.0"', 'x = { c = "9.0", a = "1.0"')
    found = suite(table=table)
    first, second = found["x:a"], found["x:c"]
    assert first.key == second.key
    assert second.view is not None
    assert (second.view.name, second.view.selection) == ("macro-f1.audio", "last")
    assert second.runs_behind == "mean of 3"
    assert (second.metric, second.unit) == ("macro-f1", "%")


def test_best_val_on_a_stand_in_without_a_validation_part_reads_the_last_epoch(suite: Resolve) -> None:
    table = TABLE.replace('recipe = "own"', 'recipe = "own"\nselect = "best-val"')
    selects = [cells["x:a"].view.select for cells in (suite(table=table), suite(table=table, scale="demo")) if cells["x:a"].view]  # pyright: ignore
    assert selects == ["best-val", "last"]


def test_every_leaf_knows_its_file_and_line(suite: Resolve) -> None:
    table = TABLE.replace('label = "x"', 'label = "x"\nclip = 9')
    cell = suite(table=table)["x:a"]
    why = resolve.why(published.load("toy-one"), cell)
    assert why["clip"] == f"benchmarks/toy/one.toml:{line(table, 'clip = 9')}"
    assert why["batch"] == f"benchmarks/recipes.toml:{line(RECIPES, 'batch = 16')}"
    assert why["epochs"] == f"benchmarks/recipes.toml:{line(RECIPES, 'epochs = 100')}"
    assert why["schedule.size"] == why["schedule.name"] == f"benchmarks/recipes.toml:{line(RECIPES, 'schedule = ')}"
    assert why["encoders.audio.name"] == f"benchmarks/recipes.toml:{line(RECIPES, 'encoders = ')}"
    assert why["metric"] == f"benchmarks/toy/one.toml:{line(table, 'metric = ')}"
    assert why["preparation"].startswith("benchmarks/datasets.toml:")


def line(text: str, begins: str) -> int:
    return next(n for n, written in enumerate(text.split("\n"), 1) if written.startswith(begins))


def test_every_leaf_of_every_run_has_a_line() -> None:
    for id in ("smv-three-modalities", "cmvqvae-rml", "arl-optimizers"):
        table = published.load(id)
        for cell in resolve.cells(table, "small", "released"):
            why = resolve.why(table, cell, "small", "released")
            leaves = {leaf for leaf, value in flatten(cell.run).items() if not leaf.startswith("versions") and value != {}}
            assert leaves - set(why) - {"modalities"} == set(), cell.address
            assert all(":" in line for line in why.values())


@pytest.mark.parametrize("scale", SCALES)
def test_what_has_a_run_can_run(scale: str) -> None:
    """Of every table: no cell waits for code; the only refusal is the one that is printed too."""
    cells = [c for id in published.ids() for reading in READINGS for c in resolve.cells(published.load(id), scale, reading) if c.run]
    states = {(cell.state, cell.why) for cell in cells}
    assert states == {("run", ""), ("inapplicable", "method greedy takes exactly 2 modalities, this cell has 3")}
    assert scale != "demo" or {c.run["dataset"] for c in cells} <= registry.DATASETS.keys()


def test_adding_a_paper_takes_two_files(suite: Resolve) -> None:
    """What the toy suite is: paper.toml, one table; the counts and the ids follow."""
    assert len(suite()) == 4
    assert published.ids() == ["toy-one"]
    assert published.counts()["all"]["numbers"] == 4
    published.check()
