"""Merged settings -> a run: every value of its declared type, every component known, every parameter there; and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmbench import registry
from mmbench.errors import UserError, nearest
from mmbench.fields import PARAMETERS, RUN, SCALARS, coerce
from mmbench.ladder import Leaf, Merged
from mmbench.registry import Entry
from mmbench.spec import DatasetFacts, Table

REQUIRED = ("dataset", "split", "preparation", "task", "epochs", "batch", "clip", "precision", "init", "augment", "drop_last", "small")


@dataclass(frozen=True)
class Composer:
    """One cell's merged settings. Every complaint names the line of the leaf, or the cell where a leaf is missing."""

    table: Table
    row: str
    column: str
    merged: Merged
    facts: Mapping[str, DatasetFacts]

    def missing(self, says: str) -> UserError:
        return UserError(f"{self.table.path}: cell {self.row}:{self.column}: {says}")

    def scalar(self, name: str, epochs: int = 0) -> Any:
        """The typed value of a plain field, or None where nothing sets it."""
        leaf = self.merged.leaves.get(name)
        return None if leaf is None else typed(leaf, SCALARS[name], epochs)

    @cached_property
    def modalities(self) -> list[str]:
        leaf, dataset = self.merged.leaves.get("modalities"), self.scalar("dataset")
        known = self.facts[dataset].modalities
        chosen = list(known) if leaf is None else typed(leaf, "strs")
        if leaf is not None and (not chosen or len(set(chosen)) < len(chosen)):
            raise leaf.wrong(f"expected modalities of {dataset}, each once, found {chosen}")
        for modality in chosen:
            if leaf is not None and modality not in known:
                raise leaf.wrong(f"{dataset} has no modality '{modality}'{nearest(modality, known)}")
        return chosen

    @cached_property
    def components(self) -> list[tuple[str, str]]:
        """(slot, where its parameters stand in the run), in the order of the run."""
        encoders = [f"encoders.{modality}" for modality in self.modalities]
        return [*PARAMETERS.items(), *((slot, slot) for slot in ("optimiser", "schedule", *encoders))]

    @cached_property
    def entries(self) -> dict[str, tuple[str, Entry]]:
        """Slot -> the component's name and its entry."""
        found = {}
        for slot, _ in self.components:
            leaf, kind = self.merged.slot(slot).name, kind_of(slot)
            if leaf is None:
                raise self.missing(f"no {kind} is named ('{slot}'); expected it in the table or its recipe")
            found[slot] = leaf.value, known(kind, leaf)
        return found

    def component(self, slot: str, epochs: int) -> tuple[str, dict[str, Any]]:
        """Its name, and its parameters, typed; those that equal their neutral value are left out."""
        name, entry = self.entries[slot]
        given = self.merged.slot(slot).parameters()
        if slot.startswith("encoders."):
            given = {p: leaf for p, leaf in given.items() if p != "weights"}  # the run keeps these in a place of their own
        for parameter, leaf in given.items():
            if parameter not in entry.params:
                raise leaf.wrong(f"{slot} '{name}' has no parameter '{parameter}'{nearest(parameter, entry.params)}")
        found = {p: typed(leaf, entry.params[p], epochs) for p, leaf in given.items()}
        for parameter in entry.params:
            if parameter not in found and parameter not in entry.neutral:
                raise self.missing(f"{slot} '{name}' needs '{parameter}'; expected it in the table or its recipe")
        return name, {p: found[p] for p in entry.params if p in found and not (p in entry.neutral and found[p] == entry.neutral[p])}

    def run(self) -> dict[str, Any]:
        """Everything training needs, as `Cell.run`."""
        for name in REQUIRED:
            if name not in self.merged.leaves:
                raise self.missing(f"'{name}' is set nowhere; expected it in the table, its recipe or datasets.toml")
        epochs = self.scalar("epochs")
        run: dict[str, Any] = {name: self.scalar(name) for name in RUN if name in self.merged.leaves and name not in PARAMETERS}
        run |= {"modalities": self.modalities, "encoders": {}, "weights": {}}
        for slot, path in self.components:
            name, parameters = self.component(slot, epochs)
            if slot in PARAMETERS:
                run |= {slot: name, path: parameters}
            elif slot.startswith("encoders."):
                modality = slot.partition(".")[2]
                run["encoders"][modality] = {"name": name, **parameters}
                if file := self.merged.slots[slot].parameters().get("weights"):
                    run["weights"][modality] = typed(file, "str")
            else:
                run[slot] = {"name": name, **parameters}
        if pretraining := {n.partition(".")[2]: leaf.value for n, leaf in self.merged.leaves.items() if n.startswith("pretraining.")}:
            run["pretraining"] = pretraining
        run["versions"] = self.versions(run)
        return run

    def versions(self, run: Mapping[str, Any]) -> dict[str, int | str]:
        dataset, task = registry.DATASETS.get(run["dataset"]), known("task", self.merged.leaves["task"])
        found = {f"dataset:{run['dataset']}": dataset.version if dataset else 1, f"task:{run['task']}": task.version}
        for slot, _ in self.components:
            if slot not in ("optimiser", "schedule"):
                name, entry = self.entries[slot]
                found[f"{kind_of(slot)}:{name}"] = entry.version
        return found | {
            "loop": registry.LOOP, "augment": registry.AUGMENT, "optim": registry.OPTIM, "preparation": registry.PREPARATION,
        }  # fmt: skip

    def refusal(self, run: Mapping[str, Any]) -> str:
        """Why a component cannot be applied to this cell, as its entry says; "" if all can."""
        count = len(run["modalities"])
        for slot in ("method", "head", "model"):
            name, entry = self.entries[slot]
            least, most = entry.modalities
            if count < least or (most and count > most):
                takes = f"exactly {least}" if least == most else f"at least {least}" if not most else f"{least} to {most}"
                return f"{slot} {name} takes {takes} modalities, this cell has {count}"
            if entry.heads and run["head"] not in entry.heads:
                return f"{slot} {name} works with the heads {', '.join(entry.heads)}, not with {run['head']}"
        return ""


def kind_of(slot: str) -> str:
    """ "encoders.audio" -> "encoder", "method" -> "method"."""
    return slot.partition(".")[0].removesuffix("s")


def typed(leaf: Leaf, kind: str, epochs: int = 0) -> Any:
    try:
        return coerce(kind, leaf.value, epochs)
    except ValueError as error:
        raise leaf.wrong(str(error)) from None


def known(kind: str, leaf: Leaf) -> Entry:
    """The entry of a named component."""
    if not isinstance(leaf.value, str) or leaf.value not in registry.COMPONENTS[kind]:
        raise leaf.wrong(f"unknown {kind} '{leaf.value}'{nearest(str(leaf.value), registry.COMPONENTS[kind])}")
    return registry.COMPONENTS[kind][leaf.value]
