"""Where a section's numbers come from: commits, versions, devices, data, time, and the one line to paste into a paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbench.spec import TableVerdict


@dataclass(frozen=True)
class Provenance:
    """What the records behind one section have in common, and where they differ. Tuples are sorted, without repeats.

    runs: records; settings: distinct keys; fewest: the runs of the setting that has the fewest; seconds: the sum over runs; newest: UTC,
    as the record writes it.
    """

    runs: int = 0
    settings: int = 0
    fewest: int = 0
    diverged: int = 0
    seeds: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    dirty: int = 0  # runs made from a tree with changes that no commit holds
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    data: tuple[str, ...] = ()  # "av-digits 1 (3f2a91c0)"
    components: tuple[str, ...] = ()  # "head:cosine@1"
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    newest: str = ""
    newest_commit: str = ""  # of the newest run


def gather(records: Iterable[Mapping[str, Any]]) -> Provenance:
    """The provenance of these records (schema of `records.py`); a field that a record lacks is left out, never guessed."""
    found = list(records)
    surroundings = [r.get("environment", {}) for r in found]
    versions: dict[str, set[str]] = {}
    for around in surroundings:
        for name, version in around.get("versions", {}).items():
            versions.setdefault(name, set()).add(str(version))
    counts = Counter(r["key"] for r in found)
    components = {f"{name}@{version}" for r in found for name, version in r["run"].get("versions", {}).items()}
    newest = max(((str(a.get("started", "")), str(a.get("commit", ""))) for a in surroundings), default=("", ""))
    return Provenance(
        runs=len(found),
        settings=len(counts),
        fewest=min(counts.values(), default=0),
        diverged=sum(r["result"]["status"] == "diverged" for r in found),
        seeds=tuple(sorted({int(r["seed"]) for r in found})),
        groups=_several(r.get("group") for r in found),
        commits=_several(str(a.get("commit", ""))[:10] for a in surroundings),
        dirty=sum(bool(a.get("dirty")) for a in surroundings),
        versions={name: tuple(sorted(versions[name])) for name in sorted(versions)},
        devices=_several(a.get("device") for a in surroundings),
        kinds=_several(a.get("device_kind") for a in surroundings),
        data=_several(_data(r) for r in found),
        components=tuple(sorted(components)),
        seconds=sum(float(a.get("seconds", {}).get("total", 0.0)) for a in surroundings),
        peak_memory_mb=max((float(a.get("peak_memory_mb") or 0.0) for a in surroundings), default=0.0),
        newest=newest[0],
        newest_commit=newest[1][:10],
    )


def merge(several: Iterable[Provenance]) -> Provenance:
    """The provenance of all these runs together, each of another key; what `gather` says of their records."""
    found = list(several)
    versions: dict[str, set[str]] = {}
    for one in found:
        for name, known in one.versions.items():
            versions.setdefault(name, set()).update(known)

    def every(name: str) -> tuple[Any, ...]:
        return tuple(sorted({value for one in found for value in getattr(one, name)}))

    newest = max(((one.newest, one.newest_commit) for one in found), default=("", ""))
    return Provenance(
        runs=sum(one.runs for one in found),
        settings=sum(one.settings for one in found),
        fewest=min((one.fewest for one in found), default=0),
        diverged=sum(one.diverged for one in found),
        seeds=every("seeds"),
        groups=every("groups"),
        commits=every("commits"),
        dirty=sum(one.dirty for one in found),
        versions={name: tuple(sorted(versions[name])) for name in sorted(versions)},
        devices=every("devices"),
        kinds=every("kinds"),
        data=every("data"),
        components=every("components"),
        seconds=sum(one.seconds for one in found),
        peak_memory_mb=max((one.peak_memory_mb for one in found), default=0.0),
        newest=newest[0],
        newest_commit=newest[1],
    )


def signature(verdict: TableVerdict, selections: Iterable[str], provenance: Provenance) -> str:
    """One line that says how the section was made, everything that could change it: to paste beside a number in a paper."""
    return line({"table": verdict.table.id, "scale": verdict.scale, "reading": verdict.reading}, selections, provenance)


def line(what: Mapping[str, str], selections: Iterable[str], provenance: Provenance) -> str:
    """The signature of anything with a provenance. what: the parts that name it, in order."""
    return "|".join(f"{name}:{value}" for name, value in parts(what, selections, provenance).items())


def parts(what: Mapping[str, str], selections: Iterable[str], provenance: Provenance) -> dict[str, str]:
    """The parts of a signature by name, in order; those with nothing to say are left out."""
    versions = provenance.versions
    found = {
        "mmbench": "+".join(versions.get("mmbench", ())),
        **what,
        "select": "+".join(selections),
        "data": "+".join(d.replace(" ", "@", 1).replace(" ", "") for d in provenance.data),
        "runs": _counted(provenance),
        "seeds": _ranges(provenance.seeds),
        "device": "+".join(provenance.kinds),
        "torch": "+".join(versions.get("torch", ())),
        "commit": "+".join(provenance.commits) + ("-dirty" if provenance.dirty else ""),
    }
    return {name: " ".join(value.replace("`", "'").split()) for name, value in found.items() if value}


def _counted(p: Provenance) -> str:
    """ "6x5": 6 settings, each with these 5 seeds; "18 of 6x5" where some lack seeds."""
    full = p.runs == p.settings * len(p.seeds)
    return f"{'' if full else f'{p.runs} of '}{p.settings}x{len(p.seeds)}" if p.runs else "0"


def duration(seconds: float) -> str:
    """ "42 s", "3 min 20 s", "5 h 03 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _several(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(v) for v in values if v}))


def _data(record: Mapping[str, Any]) -> str:
    run, data = record["run"], record.get("data", {})
    return f"{run.get('dataset', '?')} {data.get('version', '?')} ({str(data.get('fingerprint', ''))[:10]})"


def _ranges(numbers: tuple[int, ...]) -> str:
    """0, 1, 2, 5 -> "0-2,5"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
