"""Trained to name speakers, scored on pairs: is it one person? EER and minDCF of trial lists (facts 1.9).

A pair's score is the cosine of two vectors, by one of two decisions: `logits`, the head's C numbers per item (MMCosine's released code;
the head's own decision, so the one that `head` means), or `embeddings`, what the head's last layer multiplies. A modality alone is
scored by its feature. Subsets are trial lists; `all` is the part's first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from mmbench import trials
from mmbench.datasets.data import Batch, Data, Part
from mmbench.errors import UserError, unknown
from mmbench.head import Out
from mmbench.metrics import eer, min_dcf
from mmbench.spec import View

SCORES = {"eer": eer, "min-dcf": min_dcf}
DECISIONS = {"head": "logits", "logits": "logits", "embeddings": "embeddings"}
CHUNK = 2048  # trials scored at once: 2 x 2,048 logit vectors of 5,994 speakers are 98 MB


@final
class Verification:
    primary = "eer"
    better = "lower"

    @classmethod
    def of(cls, data: Data) -> Self:
        """UserError where a part that is scored has no trial list, or one that names items that are not there."""
        for name in data.parts.keys() - {"train"}:
            part = data.parts[name]
            if not (lists := trials.of(part.extras)):
                raise UserError(f"{data.name}: part '{name}' has no trial list: prepare the dataset again")
            for label, found in lists.items():
                trials.checked(found, len(part), f"{data.name}: trial list '{label}' of part '{name}'")
        return cls()

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy over the speakers of training. logits B x C, labels B."""
        return cross_entropy(logits, batch.labels)

    def collect(self, out: Out, batch: Batch) -> dict[str, Tensor]:
        """What evaluation keeps of a batch until the part is whole: vectors of length 1, B x ... each."""
        vectors = {"logits": out.fused, "embeddings": out.head.embedding(out.features), **{f".{m}": f for m, f in out.features.items()}}
        return {"labels": batch.labels} | {name: normalize(vector.float(), dim=1) for name, vector in vectors.items()}

    def whole(self, kept: Mapping[str, Tensor], part: Part) -> dict[str, Tensor]:
        """What is left of a whole part: for every vector and trial list the scores, N float32, and for every list who is the same."""
        found: dict[str, Tensor] = {}
        for label, listed in trials.of(part.extras).items():
            pairs = torch.from_numpy(listed)
            found[f"same@{label}"] = pairs[:, 2].bool()
            for name, vectors in kept.items():
                if name != "labels":
                    chunks = (pairs[:, :2].to(vectors.device)).split(CHUNK)
                    found[f"{name}@{label}"] = torch.cat([(vectors[c[:, 0]] * vectors[c[:, 1]]).sum(1) for c in chunks]).cpu()
        return found

    def scores(self, kept: Mapping[str, Tensor], modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
        """Metric name -> score: EER and minDCF of both decisions, the EER of each modality, and every view."""
        wanted = {View(metric, decision=decision) for metric in SCORES for decision in DECISIONS}
        wanted |= {View("eer", output=m) for m in modalities}
        # best-* choose by the EER of a view's decision and subset (history.criterion), whatever the view's own metric
        wanted |= {v for view in views for v in (view, View("eer", decision=view.decision, subset=view.subset)) if view.metric in SCORES}
        return {view.name: self.score(kept, view) for view in sorted(wanted, key=lambda v: v.name)}

    def score(self, kept: Mapping[str, Tensor], view: View) -> float:
        lists = [name.partition("@")[2] for name in kept if name.startswith("same@")]
        label = lists[0] if view.subset == "all" else view.subset
        if label not in lists:
            raise unknown("trial list", label, lists)
        if view.decision not in DECISIONS:
            raise unknown("decision of a verification", view.decision, DECISIONS)
        vector = DECISIONS[view.decision] if view.output == "fused" else f".{view.output}"
        return SCORES[view.metric](kept[f"{vector}@{label}"].numpy(), kept[f"same@{label}"].numpy())

    def predictions(self, kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """What is stored beside the record: the scores of all trials by `<decision>@<list>`, float32, and who is the same."""
        return dict(_stored(kept))


def _stored(kept: Mapping[str, Tensor]) -> Iterator[tuple[str, np.ndarray]]:
    for name, values in kept.items():
        if not name.startswith("."):
            yield name, values.numpy()
