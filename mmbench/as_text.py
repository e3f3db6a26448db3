"""The answers of `mmbench.answers`, and how a launch ended, as text for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench import paths
from mmbench.console import label, table
from mmbench.errors import UserError
from mmbench.jobqueue import Outcome
from mmbench.plan import Plan
from mmbench.provenance import duration
from mmbench.spec import flatten

Answer = Mapping[str, Any]


def listing(what: str, rows: Sequence[Answer]) -> str:
    if what == "tables":
        return table(rows, {"id": "table", "where": "printed in", "values": "values", "claims": "claims", "title": "title"})
    if what == "papers":
        return table(rows, {"id": "paper", "venue": "venue", "year": "year", "title": "title"})
    return table(rows, {"id": what.removesuffix("s"), "version": "version", "says": "what it is", "params": "parameters"})


def show(answer: Answer) -> str:
    """The table as printed (a dash where nothing is printed), what cannot run and why, the claims; with `why`, every setting."""
    columns = {c["id"]: f"{c['label']} ({c['id']})" for c in answer["columns"]}
    printed = {(c["row"], c["column"]): c["published"] for c in answer["cells"]}
    rows = [
        {"": f"{r['label']} ({r['id']})"} | {c: printed.get((r["id"], c)) or "–" for c in columns} for r in answer["rows"]
    ]  # fmt: skip
    parts = [
        f"{answer['id']}: {answer['title']} ({answer['where']}; {answer['metric']} in {answer['unit']}, {answer['better']} is better)",
        table(rows, {"": ""} | columns),
        *(_settings(c) for c in answer["cells"] if "why" in c),
        "\n".join(f"{c['row']}:{c['column']} does not run: {c['state']}, {c['reason']}" for c in answer["cells"] if c["reason"]),
        "\n".join(["claims:", *(f"- {c['says']} [{c['form']}]" for c in answer["claims"])]) if answer["claims"] else "",
    ]
    return "\n\n".join(p for p in parts if p)


def _settings(cell: Answer) -> str:
    """Every leaf of the run with the file and line that set it."""
    leaves = flatten(cell["run"])
    rows = [{"leaf": leaf, "value": value, "from": _origin(cell["why"], leaf)} for leaf, value in leaves.items()]
    return f"{cell['row']}:{cell['column']} (key {cell['key']})\n" + table(rows, {"leaf": "setting", "value": "value", "from": "set in"})


def _origin(why: Mapping[str, str], leaf: str) -> str:
    """The place of the leaf, or of the nearest level above it that has one."""
    while leaf and leaf not in why:
        leaf = leaf.rpartition(".")[0]
    return why.get(leaf, "")


def plan(answer: Answer) -> str:
    return "\n".join((*_counts(answer), *_warnings(answer)))


def _counts(answer: Answer) -> Iterator[str]:
    heads = {"id": "table", "wanted": "wanted", "unique": "unique", "recorded": "recorded", "missing": "missing"}
    whole = [{"id": "in all"} | {k: answer[k] for k in heads if k != "id"}] if len(answer["tables"]) != 1 else []
    yield table([*answer["tables"], *whole], heads)
    yield ""
    yield f"scale {answer['scale']}, reading {answer['reading']}, {answer['seeds']} seed{'s' if answer['seeds'] > 1 else ''} per value"


def _warnings(answer: Answer) -> Iterator[str]:
    if answer["ready"]:
        known = answer["seconds"] is not None
        time = (
            f"about {duration(answer['seconds'])} with {answer['workers']} at once" if known else "no estimate: nothing like it is recorded"
        )
        yield f"{answer['ready']} jobs can run now: {time}"
    for why, jobs in answer["blocked"].items():
        yield f"{why} ({jobs} job{'s' if jobs > 1 else ''})"
    yield from answer["exhausted"]
    for file in answer["damaged"]:
        yield f"{file} is damaged and does not count; the next run sets it aside"
    for why in dict.fromkeys(cell["why"] for cell in answer["inapplicable"]):
        yield f"inapplicable: {why}"


def status(answer: Answer) -> str:
    lines = [*_counts(answer)]
    states = [job["state"].lower() for job in answer["queued"]]
    if states:
        lines.append("with Slurm: " + ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)))
    for job in answer["running"]:
        epochs = f", epoch {job['epoch']} of {job['epochs']}" if "epochs" in job else ""
        lines.append(f"running: {job['key']}-s{job['seed']}{epochs}")
    for note in answer["failed"]:
        lines.append(f"failed {note['attempts']}x: {note['key']}-s{note['seed']}: {note['why']}; log: {note['log']}")
    return "\n".join(lines)


def cancelled(answer: Answer) -> str:
    lines = []
    if answer["slurm"]:
        lines.append(f"{len(answer['slurm'])} jobs taken from Slurm")
    if answer["local"]:
        jobs = "all its jobs" if len(answer["local"]) == 1 else "all their jobs"
        lines.append(f"{len(answer['local'])} runs on this machine asked to stop, with {jobs}: each writes its checkpoint first")
    if answer["elsewhere"]:
        lines.append(f"{len(answer['elsewhere'])} jobs run on other machines: stop them there")
    return "\n".join(lines) or "nothing of these tables is queued or running"


def check(answer: Answer) -> str:
    heads = {"id": "paper", "tables": "tables", "numbers": "numbers", "settings": "settings", "words": "words", "main_paper": "main paper",
             "claims": "claims", "untestable": "untestable"}  # fmt: skip
    rows = [{"id": id} | counted for id, counted in answer["papers"].items()]
    keys = ", ".join(f"{count} at scale {scale}" for scale, count in answer["keys"].items())
    return f"{table(rows, heads)}\n\nsound; distinct runs: {keys}"


def audit(found: Sequence[Answer]) -> str:
    """A paragraph per finding, by table, and how many there are of each kind."""
    lines, last = [], ""
    for one in found:
        if one["table"] != last:
            last = one["table"]
            lines.append(f"\n{last}")
        lines.append(f"  {one['kind']}: {one['says']}\n    expected: {one['expected']}\n    found: {one['found']}")
    kinds = {kind: sum(one["kind"] == kind for one in found) for kind in dict.fromkeys(one["kind"] for one in found)}
    return "\n".join((*lines, "", f"{len(found)} findings: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())))


def cover(found: Answer) -> str:
    heads = {"method": "method", "head": "head", "task": "task", "model": "model", "address": "cell", "reading": "reading",
             "of": "stands for"}  # fmt: skip
    rows = [dict(zip(heads, c["kind"], strict=False)) | c for c in found["cover"]]
    said = f"{len(rows)} runs cover every method, head, task and model that the tables combine"
    return "\n".join((table(rows, heads), "", said + (f"; no cell runs {', '.join(found['uncovered'])}" if found["uncovered"] else "")))


def regression(found: Answer, markdown: bool = False) -> str:
    """What moved, by how much and since when, or what failed; in markdown for a pull request."""
    rows = found["moved"]
    heads = {
        "address": "cell",
        "metric": "number",
        "before": "accepted",
        "now": "now",
        "says": "moved",
        "allowed": "allowed",
        "since": "since",
    }
    how = f", compared {found['compared']}" if found["compared"] else ""
    count = f"{len(found['cover'])} cells at scale {found['scale']} in {duration(found['seconds'])}{how}"
    new = len(found["unknown"]) == len(found["cover"])
    word = "nothing moved" if not found["exit_code"] else "nothing was accepted before" if new else f"{len(rows)} numbers moved"
    word = f"{len(found['failed'])} of {len(found['cover'])} runs failed" if found["failed"] else word
    lines = [f"**Regression: {word}.** {count}." if markdown else f"{word}: {count}"]
    if rows:
        lines += ["", table(rows, heads, "github" if markdown else "simple"), ""]
    lines += [f"{'- ' * markdown}failed: {one}" for one in found["failed"]]
    for names, says in ((found["unknown"], "without accepted numbers"), (found["stale"], "no longer run")):
        if names:
            lines.append(f"{says}: {'; '.join(names)}")
    if not found["failed"] and (rows or found["unknown"] or found["stale"]):
        lines.append("If that is as it should be: raise the version of what you changed, and `mmbench regress --accept WHY`")
    return "\n".join(lines)


def write(file: str, text: str) -> None:
    """UserError where it cannot be written."""
    try:
        Path(file).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror})") from None


def outcome(found: Plan, ended: Outcome, command: Sequence[str]) -> str:
    """The last words of `run`: what is recorded where, what failed and why, how to go on."""
    statuses = [report.status for report in ended.reports]
    done, diverged = statuses.count("ok") + statuses.count("diverged"), statuses.count("diverged")
    before = found.recorded + statuses.count("exists")
    of = {(j.key, j.seed): j for j in found.jobs}
    lines = [f"failed: {label(of[r.key, r.seed])}: {r.why}; log: {r.log}" for r in ended.failed]
    lines += [f"not tried: {label(of[job])}: {why}" for job, why in found.exhausted.items()]
    parts = [f"{done} recorded" + (f" ({diverged} diverged)" if diverged else ""), f"{before} were recorded before" if before else ""]
    parts += [f"{len(ended.failed)} failed" if ended.failed else "", f"{len(found.blocked)} runs blocked" if found.blocked else ""]
    lines.append(f"{', '.join(p for p in parts if p)}, in {duration(ended.seconds)}: {paths.results() / 'runs' / paths.group()}")
    if ended.left and not ended.stopped_by and not ended.out_of_time:
        lines.append(f"{len(ended.left)} jobs are with Slurm; 'mmbench status' shows them, the same command without --no-wait watches them")
    elif ended.stopped_by and ended.on_cluster:
        lines.append(f"{len(ended.left)} jobs go on with Slurm: 'mmbench status' shows them, 'mmbench cancel' stops them")
    elif ended.stopped_by:
        lines.append(f"stopped with {len(ended.left)} jobs left; begun ones have a checkpoint. To go on: {shlex.join(command)}")
    elif ended.out_of_time:
        left = f"{len(ended.left)} job{'s' if len(ended.left) > 1 else ''} left"
        lines.append(f"the budget is spent with {left}, and nothing is judged by a part of the seeds. To go on: {shlex.join(command)}")
    return "\n".join(lines)
