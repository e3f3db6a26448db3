"""CM-VQVAE on generated pictures: the recipes' networks, and a small one, for the tests of its parts and of its tasks."""

from __future__ import annotations

from typing import Any

import torch

from mmbench import build, published, resolve
from mmbench.datasets.data import Data, Part
from mmbench.method import Run
from tests import tiny

SMALL = {"name": "vqvae", "channels": 16, "residual": 8, "layers": 1, "latent": 4, "dimension": 8, "codes": 8}
PARAMS = {
    "mask": "binary", "initial": 0.01, "threshold": 0.005, "penalty": 1e-4, "quantise": True, "reconstruct": True, "commitment": 0.25,
    "decay": 0.99, "solver": "",
}  # fmt: skip
ADAM = {"name": "adam", "lr": 1e-3, "weight_decay": 0.0}
ITEMS = {
    "crema-d": (("visual", (3, 128, 128)), ("audio", (1, 256, 256))), "pennaction": (("color", (3, 256, 256)), ("pose", (100, 26))),
    "nyuv2": (("color", (3, 256, 256)), ("depth", (1, 256, 256))), "digits": (("mnist", (1, 32, 32)), ("svhn", (3, 32, 32))),
}  # fmt: skip
CLASSES = {"crema-d": 6, "pennaction": 15, "nyuv2": 40, "digits": 10}


def of_the_paper(dataset: str, reading: str = "paper") -> dict[str, Any]:
    """The resolved run of a dataset, as `cmvqvae-architecture` shows it."""
    cells = resolve.cells(published.load("cmvqvae-complementarity"), "full", reading)
    return dict(next(cell.run for cell in cells if cell.row == dataset))


def data(items: tuple[tuple[str, tuple[int, ...]], ...], count: int = 4, classes: int = 3, seed: int = 1, pixels: int = 0) -> Data:
    """Noise about the class. pixels: the side of labels per pixel, 0 for a label per item."""

    def part(number: int) -> Part:
        source = torch.Generator().manual_seed(number)
        labels = torch.arange(count) % classes
        if pixels:
            labels = torch.randint(classes, (count, pixels, pixels), generator=source)
        level = torch.arange(count) % classes - 1.0
        arrays = {m: torch.rand(count, *shape, generator=source) + level.view(-1, *[1] * len(shape)) for m, shape in items}
        return Part(arrays, labels, tuple(f"{number}-{i}" for i in range(count)))

    names = tuple(f"class-{i}" for i in range(classes))
    return Data("tiny", "1", "standard", names, {"train": part(seed), "test": part(seed + 1)}, "0" * 64, stand_in=True)


def run(seed: int = 0, modalities: int = 2, side: int = 16, content: Data | None = None, encoder: Any = SMALL, **changes: Any) -> Run:
    """A built run of the small network. Parameters of the model by name; `encoder` for all modalities."""
    names = ("visual", "audio", "text")[:modalities]
    params = PARAMS | {name: changes.pop(name) for name in list(changes) if name in PARAMS}
    spec = tiny.spec(
        model="cmvqvae", modalities=modalities, encoders=dict.fromkeys(names, encoder), model_params=params, optimiser=ADAM,
        schedule={"name": "constant"}, batch=4,
    )  # fmt: skip
    spec |= {"modalities": list(names), **changes}
    given = content or data(tuple((m, (3 if m == "visual" else 1, side, side)) for m in names), count=8)
    return build.run(spec, seed, given, torch.device("cpu"))


def lively(run: Run) -> Run:
    """The same with biases and codes of other sizes: a network so narrow answers all alike at its start."""
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in run.model.state_dict().items():
            if name.endswith("bias"):
                value.add_(torch.rand(value.shape, generator=source))
            if name.endswith("codes"):
                value.copy_(torch.randn(value.shape, generator=source) * 0.3)
    return run
