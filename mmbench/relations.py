"""What a claim of form curve says of recorded quantities: "a < b", "a > b", either with "at first" (the first epoch in place of the
last), "a rises", "a falls", and several of these joined by " and "."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RULE = re.compile(r"(\S+) (?:([<>]) (\S+)( at first)?|(rises|falls))")
LABELS = {  # of recorded quantities that a table has no label for -> (label, unit)
    "zeta": ("ζ", ""), "compl": ("compl", "%"), "contr": ("contr", "%"), "valued": ("samples valued", "samples"),
    "drawn": ("samples drawn", "samples"),
}  # fmt: skip


@dataclass(frozen=True)
class End:
    """A quantity by its name in a record, and the selection (epoch) at which it is read."""

    name: str
    selection: str  # "first" | "last"

    @property
    def label(self) -> str:
        """ "ζ", "dependency ratio", "k of audio"."""
        base, _, modality = self.name.removeprefix("log.").partition(".")
        label = LABELS.get(base, (base.replace("_", " "),))[0]
        return f"{label} of {modality}" if modality else label

    @property
    def unit(self) -> str:
        return LABELS.get(self.name.removeprefix("log.").partition(".")[0], ("", ""))[1]


@dataclass(frozen=True)
class Relation:
    """`larger` is said to be above `smaller`."""

    larger: End
    smaller: End
    text: str  # in the labels: "ζ rises from the first epoch to the last"

    @property
    def difference(self) -> str:
        """What is measured: "ζ at the last epoch minus at the first"."""
        first, second = self.larger, self.smaller
        if first.name == second.name:
            return f"{first.label} at the {first.selection} epoch minus at the {second.selection}"
        return f"{first.label} minus {second.label} at the {first.selection} epoch"


def parsed(text: str) -> tuple[Relation, ...]:
    """The relations that a claim's `quantity` joins; none if one of them is not as above."""
    found = [_RULE.fullmatch(part) for part in text.split(" and ")]
    return tuple(_relation(*match.groups()) for match in found if match) if all(found) else ()


def _relation(left: str, sign: str | None, right: str | None, early: str | None, trend: str | None) -> Relation:
    if sign is None or right is None:
        first, last = End(left, "first"), End(left, "last")
        larger, smaller = (last, first) if trend == "rises" else (first, last)
        return Relation(larger, smaller, f"{last.label} {trend} from the first epoch to the last")
    selection = "first" if early else "last"
    ends = End(left, selection), End(right, selection)
    larger, smaller = ends if sign == ">" else ends[::-1]
    side = "above" if sign == ">" else "below"
    return Relation(larger, smaller, f"{ends[0].label} {side} {ends[1].label} at the {selection} epoch")
