"""The network of Greedy: a block by hand, the running means of the gates, what each modality hears, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mmbench import build
from mmbench.checkpoint import Checkpoint, digest
from mmbench.encoders.resnet18 import ResNet18
from mmbench.errors import Inapplicable, UserError
from mmbench.method import Method
from mmbench.models.greedy_mmtm import MMTM, Branch, GreedyMMTM, Mean
from mmbench.train import train
from tests import tiny
from tests.methods.examples import EXAMPLES

ONE = {"audio": 1, "visual": 1}


def by_hand() -> MMTM:
    """Channels 1 and 1, so one squeezed unit: Z = relu(S_a + S_v), g_a = sigmoid(ln 3), g_v = sigmoid(Z - 1)."""
    block = MMTM({"audio": 1, "visual": 1})
    for layer, weight, bias in ((block.squeeze, 1.0, 0.0), (block.excite["audio"], 0.0, math.log(3)), (block.excite["visual"], 1.0, -1.0)):
        nn.init.constant_(layer.weight, weight)
        nn.init.constant_(layer.bias, bias)
    return block.eval()


def test_a_block_by_hand():
    """S = (2, -1), Z = 1, gates 3/4 and 1/2; with Z clipped at 0, the second gate is sigmoid(-1)."""
    maps = {"audio": torch.tensor([[[[1.0, 3.0]]]]), "visual": torch.tensor([[[[-2.0], [0.0]]]])}
    gated = by_hand()(maps, ONE, None, "")
    assert gated["audio"].flatten().tolist() == pytest.approx([0.75, 2.25])
    assert gated["visual"].flatten().tolist() == pytest.approx([-1.0, 0.0])
    low = by_hand().gates({"audio": torch.tensor([[-5.0]]), "visual": torch.tensor([[1.0]])}, None)
    assert low["visual"].item() == pytest.approx(1 / (1 + math.e))


def test_who_is_left_out_of_a_sample_is_squeezed_to_zero():
    means = {"audio": torch.tensor([[2.0], [2.0]]), "visual": torch.tensor([[-1.0], [-1.0]])}
    gates = by_hand().gates(means, torch.tensor([[True, True], [True, False]]))
    assert gates["visual"].flatten().tolist() == pytest.approx([0.5, 1 / (1 + math.exp(-1))])


def test_the_gates_mean_counts_every_training_pass_alike_and_stands_in_for_the_gate_cared_for():
    """Gates of the visual map: mean of 1/2 and 1/(1+e) for the first pass, then with a pass of 1/2 alone."""
    block, low = by_hand(), 1 / (1 + math.e)
    maps = {"audio": torch.tensor([2.0, -5.0]).view(2, 1, 1, 1), "visual": torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)}
    block(maps, ONE, None, "visual")
    assert int(block.passes) == 0, "an evaluation is not remembered"
    block.train()
    first = block(maps, ONE, None, "visual")["visual"].flatten()
    mean = (0.5 + low) / 2
    assert first.tolist() == pytest.approx([-mean, mean]), "this pass included"
    second = block({m: x[:1] for m, x in maps.items()}, ONE, None, "visual")["visual"]
    assert second.item() == pytest.approx(-(mean + 0.5) / 2)
    assert float(block.mean_audio) == pytest.approx(0.75)
    assert not first.requires_grad
    assert block(maps, ONE, None, "audio")["visual"].requires_grad
    block.eval()
    assert block(maps, ONE, None, "visual")["visual"].flatten().tolist() == pytest.approx([-0.5, low]), "evaluation is as usual"


def test_frames_share_a_gate_made_of_all_of_them():
    block = by_hand()
    frames = {"audio": torch.tensor([[2.0]]).view(1, 1, 1, 1), "visual": torch.tensor([-4.0, 2.0]).view(2, 1, 1, 1)}
    gated = block(frames, {"audio": 1, "visual": 2}, None, "")
    assert gated["visual"].flatten().tolist() == pytest.approx([-2.0, 1.0]), "S_v = -1, as in the block by hand"


def network(**changes):
    return tiny.run(model="greedy-mmtm", **changes)


def batch_of(run, keep=None):
    return run.transform(run.data.parts["train"], torch.arange(6), keep, True, None)


def test_the_prediction_is_the_mean_of_the_heads_logits_and_the_loss_their_sum():
    run = network()
    batch = batch_of(run)
    out = run.forward(batch)
    own = out.unimodal
    assert torch.allclose(out.fused, (own["audio"] + own["visual"]) / 2)
    expected = sum(run.task.loss(logits, batch) for logits in own.values())
    assert Method().loss(run, out, batch, Method().turns(run, batch)[0]).item() == pytest.approx(expected.item())


def test_a_coalition_is_the_mean_of_who_votes():
    head = Mean({"audio": 4, "visual": 4}, 3)
    features = {m: torch.randn(2, 4, generator=torch.Generator().manual_seed(i)) for i, m in enumerate(head.modalities)}
    own = head.unimodal(features)
    keep = torch.tensor([[True, False], [True, True]])
    votes = head.coalition(features, keep)
    assert torch.allclose(votes[0], own["audio"][0])
    assert torch.allclose(votes[1], head.fuse(features)[1])
    assert torch.equal(head.coalition(features, torch.tensor([False, False])), torch.zeros(2, 3))
    assert [term.any(1).tolist() for term in head.terms(votes, features, keep)] == [[True, True], [False, True]]


def heard(run, cared: str) -> dict[str, bool]:
    """Modality -> whether the other's encoder gets a gradient of this modality's own loss."""
    run.model.cared = cared
    out, found = run.forward(batch := batch_of(run)), {}
    for m, other in (("audio", "visual"), ("visual", "audio")):
        parameters = list(run.model.encoders[other].parameters())
        found[m] = any(
            g is not None and bool(g.any())
            for g in torch.autograd.grad(run.task.loss(out.unimodal[m], batch), parameters, retain_graph=True, allow_unused=True)
        )
    return found


def test_who_is_cared_for_hears_nothing_of_the_other_in_training():
    run = network()
    assert heard(run, "") == {"audio": True, "visual": True}
    assert heard(run, "audio") == {"audio": False, "visual": True}
    assert heard(run, "visual") == {"audio": True, "visual": False}
    run.model.eval()
    assert heard(run, "visual") == {"audio": True, "visual": True}


def test_withheld_modalities_get_no_gradient():
    """Section 8 of the facts, anchor 7: nor through the gates of the other."""
    run = network()
    out = run.forward(batch := batch_of(run, torch.tensor([[True, False]] * 6)))
    Method().loss(run, out, batch, Method().turns(run, batch)[0]).backward()
    assert all(p.grad is None or not p.grad.any() for p in run.model.encoders["visual"].parameters())
    assert any(p.grad.any() for p in run.model.encoders["audio"].parameters())


RESNETS = {m: {"name": "resnet18"} for m in ("audio", "visual")}


def test_resnets_are_joined_behind_the_last_three_stages_and_start_like_those_of_fusion():
    run, fusion = network(encoders=RESNETS), tiny.run(encoders=RESNETS)
    layers = [(b.squeeze.in_features, b.squeeze.out_features) for b in run.model.blocks]
    assert layers == [(256, 128), (512, 256), (1024, 512)]
    for m, branch in run.model.encoders.items():
        assert digest(branch.encoder) == digest(fusion.model.encoders[m])


def test_with_open_gates_a_branch_is_its_encoder_frame_by_frame():
    encoder = ResNet18(1)
    net = GreedyMMTM(
        {m: Branch(encoder) for m in ONE}, [MMTM({m: w for m in ONE}) for w in (128, 256, 512)], Mean(dict.fromkeys(ONE, 512), 3)
    )
    for block in net.blocks:
        for layer in block.excite.values():
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, 50.0)
    net.eval()
    frames, picture = torch.randn(2, 1, 3, 32, 32), torch.randn(2, 1, 32, 32)
    features = net({"audio": picture, "visual": frames}).features
    assert torch.allclose(features["audio"], encoder(picture), atol=1e-5)
    assert torch.allclose(features["visual"], encoder(frames), atol=1e-5)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(UserError, match="resnet18 and small-cnn, not Linear"):
        Branch(nn.Linear(2, 2))
    with pytest.raises(Inapplicable, match="exactly 2 modalities, this run has 3"):
        network(modalities=3)
    with pytest.raises(Inapplicable, match="no method can run one of them alone"):
        network().model.encoders["audio"](torch.zeros(1, 1, 8, 8))
    run = network()
    with pytest.raises(Inapplicable, match="no method can run one of them alone"):
        run.forward(batch_of(run), only=("audio",))


@pytest.mark.parametrize(
    ("method", "refused"), [("agm", True), ("unimodal", True), ("smv-modality", True), ("smv-sample", False), ("arl", False)]
)
def test_other_methods_work_on_it_or_say_why_not(method, refused, tmp_path):
    run = network(method=method, params=EXAMPLES[method], epochs=2, content=tiny.data(train=12))
    if refused:
        with pytest.raises(Inapplicable, match="no method can run one of them alone"):
            train(run, build.method(run.spec), (), Checkpoint(tmp_path / "c.pt", every=1e9))
    else:
        history, _ = train(run, build.method(run.spec), (), Checkpoint(tmp_path / "c.pt", every=1e9))
        assert all(math.isfinite(v) for v in history["curve"]["loss"])
