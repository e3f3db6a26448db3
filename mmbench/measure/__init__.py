"""`mmbench measure NAME`: how long the suite takes on this machine, cell kind by cell kind, in a time budget.

What is measured is kept after every kind, in `results/machines/NAME.json`; the same command goes on with the kinds that are not yet
there. `mmbench plan --on-machine NAME` then says what the tables cost. This module needs no torch; its worker does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from mmbench import pool, published, session
from mmbench.jobqueue import Event, Outcome, Queue
from mmbench.measure import kinds, machine
from mmbench.measure.kinds import Use
from mmbench.places import Place, places
from mmbench.provenance import duration
from mmbench.smoke import thrown_away
from mmbench.spec import Job

WORKER, MANY = "mmbench.measure.cell:run", "mmbench.measure.cell:together"
AT_ONCE = (1, 2, 4)  # processes on one GPU
RESERVE = 60.0  # seconds that they may take
LAG = 0.3  # seconds of a window that belong to what ran before: nvidia-smi looks back
Listener = Callable[[Event], object]
Utilisation = list[tuple[float, float]]  # when (seconds since the epoch), %


def run(
    name: str, names: Sequence[str], *, budget: float, device: str, note: str, listen: Callable[[int], AbstractContextManager[Listener]]
) -> dict[str, Any]:  # fmt: skip
    """Measure for `budget` seconds what is not yet known of this machine; the answer is what `--json` prints. listen: number of jobs ->
    what hears of them. A kind is not begun where the longest so far would end too late; the first always is."""
    session.writable()
    began, place = time.monotonic(), places(device, 1)[0]
    found, into, wanted = machine.begun(name, place, note), machine.folder(), kinds.uses(names, published.datasets())
    todo = {use.cell.key: use for use in wanted if use.kind.id not in found["kinds"]}
    for use in todo.values():
        found["failed"].pop(use.kind.id, None)
    found["sessions"].append({"date": _now(), "command": _command(), "commit": "", "dirty": False, "load": _load()})
    several = place.device == "cuda" and not found["together"]
    with watched(place) as used, listen(len(todo)) as screen, thrown_away():
        hearing = Hearing(found, todo, into, used, screen, began + budget - RESERVE * several)
        outcome = one_by_one(hearing, place)
        if several and not outcome.stopped_by:
            found["together"] = at_once(place, min(wanted, key=lambda use: use.weight), AT_ONCE)
    found["sessions"][-1]["seconds"] = round(time.monotonic() - began)
    files = machine.write(found, into)
    left = [use.kind.id for use in wanted if use.kind.id not in found["kinds"]]
    return {
        "name": name, "machine": found["machine"], "files": [str(file) for file in files], "kinds": len(found["kinds"]),
        "measured": hearing.measured, "left": len(left), "failed": found["failed"], "together": found["together"],
        "seconds": found["sessions"][-1]["seconds"],
        "exit_code": 128 + outcome.stopped_by if outcome.stopped_by else int(bool(found["failed"])),
    }  # fmt: skip


@dataclass
class Hearing:
    """What becomes of the kinds: kept as soon as a worker has measured one; none is begun when the time is up."""

    found: dict[str, Any]
    todo: Mapping[str, Use]  # by key
    into: Path
    used: Utilisation
    screen: Listener
    end: float  # of time.monotonic
    longest: float = 0.0
    measured: int = 0
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = Queue([Job(key, 0, use.cell.run, (), "full") for key, use in self.todo.items()], self)

    def __call__(self, event: Event) -> None:
        self.screen(event)
        if event.job is None:
            return
        use = self.todo[event.job.key]
        if event.kind == "progress" and "measured" in event.news:
            self.keep(use, event.news)
        elif event.kind == "ended" and event.report is not None:
            if event.report.status == "failed":
                self.found["failed"][use.kind.id] = event.report.why
            self.longest = max(self.longest, event.report.seconds)
            if time.monotonic() + self.longest > self.end:
                self.queue.waiting.clear()

    def keep(self, use: Use, news: Mapping[str, Any]) -> None:
        entry, now = dict(news["measured"]), self.found["sessions"][-1]
        now["commit"], now["dirty"] = news["code"]
        began, ended = entry.pop("window")
        seen = [share for when, share in self.used if began + LAG <= when <= ended]
        busy = {"gpu_busy": round(mean(seen), 1) if seen else None} if self.found["machine"]["device_kind"] == "cuda" else {}
        extra = {"load": _load(), "session": len(self.found["sessions"]) - 1}
        self.found["kinds"][use.kind.id] = {"cell": use.cell.address, **entry, **busy, **extra}
        self.measured += 1
        machine.write(self.found, self.into)


def one_by_one(hearing: Hearing, place: Place) -> Outcome:
    return pool.local(hearing.queue, [place], WORKER)


def at_once(place: Place, use: Use, counts: Sequence[int]) -> dict[str, Any]:
    """Items per second of all processes together, where 1, 2, ... train the same cell on one device."""
    rows: list[dict[str, Any]] = []
    for count in counts:
        told: dict[int, Mapping[str, Any]] = {}

        def hear(event: Event, told: dict[int, Mapping[str, Any]] = told) -> None:
            if event.job is not None and event.kind == "progress" and "together" in event.news:
                told[event.job.seed] = event.news["together"]

        jobs = [Job(use.cell.key, i, {**use.cell.run, "together": count}, (), "full") for i in range(count)]
        outcome = pool.local(Queue(jobs, hear), [place] * count, MANY)
        if len(told) < count:
            why = next((report.why for report in outcome.failed), "stopped")
            return {"cell": use.cell.address, "rows": rows, "failed": f"{count} at once: {why}"}
        rate = sum(one["steps"] * one["batch"] / one["seconds"] for one in told.values())
        rows.append({"jobs": count, "rate": round(rate, 1), "times": round(rate / (rows[0]["rate"] if rows else rate), 2)})
    return {"cell": use.cell.address, "rows": rows}


@contextmanager
def watched(place: Place) -> Iterator[Utilisation]:
    """What nvidia-smi says of the GPU, five times a second while the block runs; nothing on a CPU."""
    seen: Utilisation = []
    if place.device != "cuda":
        yield seen
        return
    asked = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    command = ["nvidia-smi", f"--id={place.environment['CUDA_VISIBLE_DEVICES']}", *asked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:

        def listen() -> None:
            for line in process.stdout or ():
                if line.strip().isdigit():
                    seen.append((time.time(), float(line)))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            process.terminate()
            thread.join()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _command() -> str:
    return " ".join(["mmbench", *sys.argv[1:]])


def _load() -> float:
    """Processes that wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2)


def text(answer: Mapping[str, Any]) -> str:
    lines = [
        f"{answer['name']} ({answer['machine']['device']}): {answer['measured']} kinds of cells measured in {duration(answer['seconds'])}, "
        f"{answer['kinds']} known, {answer['left']} left" + (": the same command goes on" if answer["left"] else ""),
        *(f"failed: {id}: {why}" for id, why in answer["failed"].items()),
        *(f"{row['jobs']} at once: {row['rate']:g} items/s, {row['times']:g} times one" for row in answer["together"].get("rows", ())),
        "written: " + ", ".join(answer["files"]),
        f"what the tables cost here: mmbench plan --all --on-machine {answer['name']}",
    ]
    return "\n".join(lines)
