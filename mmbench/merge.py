"""The verb `merge`: records from elsewhere, each validated first, put under the name of the group that made them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mmbench import paths, png, published, records, resolve, sound, today
from mmbench.errors import UserError
from mmbench.found import SHIPPED
from mmbench.metrics import RANGES
from mmbench.spec import READINGS, SCALES

GROUP = re.compile(r"[a-z0-9][a-z0-9.+-]*")
WORD = re.compile(r"[A-Za-z0-9][\w.+-]*")  # of a dataset or a method: part of a file's path
COPIED = ("started", "seconds")  # two runs never have these in common, one and its copy always
ANY = (-math.inf, math.inf)
ROUNDING = 1e-6  # a difference of two shares that are equal
NUMBERS = "biuf"  # numpy's kinds: bool, integers, floats
NAMED = 3  # files that one line of text names; --json names all


@dataclass
class Merged:
    """taken: group -> how many records; unasked: group -> the files of those among them whose settings no table asks for; here: how
    many were here before; refused: file -> why. Files are named below the folder."""

    taken: dict[str, int] = field(default_factory=dict)
    unasked: dict[str, list[str]] = field(default_factory=dict)
    here: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0

    def answer(self) -> dict[str, Any]:
        return {"taken": self.taken, "unasked": self.unasked, "here": self.here, "refused": self.refused}

    def text(self) -> str:
        taken = [f"{group}: {_records(number)} taken; {self._shown(group, number)}" for group, number in self.taken.items()]
        here = [f"{self.here} are here already"] if self.here else []
        refused = [f"refused: {file}: {why}" for file, why in self.refused.items()]
        return "\n".join([*taken, *here, *refused])

    def _shown(self, group: str, taken: int) -> str:
        """What the report will do with the records that were taken of a group."""
        files = self.unasked.get(group, [])
        if not files:
            return f"the report shows {'it' if taken == 1 else 'them'} as unverified"
        shown = f"shows {taken - len(files)} of them, as unverified" if len(files) < taken else "does not show " + ("it", "them")[taken > 1]
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        return f"the report {shown}: no table asks for the settings of {', '.join(files[:NAMED])}{more}"


def run(folder: Path, *, name: str = "", dirty: bool = False) -> Merged:
    """Every record below a folder, wherever in it. name: the group to put them under, in place of their own. dirty: also those made
    from a tree with changes that no commit holds. Raises UserError where there is nothing to merge, or no name to put it under."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give the results folder of others, or any folder with their records")
    runs = folder / "runs" if (folder / "runs").is_dir() else folder  # beside it lie failures and what was set aside
    found = sorted(f for f in runs.rglob("*.json") if records.NAME.fullmatch(f.name))
    if not found:
        raise UserError(f"{folder} holds no record (files named KEY-sSEED.json)")
    done, good = Merged(), []
    for file in found:
        try:
            good.append((file, _validated(file, dirty)))
        except UserError as error:
            done.refused[_below(file, folder)] = str(error).removeprefix(f"{file} ").removeprefix(f"{file}: ")
        except RecursionError:
            done.refused[_below(file, folder)] = "is no record: its content is nested too deeply"
    _named({record["group"] for _, record in good}, name, folder)
    for file, record in good:
        _take(file, record | {"group": name or record["group"]}, _below(file, folder), done)
    return done


def _below(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _records(number: int) -> str:
    return f"{number} record{'' if number == 1 else 's'}"


@cache
def _asked(benchmarks: Path) -> frozenset[str]:
    """The keys that any table asks for, at any scale and under any reading. benchmarks: where the tables lie."""
    return frozenset(
        cell.key for id in published.ids() for scale in SCALES for reading in READINGS
        for cell in resolve.cells(published.load(id), scale, reading) if cell.key
    )  # fmt: skip


def _named(groups: set[str], name: str, folder: Path) -> None:
    """What comes with the project counts as ours in every report, so that nobody else's may come under its name."""
    if name and not GROUP.fullmatch(name):
        raise UserError(f"--as is '{name}': use small letters, digits, '.', '+' and '-' only")
    if name == SHIPPED or (not name and SHIPPED in groups):
        others = f", or give {folder}/runs/GROUP" if (folder / "runs").is_dir() and len(groups) > 1 else ""
        how = "give --as another one" if name else f"put them under another one with --as NAME{others}"
        raise UserError(f"'{SHIPPED}' is the name of the records that come with the project: {how}")
    if (name or paths.group()) == paths.group() and (name or paths.group() in groups):
        raise UserError(f"'{paths.group()}' is the name of your own group: put theirs under another one with --as NAME")


def _validated(file: Path, dirty: bool) -> dict[str, Any]:
    """The record; UserError with the reason if it is not to be trusted."""
    record = records.read(file)
    run = record["run"]
    if file.stat().st_size > records.LIMIT:
        raise UserError(f"has {file.stat().st_size} bytes, more than {records.LIMIT}")
    for what, word, form in (("group", record["group"], GROUP), ("dataset", run["dataset"], WORD), ("method", run["method"], WORD)):
        if not form.fullmatch(word):
            raise UserError(f"its {what} is no plain name")
    sound.complain_about_key(record, file)
    if why := today.outdated(run):
        raise UserError(f"made with component versions that are not today's: {why}")
    if (problem := records.leak(record)) is not None:
        raise UserError(problem)
    if (beyond := _beyond(record["result"])) is not None:
        raise UserError(beyond)
    if record["environment"].get("dirty") and not dirty:
        raise UserError("made from a tree with changes that no commit holds: nobody can tell what ran; --dirty takes it all the same")
    _complain_about_arrays(file)
    _shown(file)
    return record


def _beyond(result: Mapping[str, Any]) -> str | None:
    """A number that its metric cannot have, in words; None where there is none."""
    for label, chosen in result["selections"].items():
        for name, value in chosen["values"].items():
            low, high = RANGES.get(re.split("[.@/]", name)[0], ANY)
            if not low - ROUNDING <= value <= high + ROUNDING:
                return f"its {name} at {label} is {value:g}, which is not in {low:g} to {high:g}"
    return None


def _complain_about_arrays(file: Path) -> None:
    import zipfile

    for what in ("curve", "pred"):
        try:
            arrays = records.arrays(file, what)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError):
            raise UserError(f"its {records.beside(file, what).name} cannot be read") from None
        if not all(array.dtype.kind in NUMBERS for array in arrays.values()):
            raise UserError(f"its {records.beside(file, what).name} holds something else than numbers")


def _shown(file: Path) -> bytes | None:
    """The picture beside a record, as its run left it; None if there is none, UserError if it is something else."""
    beside = records.picture(file)
    if not beside.exists():
        return None
    try:
        with beside.open("rb") as stream:
            content = stream.read(png.LIMIT + 1)
    except OSError:
        raise UserError(f"its {beside.name} cannot be read") from None
    if problem := png.complaint(content):
        raise UserError(f"its {beside.name} {problem}")
    return content


def _take(file: Path, record: dict[str, Any], shown: str, done: Merged) -> None:
    for group, other in _others(record):
        if group == record["group"]:
            if other["result"] == record["result"]:
                done.here += 1
            else:
                done.refused[shown] = f"another record of this run and seed is already in group {group}; nothing is ever replaced"
            return
        if all(other["environment"].get(part) == record["environment"].get(part) for part in COPIED):
            done.refused[shown] = f"a copy of the record in group {group}: nobody ran it again"
            return
    records.write(record, records.arrays(file, "curve"), records.arrays(file, "pred"), _shown(file))
    done.taken[record["group"]] = done.taken.get(record["group"], 0) + 1
    if record["key"] not in _asked(paths.BENCHMARKS):
        done.unasked.setdefault(record["group"], []).append(shown)


def _others(record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of the same run and seed that are here, by group; its own group first."""
    groups = sorted(records.groups(), key=lambda group: (group != record["group"], group))
    for group in groups:
        file = records.path(record["run"], record["key"], record["seed"], group)
        if file.exists() and (other := records.read_or_set_aside(file)) is not None:
            yield group, other
