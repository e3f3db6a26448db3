"""Pages that are nothing but tables of text: across the papers, costs, audit. Typed here, laid out by `render.html`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmbench.provenance import Provenance, duration
from mmbench.spec import Cell
from mmbench.suite import Suite
from mmbench.wording import DASH


@dataclass(frozen=True)
class Link:
    """A text that leads to the page of a table, and, if a section is named, to it."""

    text: str
    table: str
    section: str = ""


Text = str | Link


@dataclass(frozen=True)
class Rows:
    """The first text of a row is its header."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True)
class Part:
    heading: str
    words: str
    tables: tuple[Rows, ...]


@dataclass(frozen=True)
class Sheet:
    title: str
    lead: str
    parts: tuple[Part, ...]


def costs(suite: Suite, planned: Mapping[str, tuple[Cell, ...]], seeds: int = 5) -> Sheet:
    """What was run and what it took; what the papers' own setting asks for. planned: table -> its cells at full scale."""
    spent = [(page.table.id, _once(grid.origins for grid in page.grids)) for page in suite.pages]
    rows = [(Link(id, id), *_spent(origins)) for id, origins in spent if origins]
    shared = sum(o.runs for _, origins in spent for o in origins.values()) - sum(o.runs for o in suite.origins.values())
    total = ("all, each run once", *_spent(suite.origins))
    lead = f"Tables share runs: a run that {'several tables ask' if shared else 'more than one table asks'} for is made once. "
    lead += f"Summed over the tables, {shared} runs were saved this way." if shared else "So far no recorded run is shared."
    headers = ("table", "settings", "runs", "time", "per run", "most memory", "devices")
    done = Part(
        "What was run", "" if rows else "No run is recorded yet.", (Rows("By table, all scales", headers, (*rows, total)),) if rows else ()
    )
    asked = [(page.table.id, [c.key for c in planned[page.table.id] if c.state == "run"]) for page in suite.pages]
    plan = [(Link(id, id), str(len(keys)), str(len(keys) * seeds), str(len(set(keys)) * seeds)) for id, keys in asked if keys]
    every = [key for _, keys in asked for key in keys]
    plan.append(("all, each run once", str(len(every)), str(len(every) * seeds), str(len(set(every)) * seeds)))  # type: ignore[arg-type]
    words = f"Values that can be run today on the papers' data, with {seeds} seeds. Values whose code is still to be written are not in it."
    wanted = Rows("By table, the paper's reading", ("table", "values", "runs asked for", "unique runs"), tuple(plan))
    return Sheet("Costs", lead, (done, Part("What the papers' own settings ask for", words, (wanted,))))


def _once(several: Iterable[Mapping[str, Provenance]]) -> dict[str, Provenance]:
    return {key: origin for origins in several for key, origin in origins.items()}


def _spent(origins: Mapping[str, Provenance]) -> tuple[str, ...]:
    found = list(origins.values())
    runs, seconds = sum(o.runs for o in found), sum(o.seconds for o in found)
    memory = max((o.peak_memory_mb for o in found), default=0.0)
    devices = ", ".join(sorted({kind for o in found for kind in o.kinds})) or DASH
    each = duration(seconds / runs) if runs else DASH
    return str(len(found)), str(runs), duration(seconds), each, f"{memory:.0f} MB" if memory else DASH, devices


def audit(findings: Iterable[Mapping[str, Any]]) -> Sheet:
    """What the printed tables themselves get wrong: arithmetic, bold type, items that no test set has."""
    by_paper: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        by_paper.setdefault(str(finding["paper"]), []).append(finding)
    headers = ("table", "kind", "what it says", "expected", "found")
    parts = [
        Part(paper, "", (Rows(f"Findings in {paper}", headers, tuple(_finding(f) for f in found)),)) for paper, found in by_paper.items()
    ]
    lead = (
        "What can be checked about the printed numbers without running anything. A finding is no reproach: it says what to look at twice."
    )
    return Sheet("Audit of the printed tables", lead, tuple(parts) or (Part("Nothing found", "", ()),))


def _finding(finding: Mapping[str, Any]) -> tuple[Text, ...]:
    table = str(finding["table"])
    said = tuple(str(finding.get(name) if finding.get(name) is not None else DASH) for name in ("kind", "says", "expected", "found"))
    return (Link(table, table), *said)
