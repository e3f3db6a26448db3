"""Audio-visual event localisation: which event each second shows. The supervised network of AVE-ECCV18 (facts 4.7 and 0b).

Of each second, a map of P places (d numbers each) and its sound (e numbers):

    w = softmax over the places p of  u . tanh(M relu(A map_p + a) + (N relu(B sound + b))_p)     M, N to P numbers and u without bias
    seen = sum over the places of w_p map_p                                                        d numbers

An encoder per modality reads the seconds in order (bidirectional LSTMs), and a second's answer is a small network on the two vectors.
So what the picture's encoder is given depends on the sound. Ours: where the sound is withheld (a copy of the picture alone, a turn or
a test without it), silence guides the attention, zeros; the picture's own answer is the one under silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, final

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbench.datasets.data import Data
from mmbench.errors import UserError
from mmbench.head import Head, Out
from mmbench.initialise import encoders, initialise
from mmbench.randomness import seeded
from mmbench.transfer import placed

Features = dict[str, Tensor]
SOUND, PICTURE = "audio", "visual"
HIDDEN = 64  # of the answering network


@final
class Attention(nn.Module):
    """seen: ... x P x d and heard: ... x e -> ... x d, the mean of the places as the sound weighs them."""

    def __init__(self, places: int, seen: int, heard: int, width: int):
        super().__init__()
        self.see, self.hear = nn.Linear(seen, width), nn.Linear(heard, width)
        self.look, self.listen = nn.Linear(width, places, bias=False), nn.Linear(width, places, bias=False)
        self.weigh = nn.Linear(places, 1, bias=False)

    def weights(self, seen: Tensor, heard: Tensor) -> Tensor:
        """... x P, sums 1."""
        guide = self.listen(relu(self.hear(heard)))[..., None]  # one number per place
        return self.weigh(torch.tanh(self.look(relu(self.see(seen))) + guide))[..., 0].softmax(-1)

    def forward(self, seen: Tensor, heard: Tensor) -> Tensor:
        return (self.weights(seen, heard)[..., None, :] @ seen)[..., 0, :]


@final
class Answer(Head):
    """Features B x T x d per modality -> logits B x C x T: ReLU of the concatenation, a hidden layer, ReLU, a linear layer."""

    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.hidden, self.classifier = nn.Linear(sum(dims.values()), HIDDEN), nn.Linear(HIDDEN, classes)

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        joined = torch.cat([f for _, f in self.ordered(features)], dim=-1)
        return self.classifier(relu(self.hidden(relu(joined)))).transpose(1, 2)

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        return self.fuse({m: f * keep[..., i : i + 1, None].to(f.dtype) for i, (m, f) in enumerate(self.ordered(features))})


@final
class Localisation(nn.Module):
    crossed = True  # a feature depends on the other modality's input, so what a zero input does takes whole passes

    def __init__(self, attention: Attention, encoders: Mapping[str, nn.Module], head: Answer):
        super().__init__()
        self.attention, self.encoders, self.head = attention, nn.ModuleDict(encoders), head

    @classmethod
    def of(cls, spec: Mapping[str, Any], seed: int, data: Data, sample: Mapping[str, Tensor], weights: Path | None) -> Self:
        """The network of a resolved run. sample: an item, audio 1 x T x e, visual 1 x T x height x width x d. UserError for others."""
        _fits(spec, sample)
        heard, seen = sample[SOUND], sample[PICTURE]
        places, depth, width = seen[0, 0, ..., 0].numel(), seen.shape[-1], int(spec["model_params"]["attention"])
        given = {SOUND: heard, PICTURE: seen[:, :, 0, 0]}
        built = encoders(spec, seed, given, weights)
        for modality, encoder in built.items():
            if (found := encoder(given[modality].to("cpu"))).shape[:-1] != heard.shape[:2]:
                name = spec["encoders"][modality]["name"]
                raise UserError(f"model localisation: encoder {name} gives {tuple(found.shape)}, expected a vector a second (bilstm)")
        with seeded(seed, spec["dataset"], "attention"):
            attention = Attention(places, depth, heard.shape[-1], width)
            initialise(attention, spec["init"])
        with seeded(seed, spec["dataset"], "head"):
            head = Answer({m: int(encoder.out) for m, encoder in built.items()}, len(data.classes))  # pyright: ignore[reportArgumentType]
            initialise(head, spec["init"])
        return cls(attention, built, head)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        keep: Tensor | None = None,
        only: tuple[str, ...] | None = None,
        change: Callable[[Features], Features] | None = None,
    ) -> Out:
        """inputs: audio B x T x e, visual B x T x height x width x d; the rest as in `models.fusion`."""
        names = self.head.modalities
        if only and len(only) < len(names):
            given = placed(torch.tensor([m in only for m in names]), inputs[SOUND].device)
            keep = given.expand(len(inputs[SOUND]), -1) if keep is None else keep & given
        heard = inputs[SOUND]
        guide = heard if keep is None else heard * keep[:, names.index(SOUND), None, None].to(heard.dtype)
        own = self._encoded(SOUND, heard, only)
        features = {SOUND: own, PICTURE: self._seen(inputs[PICTURE], guide, only)}
        if change is not None:
            own_features, features = features, change(features)
            # A method that takes the sound away takes it from the attention too. To ask a GPU costs, so who changes nothing is not asked.
            if not only and features is not own_features and not bool(features[SOUND].any()):
                features = change({SOUND: own, PICTURE: self._seen(inputs[PICTURE], torch.zeros_like(heard))})

        def alone() -> Features:
            return {SOUND: own, PICTURE: self._seen(inputs[PICTURE], torch.zeros_like(heard), only)}

        return Out(self.head, features, keep, alone=alone)

    def _seen(self, pictures: Tensor, guide: Tensor, only: tuple[str, ...] | None = None) -> Tensor:
        """B x T x out of the pictures' encoder behind the attention."""
        seen = self.attention(pictures.flatten(2, 3), guide) if not only or PICTURE in only else pictures
        return self._encoded(PICTURE, seen, only)

    def _encoded(self, modality: str, sequence: Tensor, only: tuple[str, ...] | None) -> Tensor:
        """B x T x out; zeros where the modality has no part in this turn, and its encoder does not run."""
        encoder = self.encoders[modality]
        if only and modality not in only:
            return sequence.new_zeros(*sequence.shape[:2], encoder.out)  # pyright: ignore[reportArgumentType]
        return encoder(sequence)


def _fits(spec: Mapping[str, Any], sample: Mapping[str, Tensor]) -> None:
    """UserError where the run, or what the data hold, is not what this network takes."""
    if sorted(spec["modalities"]) != [SOUND, PICTURE]:
        raise UserError(
            f"model localisation: modalities {', '.join(spec['modalities'])}, expected audio and visual: the sound guides the eye"
        )
    if spec["head"] != "concat":
        raise UserError(f"model localisation: head {spec['head']}, expected concat: its answering network is its own")
    heard, seen = (tuple(sample[m].shape[1:]) for m in (SOUND, PICTURE))
    if len(heard) != 2 or len(seen) != 4 or heard[0] != seen[0]:
        expected = "seconds x features and seconds x height x width x features, of the same seconds"
        raise UserError(
            f"{spec['dataset']}: sound of {heard} and pictures of {seen} an item, expected {expected}: prepare the dataset again"
        )
    if int(spec["model_params"]["attention"]) < 1:
        raise UserError(f"model localisation: attention {spec['model_params']['attention']}, expected a width of 1 or more")
