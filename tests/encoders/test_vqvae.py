"""The VQ-VAE of one modality: sides and strides, straight-through, poses as pictures, inputs that no stride fits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmbench.encoders.vqvae import VQVAE, Unit, stack
from mmbench.errors import UserError

SHAPE = {"channels": 8, "residual": 4, "layers": 2, "latent": 4, "dimension": 4, "codes": 16}


def vqvae(given=1, size=16, **changes) -> VQVAE:
    torch.manual_seed(0)
    return VQVAE(given, **(SHAPE | changes), size=size)


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("given", [1, 3])
def test_strides_of_two_four_and_eight(size, given):
    made = vqvae(given, size)
    x = torch.randn(2, given, size, size)
    coded = made.coded(x)
    assert coded.map.shape == (2, 4, 4, 4)
    assert coded.index.shape == (2, 4, 4)
    assert made.restored(coded.map).shape == x.shape
    halvings = [
        layer.stride for layer in made.encoder.modules() if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)) and layer.stride in (2, (2, 2))
    ]
    assert 2 ** len(halvings) == size // 4


@pytest.mark.parametrize("size", [4, 12, 15, 64])
def test_a_side_that_no_stride_fits_is_refused(size):
    with pytest.raises(UserError, match=rf"^encoder vqvae: an input of {size}x{size} does not become 4x4 by a stride of 2, 4, 8$"):
        vqvae(size=size)


def test_without_a_size_it_is_no_encoder():
    with pytest.raises(UserError, match="works with the model cmvqvae alone"):
        VQVAE(1, **SHAPE)


def test_the_map_has_the_codes_values_and_the_encoders_gradient():
    made = vqvae().eval()
    x = torch.randn(2, 1, 16, 16)
    coded = made.coded(x)
    torch.testing.assert_close(coded.map, made.book.look_up(coded.index).permute(0, 3, 1, 2))
    upstream = torch.randn_like(coded.map)
    (coded.map * upstream).sum().backward()
    through = {name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None}
    made.zero_grad()
    (made.to_codes(made.encoder(x)) * upstream).sum().backward()
    for name, gradient in through.items():
        torch.testing.assert_close(gradient, made.get_parameter(name).grad)
    assert through


def test_the_gap_pulls_the_encoder_alone():
    made = vqvae().eval()
    x = torch.randn(2, 1, 16, 16)
    z, coded = made.to_codes(made.encoder(x)), made.coded(x)
    codes = made.book.look_up(coded.index).permute(0, 3, 1, 2)
    torch.testing.assert_close(coded.gap, (z - codes).square().mean())
    coded.gap.backward()
    assert all(p.grad is not None for p in made.encoder.parameters())
    assert all(p.grad is None for p in made.decoder.parameters())


def test_the_look_up_is_in_the_book_as_it_was_before_the_step():
    made = vqvae()
    before = made.book.codes.clone()
    coded = made.coded(torch.randn(2, 1, 16, 16))
    torch.testing.assert_close(coded.map, before[coded.index].permute(0, 3, 1, 2))
    assert not torch.equal(made.book.codes, before)


def test_without_book_or_decoder_there_are_none():
    made = vqvae(quantise=False, reconstruct=False)
    x = torch.randn(2, 1, 16, 16)
    coded = made.coded(x)
    torch.testing.assert_close(coded.map, made.to_codes(made.encoder(x)))
    assert (coded.gap, coded.index, made.book, made.decoder) == (None, None, None, None)


def test_a_unit_by_hand():
    """One channel in evaluation: batch-norm divides by sqrt(1 + eps). x + 3 relu(2 relu(x)) at the centre of zeros."""
    unit = Unit(1, 1).eval()
    with torch.no_grad():
        unit.inner[2].weight.zero_()
        unit.inner[2].weight[0, 0, 1, 1] = 2
        unit.inner[5].weight.fill_(3)
    x = torch.tensor([[[[1.0, -1.0]]]])
    torch.testing.assert_close(unit(x), torch.tensor([[[[7.0, -1.0]]]]), rtol=1e-4, atol=1e-4)


def test_a_unit_leaves_its_input_as_it_was():
    """A known fault of such code: an in-place ReLU before the sum changes what is added."""
    x = torch.randn(2, 8, 4, 4)
    before = x.clone()
    stack(8, 4, 2)(x)
    assert torch.equal(x, before)


def test_poses_become_a_picture_of_steps_by_coordinates():
    made = vqvae()
    x = torch.arange(2 * 32 * 8, dtype=torch.float32).view(2, 32, 8)
    picture = made.picture(x)
    assert picture.shape == (2, 1, 16, 16)
    assert float(picture[0, 0, 0, 0]) == pytest.approx(float(x[0, :2, 0].mean()))  # two steps to a row, two columns to a coordinate
    assert made(x).shape == (2, 4, 4, 4)
    pictures = torch.randn(2, 1, 16, 16)
    assert made.picture(pictures) is pictures
