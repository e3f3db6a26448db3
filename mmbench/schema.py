"""What may stand in a file of benchmarks/, level by level. Every complaint names file, line and key, and what was expected."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmbench import registry
from mmbench.errors import nearest
from mmbench.fields import FIELDS, MAPPINGS, METRICS, OF_SCALE, SCALARS, coerce
from mmbench.locate import Where, wrong
from mmbench.spec import SCALES

_SLUG = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_SEEDS = re.compile(r"unknown|\d+|(mean|best) of \d+")
CONDITIONAL = ("methods", "heads", "optimisers")
_LEVELS = ("columns", "rows", "values", *CONDITIONAL)


class File:
    """One TOML file under examination. known: the names of datasets, recipes and modalities that it may use."""

    def __init__(self, path: Path, data: Mapping[str, Any], known: Mapping[str, Collection[str]]):
        self.path, self.data, self.known = path, data, known

    def wrong(self, where: Where, says: str) -> Exception:
        return wrong(self.path, where, says)

    def mapping(self, where: Where, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.wrong(where, f"expected a table of keys, found {value!r}")
        return value

    def keys(self, where: Where, given: Mapping[str, Any], allowed: Collection[str]) -> None:
        for key in given:
            if key not in allowed:
                raise self.wrong((*where, key), f"unknown key '{key}'{nearest(key, allowed)}")

    def typed(self, where: Where, given: Mapping[str, Any], types: Mapping[str, Any]) -> None:
        for key, value in given.items():
            if key in types and (not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool)):
                raise self.wrong((*where, key), f"expected {_called(types[key])}, found {value!r}")

    def name(self, where: Where, kind: str, value: Any, options: Collection[str]) -> None:
        if not isinstance(value, str) or value not in options:
            raise self.wrong(where, f"unknown {kind} '{value}'{nearest(str(value), options)}")

    def slugs(self, where: Where, given: Mapping[str, Any]) -> None:
        for id in given:
            if not _SLUG.fullmatch(id):
                raise self.wrong((*where, id), f"'{id}' is no id; expected small letters, digits, '.', '+' and '-'")

    def settings(self, where: Where, given: Any, extra: Collection[str] = (), scale: bool = False) -> None:
        """One level of settings: every key known, every value of its type, every name of a component existing."""
        self.keys(where, self.mapping(where, given), (*FIELDS, *extra))
        for key, value in given.items():
            here = (*where, key)
            if key in extra:
                continue
            if scale and key not in OF_SCALE:
                raise self.wrong(here, f"a scale may set only {', '.join(OF_SCALE)}, not '{key}'")
            if key in MAPPINGS:
                self._mapped(here, key, value, scale)
            else:
                self._scalar(here, key, value)

    def _scalar(self, where: Where, key: str, value: Any) -> None:
        try:
            typed = coerce(SCALARS[key], value)
        except ValueError as error:
            raise self.wrong(where, str(error)) from None
        if key in ("method", "head", "model", "task"):
            self.name(where, key, value, registry.COMPONENTS[key])
        elif key in ("dataset", "recipe"):
            self.name(where, key, value, self.known[key])
        elif key == "metric" and not value.startswith("log."):
            self.name(where, key, value, METRICS)
        elif key == "seeds" and not _SEEDS.fullmatch(value):
            raise self.wrong(where, f"expected a count, 'mean of 3', 'best of 5' or 'unknown', found '{value}'")
        elif key == "modalities":
            for modality in typed:
                self.name(where, "modality", modality, self.known["modality"])

    def _mapped(self, where: Where, key: str, value: Any, scale: bool) -> None:
        self.mapping(where, value)
        if key in ("optimiser", "schedule"):
            if "name" in value:
                self.name((*where, "name"), key, value["name"], registry.COMPONENTS[key])
            if scale and set(value) != {"lr"}:
                raise self.wrong(where, "a scale may set only the optimiser's lr")
        elif key in ("encoders", "weights"):
            for modality, inner in value.items():
                self.name((*where, modality), "modality", modality, ("all", *self.known["modality"]))
                if key == "weights":
                    if not isinstance(inner, str):
                        raise self.wrong((*where, modality), f"expected a file name, found {inner!r}")
                elif "name" in (encoder := self.mapping((*where, modality), inner)):
                    self.name((*where, modality, "name"), "encoder", encoder["name"], registry.COMPONENTS["encoder"])

    def ladder(self, where: Where, given: Mapping[str, Any], columns: Collection[str], rows: Collection[str], scale: bool) -> None:
        """The levels below one block: columns, rows, values, and what is conditional on a name."""
        for level in _LEVELS:
            here = (*where, level)
            for id, inner in self.mapping(here, given.get(level, {})).items():
                options = {"columns": columns, "rows": rows, "values": rows}.get(level) or registry.COMPONENTS[level.removesuffix("s")]
                self.name((*here, id), "row" if level == "values" else level.removesuffix("s"), id, options)
                if level == "values":
                    for column, settings in self.mapping((*here, id), inner).items():
                        self.name((*here, id, column), "column", column, columns)
                        self.settings((*here, id, column), settings, scale=scale)
                elif not (where == () and level in ("columns", "rows")):
                    self.settings((*here, id), inner, scale=scale)

    def blocks(self, where: Where, given: Mapping[str, Any], columns: Collection[str] = (), rows: Collection[str] = ()) -> None:
        """[released] and [scale.X], each with the levels below it."""
        for block in [("released",), *(("scale", scale) for scale in self.mapping((*where, "scale"), given.get("scale", {})))]:
            if block[0] == "scale":
                self.name((*where, *block), "scale", block[1], [s for s in SCALES if s != "full"])
            inner: Any = given
            for key in block:
                inner = self.mapping((*where, *block), inner.get(key, {}))
            allowed = _LEVELS if columns else CONDITIONAL
            self.settings((*where, *block), inner, extra=allowed, scale=block[0] == "scale")
            self.ladder((*where, *block), inner, columns, rows, scale=block[0] == "scale")


def _called(types: Any) -> str:
    return {str: "text in quotes", dict: "a table of keys", list: "a list", bool: "true or false"}.get(types, "a number")
