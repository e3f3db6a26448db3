"""Selection rules on hand-made curves."""

from __future__ import annotations

from dataclasses import replace

from mmbench import history
from mmbench.spec import View


def played(rows, views=(), better="higher", validated=False):
    past = history.empty()
    wanted = history.rules(views, "accuracy", validated)
    for numbers in rows:
        history.append(past, numbers, {}, wanted, "accuracy", better)
    return past["selections"]


def test_best_is_the_first_of_equals_and_last_is_last():
    chosen = played([{"accuracy": 1.0}, {"accuracy": 3.0}, {"accuracy": 3.0}, {"accuracy": 2.0}])
    assert (chosen["best-test"]["epoch"], chosen["last"]["epoch"]) == (1, 3)


def test_lower_is_better_where_the_metric_says_so():
    assert played([{"accuracy": 5.0}, {"accuracy": 2.0}, {"accuracy": 4.0}], better="lower")["best-test"]["epoch"] == 1


def test_after_leaves_the_first_epochs_out():
    """The released ARL script keeps the best test epoch after epoch 30."""
    view = View("accuracy", after=2)
    chosen = played([{"accuracy": 9.0}, {"accuracy": 8.0}, {"accuracy": 1.0}, {"accuracy": 2.0}], (view,))
    assert chosen[view.selection]["epoch"] == 3
    assert chosen["best-test"]["epoch"] == 0


def test_the_first_epoch_keeps_what_is_watched_alone():
    chosen = played([{"accuracy": 1.0, "log.k": 0.5}, {"accuracy": 3.0, "log.k": 0.7}])
    assert chosen["first"] == {"epoch": 0, "values": {"log.k": 0.5}}


def test_best_val_exists_only_with_a_validation_part_and_is_chosen_by_it_alone():
    rows = [{"accuracy": 9.0, "val.accuracy": 1.0}, {"accuracy": 2.0, "val.accuracy": 5.0}]
    assert played(rows, validated=True)["best-val"] == {"epoch": 1, "values": rows[1]}
    assert "best-val" not in played(rows, (View("accuracy", select="best-val"),))


def test_the_least_validation_loss_keeps_the_later_of_equal_epochs():
    """CM-VQVAE's code (facts B3.7); the best validation accuracy of the same epochs is another one."""
    losses = (1.0, 0.5, 0.7, 0.5, 0.6)
    rows = [{"accuracy": 1.0, "val.accuracy": 9.0 - i, "val.cross-entropy": loss} for i, loss in enumerate(losses)]
    view = View("accuracy", select="least-val-loss")
    chosen = played(rows, (view,), validated=True)
    assert (chosen["least-val-loss"]["epoch"], chosen["best-val"]["epoch"]) == (3, 0)
    assert played(rows, (replace(view, after=4),), validated=True)["least-val-loss>4"]["epoch"] == 4
    assert "least-val-loss" not in played(rows, (view,))


def test_another_decision_and_subset_are_chosen_by_their_own_scores():
    view = View("accuracy", decision="raw")
    rows = [{"accuracy": 9.0, "accuracy/raw": 1.0}, {"accuracy": 2.0, "accuracy/raw": 5.0}]
    chosen = played(rows, (view,))
    assert (chosen["best-test/raw"]["epoch"], chosen["best-test"]["epoch"]) == (1, 0)


def test_what_is_first_logged_late_is_absent_before():
    past = history.empty()
    for numbers in ({"accuracy": 1.0}, {"accuracy": 1.0, "log.k": 2.0}, {"accuracy": 1.0}):
        history.append(past, numbers, {}, history.rules((), "accuracy", False), "accuracy", "higher")
    assert [str(v) for v in past["curve"]["log.k"]] == ["nan", "2.0", "nan"]
    assert history.lengths(past) == 3
