"""The text model: every way in which it is not there gets one line; where transformers is installed, a small BERT's vector by hand."""

from __future__ import annotations

import hashlib
import importlib.util

import numpy as np
import pytest
import torch

from datasets_prep import text_model
from mmbench.errors import UserError

INSTALLED = importlib.util.find_spec("transformers") is not None
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "my", "god", "!")


@pytest.fixture
def installed(monkeypatch):
    """As if the library were there: what is asked before it is imported."""
    monkeypatch.setattr(text_model.importlib.util, "find_spec", lambda name: object())


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(text_model.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"text needs the library transformers, which is not installed: pip install 'mmbench\[text\]'"):
        text_model.vector("oh my god")


def test_without_the_model_it_says_where_to_put_it(installed, tmp_path, monkeypatch):
    monkeypatch.delenv("MMBENCH_WEIGHTS", raising=False)
    files = "with config.json, vocab.txt and model.safetensors or pytorch_model.bin"
    says = f"the text model bert-base-uncased is not here: put its folder, {files}, into the folder that MMBENCH_WEIGHTS names"
    with pytest.raises(UserError, match=says):
        text_model.folder()
    monkeypatch.setenv("MMBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match=f"put its folder, {files}, into {tmp_path}"):
        text_model.folder()


def test_a_half_downloaded_model_says_what_lacks(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("MMBENCH_WEIGHTS", str(tmp_path))
    place = tmp_path / text_model.NAME
    place.mkdir()
    (place / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"bert-base-uncased: no vocab.txt, no model.safetensors or pytorch_model.bin in it; expected"):
        text_model.folder()
    (place / "vocab.txt").write_text("a\n")
    (place / "pytorch_model.bin").write_bytes(b"weights")
    assert text_model.folder() == place
    assert text_model.settings() == {"model": "bert-base-uncased", "sha256": hashlib.sha256(b"weights").hexdigest(), "pooling": "mean"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A BERT of random weights with nine words, where its folder is looked for."""
    if not INSTALLED:
        pytest.skip("the library transformers is not installed (extra 'text')")
    from transformers import BertConfig, BertModel  # pyright: ignore[reportMissingImports]

    monkeypatch.setenv("MMBENCH_WEIGHTS", str(tmp_path))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(WORDS), hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    model = BertModel(config)
    model.save_pretrained(tmp_path / text_model.NAME)
    (tmp_path / text_model.NAME / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    text_model._loaded.cache_clear()
    return model.eval()


@pytest.mark.filterwarnings("default")  # the library's own
def test_a_vector_is_the_mean_over_the_tokens(small, monkeypatch):
    monkeypatch.setattr(text_model, "DIMENSION", 12)
    found = text_model.vector("Oh my god!")
    tokens = torch.tensor([[WORDS.index(w) for w in ("[CLS]", "oh", "my", "god", "!", "[SEP]")]])
    with torch.no_grad():
        states = small(tokens).last_hidden_state[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, states.mean(0).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("default")
def test_a_model_of_another_size_or_a_broken_one_gets_one_line(small, tmp_path):
    with pytest.raises(UserError, match="gives vectors of 12 numbers, expected 768: put bert-base-uncased there"):
        text_model.vector("oh")
    (tmp_path / text_model.NAME / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"bert-base-uncased: cannot be loaded \(.*\); expected config.json, vocab.txt"):
        text_model.vector("oh")
