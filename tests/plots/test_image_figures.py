"""Figures of images and of f_max(t): what each must show, on small inputs."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import spectra
from spectra import plots
from spectra.plots.cutoff import example_cutoffs
from spectra.plots.exponents import bars
from spectra.plots.image_spectra import phase_2d, spread_out
from spectra.plots.lowpass import low_passed, middle, noised_and_estimated
from spectra.schedule import process
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible

FLOW = process("rectified-flow")


def lines(axes) -> dict[str, np.ndarray]:
    """Label -> heights of the curves drawn."""
    found = axes.get_lines()
    return {str(line.get_label()): np.asarray(line.get_ydata(), float) for line in found}


def exponents_of(nouns) -> spectra.Exponents:
    return spectra.measure_exponents(spectra.open_source(nouns.images), nouns.spectrum)


def drawings(nouns) -> dict:
    spectrum = nouns.spectrum
    processes = [
        spectra.frequency_cutoff(spectrum, process=name, threshold=snr)
        for name in ("rectified-flow", "vp-cosine", "edm")
        for snr in (1.0, 4.0)
    ]
    several = {f"image {i}": nouns.images[i : i + 1] for i in range(6)}
    return {
        "image spectra": partial(plots.plot_image_spectra, nouns.images),
        "magnitude": partial(plots.plot_image_spectra, nouns.images, window="none", phase=False),
        "spectra": partial(plots.plot_spectra, several | {"all of them": spectrum}),
        "exponents": partial(plots.plot_exponents, exponents_of(nouns), nouns.fit),
        "noisy spectra": partial(
            plots.plot_noisy_spectra, nouns.images[:3], FLOW, [0.05, 0.3, 0.6]
        ),
        "cutoff, spread": partial(plots.plot_cutoff, processes[:2], nouns.singles),
        "cutoff, processes": partial(plots.plot_cutoff, processes),
        "lowpass": partial(
            plots.plot_lowpass, nouns.images[0], processes[0], (0.02, 0.1, 0.25, 0.45, 0.7)
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_figure_is_legible_and_free_of_overlap(nouns, layout):
    for name, draw in drawings(nouns).items():
        figure = draw(layout=layout)
        assert isinstance(figure, Figure), name
        boxes = assert_legible(figure, f"{name} ({layout})")
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
        assert min(sizes) / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5, name
        labels = " ".join(text for text, _ in boxes)
        assert "cycles/pixel" in labels or "exponent" in labels, name


def test_a_figure_of_one_panel_is_drawn_on_the_axes_given(small):
    cutoff = spectra.frequency_cutoff(small.spectrum)
    for draw in (
        partial(plots.plot_spectra, {"all": small.spectrum}),
        partial(plots.plot_cutoff, [cutoff], small.singles),
        partial(plots.plot_exponents, exponents_of(small)),
    ):
        own = Figure()
        left, right = own.subplots(1, 2)
        assert draw(axes=right) is own
        assert own.axes == [left, right]
        assert right.get_legend() is not None
        assert not left.has_data()
        assert right.get_xlabel()
        assert right.get_ylabel()


def test_phase_of_an_even_image_is_zero_or_pi_and_moves_by_two_pi_f_a_pixel():
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, 1, 16, 16))
    even = image + np.roll(image[:, :, ::-1, ::-1], 1, (-2, -1))  # about the middle pixel
    angles = np.abs(phase_2d(even, "hann")[0])
    angles[8, 8] = 0  # the mean is taken off: no phase
    assert np.minimum(angles, np.pi - angles).max() < 1e-6
    shift = phase_2d(np.roll(image, 1, -1), "none") - phase_2d(image, "none")
    frequency = np.fft.fftshift(np.fft.fftfreq(16))
    expected = np.broadcast_to(-2 * np.pi * frequency, (16, 16)).copy()
    expected[8, 8] = shift[0, 8, 8]
    np.testing.assert_allclose(np.exp(1j * shift[0]), np.exp(1j * expected), atol=1e-9)


def test_a_point_in_the_middle_has_no_phase():
    point = np.zeros((1, 3, 9, 16))
    point[:, 1, 4, 8] = 1  # of three channels the second
    angles = phase_2d(point, "none")[0]
    angles[4, 8] = 0  # the mean is taken off
    np.testing.assert_allclose(angles, 0, atol=1e-9)


@pytest.mark.parametrize("size", [8, 9, 130, 256, 260, 301])
def test_every_so_many_phases_keep_zero_frequency(size):
    step = -(-size // 128)
    plane = np.zeros((1, size, size))
    plane[0, size // 2, size // 2] = 1
    shown = spread_out(plane, (step, step))
    assert shown.shape == (1, size // step, size // step)
    assert shown.sum() == 1


def test_the_phase_is_drawn_on_a_cyclic_map_from_minus_pi_to_pi():
    images = np.random.default_rng(0).uniform(-1, 1, (1, 3, 16, 16))
    (shown,) = plots.plot_image_spectra(images).axes[8].images
    assert shown.get_clim() == (-np.pi, np.pi)
    first, last = (np.array(shown.get_cmap()(end)) for end in (0.0, 1.0))
    assert np.abs(first - last).max() < 0.03
    np.testing.assert_allclose(shown.get_array(), phase_2d(images, "hann")[0])


def test_spectra_draw_each_as_it_was_measured(small):
    tall = small.images[:, :, :12]
    found = lines(plots.plot_spectra({"all": small.spectrum, "cut": tall}).axes[0])
    np.testing.assert_allclose(found["all"], np.exp(small.spectrum.log_power))
    power = plots.plot_spectra({"all": small.spectrum}, average="arithmetic").axes[0]
    np.testing.assert_allclose(lines(power)["all"], small.spectrum.power)
    assert len(found["cut"]) < len(found["all"])


def test_spectra_of_one_image_or_a_silent_one_keep_the_axis_to_the_curves(small):
    silent = np.zeros_like(small.images[:2])
    silent[0] = small.images[0]
    axes = plots.plot_spectra({"all": small.spectrum, "half silent": silent}).axes[0]
    assert axes.get_ylim()[0] > 1e-4 * small.spectrum.power.min()


def test_noisy_spectra_are_measured_and_lie_about_the_sum(nouns):
    images = np.repeat(nouns.images, 2, axis=0)
    for average in ("log", "arithmetic"):
        figure = plots.plot_noisy_spectra(images, FLOW, [0.0, 0.4], average=average)
        start, later = figure.axes
        found = lines(start)
        np.testing.assert_allclose(found["images + noise, measured"], found["images"])
        assert np.isnan(found["noise, drawn"]).all()
        assert "0.00 dB" in start.get_title(loc="left")
        found = lines(later)
        ratio = found["images + noise, measured"] / found["sum of powers, expected"]
        assert 0 < np.abs(10 * np.log10(ratio)).max() < 2.5
        assert np.abs(np.log(found["noise, drawn"] / 0.16)).max() < 0.8
    other = lines(plots.plot_noisy_spectra(images, FLOW, [0.4], seed=1).axes[0])
    assert not np.allclose(other["noise, drawn"], found["noise, drawn"])


def test_bars_hold_every_example_and_the_figure_names_mean_and_spread(small):
    found = exponents_of(small)
    edges, counts = bars(found)
    assert counts.sum() == found.n
    assert len(edges) == len(counts) + 1
    assert (np.diff(edges) > 0).all()
    labels = lines(plots.plot_exponents(found, small.fit).axes[0])
    assert any(f"mean {found.mean:.2f}, 95 % interval" in label for label in labels)
    assert any(f"exponent of the mean power: {small.fit.alpha:.2f}" in label for label in labels)
    assert any(
        f"{found.quantile(0.1):.2f} to {found.quantile(0.9):.2f}" in label for label in labels
    )


def test_one_exponent_alone_is_a_histogram(small):
    one = spectra.measure_exponents(spectra.open_source(small.images[:1]), small.spectrum)
    edges, counts = bars(one)
    assert counts.sum() == 1
    assert edges[0] <= one.mean <= edges[-1]
    assert plots.plot_exponents(one).axes


def test_single_examples_have_their_own_f_max(small):
    cutoff = spectra.frequency_cutoff(small.spectrum, threshold=2.0)
    t = np.linspace(0, 1, 21)
    power = np.stack([small.spectrum.power, 100 * small.spectrum.power])
    found = example_cutoffs(cutoff, power, t)
    np.testing.assert_allclose(found[0], cutoff.f_max(t))
    assert (found[1] >= found[0]).all()
    assert (found[1] > found[0]).any()
    assert (example_cutoffs(cutoff, 0 * power, t[1:]) == 0).all()
    none = plots.plot_cutoff([cutoff], power[:0]).axes[0]
    assert not any("single" in label for label in lines(none))


def test_the_spread_drawn_is_the_middle_eighty_per_cent(small):
    cutoff = spectra.frequency_cutoff(small.spectrum)
    shares = np.geomspace(0.1, 10, 11)[:, None]  # a tenth below the second, a tenth above the last
    axes = plots.plot_cutoff([cutoff], shares * small.spectrum.power).axes[0]
    low, high = (np.asarray(line.get_ydata(), float) for line in axes.get_lines()[:2])
    t = np.asarray(axes.get_lines()[0].get_xdata(), float)
    weak = replace(cutoff, threshold=1 / float(shares[1, 0]))
    strong = replace(cutoff, threshold=1 / float(shares[-2, 0]))
    for drawn, expected in ((low, weak.f_max(t)), (high, strong.f_max(t))):
        seen = np.isfinite(drawn) & (expected > 0)
        assert seen.any()
        np.testing.assert_allclose(drawn[seen], expected[seen], rtol=1e-9)


def test_processes_have_a_colour_each_and_thresholds_a_line(small):
    cutoffs = [
        spectra.frequency_cutoff(small.spectrum, process=name, threshold=snr)
        for name in ("rectified-flow", "vp-cosine")
        for snr in (1.0, 4.0)
    ]
    axes = plots.plot_cutoff(cutoffs).axes[0]
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.get_lines()]
    assert len(set(looks)) == 4
    assert looks[0][0] == looks[1][0] != looks[2][0] == looks[3][0]
    assert looks[0][1] == looks[2][1] != looks[1][1] == looks[3][1]
    labels = [str(line.get_label()) for line in axes.get_lines()]
    assert labels[2] == "vp-cosine, SNR > 1"


def test_low_passing_keeps_what_is_below_and_the_mean():
    grid = np.arange(32) + 0.5
    slow, fast = (np.cos(np.pi * k * grid / 32) for k in (3, 20))  # 3/64 and 20/64 cycles/pixel
    image = 0.25 + np.broadcast_to(slow + fast, (1, 32, 32))
    expected = 0.25 + np.broadcast_to(slow, (1, 32, 32))
    np.testing.assert_allclose(low_passed(image, 0.1), expected, atol=1e-9)
    np.testing.assert_allclose(low_passed(image, 0.3), expected, atol=1e-9)
    np.testing.assert_allclose(low_passed(image, 0.045), 0.25, atol=1e-9)
    np.testing.assert_allclose(low_passed(image, 0.0), 0.25, atol=1e-9)
    np.testing.assert_allclose(low_passed(image, 0.5), image, atol=1e-9)


def test_the_estimate_is_that_of_wiener(small):
    cutoff = spectra.frequency_cutoff(small.spectrum, process="vp-cosine")
    grid = np.cos(np.pi * 6 * (np.arange(16) + 0.5) / 16)  # 6 / 32 cycles/pixel
    wave = np.broadcast_to(grid, (1, 16, 16))
    log_f, log_power = np.log(small.spectrum.frequency), np.log(small.spectrum.power)
    power = np.exp(np.interp(np.log(6 / 32), log_f, log_power))
    alpha, sigma = np.cos(0.15 * np.pi), np.sin(0.15 * np.pi)
    noisy, estimate = noised_and_estimated(wave, 0 * wave, cutoff, np.array(0.3))
    gain = alpha**2 * power / (alpha**2 * power + sigma**2)
    np.testing.assert_allclose(estimate, gain * wave, atol=1e-9)
    contrast = wave.std() / np.sqrt(alpha**2 * wave.var() + sigma**2)
    np.testing.assert_allclose(noisy, contrast * alpha * wave, atol=1e-9)


def test_at_time_zero_all_three_pictures_are_the_image(small):
    image = small.images[0]
    figure = plots.plot_lowpass(image, spectra.frequency_cutoff(small.spectrum), [0.0, 1.0])
    pictures = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    for picture in pictures[::2]:
        np.testing.assert_allclose(picture[..., 0], (image[0] + 1) / 2, atol=2e-3)
    assert np.ptp(pictures[1][..., 0]) == pytest.approx(0, abs=1e-6)  # nothing is left at t = 1
    assert np.ptp(pictures[5][..., 0]) == pytest.approx(0, abs=1e-6)


def test_the_middle_of_a_large_image_is_shown_pixel_by_pixel():
    image = np.arange(300 * 40.0).reshape(1, 300, 40)
    np.testing.assert_array_equal(middle(image, 96), image[:, 102:198])


@pytest.mark.parametrize(
    "draw",
    [
        lambda n: plots.plot_image_spectra(n.images, window="hamming"),  # type: ignore[arg-type]
        lambda n: plots.plot_image_spectra(np.zeros((0, 1, 8, 8))),
        lambda n: plots.plot_spectra({}),
        lambda n: plots.plot_noisy_spectra(n.images, FLOW, []),
        lambda n: plots.plot_noisy_spectra(n.images, FLOW, [1.5]),
        lambda n: plots.plot_noisy_spectra(n.images * np.nan, FLOW, [0.5]),
        lambda n: plots.plot_noisy_spectra(n.images * 0, FLOW, [0.5]),
        lambda n: plots.plot_cutoff(
            [
                spectra.frequency_cutoff(n.spectrum),
                spectra.frequency_cutoff(spectra.analyze(n.images, bases=())),
            ]
        ),
        lambda n: plots.plot_cutoff([spectra.frequency_cutoff(n.spectrum)], np.ones((3, 99))),
        lambda n: plots.plot_lowpass(n.images[0], spectra.frequency_cutoff(n.spectrum), []),
        lambda n: plots.plot_lowpass(n.images[0], spectra.frequency_cutoff(n.spectrum), [-0.1]),
        lambda n: plots.plot_lowpass(n.images, spectra.frequency_cutoff(n.spectrum), [0.1]),
        lambda n: plots.plot_lowpass(
            n.images[0] + np.inf, spectra.frequency_cutoff(n.spectrum), [0.1]
        ),
        lambda n: plots.plot_exponents(
            spectra.measure_exponents(spectra.open_source(0 * n.images), n.spectrum)
        ),
    ],
)
def test_bad_input_is_named_in_one_line(small, draw):
    with pytest.raises(spectra.InputError) as caught:
        draw(small)
    assert "\n" not in str(caught.value)


def test_odd_shapes_channels_and_values_are_drawn():
    rng = np.random.default_rng(0)
    for shape in [(2, 1, 9, 17), (2, 3, 20, 12), (2, 2, 8, 8)]:
        images = rng.uniform(-1, 1, shape) * (1e6 if shape[1] == 2 else 1)
        spectrum = spectra.analyze(np.clip(images, -1, 1), bases=())
        cutoff = spectra.frequency_cutoff(spectrum)
        assert plots.plot_image_spectra(images[:1]).axes
        assert plots.plot_spectra({"a": images}).axes
        assert plots.plot_noisy_spectra(images, FLOW, [0.5]).axes
        assert plots.plot_lowpass(images[0], cutoff, [0.5]).axes
