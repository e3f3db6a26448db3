"""Whether what a file holds is a record of ours, of a schema that we read: what every reader relies on is checked here, once."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from mmbench.errors import UserError

SCHEMA = 1
SECTIONS = {
    "schema": int, "key": str, "seed": int, "group": str, "run": dict, "result": dict, "data": dict, "environment": dict, "signature": str,
}  # fmt: skip
INNER = (
    ("run", "dataset", str), ("run", "method", str), ("run", "versions", dict), ("result", "selections", dict),
    ("result", "evaluated", dict), ("data", "fingerprint", str), ("environment", "versions", dict), ("environment", "seconds", dict),
    ("environment", "started", str),
)  # fmt: skip
ENVIRONMENT = {
    "device", "device_kind", "threads", "cpu_capability", "path", "versions", "commit", "dirty", "started", "seconds", "peak_memory_mb",
    "resumed",
}  # fmt: skip
PLAIN = {int, float}
ESCAPED = re.compile(rb"\\[bfnrtu]|\x7f")  # how JSON writes control characters; our records have none, so few are looked at closely


def parse(content: bytes, file: Path) -> dict[str, Any]:
    """The record that these bytes are; UserError, naming the file, unless they are one, whole and sound."""
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UserError(f"{file} {_wrong(content)}") from None
    complain_about_characters(content, record, file)  # first: other complaints quote what is there
    complain_about(record, file)
    return record


def _wrong(content: bytes) -> str:
    """What is wrong with a file that is no JSON: what stands for infinity or for no number is told from other damage."""
    words: list[str] = []
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(content, parse_constant=words.append, parse_float=lambda word: math.isfinite(float(word)) or words.append(word))
    return f"holds {words[0]}, which no record does: a value that does not exist is left out" if words else "is truncated or no JSON"


def complain_about_characters(content: bytes, record: Any, file: Path) -> None:
    """UserError where a text of the record, whose file is `content`, holds what a terminal or a page would obey and not show."""
    if (ESCAPED.search(content) or not content.isascii()) and not all(map(str.isprintable, _texts(record))):
        raise UserError(f"{file} holds control characters, which no record does")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def complain_about(record: Any, file: Path) -> None:
    """UserError unless this is a record of ours, of a schema that we read, and the one that the file's name says."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise UserError(f"{file} is no record of schema {SCHEMA}")
    for section, kind in SECTIONS.items():
        if not isinstance(record.get(section), kind):
            raise UserError(f"{file} is no record: '{section}' should be {kind.__name__}")
    if surplus := set(record) - set(SECTIONS) or set(record["environment"]) - ENVIRONMENT:
        raise UserError(f"{file} is no record of schema {SCHEMA}: it has '{min(surplus)}'")
    if record["result"].get("status") not in ("ok", "diverged"):
        raise UserError(f"{file}: status should be 'ok' or 'diverged'")
    if file.name != f"{record['key']}-s{record['seed']}.json":
        raise UserError(f"{file} holds the record of another job, {record['key']}-s{record['seed']}")
    for section, name, kind in INNER:
        if not isinstance(record[section].get(name), kind):
            raise UserError(f"{file} is no record: '{section}.{name}' should be {kind.__name__}")
    if (place := _misplaced(record["result"], record["environment"])) is not None:
        raise UserError(f"{file} is no record: '{place}' should be a finite number")


def _misplaced(result: Mapping[str, Any], around: Mapping[str, Any]) -> str | None:
    """Where something else stands than a finite number, or None."""
    for label, chosen in result["selections"].items():
        if not isinstance(chosen, dict) or not isinstance(chosen.get("values"), dict):
            return f"result.selections.{label}.values"
        values = chosen["values"]
        if not (set(map(type, values.values())) <= PLAIN and all(map(math.isfinite, values.values()))):
            return next((f"result.selections.{label}.values.{metric}" for metric, value in values.items() if not _finite(value)), None)
    loose = {"result.train_loss": result.get("train_loss"), "environment.peak_memory_mb": around.get("peak_memory_mb")}
    loose |= {f"result.evaluated.{part}": count for part, count in result["evaluated"].items()}
    loose |= {f"environment.seconds.{part}": time for part, time in around["seconds"].items()}
    return next((place for place, value in loose.items() if value is not None and not _finite(value)), None)


def _finite(value: Any) -> bool:
    return type(value) in PLAIN and math.isfinite(value)
