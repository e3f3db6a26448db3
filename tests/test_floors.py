"""Imports go down only: the reporting half knows no torch, the training half no records, and `execute` alone knows both.

The one exception is no import: `worker` reaches `execute` by its name, as a string, inside the function that runs a job.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from mmbench import paths, worker

PACKAGE = paths.REPOSITORY / "mmbench"
REPORTING = (
    "spec", "errors", "paths", "registry", "published", "resolve", "records", "collect", "plan", "lease", "launch", "pool", "worker",
    "judge", "claims", "stats", "audit", "grid", "layout", "wording", "provenance", "report", "render", "answers", "as_text", "choose",
    "session", "sources", "console", "__main__", "sample", "forms", "grim", "percentages", "statements",
    "suite", "sheets", "across", "details", "deviations", "found", "sound", "today", "merge", "compare", "paired", "gains", "courses",
    "look", "projection",
)  # fmt: skip
TRAINING = (
    "method", "train", "head", "batches", "build", "checkpoint", "optim", "augment", "fast", "transfer", "randomness", "history",
    "diagnostics", "shapley", "metrics", "scoring", "valuation", "datasets", "encoders", "heads", "tasks", "models", "methods",
)  # fmt: skip
START = ("__main__", "answers", "as_text", "choose", "session", "plan", "published", "resolve", "records", "launch", "console", "smoke",
         "measure", "projection")  # fmt: skip
# What the siblings of a folder stand on; one data set is made of another.
SHARED = {"datasets": {"data", "digits", "pictures", "av_digits"}, "render": {"attributes", "columns"}}


@cache
def modules() -> dict[str, Path]:
    """Dotted name below mmbench -> file; a package goes by its name alone."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = file
    return found


def within(name: str, parts: tuple[str, ...]) -> bool:
    return name.split(".")[0] in parts


@cache
def imports(name: str, everywhere: bool) -> frozenset[str]:
    """What a module imports: "numpy", "mmbench.records", ... everywhere: inside functions too, else only when it is itself
    imported. What stands under `if TYPE_CHECKING` does not count."""
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(modules()[name].read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            found.update(whole if below(whole := f"{node.module}.{alias.name}") in modules() else str(node.module) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.expr)):
            todo += ast.iter_child_nodes(node)
    return frozenset(found)


def below(imported: str) -> str:
    return imported.removeprefix("mmbench.")


def reached(name: str, everywhere: bool) -> dict[str, str]:
    """Everything imported from here on, with the way to it."""
    ways, todo = {name: name}, [name]
    found: dict[str, str] = {}
    while todo:
        here = todo.pop()
        for imported in imports(here, everywhere):
            name = below(imported)
            if imported.startswith("mmbench.") and name in modules():
                if name not in ways:
                    ways[name] = f"{ways[here]} -> {name}"
                    todo.append(name)
                found[imported] = ways[name]
            else:
                found[imported] = f"{ways[here]} -> {imported}"
    return found


def offences(name: str, forbidden: set[str], everywhere: bool = True) -> list[str]:
    return [
        way for imported, way in reached(name, everywhere).items() if any(imported == f or imported.startswith(f"{f}.") for f in forbidden)
    ]


@pytest.mark.parametrize("name", [name for name in modules() if within(name, REPORTING)])
def test_the_reporting_half_never_imports_torch(name):
    assert offences(name, {"torch", "torchvision", "torchaudio", "mmbench.execute"}) == []


@pytest.mark.parametrize("name", [name for name in modules() if within(name, TRAINING)])
def test_the_training_half_never_imports_what_reports(name):
    assert offences(name, {"pandas", "tomllib", "mmbench.records", "mmbench.published", "mmbench.execute"}) == []


@pytest.mark.parametrize("name", [name for name in START if name in modules()])
def test_start_up_imports_nothing_heavy(name):
    heavy = {"torch", "torchvision", "torchaudio", "scipy", "pandas", "matplotlib", "sklearn", "numpy", "rich", "librosa", "submitit"}
    assert offences(name, heavy, everywhere=False) == []


@pytest.mark.parametrize("folder", ["methods", "heads", "datasets", "encoders", "tasks", "models", "render"])
def test_siblings_do_not_import_each_other(folder):
    for name in (n for n in modules() if n.startswith(f"{folder}.")):
        level = name.rpartition(".")[0]
        beside = {i for i in imports(name, True) if i.startswith(f"mmbench.{level}.")}
        assert {i.rpartition(".")[2] for i in beside} <= SHARED.get(folder, set()), name


def test_execute_alone_knows_both_halves():
    both = [name for name in modules() if {"torch", "mmbench.records"} <= imports(name, True)]
    assert both == ["execute"]


def test_the_exception_is_a_string_in_the_worker():
    assert worker.EXECUTE == "mmbench.execute:execute"
    named = [name for name, file in modules().items() if "mmbench.execute" in file.read_text() and name != "execute"]
    assert named == ["worker"]


def test_the_halves_are_of_this_tree():
    """A name that is listed above and exists nowhere would be a floor that nothing stands on; those to come are named here."""
    tops = {name.split(".")[0] for name in modules()}
    assert {*REPORTING, *TRAINING} - tops == set()


def test_a_planted_import_is_found(tmp_path, monkeypatch):
    (tmp_path / "mmbench" / "render").mkdir(parents=True)
    (tmp_path / "mmbench" / "spec.py").write_text("def f():\n    if True:\n        from mmbench import deep\n")
    (tmp_path / "mmbench" / "deep.py").write_text("try:\n    import torch.nn as nn\nexcept ImportError:\n    pass\n")
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "mmbench")
    modules.cache_clear()
    imports.cache_clear()
    try:
        assert offences("spec", {"torch"}) == ["spec -> deep -> torch.nn"]
        assert offences("spec", {"torch"}, everywhere=False) == []
        assert offences("deep", {"torch"}, everywhere=False) == ["deep -> torch.nn"]
    finally:
        modules.cache_clear()
        imports.cache_clear()
