"""The committed tables themselves: what they resolve to (goldens), what shares a run and what must not, counts, margins.

Regenerate the goldens, after looking at why they changed:  python -m tests.test_tables
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mmbench import published, resolve
from mmbench.spec import WORDS, Table, flatten

GOLDEN = Path(__file__).parent / "golden" / "tables"
SECTIONS = (("full", "paper"), ("full", "released"), ("small", "paper"), ("demo", "paper"), ("demo", "released"))


Leaves = dict[tuple[str, str], dict[str, str]]  # (row, column) -> leaf -> value


def described(table: Table) -> str:
    """One `leaf: value` per line, so that a changed default is one line: `all` what all cells share, `*:column` and `row:*` what a
    column or a row shares, then single cells. Later sections hold what differs from the first ("-": gone). Keys are left out."""
    lines = []
    first = leaves(table, *SECTIONS[0])
    for section in SECTIONS:
        lines.append(f"# {', '.join(section)}")
        now = leaves(table, *section)
        if section != SECTIONS[0]:
            now = {cell: changed(first[cell], own) for cell, own in now.items()}
        for group in (lambda cell: "all", lambda cell: f"*:{cell[1]}", lambda cell: f"{cell[0]}:*", ":".join):
            lines += [f"{name} {leaf}: {value}" for name, leaf, value in factored(now, group)]
    return "\n".join(lines) + "\n"


def leaves(table: Table, scale: str, reading: str) -> Leaves:
    found = {}
    for cell in resolve.cells(table, scale, reading):
        facts = {"state": cell.state, "published": cell.published, "computed": cell.computed, "notes": ", ".join(cell.notes)}
        view = {f"view.{name}": value for name, value in vars(cell.view).items()} if cell.view else {}
        own = flatten(cell.run) | view | {name: value for name, value in facts.items() if value}
        found[cell.row, cell.column] = {name: str(value) for name, value in own.items()}
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {n: v for n, v in after.items() if before.get(n) != v} | {n: "-" for n in before if n not in after}


def factored(cells: Leaves, group: Callable[[tuple[str, str]], str]) -> Iterator[tuple[str, str, str]]:
    """What all cells of a group share, taken out of them."""
    groups: dict[str, list[dict[str, str]]] = {}
    for cell, own in cells.items():
        groups.setdefault(group(cell), []).append(own)
    for name, members in groups.items():
        for leaf, value in sorted(set.intersection(*(set(own.items()) for own in members))):
            for own in members:
                del own[leaf]
            yield name, leaf, value


@pytest.mark.parametrize("id", published.ids())
def test_golden(id: str) -> None:
    assert described(published.load(id)) == (GOLDEN / f"{id}.txt").read_text()


def test_every_golden_has_its_table() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(published.ids())


def key(address: str, reading: str = "paper", scale: str = "full") -> str:
    table, row, column = address.split(":")
    cells = resolve.cells(published.load(table), scale, reading)
    found = next(cell.key for cell in cells if (cell.row, cell.column) == (row, column))
    assert found, f"{address} has no run"
    return found


@pytest.mark.parametrize("reading", ["paper", "released"])
@pytest.mark.parametrize(
    "addresses",
    [
        ("smv-subset:20:ks", "smv-modality-function:linear:ks"),
        ("smv-subset:20:ucf101", "smv-modality-function:linear:ucf101"),
        ("smv-fixed-rate:sample-level:acc", "smv-sample-function:f1:ucf101", "smv-fixed-rate:sample-level:resampled"),
        ("smv-subset:concat:ks", "smv-sample-function:concat:ks", "smv-modality-function:concat:ks", "smv-strategies:concat:ks"),
        ("smv-subset:decision:ucf101", "smv-fixed-rate:decision:acc"),
        ("arl-fusion:concat:crema-d", "arl-optimizers:sgd:crema-d", "arl-main:concat:crema-d", "arl-ablation:none:macro-f1"),
        ("arl-fusion:concat:ave", "arl-optimizers:sgd:ave"),
        ("arl-fusion:concat-arl:ks", "arl-optimizers:sgd-arl:ks", "arl-main:arl:ks"),
        (
            "arl-temperature:t-8:acc", "arl-gamma:gamma-4:acc", "arl-fusion:concat-arl:crema-d", "arl-main:arl:crema-d",
            "arl-ablation:ur+al+gr:acc",
        ),
        ("mmcosine-losses:ce:crema-d", "mmcosine-scale:vanilla:cd"),
        ("mmcosine-losses:ce-mmcosine:crema-d", "mmcosine-scale:s-2:cd"),
        ("cmvqvae-digits:mnist:compl", "cmvqvae-digits:both:accuracy", "cmvqvae-complementarity:digits:zeta"),
        ("cmvqvae-comparison:ours:crema-d", "cmvqvae-main:ours:crema-d-zeta", "cmvqvae-ablation:ours:acc"),
        ("cmvqvae-comparison:ours:nyuv2", "cmvqvae-threshold:t-50:nyuv2", "cmvqvae-complementarity:nyuv2:first"),
        ("cmvqvae-main:multi:crema-d", "cmvqvae-ablation:i:acc"),
    ],
)  # fmt: skip
def test_shared(addresses: tuple[str, ...], reading: str) -> None:
    assert len({key(address, reading) for address in addresses}) == 1


def test_the_two_papers_share_their_ucf101_baselines_under_the_paper_reading_alone() -> None:
    two = "mmcosine-modalities:softmax-ce:rgb-flow", "smv-subset:concat:ucf101"
    three = "mmcosine-modalities:softmax-ce:rgb-flow-diff", "smv-three-modalities:concat:ucf101-three"
    for pair in (two, three):
        assert key(pair[0]) == key(pair[1])
        assert key(pair[0], "released") != key(pair[1], "released")


@pytest.mark.parametrize(
    "addresses",
    [
        ("arl-fusion:concat:crema-d", "mmcosine-scale:vanilla:cd", "cmvqvae-main:multi:crema-d"),  # other recipes, other inputs
        ("arl-main:concat:ucf101", "smv-subset:concat:ucf101"),
        ("arl-fusion:concat:ks", "smv-subset:concat:ks"),  # other classes
        ("arl-fusion:concat:mosi", "smv-three-modalities:concat:cmu-mosi"),
        ("smv-sample-function:f1:ks", "smv-sample-function:f2:ks", "smv-sample-function:f3:ks"),
        ("smv-subset:20:ks", "smv-subset:50:ks", "smv-subset:100:ks"),
        ("arl-temperature:t-1:acc", "arl-temperature:t-4:acc", "arl-temperature:t-8:acc", "arl-temperature:t-12:acc"),
        ("arl-optimizers:sgd:ks", "arl-optimizers:adam:ks", "arl-optimizers:adagrad:ks"),
        ("smv-views:concat:2", "smv-views:concat:3", "smv-views:concat:4", "smv-views:concat:5"),
        ("mmcosine-modalities:softmax-ce:rgb-flow", "mmcosine-modalities:softmax-ce:rgb-flow-diff"),
        ("mmcosine-losses:ccl:crema-d", "mmcosine-losses:ccl-mmcosine:crema-d", "mmcosine-losses:ce-mmcosine:crema-d"),
        ("cmvqvae-main:ours:crema-d", "cmvqvae-main:no-penalty:crema-d", "cmvqvae-main:drop:crema-d", "cmvqvae-main:first:crema-d"),
        ("cmvqvae-rml:rml-only:acc", "cmvqvae-rml:ours:acc"),
        ("arl-ablation:ur:acc", "arl-ablation:al:acc", "arl-ablation:ur+al:acc", "arl-ablation:ur+al+gr:acc", "arl-ablation:constant:acc"),
        ("cmvqvae-comparison:ogm-ge:crema-d", "cmvqvae-comparison:pmr:crema-d", "cmvqvae-comparison:ours:crema-d"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("reading", ["paper", "released"])
def test_not_shared(addresses: tuple[str, ...], reading: str) -> None:
    assert len({key(address, reading) for address in addresses}) == len(addresses)


def test_counts() -> None:
    counts = published.counts()
    assert {paper: row["numbers"] for paper, row in counts.items()} == {"mmcosine": 23, "smv": 83, "arl": 58, "cmvqvae": 20, "all": 184}
    assert (counts["all"]["settings"], counts["all"]["words"], counts["all"]["tables"]) == (28, 4, 27)
    kinds = [published.load(id).kind for id in published.ids()]
    assert [kinds.count(kind) for kind in ("results", "settings", "figure", "computed")] == [17, 1, 2, 1]


def test_the_settings_of_the_resolved_models_are_the_printed_ones() -> None:
    for reading in ("paper", "released"):
        for cell in resolve.cells(published.load("cmvqvae-architecture"), reading=reading):
            assert cell.computed == cell.published, cell.address


def test_words_in_place_of_numbers() -> None:
    cells = {cell.address: cell for cell in resolve.cells(published.load("smv-three-modalities"))}
    refused = [address for address, cell in cells.items() if cell.state == "inapplicable"]
    assert refused == [address for address, cell in cells.items() if cell.published == "Inapplicable"]
    assert "takes exactly 2 modalities, this cell has 3" in cells[refused[0]].why
    assert cells["smv-three-modalities:agm:ucf101-three"].published == "Not converge"


def test_cited_rows_that_can_run_have_a_recipe_of_their_own() -> None:
    cells = {cell.row: cell for cell in resolve.cells(published.load("cmvqvae-comparison"))}
    assert {row for row, cell in cells.items() if cell.state == "cited"} == {
        "hdm-bg", "c3d", "transformer", "hrnet-18", "unet++", "masksup",
    }  # fmt: skip
    assert {cells[row].run["split"] for row in ("grad-blend", "ogm-ge", "pmr")} == {"ogm"}
    assert resolve.cells(published.load("cmvqvae-ablation"))[0].run["split"] == "cmvqvae"


def test_full_is_the_published_recipe() -> None:
    """Marks on the epoch axis resolve to the published integers; the readings differ where the facts say so."""
    gamma = published.load("arl-gamma")
    paper, released = (resolve.cells(gamma, reading=reading)[2] for reading in ("paper", "released"))
    assert paper.run["schedule"]["marks"] == [70]
    assert released.run["schedule"]["marks"] == [69]
    assert (paper.run["params"]["warmup"], released.run["params"]["warmup"]) == (0, 6)
    assert (paper.run["clip"], released.run["clip"], released.run["drop_last"]) == (0, 40, True)
    assert released.view is not None
    assert (released.view.after, released.view.subset) == (31, "first-704")
    scale = resolve.cells(published.load("mmcosine-scale"), reading="released")
    assert {cell.run["head"]: cell.view.decision for cell in scale if cell.column == "cd" and cell.view} == {
        "concat": "head",
        "cosine": "raw",
    }


def test_demo_stands_on_stand_ins_alone_and_changes_neither_method_nor_head() -> None:
    facts = published.datasets()
    for table in map(published.load, published.ids()):
        for full, demo in zip(resolve.cells(table), resolve.cells(table, "demo"), strict=True):
            if full.run:
                assert facts[demo.run["dataset"]].stand_in, demo.address
                assert full.run["dataset"] in facts[demo.run["dataset"]].stand_for
                for name in ("method", "head", "head_params", "model", "modalities", "task"):
                    assert full.run[name] == demo.run[name], (demo.address, name)
                assert full.run["params"].keys() == demo.run["params"].keys()


def gains(table: Table, column: str) -> list[float]:
    """The positive differences that the claims on a column rest on, among printed numbers."""
    sign = 1 if table.column(column).better == "higher" else -1

    def difference(row: str, other: str) -> float | None:
        values = [table.published.get((r, column)) for r in (row, other)]
        if any(v is None or v in WORDS for v in values) or row == other:
            return None
        return sign * (float(str(values[0])) - float(str(values[1])))

    found = []
    for claim in table.claims:
        if column not in claim.columns:
            continue
        than = claim.than or [r.id for r in table.rows if r.id not in claim.rows and not r.cited]
        pairs = [(row, other) for row in claim.rows for other in than]
        if claim.form == "gain":
            pairs = list(zip(claim.rows, claim.than, strict=True))
        if claim.form == "monotone":
            pairs = [(later, earlier) for earlier, later in pairwise(claim.rows)]
        if claim.form in ("better", "best", "gain", "monotone"):
            found += [difference(*pair) for pair in pairs]
    return [gain for gain in found if gain is not None and gain > 0]


def test_margins_are_at_most_half_the_smallest_claimed_gain() -> None:
    """Decisions E2, for what is a score; shares, zeta, errors and multiples have rules of their own."""
    for table in map(published.load, published.ids()):
        for column in table.columns:
            if column.metric in ("accuracy", "macro-f1", "miou", "eer") and table.kind in ("results", "main-paper"):
                assert column.margin is not None, (table.id, column.id)
                limit = min([2.0, *(gain / 2 for gain in gains(table, column.id))])
                assert column.margin.value <= limit + 1e-9, (table.id, column.id)


def test_every_table_states_its_claims_or_has_none_to_state() -> None:
    silent = [id for id in published.ids() if not published.load(id).claims and not published.load(id).untestable]
    assert silent == ["cmvqvae-architecture"]


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for stale in GOLDEN.glob("*.txt"):
        stale.unlink()
    for name in published.ids():
        (GOLDEN / f"{name}.txt").write_text(described(published.load(name)))
