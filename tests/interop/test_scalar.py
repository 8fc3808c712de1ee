"""One curve for all components: the schedule itself where it is one, and honest where it is not."""

from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.interop import scalar_view, whitened
from tests.interop.conftest import COMPONENTWISE, SCALAR, SPECTRUM, schedules

T = np.linspace(0, 1, 101)


@pytest.mark.parametrize("kind", SCALAR)
def test_one_curve_is_carried_exactly(kind: str) -> None:
    schedule = schedules()[kind]
    view = scalar_view(schedule)
    assert view.exact
    assert view.departure == 0
    assert not view.cannot_carry
    wanted = schedule.log_snr(T) - np.log(schedule.variance)
    assert np.abs(view.log_ratio(T)[:, None, None, None] - wanted).max() < 1e-9
    assert np.abs(view.sigma(T) ** -2 / np.exp(view.log_ratio(T)) - 1).max() < 1e-9
    logit = np.log(view.flow_time(T) / (1 - view.flow_time(T)))
    assert np.abs(logit + view.log_ratio(T) / 2).max() < 1e-6


@pytest.mark.parametrize("process", ["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"])
def test_every_copied_process_is_one_curve(process: str) -> None:
    assert scalar_view(spectra.standard_schedule(SPECTRUM, process=process)).exact


@pytest.mark.parametrize("kind", COMPONENTWISE)
def test_otherwise_the_same_nats_are_left(kind: str) -> None:
    schedule = schedules()[kind]
    view = scalar_view(schedule)
    assert not view.exact
    assert "per component" in view.cannot_carry[0]
    left = schedule.information(T)
    ours = 0.5 * np.log1p(schedule.variance.ravel() * np.exp(view.log_ratio(T))[:, None]).sum(
        axis=1
    )
    assert np.abs(np.log(ours / left))[left > 1e-6].max() < 2e-2
    # What it says it is off by, it is off by somewhere, and nowhere more.
    theirs = schedule.log_snr(T) - np.log(schedule.variance)
    off = np.abs(theirs - view.log_ratio(T)[:, None, None, None])
    off = off[np.abs(schedule.log_snr(T)) < np.log(1000)]
    assert off.max() == pytest.approx(view.departure, rel=0.05)


@pytest.mark.parametrize("kind", ["equal-snr", "half", "sequential"])
def test_whitened_components_carry_every_separable_schedule(kind: str) -> None:
    schedule = schedules()[kind]
    moved, gain = whitened(schedule)
    view = scalar_view(moved)
    assert view.exact
    snr = np.log(gain**2 * schedule.variance) + view.log_ratio(T)[:, None, None, None]
    assert np.abs(snr - schedule.log_snr(T)).max() < 1e-8
    assert (gain**2 * schedule.variance).mean() == pytest.approx(schedule.variance.mean())


def test_what_blurs_has_no_whitened_form() -> None:
    with pytest.raises(InputError, match="not separable"):
        whitened(schedules()["blurring"])


@pytest.mark.parametrize("kind", [*SCALAR, *COMPONENTWISE])
def test_the_training_density_comes_along(kind: str) -> None:
    """The share of training below a noise level is the schedule's share before that time."""
    schedule = schedules()[kind]
    view = scalar_view(schedule)
    share, t = schedule.quantiles
    wanted = np.interp(T, t, share)
    found = np.interp(np.log(view.sigma(T)), view.density.log_sigma, view.density.cumulative)
    rising = np.gradient(view.log_ratio(T), T) < -1e-3  # where one noise level has one time
    assert np.abs(found - wanted)[rising].max() < 0.02


@pytest.mark.parametrize("values", [365, 373])
def test_a_drawn_wish_of_any_number_of_values_is_one_curve(values: int) -> None:
    """Some of its times lie a rounding error from even ones."""
    wish = 0.5 * np.linspace(1, 0, values)
    schedule = spectra.schedule_from_cutoff(SPECTRUM, wish)
    assert np.diff(schedule.t).min() > 1e-13
    density = scalar_view(schedule).density
    assert density.cumulative[0] == 0
    assert (np.diff(density.cumulative) >= 0).all()


@pytest.mark.parametrize("gap", [0.2, 1e-17])
def test_shares_that_stand_are_carried(gap: float) -> None:
    """Trained evenly in log-noise, which stands for a while; and knots nearer than rounding."""
    standard = schedules()["standard"]
    t = np.array([0.0, 0.1, 0.1 + max(gap, np.spacing(0.1)), 0.9, 0.9 + np.spacing(0.9), 1.0])
    pace = np.array([-9.0, 0.0, 0.0, 8.0, 8.0, 9.0])
    schedule = replace(standard, t=t, pace=pace, coverage=1.0, density=None)
    view = scalar_view(schedule)
    assert view.exact
    wanted = np.interp(2 * view.density.log_sigma, pace, (pace - pace[0]) / 18)
    assert np.abs(view.density.cumulative - wanted).max() < 1e-3
