"""f_max(t) and t_detect(f): the law, the inverse, holes and intervals."""

from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from tests.schedule.known import bumped, known_spectrum, power_law

NAMES = ["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"]


@pytest.mark.parametrize("threshold", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", NAMES)
def test_f_max_of_a_power_law(name: str, threshold: float) -> None:
    """f_max = (A alpha^2 / (tau sigma^2))^(1 / alpha_exp) between the first and last ring."""
    spectrum = known_spectrum(power_law(2.5), (1, 64, 64))
    cutoff = spectra.frequency_cutoff(spectrum, process=name, threshold=threshold)
    t = np.linspace(0.001, 0.999, 500)
    signal, noise = cutoff.process.alpha(t), cutoff.process.sigma(t)
    law = (1e-3 * signal**2 / (threshold * noise**2)) ** (1 / 2.5)
    first, last = spectrum.frequency[[0, -1]]
    inside = (law > first) & (law < last)
    assert inside.sum() > 50
    np.testing.assert_allclose(cutoff.f_max(t)[inside], law[inside], rtol=1e-9)
    assert (cutoff.f_max(t)[law < first] == 0).all()
    assert (cutoff.f_max(t)[law > last] == last).all()


def test_rectified_flow_is_the_posts_condition() -> None:
    """R(f) > (t / (1 - t))^2."""
    spectrum = known_spectrum(power_law(2.0), (1, 32, 32))
    t = np.linspace(0.01, 0.99, 99)
    seen = spectra.frequency_cutoff(spectrum).detectable(t)
    expected = spectrum.power[None, :] > ((t / (1 - t)) ** 2)[:, None]
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_the_inverse_of_the_other(name: str) -> None:
    spectrum = known_spectrum(power_law(2.0, 1e-2), (1, 64, 64))
    cutoff = spectra.frequency_cutoff(spectrum, process=name)
    f = np.linspace(spectrum.frequency[0], spectrum.frequency[-1], 200)[1:-1]
    t = cutoff.t_detect(f)
    assert (np.diff(t) < 0).all()
    np.testing.assert_allclose(cutoff.f_max(t), f, rtol=1e-9)
    np.testing.assert_allclose(cutoff.t_detect(cutoff.f_max(t)), t, atol=1e-12)


def test_measured_photographs_too() -> None:
    spectrum = spectra.analyze(spectra.open_source("photos", size=64), bases=())
    cutoff = spectra.frequency_cutoff(spectrum)
    if (np.diff(spectrum.power) < 0).all():
        f = np.linspace(*spectrum.frequency[[0, -1]], 100)[1:-1]
        np.testing.assert_allclose(cutoff.f_max(cutoff.t_detect(f)), f, rtol=1e-9)
    t = np.linspace(0, 1, 101)
    assert (np.diff(cutoff.f_max(t)) <= 0).all()
    assert cutoff.f_max(np.array([0.0]))[0] == spectrum.frequency[-1]
    assert cutoff.f_max(np.array([1.0]))[0] == 0


def test_outside_the_rings_there_is_no_time() -> None:
    cutoff = spectra.frequency_cutoff(known_spectrum(power_law(2.0)))
    assert np.isnan(cutoff.t_detect(np.array([0.0, 1e-3, 0.6]))).all()


def test_a_spectrum_with_a_bump_has_holes_and_reports_the_last_crossing() -> None:
    spectrum = known_spectrum(bumped, (1, 128, 128))
    frequency, power = spectrum.frequency, spectrum.power
    cutoff = spectra.frequency_cutoff(spectrum)
    top = np.flatnonzero((frequency > 0.2) & (frequency < 0.3))
    peak = top[power[top].argmax()]
    valley = np.flatnonzero(frequency < frequency[peak])
    valley = valley[power[valley].argmin()]
    between = np.sqrt(power[valley] * power[peak])  # drowned in the valley, seen on the bump
    t = cutoff.process.time(-np.log(np.array([power[0] / 2, between, power.min() / 2])))
    np.testing.assert_array_equal(cutoff.has_holes(t), [False, True, False])
    last = cutoff.f_max(t[1:2])[0]
    seen = cutoff.detectable(t[1:2])[0]
    assert not seen[valley]
    assert seen[peak]
    above = np.flatnonzero(seen)[-1]
    assert frequency[above] <= last < frequency[above + 1]
    # Components are ordered by the time at which they drown: the valley goes before the bump.
    assert cutoff.t_detect(frequency[[valley]])[0] < cutoff.t_detect(frequency[[peak]])[0]


@pytest.mark.parametrize("law", [power_law(2.0), bumped])
@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_f_max_and_widen_with_the_level(name: str, law: Any) -> None:
    cutoff = spectra.frequency_cutoff(known_spectrum(law, (1, 64, 64)), process=name)
    t = np.linspace(0, 1, 201)
    low, high = cutoff.interval(t)
    lower, higher = cutoff.interval(t, level=0.99)
    f_max = cutoff.f_max(t)
    for smaller, larger in ((lower, low), (low, f_max), (f_max, high), (high, higher)):
        assert (smaller <= larger).all()
    assert (high > low).sum() > 10


def test_f_max_never_rises_with_t_or_threshold() -> None:
    spectrum = known_spectrum(bumped, (1, 64, 64))
    t = np.linspace(0, 1, 501)
    one = spectra.frequency_cutoff(spectrum, threshold=1.0).f_max(t)
    ten = spectra.frequency_cutoff(spectrum, threshold=10.0).f_max(t)
    assert (np.diff(one) <= 0).all()
    assert (ten <= one).all()


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan, np.inf])
def test_bad_thresholds_are_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="threshold"):
        spectra.frequency_cutoff(known_spectrum(power_law(2.0)), threshold=threshold)


def test_bad_times_and_processes_are_refused() -> None:
    spectrum = known_spectrum(power_law(2.0))
    with pytest.raises(InputError, match="ddpm"):
        spectra.frequency_cutoff(spectrum, process="ddpm")
    for t in (-0.1, 1.1, np.nan):
        with pytest.raises(InputError, match=r"\[0, 1\]"):
            spectra.frequency_cutoff(spectrum).f_max(np.array([t]))


def test_interval_of_the_time_holds_the_time() -> None:
    """A frequency of more power drowns later; outside the rings nothing is said."""
    cutoff = spectra.frequency_cutoff(spectra.analyze("digits"))
    f = np.append(cutoff.spectrum.frequency, 0.01)
    low, high = cutoff.t_detect_interval(f)
    t = cutoff.t_detect(f)
    assert (low[:-1] < t[:-1]).all()
    assert (t[:-1] < high[:-1]).all()
    assert np.isnan([low[-1], t[-1], high[-1]]).all()
