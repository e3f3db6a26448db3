"""What a training leaves behind: a curve of every number over the epochs, and which epochs the selection rules chose.

A history is a plain dict, so that a checkpoint can hold it:
{"curve": name -> list of floats, "selections": label -> {"epoch", "values"}, "kept": label -> tensors of the test part}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from mmbench.spec import View

VALIDATED = ("best-val", "least-val-loss")  # rules that need a validation part
WATCHED = ("log.", "contribution.", "zeta", "compl", "contr")


def empty() -> dict[str, Any]:
    return {"curve": {}, "selections": {}, "kept": {}}


def rules(views: Iterable[View], primary: str, validated: bool) -> dict[str, View]:
    """Selection label -> the view whose rule it is. `last` and `best-test` always, `best-val` where the split has a validation part.
    `first` is epoch 0, for claims that something rises or falls: only what is not a score of the task stands there."""
    standard = ["first", "last", "best-test"] + (["best-val"] if validated else [])
    found = {name: View(primary, select=name) for name in standard}
    for view in views:
        if view.select not in VALIDATED or validated:
            found.setdefault(view.selection, view)
    return found


def criterion(rule: View, primary: str) -> str:
    """The metric that a rule maximises or minimises: the task's primary one, under the rule's decision and subset; or a loss."""
    if rule.select == "least-val-loss":
        return "cross-entropy"
    return View(primary, decision=rule.decision, subset=rule.subset).name


def append(
    history: dict[str, Any], numbers: Mapping[str, float], kept: Mapping[str, Tensor], wanted: Mapping[str, View], primary: str, better: str
) -> None:
    """Add an epoch: `numbers` are its scores on the test part (`val.` before those on the validation part), losses and logs.
    A quantity first logged in a later epoch is NaN before. Ties keep the earlier epoch, or (`least-val-loss`) the later one."""
    curve: dict[str, list[float]] = history["curve"]
    epoch = max((len(values) for values in curve.values()), default=0)
    for name in curve.keys() | numbers.keys():
        values = curve.setdefault(name, [float("nan")] * epoch)
        values.append(float(numbers.get(name, float("nan"))))
    for label, rule in wanted.items():
        if rule.select == "first":
            if epoch == 0:
                watched = {n: v for n, v in numbers.items() if n.startswith(WATCHED)}
                history["selections"][label] = {"epoch": 0, "values": watched}
        elif rule.select == "last" or (epoch >= rule.after and _improves(history, label, rule, numbers, primary, better)):
            history["selections"][label] = {"epoch": epoch, "values": dict(numbers)}
            history["kept"][label] = dict(kept)


def _improves(history: Mapping[str, Any], label: str, rule: View, numbers: Mapping[str, float], primary: str, better: str) -> bool:
    name = ("val." if rule.select in VALIDATED else "") + criterion(rule, primary)
    chosen = history["selections"].get(label)
    if chosen is None:
        return True
    new, old = numbers[name], chosen["values"][name]
    if rule.select == "least-val-loss":
        return new <= old
    return new > old if better == "higher" else new < old


def lengths(history: Mapping[str, Any]) -> int:
    """How many epochs are in the curve."""
    return max((len(values) for values in history["curve"].values()), default=0)


def logged(totals: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """`run.logged` -> the epoch's means, as `log.<name>`."""
    return {f"log.{name}": float(total) / count for name, (total, count) in totals.items()}
