"""`mmbench data list | prepare | verify | imitate`: each returns plain data, the text to show and the exit code.

Progress and what must be said meanwhile go to stderr; nothing is downloaded.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_prep import archives, building, catalogue, doctor, engine, folders, report
from datasets_prep.dataset import Dataset, Sources
from mmbench import paths, places, prepared
from mmbench.errors import UserError


@dataclass(frozen=True)
class Answer:
    """data: what `--json` prints; text: what a reader gets; code: 0, 1 (broken, or not comparable under --strict), 2, 130, 143."""

    data: Any
    text: str
    code: int = 0


def prepare(
    dataset: str, raw: Sequence[str], lists: str | None = None, split: str | None = None, only: Sequence[str] = (), jobs: int | None = None,
    root: Path | None = None,
) -> Answer:  # fmt: skip
    """Raw folders -> the prepared store. raw: DIR, or NAME=DIR repeatedly. lists: the folder with others' list files.
    split: must be available at the end, else code 2 before any work. only: preparations or arrays. jobs: processes (default: cores)."""
    chosen, root = catalogue.load(dataset), root or paths.data()
    jobs = places.cores() if jobs is None else jobs
    if jobs < 0:
        raise UserError(f"the number of jobs at once is {jobs}: give 1 or more")
    jobs = min(jobs, chosen.processes or jobs)
    with stoppable(), engine.disk(root):
        given = folders.sources(raw, chosen.folders, Path(lists) if lists else None)
        return _prepared(chosen, given, root, split, only, jobs)


def _prepared(chosen: Dataset, given: Sources, root: Path, split: str | None, only: Sequence[str], jobs: int) -> Answer:
    dataset, place = chosen.id, building.folder(root, chosen.id, prepared.VERSION)
    with archives.opened(given, place.with_name(f"{place.name}.raw"), tell) as sources:
        plan = engine.plan(chosen, sources, root, only, jobs)
        made, lacking = chosen.splits(plan.found, sources)  # a broken list is found before hours of work, not after
        if split and split not in (names := [s.name for s in made]):
            raise UserError(f"split '{split}' of {dataset}: {lacking.get(split) or 'no such split; here: ' + ', '.join(names)}")
        absent = [f"not made: {name}: {why}" for name, why in plan.found.absent.items()]
        for line in (*plan.found.problems, *absent, report.forecast(plan, jobs)):
            tell(line)
        with shown("clips", len(plan.found.items)) as progress:
            engine.run(plan, root, sources, jobs, progress, tell)
    data = doctor.examine(chosen, root, quick=True)
    return Answer(data | {"made": list(plan.wanted)}, report.prepared(data, plan))


def verify(dataset: str, strict: bool = False, quick: bool = False, root: Path | None = None) -> Answer:
    """The doctor: 0 when the store is sound, 1 when it is broken, or (strict) when no split of it is comparable."""
    chosen, root = catalogue.load(dataset), root or paths.data()
    with engine.disk(root), shown("rows", 0) as progress:
        data = doctor.examine(chosen, root, quick, lambda done, total: progress(done, total, 0))
    code = 1 if not data["sound"] or (strict and not data["comparable"]) else 0
    return Answer(data, report.verified(data), code)


def imitate(dataset: str, folder: str | Path, defects: Sequence[str] = ()) -> Answer:
    """A tiny raw tree in the true layout and formats, with the named defects; `folder` must be new or empty."""
    chosen, place = catalogue.load(dataset), Path(folder)
    try:
        chosen.imitate(place, defects)
    except OSError as error:
        raise UserError(f"{error.filename or place}: cannot be written ({error.strerror})") from None
    files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    data = {"dataset": dataset, "folder": str(place), "defects": list(defects), "files": files, "known_defects": dict(chosen.defects)}
    return Answer(data, report.imitated(data))


def list_(root: Path | None = None) -> Answer:
    """Every dataset: licence, access, size, where to ask, which tables it feeds, what is prepared here."""
    data = catalogue.entries(root or paths.data())
    return Answer(data, report.listed(data))


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def shown(what: str, total: int) -> Iterator[Callable[[int, int, int], None]]:
    """A bar on a terminal, a line every tenth part elsewhere. The function takes (done, all, with something skipped)."""
    if not sys.stderr.isatty():
        said = [0]

        def line(done: int, total: int, skipped: int) -> None:
            if total and (tenth := 10 * done // total) > said[0]:
                said[0] = tenth
                tell(f"{done:,} of {total:,} {what}" + (f", {skipped:,} of them with something skipped" if skipped else ""))

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[says]}")
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        bar = bars.add_task(what, total=total or None, says="")
        yield lambda done, total, skipped: bars.update(bar, completed=done, total=total, says=f"{skipped:,} skipped" if skipped else "")


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends a preparation as Ctrl-C does, with exit code 143: what is finished stays finished."""

    def stop(*_: object) -> None:
        raise SystemExit(143)

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    except KeyboardInterrupt:
        tell("stopped: the same command goes on where this one was")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
