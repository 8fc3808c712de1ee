"""The rescaled-entropic grid of a measured error: the Wiener filter's is the surrogate's."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import spectra
from spectra import DenoisingError, InputError, Schedule, wiener_error
from spectra.schedule.densities.levels import level_shift
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 8, 12), quantum=2 / 255)
LEVELS = np.geomspace(1e-3, 300, 41)


def sigmas(schedule: Schedule, times: np.ndarray) -> np.ndarray:
    """sigma, in data units, of the one level at these times."""
    return np.exp((schedule.pace_at(times) - level_shift(schedule)) / 2)


def better(error: DenoisingError, at: float, by: float) -> DenoisingError:
    """A denoiser that errs less around one noise level."""
    share = 1 - by * np.exp(-(np.log(error.sigma / at) ** 2))
    return replace(error, name="trained", error=error.error * share.reshape(-1, 1, 1, 1))


@pytest.mark.parametrize("name", ["rectified-flow", "edm", "vp-linear", "derived"])
@pytest.mark.parametrize("steps", [1, 2, 9, 40])
def test_of_the_wiener_filter_it_is_the_surrogates(name: str, steps: int) -> None:
    schedule = (
        spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
        if name == "derived"
        else spectra.preset(name, SPECTRUM, sigma_data=0.5)
    )
    plain = schedule.grid(steps, rule="rescaled-entropic")
    ours = schedule.grid(steps, rule="rescaled-entropic", error=wiener_error(schedule, LEVELS))
    assert ours.shape == plain.shape == (steps + 1,)
    assert (ours[0], ours[-1]) == (1, 0)
    np.testing.assert_allclose(sigmas(schedule, ours[:-1]), sigmas(schedule, plain[:-1]), rtol=1e-3)


@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_of_the_wiener_filter_along_a_component_wise_schedule(strength: float) -> None:
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=strength)
    plain = schedule.grid(9, rule="rescaled-entropic")
    ours = schedule.grid(9, rule="rescaled-entropic", error=wiener_error(schedule, LEVELS))
    level = [np.exp(schedule.pace_at(times[:-1]) / 2) for times in (ours, plain)]
    np.testing.assert_allclose(*level, rtol=1e-3)


def test_it_is_even_in_the_measured_error() -> None:
    """int sum_i E_i / sigma^2 dsigma between neighbours is the same, by another quadrature."""
    schedule = spectra.preset("edm", SPECTRUM)
    error = better(wiener_error(schedule, LEVELS), at=0.3, by=0.7)
    levels = sigmas(schedule, schedule.grid(8, rule="rescaled-entropic", error=error)[:-1])
    shares = []
    for high, low in pairwise(levels):
        fine = np.geomspace(low, high, 2001)
        gain = error.gain_at(np.log(fine))[0].reshape(len(fine), -1).sum(axis=1)  # E / sigma^2
        shares.append(np.trapezoid(gain, fine))
    np.testing.assert_allclose(shares, np.mean(shares), rtol=2e-3)
    plain = sigmas(schedule, schedule.grid(8, rule="rescaled-entropic")[:-1])
    # Where less is lost the steps are longer, and fewer fall there.
    near = [((grid > 0.1) & (grid < 0.9)).sum() for grid in (levels, plain)]
    assert near[0] < near[1]


def test_a_constant_factor_of_the_error_changes_nothing() -> None:
    """Only the shape of the error over noise levels counts."""
    schedule = spectra.preset("rectified-flow", SPECTRUM)
    levels = np.geomspace(1e-4, 1e4, 161)
    error = wiener_error(schedule, levels)
    half = replace(error, error=error.error / 2)
    ours, theirs = (schedule.grid(6, rule="rescaled-entropic", error=e) for e in (error, half))
    np.testing.assert_allclose(
        sigmas(schedule, ours[:-1]), sigmas(schedule, theirs[:-1]), rtol=0.05
    )


@pytest.mark.parametrize("name", ["blurring", "columns", "equal-snr", "heat-dissipation"])
def test_where_no_single_level_holds(name: str) -> None:
    schedule = spectra.preset(name, SPECTRUM, basis="dct")
    error = better(wiener_error(schedule, LEVELS), at=0.3, by=0.7)
    grid = schedule.grid(9, rule="rescaled-entropic", error=error)
    assert (np.diff(grid) < 0).all()
    assert (grid[0], grid[-1]) == (1, 0)


def test_a_rough_error_still_gives_a_grid() -> None:
    """One level only, an error of 0 somewhere, above sigma^2 elsewhere, and PCA's components."""
    schedule = spectra.preset("edm", pca_spectrum(), basis="pca")
    error = wiener_error(schedule, LEVELS)
    noise = np.random.default_rng(0).lognormal(sigma=2.0, size=error.error.shape)
    noise[:, :, :2] = 0
    for rough in (
        replace(error, error=error.error * noise),
        replace(error, sigma=LEVELS[:1], error=error.error[:1], standard_error=error.error[:1]),
    ):
        grid = schedule.grid(9, rule="rescaled-entropic", error=rough)
        assert (np.diff(grid) < 0).all()


def test_an_error_of_other_components_is_refused() -> None:
    schedule = spectra.preset("edm", SPECTRUM)
    for other in (
        wiener_error(SPECTRUM, LEVELS, basis="fourier"),
        wiener_error(known_spectrum(power_law(2.0), (1, 8, 8)), LEVELS),
    ):
        with pytest.raises(InputError, match="error: was measured in") as refusal:
            schedule.grid(4, rule="rescaled-entropic", error=other)
        assert "\n" not in str(refusal.value)


@pytest.mark.slow
def test_large_examples_take_little_time() -> None:
    spectrum = known_spectrum(power_law(2.0), (3, 64, 64))
    schedule = spectra.preset("edm", spectrum)
    error = wiener_error(schedule, np.geomspace(1e-3, 300, 21))
    assert (np.diff(schedule.grid(9, rule="rescaled-entropic", error=error)) < 0).all()
