"""A run that begins on another dataset: what goes along, what begins anew, what a record says of it, and a stop in the first half."""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import replace

import pytest
import torch

from mmbench import execute, plan, published, resolve
from mmbench.checkpoint import Checkpoint
from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.pretraining import before, pretrain, take
from mmbench.spec import Job, View, key
from mmbench.train import train
from tests import vqvae
from tests.test_execute import results as results
from tests.test_execute import written

PICTURES = (("visual", (3, 16, 16)), ("audio", (1, 16, 16)))
FIRST = {"dataset": "elsewhere", "split": "standard", "preparation": "none", "epochs": 2}


def job() -> Job:
    run = vqvae.run(epochs=1, batch=4, pretraining=FIRST).spec | {"versions": {}}
    return Job(key(run), 0, run, (View("accuracy", select="last"),), "demo")


def data(spec):
    found = vqvae.data(PICTURES, count=8, seed=7 if spec["dataset"] == "elsewhere" else 1)
    return replace(found, name=spec["dataset"], fingerprint=hashlib.sha256(spec["dataset"].encode()).hexdigest())


def test_the_first_half_is_the_same_recipe_elsewhere():
    spec = job().run
    found = before(spec)
    assert {name for name in spec if found.get(name) != spec[name]} == {"pretraining", "dataset", "epochs"}
    assert before({name: value for name, value in spec.items() if name != "pretraining"}) is None


def test_all_but_the_answering_layer_goes_along(tmp_path):
    run = vqvae.run(pretraining=FIRST)
    began = {name: value.clone() for name, value in run.model.state_dict().items()}
    pretrain(run, data(FIRST), Checkpoint(tmp_path / "first", 1e9), lambda: False, lambda news: None)
    other = vqvae.run(dataset="elsewhere", epochs=2, content=data(FIRST))
    train(other, Method(), (), Checkpoint(tmp_path / "other", 1e9))
    learned = other.model.state_dict()
    new = [name for name, value in run.model.state_dict().items() if not torch.equal(value, learned[name])]
    assert new == [f"head.network.{len(run.model.head.network) - 1}.{part}" for part in ("weight", "bias")]
    assert all(torch.equal(run.model.state_dict()[name], began[name]) for name in new)


def test_what_does_not_fit_is_one_line():
    model, other = vqvae.run().model, vqvae.run(encoder=vqvae.SMALL | {"codes": 16}).model
    with pytest.raises(UserError, match=r"^pretraining: encoders.visual.book.codes is \[8, 8\] here and \[16, 8\] there: the data differ"):
        take(model, other.state_dict())
    with pytest.raises(UserError, match="here and nothing there"):
        take(model, {})


def test_a_record_tells_both_datasets_and_a_stop_in_the_first_half_changes_nothing(results, monkeypatch):
    monkeypatch.setattr(execute, "load", data)
    whole = job()
    assert execute.execute(whole) == "ok"
    record = written(whole)
    both = "".join(data({"dataset": name}).fingerprint for name in ("tiny", "elsewhere"))
    assert record["data"]["fingerprint"] == hashlib.sha256(both.encode()).hexdigest()
    assert record["result"]["epochs"] == 1

    def stopping(news):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setenv("MMBENCH_GROUP", "again")
    with pytest.raises(SystemExit):
        execute.execute(whole, progress=stopping)
    assert [file.name for file in (results / "checkpoints").iterdir()] == [f"{whole.key}-s0-pretraining.pt"]
    assert execute.execute(whole) == "ok"
    assert written(whole)["result"] == record["result"]
    assert list((results / "checkpoints").iterdir()) == []


def test_rml_needs_crema_d_too(tmp_path, monkeypatch):
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path))
    cells = {cell.row: cell for cell in resolve.cells(published.load("cmvqvae-rml")) if cell.column == "acc"}
    assert {cells[row].state for row in ("rml-only", "no-penalty", "ours")} == {"run"}
    (tmp_path / "rml" / "1").mkdir(parents=True)
    for name in ("meta.json", "index.json"):
        (tmp_path / "rml" / "1" / name).write_text("{}")
    assert plan.obstacle(cells["rml-only"].run) is None
    assert plan.obstacle(cells["ours"].run).startswith("blocked: crema-d is not prepared")


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_at_demo_the_transfer_is_from_one_stand_in_to_another(reading):
    cells = {c.row: c for c in resolve.cells(published.load("cmvqvae-rml"), "demo", reading) if c.column == "acc"}
    assert {row: c.state for row, c in cells.items()} == {"rml-only": "run", "ogm-ge": "cited", "no-penalty": "run", "ours": "run"}
    assert {c.run["dataset"] for c in cells.values() if c.run} == {"few-digits"}
    assert "pretraining" not in cells["rml-only"].run
    first = before(cells["ours"].run)
    assert (first["dataset"], first["split"], first["preparation"], first["epochs"]) == ("av-digits", "standard", "none", 12)
