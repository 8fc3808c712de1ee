"""Names as users type them stand on every figure as they are typed."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import spectra
from spectra import plots
from spectra.plots.component_bits import plot_component_bits
from spectra.plots.images import plot_examples
from spectra.plots.labels import as_label, power_of_ten, solver_title
from spectra.plots.noised import animate_noised, plot_noised
from spectra.plots.pair import plot_two_spectra
from spectra.plots.paths import plot_snr_paths
from spectra.plots.prediction import plot_prediction
from spectra.plots.strengths import StrengthCurve, plot_strengths
from spectra.plots.toy import animate_sample_paths, plot_sample_paths
from spectra.schedule.auditing.audit import audit
from spectra.schedule.steps.denoising import wiener_error
from spectra.schedule.weights.recipes import recipe_weights
from tests.plots.compared_cases import compared
from tests.plots.conftest import power_law_images
from tests.schedule.known import known_spectrum, power_law

NAMES = ("_run", r"$\x$ a$b", "$_$")
SHAPE = (1, 8, 8)
SPECTRUM = known_spectrum(power_law(2.0), SHAPE)
SCHEDULE = spectra.derive_schedule(SPECTRUM, basis="dct")
MEASURED = spectra.analyze(power_law_images(8, SHAPE), bases=("dct",))
IMAGES = power_law_images(4, SHAPE)
ERROR = wiener_error(SCHEDULE, np.geomspace(1e-2, 10, 8))
LOG = [{"step": step, "loss": 1 / step} for step in range(1, 40)]
STRENGTHS = {"bits/dim": {"dct": [StrengthCurve(n, np.arange(2.0), np.arange(2.0)) for n in NAMES]}}
T = np.linspace(1, 0, 5)
PATHS = dict.fromkeys(NAMES, np.random.default_rng(0).normal(size=(5, 4, 2)))
WEIGHTS = next(iter(recipe_weights(SCHEDULE).values()))


def each(value: object) -> dict:
    return dict.fromkeys(NAMES, value)


def frame(animation) -> Figure:
    animation._draw_frame(0)
    return animation._fig


DRAW: dict[str, Callable[[], Figure]] = {
    "training": lambda: plots.plot_training(each(LOG)),
    "spectra": lambda: plots.plot_spectra(each(IMAGES)),
    "sample spectrum": lambda: plots.plot_sample_spectrum(each(IMAGES), IMAGES),
    "beside": lambda: plots.plot_samples_beside_data(each(IMAGES), IMAGES),
    "series beside": lambda: plots.plot_samples_beside_data(
        each(IMAGES[:, :, 0]), IMAGES[:, :, 0], MEASURED
    ),
    "weighting": lambda: plots.plot_weighting(each(WEIGHTS)),
    "prediction": lambda: plot_prediction(
        SCHEDULE, each(spectra.predict_error(SCHEDULE, SCHEDULE.grid(3, "heun"), "heun"))
    ),
    "bits": lambda: plot_component_bits(each(ERROR)),
    "paths": lambda: plot_snr_paths(each(SCHEDULE)),
    "strengths": lambda: plot_strengths(STRENGTHS),
    "toy": lambda: plot_sample_paths(PATHS, np.zeros((3, 2))),
    "moving toy": lambda: frame(animate_sample_paths(PATHS, np.zeros((3, 2)), T, frames=2)),
    "noised": lambda: plot_noised(IMAGES[0], each(SCHEDULE)),
    "moving noised": lambda: frame(animate_noised(IMAGES[0], each(SCHEDULE), frames=2)),
    "drowning": lambda: plots.plot_drowning(each(spectra.frequency_cutoff(SPECTRUM))),
    "clips": lambda: plots.plot_clips(np.random.default_rng(0).normal(size=(3, 256)), 800, NAMES),
    "comparison": lambda: plots.plot_bits_along_training(compared(NAMES)),
    "contrasts": lambda: plots.plot_contrasts(compared(NAMES)),
    "evaluations": lambda: plots.plot_against_evaluations(compared(NAMES)),
}
ONE: dict[str, Callable[[str], Figure]] = {
    "audit": lambda name: plots.plot_audit(
        replace(audit("stable-diffusion", SPECTRUM, steps=3), name=name)
    ),
    "schedule": lambda name: plots.plot_schedule(
        replace(SCHEDULE, name=name), spectra.standard_schedule(SPECTRUM)
    ),
    "moving schedule": lambda name: frame(
        plots.animate_schedule(SCHEDULE, replace(spectra.standard_schedule(SPECTRUM), name=name))
    ),
    "examples": partial(plot_examples, IMAGES),
    "two spectra": lambda name: plot_two_spectra(MEASURED, MEASURED, names=[name, "other"]),
}


def drawn_words(figure: Figure) -> str:
    """Everything written on a figure as a reader sees it."""
    figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_visible()]
    words = " ".join(text.get_text() for text in shown)
    formulas = re.findall(r"(?<!\\)\$[^$]*(?<!\\)\$", words)
    assert all(re.fullmatch(r"\$10\^\{.*\}\$|\$\\math.*\$", found) for found in formulas), formulas
    return " ".join(words.replace(r"\$", "$").split())


@pytest.mark.parametrize("name", DRAW)
def test_names_in_a_legend_or_a_title_are_shown(name):
    words = drawn_words(DRAW[name]())
    assert [typed for typed in NAMES if typed not in words] == []


@pytest.mark.parametrize("typed", NAMES)
@pytest.mark.parametrize("name", ONE)
def test_the_one_name_of_a_figure_is_shown(name, typed):
    assert typed in drawn_words(ONE[name](typed))


def test_a_solver_has_one_title_on_all_figures():
    of_steps = plots.plot_steps(spectra.compare_grids(SCHEDULE))
    of_arms = plots.plot_against_evaluations(compared(("derived", "edm")))
    by_steps, by_arms = (
        {axes.get_title(loc="left") for axes in figure.axes} for figure in (of_steps, of_arms)
    )
    assert {solver_title("euler"), solver_title("heun")} <= by_steps & by_arms


def test_powers_of_ten():
    assert [power_of_ten(10.0**k) for k in (-3, 0, 2)] == ["$10^{-3}$", "1", "$10^{2}$"]


def test_a_label_is_folded_where_it_is_to_be():
    assert as_label("a well-known name", 11) == "a\nwell-known\nname"
    assert as_label("a well-known name") == "a well-known name"
