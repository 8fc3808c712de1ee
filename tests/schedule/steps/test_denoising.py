"""The denoising error of Gaussian data is a law; every other is read between its levels safely."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import InputError
from spectra.schedule.steps.denoising import DenoisingError, load_denoising_error, wiener_error
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 8, 6), quantum=2 / 255)
SIGMA = np.geomspace(0.01, 30.0, 12)


def some(error: np.ndarray | None = None, sigma: np.ndarray = SIGMA) -> DenoisingError:
    found = wiener_error(SPECTRUM, sigma)
    return found if error is None else replace(found, error=error)


def test_the_wiener_law_and_its_sums() -> None:
    found = some()
    variance = SPECTRUM.component_variance("dct") + SPECTRUM.quantisation_floor
    for at, sigma in enumerate(SIGMA):
        expected = 1 / (1 / variance + 1 / sigma**2)
        np.testing.assert_allclose(found.error[at], expected, rtol=1e-12)
        np.testing.assert_allclose(found.gain()[at], variance / (variance + sigma**2), rtol=1e-12)
        np.testing.assert_allclose(found.effective_variance()[at], variance, rtol=1e-6)
        assert found.per_level()[at] == pytest.approx(expected.sum(), rel=1e-12)
    assert found.wiener().error.tobytes() == found.error.tobytes()


def test_rings_share_out_the_whole_error() -> None:
    found = some()
    frequency = found.make_basis().frequency
    edges = np.array([0.0, 0.1, 0.3, 1.0])
    sums, count = found.per_ring(edges)
    assert count.sum() == frequency.size
    np.testing.assert_allclose(sums.sum(axis=1), found.per_level(), rtol=1e-12)
    middle = (frequency >= 0.1) & (frequency < 0.3)
    np.testing.assert_allclose(sums[:, 1], found.error[:, middle].sum(axis=1), rtol=1e-12)
    only, count = found.per_ring(edges[1:3])
    np.testing.assert_allclose(only[:, 0], sums[:, 1], rtol=1e-12)
    assert count.tolist() == [middle.sum()]


@given(st.floats(-16, 12))
@settings(max_examples=50, deadline=None)
def test_between_and_beyond_its_levels_the_law_is_exact(x: float) -> None:
    """logit W of a Wiener filter is a line in ln sigma: no level is interpolated wrongly."""
    gain, slope = some().gain_at(np.array([x]))
    variance = some().variance
    expected = variance / (variance + np.exp(2 * x))
    np.testing.assert_allclose(gain[0], expected, rtol=1e-6)
    np.testing.assert_allclose(slope[0], -2 * expected * (1 - expected), rtol=1e-5, atol=1e-14)


def wiggling(seed: int) -> np.ndarray:
    """Errors that fall and rise against sigma^2, some above it, some 0."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(-0.2, 1.2, size=(len(SIGMA), *SPECTRUM.shape)).clip(0)
    return share * SIGMA[:, None, None, None] ** 2


@pytest.mark.parametrize("seed", range(3))
def test_an_interpolated_gain_stays_between_its_neighbours(seed: int) -> None:
    found = some(wiggling(seed))
    knots, gain = np.log(SIGMA), found.gain()
    assert ((gain > 0) & (gain < 1)).all()
    np.testing.assert_allclose(found.gain_at(knots)[0], gain, rtol=1e-9)
    for at in range(len(knots) - 1):
        inside, _ = found.gain_at(np.linspace(knots[at], knots[at + 1], 9))
        low, high = np.minimum(gain[at], gain[at + 1]), np.maximum(gain[at], gain[at + 1])
        assert (inside >= low * (1 - 1e-9)).all()
        assert (inside <= high * (1 + 1e-9)).all()


@pytest.mark.parametrize("seed", range(2))
def test_the_slope_is_the_derivative(seed: int) -> None:
    found = some(wiggling(seed))
    x = np.linspace(np.log(SIGMA[0]) - 2, np.log(SIGMA[-1]) + 2, 41) + 0.003
    step = 1e-6
    measured = (found.gain_at(x + step)[0] - found.gain_at(x - step)[0]) / (2 * step)
    np.testing.assert_allclose(found.gain_at(x)[1], measured, atol=1e-6)


def test_components_may_each_have_their_own_level() -> None:
    found = some(wiggling(0))
    x = np.random.default_rng(1).uniform(-6, 5, size=(3, *SPECTRUM.shape))
    gain, slope = found.gain_at(x)
    at = (1, 0, 4, 3)
    alone_gain, alone_slope = found.gain_at(np.array([x[at]]))
    assert gain[at] == alone_gain[0][at[1:]]
    assert slope[at] == alone_slope[0][at[1:]]


def test_a_tilt_moves_each_component_along_sigma() -> None:
    """Measured with noise sigma tilt_i, the gain is a function of that product."""
    tilt = np.random.default_rng(2).uniform(0.1, 10, size=SPECTRUM.shape)
    white = some()
    level = SIGMA[:, None, None, None] * tilt
    error = white.variance * level**2 / (white.variance + level**2)
    tilted = replace(white, error=error, tilt=tilt)
    x = np.linspace(-8, 6, 15)
    np.testing.assert_allclose(tilted.gain_at(x)[0], white.gain_at(x)[0], rtol=1e-6)
    np.testing.assert_allclose(tilted.wiener().error, error, rtol=1e-12)
    np.testing.assert_allclose(
        tilted.effective_variance() / white.variance, np.ones_like(error), rtol=1e-5
    )


def test_one_level_is_enough_for_the_asymptotes() -> None:
    one = some(sigma=np.array([0.5]))
    x = np.linspace(-5, 5, 7)
    np.testing.assert_allclose(one.gain_at(x)[0], some().gain_at(x)[0], rtol=1e-8)


def test_a_signal_of_one_axis() -> None:
    sound = known_spectrum(power_law(1.0), (1, 1, 32))
    found = wiener_error(sound, SIGMA)
    flat = replace(
        found,
        shape=(1, 32),
        error=found.error[:, 0],
        variance=found.variance[0],
        tilt=found.tilt[0],
        standard_error=found.standard_error[:, 0],
    )
    assert flat.gain_at(np.zeros(2))[0].shape == (2, 1, 32)
    sums, _ = flat.per_ring(np.array([0.0, 0.25, 0.6]))
    np.testing.assert_allclose(sums.sum(axis=1), flat.per_level())


def test_principal_components_have_frequencies_too() -> None:
    rng = np.random.default_rng(0)
    rows = np.linalg.qr(rng.normal(size=(96, 96)))[0]
    found = replace(some(), basis="pca", components=rows)
    np.testing.assert_allclose(
        found.per_ring(np.array([0.0, 1.0]))[0][:, 0], found.per_level(), rtol=1e-12
    )


@pytest.mark.parametrize("components", [False, True])
def test_a_saved_error_is_read_back_to_the_bit(components: bool, tmp_path: Path) -> None:
    found = replace(some(wiggling(4)), n=7, files=3, data={"size": [8, 6]})
    if components:
        found = replace(found, basis="pca", components=np.eye(96))
    found = replace(found, standard_error=np.full_like(found.error, np.nan))
    found.save(tmp_path / "deep" / "error.safetensors")
    again = load_denoising_error(tmp_path / "deep" / "error.safetensors")
    for name in ("sigma", "error", "variance", "tilt", "standard_error"):
        assert getattr(again, name).tobytes() == getattr(found, name).tobytes()
    if components:
        assert again.components is not None
        assert found.components is not None
        assert again.components.tobytes() == found.components.tobytes()
    else:
        assert again.components is None
    for name in ("name", "basis", "shape", "n", "files", "data", "fingerprint"):
        assert getattr(again, name) == getattr(found, name)


def test_other_files_are_refused(tmp_path: Path) -> None:
    SPECTRUM.save(tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="a denoising file is expected"):
        load_denoising_error(tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="no such file"):
        load_denoising_error(tmp_path / "none.safetensors")


def test_nonsense_is_refused() -> None:
    found = some()
    with pytest.raises(InputError, match="rise"):
        replace(found, sigma=SIGMA[::-1])
    with pytest.raises(InputError, match="above 0"):
        replace(found, sigma=SIGMA - SIGMA[0])
    with pytest.raises(InputError, match="error has another shape"):
        replace(found, error=found.error[:-1])
    for bad in (np.nan, -1.0, np.inf):
        with pytest.raises(InputError, match="error must be finite"):
            replace(found, error=np.full_like(found.error, bad))
    with pytest.raises(InputError, match="log_sigma of shape"):
        found.gain_at(np.zeros((2, 3)))
    with pytest.raises(InputError, match="edges"):
        found.per_ring(np.array([0.3, 0.1]))
    with pytest.raises(InputError, match="no frequencies"):
        wiener_error(SPECTRUM, SIGMA, basis="pixel").per_ring(np.array([0.0, 1.0]))
    with pytest.raises(InputError, match="not measured"):
        wiener_error(SPECTRUM, SIGMA, basis="wavelet")
