"""The localisation network: attention and answers by hand, what a withheld modality leaves behind, copies, losses, bad input.

Regenerate the golden losses after a meant change and a raised version:  python -m tests.models.test_localisation
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmbench import build, registry, valuation
from mmbench.checkpoint import Checkpoint, digest
from mmbench.errors import UserError
from mmbench.methods.ogm import OGM
from mmbench.models.localisation import Answer, Attention
from mmbench.shapley import benefits, shapley, share
from mmbench.train import Stopped, train
from tests import tracks
from tests.methods.examples import EXAMPLES
from tests.test_goldens import stamp

PATH = Path(__file__).parents[1] / "golden" / "localisation.json"
METHODS = ("joint", "unimodal", "ogm", "smv-sample", "smv-modality")


def attention(guided: float) -> Attention:
    """Two places of one number each: the first place's score is tanh(its number), the second's tanh(its number + guided * sound)."""
    layer = Attention(places=2, seen=1, heard=1, width=1)
    values = {
        "see.weight": [[1.0]], "see.bias": [0.0], "hear.weight": [[1.0]], "hear.bias": [0.0],
        "look.weight": [[1.0], [0.0]], "listen.weight": [[0.0], [guided]], "weigh.weight": [[1.0, 0.0]],
    }  # fmt: skip
    layer.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
    return layer


def test_attention_by_hand():
    seen, heard = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[2.0]])
    scores = torch.tensor([1.0, 3.0 + 0.5 * 2.0]).tanh()
    expected = scores.softmax(0)
    layer = attention(0.5)
    torch.testing.assert_close(layer.weights(seen, heard)[0], expected)
    torch.testing.assert_close(layer(seen, heard), (expected[0] * 1.0 + expected[1] * 3.0).view(1, 1))
    torch.testing.assert_close(layer.weights(seen, -heard)[0], torch.tensor([1.0, 3.0]).tanh().softmax(0))  # ReLU silences it


def test_a_negative_place_is_cut_by_the_first_relu():
    seen = torch.tensor([[[-5.0], [0.0]]])
    torch.testing.assert_close(attention(0.0).weights(seen, torch.zeros(1, 1))[0], torch.tensor([0.5, 0.5]))


def test_the_answer_by_hand():
    """Two seconds, one number a modality. Hidden unit 0 is relu(a) + 2 relu(v); class 0 gets it, class 1 a constant."""
    head = Answer({"audio": 1, "visual": 1}, 2)
    with torch.no_grad():
        for p in head.parameters():
            p.zero_()
        head.hidden.weight[0] = torch.tensor([1.0, 2.0])
        head.classifier.weight[0, 0] = 1.0
        head.classifier.bias[1] = 0.5
    features = {"audio": torch.tensor([[[1.0], [-4.0]]]), "visual": torch.tensor([[[3.0], [1.0]]])}
    assert head.fuse(features).tolist() == [[[7.0, 2.0], [0.5, 0.5]]]  # B x C x T
    assert head.coalition(features, torch.tensor([True, False])).tolist() == [[[1.0, 0.0], [0.5, 0.5]]]
    assert head.coalition(features, torch.tensor([[False, True]])).tolist() == [[[6.0, 2.0], [0.5, 0.5]]]


def test_the_official_network_has_these_weights_and_shapes():
    """Attention 512 x 512 + 512, 128 x 512 + 512, twice 512 x 49, 49; an LSTM of 128 and one of 512 inputs; 512 x 64 + 64, 64 x 29 + 29."""
    from mmbench.models.localisation import Localisation

    sample = {"audio": torch.randn(1, 10, 128), "visual": torch.randn(1, 10, 7, 7, 512)}
    encoders = {m: {"name": "bilstm", "width": 128} for m in ("audio", "visual")}
    spec = tracks.spec(encoders=encoders, model_params={"attention": 512})
    model = Localisation.of(spec, 0, replace(tracks.data(), classes=tuple(map(str, range(29)))), sample, None)
    attention = 512 * 512 + 512 + 128 * 512 + 512 + 2 * 512 * 49 + 49
    recurrent = sum(8 * 128 * (given + 128 + 2) for given in (128, 512))
    assert sum(p.numel() for p in model.parameters()) == attention + recurrent + 512 * 64 + 64 + 64 * 29 + 29
    out = model(sample)
    assert out.fused.shape == (1, 29, 10)
    assert {m: f.shape for m, f in out.features.items()} == {m: (1, 10, 256) for m in sample}


def batch(run, count=4):
    return run.transform(run.data.parts["train"], torch.arange(count), None, True, None)


def test_a_copy_of_the_picture_alone_hears_nothing_and_teaches_the_sound_nothing():
    run = tracks.run()
    given = batch(run)
    keep = torch.tensor([[False, True]]).expand(4, 2)
    loud = dict(given.inputs, audio=given.inputs["audio"] * 9 + 1)
    torch.testing.assert_close(run.model(given.inputs, keep).fused, run.model(loud, keep).fused)
    run.task.loss(run.model(given.inputs, keep).fused, given).backward()
    assert all(float(p.grad.abs().sum()) == 0 for p in run.model.encoders["audio"].parameters())
    assert float(run.model.attention.hear.weight.grad.abs().sum()) == 0, "silence, zeros, reaches the bias alone"
    assert any(float(p.grad.abs().sum()) > 0 for p in run.model.encoders["visual"].parameters())


def test_in_one_batch_each_sample_has_its_own_silence():
    run = tracks.run()
    given = batch(run)
    keep = torch.tensor([[True, True], [False, True], [True, False], [True, True]])
    mixed = run.model(given.inputs, keep).fused
    for i in range(4):
        torch.testing.assert_close(mixed[i], run.model(given.inputs, keep[i].expand(4, 2)).fused[i])
    torch.testing.assert_close(mixed[0], run.model(given.inputs).fused[0])
    silent = dict(given.inputs, visual=given.inputs["visual"] * 0)
    torch.testing.assert_close(mixed[2], run.model(silent, keep).fused[2])


def test_the_pictures_own_answer_hears_no_sound():
    run = tracks.run()
    given = batch(run)
    loud = dict(given.inputs, audio=given.inputs["audio"] * 9 + 1)
    own, other = run.model(given.inputs).unimodal, run.model(loud).unimodal
    torch.testing.assert_close(own["visual"], other["visual"])
    assert not torch.allclose(own["audio"], other["audio"])
    assert not torch.allclose(run.model(given.inputs).features["visual"], run.model(loud).features["visual"]), "the guided ones do"


def test_a_turn_or_a_test_of_one_modality_is_its_own_answer():
    run = tracks.run(method="unimodal", params={"modality": "visual"})
    given, method = batch(run), build.method(run.spec)
    whole = run.model(given.inputs).unimodal["visual"]
    torch.testing.assert_close(run.model(given.inputs, None, ("visual",)).fused, whole)
    torch.testing.assert_close(run.model(given.inputs, None, None, lambda f: method.features(run, f)).fused, whole)
    calls = []
    for name, encoder in run.model.encoders.items():
        encoder.register_forward_pre_hook(lambda _, inputs, name=name: calls.append(name))
    run.model(given.inputs, None, ("audio",))
    assert calls == ["audio"]


@pytest.mark.parametrize("zero", ["input", "feature"])
def test_valuation_by_zeroed_inputs_and_by_zeroed_features(zero):
    """A clip's coalition is worth its size times the share of its seconds that it answers rightly."""
    run = tracks.run()
    given = run.transform(run.data.parts["train"], torch.arange(16), None, False, None)
    run.model.eval()

    def right(who: torch.Tensor) -> torch.Tensor:
        if zero == "feature":
            return share(run.model.head.coalition(run.model(given.inputs).features, who), given.labels)
        shown = {m: x if who[i] else torch.zeros_like(x) for i, (m, x) in enumerate(given.inputs.items())}
        return share(run.model(shown).fused, given.labels)

    phi, index = valuation.value(run, zero, "test")
    assert torch.equal(index, torch.arange(16))
    torch.testing.assert_close(phi, shapley(benefits(right, 2)))
    assert run.logged["valued"] == [16, 1]
    some, index = valuation.value(run, zero, "test", 0.25)
    assert len(index) == 4
    torch.testing.assert_close(some, phi[index])


def test_ogm_slows_the_matrices_of_an_encoder_without_convolutions():
    run = tracks.run()
    given = batch(run, 8)
    out = run.forward(given)
    run.task.loss(out.fused, given).backward()
    before = {n: p.grad.clone() for n, p in run.model.named_parameters()}
    OGM(alpha=0.8, noise=False, first=0, last=9).gradients(run, out, given)
    k = {m: float(run.logged[f"k.{m}"][0]) for m in run.modalities}
    assert min(k.values()) < 1
    for name, p in run.model.named_parameters():
        scale = k[name.split(".")[1]] if name.startswith("encoders.") and p.dim() == 2 else 1.0
        torch.testing.assert_close(p.grad, before[name] * scale)


def examples(method: str) -> dict:
    return EXAMPLES[method] | ({"zero": "input"} if method == "smv-sample" else {})


@pytest.mark.parametrize("method", METHODS)
def test_stopped_and_resumed_it_ends_in_the_same_bits_and_best_val_is_chosen(method, tmp_path):
    def fresh():
        run = tracks.run(method=method, params=examples(method))
        return run, build.method(run.spec)

    run, built = fresh()
    history, _ = train(run, built, (), Checkpoint(tmp_path / "whole.pt", every=1e9))
    assert set(history["selections"]) >= {"last", "best-test", "best-val"}
    checkpoint = Checkpoint(tmp_path / "cut.pt", every=1e9)
    cut, built = fresh()
    with pytest.raises(Stopped):
        train(cut, built, (), checkpoint, stop=lambda: cut.step > 5)
    again, built = fresh()
    resumed, _ = train(again, built, (), checkpoint)
    assert digest(again.model) == digest(run.model)
    assert resumed["curve"]["accuracy"] == history["curve"]["accuracy"]


def losses(method: str) -> list[float]:
    """The mean loss of each epoch, then the accuracies in the end."""
    run = tracks.run(method=method, params=examples(method), epochs=8)
    torch.set_num_threads(1)
    history, _ = train(run, build.method(run.spec), (), Checkpoint(Path("unused.pt"), every=1e9))
    last = history["selections"]["last"]["values"]
    return history["curve"]["loss"] + [last[n] for n in ("accuracy", "accuracy.audio", "accuracy.visual", "contribution-gap")]


def versions(method: str) -> dict[str, int | str]:
    found = {"method": registry.METHODS[method].version, "model": registry.MODELS["localisation"].version}
    return found | {"task": registry.TASKS["localisation"].version, "encoder": registry.ENCODERS["bilstm"].version, "loop": registry.LOOP}


@pytest.mark.parametrize("method", METHODS)
def test_losses_and_scores_are_the_golden_ones(method):
    golden = json.loads(PATH.read_text())
    kept = golden["losses"][method]
    assert kept["versions"] == versions(method), "the golden was made by other versions: regenerate (see the docstring)"
    exact = golden["stamp"] == stamp()
    assert losses(method) == (kept["losses"] if exact else pytest.approx(kept["losses"], rel=1e-4))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"head": "sum"}, "model localisation: head sum, expected concat"),
        ({"model_params": {"attention": 0}}, "model localisation: attention 0, expected a width of 1 or more"),
        (
            {"encoders": {m: {"name": "transformer", "width": 4, "layers": 1, "heads": 1} for m in ("audio", "visual")}},
            r"model localisation: encoder transformer gives \(1, 4\), expected a vector a second \(bilstm\)",
        ),
    ],
)
def test_runs_that_it_cannot_be_get_one_line(changes, says):
    with pytest.raises(UserError, match=says):
        tracks.run(**changes)


def test_features_of_the_wrong_shape_get_one_line():
    content = tracks.data()
    flat = {n: replace(p, arrays=p.arrays | {"visual": p.arrays["visual"].mean((2, 3))}) for n, p in content.parts.items()}
    with pytest.raises(UserError, match=r"tracks: sound of \(5, 4\) and pictures of \(5, 6\) an item, expected seconds x features and"):
        tracks.run(content=replace(content, parts=flat))
    short = {n: replace(p, arrays=p.arrays | {"audio": p.arrays["audio"][:, :4]}) for n, p in content.parts.items()}
    with pytest.raises(UserError, match=r"tracks: sound of \(4, 4\) and pictures of \(5, 2, 3, 6\)"):
        tracks.run(content=replace(content, parts=short))


if __name__ == "__main__":
    made = {method: {"versions": versions(method), "losses": losses(method)} for method in METHODS}
    PATH.write_text(json.dumps({"stamp": stamp(), "losses": made}, indent=1, sort_keys=True) + "\n")
    print(f"{len(made)} goldens: {PATH.name}")
