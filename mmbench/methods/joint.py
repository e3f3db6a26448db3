"""Joint training: every moment as it is by default. The baseline of all papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mmbench.method import Method


@final
@dataclass(frozen=True)
class Joint(Method):
    pass
