"""CM-VQVAE: its networks are those of the facts and of Table 2, what each part learns from, the ablations, the pace of the mask.

Regenerate the golden counts and shapes after a meant change and a raised version:  python -m tests.models.test_cmvqvae
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench import build, optim
from mmbench.checkpoint import Checkpoint, digest
from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.models.cmvqvae import CMVQVAE
from mmbench.solver import classifier
from mmbench.train import Stopped, _begin, _steps, train
from tests import vqvae

PATH = Path(__file__).parents[1] / "golden" / "cmvqvae.json"
TABLE_2 = {  # of the appendix: channels, residual, layers, side and depth of z, codes, commitment, batch
    "crema-d": (128, 32, 2, 32, 64, 512, 0.25, 128), "pennaction": (128, 32, 2, 32, 64, 512, 0.25, 128),
    "nyuv2": (128, 32, 2, 32, 64, 512, 0.25, 8), "digits": (64, 12, 1, 16, 32, 256, 0.25, 128),
}  # fmt: skip
VANILLA: dict[str, Any] = {"mask": "none", "quantise": False, "reconstruct": False}


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def family(dataset: str) -> dict[str, Any]:
    """The network of a dataset's recipe: parameters of each part, shapes of what goes in and comes out."""
    spec, items = vqvae.of_the_paper(dataset), vqvae.ITEMS[dataset]
    pixels = items[0][1][-1] if spec["task"] == "segmentation" else 0
    content = vqvae.data(items, count=1, classes=vqvae.CLASSES[dataset], pixels=pixels)
    sample = {m: content.parts["train"].arrays[m] for m in spec["modalities"]}
    model = CMVQVAE.of(spec, 0, content, sample, None).eval()
    with torch.no_grad():
        out = model(sample)
    found: dict[str, Any] = {"parameters": count(model), "task solver": count(model.head.network), "mask": count(model.head.mask)}
    for m, encoder in model.encoders.items():
        parts = {"encoder": encoder.encoder, "to codes": encoder.to_codes, "decoder": encoder.decoder}
        found[m] = {name: count(part) for name, part in parts.items()} | {"book": list(encoder.book.codes.shape)}
        found[m] |= {"input": list(sample[m].shape[1:]), "picture": list(encoder.picture(sample[m]).shape[1:])}
        found[m] |= {"map": list(out.features[m].shape[1:]), "restored": list(encoder.restored(out.features[m]).shape[1:])}
    return found | {"answer": list(out.fused.shape[1:])}


@pytest.mark.parametrize("dataset", vqvae.ITEMS)
def test_counts_and_shapes_are_the_golden_ones(dataset):
    assert family(dataset) == json.loads(PATH.read_text())[dataset]


def test_the_networks_are_as_large_as_the_facts_say():
    """Facts 0b: 1,935,306 parameters; with the codebooks and their sums 2,066,378. Facts F7: the solver flattens to 2,048."""
    golden = json.loads(PATH.read_text())
    assert golden["crema-d"]["parameters"] == 1_935_306
    assert golden["crema-d"]["parameters"] + 2 * 2 * 512 * 64 == 2_066_378
    assert [golden[d][m]["map"] for d, m in (("crema-d", "visual"), ("crema-d", "audio"), ("nyuv2", "depth"))] == [[64, 32, 32]] * 3
    spec = vqvae.of_the_paper("digits")
    assert (golden["digits"]["mnist"]["map"], spec["encoders"]["mnist"]["latent"]) == ([32, 16, 16], 16)


def test_the_task_solver_flattens_to_2048_and_256():
    """Facts B4 and F7."""
    for widths, dimension, latent, flat in (((128, 32, 2), 64, 32, 2048), ((64, 12, 1), 32, 16, 256)):
        network = classifier(2 * dimension, *widths, dimension, latent, 6)
        assert [layer.in_features for layer in network if isinstance(layer, torch.nn.Linear)] == [flat, 256]


@pytest.mark.parametrize("reading", ["paper", "released"])
@pytest.mark.parametrize("dataset", TABLE_2)
def test_what_the_models_resolve_to_is_table_2(dataset, reading):
    spec = vqvae.of_the_paper(dataset, reading)
    for encoder in spec["encoders"].values():
        found = [encoder[name] for name in ("channels", "residual", "layers", "latent", "dimension", "codes")]
        assert (*found, spec["model_params"]["commitment"], spec["batch"]) == TABLE_2[dataset]


def test_the_readings_are_the_papers_and_the_codes():
    """Facts B7: SGD, 0.1, 0.05 and 100 epochs; Adam, 0.01, 0.005 and 50."""
    paper, code = (vqvae.of_the_paper("crema-d", reading) for reading in ("paper", "released"))
    given = [(s["optimiser"]["name"], s["model_params"]["initial"], s["model_params"]["threshold"], s["epochs"]) for s in (paper, code)]
    assert given == [("sgd", 0.1, 0.05, 100), ("adam", 0.01, 0.005, 50)]
    assert paper["model_params"]["penalty"] == code["model_params"]["penalty"] == 1e-4
    assert vqvae.of_the_paper("nyuv2")["optimiser"]["lr"] == 1e-4


def batch(run, count=4) -> Batch:
    return run.transform(run.data.parts["train"], torch.arange(count), None, True, None)


def learned(run, term: str) -> set[str]:
    """Which parts get a gradient from one term of the loss: "task", or a loss of the model."""
    given = batch(run)
    run.model.zero_grad()
    out = run.forward(given)
    (run.task.loss(out.fused, given) if term == "task" else out.losses[term]).backward()
    moved = {name for name, p in run.model.named_parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)}
    return {".".join(name.split(".")[: 3 if name.startswith("encoders") else 2]) for name in moved}


def test_each_term_teaches_what_it_should():
    run = vqvae.run()
    seeing = {f"encoders.{m}.{part}" for m in ("visual", "audio") for part in ("encoder", "to_codes")}
    assert learned(run, "task") == seeing | {"head.network", "head.mask"}
    assert learned(run, "loss.recons.visual") == {f"encoders.visual.{part}" for part in ("encoder", "to_codes", "decoder")}
    assert learned(run, "loss.code.audio") == {"encoders.audio.encoder", "encoders.audio.to_codes"}
    assert learned(run, "loss.compl") == {"head.mask"}


def test_through_closed_channels_the_task_teaches_the_mask_alone():
    run = vqvae.run()
    run.model.head.mask.weights.data[:8] = 0.001  # the picture's half
    assert learned(run, "task") == {"encoders.audio.encoder", "encoders.audio.to_codes", "head.network", "head.mask"}
    assert bool((run.model.head.mask.weights.grad[:8] != 0).all())
    assert learned(run, "loss.recons.visual") == {f"encoders.visual.{part}" for part in ("encoder", "to_codes", "decoder")}


def test_the_losses_by_hand():
    run = vqvae.lively(vqvae.run())
    given, model = batch(run), run.model.eval()
    out = model(given.inputs)
    for m, encoder in model.encoders.items():
        z = encoder.to_codes(encoder.encoder(given.inputs[m]))
        codes = encoder.book(z)[0]
        torch.testing.assert_close(out.losses[f"loss.code.{m}"], 0.25 * (codes - z).square().mean())
        errors = (encoder.decoder(codes) - given.inputs[m]).square()
        torch.testing.assert_close(out.losses[f"loss.recons.{m}"], errors.mean())
        torch.testing.assert_close(out.scores[f"score.mse.{m}"], errors.mean((1, 2, 3)))
    assert float(out.losses["loss.compl"].detach()) == pytest.approx(1e-4 * 16 * 0.01)
    whole = run.task.loss(out.fused, given) + sum(out.losses.values())
    torch.testing.assert_close(Method().loss(run, out, given, None), whole)


def test_what_is_restored_is_not_masked():
    run = vqvae.lively(vqvae.run())
    given, model = batch(run), run.model.eval()
    before = model(given.inputs)
    model.head.mask.weights.data.zero_()
    after = model(given.inputs)
    assert torch.equal(before.losses["loss.recons.visual"], after.losses["loss.recons.visual"])
    assert not torch.equal(before.fused, after.fused)
    assert bool((after.fused == after.fused[0]).all()), "nothing open, nothing known"


def test_a_model_without_its_parts_is_the_ablations():
    """Facts B4: (i) encoders and solver alone; (ii) codebook and decoder, no mask; (iii) mask and penalty on continuous maps."""
    given = {
        "i": VANILLA, "ii": {"mask": "none"}, "iii": {"quantise": False, "reconstruct": False}, "no penalty": {"penalty": 0.0},
    }  # fmt: skip
    losses = {name: {term.split(".")[1] for term in run.forward(batch(run)).losses} for name, run in
              ((name, vqvae.run(**changes)) for name, changes in given.items())}  # fmt: skip
    assert losses == {"i": set(), "ii": {"recons", "code"}, "iii": {"compl"}, "no penalty": {"recons", "code"}}
    vanilla = vqvae.run(**VANILLA).model
    assert not any("decoder" in name or "mask" in name or "book" in name for name in vanilla.state_dict())


def test_the_parts_that_stay_begin_alike():
    """Each part has its own stream: an ablation starts from the same weights."""
    whole, vanilla = vqvae.run().model.state_dict(), vqvae.run(**VANILLA).model.state_dict()
    assert all(torch.equal(whole[name], value) for name, value in vanilla.items() if ".encoder." in name)


def test_one_modality_alone_reaches_the_solver():
    run = vqvae.lively(vqvae.run(solver="audio"))
    given = batch(run)
    assert run.model.head.network[0].in_channels == 8
    other = dict(given.inputs, visual=given.inputs["visual"] * 3 + 1)
    run.model.eval()
    torch.testing.assert_close(run.model(given.inputs).fused, run.model(other).fused)
    run.model.train()
    assert learned(run, "task") == {"encoders.audio.encoder", "encoders.audio.to_codes", "head.network", "head.mask"}
    assert learned(run, "loss.recons.visual") >= {"encoders.visual.decoder"}, "both VQ-VAEs are trained"
    run.forward(given).losses["loss.compl"].backward()
    assert bool((run.model.head.mask.weights.grad > 0).all()), "the penalty covers the whole mask"


def test_dropout_also_drops_at_test():
    run = vqvae.lively(vqvae.run(mask="dropout"))
    given, model = batch(run), run.model.eval()
    torch.manual_seed(0)
    answers = torch.stack([model(given.inputs).fused for _ in range(4)])
    assert len(answers.unique(dim=0)) > 1
    assert not any("compl" in name or "zeta" in name for name in model(given.inputs).scores)


def test_three_modalities_have_a_zeta_each():
    run = vqvae.run(modalities=3)
    scores = run.model.eval()(batch(run).inputs).scores
    assert float(scores["score.compl.text"][0]) == pytest.approx(100 / 3)
    assert {name for name in scores if "zeta" in name} == {f"score.zeta.{m}" for m in ("visual", "audio", "text")}


def test_a_withheld_modality_is_zeros_in_the_solver():
    run = vqvae.lively(vqvae.run())
    given, model = batch(run), run.model.eval()
    keep = torch.tensor([[True, False]]).expand(4, 2)
    features = model(given.inputs).features
    expected = model.head.fuse({"visual": features["visual"], "audio": features["audio"] * 0})
    torch.testing.assert_close(model(given.inputs, keep).fused, expected)
    assert not torch.allclose(model(given.inputs).fused, expected)
    torch.testing.assert_close(model(given.inputs, None, ("visual",)).fused, expected)
    torch.testing.assert_close(model(given.inputs).unimodal["visual"], expected)


def test_asking_for_unimodal_answers_in_training_moves_no_statistics():
    run = vqvae.run()
    out = run.forward(batch(run))
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    assert out.unimodal["audio"].shape == (4, 3)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())


def test_the_check_of_two_resnets():
    run = vqvae.run(side=32, encoder={"name": "resnet18"}, **VANILLA)
    out = run.forward(batch(run))
    assert (out.fused.shape, out.losses, [f.shape for f in out.features.values()]) == ((4, 3), {}, [(4, 512)] * 2)
    assert [type(layer).__name__ for layer in run.model.head.network] == ["Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]
    assert run.model.head.network[0].in_features == 1024


WRONG = [
    ({"side": 20}, "tiny, visual: encoder vqvae: an input of 20x20 does not become 4x4 by a stride of 2, 4, 8"),
    ({"solver": "adio"}, "unknown modality of tiny 'adio'; did you mean 'audio'?"),
    ({"mask": "binery"}, "unknown mask 'binery'; did you mean 'binary'?"),
    ({"decay": 1.0}, "tiny, visual: codebook: 8 codes with decay 1, expected at least 1 code and a decay between 0 and 1"),
    ({"head": "sum"}, "model cmvqvae: head sum, expected concat: its task solver is its own"),
    ({"encoder": {"name": "small-cnn", "width": 4}}, "model cmvqvae: encoders small-cnn, expected vqvae"),
    ({"encoder": {"name": "resnet18"}}, "model cmvqvae: with resnet18 there are no mask, codebook, decoder or solver"),
    ({"encoder": vqvae.SMALL | {"residual": 2}}, "task solver: 16 channels, 2 residual and codes of 8, expected at least 4, 4 and 2"),
    ({"encoders": {"visual": vqvae.SMALL, "audio": vqvae.SMALL | {"dimension": 4}}}, "the encoders' latent and dimension differ"),
]


@pytest.mark.parametrize(("changes", "says"), WRONG)
def test_what_cannot_work_is_one_line(changes, says):
    with pytest.raises(UserError) as raised:
        vqvae.run(**changes)
    assert str(raised.value).startswith(says) or says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_pictures_that_are_not_square_are_refused():
    content = vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 16, 20))), count=8)
    with pytest.raises(UserError, match="tiny, audio: an item of 1x16x20, expected a square picture"):
        vqvae.run(content=content)
    with pytest.raises(UserError, match="tiny, visual: an item of 100x26, expected a square picture"):
        vqvae.run(content=vqvae.data((("visual", (100, 26)), ("audio", (100, 26))), count=8))


def test_fusion_does_not_take_the_encoder():
    spec = vqvae.run().spec
    with pytest.raises(UserError, match="encoder vqvae works with the model cmvqvae alone"):
        build.run(spec | {"model": "fusion"}, 0, vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 16, 16)))), torch.device("cpu"))


def pace(steps: int, deaf: bool = False) -> list[int]:
    """Open channels of the CREMA-D network (its widths, strides and codes, smaller pictures) after each step of two items.
    deaf: no gradient of the task reaches the mask."""
    torch.set_num_threads(1)
    paper = vqvae.of_the_paper("crema-d", "released")
    encoder = paper["encoders"]["visual"] | {"latent": 4}
    content = vqvae.data((("visual", (3, 16, 16)), ("audio", (1, 32, 32))), count=2 * steps, classes=6)
    run = vqvae.run(content=content, encoder=encoder, **paper["model_params"])
    run.spec = {**run.spec, "batch": 2}
    if deaf:
        run.model.head.network[0].weight.requires_grad_(False).zero_()
    run.optimiser = optim.optimiser([p for p in run.model.parameters() if p.requires_grad], paper["optimiser"])
    run.change = lambda features: features
    return [int(run.model.head.mask.open().sum()) for _ in _steps(run, Method(), _begin(run, Method()))]


def test_the_mask_closes_at_the_pace_of_the_facts():
    """Facts B3: with the penalty alone all close in the sixth step. With the task, none can close before, some stay."""
    assert pace(8, deaf=True) == [128] * 5 + [0] * 3
    both = pace(47)
    assert both[:5] == [128] * 5
    assert 0 < both[-1] < 128 - 25, "the shipped log has closed 25 of the picture's 64 by then"


def test_a_run_stopped_in_between_ends_in_the_same_bits(tmp_path):
    whole = vqvae.run(epochs=2)
    past, _ = train(whole, Method(), (), Checkpoint(tmp_path / "whole", 1e9))
    stopped, calls = vqvae.run(epochs=2), iter(range(99))
    with pytest.raises(Stopped):
        train(stopped, Method(), (), Checkpoint(tmp_path / "part", 1e9), stop=lambda: next(calls) >= 2)
    resumed = vqvae.run(epochs=2)
    again, clock = train(resumed, Method(), (), Checkpoint(tmp_path / "part", 1e9))
    assert clock["resumed"] == 1
    assert digest(resumed.model) == digest(whole.model)
    assert again["curve"] == past["curve"]


def test_sizes_and_errors_stand_in_every_epoch(tmp_path):
    run = vqvae.run(epochs=2)
    past, _ = train(run, Method(), (), Checkpoint(tmp_path / "c", 1e9))
    expected = {f"{name}.{m}" for name in ("compl", "contr", "mse", "perplexity") for m in ("visual", "audio")} | {"zeta"}
    assert expected <= past["curve"].keys()
    assert past["curve"]["compl.visual"][0] == 50
    assert 1 <= past["curve"]["perplexity.audio"][0] <= 8, "of eight codes"
    assert {"zeta", "compl.audio"} <= past["selections"]["first"]["values"].keys()


if __name__ == "__main__":
    PATH.write_text(json.dumps({dataset: family(dataset) for dataset in vqvae.ITEMS}, indent=1) + "\n")
    print(f"{len(vqvae.ITEMS)} networks: {PATH.name}")
