"""The datasets that can be prepared, by hand, and what `mmbench data list` says of all."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from datasets_prep.dataset import Dataset
from mmbench import prepared, published, registry, resolve
from mmbench.errors import Blocked, UserError, unknown

MODULES = {
    "ave": "datasets_prep.ave",
    "ave-localisation": "datasets_prep.ave_localisation",
    "caltech101-20": "datasets_prep.caltech101_20",
    "cmu-mosi": "datasets_prep.cmu_mosi",
    "crema-d": "datasets_prep.crema_d",
    "digits": "datasets_prep.digits",
    "kinetics-sounds": "datasets_prep.kinetics_sounds",
    "meld": "datasets_prep.meld",
    "mm-debiased": "datasets_prep.mm_debiased",
    "nyuv2": "datasets_prep.nyuv2",
    "pennaction": "datasets_prep.pennaction",
    "rml": "datasets_prep.rml",
    "ssw60": "datasets_prep.ssw60",
    "ucf101": "datasets_prep.ucf101",
    "voxceleb2": "datasets_prep.voxceleb2",
}

READERS = {"kinetics-400": ("kinetics-sounds", "mm-debiased"), "vggsound": ("mm-debiased",)}  # source -> what is made from it
SOURCE = "source"  # the preparation of a dataset that others are made from
SHIPS = "part of mmbench"


def load(id: str) -> Dataset:
    """The dataset of this name; UserError for one that ships with mmbench, or whose preparation is not written, or is unknown."""
    if id in MODULES:
        return importlib.import_module(MODULES[id]).DATASET
    facts = published.datasets()
    if id in facts and facts[id].stand_in:
        raise UserError(f"{id} ships with mmbench: there is nothing to prepare")
    if id in facts and facts[id].preparation == SOURCE:
        raise UserError(f"{id} is a source, not prepared by itself: run {' or '.join(_made_by(reader, id) for reader in READERS[id])}")
    if id in facts:
        raise UserError(f"{id}: its preparation is not written yet; ready: {', '.join(MODULES)}")
    raise unknown("dataset", id, {*MODULES, *facts})


def _made_by(reader: str, source: str) -> str:
    """The command that reads this source."""
    return f"'mmbench data prepare {reader} --raw {source + '=' if source in load(reader).folders else ''}DIR'"


def entries(root: Path) -> list[dict[str, Any]]:
    """One object per dataset, by id."""
    feeds = tables()
    return [
        {
            "id": id, "title": facts.title, "licence": facts.licence, "access": facts.access,
            "size": facts.size or SHIPS * facts.stand_in, "url": facts.url or SHIPS * facts.stand_in,
            "modalities": list(facts.modalities), "splits": list(facts.splits), "tables": sorted(feeds.get(id, ())),
            "stand_in": facts.stand_in, "prepared": _prepared(root, id),
            "preparation": _state(id, facts.preparation), "read_by": list(READERS.get(id, ())),
        }
        for id, facts in published.datasets().items()
    ]  # fmt: skip


def _state(id: str, preparation: str) -> str:
    """Can it be prepared, and if not, why not."""
    if id in registry.DATASETS:
        return "ships"
    return "written" if id in MODULES else "source" if preparation == SOURCE else "not written"


def _prepared(root: Path, id: str) -> dict[str, Any] | None:
    """What is in this root: items, recipes, splits; None where nothing is, and why it cannot be read where it is broken."""
    try:
        facts = prepared.meta(root, id)
    except Blocked:
        return None
    except UserError as error:
        return {"broken": str(error)}
    return {"version": facts["version"], "items": facts["items"], "arrays": list(facts["arrays"]), "splits": list(facts["overlap"]),
            "imitation": facts["imitation"]}  # fmt: skip


def tables() -> dict[str, set[str]]:
    """Dataset -> the tables that a run on it feeds, at scale full, under either reading."""
    found: dict[str, set[str]] = {}
    for id in published.ids():
        for reading in ("paper", "released"):
            for cell in resolve.cells(published.load(id), "full", reading):
                if cell.run:
                    found.setdefault(cell.run["dataset"], set()).add(id)
    return found
