"""Pages that are nothing but tables of text: across the papers, costs, audit. Typed here, laid out by `render.html`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmbench.audit import FACTS
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
EACH_ONCE = "all tables, each run once"


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
    tables = [_once(grid.origins for grid in page.grids) for page in suite.pages]
    saved = sum(o.runs for origins in tables for o in origins.values()) - sum(o.runs for o in suite.origins.values())
    lead = "A run that several tables ask for is made once. "
    lead += f"Summed over the tables, {saved} runs were saved this way." if saved else "So far no recorded run is shared."
    return Sheet("Costs", lead, (_done(suite, tables), _asked(suite, planned, seeds)))


def _done(suite: Suite, tables: Iterable[Mapping[str, Provenance]]) -> Part:
    heading = "What was run"
    if not suite.measured:
        return Part(heading, "No run is recorded yet.", ())
    ids = (page.table.id for page in suite.pages)
    rows: list[tuple[Text, ...]] = [(Link(id, id), *_spent(origins)) for id, origins in zip(ids, tables, strict=True) if origins]
    rows.append((EACH_ONCE, *_spent(suite.origins)))
    headers = ("table", "settings", "runs", "time", "per run", "most memory", "devices")
    return Part(heading, "", (Rows("By table, all scales and readings", headers, tuple(rows)),))


def _asked(suite: Suite, planned: Mapping[str, tuple[Cell, ...]], seeds: int) -> Part:
    asked = {page.table.id: [c.key for c in planned[page.table.id] if c.state == "run"] for page in suite.pages}
    rows: list[tuple[Text, ...]] = [(Link(id, id), *_jobs(keys, seeds)) for id, keys in asked.items() if keys]
    rows.append((EACH_ONCE, *_jobs([key for keys in asked.values() for key in keys], seeds)))
    words = (
        f"Values that can be run on the papers' data, with {seeds} seeds. How many hours they take on a machine that was measured, "
        "'mmbench plan --all --on-machine NAME' says."
    )
    found = Rows("By table, the paper's reading", ("table", "values", "runs asked for", "unique runs"), tuple(rows))
    return Part("What the papers' own settings ask for", words, (found,))


def _jobs(keys: Sequence[str], seeds: int) -> tuple[str, str, str]:
    return str(len(keys)), str(len(keys) * seeds), str(len(set(keys)) * seeds)


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
    """What the printed tables say without a run: what contradicts something, then what only says something of the numbers."""
    found = list(findings)
    lead = (
        "What can be checked about the printed numbers without running anything. A finding is no reproach: it says what to look at twice."
    )
    wrong = Part("Contradictions", "", _found(f for f in found if f["kind"] not in FACTS))
    facts = Part("Facts", "They contradict nothing, but say how the numbers came about.", _found(f for f in found if f["kind"] in FACTS))
    parts = tuple(part for part in (wrong, facts) if part.tables)
    return Sheet("Audit of the printed tables", lead, parts or (Part("Nothing found", "", ()),))


def _found(findings: Iterable[Mapping[str, Any]]) -> tuple[Rows, ...]:
    by_paper: dict[str, list[tuple[Text, ...]]] = {}
    for finding in findings:
        by_paper.setdefault(str(finding["paper"]), []).append(_finding(finding))
    headers = ("table", "kind", "what it says", "expected", "found")
    return tuple(Rows(f"{paper}: {len(rows)}", headers, tuple(rows)) for paper, rows in by_paper.items())


def _finding(finding: Mapping[str, Any]) -> tuple[Text, ...]:
    table = str(finding["table"])
    said = tuple(str(finding.get(name) if finding.get(name) is not None else DASH) for name in ("kind", "says", "expected", "found"))
    return (Link(table, table), *said)
