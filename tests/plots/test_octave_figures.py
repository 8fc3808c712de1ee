"""Bits and sampled power octave by octave: true to their numbers, and legible."""

from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from spectra.plots.component_bits import plot_component_bits
from spectra.plots.prediction import plot_prediction, sampled_octaves
from spectra.plots.style import new_figure
from spectra.schedule import component_bits, wiener_error
from tests.plots.legible import LAYOUTS, assert_legible
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

EVALUATIONS = "5 evaluations"


@pytest.fixture(scope="module")
def schedule() -> spectra.Schedule:
    return spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 12, 20)), basis="dct")


@pytest.fixture(scope="module")
def prediction(schedule) -> spectra.Prediction:
    return spectra.predict_error(schedule, schedule.grid(3, "heun"), "heun")


def drawn(schedule: spectra.Schedule, variance: np.ndarray, n: int) -> np.ndarray:
    z = np.random.default_rng(0).standard_normal((n, *schedule.shape)) * np.sqrt(variance)
    return schedule.make_basis().inverse(z) + schedule.mean


@pytest.fixture(scope="module")
def errors(schedule) -> dict[str, spectra.DenoisingError]:
    law = wiener_error(schedule, np.geomspace(1e-3, 1e2, 30))
    return {"trained 400 steps": replace(law, error=0.9 * law.error), "the filter": law}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_are_legible_with_and_without_frequencies(
    schedule, prediction, errors, layout
) -> None:
    samples = {EVALUATIONS: drawn(schedule, schedule.variance, 20)}
    many = {EVALUATIONS: prediction, "9 evaluations": prediction}
    words = " ".join(
        text
        for figure in (
            plot_prediction(schedule, many, samples=samples, layout=layout),
            plot_component_bits(errors, quantum=2 / 255, layout=layout),
        )
        for text, _ in assert_legible(figure)
    )
    for word in ("power over the data's (dB)", "bits a component", "cycles/pixel", "bits/dim"):
        assert word in words
    spectrum = pca_spectrum()
    by_rank = spectra.derive_schedule(spectrum, basis="pca")
    law = wiener_error(by_rank, np.geomspace(1e-3, 1e2, 10))
    assert_legible(plot_component_bits({"law": law}, layout=layout))


def test_samples_of_the_data_s_power_lie_at_zero(schedule) -> None:
    middle, low, high = sampled_octaves(schedule, drawn(schedule, schedule.variance, 400))
    assert np.abs(middle[2:]).max() < 0.1
    assert ((low < 0) & (high > 0)).mean() > 0.7
    quarter, _, _ = sampled_octaves(schedule, drawn(schedule, schedule.variance / 4, 400))
    np.testing.assert_allclose(quarter, middle - np.log(4), atol=1e-9)


def test_predicted_and_measured_power_meet(schedule, prediction) -> None:
    x = drawn(schedule, schedule.variance * prediction.ratio, 400)
    (axes,) = plot_prediction(schedule, {EVALUATIONS: prediction}, samples={EVALUATIONS: x}).axes
    by_name = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
    predicted, measured = by_name[f"{EVALUATIONS}, predicted"], by_name[f"{EVALUATIONS}, measured"]
    assert predicted.min() < -3  # few steps cost the high octaves
    np.testing.assert_allclose(measured[2:], predicted[2:], atol=0.6)


def test_a_prediction_from_a_list_of_levels_is_the_same(schedule) -> None:
    variance, sigmas = schedule.variance, np.geomspace(20, 0.05, 6)
    flat = spectra.predict_sigmas(variance.ravel(), sigmas, "euler")
    shaped = replace(
        flat,
        ratio=flat.ratio.reshape(variance.shape),
        variance=variance,
        count=np.ones(variance.shape),
    )
    one, other = (
        np.asarray(plot_prediction(schedule, {"x": made}).axes[0].lines[1].get_ydata())
        for made in (flat, shaped)
    )
    np.testing.assert_array_equal(one, other)


def test_bits_of_an_octave_are_the_mean_of_its_components(schedule, errors) -> None:
    figure = new_figure("wide", 4.0)
    axes = figure.subplots(1, 2)[0]
    assert plot_component_bits(errors, axes=axes) is figure
    bits = component_bits(errors["trained 400 steps"])
    top = bits[schedule.frequency > 0.25].mean()
    assert np.asarray(axes.lines[1].get_ydata())[-1] == pytest.approx(top)
    assert f"{bits.mean():.2f} bits/dim" in str(axes.lines[1].get_label())


def test_bits_are_those_of_the_values_grid_where_the_error_knows_it(tmp_path) -> None:
    layout = "narrow"
    spectrum = known_spectrum(power_law(2.0), (1, 12, 20), quantum=2 / 255)
    law = wiener_error(spectrum, np.geomspace(1e-3, 1e2, 30))
    law.save(tmp_path / "denoising.safetensors")
    read = spectra.load_denoising_error(tmp_path / "denoising.safetensors")
    assert read.quantum == 2 / 255
    told = component_bits(law, quantum=2 / 255).mean()
    figure = plot_component_bits({"run": read}, layout=layout)
    words = [text for text, _ in assert_legible(figure)]
    assert f"run: {told:.2f} bits/dim" in words
    assert told == pytest.approx(component_bits(law).mean() + np.log2(127.5), abs=0.05)
    unknown = plot_component_bits({"run": replace(read, quantum=0.0)}, layout=layout)
    words = [text for text, _ in assert_legible(unknown)]
    own = component_bits(law).mean()
    assert f"run: {own:.2f} bits/dim (own unit)" in words


def test_bad_input_is_named_in_one_line(schedule, prediction, errors) -> None:
    x = drawn(schedule, schedule.variance, 3)
    one = {EVALUATIONS: prediction}
    wrong = replace(prediction, ratio=prediction.ratio[:, :3])
    other = wiener_error(known_spectrum(power_law(2.0), (1, 8, 8)), np.array([0.1, 1.0]))
    for call, word in (
        (lambda: plot_prediction(schedule, {}), "from 1 to 4"),
        (lambda: plot_prediction(schedule, one, samples={"x": x}), "not among"),
        (lambda: plot_prediction(schedule, one, samples={EVALUATIONS: x[:1]}), "two or more"),
        (lambda: plot_prediction(schedule, one, samples={EVALUATIONS: x[0]}), "two or more"),
        (lambda: plot_prediction(schedule, one, samples={EVALUATIONS: x * np.nan}), "NaN"),
        (lambda: plot_prediction(schedule, {"x": wrong}), "predicted for"),
        (lambda: plot_component_bits({}), "from 1 to 4"),
        (lambda: plot_component_bits({**errors, "other": other}), "other: in dct of"),
    ):
        with pytest.raises(InputError, match=word) as caught:
            call()
        assert "\n" not in str(caught.value)
