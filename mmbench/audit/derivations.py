"""What the papers derive, against what they print: MMCosine's bound, CM-VQVAE's shares and ratio, steps of proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

from mmbench import statements, theory
from mmbench.audit.finding import Finding, Suite, decimals, finding, half, measured
from mmbench.spec import Cell, Table

EXPECTED_P = 0.99  # MMCosine's supplement: "we typically use 0.99 as the value of p"


def bounds(suite: Suite) -> Iterator[Finding]:
    """A sweep of the scale: is the best one above the lower bound, and does every scale above it beat the baseline?"""
    for table in suite.tables:
        steps = {row.id for row in table.rows if row.x is not None}
        for column in table.columns:
            cells = [c for c in measured(suite, table) if c.column == column.id]
            sweep = {c.run["head_params"]["scale"]: c for c in cells if c.run.get("head") == "cosine" and c.row in steps}
            base = [c for c in cells if c.run.get("head") != "cosine"]
            if len(sweep) > 1 and len(base) == 1:
                sign = 1 if column.better == "higher" else -1
                score = {s: sign * float(str(c.published)) for s, c in sweep.items()}
                yield from _bound(suite, table, (sweep, score), base[0], sign)


def _bound(suite: Suite, table: Table, swept: tuple[dict[float, Cell], dict[float, float]], base: Cell, sign: int) -> Iterator[Finding]:
    sweep, score = swept
    classes, label = suite.facts[base.run["dataset"]].classes, table.column(base.column).label
    bound = theory.scale_bound(classes, EXPECTED_P)
    says = f"the scale should be at least {bound:.2f} ({classes} classes, p = {EXPECTED_P})"
    best = max(score, key=lambda s: score[s])
    if best < bound:
        yield finding(table, "bound", says, "the best above it", f"{label}: best is s = {best:g}, {sweep[best].published}")
    for scale in sorted(s for s in sweep if s >= bound and score[s] < sign * float(str(base.published))):
        worse = f"{label}: s = {scale:g} has {sweep[scale].published}, the baseline {base.published}"
        yield finding(table, "bound", says, "above the bound better than the baseline", worse)


def sizes(suite: Suite) -> Iterator[Finding]:
    """The shares compl and contr of one run: multiples of one channel, summing to 100; zeta is smallest compl over largest."""
    for table in suite.tables:
        runs: dict[str, dict[str, list[Cell]]] = {}
        for cell in measured(suite, table):
            runs.setdefault(cell.key, {}).setdefault(cell.metric, []).append(cell)
        for metrics in runs.values():
            kept, dropped = metrics.get("compl", []), metrics.get("contr", [])
            channels = _channels((*kept, *dropped))
            yield from _shares(table, kept, dropped, channels)
            for zeta in metrics.get("zeta", []) if len(kept) > 1 else []:
                yield from _zeta(table, zeta, kept, channels)


def _channels(cells: Sequence[Cell]) -> int:
    """The channels of all modalities together, of which a share counts some; 0 where the run does not say."""
    encoders = cells[0].run.get("encoders", {}) if cells else {}
    return sum(int(e.get("dimension", 0)) for e in encoders.values())


def _shares(table: Table, kept: Sequence[Cell], dropped: Sequence[Cell], channels: int) -> Iterator[Finding]:
    for cell in (*kept, *dropped) if channels else ():
        if not _possible(str(cell.published), channels):
            says = f"{cell.metric} of {cell.row} ({cell.column}) is {cell.published}"
            yield finding(table, "share", says, f"k of {channels} channels, in per cent", "none of them")
    values = [str(c.published) for c in (*kept, *dropped)]
    total = sum(map(float, values))
    if kept and len(kept) == len(dropped) and abs(total - 100) > sum(map(half, values)) + 1e-9:
        says = "compl and contr of all modalities sum to 100"
        yield finding(table, "share", says, "100", " + ".join(values) + f" = {total:.2f}")


def _possible(printed: str, channels: int) -> list[int]:
    """The k for which k/channels in per cent is printed so, rounded or cut."""
    unit, value = 10 ** -decimals(printed), float(printed)
    return [k for k in range(channels + 1) if -unit / 2 - 1e-9 <= 100 * k / channels - value < unit - 1e-9]


def _zeta(table: Table, zeta: Cell, kept: Sequence[Cell], channels: int) -> Iterator[Finding]:
    """From counts of channels where the shares tell them, else from all numbers that round to the printed ones."""
    low, high = (choose((str(c.published) for c in kept), key=float) for choose in (min, max))
    if float(high) <= 0:
        return
    exact = [_possible(v, channels) for v in (low, high)] if channels else [[], []]
    if len(exact[0]) == len(exact[1]) == 1:
        least = most = exact[0][0] / exact[1][0]
        how = f"{exact[0][0]} of {exact[1][0]} channels"
    else:
        least, most = (float(low) - half(low)) / (float(high) + half(high)), (float(low) + half(low)) / (float(high) - half(high))
        how = f"{low} / {high}"
    text, unit = str(zeta.published), 10 ** -decimals(str(zeta.published))
    if not least - unit / 2 - 1e-9 <= float(text) <= most + unit / 2 + 1e-9:
        cut = " (cut, not rounded)" if abs(floor(least / unit + 1e-9) * unit - float(text)) < 1e-9 else ""
        yield finding(table, "ratio", f"zeta of {zeta.row} is {text}", f"{(least + most) / 2:.3f}", how + cut)


def identities(suite: Suite) -> Iterator[Finding]:
    """A step of a proof with values that satisfy its premise and not its conclusion."""
    for entry in suite.stated["identity"]:
        if (example := next(statements.counterexamples(entry), None)) is not None:
            values = ", ".join(f"{name} = {value:g}" for name, value in example.items())
            yield Finding(entry["paper"], entry["table"], "identity", entry["says"], entry["expected"], f"fails at {values}")
