"""Where things lie: the environment variables, and nothing else reads them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmbench.errors import UserError, unknown

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = REPOSITORY / "benchmarks"
PATHS = ("fast", "plain", "compiled")


def data() -> Path:
    """The root of the prepared stores (`MMBENCH_DATA`, default `data/` in the working folder)."""
    return Path(os.environ.get("MMBENCH_DATA", "data"))


def results() -> Path:
    """The root of records and reports (`MMBENCH_RESULTS`, default `results/` in the working folder)."""
    return Path(os.environ.get("MMBENCH_RESULTS", "results"))


def weights() -> Path | None:
    """The folder of pretrained weights (`MMBENCH_WEIGHTS`), or None: then cells that need them are blocked."""
    value = os.environ.get("MMBENCH_WEIGHTS")
    return Path(value) if value else None


def group() -> str:
    """Under whose name records are kept (`MMBENCH_GROUP`, default `local`)."""
    name = os.environ.get("MMBENCH_GROUP", "local")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", name):
        raise UserError(f"MMBENCH_GROUP is '{name}': use small letters, digits, '.', '+' and '-' only")
    return name


def path() -> str:
    """How steps are computed (`MMBENCH_PATH`, default `fast`): `plain` keeps to the order of sums that everyone else has,
    `compiled` is `fast` with the large encoders compiled."""
    name = os.environ.get("MMBENCH_PATH", "fast")
    if name not in PATHS:
        raise unknown("MMBENCH_PATH", name, PATHS)
    return name
