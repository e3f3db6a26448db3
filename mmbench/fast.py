"""How a step is computed, where there is a choice: the fast way unless `MMBENCH_PATH` says otherwise, and its name for the record.

channels-last   weights and inputs of convolutions lie with the channels innermost, for encoders that gain by it (`channels_last` of
                their class). Sums run in another order, so bits differ from the plain path's, by rounding alone
compiled        the same encoders, compiled (`MMBENCH_PATH=compiled`): other sums again. Where a compiler is missing or fails, a run goes on
                without, and its log says why
resident        prepared data lie on the GPU as a whole; changes no bit
prefetched      where they do not fit, a thread reads, moves and augments the next batches; changes no bit

A checkpoint is continued on its own path only.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmbench import paths, precision, registry, resident
from mmbench.datasets.data import Data
from mmbench.rows import Rows

if TYPE_CHECKING:
    from mmbench.method import Run

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}  # of B x C x H x W and of B x C x T x H x W


def channels_last(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The modalities whose encoders run with the channels innermost."""
    if paths.path() == "plain":
        return ()
    named = {m: registry.load("encoder", spec["encoders"][m]["name"]) for m in spec["modalities"]}
    return tuple(m for m, encoder in named.items() if getattr(encoder, "channels_last", False))


def arranged(inputs: Tensor) -> Tensor:
    """Pictures, or clips of pictures, with the channels innermost: the same values. Anything else stays."""
    return inputs.contiguous(memory_format=FORMATS[inputs.dim()]) if inputs.dim() in FORMATS else inputs


def arrange(model: Any, modalities: Sequence[str]) -> None:
    """The weights of these modalities' encoders, in place; the values stay."""
    for modality in modalities:
        encoder: nn.Module = model.encoders[modality]
        encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def compiled(model: Any, sample: Mapping[str, Tensor], modalities: Sequence[str], backend: str = "inductor") -> str:
    """Compile these modalities' encoders in place, after a step of a copy of each has shown that it can be done: "compiled"; "" where
    it cannot, or nobody asks for it, and then none is. sample: what the encoders are given, of one item."""
    if paths.path() != "compiled" or not modalities:
        return ""
    try:
        for modality in modalities:
            trial: nn.Module = copy.deepcopy(model.encoders[modality]).train()
            trial.compile(backend=backend)
            trial(arranged(torch.cat([sample[modality]] * 2))).sum().backward()
    except Exception as error:  # of whatever the compiler beneath is
        cause = getattr(error, "inner_exception", error)
        print(f"not compiled: {type(cause).__name__}: {next(iter(str(cause).strip().splitlines()), '')}", file=sys.stderr)
        return ""
    for modality in modalities:
        model.encoders[modality].compile(backend=backend)
    return "compiled"


def path(asked: str, device: torch.device, modalities: Sequence[str], compiling: str = "") -> str:
    """What decides about the bits, for record and checkpoint: "plain", "channels-last", "bf16, compiled, channels-last", ..."""
    numbers = precision.path(asked, device)
    if not modalities:
        return numbers
    words = ["" if numbers == "plain" else numbers.removeprefix("plain "), compiling, "channels-last"]
    return ", ".join(filter(None, words))


def _choice(path: str) -> str:
    """What `MMBENCH_PATH` was where a run has this path."""
    words = path.split(", ")
    return "compiled" if "compiled" in words else "fast" if "channels-last" in words else "plain"


def foreign(before: str | None, run: Run) -> str | None:
    """What to do about a checkpoint of another path than the run's; None where it is the same. before: None of checkpoints that
    were written when there was no choice."""
    before = path(run.spec["precision"], run.device, ()) if before is None else before
    if before == run.path:
        return None
    was = _choice(before)
    remedy = "train it where it was begun" if was == _choice(run.path) else f"set MMBENCH_PATH={was} to go on with it"
    return f"the checkpoint is of the path '{before}', this run of '{run.path}', in other bits: {remedy}"


def supply(data: Data, device: torch.device, whole: bool) -> str:
    """How prepared data come to a GPU: "resident", "prefetched", or "" where there is nothing to move, as on a CPU."""
    stored = [rows for part in data.parts.values() for rows in part.arrays.values() if isinstance(rows, Rows)]
    if device.type != "cuda" or not stored:
        return ""
    if paths.path() != "plain" and not (whole and all(map(resident.movable, stored))):
        return "prefetched"
    return "resident" if whole else ""
