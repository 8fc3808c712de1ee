"""Figures of data unlike photographs: of another scale, unit, contrast, number of channels."""

import numpy as np
import pytest

import spectra
from spectra import plots
from spectra.frequencies import cutoff_cells
from spectra.plots import pages
from spectra.plots.measured import hinge_times
from spectra.schedule import process
from spectra.spectrum.colour import decorrelated_power
from tests.plots.compared_cases import compared
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, assert_legible


def measured(scale: float, *spacing: float) -> spectra.Spectrum:
    """Spectrum of pictures with a power law, times `scale`."""
    source = spectra.open_source(
        scale * power_law_images(12, (1, 32, 32)), spacing=spacing * 2 or None
    )
    return spectra.analyze(source, bases=("dct", "pixel"))


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
def test_noise_meets_the_data_in_the_hinge_whatever_their_scale(scale):
    spectrum = measured(scale)
    times = hinge_times(spectrum, "rectified-flow")
    figure = plots.plot_hinge(spectrum, process("rectified-flow"), times)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert len({title.split(":")[0] for title in titles}) == len(times)
    assert sum("elbow" in title for title in titles) >= 2
    for axes, title in zip(figure.axes, titles, strict=True):
        bottom, top = axes.get_ylim()
        noise, signal, noisy = (np.asarray(line.get_ydata()) for line in axes.get_lines()[:3])
        assert bottom < noisy.min()
        assert signal.max() < noisy.max() < top
        assert bottom < noise[0] < top or "all above" in title
    assert_legible(figure)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_drowns_fills_the_time_axis_whatever_the_scale_of_the_data(scale, layout):
    figure = plots.plot_cutoff([spectra.frequency_cutoff(measured(scale))], layout=layout)
    (axes,) = figure.axes
    start, end = axes.get_xlim()
    (line,) = (one for one in axes.get_lines() if "SNR > 1" in str(one.get_label()))
    t, f_max = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    moving = t[:-1][np.abs(np.diff(np.log(f_max))) > 1e-9]
    assert np.ptp(moving) > 0.15 * (end - start)
    assert_legible(figure)


def test_what_is_grey_as_pictures_is_drawn_in_its_own_range():
    masks = (power_law_images(12, (1, 32, 32)) > 0).astype(np.uint8)
    tiny = 1e-3 * power_law_images(12, (1, 32, 32))
    for values, ends in ((masks, (-1, -1 + 2 / 255)), (tiny, (tiny.min(), tiny.max()))):
        source = spectra.open_source(values)
        spectrum = spectra.analyze(source, bases=("dct",))
        data, *others = pages.analysis_sections(
            spectrum, spectra.fit_power_law(spectrum), (), source.some(12), "rectified-flow", 1.0
        )
        (picture, *_) = data.figure(layout="wide").axes[0].get_images()
        low, high = picture.get_clim()
        assert ends[0] <= low + 1e-6 < low + 0.5 * np.ptp(ends) < high <= ends[1] + 1e-6
        assert "lowpass" not in [section.anchor for section in others]


@pytest.mark.parametrize("spacing", [1e-9, 1e9])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_axes_of_tiny_and_huge_units_have_short_ticks_and_name_the_power_of_ten(spacing, layout):
    spectrum = measured(1.0, spacing)
    fit, cutoff = spectra.fit_power_law(spectrum), spectra.frequency_cutoff(spectrum)
    fields = power_law_images(8, (1, 32, 32))
    power = {1e-9: "10⁶ cycles/unit", 1e9: "10⁻¹² cycles/unit"}[spacing]
    length = {1e-9: "10⁻⁹ units", 1e9: "10⁹ units"}[spacing]
    for told, figure in {
        f"({power})": plots.plot_directions(spectrum, layout=layout),
        length: plots.plot_fields(fields, (spacing,) * 2, ("unit",) * 2, layout=layout),
        "(cycles/unit)": plots.plot_rapsd(spectrum, fit, layout=layout),
        "frequency (cycles/unit)": plots.plot_cutoff([cutoff], layout=layout),
    }.items():
        words = [text for text, _ in assert_legible(figure)]
        assert any(told in text for text in words), words
        ticks = [
            tick.get_text()
            for axes in figure.axes
            for axis in (axes.xaxis, axes.yaxis)
            for tick in (*axis.get_ticklabels(), axis.get_offset_text())
        ]
        assert max(map(len, ticks)) <= 5 or "mathdefault" in max(ticks, key=len), ticks
        assert not any(text.startswith("1e") for text in words if len(text) > 5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_low_passed_example_names_f_max_as_the_other_figures_do(layout):
    spectrum = measured(1.0, 0.25)
    cutoff = spectra.frequency_cutoff(spectrum)
    image = power_law_images(1, (1, 32, 32))[0]
    figure = plots.plot_lowpass(image, cutoff, (0.01, 0.3, 0.99), layout=layout)
    words = " ".join(text for text, _ in assert_legible(figure))
    assert "f_max in cycles/unit" in words
    said = [f"f_max = {word}" for word, _ in cutoff_cells(cutoff, np.array([0.01, 0.3, 0.99]))]
    assert said[0] == "f_max = all"
    assert said[2] == "f_max = none"
    assert all(word in words for word in said)


def test_a_channel_that_repeats_another_does_not_stretch_the_axis_over_rounding():
    values = power_law_images(12, (3, 32, 32))
    values[:, 2] = values[:, 1]
    spectrum = spectra.analyze(spectra.open_source(values), bases=("dct",))
    mixed = decorrelated_power(spectrum)
    assert mixed.share[2] == 0
    low, high = plots.plot_channels(spectrum).axes[1].get_ylim()
    assert high < 1e6 * low


def test_components_of_white_noise_have_plain_ticks():
    noise = np.random.default_rng(0).standard_normal((30, 1, 16, 16)).astype(np.float32)
    figure = plots.plot_bases(spectra.analyze(noise, bases=("dct", "pixel")))
    assert not [text for text, _ in assert_legible(figure) if "times" in text]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_distances_that_hardly_differ_have_an_axis_to_be_read(layout):
    found = compared(["derived", "edm"], offsets=[0.0, 0.3], spread=0.02, samplers=[("heun", 19)])
    axes = plots.plot_against_evaluations(found, layout=layout).axes[0]
    low, high = axes.get_ylim()
    assert len([tick for tick in axes.get_yticks() if low <= tick <= high]) >= 3


def test_a_training_of_one_step_has_whole_steps_on_its_axis():
    axes = plots.plot_training({"run": [{"step": 6, "loss": 0.9}]}).axes[0]
    ticks = [float(tick) for tick in axes.get_xticks()]
    assert 6.0 in ticks
    assert ticks == [round(tick) for tick in ticks]


def test_the_snr_of_an_octave_has_no_unit():
    axes = plots.plot_octaves(spectra.derive_schedule(measured(1.0), basis="dct")).axes[0]
    assert axes.get_ylabel() == "SNR of the octave"
    assert any("cycles/pixel" in str(line.get_label()) for line in axes.get_lines())


@pytest.mark.parametrize("scale", [1e-7, 4e-3, 1.0, 4e3, 1e7])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_colour_bar_of_fields_can_be_read_whatever_their_scale(scale, layout):
    assert_legible(plots.plot_fields(scale * power_law_images(8, (1, 16, 16)), layout=layout))
