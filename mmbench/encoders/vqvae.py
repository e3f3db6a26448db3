"""A VQ-VAE of one modality: encoder, 1x1 convolution, codebook, decoder (CM-VQVAE's small networks, facts B4; not ResNet-18).

With c channels, r residual channels, L layers, codes of D numbers; the side of the input over the side of the latent map is the stride:

    stride 4   conv4x4/2 (-> c/2) BN ReLU; conv4x4/2 (-> c) BN ReLU; conv3x3 (c -> c); residual stack
    stride 8   the same, with a 3x3/2 max-pooling before the stack
    stride 2   conv4x4/2 (-> c) BN ReLU; conv3x3 (c -> c); residual stack       (ours: only the sizes of Digits are known)
    decoder    conv3x3 (D -> c); residual stack; as many transposed convolutions as halvings, channels c/2, c/4, the last linear

A sequence (B x T x d: poses) becomes a picture of one channel, T steps by d coordinates, interpolated to the input's side (ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import final

from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmbench.codebook import Codebook
from mmbench.errors import UserError

HALVINGS = {2: 1, 4: 2, 8: 3}  # stride -> how often the side is halved


@dataclass(frozen=True)
class Coded:
    """map: B x D x h x w, codes by value and z by gradient (or z itself, without a book); gap: mean of (code - z)^2, gradient into z
    alone; index: B x h x w, the numbers of the codes."""

    map: Tensor
    gap: Tensor | None = None
    index: Tensor | None = None


@final
class VQVAE(nn.Module):
    """given: input channels; size: side of the input, 0 where the model cannot say (only `cmvqvae` can). decay: of the codebook.
    quantise, reconstruct: whether there is a codebook, and a decoder."""

    def __init__(
        self, given: int, channels: int, residual: int, layers: int, latent: int, dimension: int, codes: int, size: int = 0,
        decay: float = 0.99, quantise: bool = True, reconstruct: bool = True,
    ):  # fmt: skip
        super().__init__()
        if not size:
            raise UserError("encoder vqvae works with the model cmvqvae alone")
        if size not in (latent * stride for stride in HALVINGS):
            strides = ", ".join(map(str, HALVINGS))
            raise UserError(f"encoder vqvae: an input of {size}x{size} does not become {latent}x{latent} by a stride of {strides}")
        self.size, self.out, halvings = size, dimension, HALVINGS[size // latent]
        self.encoder = encoder(given, channels, residual, layers, halvings)
        self.to_codes = nn.Conv2d(channels, dimension, 1)
        self.book = Codebook(codes, dimension, decay) if quantise else None
        self.decoder = decoder(dimension, channels, residual, layers, halvings, given) if reconstruct else None

    def forward(self, x: Tensor) -> Tensor:
        """B x given x size x size (or B x T x d) -> the map, B x D x latent x latent."""
        return self.coded(self.picture(x)).map

    def picture(self, x: Tensor) -> Tensor:
        """A sequence B x T x d -> B x 1 x size x size; pictures stay."""
        return interpolate(x[:, None], (self.size, self.size), mode="bilinear", align_corners=False) if x.ndim == 3 else x

    def coded(self, x: Tensor) -> Coded:
        """x: B x given x size x size. The map's value is the codes', its gradient goes to z (straight-through)."""
        z = self.to_codes(self.encoder(x))
        if self.book is None:
            return Coded(z)
        found, index = self.book(z)
        return Coded(z + (found - z).detach(), (found - z).square().mean(), index)

    def restored(self, maps: Tensor) -> Tensor:
        """B x D x latent x latent -> B x given x size x size."""
        assert self.decoder is not None
        return self.decoder(maps)


def encoder(given: int, channels: int, residual: int, layers: int, halvings: int) -> nn.Sequential:
    half = channels // 2
    down = _down(given, channels) if halvings == 1 else (*_down(given, half), *_down(half, channels))
    pool = [nn.MaxPool2d(3, stride=2, padding=1)] if halvings == 3 else []
    return nn.Sequential(*down, nn.Conv2d(channels, channels, 3, padding=1), *pool, stack(channels, residual, layers))


def decoder(given: int, channels: int, residual: int, layers: int, halvings: int, out: int) -> nn.Sequential:
    """given x h x w -> out x (h 2^halvings) x ...; the last layer is linear. Of a segmentation it is the task solver as well."""
    widths = [channels // 2**i for i in range(halvings)] + [out]
    up: list[nn.Module] = []
    for i, (narrow, wide) in enumerate(pairwise(widths)):
        up.append(nn.ConvTranspose2d(narrow, wide, 4, stride=2, padding=1))
        up += [nn.BatchNorm2d(wide), nn.ReLU()] if i < halvings - 1 else []
    return nn.Sequential(nn.Conv2d(given, channels, 3, padding=1), stack(channels, residual, layers), *up)


def stack(channels: int, residual: int, layers: int) -> nn.Sequential:
    """Residual units, then batch-norm and ReLU."""
    return nn.Sequential(*(Unit(channels, residual) for _ in range(layers)), nn.BatchNorm2d(channels), nn.ReLU())


@final
class Unit(nn.Module):
    """x + conv1x1(ReLU(BN(conv3x3(ReLU(BN(x)))))), both convolutions without bias; c -> r -> c channels."""

    def __init__(self, channels: int, residual: int):
        super().__init__()
        self.inner = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, residual, 3, padding=1, bias=False),
            nn.BatchNorm2d(residual), nn.ReLU(), nn.Conv2d(residual, channels, 1, bias=False),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def _down(given: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(given, out, 4, stride=2, padding=1), nn.BatchNorm2d(out), nn.ReLU()
