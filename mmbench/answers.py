"""What the verbs that only look answer, as plain data: the same that `--json` prints."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mmbench import choose, lease, plan, published, records, registry, resolve, slurm, statements, submitted
from mmbench.errors import unknown
from mmbench.plan import Plan
from mmbench.spec import READINGS, SCALES, Cell

LISTS = ("tables", "papers", *(f"{kind}s" for kind in registry.KINDS))


def listing(what: str) -> list[dict[str, Any]]:
    """The tables, the papers, or the components of one kind ("methods", "heads", ...)."""
    if what == "tables":
        return [_table_line(id) for id in published.ids()]
    if what == "papers":
        return [{"id": id} | {k: v for k, v in published.paper(id).items() if k != "order"} for id in published.papers()]
    if what not in LISTS:
        raise unknown("list", what, LISTS)
    kind = registry.KINDS[what.removesuffix("s")]
    return [{"id": id, "version": e.version, "paper": e.paper, "says": e.says, "params": dict(e.params)} for id, e in kind.items()]


def _table_line(id: str) -> dict[str, Any]:
    table = published.load(id)
    return {
        "id": id, "paper": table.paper, "where": table.where, "title": table.title, "kind": table.kind, "rows": len(table.rows),
        "columns": len(table.columns), "values": len(table.published), "claims": len(table.claims),
    }  # fmt: skip


def show(address: str, scale: str, reading: str, *, why: bool) -> dict[str, Any]:
    """One table, or a part of it: what is printed, what is behind each value, what is claimed. why: file and line of each leaf."""
    cells = choose.cells([address], scale, reading)
    table = published.load(choose.tables([address])[0])
    rows, columns = {c.row for c in cells}, {c.column for c in cells}
    return {
        "id": table.id, "paper": table.paper, "where": table.where, "title": table.title, "kind": table.kind, "metric": table.metric,
        "unit": table.unit, "better": table.better, "scale": scale, "reading": reading,
        "rows": [{"id": r.id, "label": r.label, "x": r.x, "cited": r.cited, "source": r.source} for r in table.rows if r.id in rows],
        "columns": [{"id": c.id, "label": c.label, "metric": c.metric, "unit": c.unit, "better": c.better} for c in table.columns
                    if c.id in columns],
        "cells": [_cell(c) | ({"why": resolve.why(table, c, scale, reading)} if why else {}) for c in cells],
        "claims": [asdict(claim) for claim in table.claims],
        "untestable": [asdict(sentence) for sentence in table.untestable],
    }  # fmt: skip


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row, "column": cell.column, "published": cell.published, "metric": cell.metric, "unit": cell.unit,
        "better": cell.better, "state": cell.state, "reason": cell.why, "key": cell.key, "run": dict(cell.run),
        "view": asdict(cell.view) if cell.view else {}, "runs_behind": cell.runs_behind, "bold": cell.bold, "computed": cell.computed,
        "notes": list(cell.notes),
    }  # fmt: skip


def planned(names: Sequence[str], scale: str, reading: str, seeds: int, workers: int) -> dict[str, Any]:
    """What these tables need: counts in all and per table, every missing job, why some are blocked, and an estimate."""
    cells = choose.cells(names, scale, reading)
    found = plan.jobs(cells, choose.seeds(seeds), scale=scale)
    return counts(found) | {
        "scale": scale, "reading": reading, "seeds": seeds, "ready": len(found.ready),
        "seconds": round(found.seconds / workers, 1) if found.ready and not found.unknown else None, "workers": workers,
        "blocked": _blocked(found), "exhausted": [f"{records.name(*job)}: {why}" for job, why in found.exhausted.items()],
        "damaged": [str(file) for file in found.damaged],
        "inapplicable": [{"cell": c.address, "why": c.why} for c in cells if c.state == "inapplicable"],
        "tables": [{"id": id} | counts(plan.jobs(mine, choose.seeds(seeds), scale=scale)) for id, mine in _by_table(cells).items()],
        "jobs": [
            {"key": j.key, "seed": j.seed, "dataset": j.run["dataset"], "method": j.run["method"], "head": j.run["head"],
             "blocked": found.blocked.get(j.key)} for j in found.jobs
        ],
    }  # fmt: skip


def counts(found: Plan) -> dict[str, Any]:
    return {"wanted": found.wanted, "unique": found.unique, "recorded": found.recorded, "missing": found.missing}


def _blocked(found: Plan) -> dict[str, int]:
    """Why -> how many jobs it blocks."""
    why: dict[str, int] = {}
    for job in found.jobs:
        if job.key in found.blocked:
            why[found.blocked[job.key]] = why.get(found.blocked[job.key], 0) + 1
    return why


def _by_table(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.table, []).append(cell)
    return found


def status(names: Sequence[str], scale: str, reading: str, seeds: int) -> dict[str, Any]:
    """What is recorded of these tables, what runs at this moment (anywhere that shares the results folder), what has failed."""
    cells = choose.cells(names, scale, reading)
    keys = {c.key for c in cells if c.state == "run"}
    now = {job: news for job, news in lease.running().items() if job[0] in keys}
    failed = {job: note for job, note in records.failures().items() if job[0] in keys}
    return counts(plan.jobs(cells, choose.seeds(seeds), scale=scale)) | {
        "scale": scale, "reading": reading, "seeds": seeds,
        "tables": [{"id": id} | counts(plan.jobs(mine, choose.seeds(seeds), scale=scale)) for id, mine in _by_table(cells).items()],
        "queued": [{"key": key, "seed": seed, "id": id, "state": state} for (key, seed), (id, state) in sorted(queued(keys).items())],
        "running": [{"key": key, "seed": seed} | _progress(news) for (key, seed), news in sorted(now.items())],
        "failed": [note for _, note in sorted(failed.items())],
    }  # fmt: skip


def queued(keys: Container[str]) -> dict[tuple[str, int], tuple[str, str]]:
    """(key, seed) -> (Slurm's id, its state) of what Slurm still has. It is asked only where something was submitted; UserError when it
    does not answer."""
    mine = {job: s.id for job, s in submitted.all().items() if job[0] in keys}
    states = slurm.queue() if mine else {}
    return {job: (id, states[id][0]) for job, id in mine.items() if id in states}


def _progress(news: Mapping[str, Any]) -> dict[str, Any]:
    return {name: news[name] for name in ("epoch", "epochs") if name in news}


def check() -> dict[str, Any]:
    """Load and resolve everything under benchmarks/; UserError names the first complaint. What there is, counted."""
    published.check()
    statements.load()
    resolved = {scale: len({c.key for c in choose.all_cells(scale) if c.key}) for scale in SCALES}
    return {"readings": list(READINGS), "keys": resolved, "papers": published.counts()}
