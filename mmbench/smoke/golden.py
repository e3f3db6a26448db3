"""The committed counts: of every unique cell its parameters and the shapes that its encoders are given in training.

A change here is a change of what is trained. Make the file anew:  mmbench smoke --golden  (of some tables:  mmbench smoke TABLE --golden)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mmbench import paths

PATH = paths.REPOSITORY / "tests" / "golden" / "smoke.json"
COMPARED = ("parameters", "inputs")


@cache
def read() -> dict[str, dict[str, Any]]:
    """Key -> what is compared, and the cell's address; empty where the file is not there (an installation without the tests)."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def difference(key: str, seen: Mapping[str, Any]) -> str:
    """What differs from the golden, in one line; "" if nothing does."""
    if not PATH.exists():
        return ""
    if (kept := read().get(key)) is None:
        return "it is not in the golden: regenerate that (mmbench smoke --golden)"
    wrong = [name for name in COMPARED if kept[name] != seen[name]]
    return "; ".join(f"{name} {json.dumps(seen[name])}, the golden has {json.dumps(kept[name])}" for name in wrong)


def write(lines: Iterable[Any], *, whole: bool) -> None:
    """Put in the entries of these lines. whole: they are all of the suite, so that entries of other keys go; an entry stays where
    its cell did not run."""
    old = read()
    made = {
        line.key: {"cell": line.cells[0].address, **{name: line.seen[name] for name in COMPARED}} if line.seen else old.get(line.key)
        for line in lines
        if line.key
    }
    kept = made if whole else {**old, **made}
    rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in sorted(kept.items()) if entry)
    PATH.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    read.cache_clear()
