"""Many records read at once: by several processes, each setting kept once, so that 100,000 are a matter of seconds."""

from __future__ import annotations

import gc
import marshal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmbench import places, processes, records, sound
from mmbench.errors import UserError

MANY = 2000  # files; fewer are read sooner than other processes have started
CHUNK = 500
Answer = dict[str, Any] | str  # the record, or what is wrong with its file


def read(files: Sequence[Path]) -> Iterator[Answer]:
    """Of each file, in order, its record or what is wrong with it. Records in a row share equal settings: they are not to be changed."""
    workers = places.cores() if len(files) >= MANY else 1
    if workers == 1:
        yield from _answers(files)
        return
    collected = gc.isenabled()
    gc.disable()  # nothing of a record is ever garbage while it is read, and a walk over 100,000 takes longer than reading them
    try:
        for answers in processes.each(_packed, files, range(0, len(files), CHUNK), workers):
            yield from marshal.loads(answers)
        gc.freeze()  # and they live as long as the report
    finally:
        if collected:
            gc.enable()


def _packed(files: Sequence[Path], first: int) -> bytes:
    """The answers of a chunk. Marshal, for what is plain and stays among processes of one Python, takes a fifth of pickle's time."""
    return marshal.dumps(list(_answers(files[first : first + CHUNK])))


def _answers(files: Sequence[Path]) -> Iterator[Answer]:
    last: dict[str, Any] = {}
    for file in files:
        try:
            record = records.read(file)
            another_seed = record["key"] == last.get("key") and record["run"] == last["run"]
            if not another_seed:  # else that was asked already: it takes longer than reading
                sound.complain_about_key(record, file)
        except UserError as error:
            yield str(error)
            continue
        if another_seed:
            record["run"] = last["run"]
            if record["data"] == last["data"]:
                record["data"] = last["data"]
        yield record
        last = record
