"""The recurrent encoder: a cell worked out by hand, both directions, and that samples do not meet."""

import pytest
import torch

from mmbench.encoders.bilstm import BiLSTM
from mmbench.errors import UserError


def counting() -> BiLSTM:
    """One cell a direction whose gates stand open: c_t = c_{t-1} + tanh(x_t), h_t = tanh(c_t)."""
    encoder = BiLSTM(1, width=1)
    with torch.no_grad():
        for name, p in encoder.net.named_parameters():  # gates in torch's order: input, forget, cell, output
            p.zero_()
            if name.startswith("weight_ih"):
                p[2] = 1
            elif name.startswith("bias_ih"):
                p.copy_(torch.tensor([100.0, 100.0, 0.0, 100.0]))
    return encoder


def test_both_directions_by_hand():
    x = torch.tensor([[[0.5], [-0.2], [1.0]]])
    steps = torch.tanh(x.flatten())
    found = counting()(x)[0]
    torch.testing.assert_close(found[:, 0], torch.tanh(steps.cumsum(0)))
    torch.testing.assert_close(found[:, 1], torch.tanh(steps.flip(0).cumsum(0).flip(0)))


def test_a_row_of_zeros_is_a_step_and_samples_do_not_meet():
    torch.manual_seed(0)
    encoder, x = BiLSTM(3, width=4), torch.randn(2, 5, 3)
    alone = encoder(x[:1])
    assert alone.shape == (1, 5, encoder.out) == (1, 5, 8)
    changed = x.clone()
    changed[1] = 0
    torch.testing.assert_close(encoder(changed)[:1], alone)
    silent = encoder(torch.zeros(1, 5, 3))
    assert not torch.equal(silent[0, 0], silent[0, 2]), "with its biases the state moves on through zeros"


def test_it_has_the_expected_number_of_weights():
    """Per direction 4 gates of 128 cells: 128 inputs, 128 states, two biases."""
    assert sum(p.numel() for p in BiLSTM(128, width=128).parameters()) == 2 * 4 * 128 * (128 + 128 + 2)


def test_what_is_no_sequence_and_no_width_gets_one_line():
    with pytest.raises(UserError, match=r"encoder bilstm: input of shape \(2, 3\), expected B x T x d"):
        BiLSTM(3, width=4)(torch.zeros(2, 3))
    with pytest.raises(UserError, match="encoder bilstm: width 0, expected 1 or more"):
        BiLSTM(3, width=0)
