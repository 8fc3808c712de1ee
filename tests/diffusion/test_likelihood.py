"""The variational bound on Gaussian data with the exact denoiser: closed forms, term by term."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import (
    Bound,
    bits_per_dim,
    gaussian_bits_per_dim,
    information_times,
    variational_bound,
)
from spectra.diffusion.process import DiffusionProcess
from tests.diffusion.gaussians import exact_denoiser, paired_draws
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0, 1e-2), (1, 16, 16), quantum=2 / 255)
DIMENSIONS = 256
STRENGTHS = [0.0, 0.5, 1.0, 2.0]
ENDS = np.array([0.0, 1.0])


def bound_of(
    process: DiffusionProcess, denoise: Callable[..., torch.Tensor], control: bool
) -> Bound:
    x, noise, quantile = paired_draws(process, n=64, levels=64)
    with torch.no_grad():
        return variational_bound(denoise, process, x, noise, quantile, control=control)


def closed_form(schedule: spectra.Schedule) -> dict[str, float]:
    """Section 9's terms, nats an example."""
    clean, noisy = np.exp(schedule.log_snr(ENDS))
    return {
        "prior": 0.5 * np.log1p(noisy).sum(),
        "diffusion": 0.5 * (np.log1p(clean) - np.log1p(noisy)).sum(),
        "reconstruction": 0.5 * np.log(2 * np.pi * np.e * schedule.variance / (1 + clean)).sum(),
        "total": 0.5 * np.log(2 * np.pi * np.e * schedule.variance).sum(),
    }


@cache
def schedules() -> dict[str, spectra.Schedule]:
    derived = {
        f"a = {strength:g}": spectra.derive_schedule(SPECTRUM, ordering_strength=strength)
        for strength in STRENGTHS
    }
    return derived | {
        "by frequency, data prior, flow": spectra.derive_schedule(
            SPECTRUM, ordering="frequency", ordering_strength=2.0, prior="data", form="flow"
        ),
        "much left at t = 1": spectra.derive_schedule(
            SPECTRUM, ordering_strength=0.5, g_denoise=-2.0, g_noise=-1.0
        ),
        "rectified flow": spectra.standard_schedule(SPECTRUM),
        "one after another, clipped": spectra.preset("columns", SPECTRUM, gamma_min=-8.0),
        "nearly autoregressive": spectra.preset("rows", SPECTRUM, tau_max=0.9, gamma_min=-6.0),
        "blurring": spectra.preset("blurring", SPECTRUM),
        "blur alone": spectra.preset("heat-dissipation", SPECTRUM, noise=0.1, blur_max=3.0),
        "power-law noise": spectra.preset("power-law-noise", SPECTRUM),
        "fourier, edm": spectra.standard_schedule(SPECTRUM, process="edm", basis="fourier"),
    }


NAMES = list(schedules())


@pytest.mark.parametrize(
    ("name", "control"),
    then_slow(
        [(NAMES[0], False), *((name, True) for name in NAMES[::3])], product(NAMES, (True, False))
    ),
)
def test_bound_and_its_terms_are_the_closed_forms(name: str, control: bool) -> None:
    """Total within 0.005 bits/dim of the entropy 1/2 sum ln(2 pi e lambda), each term too.

    With the control variate the terms are known; without it they are drawn, so that the
    estimator itself is tested.
    """
    schedule = schedules()[name]
    process = DiffusionProcess(schedule)
    bound = bound_of(process, exact_denoiser(process), control=control)
    unit = DIMENSIONS * np.log(2)
    for term, expected in closed_form(schedule).items():
        measured = float(getattr(bound, term).mean())
        assert (measured - expected) / unit == pytest.approx(0, abs=0.005), term
    total = bits_per_dim(bound.total.numpy(), DIMENSIONS, schedule.quantum).mean()
    entropy = gaussian_bits_per_dim(schedule, schedule.variance, schedule.quantum)
    assert total == pytest.approx(entropy, abs=0.005)


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_scored_by_its_own_density(name: str) -> None:
    """With the exact denoiser the mean bound of an example is its negative log-density.

    Under the control variate there is nothing left to draw: one noise level is enough.
    """
    schedule = schedules()[name]
    process = DiffusionProcess(schedule)
    x, noise, quantile = paired_draws(process, n=8, levels=1)
    bound = variational_bound(exact_denoiser(process), process, x, noise, quantile)
    z = process.components(x).double().numpy()
    density = gaussian_bits_per_dim(schedule, z**2, schedule.quantum)
    measured = bits_per_dim(bound.total.numpy(), DIMENSIONS, schedule.quantum)
    np.testing.assert_allclose(measured, density, atol=1e-4)


@pytest.mark.parametrize("control", [True, False])
def test_examples_are_scored_independently(control: bool) -> None:
    """In a batch, each at times of its own, as alone."""
    process = DiffusionProcess(schedules()["a = 0.5"])
    generator = torch.Generator().manual_seed(0)
    x, noise, _ = paired_draws(process, n=3, levels=4)
    quantile = torch.rand(4, 6, generator=generator)
    denoise = dimmed(0.9, process)
    together = variational_bound(denoise, process, x, noise, quantile, control=control)
    for i in range(6):
        part = slice(i, i + 1)
        alone = variational_bound(
            denoise, process, x[part], noise[:, part], quantile[:, part], control=control
        )
        for term in ("prior", "diffusion", "reconstruction"):
            ours, theirs = getattr(together, term)[i], getattr(alone, term)[0]
            assert float(ours) == pytest.approx(float(theirs), rel=1e-4, abs=1e-3)


def test_the_bound_does_not_depend_on_the_path() -> None:
    """No free lunch in likelihood: the closed forms of all strengths are one number."""
    totals = [closed_form(schedule)["total"] for schedule in schedules().values()]
    in_dct = [schedule.basis == "dct" for schedule in schedules().values()]
    by_basis = [total for total, same in zip(totals, in_dct, strict=True) if same]
    np.testing.assert_allclose(by_basis, by_basis[0], rtol=1e-12)
    for schedule in schedules().values():
        terms = closed_form(schedule)
        parts = terms["prior"] + terms["diffusion"] + terms["reconstruction"]
        assert parts == pytest.approx(terms["total"], rel=1e-12)


def dimmed(factor: float, process: DiffusionProcess) -> Callable[..., torch.Tensor]:
    exact = exact_denoiser(process)
    return lambda noised, t: factor * exact(noised, t)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_control_variate_does_not_move_the_mean(strength: float) -> None:
    """A denoiser that is wrong scores worse, and the same with the control and without."""
    process = DiffusionProcess(schedules()[f"a = {strength:g}"])

    def denoise(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """The Wiener filter of data twice as strong."""
        alpha, _ = process.alpha_sigma(t)
        return torch.sigmoid(process.log_snr(t) + np.log(2)) / alpha * noised

    with_control, without = (
        bound_of(process, denoise, control=control) for control in (True, False)
    )
    unit = DIMENSIONS * np.log(2)
    for term in ("prior", "diffusion", "reconstruction", "total"):
        difference = getattr(with_control, term) - getattr(without, term)
        assert float(difference.mean()) / unit == pytest.approx(0, abs=0.005), term
    exact = bound_of(process, exact_denoiser(process), control=True)
    assert float((with_control.total - exact.total).mean()) / unit > 0.02
    drawn = [(b.diffusion - exact.diffusion).std() for b in (with_control, without)]
    assert drawn[0] < 0.5 * drawn[1]


def test_error_of_a_wrong_denoiser_is_exact() -> None:
    """z_hat = c z_wiener: 1/2 sum int [(1 - c r)^2 r ... ] by quadrature equals the drawn bound."""
    schedule = schedules()["a = 0.5"]
    process = DiffusionProcess(schedule)
    factor = 0.9
    pace = np.linspace(schedule.pace[0], schedule.pace[-1], 20_001)
    snr = np.exp(schedule.offset.ravel()[None] - pace[:, None])
    share = snr / (1 + snr)
    # SNR / lambda E (z - c W z(t) / alpha)^2 = SNR (1 - 2 c r + c^2 r) with r = SNR / (1 + SNR).
    error = (snr * (1 - 2 * factor * share + factor**2 * share)).sum(axis=1)
    expected = 0.5 * np.trapezoid(error, pace)
    drawn = bound_of(process, dimmed(factor, process), control=False)
    assert float(drawn.diffusion.mean()) == pytest.approx(expected, rel=0.02)
    clean = np.exp(schedule.log_snr(ENDS[:1])[0])
    wrong = (1 - 2 * factor * clean / (1 + clean) + factor**2 * clean / (1 + clean)) * (1 + clean)
    variance = schedule.variance / (1 + clean)
    reconstruction = 0.5 * (np.log(2 * np.pi * variance) + wrong).sum()
    assert float(drawn.reconstruction.mean()) == pytest.approx(reconstruction, rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_times_even_in_information(name: str) -> None:
    """The bound's integrand is flat along them, and its mean is the diffusion term."""
    schedule = schedules()[name]
    quantile = (np.arange(4096) + 0.5) / 4096
    t, rate = information_times(schedule, quantile)
    assert ((t >= 0) & (t <= 1)).all()
    assert (np.diff(t) >= 0).all()
    snr = np.exp(schedule.log_snr(t)).reshape(len(t), -1)
    right = np.searchsorted(schedule.t, t).clip(1, len(schedule.t) - 1)
    speed = (np.diff(schedule.clock) / np.diff(schedule.t))[right - 1, None]
    fall = -schedule.log_snr_slope(t).reshape(len(t), -1) / speed
    fall = 1.0 if schedule.separable else fall
    integrand = 0.5 * rate * (fall * snr / (1 + snr)).sum(axis=1)
    terms = closed_form(schedule)
    # A window that opens or shuts between two points bends it there.
    flat = np.abs(integrand / terms["diffusion"] - 1) < 0.02
    assert flat.mean() > (0.9999 if schedule.separable else 0.98)
    assert integrand.mean() == pytest.approx(terms["diffusion"], rel=1e-3)


def test_bits_per_dim_of_eight_bit_values() -> None:
    """NLL / (d ln 2) + log2 127.5."""
    bits: Any = bits_per_dim(np.array([0.0, DIMENSIONS * np.log(2)]), DIMENSIONS, 2 / 255)
    assert bits[0] == pytest.approx(6.99435, abs=1e-5)
    assert bits[1] == pytest.approx(7.99435, abs=1e-5)
    assert bits_per_dim(np.array([0.0]), DIMENSIONS, 0.0)[0] == 0


def test_gaussian_closed_form_is_the_cross_entropy() -> None:
    schedule = schedules()["a = 1"]
    moments = np.stack([schedule.variance, 2 * schedule.variance])
    ours = gaussian_bits_per_dim(schedule, moments, 0.0) * DIMENSIONS * np.log(2)
    entropy = 0.5 * np.log(2 * np.pi * np.e * schedule.variance).sum()
    np.testing.assert_allclose(ours, [entropy, entropy + DIMENSIONS / 2], rtol=1e-12)
