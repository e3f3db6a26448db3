"""Random streams are counters: a stream is named by (seed, dataset, purpose, epoch), so nothing drawn for one purpose shifts another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def stream(*name: object) -> int:
    """A 63-bit seed from any name: equal names, equal streams; different names, independent ones."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in name).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(*name: object) -> torch.Generator:
    """A fresh CPU generator at the start of the named stream."""
    return torch.Generator().manual_seed(stream(*name))


@contextmanager
def seeded(*name: object) -> Iterator[None]:
    """Run the block with torch's global CPU generator at the start of the named stream, and put it back afterwards.
    Modules are initialised so: a larger head does not shift the encoders."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(*name))
        yield
