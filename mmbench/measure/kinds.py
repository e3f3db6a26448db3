"""Which runs cost the same: the kinds of the suite's cells, and in which order they are worth measuring. Knows no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from math import prod
from typing import Any

from mmbench import choose
from mmbench.smoke import golden
from mmbench.spec import READINGS, Cell, DatasetFacts

PLAIN = "joint"  # of all methods: what the others are compared with


@dataclass(frozen=True)
class Kind:
    """What the cost of a step depends on. inputs: frames x image size; encoders: "audio:resnet18+visual:resnet18"; method: with the
    modality where only one is trained. Parameters of methods, heads and models are left out: one run stands for all."""

    dataset: str
    preparation: str
    inputs: str
    encoders: str
    task: str
    model: str
    head: str
    method: str
    precision: str
    batch: str

    @property
    def id(self) -> str:
        return "/".join(astuple(self))

    @property
    def network(self) -> tuple[str, ...]:
        """The same data set and encoders."""
        return self.dataset, self.encoders, self.task, self.model

    @property
    def base(self) -> tuple[str, ...]:
        """The same network on the same inputs."""
        return *self.network, self.preparation, self.inputs


def kind(run: Mapping[str, Any]) -> Kind:
    alone = f":{run['params']['modality']}" if "modality" in run["params"] else ""
    return Kind(
        run["dataset"], run["preparation"], f"{run.get('frames', 0)}x{run.get('image_size', 0)}",
        "+".join(f"{m}:{run['encoders'][m]['name']}" for m in run["modalities"]), run["task"], run["model"], run["head"],
        run["method"] + alone, run["precision"], str(run["batch"]),
    )  # fmt: skip


def named(id: str) -> Kind:
    """The kind of this id."""
    return Kind(*id.split("/"))


@dataclass(frozen=True)
class Use:
    """A kind in the suite. cell: stands for its runs; runs: different ones, under both readings; weight: epochs x items x input
    numbers, summed over the runs, a stand-in for the cost before anything is measured; paper: used under that reading."""

    kind: Kind
    cell: Cell
    runs: int
    weight: float
    paper: bool


def elements(inputs: Mapping[str, Sequence[int]]) -> int:
    """Numbers of one item, of all modalities together."""
    return sum(prod(shape) for shape in inputs.values())


def shown(key: str) -> Mapping[str, Sequence[int]]:
    """The input shapes of this run by modality, as the golden of `mmbench smoke` has them; empty where it has none."""
    return golden.read().get(key, {}).get("inputs", {})


def counts(run: Mapping[str, Any], facts: Mapping[str, DatasetFacts]) -> tuple[dict[str, int], str]:
    """Items per part, and what was assumed: where nothing is known of a split, it is taken to be like the dataset's largest one."""
    splits = facts[run["dataset"]].splits
    if splits.get(run["split"]):
        return dict(splits[run["split"]]), ""
    largest = max(splits, key=lambda name: splits[name].get("train", 0), default="")
    if not largest or not splits[largest]:
        return {}, ""
    return dict(splits[largest]), f"{run['dataset']}: the size of split {run['split']} is not known, that of {largest} is taken"


def uses(names: Sequence[str], facts: Mapping[str, DatasetFacts]) -> list[Use]:
    """The kinds of what is named, under both readings, in the order in which they are worth measuring."""
    cells: dict[str, Cell] = {}
    paper: set[str] = set()
    for reading in READINGS:
        for cell in choose.cells(names, "full", reading):
            if cell.state == "run":
                cells.setdefault(cell.key, cell)
                if reading == READINGS[0]:
                    paper.add(cell.key)
    groups: dict[Kind, list[Cell]] = {}
    for cell in cells.values():
        groups.setdefault(kind(cell.run), []).append(cell)
    return ordered(
        Use(one, mine[0], len(mine), sum(_weight(c, facts) for c in mine), any(c.key in paper for c in mine))
        for one, mine in groups.items()
    )


def _weight(cell: Cell, facts: Mapping[str, DatasetFacts]) -> float:
    items = counts(cell.run, facts)[0].get("train", 1)
    return float(cell.run["epochs"] * items * max(1, elements(shown(cell.key))))


def ordered(found: Iterable[Use]) -> list[Use]:
    """First one of each network and inputs, plain training where there is such; then one of each other method; then the rest. The
    costliest first in each round; what only the released code does after what the papers say. So measuring can end at any time: a
    later kind can be extrapolated from an earlier one."""
    waiting = sorted(found, key=lambda use: (not use.paper, -use.weight))
    plain = sorted(waiting, key=lambda use: use.kind.method != PLAIN)
    first = list({use.kind.base: use for use in reversed(plain)}.values())
    known = {use.kind.method for use in first}
    bases = {use.kind.base for use in first if use.kind.method == PLAIN}
    helpful = sorted(waiting, key=lambda use: use.kind.base not in bases)
    second = [use for use in {u.kind.method: u for u in reversed(helpful)}.values() if use.kind.method not in known]
    order = {use.kind: 0 for use in first} | {use.kind: 1 for use in second}
    return sorted(waiting, key=lambda use: order.get(use.kind, 2))
