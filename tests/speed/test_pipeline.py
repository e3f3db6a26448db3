"""An epoch end to end, training and test, from a prepared store by our loop, against the per-sample pipeline of `per_sample`: the
ResNet-18 pair of MMCosine's and ARL's CREMA-D tables at its true shapes (257 x 299 and 224 x 224), a few batches of 8.

Both start from the same weights and their outputs on the test clips must agree, so neither leaves anything out. One thread computes
on either side; the pipeline's worker is a process of its own. By CPU seconds of all processes: what a machine full of jobs gets done; and
by the clock, where a second core may hide what the worker does, which other work on the machine makes worthless. Aims, by CPU seconds:
training 1.5, test 2. `make speed`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets_prep import commit, crema_d, engine, imitation
from datasets_prep.dataset import Sources
from mmbench import build, published, resolve
from mmbench.datasets import store
from mmbench.datasets.data import Data, Part
from mmbench.method import Method
from mmbench.train import _begin, _evaluate, _steps, outputs, ready
from tests.speed import per_sample
from tests.speed.clips import raw
from tests.speed.pairing import Seconds, alternate, ratio, seconds

CELL, ARRAYS = "mmcosine-scale:vanilla:cd", ("psd-257x299", "middle")
BATCH, TRAIN, TEST, PAIRS = 8, 16, 16, 3
CPU = torch.device("cpu")


def data(folder: Path) -> tuple[Data, Path]:
    """A store made by `prepare` of clips in the true formats, its items repeated to TRAIN and TEST; and the raw folder."""
    root, sources = folder / "store", Sources({"": raw(folder / "raw", 10)}, None)
    plan = engine.plan(crema_d.DATASET, sources, root, (), 1)
    plan = replace(plan, wanted=ARRAYS, content=commit.plan(plan.dataset, plan.found, ARRAYS))
    engine.run(plan, root, sources, 1, lambda *_: None, lambda _: None)
    found = store.load(root, "crema-d", "hash-90-10", ARRAYS[0], ("audio", "visual"))
    parts = {name: repeated(found.parts["train"], count) for name, count in (("train", TRAIN), ("test", TEST))}
    return replace(found, parts=parts), sources.folders[""]


def repeated(part: Part, count: int) -> Part:
    keys = tuple(np.resize(np.array(part.keys), count).tolist())
    arrays = {m: replace(rows, rows=np.resize(rows.rows, count), salt=keys) for m, rows in part.arrays.items()}
    return Part(arrays, np.resize(part.labels, count), keys)


def clips(part: Part, folder: Path, pictures: Path) -> list[per_sample.Clip]:
    """The same items as files: the wav, and the frame that the store holds as a jpg."""
    found = []
    for i, (key, label) in enumerate(zip(part.keys, part.labels.tolist(), strict=True)):
        if not (jpg := pictures / f"{key}.jpg").exists():
            imitation.jpg(jpg, part.arrays["visual"][np.array([i])][0])
        found.append(per_sample.Clip(folder / "AudioWAV" / f"{key}.wav", jpg, label))
    return found


def run_of(content: Data):
    cells = resolve.cells(published.load(CELL.partition(":")[0]))
    spec = {**next(cell.run for cell in cells if cell.address == CELL), "batch": BATCH}
    run = build.run(spec, 0, content, CPU)
    ready(run, Method(), lambda: False)
    return run


@dataclass
class Theirs:
    """The per-sample pipeline with the weights of our run."""

    model: per_sample.Pair
    optimiser: torch.optim.Optimizer
    training: torch.utils.data.DataLoader
    test: torch.utils.data.DataLoader


def theirs_of(run, folder: Path, pictures: Path) -> Theirs:
    model = per_sample.Pair(run.classes)
    model.classifier.load_state_dict(run.model.head.classifier.state_dict())
    for m in run.modalities:
        getattr(model, m).load_state_dict(run.model.encoders[m].net.state_dict())
    files = {name: clips(part, folder, pictures) for name, part in run.data.parts.items()}
    loaders = (per_sample.loader(files[name], BATCH, name == "train", 1) for name in ("train", "test"))
    return Theirs(model, torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4), *loaders)


@torch.no_grad()
def check_agreement(run, theirs: Theirs) -> None:
    """The same clips give the same log-probabilities; a jpg and PIL's whole numbers leave a little."""
    theirs.model.eval()
    answers = torch.cat([theirs.model(sound, picture)[2].log_softmax(1) for sound, picture, _ in theirs.test])
    assert (outputs(run, run.data.parts["test"])["fused"] - answers).abs().max() < 0.05 * answers.std()


@pytest.mark.benchmark
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what workers import
def test_an_epoch_against_the_per_sample_pipeline(tmp_path, benchmark, table):
    torch.set_num_threads(1)
    content, folder = data(tmp_path)
    run = run_of(content)
    theirs = theirs_of(run, folder, tmp_path / "pictures")
    check_agreement(run, theirs)

    def steps() -> None:
        for _ in _steps(run, Method(), _begin(run, Method())):
            pass

    def ours() -> tuple[Seconds, Seconds]:
        return seconds(steps), seconds(lambda: _evaluate(run, ()))

    def per_item() -> tuple[Seconds, Seconds]:
        trained = seconds(lambda: per_sample.train(theirs.model, theirs.optimiser, theirs.training, CPU))
        return trained, seconds(lambda: per_sample.evaluate(theirs.model, theirs.test, CPU, run.classes))

    pairs = benchmark.pedantic(alternate, (ours, per_item, PAIRS), rounds=1)
    found = {}
    for i, (what, aim) in enumerate((("training", ">= 1.5"), ("test", ">= 2"))):
        for by in ("cpu", "clock"):
            found[what, by] = ratio([getattr(b[i], by) / getattr(a[i], by) for a, b in pairs])
        table(f"{what}, per-sample pipeline / ours, CPU seconds", found[what, "cpu"], aim)
        table(f"{what}, per-sample pipeline / ours, by the clock", found[what, "clock"])
    assert all(found[what, "cpu"].value > 0.7 for what in ("training", "test")), "slower than sample by sample is more than noise"
