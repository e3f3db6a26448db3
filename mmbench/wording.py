"""The sentences of a report: numbers as text, the evidence of a claim, the remarks on a value, the banner of a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mmbench import stats, tested
from mmbench.spec import ClaimVerdict, Column, Table, TableVerdict, ValueVerdict

DASH = "–"
IN_NO_TERM = (
    "In no term of these intervals: hardware, software versions, lost data. The published value is taken as a constant. "
    "“Not reproduced” means that it differs by more than our seed noise; see the deviations."
)
BOUNDS = (
    "A claim is read off the interval of the comparison that decides: above 0 (a ratio: on its side of 1) it speaks for the claim, below "
    "against it. Each end is a one-sided bound at 5 %; of several comparisons the end by which one alone could decide is at 5 % divided "
    "by their number."
)


def decimals(printed: Iterable[str | None], default: int = 2) -> int:
    """The most digits after the point among printed numbers: "76.68", "9.8" -> 2; "15" -> 0; words do not count."""
    numbers = [m for text in printed if text and (m := re.search(r"\d*\.(\d+)|\d+", text))]
    return max((len(m.group(1) or "") for m in numbers), default=default)


def mean(value: ValueVerdict, digits: int) -> str:
    """ "75.10 ± 0.43"; without a spread the mean alone; "" where nothing ran. A missing run is never a number."""
    if value.mean is None:
        return ""
    return f"{value.mean:.{digits}f}" + (f" ± {value.sd:.{digits}f}" if value.sd is not None else "")


def band(value: ValueVerdict, digits: int) -> str:
    return "" if value.low is None or value.high is None else f"{value.low:.{digits}f} to {value.high:.{digits}f}"


def signed(number: float | None, digits: int) -> str:
    """ "+0.42", "-1.30", and "0.00" without a sign."""
    text = "" if number is None else f"{number:+.{digits}f}"
    return text[1:] if text and float(text) == 0 else text


def count(value: ValueVerdict) -> str:
    """ "5", "4 (1 diverged)", "" where nothing ran."""
    if value.diverged:
        return f"{value.n} ({value.diverged} diverged)"
    return str(value.n) if value.n else ""


def verdict(value: ValueVerdict) -> str:
    """The judge's word; what diverged in all its runs says that first, wherever it ran."""
    return "diverged" if value.diverged and not value.n else value.word


def remark(value: ValueVerdict) -> str:
    """What the reader needs beside the word: why, the other assumption on the paper's runs, seeds that would decide, Holm."""
    parts = [] if value.cell.computed else [value.why]
    if value.alternative and value.alternative != value.word:
        parts.append(f"if the paper's number is a mean of {value.n} runs: {value.alternative}")
    if value.seeds_needed:
        parts.append(f"about {value.seeds_needed} seeds would decide")
    if value.word == "not reproduced" and value.holm is not None:
        parts.append("rejected after Holm's adjustment too" if value.holm else "not rejected after Holm's adjustment")
    return "; ".join(p for p in parts if p)


def runs(values: Iterable[ValueVerdict]) -> int:
    """How many runs stand behind these values, a shared run once."""
    found = {v.cell.key: v.n + v.diverged for v in values if v.n or v.diverged}
    return sum(found.values())


def confirmed(elsewhere: Iterable[ValueVerdict], judged: bool) -> str:
    """ "2 of 3 reproduced": what other groups found of a value; where nothing is judged, "3 groups ran it"."""
    found = list(elsewhere)
    if not found:
        return ""
    if not judged:
        return f"{len(found)} group{'' if len(found) == 1 else 's'} ran it"
    return f"{sum(v.word == 'reproduced' for v in found)} of {len(found)} reproduced"


def elsewhere_found(group: str, value: ValueVerdict, digits: int, judged: bool) -> str:
    """ "lab-a (unverified): reproduced, 75.20 ± 0.44, n 5"."""
    word = verdict(value) if judged or not value.n else ""
    return f"{group} (unverified): " + ", ".join(filter(None, (word, mean(value, digits), f"n {count(value)}")))


def claim_elsewhere(words: Mapping[str, str]) -> str:
    """ "other groups (unverified): lab-a holds, lab-b undecided"."""
    return f"other groups (unverified): {', '.join(f'{group} {word}' for group, word in words.items())}" if words else ""


def evidence(claim: ClaimVerdict, table: Table, ran: Mapping[tuple[str, str], str]) -> str:
    """What decided a claim: which comparison, its numbers, the bounds that the word was read off. ran: (row, column) -> the title of
    the data behind it, where that has to be said."""
    what, parts = tested.compared(claim, table, ran), []
    ends = [] if claim.low is None or claim.high is None else [claim.low, claim.high]
    estimates = [] if claim.estimate is None else [claim.estimate]
    sign = claim.claim.form not in ("cost", "value")
    digits = _digits([*estimates, *ends], 1.0 if claim.claim.form == "cost" else 0.0)
    number = lambda v: signed(v, digits) if sign else f"{v:.{digits}f}"  # noqa: E731
    if estimates:
        parts.append(f"{number(*estimates)}{tested.unit(claim, table)}")
    if ends:
        level, risks = _level(claim)
        parts.append(f"{level}interval {number(ends[0])} to {number(ends[1])}{risks}")
    if claim.probability is not None:
        parts.append(f"probability of the shape {claim.probability:.2f}")
    if claim.df is not None:
        parts.append(f"{claim.df:.0f} degrees of freedom")
    if claim.n:
        parts.append(f"{claim.n} seed{'s' if claim.n > 1 else ''}")
    return ": ".join(filter(None, (_deciding(claim), what, ", ".join(parts)))) if parts else ""


def _digits(numbers: Iterable[float], edge: float) -> int:
    """Two digits after the point, or as many, up to six, as show on which side of the edge each number is, and which is the least."""
    given = list(numbers)
    beside = [v for v in (*(number - edge for number in given), max(given, default=0) - min(given, default=0)) if v]
    return next((digits for digits in range(2, 6) if all(round(v, digits) for v in beside)), 6)


def _level(claim: ClaimVerdict) -> tuple[str, str]:
    """Two one-sided 95 % bounds are a 90 % interval; bounds at two levels say each its own."""
    low, high = claim.risks
    if low == high:
        return f"{100 * (1 - 2 * low):g} % ", ""
    return "", f" (lower end at {100 * low:.2g} %, upper end at {100 * high:.2g} %)"


def _deciding(claim: ClaimVerdict) -> str:
    """Of how many comparisons the numbers are those of one; "" where there is but one."""
    if claim.comparisons < 2:
        return ""
    return f"{'strongest' if claim.claim.over == 'any' else 'weakest'} of {claim.comparisons} comparisons"


def quality(column: Column, trained: bool) -> str:
    """ "accuracy in %, higher is better"; of a formula or a setting there is no better."""
    if not trained:
        return "" if column.metric == "setting" else column.metric
    return f"{column.metric}{f' in {column.unit}' if column.unit else ''}, {column.better} is better"


def margin(column: Column) -> str:
    m = column.margin
    if m is None:
        return ""
    unit = {"%": " points", "": ""}.get(column.unit, f" {column.unit}")
    size = f"{m.value:.0%} of the published value" if m.relative else f"{m.value:g}{unit}"
    return f"Margin within which two values count as equal: {size} ({m.why}; fixed {m.date})."


def spread(column: Column, table: TableVerdict, digits: int) -> str:
    if column.id not in table.spread:
        return ""
    sd = f"{table.spread[column.id]:.{digits}f}"
    df = f", {table.df[column.id]:.1f} degrees of freedom" if column.id in table.df else ""
    return f"Spread of our seeds, pooled over the column: {sd}{df}. ± is the larger of it and the value's own."


def multiplicity(table: TableVerdict) -> str:
    if table.expected_false_alarms is None:
        return ""
    tested = sum(v.p is not None for v in table.values)
    kept = sum(bool(v.holm) for v in table.values)
    return (
        f"Multiplicity: {tested} value{'s' if tested != 1 else ''} tested; if every recipe were reproduced perfectly, "
        f"{table.expected_false_alarms:.2g} would still be called inconsistent. After Holm's adjustment: {kept} inconsistent."
    )


def elsewhere(values: Sequence[ValueVerdict], select: str, other: str, digits: int, judged: bool) -> str:
    """What the choice of the epoch does: the mean shift at another selection of the same runs, and, where values are judged, how
    many of the consistent ones are so only at the table's own ("only at best-test" is a finding)."""
    both = [(v, v.selections[other]) for v in values if v.mean is not None and other in v.selections]
    if not both:
        return ""
    shift = float(np.mean([there - v.mean for v, there in both if v.mean is not None]))
    side = "below" if shift < 0 else "above"
    said = f"At {other}, the means of the same runs lie {abs(shift):.{digits}f} {side} those at {select}, on average over the column."
    consistent = [(v, there) for v, there in both if judged and v.consistent]
    if consistent:
        lost = sum(_outside(v, there) for v, there in consistent)
        said += f" Consistent only at {select}: {lost} of {len(consistent)} (a band of the same width about the mean at {other} misses)."
    return said


def _outside(value: ValueVerdict, there: float) -> bool:
    if value.mean is None or value.high is None or value.difference is None:
        return False
    return abs(value.difference + there - value.mean) > value.high - value.mean


def order(values: Sequence[ValueVerdict]) -> str:
    """Kendall's tau between the published and the reproduced order of a column, "" below three numbers. It has no verdict."""
    pairs = [(float(v.cell.published), v.mean) for v in values if v.mean is not None and v.difference is not None and v.cell.published]
    if len(pairs) < 3:
        return ""
    tau = stats.kendall(*np.array(pairs).T)
    return "" if tau is None else f"Order of the rows, published against reproduced: Kendall's tau {tau:.2f} (printed without a verdict)."


def heading(kind: str, ran_on: Sequence[str]) -> str:
    """The heading of a section: where its numbers were made."""
    data = ", ".join(ran_on)
    words = {
        "stand-in": f"On a stand-in: {data}",
        "small": f"On a small part of the data: {data}",
        "not comparable": f"Not comparable: {data}",
    }
    return words.get(kind, f"On the paper's data: {data}" if data else "Without training: formulas and settings")


def not_judged(kind: str, ran_on: Sequence[str], why: str) -> str:
    """What a section ran on, in the words of the banner."""
    data = ", ".join(ran_on)
    if kind == "stand-in":
        return f"{data}, {'stand-ins' if len(ran_on) > 1 else 'a stand-in'} and not the paper's data"
    return f"a small part of {data}" if kind == "small" else f"{data}, not comparably ({why})"


def banner(judged: Sequence[str], unjudged: Sequence[str], elsewhere: Sequence[str] = ()) -> str:
    """The plain words at the top of a page. judged, unjudged: the data of the measured sections of each sort; elsewhere: other
    groups that have runs."""
    if not judged and not unjudged and elsewhere:
        groups = ", ".join(dict.fromkeys(elsewhere))
        return f"Nothing on this page has been run by us: beside the paper's numbers stands what others ran, unverified ({groups})."
    if not judged and not unjudged:
        return "Nothing on this page has been run yet: every number on it is the paper's."
    if not unjudged:
        return ""
    others = " and on ".join(unjudged)
    means = "is judged against a published one. What is looked for there is the direction of the claims, nothing else."
    if not judged:
        return f"Everything measured on this page ran on {others}: no number on this page {means}"
    return f"This page has numbers from {' and '.join(judged)}, which are judged, and others from {others}: none of these others {means}"


def shared_reasons(values: Sequence[ValueVerdict]) -> tuple[str, ...]:
    """Why several values have no number, each reason once: "4 values blocked: crema-d is not prepared ..."."""
    found = Counter((v.word, v.why) for v in values if _numberless(v))
    return tuple(f"{number} values {word}: {why.removeprefix(f'{word}: ')}" for (word, why), number in found.items() if number > 1)


def shared(value: ValueVerdict, values: Sequence[ValueVerdict]) -> bool:
    """Whether `shared_reasons` already says why this value has no number."""
    return _numberless(value) and sum(_numberless(v) and (v.word, v.why) == (value.word, value.why) for v in values) > 1


def _numberless(value: ValueVerdict) -> bool:
    return value.mean is None and not value.diverged and not value.cell.computed and bool(value.why)
