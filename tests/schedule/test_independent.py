"""The mathematics by brute force: quadrature, simulation, filters over pixels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit

from spectra.diffusion.likelihood import variational_bound
from spectra.diffusion.process import DiffusionProcess
from spectra.interop.scalar import scalar_view, whitened
from spectra.schedule import (
    derive_schedule,
    frequency_weighting,
    implied_weights,
    preset,
    schedule_weights,
    schedule_with_density,
    sigma_scale,
    training_density,
    transfer_schedule,
)
from spectra.schedule.densities.noise_density import log_normal_density
from spectra.schedule.moving.modes import box_response
from tests.schedule.known import known_spectrum, power_law
from tests.schedule.rough import SCHEDULES, SPECTRUM, rough


def test_blur_is_a_gaussian_filter_of_pixels() -> None:
    schedule = preset("heat-dissipation", rough((1, 12, 20)))
    picture = np.random.default_rng(0).normal(size=(12, 20))
    k = 60
    left = np.exp((schedule.log_ratio(schedule.t[[k]])[0, 0] + 2 * np.log(0.02)) / 2)
    width = float(np.exp(np.interp(k, [1, 200], np.log([0.5, 24]))))
    blurred = np.asarray(idctn(left * np.asarray(dctn(picture, norm="ortho")), norm="ortho"))
    wanted = gaussian_filter(picture, width, mode="reflect", truncate=12)
    assert np.abs(blurred - wanted).max() < 1e-6


def objective(variance: float, taken: float, weight: Any) -> float:
    """E w (D - z)^2 over ln sigma ~ N(-1.2, 1.2^2) of the Wiener filter of another variance."""

    def integrand(x: float) -> float:
        noise, density = np.exp(2 * x), np.exp(-(((x + 1.2) / 1.2) ** 2) / 2) / 1.2
        gain = taken / (taken + noise)
        return density * weight(np.exp(x)) * ((1 - gain) ** 2 * variance + gain**2 * noise)

    return quad(integrand, -8.4, 6, limit=300)[0] / np.sqrt(2 * np.pi)


@pytest.mark.parametrize(
    ("loss", "weight"),
    [
        ("epsilon", lambda s: 1 / s**2),
        ("v", lambda s: (1 + s**2) / s**2),  # alpha eps - sigma x, off by e / sigma_vp
        ("flow", lambda s: (1 + 1 / s) ** 2),  # eps - x, off by e / t
        ("edm", lambda s: (s**2 + 0.25) / (0.5 * s) ** 2),
        ("min-snr", lambda s: min(1 / s**2, 5)),
    ],
)
def test_implied_weights_by_their_definition(loss: Any, weight: Any) -> None:
    variance = np.array([1e-3, 0.05, 0.6, 20.0])
    found = implied_weights(variance, log_normal_density(-1.2, 1.2), loss, sigma_data=0.5)
    least = np.array([objective(v, v, weight) for v in variance])
    for v, own, at in zip(found.weight, least, variance, strict=True):
        sides = [objective(at, at * c, weight) - own for c in (1.01, 0.99)]
        nats = [0.5 * (1 / c - 1 + np.log(c)) for c in (1.01, 0.99)]
        assert sum(sides) / sum(nats) == pytest.approx(v, rel=5e-4)
    assert found.share == pytest.approx(least / least.sum(), rel=1e-4)


@pytest.mark.parametrize("name", ["own noise, Fourier", "blurred"])
def test_bound_training_spends_equally_on_every_nat(name: str) -> None:
    schedule = SCHEDULES[name]
    ends = schedule.log_snr(np.array([0.0, 1.0]))
    # 4 g^2 (1 - g) d ln sigma = d g^2
    wanted = expit(ends[0]) ** 2 - expit(ends[1]) ** 2
    assert schedule_weights(schedule, "bound").weight == pytest.approx(wanted, rel=2e-3)


def test_a_weighting_says_how_far_it_misses_any_component() -> None:
    for name in ("bound", "octave", "contrast"):
        found = frequency_weighting(SPECTRUM, name)
        x = np.linspace(-16, 12, 4001)
        per_nat = found.per_nat_at(-2 * x)
        log_snr = np.log(SPECTRUM.variances["dct"])[..., None] - 2 * x
        implied = np.trapezoid(4 * expit(log_snr) ** 2 * expit(-log_snr) * per_nat, x, axis=-1)
        missed = np.abs(np.log(implied / found.weight)).max()
        assert missed == pytest.approx(found.residual, rel=0.1, abs=1e-3)


def test_draws_have_the_density_of_drowning_modes() -> None:
    variance = SPECTRUM.variances["dct"]
    draws = training_density(variance).sample(20_000, torch.Generator().manual_seed(0)).numpy()
    alive = [(variance / (variance + s**2)).mean() for s in np.sort(draws)[::500]]
    assert 1 - np.array(alive) == pytest.approx(np.arange(0, 1, 1 / 40), abs=2e-4)


@pytest.mark.parametrize("kind", ["modes", "information"])
@pytest.mark.parametrize("name", ["own noise, Fourier", "blurred"])
def test_times_have_the_density_of_what_is_lost(name: str, kind: Any) -> None:
    made = schedule_with_density(SCHEDULES[name], kind, coverage=0.0)
    times = made.sample_times(4000, torch.Generator().manual_seed(0)).numpy()
    log_snr = made.log_snr(np.r_[0.0, 1.0, np.sort(times)[::100]]).reshape(42, -1)
    left = (expit(log_snr) if kind == "modes" else np.logaddexp(0, log_snr)).sum(axis=1)
    share = (left[0] - left[2:]) / (left[0] - left[1])
    assert share == pytest.approx(np.arange(0, 1, 1 / 40), abs=1e-3)


def test_averaging_areas_is_what_the_box_response_says() -> None:
    z = np.random.default_rng(0).normal(size=24)  # onto 16: areas of 3 halves
    halves = np.repeat(np.asarray(idctn(z, norm="ortho")), 2)
    assert box_response(16, 24) @ z == pytest.approx(
        dctn(halves.reshape(16, 3).mean(axis=1), norm="ortho"), abs=1e-12
    )


def test_pure_upsampling_is_sd3s_rule_and_a_larger_field_is_not() -> None:
    coarse = rough((1, 8, 8))
    variance = np.full((1, 16, 16), 1e-6)
    variance[:, :8, :8] = 4 * coarse.variances["dct"]  # the same sum of waves at 4 times the places
    fine = replace(rough((1, 16, 16)), variances={"dct": variance})
    found = sigma_scale(coarse, fine)
    assert (found.scale, found.sd3) == (pytest.approx(2), 2)
    for strength in (0.0, 0.6, 2.0):
        ours = derive_schedule(coarse, basis="dct", ordering_strength=strength, prior="data")
        t = np.linspace(0, 1, 7)
        moved = transfer_schedule(ours, fine).log_snr(t)[..., :8, :8]
        assert np.abs(moved - ours.log_snr(t)).max() < 1e-9
    wide = known_spectrum(power_law(2.0), (1, 16, 16))
    same = sigma_scale(known_spectrum(power_law(2.0), (1, 8, 8)), wide, relation="extension")
    assert same.sd3 == 2
    assert same.scale == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", ["own noise, Fourier", "blurred", "columns"])
def test_the_bound_of_a_wrong_filter_term_by_term(name: str) -> None:
    """D = W' z(t) with W' of 1.3 lambda: every term is an integral of one number a component."""
    schedule = SCHEDULES[name]
    process = DiffusionProcess(schedule)
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, *schedule.shape, generator=generator)

    def filtered(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha, sigma = process.alpha_sigma(t)
        power = 1.3 * alpha**2 * process.variance
        return power / (power + sigma**2) / alpha * noised

    levels, count = 32, 400
    x = process.examples(process.variance.sqrt() * draw(count))
    strata = torch.arange(levels)[:, None] + torch.rand(levels, count, generator=generator)
    found = variational_bound(filtered, process, x, draw(levels + 1, count), strata / levels)
    log_snr = schedule.log_snr(np.linspace(0, 1, 8001))
    gain, r = expit(log_snr + np.log(1.3)), np.exp(log_snr)
    eps_error = r * (1 - gain) ** 2 + gain**2
    diffusion = -0.25 * (np.diff(log_snr, axis=0) * (eps_error[1:] + eps_error[:-1])).sum()
    decoder = schedule.variance / (1 + r[0])
    left = schedule.variance * eps_error[0] / r[0] / decoder
    reconstruction = 0.5 * (np.log(2 * np.pi * decoder) + left).sum()
    prior = 0.5 * np.log1p(r[-1]).sum()
    for term, wanted in (
        (found.prior, prior),
        (found.diffusion, diffusion),
        (found.reconstruction, reconstruction),
    ):
        assert abs(term.mean() - wanted) < 5 * term.std() / count**0.5 + 1e-3


def test_one_curve_for_other_libraries() -> None:
    standard, own = SCHEDULES["standard"], SCHEDULES["own noise, Fourier"]
    t = np.linspace(0, 1, 33)
    view = scalar_view(standard)
    assert logit(view.flow_time(t)) == pytest.approx(-view.log_ratio(t) / 2, abs=1e-12)
    instead = scalar_view(own).sigma(t).reshape(-1, 1, 1, 1)
    same = 0.5 * np.log1p(own.variance / instead**2).sum(axis=(1, 2, 3))
    assert same == pytest.approx(own.information(t), rel=1e-5)
    plain, gain = whitened(own)
    noise = gain**2 * own.variance * np.exp(-own.log_snr(t))  # sigma_i^2 of gain_i z_i
    assert np.ptp(np.log(noise), axis=(1, 2, 3)).max() < 1e-12
    assert np.log(plain.variance / noise) == pytest.approx(plain.log_snr(t), abs=1e-12)
