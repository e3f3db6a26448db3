"""Whether a run is of the component versions that are today's. A record of other ones has a key that no table asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mmbench import registry

SHARED = {"loop": registry.LOOP, "augment": registry.AUGMENT, "optim": registry.OPTIM, "preparation": registry.PREPARATION}


def outdated(run: Mapping[str, Any]) -> str:
    """ "head:cosine 1, today 2; ...": the components of a run whose version is another one today, or that are gone; "" if none."""
    found = []
    for name, version in sorted(run["versions"].items()):
        now = _today(name)
        if now != version:
            found.append(f"{name} {version}, today {'unknown here' if now is None else now}")
    return "; ".join(found)


def _today(name: str) -> int | str | None:
    """The version of "loop" or "head:cosine"; None if nobody knows it. A dataset that is prepared, not shipped, has version 1."""
    kind, _, id = name.partition(":")
    if not id:
        return SHARED.get(kind)
    entry = registry.KINDS[kind].get(id) if kind in registry.KINDS else None
    return entry.version if entry else 1 if kind == "dataset" else None


def counted_out(runs: Iterable[Mapping[str, Any]]) -> str:
    """One line on records that no table asks for, "" if there are none: how many, and which components have changed."""
    found = [outdated(run) for run in runs]
    old = dict.fromkeys(part for why in found for part in why.split("; ") if part)
    parts = [f"{sum(map(bool, found))} are of component versions that are not today's ({'; '.join(old)}): run them again"] if old else []
    other = sum(not why for why in found)
    parts += [f"{other} have settings that no table asks for"] if other else []
    return f"{len(found)} record{'s' * (len(found) != 1)} count nowhere: {', '.join(parts)}" if found else ""
