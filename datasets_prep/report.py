"""What the data verbs print: the plain data of `verbs`, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from datasets_prep.engine import Plan
from datasets_prep.lists import few
from mmbench.console import table
from mmbench.provenance import duration

MOST = 10  # clips named one by one
STATES = {"ships": "ships with mmbench", "written": "no", "not written": "cannot be prepared yet"}


def forecast(plan: Plan, jobs: int) -> str:
    """Disk, memory and time, said before the work begins."""
    if not plan.wanted:
        return f"{plan.dataset.id}: the same raw files are prepared already; only the splits are written anew"
    return (
        f"{plan.dataset.id}: {len(plan.found.items):,} items, {', '.join(plan.wanted)}: about {plan.bytes / 1e9:.1f} GB of disk "
        f"({plan.free / 1e9:.0f} GB free), {plan.memory_mb / 1000:.1f} GB of memory, {duration(plan.seconds)} with {jobs} processes"
    )


def prepared(data: Mapping[str, Any], plan: Plan) -> str:
    lines = [f"{data['dataset']}: {counted(data['items'], 'item')} prepared" + (" (an imitation)" if data["imitation"] else "")]
    lines += _body(data)
    lines.append(f"next: 'mmbench data verify {data['dataset']}' checks every byte and names what is missing")
    return "\n".join(lines)


def verified(data: Mapping[str, Any]) -> str:
    if not data["sound"]:
        lines = [f"{data['dataset']}: BROKEN", *(f"  {line}" for line in data["broken"][:MOST])]
        return "\n".join([*lines, f"prepare it again: 'mmbench data prepare {data['dataset']} --raw DIR'"])
    lines = [f"{data['dataset']}: sound, {data['items']:,} items" + (" (an imitation)" if data["imitation"] else "")]
    if data["expected_items"] and data["items"] != data["expected_items"]:
        lines[0] += f", a complete copy has {data['expected_items']:,}"
    return "\n".join([*lines, *_body(data), *_classes(data), *_bad(data)])


def _body(data: Mapping[str, Any]) -> Iterator[str]:
    """Splits, what they mean for comparability, what is skipped."""
    rows, reasons = [], {}
    for split in data["splits"]:
        for view in split["views"]:
            counts = {part: _count(n) for part, n in view["parts"].items()}
            rows.append({"split": split["name"], "preparations": _named(view), **counts,
                         "comparable": "yes" if view["comparable"] else "no"})  # fmt: skip
            for why in view["why"]:
                reasons.setdefault(why, []).append(split["name"])
    parts = [p for p in ("train", "val", "test") if any(p in row for row in rows)]
    yield ""
    if rows:
        yield table(rows, {"split": "split", "preparations": "preparation", **{p: p for p in parts}, "comparable": "comparable"})
    else:
        yield "no preparation is complete: each needs an array of every modality"
    yield from dict.fromkeys(_trials(data))
    if reasons:
        yield "not comparable with published numbers:"
        every = len({row["split"] for row in rows})
        yield from (f"  {few(n, 9) if len(n := list(dict.fromkeys(names))) < every else 'all'}: {why}" for why, names in reasons.items())
    for name, why in data["unavailable"].items():
        yield f"split {name} is not there: {why}"
    yield from _overlaps(data)
    if data["skipped"]:
        yield f"skipped, {counted(len(data['skipped']), 'item')}:"
        yield from _skipped(data["skipped"])


def _trials(data: Mapping[str, Any]) -> Iterator[str]:
    for split in data["splits"]:
        for view in split["views"]:
            for part, n in view["parts"].items():
                counts = [f"{name} {_count(count)}" for name, count in n["trials"].items()]
                if counts:
                    yield f"trials of {split['name']}, {part}: {', '.join(counts)}"


def _named(view: Mapping[str, Any]) -> str:
    return ", ".join(view["preparations"]) + (f" without {few(view['lacking'])}" if view["lacking"] else "")


def _overlaps(data: Mapping[str, Any]) -> Iterator[str]:
    found = [
        f"  {split['name']}: {counted(o['groups'], data['groups'])} in both {pair.replace(', ', ' and ')} ({few(o['some'])})"
        for split in data["splits"] for pair, o in split["overlap"].items() if o["groups"]
    ]  # fmt: skip
    if found:
        yield f"overlap by {data['groups']}:"
        yield from found


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _count(part: Mapping[str, Any]) -> str:
    said = f"{part['found']:,} of {part['listed']:,}" if part["found"] != part["listed"] else f"{part['found']:,}"
    return said if part["expected"] in (None, part["listed"]) else f"{said} (published: {part['expected']:,})"


def _skipped(skipped: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for n, (key, why) in enumerate(skipped.items()):
        if n == MOST:
            yield f"  and {len(skipped) - MOST:,} more (--json names all)"
            return
        for reason in dict.fromkeys(why.values()):
            arrays = [name for name, text in why.items() if text == reason]
            yield f"  {key}: {reason.removeprefix(f'{key}: ')} ({few(arrays, 4)})"


def _classes(data: Mapping[str, Any]) -> Iterator[str]:
    """Classes that are not as listed and published; nothing where all are."""
    lines = {
        (split["name"], part, name, counts["found"], counts["listed"], counts["expected"])
        for split in data["splits"] for view in split["views"] for part, n in view["parts"].items() for name, counts in n["classes"].items()
        if counts["found"] != counts["listed"] or counts["expected"] not in (None, counts["listed"])
    }  # fmt: skip
    heads = ("split", "part", "class", "found", "listed", "expected")
    if lines:
        yield "classes that are incomplete:"
        yield table([dict(zip(heads, line, strict=True)) for line in sorted(lines, key=str)[:MOST]], {h: h for h in heads})
        if len(lines) > MOST:
            yield f"and {len(lines) - MOST:,} more (--json has all)"


def _bad(data: Mapping[str, Any]) -> Iterator[str]:
    if data["known_bad"]:
        yield "clips that are bad in every copy:"
        yield from (f"  {key}: {why}" for key, why in data["known_bad"].items())
    for key, notes in list(data["notes"].items())[:MOST]:
        yield f"  {key}: {'; '.join(notes)}"
    for twins in data["twins"][:MOST]:
        places = "; ".join(f"{key} in {', '.join(where) or 'no split'}" for key, where in twins["in"].items())
        yield f"equal content ({few(twins['arrays'])}): {places}"
    if len(data["twins"]) > MOST:
        yield f"and {len(data['twins']) - MOST:,} more with equal content (--json names all)"


def imitated(data: Mapping[str, Any]) -> str:
    with_defects = f" with {', '.join(data['defects'])}" if data["defects"] else ""
    return (
        f"{len(data['files']):,} files in {data['folder']}{with_defects}. It is no real data, and says so in its IMITATION.txt.\n"
        f"prepare it: MMBENCH_DATA=DIR mmbench data prepare {data['dataset']} --raw {data['folder']}"
    )


def listed(data: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for entry in data:
        here = entry["prepared"]
        said = "" if here is None else "broken" if "broken" in here else counted(here["items"], "item")
        said += " (imitation)" if here and here.get("imitation") else ""
        state = said or (f"read by {', '.join(entry['read_by'])}" if entry["read_by"] else STATES[entry["preparation"]])
        rows.append({**{name: entry[name] for name in ("id", "size", "licence", "access")}, "tables": len(entry["tables"]), "here": state})
    heads = {"id": "dataset", "size": "size", "licence": "licence", "access": "access", "tables": "tables", "here": "prepared here"}
    asked = [f"  {entry['id']}: {entry['url']}" for entry in data if not entry["stand_in"]]
    feeds = [f"  {entry['id']}: {', '.join(entry['tables'])}" for entry in data if entry["tables"]]
    shown = table(rows, heads, widths={"size": 22, "licence": 30, "access": 26})
    return "\n".join([shown, "", "where to ask for it:", *asked, "", "the tables that each feeds:", *feeds])
