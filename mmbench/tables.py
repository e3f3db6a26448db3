"""A table file -> Table. Every complaint names file, line and key, and what was expected.

[table]  [columns.X]  [rows.X]  [published.ROW]  [bold]  [values.ROW.COLUMN]  [methods.M]  [heads.H]
[released] and [scale.demo], [scale.small]: settings, with .columns .rows .values .methods .heads below them
[[claims]]  [[untestable]]
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmbench import relations
from mmbench.locate import Where, shown
from mmbench.schema import CONDITIONAL, File
from mmbench.spec import FORMS, NOT_ON_A_STAND_IN, WORDS, Claim, Column, Margin, Row, Table, Untestable

KINDS = ("results", "settings", "figure", "computed", "main-paper")
_NUMBER = re.compile(r"\d+(\.\d+)?(x\d+(\.\d+)?)*")  # 32x32x64 is a number of a settings table
_AMOUNT = re.compile(r"\d")
_TABLE = {"id": str, "where": str, "title": str, "kind": str, "x_label": str, "margin": dict}
_COLUMN = {"label": str, "x": (int, float), "margin": dict, "printed": bool}
_ROW = {"label": str, "x": (int, float), "printed": bool, "cited": bool, "source": str}
_CLAIM = {
    "says": str, "form": str, "rows": list, "than": list, "in": list, "over": str, "amount": str, "quantity": str, "weaker": bool,
}  # fmt: skip


def table(path: Path, data: Mapping[str, Any], paper: str, known: Mapping[str, Collection[str]]) -> Table:
    """The Table that a file holds. Raises UserError."""
    file = File(path, data, known)
    top = ("table", "columns", "rows", "published", "bold", "values", *CONDITIONAL, "released", "scale", "claims", "untestable")
    file.keys((), data, top)
    head = _required(file, ("table",), data.get("table", {}), _TABLE, ("id", "where", "title", "kind", "metric", "unit", "better"))
    file.name(("table", "kind"), "kind of table", head["kind"], KINDS)
    columns, rows = _columns(file, head), _rows(file)
    ids = [c.id for c in columns], [r.id for r in rows]
    file.ladder((), data, *ids, scale=False)
    file.blocks((), data, *ids)
    published = _published(file, *ids)
    return Table(
        **{key: head[key] for key in ("id", "where", "title", "kind", "metric", "unit", "better")}, paper=paper, rows=rows,
        columns=columns, published=published, bold=_bold(file, published), claims=_claims(file, head["id"], published, *ids),
        untestable=_untestable(file, head["id"]), path=shown(path), x_label=head.get("x_label", ""), source=data,
    )  # fmt: skip


def _required(file: File, where: Where, given: Any, types: Mapping[str, Any], required: Collection[str]) -> Mapping[str, Any]:
    for key in required:
        if key not in file.mapping(where, given):
            raise file.wrong((*where, key), "is missing")
    file.typed(where, given, types)
    file.settings(where, given, extra=tuple(types))
    return given


def _columns(file: File, head: Mapping[str, Any]) -> tuple[Column, ...]:
    found, given = [], file.mapping(("columns",), file.data.get("columns", {}))
    file.slugs(("columns",), given)
    for id, inner in given.items():
        where = ("columns", id)
        _required(file, where, inner, _COLUMN, ("label",))
        margin = _margin(file, (*where, "margin"), inner["margin"]) if "margin" in inner else None
        if margin is None and "margin" in head:
            margin = _margin(file, ("table", "margin"), head["margin"])
        quality = {k: inner.get(k, head[k]) for k in ("metric", "unit", "better")}
        found.append(Column(id, inner["label"], **quality, x=inner.get("x"), margin=margin))
    if not found:
        raise file.wrong(("columns",), "expected at least one column")
    return tuple(found)


def _margin(file: File, where: Where, given: Mapping[str, Any]) -> Margin:
    file.keys(where, given, ("value", "why", "date", "relative"))
    value, relative = given.get("value"), given.get("relative", False)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1000:
        raise file.wrong((*where, "value"), f"expected a number above 0, found {value!r}")
    for key in ("why", "date"):
        if not isinstance(given.get(key), str) or not given[key]:
            raise file.wrong((*where, key), "expected text: a margin has a reason and a date")
    if not isinstance(relative, bool):
        raise file.wrong((*where, "relative"), f"expected true or false, found {relative!r}")
    return Margin(float(value), given["why"], given["date"], relative)


def _rows(file: File) -> tuple[Row, ...]:
    found, given = [], file.mapping(("rows",), file.data.get("rows", {}))
    file.slugs(("rows",), given)
    for id, inner in given.items():
        _required(file, ("rows", id), inner, _ROW, ("label",))
        if inner.get("cited") and not inner.get("source"):
            raise file.wrong(("rows", id, "source"), "is missing: a cited row names where its numbers come from")
        found.append(Row(id, inner["label"], inner.get("x"), inner.get("cited", False), inner.get("source", "")))
    if not found:
        raise file.wrong(("rows",), "expected at least one row")
    return tuple(found)


def _published(file: File, columns: Collection[str], ids: Collection[str]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    given = file.mapping(("published",), file.data.get("published", {}))
    for row, values in given.items():
        file.name(("published", row), "row", row, ids)
        for column, value in file.mapping(("published", row), values).items():
            where = ("published", row, column)
            file.name(where, "column", column, columns)
            if not isinstance(value, str) or not (_NUMBER.fullmatch(value) or value in WORDS):
                raise file.wrong(where, f"expected a number in quotes, as printed, or one of {', '.join(WORDS)}, found {value!r}")
            found[row, column] = value
    for position, kind, given in ((0, "rows", ids), (1, "columns", columns if found else ())):
        for id in given:
            printed = file.data[kind][id].get("printed", True)
            if printed != any(key[position] == id for key in found):
                lacks = "expected its values under [published], or printed = false"
                raise file.wrong((kind, id), lacks if printed else "says printed = false, yet it has values")
    order = {id: i for i, id in enumerate(ids)}, {id: i for i, id in enumerate(columns)}
    return dict(sorted(found.items(), key=lambda item: (order[0][item[0][0]], order[1][item[0][1]])))


def crosses(published: Mapping[tuple[str, str], str], row: str, column: str) -> bool:
    """Whether there is a cell: a printed value, or a row or a column of which nothing is printed."""
    return (row, column) in published or row not in {r for r, _ in published} or column not in {c for _, c in published}


def _bold(file: File, published: Mapping[tuple[str, str], str]) -> frozenset[tuple[str, str]]:
    found = set()
    for row, columns in file.mapping(("bold",), file.data.get("bold", {})).items():
        for column in columns if isinstance(columns, list) else [columns]:
            if not isinstance(column, str) or (row, column) not in published:
                raise file.wrong(("bold", row), f"no printed value in column {column!r}")
            found.add((row, column))
    return frozenset(found)


def _claims(
    file: File, id: str, published: Mapping[tuple[str, str], str], columns: Collection[str], rows: Collection[str]
) -> tuple[Claim, ...]:
    found = []
    given = file.data.get("claims", [])
    for n, claim in enumerate(given if isinstance(given, list) else [given]):
        where: Where = ("claims", n)
        file.keys(where, file.mapping(where, claim), (*_CLAIM, "transfers"))
        file.typed(where, claim, _CLAIM)
        for key in ("says", "form", "rows"):
            if not claim.get(key):
                raise file.wrong((*where, key), "is missing")
        file.name((*where, "form"), "form", claim["form"], FORMS)
        file.name((*where, "over"), "word for 'over'", claim.get("over", "all"), ("all", "any"))
        for key, options in (("rows", rows), ("than", rows), ("in", columns)):
            for name in claim.get(key, []):
                file.name((*where, key), "column" if key == "in" else "row", name, options)
        _fits(file, where, claim)
        own, than = tuple(claim["rows"]), tuple(claim.get("than", ()))
        chosen = _where(file, where, claim, (*own, *than), published, columns)
        transfers, stays = _transfers(file, (*where, "transfers"), claim)
        rest = (claim.get("over", "all"), claim.get("amount", ""), transfers, claim.get("quantity", ""), stays, claim.get("weaker", False))
        found.append(Claim(id, claim["says"], claim["form"], own, than, chosen, *rest))
    return tuple(found)


def _transfers(file: File, where: Where, claim: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the claim's direction is looked for on a stand-in, and if not, why. Some forms have no direction: false is enough."""
    given, form = claim.get("transfers", False), claim["form"]
    never = NOT_ON_A_STAND_IN.get(form, "")
    if isinstance(given, str) and given:
        return False, given
    if given is True and not never:
        return True, ""
    if given is False and never:
        return False, never
    expected = "false, or in quotes" if never else "true, or in quotes"
    raise file.wrong(where, f"expected {expected} why form '{form}' is not looked for on a stand-in, found {str(given).lower()}")


def _fits(file: File, where: Where, claim: Mapping[str, Any]) -> None:
    """What a form needs beside its rows (mmbench.claims)."""
    form, count = claim["form"], len(claim.get("than", ()))
    if form in ("gain", "cost") and count not in (1, len(claim["rows"])):
        raise file.wrong((*where, "than"), f"expected one row, or one for each of the {len(claim['rows'])} rows of a {form}, found {count}")
    if form == "value" and (len(claim["rows"]) != 1 or not _AMOUNT.search(claim.get("amount", ""))):
        raise file.wrong(where, "expected one row and an amount, of which form 'value' speaks")
    if form in ("gain", "flat") and claim.get("amount") and not _AMOUNT.search(claim["amount"]):
        raise file.wrong((*where, "amount"), f"expected a number as printed, found '{claim['amount']}'")
    if form == "curve" and not relations.parsed(claim.get("quantity", "")):
        raise file.wrong((*where, "quantity"), "expected 'a < b', 'a > b', 'a rises' or 'a falls' of recorded quantities")


def _where(
    file: File,
    where: Where,
    claim: Mapping[str, Any],
    rows: Collection[str],
    published: Mapping[tuple[str, str], str],
    columns: Collection[str],
) -> tuple[str, ...]:
    """The claim's columns; without `in`, those with printed values in which all its rows have a cell."""
    lacking = {(r, c) for r in rows for c in columns if not crosses(published, r, c)}
    printed = {c for _, c in published} or set(columns)
    if "in" not in claim:
        chosen = tuple(c for c in columns if c in printed and not any((r, c) in lacking for r in rows))
        if not chosen:
            raise file.wrong(where, "its rows have no column in common; name the columns with 'in'")
        return chosen
    for row, column in sorted(lacking):
        if column in claim["in"]:
            raise file.wrong((*where, "in"), f"row '{row}' has no value in column '{column}'")
    return tuple(claim["in"])


def _untestable(file: File, id: str) -> tuple[Untestable, ...]:
    found, given = [], file.data.get("untestable", [])
    for n, item in enumerate(given if isinstance(given, list) else [given]):
        where: Where = ("untestable", n)
        file.keys(where, file.mapping(where, item), ("says", "why"))
        for key in ("says", "why"):
            if not isinstance(item.get(key), str) or not item[key]:
                raise file.wrong((*where, key), "expected text")
        found.append(Untestable(id, item["says"], item["why"]))
    return tuple(found)
