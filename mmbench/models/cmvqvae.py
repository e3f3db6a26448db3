"""CM-VQVAE (WACV 2024): a VQ-VAE per modality, a mask over the channels of their joined maps, a task solver. Facts B and G2.

    L = sum_m mean (x_m - restored_m)^2 + sum_m commitment mean (sg[code] - z_m)^2 + task's loss + penalty sum_d weight_d

What is restored is not masked, so nothing is lost from the latent maps. Ablations by parameters: no mask, no penalty, continuous maps
(`quantise`), no decoder (`reconstruct`); all three off is the vanilla model. `solver`: only that modality's channels reach the task
solver, while all VQ-VAEs are trained and the penalty covers the whole mask. With ResNet-18 as encoders it is the paper's check of the
vanilla model. In Out.extras: the losses, and for evaluation `score.<name>`: of each modality mse, the perplexity of its codes in a
batch, compl and contr; and zeta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast, final

import torch
from torch import Tensor, nn

from mmbench.channel_mask import ChannelMask
from mmbench.codebook import perplexity
from mmbench.datasets.data import Data
from mmbench.encoders.vqvae import VQVAE, Coded
from mmbench.errors import UserError, unknown
from mmbench.head import Head, Out
from mmbench.initialise import encoders, initialise
from mmbench.randomness import seeded
from mmbench.solver import Check, Solver, classifier, segmenter
from mmbench.transfer import placed

Features = dict[str, Tensor]


@final
class CMVQVAE(nn.Module):
    def __init__(self, encoders: Mapping[str, nn.Module], head: Head, commitment: float, penalty: float):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.head, self.commitment, self.penalty = head, commitment, penalty

    @classmethod
    def of(cls, spec: Mapping[str, Any], seed: int, data: Data, sample: Mapping[str, Tensor], weights: Path | None) -> Self:
        """The network of a resolved run; arguments as of `Fusion.of`."""
        _fits(spec, sample)
        given, classes = spec["model_params"], len(data.classes)
        if _plain(spec):
            built: Mapping[str, nn.Module] = encoders(spec, seed, sample, weights)
        else:
            built = {m: _vqvae(spec, seed, m, sample[m], _side(sample)) for m in spec["modalities"]}
        dims = {m: int(encoder.out) for m, encoder in built.items()}  # pyright: ignore[reportArgumentType]
        with seeded(seed, spec["dataset"], "head"):
            head = Check(dims, classes) if _plain(spec) else _solver(spec, dims, _side(sample), classes)
            initialise(head, spec["init"])
        return cls(built, head, given["commitment"], given["penalty"])

    @property
    def answering(self) -> str:
        """The layer whose numbers are the classes, by the beginning of its parameters' names."""
        network = cast(nn.Sequential, self.head.network)
        return f"head.network.{len(network) - 1}."

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        keep: Tensor | None = None,
        only: tuple[str, ...] | None = None,
        change: Callable[[Features], Features] | None = None,
    ) -> Out:
        """As `Fusion.forward`; features are maps, B x D x h x w."""
        names = self.head.modalities
        only = only or names
        maps: Features = {}
        extras: Features = {}
        for modality in only:
            maps[modality], more = self._read(modality, inputs[modality])
            extras |= more
        some = next(iter(maps.values()))
        features = {m: maps[m] if m in maps else torch.zeros_like(some) for m in names}
        if change is not None:
            features = change(features)
        if len(only) < len(names):
            given = placed(torch.tensor([m in only for m in names]), some.device)
            keep = given if keep is None else keep & given
        return Out(self.head, features, keep, extras | self._masked(len(some)))

    def _read(self, modality: str, x: Tensor) -> tuple[Tensor, Features]:
        """The map of one modality, and its losses and scores."""
        encoder = self.encoders[modality]
        if not isinstance(encoder, VQVAE):
            return encoder(x), {}
        picture = encoder.picture(x)
        coded: Coded = encoder.coded(picture)
        extras: Features = {}
        if encoder.decoder is not None:
            errors = (encoder.restored(coded.map) - picture).square().flatten(1).mean(1)
            extras |= {f"loss.recons.{modality}": errors.mean(), f"score.mse.{modality}": errors.detach()}
        if coded.gap is not None:
            extras[f"loss.code.{modality}"] = self.commitment * coded.gap
        if encoder.book is not None and coded.index is not None and not self.training:
            extras[f"score.perplexity.{modality}"] = perplexity(coded.index, len(encoder.book.codes)).expand(len(x))
        return coded.map, extras

    def _masked(self, count: int) -> Features:
        """The penalty on the mask's weights, and its sizes, the same for all `count` samples."""
        if not isinstance(self.head, Solver):
            return {}
        mask, extras = self.head.mask, cast(Features, {})
        if (total := mask.penalty()) is not None and self.penalty:
            extras["loss.compl"] = self.penalty * total
        if not self.training:
            extras |= {f"score.{name}": torch.full((count,), v, dtype=torch.float64) for name, v in mask.sizes().items()}
        return extras


def _plain(spec: Mapping[str, Any]) -> bool:
    """Whether the encoders are the ResNet-18 of the check."""
    return {encoder["name"] for encoder in spec["encoders"].values()} == {"resnet18"}


def _side(sample: Mapping[str, Tensor]) -> int:
    """The side of the pictures; sequences are brought to that of the first picture."""
    return next((int(x.shape[-1]) for x in sample.values() if x.ndim == 4), 0)


def _vqvae(spec: Mapping[str, Any], seed: int, modality: str, sample: Tensor, side: int) -> VQVAE:
    given, named = spec["model_params"], dict(spec["encoders"][modality])
    size, channels = (side, 1) if sample.ndim == 3 else (int(sample.shape[-1]), int(sample.shape[1]))
    named = {name: value for name, value in named.items() if name != "name"}
    with seeded(seed, spec["dataset"], f"encoders.{modality}"):
        try:
            built = VQVAE(
                channels, **named, size=size, decay=given["decay"], quantise=given["quantise"], reconstruct=given["reconstruct"]
            )  # fmt: skip
        except UserError as error:
            raise UserError(f"{spec['dataset']}, {modality}: {error}") from None
        initialise(built, spec["init"])
    return built


def _solver(spec: Mapping[str, Any], dims: Mapping[str, int], side: int, classes: int) -> Solver:
    given, first = spec["model_params"], spec["encoders"][spec["modalities"][0]]
    mask = ChannelMask(given["mask"], spec["modalities"], first["dimension"], given["initial"], given["threshold"])
    channels = first["dimension"] * (1 if given["solver"] else len(dims))
    widths = first["channels"], first["residual"], first["layers"]
    if spec["task"] == "segmentation":
        network: nn.Module = segmenter(channels, *widths, side // first["latent"], classes)
    else:
        network = classifier(channels, *widths, first["dimension"], first["latent"], classes)
    return Solver(dims, mask, network, given["solver"])


def _fits(spec: Mapping[str, Any], sample: Mapping[str, Tensor]) -> None:
    """UserError where the run, or what the data hold, is not what this network takes."""
    given, names = spec["model_params"], {encoder["name"] for encoder in spec["encoders"].values()}
    if spec["head"] != "concat":
        raise UserError(f"model cmvqvae: head {spec['head']}, expected concat: its task solver is its own")
    if given["solver"] and given["solver"] not in spec["modalities"]:
        raise unknown(f"modality of {spec['dataset']}", given["solver"], spec["modalities"])
    if names not in ({"vqvae"}, {"resnet18"}):
        raise UserError(f"model cmvqvae: encoders {', '.join(sorted(names))}, expected vqvae (or resnet18, for the check) for all")
    if _plain(spec):
        if given["mask"] != "none" or given["quantise"] or given["reconstruct"] or given["solver"]:
            raise UserError("model cmvqvae: with resnet18 there are no mask, codebook, decoder or solver: set them to none, false and ''")
        return
    if len({(e["dimension"], e["latent"]) for e in spec["encoders"].values()}) > 1:
        raise UserError("model cmvqvae: the encoders' latent and dimension differ, expected the same: their maps are joined")
    for modality, x in sample.items():
        square = x.ndim == 4 and x.shape[-1] == x.shape[-2]
        if modality in spec["modalities"] and not square and not (x.ndim == 3 and _side(sample)):
            raise UserError(
                f"{spec['dataset']}, {modality}: an item of {'x'.join(map(str, x.shape[1:]))}, expected a square picture (or a sequence "
                "beside one)"
            )
