"""The figure of implied weights: legible, in the right units, and true to its numbers."""

from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra import InputError, plots
from spectra.frequencies import FrequencyScale
from spectra.plots import pages, scheduled
from spectra.schedule import preset, standard_beside
from spectra.schedule.densities.noise_density import log_normal_density
from spectra.schedule.weights.recipes import recipe_weights
from spectra.schedule.weights.weighting import implied_weights
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (3, 24, 32), quantum=2 / 255)


@pytest.fixture(scope="module")
def weights():
    return recipe_weights(spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_figure_is_legible_and_nothing_overlaps(weights, layout):
    figure = plots.plot_weighting(weights, layout=layout)
    boxes = assert_legible(figure)
    assert 9.0 / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5
    labels = " ".join(text for text, _ in boxes)
    for name in (*weights, "likelihood", "frequency (cycles/pixel)", "share of the loss"):
        assert name in labels


def test_the_bound_lies_on_its_level_line():
    bound = implied_weights(SPECTRUM, log_normal_density(-1, 4), "bound")
    left = plots.plot_weighting({"bound": bound}).axes[0]
    (curve,) = [line for line in left.get_lines() if line.get_label() == "bound"]
    np.testing.assert_allclose(np.asarray(curve.get_ydata(), float), 1, atol=1e-3)


@pytest.mark.parametrize("strength", [1.0, 2.0])
def test_every_curve_stays_on_the_panel_to_its_last_frequency(strength):
    spectrum = known_spectrum(power_law(2.5), (1, 128, 128), quantum=2 / 255)
    schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=strength)
    left = plots.plot_weighting(recipe_weights(schedule)).axes[0]
    low, high = left.get_ylim()
    drawn = left.get_lines()[1:]
    assert drawn[0].get_label() == schedule.name
    for line in drawn:
        heights = np.asarray(line.get_ydata(), float)
        assert low < heights.min() <= heights.max() < high, line.get_label()


def test_every_octave_has_its_share(weights):
    right = plots.plot_weighting(weights).axes[1]
    for line, one in zip(right.get_lines(), weights.values(), strict=True):
        rest = one.share[one.frequency > 0].sum()
        assert np.sum(line.get_ydata()) == pytest.approx(rest)


def test_frequencies_are_shown_in_the_unit_asked_for(weights):
    hertz = plots.plot_weighting(weights, scale=FrequencyScale(16000.0, "Hz"))
    plain = plots.plot_weighting(weights)
    assert hertz.axes[0].get_xlabel() == "frequency (Hz)"
    low, high = hertz.axes[0].get_xlim()
    assert (low, high) == pytest.approx(16000 * np.array(plain.axes[0].get_xlim()))


def test_few_components_and_wrong_ones(weights):
    tiny = known_spectrum(power_law(2.0), (1, 8, 8))
    one = implied_weights(tiny, log_normal_density(-1, 1), "edm")
    single = replace(
        one, weight=one.weight.ravel()[1:2], share=np.ones(1), frequency=np.array([0.25])
    )
    for case in (one, single):
        figure = plots.plot_weighting({"EDM": case}, layout="narrow")
        assert np.isfinite(figure.axes[0].get_ylim()).all()
    bare = implied_weights(np.ones(4), log_normal_density(-1, 1), "edm")
    for wrong, message in (
        ({}, "from 1 to 5"),
        (dict.fromkeys("abcdef", one), "from 1 to 5"),
        ({"EDM": bare}, "no frequency"),
    ):
        with pytest.raises(InputError, match=message):
            plots.plot_weighting(wrong)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", then_slow(["blurring"], ["edm", "heat-dissipation", "columns"]))
def test_a_schedules_page_says_what_training_cares_about(monkeypatch, name):
    monkeypatch.setattr(scheduled, "compare_grids", lambda schedule: None)  # slow
    schedule = preset(name, known_spectrum(power_law(2.0), (1, 8, 8)))
    standard = standard_beside(schedule)
    sections = {one.anchor: one for one in pages.schedule_sections(schedule, standard)}
    assert ("weighting" in sections) == (name != "columns")  # pixels have no frequency
    if drawn := sections.get("weighting"):
        assert callable(drawn.figure)
        for line in drawn.figure(layout="narrow").axes[0].get_lines():
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()
