"""Bits by component: Gaussian data in closed form, and two modes whose entropy is known."""

import numpy as np
import pytest

import spectra
from spectra.diffusion.likelihood import gaussian_bits_per_dim
from spectra.errors import InputError
from spectra.schedule import component_bits, wiener_error
from spectra.schedule.steps.denoising import DenoisingError
from tests.schedule.known import known_spectrum, power_law

LEVELS = np.geomspace(1e-3, 1e3, 80)


def test_gaussian_data_need_the_entropy_of_their_spectrum() -> None:
    schedule = spectra.derive_schedule(known_spectrum(power_law(2.0), (2, 8, 8)), basis="dct")
    law = wiener_error(schedule, LEVELS)
    for quantum in (0.0, 2 / 255):
        bits = component_bits(law, quantum=quantum)
        assert bits.shape == schedule.shape
        expected = gaussian_bits_per_dim(schedule, schedule.variance, quantum)
        assert bits.mean() == pytest.approx(float(expected), abs=2e-4)
    each = 0.5 * np.log2(2 * np.pi * np.e * schedule.variance)
    np.testing.assert_allclose(component_bits(law), each, atol=2e-3)


def two_modes(at: float, within: float) -> tuple[np.ndarray, float]:
    """mmse at LEVELS and differential entropy (bits) of N(+-at, within), by quadrature."""

    def density(y: np.ndarray, variance: np.ndarray | float) -> np.ndarray:
        parts = [np.exp(-((y - m) ** 2) / (2 * variance)) for m in (-at, at)]
        return sum(parts) / np.sqrt(8 * np.pi * variance)

    y = np.linspace(-at - 10 * within**0.5, at + 10 * within**0.5, 20001)
    p = density(y, within)
    entropy = -np.trapezoid(np.where(p > 0, p * np.log2(np.maximum(p, 1e-300)), 0), y)
    mmse = []
    for sigma in LEVELS:
        noisy = within + sigma**2
        y = np.linspace(-at - 10 * noisy**0.5, at + 10 * noisy**0.5, 20001)
        p = density(y, noisy)
        mean = at * np.tanh(at * y / noisy)
        spread = within * sigma**2 / noisy + (sigma**2 / noisy) ** 2 * (at**2 - mean**2)
        mmse.append(np.trapezoid(p * spread, y))
    return np.array(mmse), float(entropy)


def test_data_beyond_their_spectrum_need_their_own_entropy() -> None:
    parts = [two_modes(1.0, 0.01), two_modes(0.2, 0.05), two_modes(3.0, 1.0)]
    error = np.stack([mmse for mmse, _ in parts], axis=1)[:, None]
    variance = np.array([[1.01, 0.09, 10.0]])
    tilt = np.array([[1.0, 1.0, 1.0]])
    found = component_bits(
        DenoisingError(
            "exact", "pca", (1, 3), LEVELS, error, variance, 0, 0, tilt, 0 * error, np.eye(3)
        )
    )
    np.testing.assert_allclose(found[0], [entropy for _, entropy in parts], atol=5e-3)
    gaussian = 0.5 * np.log2(2 * np.pi * np.e * variance)
    assert found[0, 0] < gaussian[0, 0] - 0.9  # a mode is nearly a bit


def test_tilted_noise_gives_the_same_bits() -> None:
    schedule = spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 4, 4)), basis="dct")
    law = wiener_error(schedule, LEVELS)
    tilt = np.geomspace(0.1, 10, 16).reshape(1, 4, 4)
    level = LEVELS.reshape(-1, 1, 1, 1) * tilt
    error = schedule.variance * level**2 / (schedule.variance + level**2)
    tilted = DenoisingError(
        "law", "dct", (1, 4, 4), LEVELS, error, schedule.variance, 0, 0, tilt, 0 * error
    )
    np.testing.assert_allclose(component_bits(tilted), component_bits(law), atol=4e-3)


def test_levels_under_the_rounding_noise_do_not_count() -> None:
    """A denoiser that snaps to the value grid knows nothing that a code length could use."""
    law = wiener_error(small_schedule(), LEVELS)
    snapped = law.error.copy()
    snapped[LEVELS < 0.004] *= 1e-6
    cheat = DenoisingError(
        "snaps", "dct", law.shape, LEVELS, snapped, law.variance, 0, 0, law.tilt, 0 * snapped
    )
    honest = component_bits(law, quantum=0.02)
    np.testing.assert_allclose(component_bits(cheat, quantum=0.02), honest, atol=2e-3)
    assert component_bits(cheat).mean() < component_bits(law).mean() - 1


def small_schedule() -> spectra.Schedule:
    return spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 4, 4)), basis="dct")


def test_a_component_that_never_varies_has_few_bits_but_not_none() -> None:
    law = wiener_error(small_schedule(), LEVELS)
    variance, error = law.variance.copy(), law.error.copy()
    variance[0, -1, -1] = error[:, 0, -1, -1] = 0
    empty = DenoisingError(
        "empty", "dct", law.shape, LEVELS, error, variance, 0, 0, law.tilt, 0 * error
    )
    bits = component_bits(empty)
    assert -25 < bits[0, -1, -1] < component_bits(law)[0, -1, -1] - 5
    np.testing.assert_allclose(bits.ravel()[:-1], component_bits(law).ravel()[:-1])


def test_a_spacing_under_zero_is_refused() -> None:
    with pytest.raises(InputError, match="quantum"):
        component_bits(wiener_error(small_schedule(), LEVELS), quantum=-1.0)
