"""Slices of an image's spectrum: their points, and that their mean is the RAPSD."""

import warnings

import numpy as np
import pytest

import spectra
from spectra import InputError, plots
from spectra.plots.slices import mode_power, slice_power
from spectra.plots.style import house_style
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, assert_legible
from tests.plots.test_animation_tide import figure_at, frames

# dB between the mean of 180 slices and the RAPSD: the one looks at points of one radius, the other
# at all modes of a ring. Over 24 fields of several shapes, slopes and windows the root mean square
# was at most 0.43 dB and the worst ring, of 4 to 16 modes, 1.5 dB.
MEAN_DB, RING_DB = 0.6, 2.0


@pytest.mark.parametrize("window", ["hann", "none", "periodic"])
@pytest.mark.parametrize("slope", [0.0, 2.0, 3.0])
@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 48, 80), (1, 33, 20)])
def test_the_mean_over_all_angles_is_the_rapsd(shape, slope, window):
    image = power_law_images(1, shape, slope)[0].astype(np.float64)
    power, frequency = spectra.rapsd(image, window=window)
    slices = slice_power(mode_power(image, window), frequency, np.arange(0.0, 180.0))
    off = 10 * np.log10(slices.mean(axis=0) / power.mean(axis=0))
    assert np.sqrt(np.mean(off**2)) < MEAN_DB
    assert np.abs(off).max() < RING_DB


def test_a_wave_is_seen_along_its_own_direction_only():
    y, x = np.mgrid[:32, :32]
    image = np.sin(2 * np.pi * (4 * x + 8 * y) / 32)[None]
    plane = mode_power(image, "none")
    frequency = np.array([np.hypot(4, 8) / 32])
    own = np.rad2deg(np.arctan2(8, 4))  # y downwards, as in the picture
    power = slice_power(plane, frequency, np.array([own, own + 90, 180 - own, own + 180]))[:, 0]
    assert power[0] == pytest.approx(32 * 32 / 4)
    assert power[3] == pytest.approx(power[0])
    assert power[1:3] == pytest.approx([0, 0], abs=1e-9)


def test_on_the_axes_of_the_plane_slices_are_its_modes():
    plane = mode_power(power_law_images(1, (2, 12, 16))[0].astype(np.float64), "hann")
    down = slice_power(plane, np.arange(1, 6) / 12, np.array([90.0]))[0]
    across = slice_power(plane, np.arange(1, 8) / 16, np.array([0.0]))[0]
    np.testing.assert_allclose(down, plane[1:6, 0], rtol=1e-9)
    np.testing.assert_allclose(across, plane[0, 1:8], rtol=1e-9)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 24, 60), (1, 7, 5)])
def test_slices_are_legible_and_converge(shape, layout):
    image = power_law_images(1, shape)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_legible(plots.plot_slices(image, layout=layout))
        animation = plots.animate_slices(image, layout=layout)
        assert 24 <= frames(animation) <= 48
        away = []
        for frame in range(frames(animation)):
            figure = figure_at(animation, frame)
            text = figure.axes[1].get_title(loc="left")
            away.append(float(text.partition(": ")[2].split(" ")[0]))
            if frame in (0, 9, 35):
                with house_style():
                    assert_legible(figure)
    assert away[-1] < 1.0
    assert away[0] > 2 * away[-1]
    assert figure.axes[0].get_title(loc="left") == "slice at 175°"


def test_the_line_lies_on_what_the_slice_shows():
    """A wave along x and down y: at 45 degrees its line goes through the two bright spots."""
    y, x = np.mgrid[:32, :32]
    animation = plots.animate_slices(np.sin(2 * np.pi * 6 * (x + y) / 32), angles=[45])
    axes = figure_at(animation, 0).axes[0]
    (line,) = axes.get_lines()
    picture = axes.images[0]
    row, column = np.unravel_index(np.argmax(picture.get_array()), picture.get_array().shape)
    left, right, bottom, top = picture.get_extent()
    spot_x = left + (column + 0.5) / 32 * (right - left)
    spot_y = top + (row + 0.5) / 32 * (bottom - top)
    assert spot_x == pytest.approx(spot_y)  # to the right and down, or to the left and up
    assert abs(spot_x) == pytest.approx(6 / 32)
    x_ends, y_ends = line.get_data()
    np.testing.assert_allclose(x_ends, y_ends)
    assert bottom > top


def test_the_rapsd_drawn_is_that_of_rapsd():
    image = power_law_images(1, (3, 24, 24))[0]
    axes = plots.plot_slices(image, window="none").axes[1]
    (ring,) = [line for line in axes.get_lines() if str(line.get_label()).startswith("RAPSD")]
    power, frequency = spectra.rapsd(image.astype(np.float64), window="none")
    np.testing.assert_allclose(ring.get_ydata(), power.mean(axis=0))
    np.testing.assert_allclose(ring.get_xdata(), frequency)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((8, 8)), "all its values are equal"),
        (np.zeros(8), "shape"),
        (np.zeros((1, 1, 8, 8)), "shape"),
        (np.zeros((16, 16, 3)), "channels come first"),
        (np.full((8, 8), np.nan), "finite"),
        (np.eye(2), "3x3"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(image, said):
    with pytest.raises(InputError, match=said) as told:
        plots.animate_slices(image)
    assert "\n" not in str(told.value)


def test_angles_and_windows_are_checked():
    image = power_law_images(1, (1, 16, 16))[0]
    for angles in ((), (0, 1, 2, 3, 4)):
        with pytest.raises(InputError, match="angles"):
            plots.plot_slices(image, angles)
    with pytest.raises(InputError, match="angles"):
        plots.animate_slices(image, [])
    with pytest.raises(InputError, match="window"):
        plots.animate_slices(image, window="hamming")
