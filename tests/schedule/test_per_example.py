"""A schedule for each example: tight for flat ones, within the data set's ends, ends as said."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.data import Source
from spectra.schedule import ends, example_schedules
from spectra.schedule.per_example import ExampleSchedules

T = np.linspace(0, 1, 33)


@cache
def photos() -> tuple[np.ndarray, spectra.Spectrum, spectra.Schedule]:
    source = spectra.open_source("photos", size=64)
    spectrum = spectra.analyze(source)
    return first_of(source, 24), spectrum, spectra.derive_schedule(spectrum)


@cache
def of_photos() -> ExampleSchedules:
    return example_schedules(*photos())


def first_of(source: Source, n: int) -> np.ndarray:
    return np.concatenate([np.asarray(x, float) for x in source.batches(n)])[:: max(1, 11)][:n]


def test_flat_pictures_get_a_shorter_range_than_busy_ones() -> None:
    examples, made = photos()[0], of_photos()
    width = made.pace[:, -1] - made.pace[:, 0]
    spread = examples.std(axis=(1, 2, 3))
    order = np.argsort(spread)
    flat, busy = order[:6], order[-6:]
    assert width[flat].mean() < width[busy].mean() - 1.0
    assert made.noise[flat, 0].mean() < 0.6 * made.noise[busy, 0].mean()


def test_all_are_within_the_data_sets_ends_and_rise() -> None:
    made, schedule = of_photos(), photos()[2]
    assert made.pace.min() >= schedule.pace[0]
    assert made.pace.max() <= schedule.pace[-1]
    assert (np.diff(made.pace, axis=1) > 0).all()
    assert len(made) == 24
    np.testing.assert_array_equal(made.t[[0, -1]], [0, 1])


@pytest.mark.parametrize(
    "strength",
    [pytest.param(0.5, marks=pytest.mark.slow), 1.0, pytest.param(2.0, marks=pytest.mark.slow)],
)
def test_ends_are_as_promised(strength: float) -> None:
    """Nats left at t = 1 and error at t = 0, unless the data set's own end comes first."""
    examples, spectrum, _ = photos()
    schedule = spectra.derive_schedule(spectrum, ordering_strength=strength)
    made = example_schedules(examples, spectrum, schedule, information_left=0.01)
    budget, _ = ends.noise_budget(schedule.variance, schedule.quantum)
    clamped = 0
    for b in range(0, 24, 3):
        own = made.of(b)
        snr = np.exp(own.log_snr(np.array([0.0, 1.0])))
        left = 0.5 * np.log1p(snr[1]).sum()
        error = (own.variance / (1 + snr[0])).mean()
        if made.pace[b, -1] < schedule.pace[-1] - 1e-9:
            assert left == pytest.approx(0.01, rel=0.01)
        else:
            clamped += 1
            assert left >= 0.0099
        if made.pace[b, 0] > schedule.pace[0] + 1e-9:
            assert error == pytest.approx(budget, rel=1e-3)
        else:
            assert error >= 0.999 * budget
    assert clamped < 8


def test_an_example_with_the_data_sets_spectrum_gets_the_data_sets_ends() -> None:
    _, spectrum, schedule = photos()
    made = example_schedules(spectrum.power[None], spectrum, schedule)
    np.testing.assert_allclose(made.pace[0, [0, -1]], schedule.pace[[0, -1]], atol=1e-2)
    np.testing.assert_allclose(made.log_snr(0, T[:1]), schedule.log_snr(T[:1]), atol=1e-2)


def test_a_power_of_its_own_for_every_ring_and_for_dc() -> None:
    """lambda_i P_b / P; DC as the lowest ring, or the example's own square."""
    examples, spectrum, schedule = photos()
    by_rings = example_schedules(np.stack([spectrum.power / 16] * 2), spectrum, schedule)
    gain = (by_rings.of(0).variance / schedule.variance).ravel()
    assert gain == pytest.approx(1 / 16, rel=0.25)  # the rounding's floor is not divided
    examples = examples[:8]
    made = example_schedules(examples, spectrum, schedule, constant="own")
    z = schedule.make_basis().forward(examples - schedule.mean)
    for b in (0, 7):
        assert made.of(b).variance.ravel()[0] == pytest.approx(z[b].ravel()[0] ** 2)


def test_the_weight_turns_time_from_frequency_to_power() -> None:
    """Lost power is even in time at 1, f_max at 0 (but for the share that is even in noise)."""
    examples, spectrum, schedule = photos()
    by_power = example_schedules(examples[:6], spectrum, schedule, power_weight=1.0)
    by_frequency = example_schedules(examples[:6], spectrum, schedule, power_weight=0.0)
    for b in range(6):
        own = by_power.of(b)
        snr = np.exp(own.log_snr(by_power.t))
        lost = (own.variance / (1 + snr)).sum(axis=(1, 2, 3))
        even = lost[0] + (lost[-1] - lost[0]) * by_power.t
        assert np.abs(lost - even).max() < 0.04 * np.ptp(lost)
        own = by_frequency.of(b)
        seen = own.radial_offset[None] > by_frequency.pace[b][:, None]  # [T, F]
        share = seen.mean(axis=1)
        even = share[0] + (share[-1] - share[0]) * by_frequency.t
        assert np.abs(share - even).max() < 0.08  # whole rings, and the share even in noise


@pytest.mark.slow
def test_real_pictures_at_their_size(bsds500: Any) -> None:
    source = spectra.open_source(bsds500, size=256)
    examples = next(iter(source.batches(6)))
    spectrum = spectra.analyze(np.asarray(examples))
    schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
    made = example_schedules(np.asarray(examples), spectrum, schedule)
    assert np.isfinite(made.pace).all()
    assert (made.pace[:, -1] - made.pace[:, 0] > 2).all()


def test_a_blank_picture_and_white_noise() -> None:
    _, spectrum, schedule = photos()
    rng = np.random.default_rng(0)
    odd = np.stack([np.zeros((1, 64, 64)), rng.normal(size=(1, 64, 64)) * 3])
    made = example_schedules(odd, spectrum, schedule)
    assert np.isfinite(made.pace).all()
    assert (np.diff(made.pace, axis=1) > 0).all()
    assert np.ptp(made.pace[0]) < np.ptp(made.pace[1])
    assert made.pace[1, -1] == schedule.pace[-1]


def test_series() -> None:
    source = spectra.open_source(
        np.random.default_rng(3).normal(size=(40, 128)).cumsum(1), view="series"
    )
    spectrum = spectra.analyze(source)
    schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
    made = example_schedules(next(iter(source.batches(5))), spectrum, schedule)
    assert made.log_snr(2, T).shape == (33, 1, 128)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"examples": np.zeros((2, 1, 8, 8))}, "are needed"),
        ({"examples": np.full((2, 1, 64, 64), np.nan)}, "NaN"),
        ({"examples": -np.ones((2, 31))}, "negative"),
        ({"power_weight": 1.5}, "power_weight"),
        ({"power_weight": np.nan}, "power_weight"),
        ({"information_left": 0.0}, "information_left"),
        ({"steps": 0}, "steps"),
        ({"constant": "mean"}, "'mean' is unknown"),
        ({"schedule": "blurring"}, "without blur"),
    ],
)
def test_nonsense_is_refused_in_one_line(change: dict[str, Any], says: str) -> None:
    examples, spectrum, schedule = photos()
    if change.get("schedule"):
        change = {"schedule": spectra.preset("blurring", spectrum)}
    if "examples" in change and change["examples"].ndim == 2:
        change = {"examples": -np.ones((2, len(spectrum.frequency)))}
    given: dict[str, Any] = {"examples": examples[:2], "spectrum": spectrum, "schedule": schedule}
    with pytest.raises(InputError, match=says) as refusal:
        example_schedules(**{**given, **change})
    assert "\n" not in str(refusal.value)
