"""Runs in which what the method adds never acted: they say nothing about it. Read from what they recorded after their last epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mmbench.sample import Sample
from mmbench.spec import ClaimVerdict, Table, TableVerdict

# CM-VQVAE's mask: the share of each modality's channels that it keeps closed (metric `contr.<modality>`, in %).
CLOSED = "contr."
WORDS = "the mask closed no channel"


def noted(verdict: TableVerdict, samples: Mapping[tuple[str, str], Sample]) -> TableVerdict:
    """The verdict, with a note on the section; on a stand-in a claim about rows and columns where nothing acted is not judged."""
    masked = {place: one for place, one in samples.items() if one.values and _masked(one)}
    acted = {place: found for place, one in masked.items() if len(found := _acted(one))}
    idle = {place for place, found in acted.items() if not found.any()}
    runs = {masked[place].cell.key: found for place, found in acted.items()}
    without = sum(int((~found).sum()) for found in runs.values())
    if not without:
        return verdict
    says = f"in {without} of {sum(map(len, runs.values()))} runs with a mask {WORDS}"
    note = f"{says}: rows that differ in mask, threshold or penalty alone are then the same training, or differ by chance"
    claims = tuple(_claim(claim, verdict.table, idle) for claim in verdict.claims)
    return replace(verdict, notes=(*verdict.notes, note), claims=claims)


def _masked(one: Sample) -> bool:
    """With one modality there is nothing to close."""
    run = one.cell.run
    return run.get("model_params", {}).get("mask", "none") != "none" and len(run["modalities"]) > 1


def _acted(one: Sample) -> np.ndarray:
    """Of each run whether it closed any channel; empty where the runs do not say."""
    here = (one.rows["selection"] == "last") & np.char.startswith(one.rows["metric"].astype(str), CLOSED)
    seeds, closed = one.rows["seed"][here], one.rows["value"][here].astype(float) > 0
    return np.array([closed[seeds == seed].any() for seed in np.unique(seeds)], bool)


def _claim(found: ClaimVerdict, table: Table, idle: set[tuple[str, str]]) -> ClaimVerdict:
    claim = found.claim
    where = [table.column(column).label for column in claim.columns if any((row, column) in idle for row in claim.rows)]
    if found.word not in ("seen", "not seen", "unclear") or not where:
        return found
    return ClaimVerdict(claim, "not judged on a stand-in", f"{WORDS} in {'; '.join(where)}")
