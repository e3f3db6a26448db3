"""Views: what each feature is, on images where it is known; what it does not depend on."""

import numpy as np

from mmbench.datasets.standins import digit_views


def corner() -> np.ndarray:
    """An L of 3 x 2 pixels, in two places."""
    images = np.zeros((2, 8, 8))
    images[0, 1:4, 1] = images[0, 3, 2] = 1
    images[1, 4:7, 3] = images[1, 6, 4] = 1
    return images


def test_widths() -> None:
    data = digit_views.load()
    assert [a.shape[1] for a in data.parts["test"].arrays.values()] == [40, 15, 48, 128, 64]


def test_fourier_does_not_say_where_the_ink_lies() -> None:
    here, there = digit_views.fourier(corner())
    assert np.allclose(here, there)
    assert here[0] == 4  # frequency 0 is the ink in all


def test_moments_know_area_and_middle_and_are_else_blind_to_the_place() -> None:
    here, there = digit_views.moments(corner())
    assert here[:3].tolist() == [4, 2.25, 1.25]
    assert np.allclose(here[3:], there[3:])
    assert np.isclose(here[3], (3 * 0.25**2 + 0.75**2) / 4**2)  # mu_02 / m00^2


def test_profiles_count_paper_from_each_side() -> None:
    image = corner()[:1]
    found = digit_views.profiles(image)[0]
    assert found[:16].tolist() == [0, 1, 1, 2, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0]
    left, right, top, bottom = found[16:].reshape(4, 8)
    assert left.tolist() == [8, 1, 1, 1, 8, 8, 8, 8]
    assert right.tolist() == [8, 6, 6, 5, 8, 8, 8, 8]
    assert top.tolist() == [8, 1, 3, 8, 8, 8, 8, 8]
    assert bottom.tolist() == [8, 4, 4, 8, 8, 8, 8, 8]


def test_gradients_of_a_slope_lie_in_one_direction() -> None:
    slope = np.tile(np.arange(8.0), (1, 8, 1))  # ink grows to the right: direction 0; turned by a quarter, downwards: 2
    for image, direction in ((slope, 0), (slope.transpose(0, 2, 1), 2), (slope[:, :, ::-1], 4)):
        cells = digit_views.gradients(np.ascontiguousarray(image)).reshape(16, 8)
        assert np.allclose(cells[:, direction], 4)
        assert np.allclose(np.delete(cells, direction, 1), 0)


def test_a_feature_that_never_changes_is_only_noise() -> None:
    features = np.array([[1.0, 5.0], [3.0, 5.0], [9.0, 6.0]])
    assert digit_views._standard(features, np.array([0, 1])).tolist() == [[-1, 0], [1, 0], [7, 0]]
