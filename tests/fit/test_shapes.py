"""Floors and knees: recovered with true errors, and chosen where they are."""

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.fit.rings import read_rings
from spectra.fit.shapes import Shape
from spectra.spectrum.rings import ring_plan
from tests.fit.coverage import FLOOR_BIAS_REMOVED, bias_under_a_floor
from tests.fit.curves import exact_spectrum, ring_draws
from tests.spectrum.fields import spectrum_of_rings

pytestmark = pytest.mark.slow

SIZE = (128, 128)
EVERY = (0.0, 0.5)


@pytest.mark.parametrize("shape", [Shape(k, f) for k in (False, True) for f in (False, True)])
def test_the_derivatives_of_a_law_are_its_derivatives(shape: Shape) -> None:
    rings, _ = read_rings(exact_spectrum(2.0), "arithmetic", EVERY, 3)
    theta = np.array([0.3, 2.2, *([np.log(0.06)] * shape.knee), *([np.log(20.0)] * shape.floor)])
    _, columns = shape.log_law(theta, rings)
    for i, step in enumerate(np.eye(len(theta)) * 1e-6):
        rise = (
            shape.log_law(theta + step, rings)[0] - shape.log_law(theta - step, rings)[0]
        ) / 2e-6
        np.testing.assert_allclose(columns[:, i], rise, atol=1e-7)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_the_floor_fit_removes_what_an_unmodelled_floor_does(alpha: float) -> None:
    without, with_floor = bias_under_a_floor(alpha, 60)
    assert abs(without.bias) > 0.3
    assert abs(with_floor.bias) < (1 - FLOOR_BIAS_REMOVED) * abs(without.bias)
    assert with_floor.coverage >= 0.85  # of 60 draws


@pytest.mark.parametrize("method", ["weighted", "whittle"])
def test_floor_and_exponent_have_true_errors(method: spectra.fit.FitMethod) -> None:
    rng = np.random.default_rng(0)
    law = exact_spectrum(2.0, 128).law_power(2.0) + 64.0
    found = [
        spectra.fit_power_law(
            spectrum_of_rings(power[None], SIZE, "none"),
            method=method,
            floor="fit",
            f_range=EVERY,
        )
        for power in ring_draws(rng, law, 100, 128)
    ]
    for name, truth in (("alpha", 2.0), ("floor", 64.0)):
        values = np.array([getattr(fit, name) for fit in found])
        errors = np.array([getattr(fit, f"{name}_se") for fit in found])
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(values)))
        assert errors.mean() == pytest.approx(values.std(), rel=0.25)
    assert found[0].predict(np.array([0.3]))[0] == pytest.approx(0.3**-2 + 64, rel=0.15)


def test_the_knee_is_where_it_is() -> None:
    """f0 itself, not f0^alpha, with an error that is its scatter."""
    rng = np.random.default_rng(1)
    law = 1 / (0.08**2.5 + ring_plan(SIZE).frequency ** 2.5)
    found = [
        spectra.fit_power_law(
            spectrum_of_rings(power[None], SIZE, "none"), knee="fit", f_range=EVERY
        )
        for power in ring_draws(rng, law, 100, 128)
    ]
    for name, truth in (("knee", 0.08), ("alpha", 2.5)):
        values = np.array([getattr(fit, name) for fit in found])
        errors = np.array([getattr(fit, f"{name}_se") for fit in found])
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(values)))
        assert errors.mean() == pytest.approx(values.std(), rel=0.3)
    fit = found[0]
    assert fit.predict(np.array([fit.knee]))[0] == pytest.approx(
        fit.amplitude * fit.knee**-fit.alpha / 2
    )


def test_a_criterion_finds_what_is_there_and_little_else() -> None:
    rng = np.random.default_rng(2)
    frequency = ring_plan(SIZE).frequency
    pure = exact_spectrum(2.0, 128).law_power(2.0)
    laws = {
        "neither": pure,
        "floor": pure + 64,
        "knee": 1 / (0.08**2.5 + frequency**2.5),
    }
    for truth, law in laws.items():
        chosen = []
        for power in ring_draws(rng, law, 20, 128):
            spectrum = spectrum_of_rings(power[None], SIZE, "none")
            fit = spectra.fit_power_law(spectrum, floor="auto", knee="auto", f_range=EVERY)
            names = [name for name in ("knee", "floor") if getattr(fit, name) > 0]
            chosen.append(" and ".join(names) or "neither")
            assert min(fit.criterion, key=lambda item: item[1])[0] == chosen[-1]
            assert len(fit.criterion) == 4
        assert np.mean([name == truth for name in chosen]) >= 0.85


def test_a_knee_that_does_not_show_has_an_infinite_error() -> None:
    """Fitted all the same where asked for: the exponent keeps its own."""
    rng = np.random.default_rng(3)
    power = ring_draws(rng, exact_spectrum(3.0, 128).law_power(3.0), 20, 128)
    plain, fits = [], []
    for row in power:
        spectrum = spectrum_of_rings(row[None], SIZE, "none")
        plain.append(spectra.fit_power_law(spectrum))
        fits.append(spectra.fit_power_law(spectrum, knee="fit"))
    hidden = [i for i, fit in enumerate(fits) if np.isinf(fit.knee_se)]
    assert len(hidden) > 3
    for i in hidden:
        assert fits[i].alpha == pytest.approx(plain[i].alpha, abs=0.01)
        assert fits[i].alpha_se == pytest.approx(plain[i].alpha_se, rel=0.1)
        assert plain[i].criterion == ()


def test_several_files_give_the_errors_of_a_floor_too() -> None:
    """Levels that differ between files are in the errors; mode counts would not have them."""
    rng = np.random.default_rng(4)
    law = exact_spectrum(2.0, 128).law_power(2.0) + 64
    power = ring_draws(rng, law, 12, 128) * np.exp(0.5 * rng.standard_normal((12, 1)))
    many = spectra.fit_power_law(spectrum_of_rings(power, SIZE, "none"), floor="fit", f_range=EVERY)
    one = spectra.fit_power_law(
        spectrum_of_rings(power.mean(axis=0)[None], SIZE, "none"), floor="fit", f_range=EVERY
    )
    assert 5 < many.degrees < 11  # files of unequal power say less than 12 of equal power
    assert many.log_amplitude_se > 0.1
    assert many.floor_se / many.floor > 2 * one.floor_se / one.floor / np.sqrt(12)


def test_too_few_rings_for_a_floor_and_a_knee_are_refused() -> None:
    small = exact_spectrum(2.0, 9)
    assert len(small.frequency) == 4
    with pytest.raises(InputError, match=r"4 rings .* 5 are needed"):
        spectra.fit_power_law(small, floor="fit", knee="fit", f_range=EVERY)
