"""Each dataset from its imitated download to two training steps of its first `full` cell, through the command line."""

from __future__ import annotations

import functools
import json
import sys

import pytest
import torch
from torchvision.models import resnet18

from datasets_prep import catalogue
from mmbench import __main__, build, execute, optim, published, resolve
from mmbench.spec import Cell
from mmbench.train import _begin, _steps

TABLES = functools.cache(catalogue.tables)
PIXELS = 64  # a side, for networks that take pictures of any size: what a step costs, not what it does


def command(capsys, *words: str) -> tuple[int, str]:
    """Exit code and stdout of `mmbench ...`."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mmbench", *words])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
    return ended.value.code, capsys.readouterr().out  # pyright: ignore[reportReturnType]


@functools.cache
def cells() -> list[Cell]:
    return [c for id in published.ids() for c in resolve.cells(published.load(id)) if c.run]


def first(dataset: str) -> Cell:
    """The first cell in suite order whose run reads this dataset, at scale full; one that can run, if there is any."""
    read = [c for c in cells() if c.run["dataset"] == dataset]
    return next((c for c in read if c.state == "run"), read[0])


@pytest.mark.parametrize("dataset", list(catalogue.MODULES))
def test_imitate_prepare_verify_and_two_steps(dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(catalogue, "tables", TABLES)
    assert command(capsys, "data", "imitate", dataset, str(tmp_path / "raw"))[0] == 0
    assert command(capsys, "data", "prepare", dataset, "--raw", str(tmp_path / "raw"), "--jobs", "1")[0] == 0
    code, text = command(capsys, "data", "verify", dataset, "--json")
    assert (code, json.loads(text)["sound"]) == (0, True)
    here = {entry["id"]: entry["prepared"] for entry in json.loads(command(capsys, "data", "list", "--json")[1])}
    assert here[dataset]["imitation"]
    _two_steps(dataset, tmp_path)


def _two_steps(dataset: str, folder) -> None:
    cell = first(dataset)
    spec = {**cell.run, "batch": 2}
    if spec["augment"] != "none":
        spec["image_size"] = PIXELS
    for name in spec["weights"].values():
        torch.save(resnet18().state_dict(), folder / name)
    data = execute.load(spec)
    assert data.imitation
    assert data.modalities == tuple(spec["modalities"])
    if cell.state != "run":
        pytest.skip(f"{cell.address}: {cell.why}; prepared and read, not trained")
    torch.set_num_threads(1)
    run = build.run(spec, 0, data, torch.device("cpu"), folder)
    method = build.method(spec)
    run.optimiser = optim.optimiser(run.model.parameters(), spec["optimiser"])
    run.change = lambda features: method.features(run, features)
    before = torch.cat([p.detach().flatten() for p in run.model.parameters()])
    method.start(run)
    steps = _steps(run, method, now := _begin(run, method))
    next(steps)
    next(steps)
    after = torch.cat([p.detach().flatten() for p in run.model.parameters()])
    assert now.steps == 2
    assert torch.isfinite(after).all()
    assert not torch.equal(before, after)
