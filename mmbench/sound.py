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
from mmbench.spec import key

SCHEMA = 1
SECTIONS = {
    "schema": int, "key": str, "seed": int, "group": str, "run": dict, "result": dict, "data": dict, "environment": dict, "signature": str,
}  # fmt: skip
INNER = (
    ("run", "dataset", str), ("run", "split", str), ("run", "method", str), ("run", "head", str), ("run", "versions", dict),
    ("result", "epochs", int), ("result", "selections", dict), ("result", "evaluated", dict), ("result", "weights_sha256", str),
    ("data", "fingerprint", str), ("data", "version", str), ("data", "stand_in", bool), ("data", "imitation", bool),
    ("environment", "device", str), ("environment", "device_kind", str), ("environment", "threads", int),
    ("environment", "cpu_capability", str), ("environment", "path", str), ("environment", "versions", dict),
    ("environment", "commit", str), ("environment", "dirty", bool), ("environment", "started", str), ("environment", "seconds", dict),
    ("environment", "resumed", int),
)  # fmt: skip
ENVIRONMENT = {
    "device", "device_kind", "threads", "cpu_capability", "path", "versions", "commit", "dirty", "started", "seconds", "peak_memory_mb",
    "resumed",
}  # fmt: skip
PLAIN = {int, float}
LARGEST = 1e60  # of a value: far beyond what 32 bits hold, and its fourth power is still a number
MOST = 1e12  # of what is counted: items, seconds, megabytes, the number of a seed
PARTS = "|"  # separates the parts of a report's signature
ESCAPED = re.compile(rb"\\[bfnrtu]|\x7f")  # how JSON writes control characters; our records have none, so few are looked at closely


def parse(content: bytes, file: Path) -> dict[str, Any]:
    """The record that these bytes are; UserError, naming the file, unless they are one, whole and sound."""
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UserError(f"{file} {_wrong(content)}") from None
    try:
        complain_about_characters(content, record, file)  # first: other complaints quote what is there
    except RecursionError:
        raise UserError(f"{file} is no record: its content is nested too deeply") from None
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
    if (problem := _misplaced(record["result"]) or _miscounted(record) or _ambiguous(record)) is not None:
        raise UserError(f"{file} is no record: {problem}")


def complain_about_key(record: Mapping[str, Any], file: Path) -> None:
    """UserError unless the key is that of the run: what nobody asks again of every seed of a setting."""
    try:
        own = key(record["run"])
    except RecursionError:
        own = "none"
    if own != record["key"]:
        raise UserError(f"{file}: its key is not that of its run, which is {own}")


def _misplaced(result: Mapping[str, Any]) -> str | None:
    """Where something else stands than the numbers of a chosen epoch, or None. Only the training loss may not exist."""
    for label, chosen in result["selections"].items():
        values = chosen.get("values") if isinstance(chosen, dict) else None
        if not isinstance(values, dict):
            return f"'result.selections.{label}.values' should be dict"
        if not isinstance(chosen.get("epoch"), int):
            return f"'result.selections.{label}.epoch' should be int"
        if not (set(map(type, values.values())) <= PLAIN and math.hypot(*values.values()) <= LARGEST):
            for metric, value in values.items():
                if not _within(value, -LARGEST, LARGEST):
                    return f"'result.selections.{label}.values.{metric}' should be a finite number, at most {LARGEST:g}"
    loss = result.get("train_loss")
    if loss is not None and not _within(loss, -LARGEST, LARGEST):
        return f"'result.train_loss' should be a finite number, at most {LARGEST:g}"
    return None


def _miscounted(record: Mapping[str, Any]) -> str | None:
    """Where something else stands than a count or a duration, or None."""
    evaluated, around = record["result"]["evaluated"], record["environment"]
    counts = (record["seed"], record["result"]["epochs"], around["threads"], around["resumed"], *evaluated.values())
    if set(map(type, counts)) != {int} or min(counts) < 0 or max(counts) > MOST:
        names = ("seed", "result.epochs", "environment.threads", "environment.resumed", *(f"result.evaluated.{part}" for part in evaluated))
        wrong = next(name for name, count in zip(names, counts, strict=True) if type(count) is not int or not 0 <= count <= MOST)
        return f"'{wrong}' should be a whole number from 0 to {MOST:g}"
    times = {"total": None, **around["seconds"]}
    if _within(around.get("peak_memory_mb"), 0, MOST) and all(_within(time, 0, MOST) for time in times.values()):
        return None
    wrong = next((f"seconds.{part}" for part, time in times.items() if not _within(time, 0, MOST)), "peak_memory_mb")
    return f"'environment.{wrong}' should be a finite number from 0 to {MOST:g}"


def _ambiguous(record: Mapping[str, Any]) -> str | None:
    """What would make the one line under a report's section say something else, or None."""
    run, data, around = record["run"], record["data"], record["environment"]
    versions = around["versions"]
    if not all(isinstance(version, str) for version in versions.values()):
        return "each of 'environment.versions' should be str"
    names = (run["dataset"], data["fingerprint"], data["version"], around["device_kind"], around["commit"])
    if PARTS in "".join((*names, *versions.values())):
        return f"the names of its data, device, commit or versions hold a '{PARTS}'"
    return None


def _within(value: Any, low: float, high: float) -> bool:
    return type(value) in PLAIN and low <= value <= high
