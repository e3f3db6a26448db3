"""Loss goldens: 20 steps of every method with every head that it takes, with two and three modalities (decisions C2).

They pin change, no more: exact where torch and the CPU's capability are those of the file, else within 1e-4. If one fails and the
change is meant, raise the component's version in `mmbench/registry.py` and regenerate:  python -m tests.test_goldens
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench import build, registry
from mmbench.method import Method
from mmbench.optim import optimiser
from mmbench.train import _begin, _steps, fit
from tests import tiny
from tests.methods.examples import EXAMPLES, HEADS, MODELS, pairs

PATH = Path(__file__).parent / "golden" / "losses.json"
STEPS = 20


def stamp() -> dict[str, str]:
    return {"torch": torch.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability()}


def versions(method: str, head: str) -> dict[str, int]:
    return {"method": registry.METHODS[method].version, "head": registry.HEADS[head].version, "loop": registry.LOOP}


def losses(method: str, head: str, modalities: int) -> list[float]:
    """The loss of each of the first steps, as `Method.loss` returned it."""
    torch.set_num_threads(1)
    slow = {"name": "sgd", "lr": 0.005, "momentum": 0.9, "weight_decay": 1e-4}  # at which no head diverges
    run = tiny.run(
        modalities=modalities, method=method, params=EXAMPLES[method], model=MODELS.get(method, "fusion"),
        head=head, head_params=HEADS[head], optimiser=slow,
    )  # fmt: skip
    built, found = build.method(run.spec), []
    run.optimiser = optimiser(run.model.parameters(), run.spec["optimiser"])
    run.change = lambda features: built.features(run, features)
    run.fit = lambda given, epochs, part: fit(run, given, epochs, part)
    watched = type(built).loss

    def loss(self: Method, *arguments: Any) -> torch.Tensor:
        value = watched(self, *arguments)
        found.append(value.item())
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(built), "loss", loss)
        built.start(run)
        while len(found) < STEPS:
            for _ in _steps(run, built, _begin(run, built)):
                pass
            run.epoch += 1
    return found[:STEPS]


def name(method: str, head: str, modalities: int) -> str:
    return f"{method} {head} {modalities}"


@pytest.mark.parametrize(("method", "head", "modalities"), pairs())
def test_losses_are_the_golden_ones(method, head, modalities):
    golden = json.loads(PATH.read_text())
    kept = golden["losses"].get(name(method, head, modalities))
    assert kept is not None, "no golden for this pair: regenerate (see the docstring)"
    assert kept["versions"] == versions(method, head), "the golden was made by other versions: regenerate (see the docstring)"
    found = losses(method, head, modalities)
    if golden["stamp"] == stamp():
        assert found == kept["losses"], "the numbers changed: raise the version of what you changed, then regenerate"
    else:
        assert found == pytest.approx(kept["losses"], rel=1e-4)


def test_there_is_no_golden_without_a_case():
    assert set(json.loads(PATH.read_text())["losses"]) == {name(*case) for case in pairs()}


if __name__ == "__main__":
    made = {name(*case): {"versions": versions(*case[:2]), "losses": losses(*case)} for case in pairs()}
    lines = ",\n".join(f"{json.dumps(case)}: {json.dumps(kept, sort_keys=True)}" for case, kept in sorted(made.items()))
    PATH.write_text(f'{{"stamp": {json.dumps(stamp(), sort_keys=True)},\n"losses": {{\n{lines}\n}}}}\n')
    print(f"{len(made)} goldens: {PATH.name}")
