"""Two data sets in one figure: what it says, and that it can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectra
from spectra import plots
from spectra.plots.style import house_style
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, assert_legible


@pytest.fixture(scope="module")
def pair() -> list[spectra.Spectrum]:
    return [
        spectra.analyze(power_law_images(12, shape, slope), bases=("dct", "pixel"))
        for shape, slope in (((1, 24, 24), 2.0), ((3, 33, 20), 1.0))
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_spectra_are_legible_and_named(pair, layout):
    fits = [spectra.fit_power_law(one) for one in pair]
    figure = plots.plot_two_spectra(*pair, fits, ("clouds", "waves"), layout=layout)
    said = " ".join(text for text, _ in assert_legible(figure))
    assert "clouds: exponent" in said
    assert "waves: exponent" in said
    assert "first / second (dB)" in said


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["sound", "log-mel", "fields", "bare", "series"])
def test_any_two_kinds_are_legible(cases, pair, kind, layout):
    other = cases[kind].spectrum
    assert_legible(plots.plot_two_spectra(pair[0], other, layout=layout))
    cutoffs = [spectra.frequency_cutoff(one) for one in (pair[0], other)]
    assert_legible(plots.plot_two_cutoffs(*cutoffs, layout=layout))


def test_the_ratio_is_the_first_over_the_second(pair):
    first = pair[0]
    louder = spectra.analyze(10 * power_law_images(12, (1, 24, 24), 2.0), bases=())
    bottom = plots.plot_two_spectra(louder, first).axes[1]
    curve = next(line for line in bottom.lines if len(line.get_xdata()) > 2)
    np.testing.assert_allclose(curve.get_ydata(), 20, atol=1e-6)
    low, high = bottom.get_ylim()
    assert low < 0 < 20 < high


def test_equal_names_are_told_apart(pair):
    for figure in (
        plots.plot_two_spectra(pair[0], pair[0]),
        plots.plot_two_cutoffs(*[spectra.frequency_cutoff(pair[0])] * 2, ("a", "a")),
    ):
        said = " ".join(text for text, _ in assert_legible(figure))
        assert "(first)" in said
        assert "(second)" in said


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_schedules_have_their_f_max(pair, layout):
    schedules = [spectra.derive_schedule(pair[0], basis="dct", ordering_strength=a) for a in (1, 0)]
    figure = plots.plot_two_cutoffs(*schedules, ("a = 1", "a = 0"), layout=layout)
    said = " ".join(text for text, _ in assert_legible(figure))
    assert "a = 0" in said
    assert "interval" not in said


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_name_may_stand_in_the_legend(pair, layout):
    names = ["_hidden " + "long" * 20, r"a formula $\nonsense$ of money"]
    fits = [spectra.fit_power_law(one) for one in pair]
    cutoffs = [spectra.frequency_cutoff(one) for one in pair]
    for figure in (
        plots.plot_two_spectra(*pair, fits, names, layout=layout),
        plots.plot_two_spectra(*pair, (), names, layout=layout),
        plots.plot_two_cutoffs(*cutoffs, names, layout=layout),
    ):
        said = " ".join(text for text, _ in assert_legible(figure))
        assert "_hidden" in said
        assert "nonsense" in said


def test_a_panel_may_be_given(pair):
    cutoffs = [spectra.frequency_cutoff(one) for one in pair]
    with house_style():
        figure, axes = plt.subplots()
    assert plots.plot_two_cutoffs(*cutoffs, axes=axes) is figure
    plt.close(figure)


def test_what_cannot_be_drawn_is_said(pair):
    pixel = spectra.derive_schedule(pair[0], basis="pixel", ordering="columns")
    with pytest.raises(spectra.InputError, match="no frequency"):
        plots.plot_two_cutoffs(pixel, pixel)
    with pytest.raises(spectra.InputError, match="one for each"):
        plots.plot_two_spectra(*pair, names=["one"])
    with pytest.raises(spectra.InputError, match="one for each"):
        plots.plot_two_spectra(*pair, fits=[spectra.fit_power_law(pair[0])])
    with pytest.raises(spectra.InputError, match="one for each"):
        plots.plot_two_cutoffs(*[spectra.frequency_cutoff(pair[0])] * 2, ("one",))
