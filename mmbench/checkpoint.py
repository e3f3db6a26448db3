"""One file per unfinished job: written whole or not at all, read back with `weights_only=True`."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class Checkpoint:
    """path: the file. every: seconds between two writes (0: at every step). `saved` is when it was last written or read."""

    path: Path
    every: float = 30.0
    saved: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        return time.monotonic() - self.saved >= self.every

    def save(self, content: dict[str, Any]) -> None:
        """Replace the file atomically: a process killed here leaves the file before or the file after, never a part."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
        self.saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The last content, tensors on the CPU; None where there is no file."""
        if not self.path.exists():
            return None
        return torch.load(self.path, weights_only=True, map_location="cpu")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def digest(model: torch.nn.Module) -> str:
    """sha256 over the names and bytes of all final weights and buffers."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
