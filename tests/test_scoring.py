"""What a model measures of its samples becomes means beside the task's scores; the validation loss only where a rule asks for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mmbench import scoring
from mmbench.errors import UserError
from mmbench.execute import result
from mmbench.spec import View
from mmbench.train import _evaluate
from tests import vqvae


def kept(**more) -> dict[str, torch.Tensor]:
    fused = torch.tensor([[0.5, 0.5], [0.2, 0.8]]).log()
    choices = {f"choice.{m}": torch.zeros(2, dtype=torch.int64) for m in ("a", "b")}
    return {"fused": fused, "labels": torch.tensor([0, 1]), "contribution": torch.ones(2, 2), **choices, **more}


def test_means_of_what_the_model_measured():
    found = scoring.scores(kept(**{"score.mse.a": torch.tensor([1.0, 3.0]), "score.zeta": torch.full((2,), math.nan)}), 2, ("a", "b"), ())
    assert found["mse.a"] == 2
    assert math.isnan(found["zeta"])
    assert not any(name.startswith("score.") for name in found)


def test_the_cross_entropy_by_hand_and_only_where_it_chooses():
    view = View("accuracy", select="least-val-loss")
    assert scoring.scores(kept(), 2, ("a", "b"), (view,))["cross-entropy"] == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)
    assert "cross-entropy" not in scoring.scores(kept(), 2, ("a", "b"), (View("accuracy"),))


def test_two_closed_masks_leave_no_zeta_in_the_record():
    run = vqvae.run()
    run.change = lambda features: features
    run.model.head.mask.weights.data.zero_()
    numbers, _ = _evaluate(run, (View("zeta"),))
    assert (numbers["compl.visual"], numbers["contr.audio"]) == (0, 50)
    assert math.isnan(numbers["zeta"])
    past = {"curve": {"loss": [1.0]}, "train_loss": 1.0, "selections": {"last": {"epoch": 0, "values": numbers}}}
    stored = result(run, past)["selections"]["last"]["values"]
    assert "zeta" not in stored
    assert stored["compl.visual"] == 0


def test_a_subset_that_the_data_name_is_scored_alone():
    """RML's clips of the labels that CREMA-D has too."""
    content = vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 16, 16))), count=8)
    for part in content.parts.values():
        part.extras["subset.shared-labels"] = part.labels != 2
    run = vqvae.run(content=content)
    run.change = lambda features: features
    numbers, stored = _evaluate(run, (View("accuracy", subset="shared-labels"),))
    right = stored["fused"].argmax(1) == stored["labels"]
    assert numbers["accuracy@shared-labels"] == pytest.approx(100 * float(right[stored["labels"] != 2].float().mean()))
    with pytest.raises(UserError, match="unknown scored subset 'shared'; expected 'all', 'first-<count>' or one that the prepared"):
        _evaluate(run, (View("accuracy", subset="shared"),))


def test_stored_predictions_hold_no_measures():
    stored = scoring.predictions(kept(**{"score.mse.a": torch.ones(2)}))
    assert set(stored) == {"log_probabilities", "labels", "choice.a", "choice.b"}
    assert all(isinstance(value, np.ndarray) for value in stored.values())
