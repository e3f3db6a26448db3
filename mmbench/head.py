"""What a head is: features per modality -> logits, fused and per modality, by one definition for training and for test."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Abstract. dims: modality -> feature dimension, in the order of concatenation. Logits are B x C."""

    def __init__(self, dims: Mapping[str, int]):
        super().__init__()
        self.modalities = tuple(dims)

    @abstractmethod
    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        """The fused logits, B x C, of features B x d per modality."""

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        """The fused logits when only some modalities are given: the others' features are zero, the bias stays whole.
        keep: bool, M (the same for all samples) or B x M, in the order of `modalities`."""
        return self.fuse({m: f * keep[..., i : i + 1].to(f.dtype) for i, (m, f) in enumerate(self.ordered(features))})

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each modality's own logits, B x C: the coalition of one."""
        eye = torch.eye(len(self.modalities), dtype=torch.bool, device=next(iter(features.values())).device)
        return {m: self.coalition(features, eye[i]) for i, m in enumerate(self.modalities)}

    def terms(self, fused: Tensor, features: Mapping[str, Tensor], keep: Tensor | None = None) -> list[Tensor]:
        """The logits, B x C each, whose losses make the task's loss: the fused ones alone, unless the head says otherwise.
        keep: as in `coalition`; `features` are whole, and what is not kept must not be learned from."""
        return [fused]

    def decisions(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits of other named decision rules that released code evaluates by, B x C each. None by default."""
        return {}

    def embedding(self, features: Mapping[str, Tensor]) -> Tensor:
        """One vector per item, B x sum of d: the concatenated features, which verification compares."""
        return torch.cat([f for _, f in self.ordered(features)], dim=1)

    def ordered(self, features: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
        return [(m, features[m]) for m in self.modalities]


class Out:
    """What one forward pass leaves: the fused logits (B x C), the features that the head saw (modality -> B x d), and extras.
    Unimodal logits and other decisions are computed by the head when first asked for. alone: makes the features that each modality
    has when it stands alone, of models where they depend on the others."""

    def __init__(
        self, head: Head, features: Mapping[str, Tensor], keep: Tensor | None = None, extras: Mapping[str, Tensor] | None = None,
        alone: Callable[[], Mapping[str, Tensor]] | None = None,
    ):  # fmt: skip
        self.head, self.features, self.keep, self.extras, self.alone = head, features, keep, dict(extras or {}), alone
        self.fused = head.fuse(features) if keep is None else head.coalition(features, keep)

    @property
    def losses(self) -> dict[str, Tensor]:
        """The model's own losses, scalars, that training adds to the task's: what stands in extras as `loss.<name>`."""
        return {name: value for name, value in self.extras.items() if name.startswith("loss.")}

    @property
    def scores(self) -> dict[str, Tensor]:
        """What the model measures of each sample, B numbers, and a task that evaluates it averages: `score.<name>` of extras."""
        return {name: value for name, value in self.extras.items() if name.startswith("score.")}

    @property
    def terms(self) -> list[Tensor]:
        return self.head.terms(self.fused, self.features, self.keep)

    @cached_property
    def unimodal(self) -> dict[str, Tensor]:
        return self.head.unimodal(self.features if self.alone is None else self.alone())

    @cached_property
    def decisions(self) -> dict[str, Tensor]:
        return self.head.decisions(self.features)
