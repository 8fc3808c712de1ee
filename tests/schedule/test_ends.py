"""Where a schedule starts and stops: each criterion leaves what it says, and says it."""

from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from tests.schedule.known import known_spectrum, power_law

CONTINUOUS = known_spectrum(power_law(2.2))
BYTES = known_spectrum(power_law(2.2), quantum=2 / 255)
STRENGTHS = [0.0, 0.5, 1.0, 2.0]
ENDS = np.array([0.0, 1.0])


def derived(spectrum: Any = CONTINUOUS, **options: Any) -> Schedule:
    choices: dict[str, Any] = {"basis": "dct", "pace": "linear"} | options
    return spectra.derive_schedule(spectrum, **choices)


def moved(schedule: Schedule) -> float:
    """W2^2 a value between Gaussian data and its denoised estimate from t = 0, from the law."""
    snr = np.exp(schedule.log_snr(ENDS)[0])
    kept = schedule.variance * snr / (1 + snr)  # variance of the estimate
    return float(((np.sqrt(schedule.variance) - np.sqrt(kept)) ** 2).mean())


@pytest.mark.parametrize("share", [1e-8, 1e-4, 0.1])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_w2_budget_is_what_is_left(strength: float, share: float) -> None:
    made = derived(w2_left=share, ordering_strength=strength)
    assert moved(made) == pytest.approx(share * made.variance.mean(), rel=1e-5)
    assert f"{share:.3g}" in made.explanation["clean end"]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_an_absolute_w2_budget_is_in_the_datas_units(strength: float) -> None:
    made = derived(w2_absolute=2e-5, ordering_strength=strength)
    assert moved(made) == pytest.approx(2e-5, rel=1e-5)


def test_a_w2_budget_is_the_samplers_last_step() -> None:
    """predict_error of a grid whose only knot lies at the clean end has that error and no more."""
    from spectra.schedule.steps.gaussian import predict_error

    made = derived(w2_left=1e-3, ordering_strength=1.0)
    found = predict_error(made, np.array([1e-12, 0.0]), "euler")
    assert found.w2 == pytest.approx(1e-3 * made.variance.mean(), rel=1e-5)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_rounding_floor_of_bytes(strength: float) -> None:
    made = derived(BYTES, ordering_strength=strength)
    error = made.variance / (1 + np.exp(made.log_snr(ENDS)[0]))
    assert error.mean() == pytest.approx((2 / 255) ** 2 / 12 / 4, rel=1e-5)
    assert "rounding" in made.explanation["clean end"]


def test_continuous_values_end_at_fifty_decibels() -> None:
    made = derived(ordering_strength=1.0)
    error = made.variance / (1 + np.exp(made.log_snr(ENDS)[0]))
    assert error.mean() / made.variance.mean() == pytest.approx(1e-5, rel=1e-5)
    assert "50 dB" in made.explanation["clean end"]


@pytest.mark.parametrize("left", [1e-4, 0.01, 3.0])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_information_left_is_what_was_asked(strength: float, left: float) -> None:
    made = derived(information_left=left, ordering_strength=strength)
    nats = 0.5 * np.log1p(np.exp(made.log_snr(ENDS)[1])).sum()
    assert nats == pytest.approx(left, rel=1e-5)
    assert f"{left:g} nats" in made.explanation["noise end"]


def test_given_ends_are_kept_and_named() -> None:
    made = derived(g_denoise=-8.0, g_noise=6.0, ordering_strength=0.7)
    clean, noisy = made.log_snr(ENDS)
    assert clean.min() == pytest.approx(8.0)
    assert noisy.max() == pytest.approx(-6.0)
    assert "given" in made.explanation["clean end"]
    assert "given" in made.explanation["noise end"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"w2_left": 0.0}, "w2_left 0"),
        ({"w2_left": -1.0}, "w2_left -1"),
        ({"w2_left": np.nan}, "w2_left nan"),
        ({"w2_left": 1.0}, "w2_left: 1 of the variance"),
        ({"w2_left": 1e-300}, "w2_left: 1e-300"),
        ({"w2_absolute": 0.0}, "w2_absolute 0"),
        ({"w2_absolute": 1e9}, "w2_left"),
        ({"w2_left": 0.1, "w2_absolute": 0.1}, "w2_left, w2_absolute: each is a clean end"),
        ({"w2_left": 0.1, "g_denoise": -3.0}, "w2_left, g_denoise: each is a clean end"),
        ({"information_left": -1.0}, "information_left -1"),
        ({"information_left": 1e9}, "information_left 1e+09"),
        ({"information_left": 5.0, "g_noise": 5.0}, "each is a noise end; give one"),
        ({"w2_left": 0.9, "g_noise": -30.0}, "g_denoise, g_noise"),
    ],
)
def test_ends_that_make_no_sense_are_refused(options: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError) as caught:
        derived(**({"ordering_strength": 1.0} | options))
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)
