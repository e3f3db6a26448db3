"""The numbers that a regression compares with: read, kept with the reason and the history, with their spread over seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmbench import paths, records
from mmbench.errors import UserError

SCHEMA = 1
LEAST = 3  # seeds from which a spread is taken


def stamp(made: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What decides whether two runs may be compared to the bit."""
    for record in made:
        environment = record["environment"]
        return {
            "torch": environment["versions"]["torch"], "cpu_capability": environment["cpu_capability"],
            "device": environment["device_kind"], "processor": _processor(),
        }  # fmt: skip
    return {}


def commit(made: Iterable[Mapping[str, Any]]) -> str:
    """The commit that ran, with a plus where files differed from it."""
    return next((r["environment"]["commit"] + "+" * bool(r["environment"]["dirty"]) for r in made), "")


def _processor() -> str:
    """The model of the CPU: libraries choose their kernels by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def load(scale: str) -> dict[str, Any]:
    """The golden of a scale; empty where there is none. UserError where it cannot be read."""
    file = file_of(scale)
    if not file.exists():
        return {}
    anew = f"or begin a new one with the numbers of today: mmbench regress --scale {scale} --accept WHY"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise UserError(f"{file}: has schema {content['schema']}, this version reads {SCHEMA}; use that version, {anew}")
        if not _whole(content):
            raise ValueError
        return content
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{file}: is damaged; restore it, {anew}") from None


def _whole(content: Mapping[str, Any]) -> bool:
    """Whether all is there that a comparison reads. Raises one of the errors above where it is not even of that shape."""
    runs = content["runs"].values()
    texts = [*content["stamp"].values(), *(content["since"][name] for name in ("commit", "date", "why"))]
    texts += [one[name] for one in runs for name in ("address", "key", "status", "weights")]
    numbers = [value for one in runs for name in ("numbers", "spread") for value in one[name].values()]
    history = [one["why"] for one in content["history"]]
    return all(isinstance(text, str) for text in (*texts, *history)) and all(isinstance(n, int | float | None) for n in numbers)


def or_none(scale: str) -> tuple[dict[str, Any], str]:
    """The golden of a scale, and "". One that cannot be read is as none, with the reason, where a new one is about to be accepted."""
    try:
        return load(scale), ""
    except UserError as error:
        return {}, str(error).partition("; ")[0]


def accept(scale: str, now: Mapping[str, Any], told: Sequence[str], why: str) -> Path:
    """Keep today's numbers as the golden, with the reason, and what moved, in its history. In the place of one that cannot be read a
    new one is begun, and its history says so."""
    if not why.strip():
        raise UserError("--accept needs a reason: say why the numbers may change")
    (before, unreadable), spreads = or_none(scale), _spreads()
    told = [*told, *([f"a new history, as the one before {unreadable.rpartition(': ')[2]}"] if unreadable else [])]
    since = {"commit": now["commit"], "date": f"{datetime.now(UTC):%Y-%m-%d}", "why": why.strip()}
    runs = {}
    for name, one in now["runs"].items():
        known = spreads.get(one["key"], {}) or before.get("runs", {}).get(name, {}).get("spread", {})
        runs[name] = one | {"spread": {metric: sd for metric, sd in sorted(known.items()) if metric in one["numbers"]}}
    content = (
        {"schema": SCHEMA}
        | {name: value for name, value in now.items() if name != "commit"}
        | {
            "since": since,
            "runs": runs,
            "history": [*before.get("history", []), since | {"moved": list(told)}],
        }
    )
    file = file_of(scale)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(file)
    return file


def _spreads() -> dict[str, dict[str, float]]:
    """Key -> metric -> standard deviation over the seeds recorded here, of any group, where there are enough."""
    from mmbench import collect  # pandas, which the other verbs do without

    frame = collect.frame(records.read_all())
    last = frame[(frame["selection"] == "last") & frame["value"].notna()]
    found: dict[str, dict[str, float]] = {}
    for (key, metric), seeds in last.groupby(["key", "metric"]).groups.items():  # pyright: ignore[reportGeneralTypeIssues]
        values = last.loc[seeds, "value"].to_numpy(float)
        if len(values) >= LEAST:
            found.setdefault(str(key), {})[str(metric)] = float(values.std(ddof=1))
    return found


def file_of(scale: str) -> Path:
    """Of the stand-ins: with the project. Of the user's data: with their results."""
    folder = paths.REPOSITORY / "results" if scale == "demo" else paths.results()
    return folder / "golden" / f"{scale}.json"
