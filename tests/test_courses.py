"""Curves per modality, from the files beside the records."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench import courses, records
from mmbench.spec import Column, Job, Row, Table
from tests import samples

ROWS = ("arl", "concat", "cosine", "sum", "film", "gated")
RUNS = {
    "arl": {"head": "concat", "head_params": {}, "method": "arl"}, "cosine": {},
    **{head: {"head": head, "head_params": {}} for head in ("concat", "sum", "film", "gated")},
}  # fmt: skip
CELLS = [samples.cell(row, **RUNS[row]) for row in ROWS]
TABLE = Table("toy", "toy", "Table 1", "Toy", "results", "accuracy", "%", "higher", tuple(Row(r, f"row {r}") for r in ROWS),
              (Column("acc", "Acc", "accuracy", "%", "higher"),), {}, frozenset(), (), (), "")  # fmt: skip


def curve(seed: int = 0, epochs: int = 4) -> dict[str, np.ndarray]:
    """As training writes them."""
    of = np.arange(1, epochs + 1, dtype=np.float32)
    return {"accuracy": 10 * of + seed, "accuracy.audio": 9 * of, "accuracy.visual": 3 * of, "loss": 1 / of}


def write(row: str, seed: int = 0, content: dict | None = None):
    cell = next(c for c in CELLS if c.row == row)
    record = samples.record(Job(cell.key, seed, cell.run, (), "demo"))
    return records.write(record, curve(seed) if content is None else content, {}), record


def found(*rows: str, seeds: int = 1, content: dict | None = None) -> tuple[courses.Course, ...]:
    cells = {c.row: c for c in CELLS}
    runs = {cells[row].key: [write(row, seed, content)[1] for seed in range(seeds)] for row in rows}
    return courses.courses(TABLE, CELLS, runs)


def test_the_outputs_of_each_modality_seed_by_seed():
    (course,) = found("concat", seeds=3)
    assert (course.label, course.dataset, course.metric, course.seeds) == ("row concat", "av-digits", "accuracy", 3)
    assert course.fused is not None
    np.testing.assert_array_equal(course.fused, [[10, 20, 30, 40], [11, 21, 31, 41], [12, 22, 32, 42]])
    assert [*(course.unimodal or {})] == ["audio", "visual"]
    np.testing.assert_array_equal((course.unimodal or {})["visual"][0], [3, 6, 9, 12])
    assert (course.compl, course.zeta) == ({}, None)


def test_plain_training_first_then_each_method_once_then_the_rest_and_at_most_four():
    assert [c.label for c in found(*ROWS)] == ["row concat", "row arl", "row cosine", "row sum"]


def test_complementarity_and_zeta():
    content = {"mse": np.ones(2), "compl.audio": np.array([50.0, 20]), "compl.visual": np.array([50.0, 30]), "zeta": np.array([1, 0.66])}
    (course,) = found("concat", content=content)
    assert course.unimodal == {}
    np.testing.assert_array_equal((course.compl or {})["visual"], [[50, 30]])
    np.testing.assert_array_equal(course.zeta, [[1, 0.66]])


def test_curves_of_unequal_length_are_shown_as_far_as_all_went():
    cell = CELLS[1]
    runs = [samples.record(Job(cell.key, seed, cell.run, (), "demo")) for seed in range(2)]
    for record, epochs in zip(runs, (4, 2), strict=True):
        records.write(record, curve(epochs=epochs), {})
    (course,) = courses.courses(TABLE, CELLS, {cell.key: runs})
    assert course.fused is not None
    assert course.fused.shape == (2, 2)


def test_records_without_curves_or_without_outputs_of_the_modalities_have_no_course():
    assert found("concat", content={}) == ()
    assert found("sum", content={"accuracy": np.ones(3)}) == ()
    assert courses.courses(TABLE, CELLS, {}) == ()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive"])
def test_a_damaged_curve_is_named_and_left_out(content, capsys):
    cell = CELLS[1]
    good, bad = write("concat", 0), write("concat", 1)
    records.beside(bad[0], "curve").write_bytes(content)
    (course,) = courses.courses(TABLE, CELLS, {cell.key: [good[1], bad[1]]})
    assert course.seeds == 1
    assert f"{records.beside(bad[0], 'curve')} cannot be read: it is left out of the pictures" in capsys.readouterr().err


def test_at_most_five_seeds_are_read():
    assert found("concat", seeds=7)[0].seeds == 5
