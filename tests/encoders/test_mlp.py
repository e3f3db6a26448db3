"""Linear layers on vectors: ReLU stands between them and nowhere else."""

import pytest
import torch
from torch import nn

from mmbench.encoders.mlp import MLP
from mmbench.errors import UserError


def test_one_layer_is_linear_and_two_have_a_relu_between():
    x = torch.randn(5, 3)
    one = MLP(3, width=4, layers=1)
    torch.testing.assert_close(one(-x) + one(x), 2 * one.net[0].bias.expand(5, 4))
    two = MLP(3, width=4, layers=2)
    first, second = (layer for layer in two.net if isinstance(layer, nn.Linear))
    torch.testing.assert_close(two(x), second(first(x).clamp(min=0)))
    assert two(x).min() < 0, "no ReLU at the end"
    assert two(x).shape == (5, two.out) == (5, 4)


def test_it_has_the_expected_number_of_weights():
    assert sum(p.numel() for p in MLP(768, width=512, layers=1).parameters()) == 768 * 512 + 512
    assert sum(p.numel() for p in MLP(48, width=512, layers=2).parameters()) == 48 * 512 + 512 + 512 * 512 + 512


def test_what_is_no_vector_and_no_network_gets_one_line():
    with pytest.raises(UserError, match=r"encoder mlp: input of shape \(2, 1, 8, 8\), expected B x d"):
        MLP(1, width=4, layers=1)(torch.zeros(2, 1, 8, 8))
    with pytest.raises(UserError, match="encoder mlp: width 4 and layers 0, expected 1 or more of each"):
        MLP(3, width=4, layers=0)
