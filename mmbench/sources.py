"""What stands beside the tables: numbers of third parties, and the works to cite."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mmbench import paths, published, schema
from mmbench.errors import UserError
from mmbench.locate import content, read
from mmbench.spec import Cell, Table

_OUTSIDE = {"like": list, "says": str, "value": str, "source": str, "evidence": str}
EVIDENCE = {
    "P": "a paper", "C": "a released checkpoint or log", "I": "an issue of a public repository",
    "T": "a picture in a third party's repository", "R": "a third party's reproduction",
}  # fmt: skip


@dataclass(frozen=True)
class Outside:
    """A number that somebody else got for the configuration of the cells `like` (addresses). value as stated, perhaps a range."""

    like: tuple[str, ...]
    says: str
    value: str
    source: str
    evidence: str  # a key of EVIDENCE


def outside() -> tuple[Outside, ...]:
    """benchmarks/outside.toml. Raises UserError."""
    path = paths.BENCHMARKS / "outside.toml"
    data = read(path)
    file = schema.File(path, data, {})
    file.keys((), data, ("values",))
    found = []
    for n, given in enumerate(data.get("values", [])):
        where = ("values", n)
        file.keys(where, file.mapping(where, given), _OUTSIDE)
        file.typed(where, given, _OUTSIDE)
        for key in _OUTSIDE:
            if not given.get(key):
                raise file.wrong((*where, key), "is missing")
        file.name((*where, "evidence"), "evidence", given["evidence"], EVIDENCE)
        try:
            published.select(given["like"])
        except UserError as error:
            raise file.wrong((*where, "like"), str(error)) from None
        found.append(Outside(tuple(given["like"]), *(given[key] for key in ("says", "value", "source", "evidence"))))
    return tuple(found)


def bibliography() -> dict[str, list[str]]:
    """What an entry of benchmarks/citations.bib stands for (paper, dataset, method, head, encoder, model) -> the entries."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"(?m)^(?=@)", content(paths.BENCHMARKS / "citations.bib").decode())[1:]:
        match = re.search(r"^\s*mmbench = \{([^}]*)\},\n", entry, re.MULTILINE)
        for name in match[1].split(",") if match else ():
            found.setdefault(name.strip(), []).append((entry[: match.start()] + entry[match.end() :]).strip() if match else entry)
    return found


def cite(tables: Iterable[Table], cells: Iterable[Cell]) -> list[str]:
    """The BibTeX entries of what these tables and cells use, each once: papers first, then datasets, methods, heads, networks."""
    names = [table.paper for table in tables]
    runs = [cell.run for cell in cells if cell.run]
    names += [run["dataset"] for run in runs] + [run["method"] for run in runs] + [run["head"] for run in runs]
    names += [run["model"] for run in runs] + [encoder["name"] for run in runs for encoder in run["encoders"].values()]
    known = bibliography()
    return list(dict.fromkeys(entry for name in dict.fromkeys(names) for entry in known.get(name, [])))
