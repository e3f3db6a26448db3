"""A resolved run and its data -> model, task and method. Each submodule is initialised under its own random stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmbench import registry
from mmbench.batches import transformer
from mmbench.datasets.data import Data
from mmbench.errors import Blocked, UserError
from mmbench.method import Method, Run
from mmbench.randomness import seeded


def run(spec: Mapping[str, Any], seed: int, data: Data, device: torch.device, weights: Path | None = None) -> Run:
    """Everything that training needs, on the device. weights: the folder of pretrained files."""
    transform = transformer(data, spec, device)
    task = registry.load("task", spec["task"])(len(data.classes))
    sample = transform(data.parts["train"], torch.zeros(1, dtype=torch.int64), None, False, None).inputs
    model = registry.load("model", spec["model"])(**_parts(spec, seed, data, sample, weights)).to(device)
    return Run(spec, seed, data, model, task, device, transform, epochs=spec["epochs"])


def method(spec: Mapping[str, Any]) -> Method:
    try:
        return registry.load("method", spec["method"])(**spec["params"])
    except TypeError as error:
        raise UserError(f"method {spec['method']}: {str(error).split('__init__() ')[-1]}") from None


def _parts(spec: Mapping[str, Any], seed: int, data: Data, sample: Mapping[str, torch.Tensor], weights: Path | None) -> dict[str, Any]:
    """The encoders and the head of a fusion model."""
    dataset = spec["dataset"]
    encoders: dict[str, nn.Module] = {}
    for modality in spec["modalities"]:
        named = dict(spec["encoders"][modality])
        pretrained = _weights(spec.get("weights", {}).get(modality, ""), weights)
        with seeded(seed, dataset, f"encoders.{modality}"):
            encoders[modality] = registry.load("encoder", named.pop("name"))(sample[modality].shape[1], **named, **pretrained)
            initialise(encoders[modality], spec["init"])
    dims = {m: int(encoder.out) for m, encoder in encoders.items()}  # pyright: ignore[reportArgumentType]
    with seeded(seed, dataset, "head"):
        head = registry.load("head", spec["head"])(dims, len(data.classes), **spec["head_params"])
        initialise(head, spec["init"])
    return {"encoders": encoders, "head": head}


def _weights(name: str, folder: Path | None) -> dict[str, str]:
    if not name:
        return {}
    if folder is None or not (folder / name).exists():
        raise Blocked(f"blocked: weights '{name}' are not here: put the file into the folder that MMBENCH_WEIGHTS names")
    return {"weights": str(folder / name)}


def initialise(module: nn.Module, how: str) -> None:
    """`torchvision`: each layer's own initialisation stays. `xavier`: the whole-model one of the OGM-GE lineage (facts A4):
    convolutions Kaiming-normal over fan-out, batch-norm 1 and 0, linear layers Xavier-normal with bias 0."""
    if how == "torchvision":
        return
    if how != "xavier":
        raise UserError(f"unknown init '{how}'; known: torchvision, xavier")
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv1d, nn.Conv3d)):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
