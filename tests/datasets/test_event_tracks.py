"""The stand-in of localisation: shapes, where the events lie, what a second holds, that parts share nothing, sameness."""

import numpy as np
import pytest
import torch

from mmbench.datasets.standins import digits, event_tracks

BACKGROUND = event_tracks.BACKGROUND


@pytest.fixture(scope="module")
def data():
    return event_tracks.load()


@pytest.fixture(scope="module")
def clean():
    """Without noise and clutter: what is neither heard nor seen is the same number everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SOUND_NOISE", "IMAGE_NOISE", "CLUTTER"):
            patch.setattr(event_tracks, name, 0.0)
        return event_tracks.load()


def test_it_says_what_it_is(data):
    assert (data.name, data.split, data.stand_in, data.imitation) == ("event-tracks", "standard", True, False)
    assert data.modalities == ("audio", "visual")
    assert (len(data.classes), data.classes[BACKGROUND]) == (11, "background")
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 1200, "val": 300, "test": 300}


def test_a_vector_and_a_map_a_second_normalised(data):
    for name, part in data.parts.items():
        assert part.arrays["audio"].shape == (len(part), 10, 32)
        assert part.arrays["visual"].shape == (len(part), 10, 2, 2, 16)
        for array in part.arrays.values():
            tolerance = 1e-3 if name == "train" else 0.1
            assert array.dtype == torch.float32
            assert abs(float(array.mean())) < tolerance
            assert abs(float(array.std()) - 1) < tolerance


def test_each_track_has_one_event_of_six_to_ten_seconds(data):
    lengths = set()
    for part in data.parts.values():
        assert part.labels.shape == (len(part), 10)
        events = []
        for row in part.labels.tolist():
            during = [s for s, label in enumerate(row) if label != BACKGROUND]
            assert during == list(range(during[0], during[-1] + 1)), "without a gap"
            assert len({row[s] for s in during}) == 1
            lengths.add(len(during))
            events.append(row[during[0]])
        assert len(set(np.bincount(events).tolist())) == 1, "as many of each digit"
    assert lengths == set(range(6, 11))


def sounding(part) -> tuple[torch.Tensor, torch.Tensor]:
    """N x 10: is anything heard, and how many places show anything."""
    silence, paper = part.arrays["audio"].min(), part.arrays["visual"].min()
    return (part.arrays["audio"] != silence).any(2), (part.arrays["visual"] != paper).any(4).flatten(2).sum(2)


def test_in_the_event_a_digit_is_heard_and_seen_at_one_place_and_never_both_elsewhere(clean):
    for part in clean.parts.values():
        heard, places = sounding(part)
        event = part.labels != BACKGROUND
        assert heard[event].all()
        assert (places[event] == 1).all()
        assert not (heard & (places > 0))[~event].any()
        assert (places <= 1).all()
        for stray in (heard[~event], places[~event] > 0):
            assert float(stray.float().mean()) == pytest.approx(event_tracks.DISTRACTED, abs=0.05)


def test_sounds_and_pictures_are_of_the_labelled_digit(clean):
    """The classes' means of the training part tell the seconds of the test part far better than chance, 10 %."""
    train, test = clean.parts["train"], clean.parts["test"]
    for modality, views in (("audio", lambda a: a), ("visual", lambda a: a.flatten(2, 3).amax(2))):
        known, new = views(train.arrays[modality]), views(test.arrays[modality])
        means = torch.stack([known[train.labels == digit].mean(0) for digit in range(10)])
        event = test.labels != BACKGROUND
        found = torch.cdist(new[event], means).argmin(1)
        assert float((found == test.labels[event]).float().mean()) > 0.4


def test_no_voice_and_no_image_is_in_two_parts():
    archive = digits.sounds()
    sounds = event_tracks._sounds()
    assert {part: len(found[0]) for part, found in sounds.items()} == {"train": 1600, "val": 400, "test": 1000}
    held = set(np.unique(archive["train_voices"])[::5])
    expected = event_tracks._bands(archive["train"][[v in held for v in archive["train_voices"]]])
    assert np.array_equal(sounds["val"][0], expected)
    assert not held & set(archive["test_voices"])
    assert sum(event_tracks.IMAGES.values()) == len(digits.images()[0])


def test_it_is_the_same_every_time_and_its_fingerprint_covers_its_settings(data, clean):
    again = event_tracks.load()
    assert again.fingerprint == data.fingerprint != clean.fingerprint
    for name, part in data.parts.items():
        assert part.keys == again.parts[name].keys
        assert torch.equal(part.labels, again.parts[name].labels)
        assert all(torch.equal(array, again.parts[name].arrays[m]) for m, array in part.arrays.items())
