"""How a network's parts start: each under its own random stream, by the run's `init`, or from a pretrained file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmbench import registry
from mmbench.errors import Blocked, UserError
from mmbench.randomness import seeded


def encoders(spec: Mapping[str, Any], seed: int, sample: Mapping[str, Tensor], weights: Path | None) -> dict[str, nn.Module]:
    """The encoder of each modality, as the run names them. sample: modality -> 1 x ..., what the encoder will get; it is built for
    the last axis of a sequence (1 x T x d), for the second of everything else (channels of pictures, dimension of vectors).
    weights: the folder of pretrained files. Raises Blocked where a file is not there."""
    built: dict[str, nn.Module] = {}
    for modality in spec["modalities"]:
        named = dict(spec["encoders"][modality])
        given = sample[modality].shape[-1] if sample[modality].ndim == 3 else sample[modality].shape[1]
        ready = pretrained(spec.get("weights", {}).get(modality, ""), weights)
        with seeded(seed, spec["dataset"], f"encoders.{modality}"):
            built[modality] = registry.load("encoder", named.pop("name"))(given, **named, **ready)
            initialise(built[modality], spec["init"])
    return built


def pretrained(name: str, folder: Path | None) -> dict[str, str]:
    """The argument that hands an encoder its pretrained file; nothing where the run names none."""
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
