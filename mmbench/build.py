"""A resolved run and its data -> model, task and method, by the names in the registry. Models and tasks build themselves (`of`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mmbench import fast, registry, resident
from mmbench.batches import transformer
from mmbench.datasets.data import Data
from mmbench.errors import UserError
from mmbench.method import Method, Run


def run(spec: Mapping[str, Any], seed: int, data: Data, device: torch.device, weights: Path | None = None) -> Run:
    """Everything that training needs, on the device. weights: the folder of pretrained files."""
    arranged, whole = fast.channels_last(spec), resident.worthwhile(data, device)
    transform = transformer(data, spec, device, whole, arranged)
    task = registry.load("task", spec["task"]).of(data)
    sample = transform(data.parts["train"], torch.zeros(1, dtype=torch.int64), None, False, None).inputs
    model = registry.load("model", spec["model"]).of(spec, seed, data, sample, weights).to(device)
    fast.arrange(model, arranged)
    path = fast.path(spec["precision"], device, arranged, fast.compiled(model, sample, arranged))
    supply = fast.supply(data, device, whole)
    return Run(spec, seed, data, model, task, device, transform, epochs=spec["epochs"], path=path, supply=supply)


def method(spec: Mapping[str, Any]) -> Method:
    try:
        return registry.load("method", spec["method"])(**spec["params"])
    except TypeError as error:
        raise UserError(f"method {spec['method']}: {str(error).split('__init__() ')[-1]}") from None
