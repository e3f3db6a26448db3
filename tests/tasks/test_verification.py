"""Speaker verification: trained on names, scored on pairs of people who were never named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmbench import build, registry
from mmbench.checkpoint import Checkpoint
from mmbench.datasets.data import Batch, Data
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.metrics import eer
from mmbench.spec import View
from mmbench.tasks.verification import Verification
from mmbench.train import outputs, train
from tests import tiny

TRIALS = np.array([[0, 3, 1], [1, 4, 1], [2, 5, 1], [0, 1, 0], [1, 2, 0], [3, 5, 0]])


def data() -> Data:
    """tiny's items; those of the test part are of nobody in training, items 0, 3, 6, ... of one person."""
    plain = tiny.data()
    test = plain.parts["test"]
    lists = {"trials.all-six": TRIALS, "trials.first-four": TRIALS[:4]}
    return replace(plain, parts={**plain.parts, "test": replace(test, labels=torch.full_like(test.labels, -1), extras=lists)})


def out(head: str, features: dict[str, torch.Tensor], **params) -> Out:
    torch.manual_seed(0)
    return Out(registry.load("head", head)({m: f.shape[1] for m, f in features.items()}, 5, **params), features)


def features(items: int = 10) -> dict[str, torch.Tensor]:
    source = torch.Generator().manual_seed(3)
    return {"audio": torch.randn(items, 4, generator=source), "visual": 9 * torch.randn(items, 3, generator=source)}


def kept_of(head: str, **params):
    made, content = out(head, features(), **params), data()
    batch = Batch({}, content.parts["test"].labels, torch.arange(10))
    task = Verification.of(content)
    with torch.no_grad():
        return made, task, task.whole(task.collect(made, batch), content.parts["test"])


def cosine(vectors: torch.Tensor) -> np.ndarray:
    one, other = vectors[TRIALS[:, 0]], vectors[TRIALS[:, 1]]
    return torch.nn.functional.cosine_similarity(one, other).detach().numpy()


def test_a_pair_is_scored_by_the_cosine_of_logits_or_of_embeddings():
    made, _, kept = kept_of("concat")
    both = torch.cat(list(features().values()), 1)
    np.testing.assert_allclose(kept["logits@all-six"], cosine(made.fused), rtol=1e-5)
    np.testing.assert_allclose(kept["embeddings@all-six"], cosine(both), rtol=1e-5)
    np.testing.assert_allclose(kept[".audio@all-six"], cosine(features()["audio"]), rtol=1e-5)
    assert kept["same@first-four"].tolist() == [True, True, True, False]


def test_the_cosine_heads_embedding_is_what_meets_its_weights():
    """Each modality of length 1, so the pair's cosine is the mean of the modalities' cosines."""
    _, _, kept = kept_of("cosine", scale=10.0, over="concat")
    alone = [cosine(f) for f in features().values()]
    np.testing.assert_allclose(kept["embeddings@all-six"], np.mean(alone, 0), rtol=1e-5)


def test_every_view_reads_its_list_and_its_decision():
    _, task, kept = kept_of("concat")
    views = [View("eer", decision="embeddings", subset="first-four"), View("min-dcf", subset="all-six"), View("eer", output="visual")]
    scores = task.scores(kept, ("audio", "visual"), views)
    same = TRIALS[:, 2].astype(bool)
    assert scores["eer/embeddings@first-four"] == eer(kept["embeddings@first-four"].numpy(), same[:4])
    assert scores["eer"] == scores["eer/logits"] == eer(kept["logits@all-six"].numpy(), same)
    assert scores["eer.visual"] == eer(kept[".visual@all-six"].numpy(), same)
    assert {"min-dcf", "min-dcf/embeddings", "min-dcf@all-six", "eer@all-six", "eer.audio"} <= set(scores)


def test_stored_are_the_scores_of_the_trials():
    _, task, kept = kept_of("concat")
    stored = task.predictions(kept)
    assert set(stored) == {f"{name}@{label}" for name in ("same", "logits", "embeddings") for label in ("all-six", "first-four")}
    assert stored["logits@all-six"].dtype == np.float32


def test_an_unknown_list_or_decision_is_one_line():
    _, task, kept = kept_of("concat")
    with pytest.raises(UserError, match="unknown trial list 'all-sx'; did you mean 'all-six'"):
        task.score(kept, View("eer", subset="all-sx"))
    with pytest.raises(UserError, match="unknown decision of a verification 'logit'; did you mean 'logits'"):
        task.score(kept, View("eer", decision="logit"))


def test_a_part_without_trials_or_with_wrong_ones_is_refused():
    with pytest.raises(UserError, match="tiny: part 'test' has no trial list: prepare the dataset again"):
        Verification.of(tiny.data())
    good = data()
    wrong = replace(good.parts["test"], extras={"trials.x": TRIALS + np.array([0, 99, 0])})
    with pytest.raises(UserError, match="tiny: trial list 'x' of part 'test': trial 0 names item 102 of 10"):
        Verification.of(replace(good, parts={**good.parts, "test": wrong}))


@pytest.mark.parametrize(("head", "params"), [("concat", {}), ("cosine", {"scale": 5.0, "over": "concat"})])
def test_it_trains_and_chooses_the_lowest_rate(tmp_path, head, params):
    """The whole loop: people that are never named are told apart as those in training are learned, as a shift of the mean is both."""
    spec = tiny.spec(model="verification", task="verification", head=head, head_params=params, epochs=6)
    view = View("eer", decision="embeddings", subset="first-four")
    run = build.run(spec, 0, data(), torch.device("cpu"))
    before = eer(outputs(run, run.data.parts["test"])["embeddings@all-six"].numpy(), TRIALS[:, 2] == 1)
    past, _ = train(run, build.method(spec), [view], Checkpoint(tmp_path / "c"))
    curve = past["curve"]["eer/embeddings@first-four"]
    chosen = past["selections"][view.selection]
    assert chosen["values"]["eer/embeddings@first-four"] == min(curve)
    assert chosen["epoch"] == int(np.argmin(curve))
    assert past["curve"]["loss"][-1] < past["curve"]["loss"][0]
    assert past["curve"]["eer/embeddings"][-1] <= before
