"""A sentence as a vector, by a local BERT: `transformers`, the optional extra `text`. Nothing is ever downloaded.

The vector is the mean of the last layer's states over the sentence's tokens, its two marks included. Ours: the papers say "pre-trained
BERT" and no more. One sentence at a time, without padding, so that neither neighbours nor the number of workers change a bit.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mmbench import paths
from mmbench.errors import UserError

NAME = "bert-base-uncased"
DIMENSION = 768
LONGEST = 512  # tokens, BERT's own limit; what is longer is cut
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
NEEDED = f"config.json, vocab.txt and {' or '.join(WEIGHTS)}"


def folder() -> Path:
    """Where the model lies. UserError, saying what to install and where to put it, if the library or the model is not here."""
    if importlib.util.find_spec("transformers") is None:
        raise UserError(
            "text needs the library transformers, which is not installed: pip install 'mmbench[text]' (in a checkout: '.[text]')"
        )
    root = paths.weights()
    place = "the folder that MMBENCH_WEIGHTS names" if root is None else str(root)
    if root is None or not (root / NAME).is_dir():
        raise UserError(f"the text model {NAME} is not here: put its folder, with {NEEDED}, into {place}")
    lacking = [name for name in ("config.json", "vocab.txt") if not (root / NAME / name).is_file()]
    if not any((root / NAME / name).is_file() for name in WEIGHTS):
        lacking.append(" or ".join(WEIGHTS))
    if lacking:
        raise UserError(f"{root / NAME}: no {', no '.join(lacking)} in it; expected {NEEDED}")
    return root / NAME


def settings() -> dict[str, str]:
    """What made the vectors, for a store's meta.json: the model's name and the sha256 of its weights."""
    file = next(path for name in WEIGHTS if (path := folder() / name).is_file())
    with file.open("rb") as handle:
        return {"model": NAME, "sha256": hashlib.file_digest(handle, "sha256").hexdigest(), "pooling": "mean"}


def vector(sentence: str) -> np.ndarray:
    """768 float32."""
    import torch

    tokenizer, model = _loaded(folder())
    given = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=LONGEST)
    with torch.no_grad():
        return model(**given).last_hidden_state[0].mean(0).numpy()


@cache
def _loaded(place: Path) -> tuple[Any, Any]:
    """Tokeniser and model, in evaluation mode. UserError where the files are no BERT of this size."""
    import torch
    from transformers import AutoModel, AutoTokenizer  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    try:
        model = AutoModel.from_pretrained(place, local_files_only=True).eval()
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
    except Exception as error:  # whatever the library raises about files that it cannot read
        raise UserError(f"{place}: cannot be loaded ({str(error).partition(chr(10))[0]}); expected {NEEDED} of {NAME}") from None
    if model.config.hidden_size != DIMENSION:
        raise UserError(f"{place}: gives vectors of {model.config.hidden_size} numbers, expected {DIMENSION}: put {NAME} there")
    return tokenizer, model
