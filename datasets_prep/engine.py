"""Raw folders -> a prepared store: in parallel, resumable, the same bytes whatever the number of processes, all or nothing."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib
import os
import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets_prep import building, commit, workers
from datasets_prep.dataset import Dataset, Found, Item, Made, Sources
from datasets_prep.lists import few
from datasets_prep.media import Unreadable
from mmbench import prepared
from mmbench.errors import UserError, unknown

LOOK = 50  # items after which a preparation that yields nothing is given up


@dataclass(frozen=True)
class Shared:
    """What every worker process knows."""

    module: str
    place: Path
    wanted: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a preparation will do, before it starts. wanted: arrays to make; bytes: what they will take; free: on that disk."""

    dataset: Dataset
    found: Found
    wanted: tuple[str, ...]
    place: Path
    content: Mapping[str, Any]
    raw: str  # of the raw files as they are now
    adds: bool  # to a store of the same raw files
    bytes: int
    free: int
    seconds: float
    memory_mb: int


def arrays_of(dataset: Dataset, only: Sequence[str]) -> tuple[str, ...]:
    """The arrays behind the named preparations or arrays (none named: all), in the order of the dataset's file."""
    wanted = {array for array in dataset.extras.values() if isinstance(array, str)}
    for name in only or dataset.arrays:
        if only and name in dataset.preparations:
            for array in dataset.preparations[name].values():
                wanted.update([array] if isinstance(array, str) else array.values())
            wanted.update(array[name] for array in dataset.extras.values() if not isinstance(array, str))
        elif name in dataset.arrays:
            wanted.add(name)
        else:
            raise unknown(f"preparation or array of {dataset.id}", name, [*dataset.preparations, *dataset.arrays])
    return tuple(name for name in dataset.arrays if name in wanted)


def plan(dataset: Dataset, sources: Sources, root: Path, only: Sequence[str], jobs: int) -> Plan:
    """Read the raw layout and say what is to be done. UserError for a wrong folder, and where the disk is too small."""
    wanted = arrays_of(dataset, only)
    found = dataset.find(sources, wanted)
    dataset = _settled(dataset, found)
    if not found.items:
        raise UserError(f"{dataset.id}: nothing to prepare in {_folders(sources)}; expected: {dataset.layout}")
    _unique(found.items)
    wanted = _possible(dataset, found, wanted, bool(only))
    content = commit.plan(dataset, found, wanted)
    kept, raw = commit.existing(root, dataset.id), commit.raw(found)
    adds = kept is not None and kept["plan"] == {"keys": content["keys"], "raw": raw, "libraries": content["libraries"]}
    if kept and adds:
        wanted = tuple(name for name in wanted if name not in kept["arrays"])
        content = commit.plan(dataset, found, wanted)
    place = building.folder(root, dataset.id, prepared.VERSION)
    needs = round(sum(_bytes(dataset, name) for name in wanted) * len(found.items))
    on_disk = building.occupied(place) if place.exists() else 0
    free = shutil.disk_usage(_parent(root)).free
    if needs - on_disk > free:
        raise UserError(
            f"{dataset.id}: needs about {(needs - on_disk) / 1e9:.1f} GB in {root}, {free / 1e9:.1f} GB are free: make room, set "
            f"MMBENCH_DATA to another disk, or prepare less with --only ({few(list(dataset.preparations), 9)})"
        )
    seconds = len(found.items) / (dataset.speed * max(1, jobs)) if wanted else 0.0
    return Plan(dataset, found, wanted, place, content, raw, adds, needs, free, seconds, dataset.memory * max(1, jobs))


def _possible(dataset: Dataset, found: Found, wanted: Sequence[str], asked: bool) -> tuple[str, ...]:
    """The arrays that this copy can give. UserError where none is left, or where one that it cannot was asked for."""
    possible = tuple(name for name in wanted if name not in found.absent)
    if len(possible) < len(wanted) and (asked or not possible):
        name = next(name for name in wanted if name in found.absent)
        raise UserError(f"{dataset.id}: {name} cannot be made: {found.absent[name]}")
    return possible


def _settled(dataset: Dataset, found: Found) -> Dataset:
    """The dataset with the settings and classes that only the raw folders could tell."""
    arrays = {n: replace(a, settings={**a.settings, **found.settings.get(n, {})}) for n, a in dataset.arrays.items()}
    return replace(dataset, arrays=arrays, classes={**dataset.classes, **found.classes})


def _bytes(dataset: Dataset, name: str) -> float:
    array = dataset.arrays[name]
    return array.entry_bytes * (array.typical if array.ragged else 1)


def _folders(sources: Sources) -> str:
    return ", ".join(str(path) for path in sources.folders.values())


def _parent(path: Path) -> Path:
    """The nearest folder above that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def _unique(items: Sequence[Item]) -> None:
    keys = Counter(item.key for item in items)
    twice = [key for key, count in keys.items() if count > 1]
    if twice:
        raise UserError(f"two clips have one key: {few(twice)}: remove one of each from the raw folder")


def run(plan: Plan, root: Path, sources: Sources, jobs: int, progress: Callable[[int, int, int], None], say: Callable[[str], None]) -> None:
    """Do what the plan says, then commit. progress(done, all, with something skipped). Stopped at any moment, the same call goes on."""
    with alone(plan.place):
        done = _resumed(plan, say) if plan.wanted else building.Journal(plan.place)
        if plan.wanted:
            _work(plan, done, jobs, progress)
        commit.commit(plan, root, sources, done)


@contextmanager
def disk(root: Path) -> Iterator[None]:
    """What the disks refuse, as one line. root: where is written; any other place is read."""
    try:
        yield
    except OSError as error:
        raise _refused(error, root) from None


def _refused(error: OSError, root: Path) -> UserError:
    if error.errno == errno.ENOSPC:
        return UserError(f"the disk of {root} is full: make room and run the same command again, it goes on where it stopped")
    if error.filename and not Path(error.filename).absolute().is_relative_to(root.absolute()):
        return UserError(f"{error.filename}: cannot be read ({error.strerror})")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"{error.filename or root}: no permission to write there: set MMBENCH_DATA to a folder of yours")
    if error.errno in (errno.EDQUOT, errno.EFBIG):
        return UserError(f"{root}: {error.strerror}: make room and run the same command again, it goes on where it stopped")
    return UserError(f"{error.filename or root}: {error.strerror}")


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Nobody else prepares this dataset into this root meanwhile."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another preparation of {place.name} is running: wait for it") from None
        yield


def _resumed(plan: Plan, say: Callable[[str], None]) -> building.Journal:
    """What an interrupted preparation has finished and is still true: raw files unchanged, rows intact."""
    arrays = {name: plan.dataset.arrays[name] for name in plan.wanted}
    if building.create(plan.place, plan.content, arrays, len(plan.found.items)):
        say("the raw folder, the recipes or the libraries have changed since the interrupted preparation: starting anew")

    def true(entry: Mapping[str, Any]) -> bool:
        same = entry["stamps"] == building.stamps(plan.found.items[entry["row"]].files)
        return same and building.intact(plan.place, arrays, entry)

    good = building.journal(plan.place, true)
    if len(good) < len(plan.found.items) and any(building.joined(plan.place, name) for name in arrays):
        shutil.rmtree(plan.place)
        building.create(plan.place, plan.content, arrays, len(plan.found.items))
        good = building.journal(plan.place)
    if good:
        say(f"going on: {len(good):,} of {len(plan.found.items):,} items were finished before")
    return good


class _Tasks(Sequence[tuple[int, Item]]):
    """The rows that are not done, each with its item, which is made when it is asked for."""

    def __init__(self, items: Sequence[Item], done: building.Journal):
        self.items, self.rows = items, array("q", (row for row in range(len(items)) if row not in done.places))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        row = self.rows[index]
        return row, self.items[row]


def _work(plan: Plan, done: building.Journal, jobs: int, progress: Callable[[int, int, int], None]) -> None:
    """Make the rows that are missing, and note each in the journal as soon as it is whole."""
    items, before = plan.found.items, len(done)
    tasks = _Tasks(items, done)
    shared = Shared(plan.dataset.module, plan.place, plan.wanted)
    skipped = sum(bool(entry["skipped"]) for entry in done)
    progress(len(done), len(items), skipped)
    with done.path.open("ab") as journal:
        for entry in workers.run(make, shared, tasks, jobs, lambda task, how: _entry(shared, task, _all_skipped(shared, task, how))):
            done.add(journal, entry)
            skipped += bool(entry["skipped"])
            progress(len(done), len(items), skipped)
            if len(done) - before == min(LOOK, len(tasks)):
                _hopeless(done, plan)


def _hopeless(done: building.Journal, plan: Plan) -> None:
    """UserError when nothing at all came out so far: a whole folder of pointers, pages or empty files."""
    if any(entry["arrays"] for entry in done):
        return
    reasons = Counter(reason for entry in done for reason in entry["skipped"].values())
    kinds = Counter(reason.split(": ", 1)[-1] for reason in reasons.elements())
    example = next(reason for reason in reasons if reason.endswith(kinds.most_common(1)[0][0]))
    raise UserError(f"{plan.dataset.id}: none of the first {len(done)} items can be used; for instance {example}")


def make(shared: Shared, task: tuple[int, Item]) -> dict[str, Any]:
    """One item, in a worker: its rows are written before its journal entry is returned."""
    dataset: Dataset = importlib.import_module(shared.module).DATASET
    _, item = task
    try:
        made = dataset.make(item, shared.wanted)
    except Unreadable as error:
        made = _all_skipped(shared, task, str(error))
    except (ValueError, ArithmeticError, LookupError) as error:  # a clip nobody thought of costs itself, by name
        made = _all_skipped(shared, task, f"{type(error).__name__}: {error}")
    return _entry(shared, task, made)


def _all_skipped(shared: Shared, task: tuple[int, Item], why: str) -> Made:
    return Made(skipped=dict.fromkeys(shared.wanted, f"{task[1].key}: {why}"))


def _entry(shared: Shared, task: tuple[int, Item], made: Made) -> dict[str, Any]:
    row, item = task
    dataset: Dataset = importlib.import_module(shared.module).DATASET
    assert {*made.arrays, *made.skipped} == {*shared.wanted}, f"{item.key}: {sorted(made.arrays)} of {shared.wanted}"
    written = {
        name: building.write(shared.place, name, dataset.arrays[name], row, value, made.sizes.get(name))
        for name, value in made.arrays.items()
    }
    return {
        "row": row, "key": item.key, "stamps": building.stamps(item.files), "source": _digest(item), "arrays": written,
        "skipped": made.skipped, "notes": made.notes,
    }  # fmt: skip


def _digest(item: Item) -> str:
    """sha256 over the raw files of an item, "" where it has none of its own that is one file."""
    if item.facts.get("shared"):
        return ""
    total = hashlib.sha256()
    paths = [path for _, path in sorted(item.files.items()) if os.path.isfile(path)]
    for path in paths:
        with open(path, "rb") as handle:
            total.update(hashlib.file_digest(handle, "sha256").digest())
    return total.hexdigest() if paths else ""
