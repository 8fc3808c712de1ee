"""What steps cost, by dense matrices over pixels and by quadrature."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from spectra.bases import make_basis
from spectra.schedule import DenoisingError, Schedule, audit, predict_error
from spectra.schedule.auditing.diffusers_config import config_levels
from tests.schedule.rough import SCHEDULES, SPECTRUM

Array = np.ndarray


def dense(schedule: Schedule) -> Array:
    """U, [D, D]."""
    basis = schedule.make_basis()
    size = int(np.prod(schedule.shape))
    return basis.forward(np.eye(size).reshape(size, *schedule.shape)).reshape(size, size).T


def sampled_covariance(schedule: Schedule, times: Array, solver: str, start: str) -> Array:
    """Covariance over pixels of what a sampler makes, every step a matrix."""
    u, rows = dense(schedule), len(times) - 1
    data = u.T @ np.diag(schedule.variance.ravel()) @ u
    sigma = schedule.scale * schedule.sigma(times[:-1]) / schedule.alpha(times[:-1])
    levels = [u.T @ np.diag(row) @ u for row in sigma.reshape(rows, -1)] + [np.zeros_like(data)]
    one = np.eye(len(data))
    filters = [data @ np.linalg.inv(data + s @ s) for s in levels[:-1]]
    begun = levels[0] @ levels[0] + (data if start == "data" else 0)
    whole, noise, last = one, np.zeros_like(data), one
    for k, (s, after, w) in enumerate(zip(levels, levels[1:], filters, strict=False)):
        q = after @ np.linalg.inv(s)
        if solver == "covariance":
            root = sqrtm((data + after @ after) @ np.linalg.inv(data + s @ s))
            whole = np.real(root) @ whole
        elif k == rows - 1:
            whole, noise = w @ whole, w @ noise @ w.T
        elif solver == "euler":
            whole = (w + q @ (one - w)) @ whole
        elif solver == "heun":
            slope = np.linalg.inv(s) @ (one - w)
            trial = one + (after - s) @ slope
            ahead = np.linalg.inv(after) @ (one - filters[k + 1]) @ trial
            whole = (one + (after - s) @ (slope + ahead) / 2) @ whole
        elif solver == "2m":
            here, denoised = [np.diag(u @ x @ u.T) for x in levels], w @ whole
            ahead = denoised
            if k > 0:
                h, before = np.log(here[k] / here[k + 1]), np.log(here[k - 1] / here[k])
                moved = before > 1e-3 * h  # a window that has not opened tells nothing
                half = np.where(moved, h / (2 * np.where(moved, before, 1)), 0)
                ahead = denoised + u.T @ np.diag(half) @ u @ (denoised - last)
            whole, last = q @ whole + (one - q) @ ahead, denoised
        else:
            step = w + q @ q @ (one - w)
            whole, noise = step @ whole, step @ noise @ step.T + after @ after @ (one - q @ q)
    return whole @ begun @ whole.T + noise


@pytest.mark.parametrize("start", ["data", "white"])
@pytest.mark.parametrize("solver", ["euler", "heun", "2m", "ancestral", "covariance"])
@pytest.mark.parametrize("name", list(SCHEDULES))
def test_predictions_are_those_of_dense_matrices_in_pixels(
    name: str, solver: str, start: Any
) -> None:
    schedule = SCHEDULES[name]
    times = np.array([1.0, 0.8, 0.62, 0.41, 0.3, 0.12, 0.0])
    found = predict_error(schedule, times, solver, start=start)
    u, size = dense(schedule), schedule.variance.size
    data = u.T @ np.diag(schedule.variance.ravel()) @ u
    made = sampled_covariance(schedule, times, solver, start)
    root = sqrtm(data)
    cross = np.real(sqrtm(root @ made @ root))
    unit = np.trace(data) / size
    w2 = np.trace(data + made - 2 * cross) / size
    assert found.w2 == pytest.approx(w2, rel=1e-7, abs=1e-9 * unit)
    logs = np.linalg.slogdet(data)[1] - np.linalg.slogdet(made)[1]
    kl = 0.5 * (np.trace(np.linalg.solve(data, made)) - size + logs) / size
    assert found.kl == pytest.approx(kl, rel=1e-7, abs=1e-9)


def two_humps(variance: Array, sigma: Array) -> Array:
    """mmse / sigma^2 of data at +-sqrt(0.8 lambda) with 0.2 lambda about each, elementwise."""
    variance, sigma = np.broadcast_arrays(variance, sigma)
    at, total = np.sqrt(0.8 * variance)[..., None], (0.2 * variance + sigma**2)[..., None]
    y = at + np.linspace(-9, 9, 801) * np.sqrt(total)
    density = np.exp(-((y - at) ** 2) / 2 / total) / np.sqrt(2 * np.pi * total)
    # E D'(y), D = (0.2 lambda y + sigma^2 m tanh(m y / total)) / total: Tweedie, second order.
    inner = (at * sigma[..., None] / total) ** 2 / np.cosh(at * y / total) ** 2
    slope = 0.2 * variance[..., None] / total + inner
    return np.asarray(np.trapezoid(density * slope, y, axis=-1))


def humps(tilt: Array) -> DenoisingError:
    variance = SCHEDULES["standard"].variance
    sigma = np.exp(np.linspace(-5.5, 3.5, 60))
    level = sigma.reshape(-1, 1, 1, 1) * tilt
    error = level**2 * two_humps(variance, level)
    zero = np.zeros_like(error)
    return DenoisingError("humps", "dct", variance.shape, sigma, error, variance, 9, 9, tilt, zero)


@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_covariance_aware_steps_with_a_measured_denoiser_are_not_exact(spread: float) -> None:
    """Each step turns y by sqrt(q^2 + W (1 - q^2)); the flow by exp(-int (1 - W) d ln sigma)."""
    schedule = SCHEDULES["standard"]
    tilt = np.exp(spread * np.random.default_rng(1).normal(size=schedule.shape))
    times = np.array([1.0, 0.7, 0.4, 0.2, 0.0])
    found = predict_error(schedule, times, "covariance", error=humps(tilt))
    level = np.exp(schedule.pace_at(times[:-1]) / 2)
    path = np.linspace(-9, np.log(level[0]), 1500)
    for place in ((0, 0, 0), (0, 2, 3), (0, 5, 7)):
        variance = schedule.variance[place]
        moved = -np.trapezoid(1 - two_humps(variance, np.exp(path)), path)
        gain, q = two_humps(variance, level), np.r_[level[1:], 0] / level
        made = 0.5 * np.log(q**2 + gain * (1 - q**2)).sum()
        assert np.log(found.ratio[place]) / 2 == pytest.approx(made - moved, abs=2e-3)
        assert abs(made - moved) > 0.05


def test_an_audit_walks_the_sampler_it_names() -> None:
    """EDM's Heun from N(0, 80^2), component by component."""
    found = audit("edm", SPECTRUM, steps=9, solver="heun")
    variance = SPECTRUM.variances["dct"]
    levels, y = np.r_[found.knots, 0.0], np.full(variance.shape, found.knots[0])
    for s, after in pairwise(levels):
        slope = s * y / (variance + s**2)
        if after == 0:
            y = y - s * slope
        else:
            ahead = after * (y + (after - s) * slope) / (variance + after**2)
            y = y + (after - s) * (slope + ahead) / 2
    assert found.w2 == pytest.approx(((np.abs(y) - np.sqrt(variance)) ** 2).mean(), rel=1e-9)
    noise = found.knots[0] ** 2
    mean = make_basis("dct", SPECTRUM.shape).forward(SPECTRUM.mean)
    total = (variance + mean**2) / noise - np.log1p(variance / noise)
    assert found.prior_kl == pytest.approx(0.5 * total.sum(), rel=1e-6)


def test_audited_steps_are_diffusers_own() -> None:
    diffusers = pytest.importorskip("diffusers")
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
        ("FlowMatchEulerDiscreteScheduler", {}),
        ("EDMEulerScheduler", {}),
    ]
    for kind in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler"):
        for spacing in ("linspace", "leading", "trailing"):
            wanted.append((kind, {"timestep_spacing": spacing, "steps_offset": 1}))
        wanted.append((kind, {"use_karras_sigmas": True}))
    for kind, options in wanted:
        theirs = getattr(diffusers, kind)(**options)
        theirs.set_timesteps(10)
        sigmas = theirs.sigmas.numpy()[:10].astype(float)
        if "Flow" in kind:
            sigmas = np.minimum(sigmas, 0.999) / (1 - np.minimum(sigmas, 0.999))
        ours = config_levels({**theirs.config, "_class_name": kind}, "a file").grid(10)
        assert ours == pytest.approx(sigmas, rel=2e-4), (kind, options)
