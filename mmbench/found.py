"""The records that a report is made of: ours, where we have none those that come with the project (group `reference`), and apart
from them those of other groups, which nobody here has verified."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench import bulk, paths, provenance, records, today
from mmbench.provenance import Provenance

SHIPPED = "reference"  # the group whose records come with the project: all tables on the stand-ins
Records = Mapping[str, Sequence[Mapping[str, Any]]]  # key -> its records, seeds in order


@dataclass(frozen=True)
class Found:
    """own: ours, and of keys that we did not run those that come with the project; fewer: the keys of which those have more runs than
    ours, which are shown all the same; others: group -> its records."""

    own: Records
    others: Mapping[str, Records] = field(default_factory=dict)
    fewer: frozenset[str] = frozenset()
    _origins: dict[str, Provenance] = field(default_factory=dict, repr=False)

    @property
    def many(self) -> bool:
        """Whether judging takes longer than other processes take to start."""
        return sum(map(len, self.own.values())) >= bulk.MANY

    def origin(self, key: str) -> Provenance:
        """Where our runs of a key come from; found once, however many sections show it."""
        if key not in self._origins:
            self._origins[key] = provenance.gather(self.own[key])
        return self._origins[key]

    def of(self, keys: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
        """Group -> its records of these keys; without the groups that have none."""
        found = {group: [r for key in keys for r in theirs.get(key, ())] for group, theirs in self.others.items()}
        return {group: mine for group, mine in found.items() if mine}


def read(keys: Collection[str], every: bool) -> Found:
    """The records of these keys. Damaged ones are named on stderr and set aside.

    every: `keys` are all that any table asks for, so that records of ours with other ones count nowhere: one line on stderr says so,
    and names the component versions that are not today's.
    """
    own, shipped = _counted(paths.group(), keys, every), {}
    if paths.group() != SHIPPED:
        shipped = _counted(SHIPPED, keys, every)
    others = {group: _read(group, keys, False)[0] for group in records.groups() if group not in (paths.group(), SHIPPED)}
    fewer = frozenset(key for key in own if len(own[key]) < len(shipped.get(key, ())))
    own = {key: own.get(key) or shipped[key] for key in sorted(own.keys() | shipped.keys())}
    return Found(own, {group: found for group, found in others.items() if found}, fewer)


def _counted(group: str, keys: Collection[str], every: bool) -> Records:
    """The records of a group that count; of those that do not, a line on stderr."""
    found, strays = _read(group, keys, every)
    if line := today.counted_out(r["run"] for r in strays):
        print(f"in group {group}, {line}", file=sys.stderr)
    return found


def _read(group: str, keys: Collection[str], every: bool) -> tuple[Records, list[Mapping[str, Any]]]:
    """By key, and those of other keys. Only `every` opens these: a file's name tells its key."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    strays = []
    files = [file for file in records.files([group]) if every or _may_be(file, keys)]
    for file, record in zip(files, bulk.read(files), strict=True):
        if isinstance(record, str):
            _set_aside(file, record)
            continue
        seeds = found.setdefault(record["key"], {})
        if record["group"] != group:
            _set_aside(file, f"{file} is of group {record['group']}, not {group}; 'mmbench merge' takes records over")
        elif record["seed"] in seeds:
            _set_aside(file, f"{file} is a second record of the same run and seed")
        else:
            seeds[record["seed"]] = record
            strays += [record] * (record["key"] not in keys)
    return {key: [found[key][seed] for seed in sorted(found[key])] for key in sorted(found) if key in keys and found[key]}, strays


def _may_be(file: Path, keys: Collection[str]) -> bool:
    """Whether the file's name leaves open that it is of one of these keys."""
    named = records.NAME.fullmatch(file.name)
    return named is None or named[1] in keys


def _set_aside(file: Path, why: str) -> None:
    print(f"{why}: set aside as {records.set_aside(file)}", file=sys.stderr)
