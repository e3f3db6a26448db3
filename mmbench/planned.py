"""Components that tables already name and whose code is still to come, with the parameters that their cells give them.

A cell that needs one resolves completely (its key is final) and is `unwritten`: blocked, with the reason. Whoever writes a
component moves its line to `registry.py`; a misspelt name stands in neither, and is an error.
"""

from __future__ import annotations

from mmbench.registry import Entry

_METHODS: dict[str, Entry] = {}

_HEADS: dict[str, Entry] = {}

_ENCODERS: dict[str, Entry] = {}

_MODELS: dict[str, Entry] = {}

_TASKS: dict[str, Entry] = {}

_DATASETS = {}

PLANNED: dict[str, dict[str, Entry]] = {
    "method": _METHODS, "head": _HEADS, "encoder": _ENCODERS, "model": _MODELS, "task": _TASKS, "dataset": _DATASETS,
}  # fmt: skip
