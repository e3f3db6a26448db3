"""Components that tables already name and whose code is still to come, with the parameters that their cells give them.

A cell that needs one resolves completely (its key is final) and is `unwritten`: blocked, with the reason. Whoever writes a
component moves its line to `registry.py`; a misspelt name stands in neither, and is an error.
"""

from __future__ import annotations

from mmbench.registry import Entry

_MANY = (2, 0)

_METHODS: dict[str, Entry] = {}

_HEADS: dict[str, Entry] = {}

_ENCODERS = {
    # channels: of the convolutions; residual, layers: width and number of residual units; latent: height = width of z, the
    # halvings follow from the input; dimension: of a code; codes: in the book. Encoder, codebook and decoder of one modality
    "vqvae": Entry(
        "", 1, "cmvqvae", "encoder, EMA codebook and decoder",
        {"channels": "int", "residual": "int", "layers": "int", "latent": "int", "dimension": "int", "codes": "int"},
    ),
}  # fmt: skip

_MODELS = {
    # mask: what multiplies the channels; initial, threshold, penalty: of the mask weights; quantise, reconstruct: with codebook,
    # with decoder; decay: of the EMA; solver: the modality whose channels reach the classifier ("" for all)
    "cmvqvae": Entry(
        "", 1, "cmvqvae", "a VQ-VAE per modality, a mask over channels, a task solver",
        {
            "mask": "binary|dropout|gated|none", "initial": "float", "threshold": "float", "penalty": "float", "quantise": "bool",
            "reconstruct": "bool", "commitment": "float", "decay": "float", "solver": "str",
        },
        modalities=_MANY,
    ),
}  # fmt: skip

_TASKS = {
    "segmentation": Entry("", 1, "", "a class per pixel"),
}

_DATASETS = {
    "paired-digits": Entry("", 1, "", "stand-in: clean digits with cluttered ones"),
    "digit-scenes": Entry("", 1, "", "stand-in: scenes of digits in colour and depth, with pixel labels"),
    "digit-strokes": Entry("", 1, "", "stand-in: digits as pictures and as pose sequences"),
    "moving-digits": Entry("", 1, "", "stand-in: moving digits with flow and difference streams"),
    "digit-views": Entry("", 1, "", "stand-in: five views of real digits"),
    "text-digits": Entry("", 1, "", "stand-in: spoken digits with text and pictures"),
    "event-tracks": Entry("", 1, "", "stand-in: ten-second tracks with an event in a part"),
    "synthetic-speakers": Entry("", 1, "", "stand-in: voices and faces with trial lists"),
}

PLANNED: dict[str, dict[str, Entry]] = {
    "method": _METHODS, "head": _HEADS, "encoder": _ENCODERS, "model": _MODELS, "task": _TASKS, "dataset": _DATASETS,
}  # fmt: skip
