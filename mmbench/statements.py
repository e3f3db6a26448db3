"""benchmarks/statements.toml: what the texts state beside their tables, and whether it can be so. No run is needed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from mmbench import paths, published, schema
from mmbench.errors import UserError, unknown
from mmbench.locate import Where, read

_PLACE = {"paper": str, "table": str, "says": str}
FIELDS = {
    "names": _PLACE | {"names": list},
    "count": _PLACE | {"dataset": str, "split": str, "counts": dict},
    "identity": _PLACE | {"variables": dict, "given": str, "holds": str, "expected": str},
}
MOST = 10_000  # combinations of values that an identity is tried on
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


def load(path: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """Kind -> entries, each with exactly its fields; none where a suite has no such file. UserError names file, line, entry and field."""
    path = path or paths.BENCHMARKS / "statements.toml"
    data = read(path) if path.exists() else {}
    file = schema.File(path, data, {})
    file.keys((), data, FIELDS)
    for kind, entries in data.items():
        if not isinstance(entries, list):
            raise file.wrong((kind,), f"expected [[{kind}]]")
        for n, entry in enumerate(entries):
            _checked(file, kind, (kind, n), file.mapping((kind, n), entry))
    return {kind: list(data.get(kind, [])) for kind in FIELDS}


def _checked(file: schema.File, kind: str, where: Where, entry: Mapping[str, Any]) -> None:
    file.keys(where, entry, FIELDS[kind])
    file.typed(where, entry, FIELDS[kind])
    for field in FIELDS[kind]:
        if not entry.get(field):
            raise file.wrong((*where, field), "is missing")
    file.name((*where, "paper"), "paper", entry["paper"], published.papers())
    file.name((*where, "table"), "table", entry["table"], published.paper(entry["paper"])["tables"])
    if kind == "names" and not all(isinstance(name, str) for name in entry["names"]):
        raise file.wrong((*where, "names"), "expected names in quotes")
    if kind == "count":
        _counted(file, where, entry)
    if kind == "identity":
        _tried(file, where, entry)


def _counted(file: schema.File, where: Where, entry: Mapping[str, Any]) -> None:
    facts = published.datasets()
    file.name((*where, "dataset"), "dataset", entry["dataset"], facts)
    splits = facts[entry["dataset"]].splits
    file.name((*where, "split"), "split", entry["split"], splits)
    for part, count in entry["counts"].items():
        file.name((*where, "counts"), "part", part, ("all", "train", "val", "test"))
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise file.wrong((*where, "counts"), f"expected a count, found {count!r}")


def _tried(file: schema.File, where: Where, entry: Mapping[str, Any]) -> None:
    """An identity is evaluated once, so that a mistake in it is found when the file is read."""
    for values in entry["variables"].values():
        numbers = isinstance(values, list) and values and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        if not numbers:
            raise file.wrong((*where, "variables"), f"expected a list of numbers for each name, found {values!r}")
    if prod(map(len, entry["variables"].values())) > MOST:
        raise file.wrong((*where, "variables"), f"expected at most {MOST:,} combinations of values")
    try:
        next(counterexamples(entry), None)
    except UserError as error:
        raise file.wrong(where, str(error)) from None
    except (ArithmeticError, TypeError, ValueError) as error:
        raise file.wrong(where, f"cannot be evaluated: {error}") from None


def counterexamples(identity: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """Values of the variables that satisfy `given` and not `holds`."""
    names = list(identity["variables"])
    given, holds = parsed(identity["given"], names), parsed(identity["holds"], names)
    for values in product(*identity["variables"].values()):
        bound = dict(zip(names, values, strict=True))
        if evaluate(given, bound) and not evaluate(holds, bound):
            yield bound


def parsed(text: str, names: list[str]) -> ast.expr:
    """An expression of numbers, the given names, arithmetic, comparisons, and/or/not and abs(); anything else is refused."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise UserError(f"'{text}' is no expression") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in (*names, "abs"):
            raise unknown(f"name in '{text}'", node.id, names)
    return tree


def evaluate(node: ast.expr, bound: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)):
            return value
        case ast.Name(id=name) if name in bound:
            return bound[name]
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(evaluate(left, bound), evaluate(right, bound))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](evaluate(left, bound), evaluate(right, bound))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -evaluate(operand, bound)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not evaluate(operand, bound)
        case ast.BoolOp(op=op, values=values):
            return (all if isinstance(op, ast.And) else any)(evaluate(v, bound) for v in values)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BINARY:
            return _BINARY[type(op)](evaluate(left, bound), evaluate(right, bound))
        case ast.Call(func=ast.Name(id="abs"), args=[inner], keywords=[]):
            return abs(evaluate(inner, bound))
        case _:
            raise UserError(f"'{ast.unparse(node)}' is not allowed in an expression")


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > 64:
        raise ValueError(f"the exponent {exponent} is too large")
    power = float(base) ** exponent
    if isinstance(power, complex):
        raise ValueError(f"{base} to the power {exponent} is no real number")
    return power
