"""The smallest set of cells in which every (method, head, task, model) of the suite occurs, chosen the same way every time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmbench.plan import obstacle
from mmbench.spec import Cell

Kind = tuple[str, str, str, str]


@dataclass(frozen=True)
class Covered:
    """kind: (method, head, task, model); cell: the one that stands for it; of: how many different runs are of this kind; reading:
    the one that the cell is of, "both" where it is the same run in both."""

    kind: Kind
    cell: Cell
    of: int
    reading: str = "paper"

    @property
    def name(self) -> str:
        """The address, which on the command line too is the paper's reading where no other is named."""
        return self.cell.address + " (released)" * (self.reading == "released")


def kind(cell: Cell) -> Kind:
    run = cell.run
    return run["method"], run["head"], run["task"], run["model"]


def cover(cells: Iterable[Cell]) -> list[Covered]:
    """One run per kind: each run is of one kind, so no smaller set exists. Among the runs of a kind the first in the suite's order
    that takes the fewest epochs on the fewest modalities; runs that cannot be done here are left out."""
    kinds: dict[Kind, dict[str, Cell]] = {}
    for cell in cells:
        if cell.state == "run":
            kinds.setdefault(kind(cell), {}).setdefault(cell.key, cell)
    found = []
    for one, runs in kinds.items():
        can = [cell for cell in runs.values() if obstacle(cell.run) is None]
        if can:
            found.append(Covered(one, min(can, key=lambda cell: (cell.run["epochs"], len(cell.run["modalities"]))), len(runs)))
    return found
