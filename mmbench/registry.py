"""The suite on one page: id -> where it lives, its version, its parameters. Written by hand; nothing is imported.

A parameter's type is "int", "float", "bool", "str", "floats", "strs", "epoch" (a mark on the epoch axis: an integer, or
`{ of = 100, at = 69 }`), "epochs" (a list of such) or the allowed words "a|b|c". Bump a version when a component's numbers
change; the golden losses fail if they changed and the version did not.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from mmbench.errors import UserError, unknown

LOOP = 1  # mmbench.train
AUGMENT = 1  # mmbench.augment
OPTIM = 1  # mmbench.optim
PREPARATION = 1  # datasets_prep: the named recipes and the store


@dataclass(frozen=True)
class Entry:
    """One component. `neutral`: parameters added later, left out of the key while they have this value.

    modalities: the least and the most it takes (most 0: any). heads: those it works with (empty: any).
    """

    where: str  # "module:Name"
    version: int | str  # of a third party's component: its distribution's name and version
    paper: str  # which paper it comes from, "" where it is common property or ours
    says: str
    params: Mapping[str, str] = field(default_factory=dict)
    neutral: Mapping[str, Any] = field(default_factory=dict)
    modalities: tuple[int, int] = (1, 0)
    heads: tuple[str, ...] = ()


_VALUATION = {
    "warmup": "epoch",  # the first 0-based epoch whose draws follow the contributions
    "zero": "input|feature",  # what of an absent modality is zeroed (paper; released)
    "transforms": "test|train",  # those under which training samples are valued (train: released)
}


class WithThirdParties(dict[str, Entry]):
    """Our own methods, and those that installed packages offer under the entry point group `mmbench.methods`. These are read only
    when a name is asked for that is not ours; listing never imports them."""

    def __contains__(self, id: object) -> bool:
        return super().__contains__(id) or (isinstance(id, str) and third_party(id) is not None)

    def __missing__(self, id: str) -> Entry:
        if (found := third_party(id)) is None:
            raise KeyError(id)
        return found

    def get(self, id: str, default: Any = None) -> Any:
        try:
            return self[id]
        except KeyError:
            return default


METHODS: dict[str, Entry] = WithThirdParties({
    "joint": Entry("mmbench.methods.joint:Joint", 1, "", "the task's loss on the fused output, nothing else"),
    "unimodal": Entry("mmbench.methods.unimodal:Unimodal", 1, "", "train and test with one modality", {"modality": "str"}),
    "arl": Entry(
        "mmbench.methods.arl:ARL", 1, "arl", "encoder gradients scaled towards inverse-variance reliance, unimodal losses",
        {
            "rule": "paper|code|constant", "temperature": "float", "gamma": "float", "warmup": "epoch",
            "regularisation": "bool", "asymmetric": "bool", "residual": "bool",
        },
        modalities=(2, 0),
    ),
    # weight of the class-aware contrastive loss, its temperature; both directions or only first -> second; weight of the divergence
    "ccl": Entry(
        "mmbench.methods.ccl:CCL", 1, "", "CE plus class-aware contrastive loss",
        {"weight": "float", "temperature": "float", "symmetric": "bool", "divergence": "float"}, modalities=(2, 0),
    ),
    # weights: one per modality and one for the fused loss; empty: estimated online, on `holdout` of train, over `estimate` epochs
    "g-blending": Entry(
        "mmbench.methods.g_blending:GBlending", 1, "", "a weighted sum of unimodal and fused losses",
        {"weights": "floats", "holdout": "float", "estimate": "epoch"}, modalities=(2, 0),
    ),
    # noise: True is OGM-GE. Active from epoch `first` to `last`, both included
    "ogm": Entry(
        "mmbench.methods.ogm:OGM", 1, "", "gradient modulation of the dominant modality",
        {"alpha": "float", "noise": "bool", "first": "epoch", "last": "epoch"},
        modalities=(2, 0),
    ),
    # fraction: share of the training part behind the prototypes; momentum: of the old prototypes
    "pmr": Entry(
        "mmbench.methods.pmr:PMR", 1, "", "prototypical loss on the slower modalities",
        {"alpha": "float", "momentum": "float", "fraction": "float", "first": "epoch", "last": "epoch"}, modalities=(2, 0),
    ),
    # cap: of tau - r in the exponent; guard: largest entry of the head's weight gradient, else all are clipped to that norm (0: never)
    "agm": Entry(
        "mmbench.methods.agm:AGM", 2, "", "gradient modulation by each modality's Shapley share of the output",
        {"alpha": "float", "cap": "float", "guard": "float"}, modalities=(2, 0),
        heads=("concat", "sum", "cosine", "film", "bilinear", "gated", "film-symmetric", "gated-symmetric"),
    ),
    # All smv methods log `valued`, the samples valued before an epoch; those that make copies `drawn`, the samples of the epoch, and
    # `resampled`, the copies per epoch (mean since the warm-up); the other two the share of samples `dropped` or `masked`.
    # copies = max(1, round half up(factor * (1 - phi)^power)) for phi < 1
    "smv-sample": Entry(
        "mmbench.methods.smv_sample:SMVSample", 1, "smv", "copies of low-contributing modalities, sample by sample",
        {"power": "float", "factor": "float", **_VALUATION},
        modalities=(2, 0),
    ),
    # rate = function(alpha * 2/3 * gap); draw: each sample with that probability (paper), or int(rate N) with replacement (released)
    "smv-modality": Entry(
        "mmbench.methods.smv_modality:SMVModality", 1, "smv", "copies of the low-contributing modality, at the rate of the gap",
        {"function": "linear|tanh|power-1.5", "alpha": "float", "subset": "float", "draw": "bernoulli|replacement", **_VALUATION},
        modalities=(2, 0),
    ),
    "smv-fixed": Entry(
        "mmbench.methods.smv_fixed:SMVFixed", 1, "smv", "the same number of copies for every phi < 1",
        {"copies": "int", **_VALUATION},
        modalities=(2, 0),
    ),
    # in a sample with any phi < 1 the highest contributor's feature is dropped with this probability
    "smv-drop": Entry(
        "mmbench.methods.smv_drop:SMVDrop", 1, "smv", "valuation with modality drop",
        {"probability": "float", **_VALUATION},
        modalities=(2, 0),
    ),
    # the same choice; `share` of its patches (patch x patch pixels of an image, the same share of blocks of a spectrogram) zeroed
    "smv-mask": Entry(
        "mmbench.methods.smv_mask:SMVMask", 1, "smv", "valuation with data mask",
        {"probability": "float", "share": "float", "patch": "int", **_VALUATION},
        modalities=(2, 0),
    ),
    # window: steps of one curation; first: the first 0-based epoch under control. For the model greedy-mmtm alone
    "greedy": Entry(
        "mmbench.methods.greedy:Greedy", 1, "", "balanced conditional learning speed",
        {"epsilon": "float", "window": "int", "first": "epoch"}, modalities=(2, 2), heads=("concat",),
    ),
})  # fmt: skip

HEADS: dict[str, Entry] = {
    "concat": Entry("mmbench.heads.concat:Concat", 1, "", "one linear layer on the concatenated features"),
    "sum": Entry("mmbench.heads.sum:Sum", 1, "", "a linear layer per modality, logits added"),
    "cosine": Entry(
        "mmbench.heads.cosine:Cosine",
        1,
        "mmcosine",
        "scale times the sum of per-modality cosines",
        {"scale": "float", "over": "concat|sum|film-symmetric|gated-symmetric"},
    ),
    "decision": Entry("mmbench.heads.decision:Decision", 2, "", "a head per modality, summed cross-entropies, mean of posteriors"),
    "film": Entry("mmbench.heads.film:FiLM", 1, "", "the first modality scales and shifts the second, one linear layer", modalities=(2, 0)),
    # beyond two modalities these three fold: what the first two make meets the third (ours). unimodal: zero the others (paper),
    # or put the modality itself in their place (released: x x^T, self-gating)
    "bilinear": Entry(
        "mmbench.heads.bilinear:Bilinear",
        1,
        "arl",
        "outer product; ARL's code calls it FiLM",
        {"unimodal": "coalition|self"},
        modalities=(2, 0),
    ),
    "gated": Entry(
        "mmbench.heads.gated:Gated", 1, "", "the first modality gates the second", {"unimodal": "coalition|self"}, modalities=(2, 0)
    ),
    "film-symmetric": Entry(
        "mmbench.heads.film_symmetric:FiLMSymmetric", 1, "mmcosine", "each modality scales and shifts the other", modalities=(2, 2)
    ),
    "gated-symmetric": Entry(
        "mmbench.heads.gated_symmetric:GatedSymmetric", 1, "mmcosine", "each modality gates the other", modalities=(2, 2)
    ),
}

ENCODERS: dict[str, Entry] = {
    "resnet18": Entry(
        "mmbench.encoders.resnet18:ResNet18", 1, "", "ResNet-18 without its last layer, any number of input channels and frames"
    ),
    "small-cnn": Entry("mmbench.encoders.small_cnn:SmallCNN", 1, "", "three small convolution blocks, for stand-ins", {"width": "int"}),
    "mlp": Entry("mmbench.encoders.mlp:MLP", 1, "", "linear layers with ReLU between, for vectors", {"width": "int", "layers": "int"}),
    "bilstm": Entry("mmbench.encoders.bilstm:BiLSTM", 1, "", "a bidirectional LSTM over a sequence, a vector per step", {"width": "int"}),
    "transformer": Entry(
        "mmbench.encoders.transformer:Transformer",
        1,
        "",
        "a small transformer over a sequence of features",
        {"width": "int", "layers": "int", "heads": "int"},
    ),
    "resnet34": Entry("mmbench.encoders.resnet34:ResNet34", 1, "", "ResNet-34 without its last layer"),
    "resnet-se34": Entry(
        "mmbench.encoders.resnet_se34:ResNetSE34",
        1,
        "",
        "squeeze-and-excitation ResNet-34 on mel frames, attentive pooling",
        {"mels": "int", "out": "int"},
    ),
    # channels: of the convolutions; residual, layers: width and number of residual units; latent: height = width of z, the
    # halvings follow from the input; dimension: of a code; codes: in the book. For the model cmvqvae alone
    "vqvae": Entry(
        "mmbench.encoders.vqvae:VQVAE",
        1,
        "cmvqvae",
        "encoder, EMA codebook and decoder",
        {"channels": "int", "residual": "int", "layers": "int", "latent": "int", "dimension": "int", "codes": "int"},
    ),
}

MODELS: dict[str, Entry] = {
    "fusion": Entry("mmbench.models.fusion:Fusion", 1, "", "an encoder per modality and a head"),
    "localisation": Entry(
        "mmbench.models.localisation:Localisation",
        1,
        "",
        "audio-guided visual attention, recurrent encoders, an answer per second",
        {"attention": "int"},
        modalities=(2, 2),
    ),
    # the speakers of training are its classes; what makes it verify pairs is its task
    "verification": Entry("mmbench.models.fusion:Fusion", 1, "", "two encoders, one identity classifier", modalities=(2, 2)),
    # it has a head of its own: what a cell says when it names none is `concat`
    "greedy-mmtm": Entry(
        "mmbench.models.greedy_mmtm:GreedyMMTM",
        1,
        "",
        "two convolutional encoders joined by MMTM blocks, a head each",
        modalities=(2, 2),
        heads=("concat",),
    ),
    # mask: what multiplies the channels; initial, threshold, penalty: of the mask weights; quantise, reconstruct: with codebook,
    # with decoder; decay: of the EMA; solver: the modality whose channels reach the classifier ("" for all)
    "cmvqvae": Entry(
        "mmbench.models.cmvqvae:CMVQVAE",
        1,
        "cmvqvae",
        "a VQ-VAE per modality, a mask over channels, a task solver",
        {
            "mask": "binary|dropout|gated|none",
            "initial": "float",
            "threshold": "float",
            "penalty": "float",
            "quantise": "bool",
            "reconstruct": "bool",
            "commitment": "float",
            "decay": "float",
            "solver": "str",
        },
        modalities=(2, 0),
    ),
}

TASKS: dict[str, Entry] = {
    "classification": Entry("mmbench.tasks.classification:Classification", 1, "", "one label of C per item"),
    "verification": Entry("mmbench.tasks.verification:Verification", 1, "", "trained to name speakers, scored on pairs"),
    "localisation": Entry("mmbench.tasks.localisation:Localisation", 1, "", "a class per second, background among them"),
    "segmentation": Entry("mmbench.tasks.segmentation:Segmentation", 1, "", "a class per pixel"),
}

DATASETS: dict[str, Entry] = {
    "av-digits": Entry("mmbench.datasets.standins.av_digits:load", 1, "", "stand-in: real written digits with spoken digits"),
    "few-digits": Entry("mmbench.datasets.standins.few_digits:load", 1, "", "stand-in: few written digits with spoken digits"),
    "text-digits": Entry("mmbench.datasets.standins.text_digits:load", 1, "", "stand-in: spoken digits with text and pictures"),
    "event-tracks": Entry("mmbench.datasets.standins.event_tracks:load", 1, "", "stand-in: ten-second tracks with an event in a part"),
    "paired-digits": Entry("mmbench.datasets.standins.paired_digits:load", 1, "", "stand-in: clean digits with cluttered ones"),
    "digit-scenes": Entry(
        "mmbench.datasets.standins.digit_scenes:load", 1, "", "stand-in: scenes of digits in colour and depth, with pixel labels"
    ),
    "digit-strokes": Entry("mmbench.datasets.standins.digit_strokes:load", 1, "", "stand-in: digits as pictures and as pose sequences"),
    "moving-digits": Entry(
        "mmbench.datasets.standins.moving_digits:load", 1, "", "stand-in: moving digits with flow and difference streams"
    ),
    "digit-views": Entry("mmbench.datasets.standins.digit_views:load", 1, "", "stand-in: five views of real digits"),
    "synthetic-speakers": Entry("mmbench.datasets.standins.synthetic_speakers:load", 1, "", "stand-in: voices and faces with trial lists"),
}

_ADAM = {"lr": "float", "weight_decay": "float", "betas": "floats", "eps": "float"}

OPTIMISERS: dict[str, Entry] = {  # of these and the schedules, `OPTIM` above is the version
    "sgd": Entry("torch.optim:SGD", 1, "", "", {"lr": "float", "momentum": "float", "weight_decay": "float"}),
    "adam": Entry("torch.optim:Adam", 1, "", "", _ADAM, {"betas": [0.9, 0.999], "eps": 1e-8}),
    "adamw": Entry("torch.optim:AdamW", 1, "", "", _ADAM, {"betas": [0.9, 0.999], "eps": 1e-8}),
    "adagrad": Entry("torch.optim:Adagrad", 1, "", "", {"lr": "float", "weight_decay": "float"}),
}

SCHEDULES: dict[str, Entry] = {
    "constant": Entry("torch.optim.lr_scheduler:LambdaLR", 1, "", ""),
    "step": Entry("torch.optim.lr_scheduler:StepLR", 1, "", "", {"size": "epoch", "factor": "float"}),
    "multi-step": Entry("torch.optim.lr_scheduler:MultiStepLR", 1, "", "", {"marks": "epochs", "factor": "float"}),
    "cosine": Entry("torch.optim.lr_scheduler:CosineAnnealingLR", 1, "", ""),
    "plateau": Entry("torch.optim.lr_scheduler:ReduceLROnPlateau", 1, "", "", {"factor": "float", "patience": "int"}),
}

# What training images and sounds go through; tests are resized and normalised only.
AUGMENTATIONS: dict[str, str] = {
    "none": "nothing",
    "crop-flip": "each frame: a random resized crop and a flip; ImageNet statistics",
    "crop-flip-sound": "the same, and a random window of the sound",
}

KINDS: dict[str, dict[str, Entry]] = {
    "method": METHODS, "head": HEADS, "encoder": ENCODERS, "model": MODELS, "task": TASKS, "dataset": DATASETS,
}  # fmt: skip
COMPONENTS = {**KINDS, "optimiser": OPTIMISERS, "schedule": SCHEDULES}


def entry(kind: str, id: str) -> Entry:
    """The entry of a component, or one line with the nearest valid name."""
    table = KINDS[kind]
    if id not in table:
        raise unknown(kind, id, table)
    return table[id]


@lru_cache(maxsize=64)
def third_party(id: str) -> Entry | None:
    """The entry of another package's method: a dataclass whose fields are its parameters (int, float, bool or str).
    Only a name that a package does offer imports it; a package that is broken is the user's to mend, in one line."""
    for point in entry_points(group="mmbench.methods", name=id):
        try:
            method = point.load()
        except Exception as error:  # whatever another's code raises
            says = str(error).partition("\n")[0]
            raise UserError(f"method '{id}' of {point.value} cannot be imported: {type(error).__name__}: {says}") from None
        if not isinstance(method, type) or not is_dataclass(method):
            raise UserError(f"method '{id}' of {point.value}: expected a dataclass that extends mmbench.method.Method, found {method!r}")
        kinds = {f.name: str(getattr(f.type, "__name__", f.type)) for f in fields(method)}
        if wrong := [f"{name}: {kind}" for name, kind in kinds.items() if kind not in ("int", "float", "bool", "str")]:
            raise UserError(f"method '{id}' of {point.value}: parameters are int, float, bool or str, found {', '.join(wrong)}")
        version = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        says = (method.__doc__ or "").strip().partition("\n")[0]
        return Entry(point.value, version, "", says, kinds)
    return None


def load(kind: str, id: str) -> Any:
    """The class or function itself. Only the training half calls this."""
    module, _, name = entry(kind, id).where.partition(":")
    return getattr(importlib.import_module(module), name)
