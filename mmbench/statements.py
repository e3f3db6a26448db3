"""benchmarks/statements.toml: what the texts state beside their tables, and whether it can be so. No run is needed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from mmbench import paths, published
from mmbench.errors import UserError, unknown
from mmbench.locate import read, shown

FIELDS = {
    "names": {"paper", "table", "says", "names"},
    "count": {"paper", "table", "says", "dataset", "split", "counts"},
    "identity": {"paper", "table", "says", "variables", "given", "holds", "expected"},
}
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


def load(path: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """Kind -> entries, each with exactly its fields; none where a suite has no such file. UserError names file and entry."""
    path = path or paths.BENCHMARKS / "statements.toml"
    found = read(path) if path.exists() else {}
    for kind, entries in found.items():
        if kind not in FIELDS:
            raise unknown(f"kind of statement in {shown(path)}", kind, FIELDS)
        for n, entry in enumerate(entries):
            if set(entry) != FIELDS[kind]:
                wrong = sorted(set(entry) ^ FIELDS[kind])
                raise UserError(
                    f"{shown(path)}: {kind}.{n}: expected exactly {', '.join(sorted(FIELDS[kind]))}; differs in {', '.join(wrong)}"
                )
            if entry["table"] not in published.ids():
                raise unknown(f"table in {shown(path)}: {kind}.{n}", entry["table"], published.ids())
    return {kind: list(found.get(kind, [])) for kind in FIELDS}


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
        raise UserError(f"statements.toml: '{text}' is no expression") from None
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
            raise UserError(f"statements.toml: '{ast.unparse(node)}' is not allowed in an expression")
