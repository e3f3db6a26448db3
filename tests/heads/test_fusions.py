"""The other heads by their formulas: FiLM, outer product, gating, the symmetric ones, decision fusion."""

from __future__ import annotations

import pytest
import torch

from mmbench import registry
from mmbench.errors import Inapplicable, UserError
from mmbench.heads.bilinear import Bilinear
from mmbench.heads.cosine import Cosine
from mmbench.heads.decision import Decision
from mmbench.heads.film import FiLM
from mmbench.heads.film_symmetric import FiLMSymmetric
from mmbench.heads.gated import Gated
from mmbench.heads.gated_symmetric import GatedSymmetric
from mmbench.method import Method
from tests import tiny

NAMES = ("audio", "visual", "text")
SELF = {"unimodal": "self"}
KINDS = {"film": {}, "bilinear": SELF, "gated": SELF, "decision": {}, "film-symmetric": {}, "gated-symmetric": {}}


def features(modalities=2, batch=5, width=4):
    source = torch.Generator().manual_seed(3)
    return {m: torch.randn(batch, width, generator=source) for m in NAMES[:modalities]}


def make(kind, modalities=2, width=4, **params):
    torch.manual_seed(0)
    return kind(dict.fromkeys(NAMES[:modalities], width), 3, **params)


def test_film_scales_and_shifts_the_second_by_the_first():
    head, given = make(FiLM), features()
    scale, shift = head.conditions[0](given["audio"]).split(4, dim=1)
    assert torch.allclose(head.fuse(given), head.classifier(scale * given["visual"] + shift))
    alone = head.classifier(head.conditions[0](given["audio"])[:, 4:])
    assert torch.allclose(head.unimodal(given)["audio"], alone), "without the second only the shift is left"


def test_bilinear_is_linear_in_the_outer_product():
    head, given = make(Bilinear, unimodal="self"), features()
    outer = torch.einsum("bi,bj->bij", given["audio"], given["visual"]).flatten(1)
    assert torch.allclose(head.fuse(given), head.classifier(head.products[0](outer)), atol=1e-6)
    square = torch.einsum("bi,bj->bij", given["visual"], given["visual"]).flatten(1)
    assert torch.allclose(head.unimodal(given)["visual"], head.classifier(head.products[0](square)), atol=1e-6)
    constant = make(Bilinear, unimodal="coalition").unimodal(given)["visual"]
    assert torch.allclose(constant, constant[:1].expand_as(constant)), "zeroing leaves a constant"
    assert head.products[0].weight.shape == (4, 16)


def test_gated_lets_the_first_gate_the_second_and_itself_as_released():
    head, given = make(Gated, unimodal="self"), features()
    a, v = head.projections["audio"](given["audio"]), head.projections["visual"](given["visual"])
    assert torch.allclose(head.fuse(given), head.classifier(a.sigmoid() * v))
    assert torch.allclose(head.unimodal(given)["audio"], head.classifier(a.sigmoid() * a))
    paper = make(Gated, unimodal="coalition").unimodal(given)["visual"]
    gate = head.projections["audio"].bias.sigmoid()
    assert torch.allclose(paper, head.classifier(gate * v), atol=1e-6), "zeroed audio leaves a constant gate"


def test_symmetric_film_and_gating():
    given = features()
    film = make(FiLMSymmetric)
    scale, shift = film.conditions["visual"](given["visual"]).split(4, dim=1)
    assert torch.allclose(film.parts(given)["audio"], scale * given["audio"] + shift)
    gated = make(GatedSymmetric)
    u, w = gated.projections["audio"](given["audio"]), gated.projections["visual"](given["visual"])
    assert torch.allclose(gated.parts(given)["visual"], u.sigmoid() * w)
    for head in (film, gated):
        parts, weights = head.parts(given), head.weights()
        total = sum(parts[m] @ weights[m].T for m in parts) + head.classifier.bias
        assert torch.allclose(head.fuse(given), total, atol=1e-6)


@pytest.mark.parametrize("over", ["concat", "sum", "film-symmetric", "gated-symmetric"])
def test_cosine_sits_over_every_head_with_parts(over):
    head, given = make(Cosine, scale=5.0, over=over), features()
    inner = head.inner
    expected = sum(
        torch.nn.functional.cosine_similarity(p[:, None], inner.weights()[m][None], dim=2) for m, p in inner.parts(given).items()
    )
    assert torch.allclose(head.fuse(given), 5 * expected, atol=1e-5)
    assert torch.equal(head.decisions(given)["raw"], inner.fuse(given))


def test_cosine_refuses_a_head_without_parts():
    with pytest.raises(Inapplicable, match="cosine cannot sit over 'decision'"):
        make(Cosine, scale=5.0, over="decision")


def test_decision_fusion_averages_posteriors_and_sums_losses():
    head, given = make(Decision), features()
    own = head.unimodal(given)
    mean = (own["audio"].softmax(1) + own["visual"].softmax(1)) / 2
    assert torch.allclose(head.fuse(given).exp(), mean, atol=1e-6)
    alone = head.coalition(given, torch.tensor([True, False]))
    assert torch.allclose(alone.exp(), own["audio"].softmax(1), atol=1e-6)
    run = tiny.run(head="decision")
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch)
    expected = sum(run.task.loss(o, batch).item() for o in out.unimodal.values())
    assert Method().loss(run, out, batch, Method().turns(run, batch)[0]).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", [*KINDS, "concat", "sum", "cosine"])
@pytest.mark.parametrize("keep", [torch.tensor([True, False]), torch.tensor([[True, False]] * 6)])
def test_training_on_what_is_kept_teaches_the_rest_nothing(name, keep):
    """Section 8, anchor 7, where the head leaves a zeroed modality without influence on its own encoder."""
    params = KINDS.get(name, {"scale": 5.0, "over": "concat"} if name == "cosine" else {})
    run = tiny.run(head=name, head_params=params)
    batch = run.transform(run.data.parts["train"], torch.arange(6), None, True, None)
    out = run.forward(batch, keep=keep)
    Method().loss(run, out, batch, Method().turns(run, batch)[0]).backward()
    assert all(p.grad is None or not p.grad.any() for p in run.model.encoders["visual"].parameters())
    if name == "decision":
        assert all(not p.grad.any() for p in run.model.head.classifiers["visual"].parameters())
        assert run.model.head.classifiers["audio"].weight.grad.any()


def test_decision_fusion_trains_each_sample_on_its_own_modalities():
    run = tiny.run(head="decision")
    batch = run.transform(run.data.parts["train"], torch.arange(2), None, True, None)
    terms = run.forward(batch, keep=torch.tensor([[True, False], [True, True]])).terms
    whole = run.forward(batch, frozen_norm=True).terms
    assert [t.shape for t in terms] == [t.shape for t in whole]
    assert terms[0].any(1).tolist() == [True, True]
    assert terms[1].any(1).tolist() == [False, True]


@pytest.mark.parametrize(("name", "params"), KINDS.items())
@pytest.mark.parametrize("modalities", [2, 3])
def test_logits_have_their_shape_for_the_modalities_that_the_registry_names(name, params, modalities):
    most = registry.HEADS[name].modalities[1]
    if most and modalities > most:
        pytest.skip(f"{name} takes {most}")
    head, given = make(registry.load("head", name), modalities, **params), features(modalities)
    assert head.fuse(given).shape == (5, 3)
    assert {logits.shape for logits in head.unimodal(given).values()} == {(5, 3)}
    everyone = torch.ones(modalities, dtype=torch.bool)
    assert torch.allclose(head.coalition(given, everyone), head.fuse(given), atol=1e-5)


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="one width"):
        FiLMSymmetric({"audio": 4, "visual": 5}, 3)
    with pytest.raises(UserError, match="one width"):
        Bilinear({"audio": 4, "visual": 5}, 3, unimodal="self")
