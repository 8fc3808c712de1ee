"""Paces: what each one promises to be linear in time is so to 1e-6, between its knots too."""

from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from tests.schedule.known import bumped, known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), (1, 16, 16))  # 256 components: nothing is grouped
LARGE = known_spectrum(power_law(2.2), (3, 64, 64))
T = np.sort(np.r_[np.linspace(0, 1, 257), np.random.default_rng(0).uniform(size=300)])
STRENGTHS = [0.0, 0.5, 1.0, 3.0]


def derived(pace: Any, spectrum: Any = SPECTRUM, **options: Any) -> Schedule:
    choices: dict[str, Any] = {"basis": "dct"} | options
    return spectra.derive_schedule(choices.pop("spectrum", spectrum), **choices, pace=pace)


def straightness(values: np.ndarray, t: np.ndarray = T) -> float:
    """Largest distance from the straight line between the ends, over the whole."""
    line = values[0] + (values[-1] - values[0]) * (t - t[0]) / (t[-1] - t[0])
    return float(np.abs(values - line).max() / np.ptp(values))


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
def test_information_is_lost_evenly(ordering: str, strength: float) -> None:
    made = derived("information", ordering=ordering, ordering_strength=strength)
    nats = 0.5 * np.log1p(np.exp(made.log_snr(T))).sum(axis=(1, 2, 3))
    assert straightness(nats) < 1e-6


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
def test_power_is_lost_evenly(ordering: str, strength: float) -> None:
    made = derived("power", ordering=ordering, ordering_strength=strength)
    lost = (made.variance / (1 + np.exp(made.log_snr(T)))).sum(axis=(1, 2, 3))
    assert straightness(lost) < 1e-6


@pytest.mark.parametrize("pace", ["information", "power"])
def test_grouping_many_components_keeps_the_promise(pace: str) -> None:
    made = derived(pace, LARGE, ordering_strength=0.7)
    t = T[::8]
    snr = np.exp(made.log_snr(t))
    kept = np.log1p(snr) if pace == "information" else made.variance / (1 + snr)
    assert straightness(kept.sum(axis=(1, 2, 3)), t) < 1e-6


@pytest.mark.parametrize("threshold", [0.5, 1.0])
@pytest.mark.parametrize("pace", ["frequency", "octave"])
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
def test_f_max_falls_evenly(strength: float, ordering: str, pace: str, threshold: float) -> None:
    made = derived(pace, ordering=ordering, ordering_strength=strength, threshold=threshold)
    f_max = made.f_max(T)
    first, last = SPECTRUM.frequency[[0, -1]]
    moving = (f_max > first * 1.001) & (f_max < last * 0.999)
    assert moving.sum() > 50
    value = np.log(f_max[moving]) if pace == "octave" else f_max[moving]
    assert straightness(value, T[moving]) < 1e-6


@pytest.mark.parametrize("spectrum", [SPECTRUM, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("ordering", "basis"), [("variance", "dct"), ("frequency", "dct"), ("columns", "pixel")]
)
def test_components_drown_in_even_numbers(spectrum: Any, ordering: str, basis: str) -> None:
    """The count is a staircase: never further than half a stair from its line."""
    made = derived("modes", spectrum, ordering=ordering, basis=basis, ordering_strength=1.0)
    ranks = np.sort(made.offset, axis=None)
    together = np.unique(made.offset, return_counts=True)[1].max()
    moments = made.time_at(ranks)  # SNR 1: each drowns where the pace is its offset
    t = np.linspace(moments[0], moments[-1], 501)
    alive = np.array([(made.log_snr(np.array([x]))[0] > 0).sum() for x in t[1:-1]])
    line = made.offset.size * (1 - (t - t[0]) / (t[-1] - t[0]))[1:-1]
    slack = max(1.5 * together, made.offset.size / 4096)
    assert np.abs(alive - line).max() <= slack


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_mix_is_even_in_its_weighted_shares(weight: float) -> None:
    made = derived("frequency-power", power_weight=weight, ordering_strength=1.0)
    by_frequency = derived("frequency", ordering_strength=1.0)
    np.testing.assert_allclose(made.pace[[0, -1]], by_frequency.pace[[0, -1]])
    lost = (made.variance / (1 + np.exp(made.log_snr(T)))).sum(axis=(1, 2, 3))
    power = (lost - lost[0]) / (lost[-1] - lost[0])
    frequency = by_frequency.time_at(made.pace_at(T))
    assert straightness((1 - weight) * frequency + weight * power) < 1e-6


@pytest.mark.parametrize("strength", STRENGTHS)
def test_tangent_turns_evenly(strength: float) -> None:
    made = derived("tangent", ordering_strength=strength)
    mean_snr = np.exp(made.log_snr(T)).mean(axis=(1, 2, 3))
    assert straightness(np.arctan(mean_snr**-0.5)) < 1e-6


def test_tangent_at_strength_one_is_about_the_mean_variance() -> None:
    """sigma = c tan(theta) with c^2 the mean variance."""
    made = derived("tangent", ordering_strength=1.0)
    sigma = np.exp(made.pace_at(T) / 2)
    assert straightness(np.arctan(sigma / np.sqrt(made.variance.mean()))) < 1e-6


def test_linear_and_callable() -> None:
    linear = derived("linear", ordering_strength=1.0)
    shaped = derived(lambda t: 3 + 7 * t, ordering_strength=1.0)
    np.testing.assert_allclose(shaped.pace_at(T), linear.pace_at(T), atol=1e-9)
    bent = derived(lambda t: t**3, ordering_strength=1.0)
    start, end = linear.pace[[0, -1]]
    np.testing.assert_allclose(bent.pace_at(T), start + (end - start) * T**3, atol=1e-6)
    assert (bent.g_denoise, bent.g_noise) == pytest.approx((linear.g_denoise, linear.g_noise))


def test_ends_that_are_moved_out_are_named() -> None:
    made = derived("frequency", g_denoise=3.0, g_noise=-3.0, ordering_strength=1.0)
    assert "moved out" in made.explanation["pace"]
    assert "moved out" not in derived("information", ordering_strength=1.0).explanation["pace"]


def falls_back(t: np.ndarray) -> np.ndarray:
    return np.sin(3 * t)


@pytest.mark.parametrize(
    ("pace", "options", "names"),
    [
        ("frequency", {"ordering_strength": 0.0}, "choose pace information or linear"),
        ("octave", {"ordering_strength": 0.0}, "choose pace information or linear"),
        ("modes", {"ordering_strength": 0.0}, "choose pace information or linear"),
        ("frequency-power", {"ordering_strength": 0.0}, "choose pace information or linear"),
        ("frequency", {"ordering": "columns", "basis": "pixel"}, "order of frequencies"),
        ("frequency", {"spectrum": known_spectrum(bumped)}, "choose ordering frequency"),
        ("frequency-power", {"power_weight": 1.5}, "power_weight 1.5"),
        ("frequency-power", {"power_weight": -0.1}, "power_weight -0.1"),
        ("frequency-power", {"power_weight": np.nan}, "power_weight nan"),
        ("information", {"power_weight": 0.3}, "only pace 'frequency-power' has it"),
        (np.sqrt, {"power_weight": 0.5}, "only pace 'frequency-power' has it"),
        ("cosine", {}, "pace 'cosine' is unknown"),
        (falls_back, {}, "pace: the function must rise"),
        (lambda t: 0 * t, {}, "pace: the function must rise"),
        (lambda t: t * np.nan, {}, "pace: the function must give"),
        (lambda t: 1.0, {}, "pace: the function must give"),
    ],
)
def test_what_cannot_be_held_even_is_refused(
    pace: Any, options: dict[str, Any], names: str
) -> None:
    with pytest.raises(InputError) as caught:
        derived(pace, **({"ordering_strength": 1.0} | options))
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)
