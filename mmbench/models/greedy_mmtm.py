"""Two convolutional encoders joined by MMTM blocks, a head each: the network of Greedy (ICML 2022). Facts 4.4 and 0b.

A block after each of the last three stages. S_m is the mean of modality m's maps over space (and frames), Z = relu(W [S_1; S_2] + b) of
width (d_1 + d_2) / 2, the gate g_m = sigmoid(W_m Z + b_m), and m's maps go on multiplied by g_m, channel by channel. The loss is the
sum of the two heads' losses, the prediction the mean of their logits.

A modality that is cared for (`cared`, which the method `greedy` sets) hears nothing of the other while training: its gate becomes the
running mean of its gates over the training passes so far, this one included, without gradient. In the released code the second
modality's mean is taken of the first one's gates, counts evaluation too and is lost on a resume, and an evaluation inside a window is
curated; not followed. A modality left out of a sample is squeezed to zeros, and its head does not vote (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast, final

import torch
from torch import Tensor, nn

from mmbench.datasets.data import Data
from mmbench.encoders.resnet18 import ResNet18
from mmbench.encoders.small_cnn import SmallCNN
from mmbench.errors import Inapplicable, UserError
from mmbench.head import Head, Out
from mmbench.initialise import encoders, initialise
from mmbench.randomness import seeded

Features = dict[str, Tensor]
ALONE = "model greedy-mmtm: its encoders hear each other, so no method can run one of them alone"


@final
class GreedyMMTM(nn.Module):
    """branches: modality -> encoder in stages. cared: the modality that hears nothing of the other while training, "" for none."""

    def __init__(self, branches: Mapping[str, Branch], blocks: list[MMTM], head: Head):
        super().__init__()
        self.encoders = nn.ModuleDict(branches)
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.cared = ""

    @classmethod
    def of(cls, spec: Mapping[str, Any], seed: int, data: Data, sample: Mapping[str, Tensor], weights: Path | None) -> Self:
        """The network of a resolved run; arguments as of `Fusion.of`. The run's head is not asked: this network has its own."""
        if len(spec["modalities"]) != 2:
            raise Inapplicable(f"model greedy-mmtm takes exactly 2 modalities, this run has {len(spec['modalities'])}")
        branches = {m: Branch(encoder) for m, encoder in encoders(spec, seed, sample, weights).items()}
        with seeded(seed, spec["dataset"], "mmtm"):
            widths = zip(*(branch.widths for branch in branches.values()), strict=True)
            blocks = [MMTM(dict(zip(branches, pair, strict=True))) for pair in widths]
            for block in blocks:
                initialise(block, spec["init"])
        with seeded(seed, spec["dataset"], "head"):
            head = Mean({m: branch.out for m, branch in branches.items()}, len(data.classes))
            initialise(head, spec["init"])
        return cls(branches, blocks, head)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        keep: Tensor | None = None,
        only: tuple[str, ...] | None = None,
        change: Callable[[Features], Features] | None = None,
    ) -> Out:
        """As `Fusion.forward`: inputs modality -> B x ...; keep B x M or M bool. Both encoders run, or Inapplicable is raised."""
        branch = cast(Mapping[str, Branch], self.encoders)
        if only and set(only) != set(branch):
            raise Inapplicable(ALONE)
        frames = {m: inputs[m].shape[2] if inputs[m].ndim == 5 else 1 for m in branch}
        maps = {m: branch[m].folded(inputs[m]) for m in branch}
        for stage, block in enumerate(self.blocks):
            maps = block({m: branch[m].stage(stage, x) for m, x in maps.items()}, frames, keep, self.cared)
        features = {m: branch[m].pooled(x, frames[m]) for m, x in maps.items()}
        return Out(self.head, features if change is None else change(features), keep)


@final
class Branch(nn.Module):
    """An encoder in three stages, with a block after each. widths: channels behind each stage; out: of the pooled feature."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        match encoder:
            case ResNet18():
                self.widths, self.out = (128, 256, 512), encoder.out
            case SmallCNN():
                self.widths, self.out = (encoder.out // 4,) * 3, encoder.out
            case _:
                raise UserError(f"model greedy-mmtm joins the encoders resnet18 and small-cnn, not {type(encoder).__name__}")

    def forward(self, x: Tensor) -> Tensor:
        raise Inapplicable(ALONE)

    def folded(self, x: Tensor) -> Tensor:
        """B x C x T x H x W -> (B T) x C x H x W; pictures stay."""
        return x.transpose(1, 2).flatten(0, 1) if x.ndim == 5 else x

    def stage(self, number: int, x: Tensor) -> Tensor:
        encoder: Any = self.encoder
        if isinstance(encoder, SmallCNN):
            return encoder.blocks[number](x)
        net = encoder.net
        if number == 0:
            x = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(x)))))
        return (net.layer2, net.layer3, net.layer4)[number](x)

    def pooled(self, x: Tensor, frames: int) -> Tensor:
        """B x out, the mean over the frames of what the encoder makes of its last maps."""
        encoder: Any = self.encoder
        pool = encoder.blocks[-1] if isinstance(encoder, SmallCNN) else encoder.net.avgpool
        return pool(x).flatten(1).unflatten(0, (-1, frames)).mean(1)


@final
class MMTM(nn.Module):
    """Squeeze and excitation across modalities. widths: modality -> channels. `mean.<m>`: the running mean of m's gates, d_m."""

    def __init__(self, widths: Mapping[str, int]):
        super().__init__()
        total = sum(widths.values())
        self.squeeze = nn.Linear(total, total // 2)
        self.excite = nn.ModuleDict({m: nn.Linear(total // 2, width) for m, width in widths.items()})
        for m, width in widths.items():
            self.register_buffer(f"mean_{m}", torch.zeros(width))
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))

    def forward(self, maps: Features, frames: Mapping[str, int], keep: Tensor | None, cared: str) -> Features:
        """maps: modality -> (B T_m) x d_m x H_m x W_m, both in their order; the same, gated."""
        gates = self.gates({m: x.mean((2, 3)).unflatten(0, (-1, frames[m])).mean(1) for m, x in maps.items()}, keep)
        if self.training:
            self.remember(gates)
            if cared:
                gates[cared] = self.get_buffer(f"mean_{cared}").clone().expand_as(gates[cared])
        return {m: x * gates[m].repeat_interleave(frames[m], 0)[..., None, None] for m, x in maps.items()}

    def gates(self, means: Features, keep: Tensor | None) -> Features:
        """Modality -> B x d_m gates in (0, 1), of the maps' means B x d_m. Who is not kept is squeezed to zeros."""
        squeezed = list(means.values())
        if keep is not None:
            squeezed = [x * keep[..., i : i + 1].to(x.dtype) for i, x in enumerate(squeezed)]
        joint = self.squeeze(torch.cat(squeezed, 1)).relu()
        return {m: self.excite[m](joint).sigmoid() for m in means}

    @torch.no_grad()
    def remember(self, gates: Features) -> None:
        """Let the running means take in this pass: the mean over the batch, every pass of equal weight."""
        passes: Any = self.get_buffer("passes")
        passes += 1
        for m, gate in gates.items():
            self.get_buffer(f"mean_{m}").lerp_(gate.mean(0), 1 / passes)


@final
class Mean(Head):
    """A linear layer and a loss per modality; the mean of their logits decides. Who is left out does not vote."""

    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.classifiers = nn.ModuleDict({m: nn.Linear(d, classes) for m, d in dims.items()})

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        return torch.stack(list(self.unimodal(features).values())).mean(0)

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        votes = torch.stack(list(self.unimodal(features).values()), 1)  # B x M x C
        kept = keep.expand(len(votes), len(self.modalities)).to(votes.dtype)
        return (votes * kept[..., None]).sum(1) / kept.sum(1, keepdim=True).clamp(min=1)

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {m: self.classifiers[m](features[m]) for m in self.modalities}

    def terms(self, fused: Tensor, features: Mapping[str, Tensor], keep: Tensor | None = None) -> list[Tensor]:
        """Each modality's own logits, zero where it is left out: a constant loss, nothing learned."""
        own = self.unimodal(features)
        if keep is None:
            return list(own.values())
        return [own[m] * keep[..., i : i + 1].to(own[m].dtype) for i, m in enumerate(self.modalities)]
