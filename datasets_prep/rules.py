"""Splits by rule, under names of their own: what "random" means is fixed by the sha256 of the names, so that all copies agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datasets_prep.dataset import Split
from datasets_prep.lists import by_hash


def carved(split: Split, name: str, part: str, share: float) -> Split:
    """The same split with a `val` part taken out of `part`: of each class the first `share` by hash. The test part is untouched."""
    keys, labels = split.parts[part]
    val: set[str] = set()
    for label in dict.fromkeys(labels):
        mine = by_hash(k for k, c in zip(keys, labels, strict=True) if c == label)
        val |= set(mine[: round(share * len(mine))])
    stays = [i for i, key in enumerate(keys) if key not in val]
    goes = [i for i, key in enumerate(keys) if key in val]

    def chosen(these: Sequence[str]) -> dict[str, list[str]]:
        return {part: [these[i] for i in stays], "val": [these[i] for i in goes]}

    items, classes = chosen(keys), chosen(labels)
    parts = {p: (items[p], classes[p]) for p in (part, "val")} | {p: v for p, v in split.parts.items() if p != part}
    of = {**split.of, **(chosen(split.of[part]) if part in split.of else {})}
    rule = f"{split.name}, with {share:.0%} of each class of {part}, by hash, as val"
    return Split(name, parts, split.order, of, split.lists, split.known, rule)


def stratified(name: str, keys: Sequence[str], labels: Sequence[str], shares: Mapping[str, float], order: str) -> Split:
    """Of each class, in the order of the hashes, the first share to the last part, and so on; the first part takes the rest."""
    parts: dict[str, list[int]] = {part: [] for part in shares}
    number = {key: i for i, key in enumerate(keys)}
    for label in dict.fromkeys(labels):
        mine = by_hash(k for k, c in zip(keys, labels, strict=True) if c == label)
        first = 0
        for part, share in reversed(list(shares.items())[1:]):
            last = first + max(1, round(share * len(mine))) if len(mine) > 1 else first
            parts[part] += [number[key] for key in mine[first:last]]
            first = last
        parts[next(iter(shares))] += [number[key] for key in mine[first:]]
    said = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
    return Split(name, _listed(parts, keys, labels), order, rule=f"of each class by the sha256 of the clip's name: {said}")


def by_group(
    name: str,
    keys: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    what: str,
    order: str,
    shares: tuple[float, float] = (0.1, 0.2),
) -> Split:
    """Whole groups (actors, videos) to val and test, by the hash of their names: no group in two parts."""
    ranked = by_hash(set(groups))
    tests, vals = max(1, round(shares[1] * len(ranked))), max(1, round(shares[0] * len(ranked)))
    where = {group: "test" if i < tests else "val" if i < tests + vals else "train" for i, group in enumerate(ranked)}
    parts = {part: [i for i, group in enumerate(groups) if where[group] == part] for part in ("train", "val", "test")}
    rule = f"by {what}, in the order of the sha256 of its name: the first {shares[1]:.0%} test, the next {shares[0]:.0%} val"
    return Split(name, _listed(parts, keys, labels), order, rule=rule)


def _listed(parts: Mapping[str, Sequence[int]], keys: Sequence[str], labels: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    return {part: ([keys[i] for i in sorted(mine)], [labels[i] for i in sorted(mine)]) for part, mine in parts.items()}
