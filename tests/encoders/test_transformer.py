"""The transformer: torch's own layer agrees, padding and absence change nothing that they should not, order matters."""

import math

import pytest
import torch
from torch import nn

from mmbench.encoders.transformer import Layer, Transformer, sines
from mmbench.errors import UserError


def test_a_layer_equals_torchs_pre_norm_layer():
    torch.manual_seed(0)
    ours, theirs = Layer(8, heads=2), nn.TransformerEncoderLayer(8, 2, 32, dropout=0, batch_first=True, norm_first=True)
    pairs = [
        (ours.ask.weight, theirs.self_attn.in_proj_weight), (ours.ask.bias, theirs.self_attn.in_proj_bias),
        (ours.give.weight, theirs.self_attn.out_proj.weight), (ours.give.bias, theirs.self_attn.out_proj.bias),
        (ours.wide[0].weight, theirs.linear1.weight), (ours.wide[0].bias, theirs.linear1.bias),
        (ours.wide[2].weight, theirs.linear2.weight), (ours.wide[2].bias, theirs.linear2.bias),
    ]  # fmt: skip
    for mine, other in pairs:
        other.data.copy_(mine)
    x, there = torch.randn(3, 5, 8), torch.tensor([[True] * 5, [True, True, False, False, False], [True, False, True, False, True]])
    torch.testing.assert_close(ours(x, there), theirs(x, src_key_padding_mask=~there))


def test_attention_by_hand():
    """One head, equal scores: each step gets the mean of the normalised values of who is there."""
    layer = Layer(2, heads=1)
    with torch.no_grad():
        layer.ask.weight.zero_()
        layer.ask.weight[4:] = torch.eye(2)  # values are the normalised states; queries and keys are zero
        layer.ask.bias.zero_()
        layer.give.weight.copy_(torch.eye(2))
        layer.give.bias.zero_()
        layer.wide[2].weight.zero_()
        layer.wide[2].bias.zero_()
    x = torch.tensor([[[3.0, 1.0], [0.0, 4.0], [5.0, 1.0]]])  # of two numbers the norm leaves (1, -1) or (-1, 1)
    whole = layer(x, torch.tensor([[True, True, True]])) - x
    torch.testing.assert_close(whole, torch.tensor([1 / 3, -1 / 3]).expand(1, 3, 2), atol=1e-4, rtol=0)
    part = layer(x, torch.tensor([[True, True, False]])) - x
    torch.testing.assert_close(part, torch.zeros(1, 3, 2), atol=1e-4, rtol=0)


def test_padding_behind_changes_nothing_and_a_silent_sample_is_constant():
    torch.manual_seed(0)
    encoder, x = Transformer(3, width=8, layers=2, heads=2), torch.randn(4, 5, 3)
    padded = torch.cat([x, torch.zeros(4, 6, 3)], 1)
    torch.testing.assert_close(encoder(padded), encoder(x))
    assert encoder(x).shape == (4, encoder.out) == (4, 8)
    silent = encoder(torch.zeros(2, 7, 3))
    assert torch.isfinite(silent).all()
    torch.testing.assert_close(silent[0], encoder(torch.zeros(1, 2, 3))[0])


def test_the_order_of_the_steps_matters():
    torch.manual_seed(0)
    encoder, x = Transformer(3, width=8, layers=1, heads=2), torch.randn(1, 5, 3)
    assert not torch.allclose(encoder(x), encoder(x.flip(1)))


def test_positions():
    found = sines(3, 4)
    assert found.shape == (3, 4)
    torch.testing.assert_close(found[2], torch.tensor([math.sin(2), math.sin(2e-4), math.cos(2), math.cos(2e-4)]))


def test_every_weight_gets_a_gradient():
    encoder = Transformer(3, width=8, layers=2, heads=2)
    encoder(torch.randn(2, 4, 3)).square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_it_has_the_expected_number_of_weights():
    """Width 128: lift 20 x 128 + 128, its norm and the last 256 each, the token 128; a layer 12 x 128^2 + 13 x 128."""
    assert sum(p.numel() for p in Transformer(20, width=128, layers=2, heads=4).parameters()) == 2688 + 512 + 128 + 2 * (
        12 * 128**2 + 13 * 128
    )


def test_what_is_no_sequence_and_no_network_gets_one_line():
    with pytest.raises(UserError, match=r"encoder transformer: input of shape \(2, 3\), expected B x T x d"):
        Transformer(3, width=8, layers=1, heads=2)(torch.zeros(2, 3))
    with pytest.raises(UserError, match="encoder transformer: width 9, layers 1, heads 2, expected an even width that is a multiple"):
        Transformer(3, width=9, layers=1, heads=2)
