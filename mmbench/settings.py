"""The user's settings file: `mmbench.toml` in the working folder. So far it holds `[slurm]`, the options of every submission."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from mmbench.errors import UserError

FILE = Path("mmbench.toml")


def slurm(given: Sequence[str] = ()) -> dict[str, str]:
    """Options for Slurm by name: those of the file, and over them `key=value` as given on the command line. An empty value takes
    an option of the file back."""
    found = {name: str(value) for name, value in _table("slurm").items()}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--slurm '{pair}': write it as key=value, for example --slurm partition=gpu")
        found[name.strip()] = value.strip()
    return {name.lstrip("-"): value for name, value in found.items() if value != ""}


def _table(name: str) -> dict[str, str | int | float]:
    if not FILE.exists():
        return {}
    try:
        content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{FILE}: is no TOML file ({error})") from None
    table = content.get(name, {})
    wrong = [key for key, value in table.items() if not isinstance(value, (str, int, float))] if isinstance(table, dict) else [name]
    if wrong:
        raise UserError(f"{FILE}: [{name}] {wrong[0]} must be a text or a number")
    return table
