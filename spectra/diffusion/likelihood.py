"""The variational bound on -log p(x), in three labelled terms, bits/dim."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import softplus

from spectra.diffusion.process import DiffusionProcess
from spectra.errors import InputError
from spectra.schedule import Schedule

__all__ = [
    "Bound",
    "bits_per_dim",
    "gaussian_bits_per_dim",
    "information_lost",
    "information_times",
    "variational_bound",
]

# Noise under 1e-6 of the signal is lost in float32.
ROUNDING_LOG_SNR = 25.0
# Knots of the information lost; points times components where each has its own curve.
KNOTS, MOST_POINTS = 4097, 2**25

# (z(t) [B, C, *spatial], t [B]) -> z_hat [B, C, *spatial]
Denoise = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Bound:
    """Terms of the bound, nats an example, float64 [B] each.

    Attributes
    ----------
    prior : tensor
        sum_i KL(q(z_i(1) | x) || N(0, v_i)).
    diffusion : tensor
        1/2 sum_i int E (eps_i - eps_hat_i)^2 d(-log SNR_i).
    reconstruction : tensor
        -log p(x | z(0)) under a Gaussian decoder around z_hat.
    """

    prior: torch.Tensor
    diffusion: torch.Tensor
    reconstruction: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        return self.prior + self.diffusion + self.reconstruction


def bits_per_dim(nats: np.ndarray, dimensions: int, quantum: float) -> np.ndarray:
    """Nats of a density over values to bits/dim of the integers they stand for.

    For 8-bit values in [-1, 1] (quantum = 2/255) this adds log2 127.5 = 6.99435. Without a
    value grid it is the differential entropy, in bits/dim of the values' own units.
    """
    shift = -np.log2(quantum) if quantum > 0 else 0.0
    return np.asarray(nats) / (dimensions * np.log(2)) + shift


def gaussian_bits_per_dim(
    schedule: Schedule, second_moments: np.ndarray, quantum: float
) -> np.ndarray:
    """Closed form of the bound with the Wiener filter as denoiser, bits/dim.

    Parameters
    ----------
    schedule : Schedule
        Its lambda_i are the model's.
    second_moments : float64 [..., C, *spatial]
        E z_i^2 of the examples scored, about the schedule's mean, rounding noise included.
    quantum : float

    Notes
    -----
    The cross-entropy 1/2 sum [ln 2 pi lambda_i + m_i / lambda_i] of N(0, lambda); with m_i =
    lambda_i the entropy 1/2 sum ln(2 pi e lambda_i). It does not depend on the path.
    """
    terms = np.log(2 * np.pi * schedule.variance) + second_moments / schedule.variance
    nats = 0.5 * terms.sum(axis=tuple(range(-schedule.variance.ndim, 0)))
    return bits_per_dim(nats, schedule.variance.size, quantum)


def information_times(schedule: Schedule, quantile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times even in the Gaussian surrogate's information, and d clock / d quantile.

    The integrand of the bound is flat along them for Gaussian data, whatever the schedule's own
    pace: two schedules are scored with the same care. The clock is `schedule.clock`'s.
    """
    lost, clock = information_lost(schedule)
    at = np.interp(quantile, lost, clock)
    segment = np.clip(np.searchsorted(lost, quantile, side="right"), 1, len(lost) - 1)
    rate = np.diff(clock)[segment - 1] / np.diff(lost)[segment - 1]
    return np.interp(at, schedule.clock, schedule.t), rate


@lru_cache(maxsize=2)  # asked for with every batch
def information_lost(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """Share of the Gaussian surrogate's information lost, rising from 0 to 1, and the clock there.

    ([K], [K]); stretches of the clock in which nothing is lost are left out.
    """
    points = KNOTS
    if not schedule.separable:  # each point then costs as much as an example
        points = int(np.clip(MOST_POINTS // schedule.variance.size, 257, KNOTS))
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], points)
    if not schedule.separable and len(schedule.clock) <= points:
        clock = np.union1d(clock, schedule.clock)
    left = schedule.information(np.interp(clock, schedule.clock, schedule.t))
    if not left[0] > left[-1]:
        raise InputError("schedule: no information is lost between t = 0 and t = 1; widen its ends")
    lost = (left[0] - left) / (left[0] - left[-1])
    keep = np.r_[True, np.diff(np.maximum.accumulate(lost)) > 0]
    return np.maximum.accumulate(lost)[keep], clock[keep]


def variational_bound(
    denoise: Denoise,
    process: DiffusionProcess,
    x: torch.Tensor,
    noise: torch.Tensor,
    quantile: torch.Tensor,
    *,
    control: bool = True,
) -> Bound:
    """Upper bound on -log p(x) for each example, nats.

    Parameters
    ----------
    denoise : callable
    process : DiffusionProcess
    x : tensor [B, C, *spatial]
        Examples, in data values, rounding noise added.
    noise : tensor [K + 1, B, C, *spatial]
        Standard normal in components: one draw a noise level, and one for t = 0.
    quantile : tensor [K, B]
        Uniform in [0, 1]; stratified over K, they make the integral's noise small.
    control : bool
        Take the Wiener filter as control variate: its terms are known in closed form, so only
        the difference between it and the denoiser is drawn. The mean is the same either way.

    Notes
    -----
    Kingma et al., "Variational Diffusion Models" (2021), with one gamma_i a component, and
    N(0, v_i), v_i = alpha_i(1)^2 lambda_i + sigma_i(1)^2 s_i^2, as what sampling starts from.
    """
    z = process.components(x)
    power = (z**2 / process.variance).double()
    wiener = _wiener_bound(process, power)
    levels = len(quantile)
    diffusion = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    drawn = information_times(process.schedule, quantile.double().cpu().numpy())
    times, rates = (torch.from_numpy(values).to(x.device) for values in drawn)  # [K, B]
    for k in range(levels):
        weight = process.decay(times[k])
        error = _eps_error(denoise, process, z, times[k], noise[k], control, weight)
        diffusion += 0.5 * rates[k] * error / levels

    t = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    # lambda / (1 + SNR) is the decoder's variance: an error in it is SNR / (1 + SNR) one of eps.
    log_snr = process.log_snr(t[:1]).double()
    weight = 1 / torch.sigmoid(log_snr)
    error = _eps_error(denoise, process, z, t, noise[levels], control, weight)
    reconstruction = 0.5 * error
    if control:
        return Bound(
            wiener.prior, diffusion + wiener.diffusion, reconstruction + wiener.reconstruction
        )
    decoder = 0.5 * (torch.log(2 * torch.pi * process.variance.double()) - softplus(log_snr)).sum()
    return Bound(wiener.prior, diffusion, reconstruction + decoder)


def _eps_error(
    denoise: Denoise,
    process: DiffusionProcess,
    z: torch.Tensor,
    t: torch.Tensor,
    noise: torch.Tensor,
    control: bool,
    weight: torch.Tensor | float = 1.0,
) -> torch.Tensor:
    """sum_i weight_i (eps_i - eps_hat_i)^2, less the Wiener filter's where it is the control."""
    noised = process.noised(z, t, noise)
    log_snr = process.log_snr(t)
    error = (z - denoise(noised, t)) ** 2
    if control:
        alpha, _ = process.alpha_sigma(t)
        error = error - (z - torch.sigmoid(log_snr) / alpha * noised) ** 2
        # Where hardly any noise is left both say z(t), and rounding is all that differs.
        error = torch.where(log_snr < ROUNDING_LOG_SNR, error, 0.0)
    return _total(weight * (log_snr.exp() / process.variance * error))


def _wiener_bound(process: DiffusionProcess, power: torch.Tensor) -> Bound:
    """The bound of the Wiener filter in closed form; power = z^2 / lambda [B, C, *spatial].

    With r = SNR / (1 + SNR): the error of eps is r (1 - r) z^2 / lambda + r^2 in expectation,
    whose integral over ln SNR is r z^2 / lambda + ln(1 + SNR) - r.
    """
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64, device=power.device)
    clean, noisy = process.log_snr(ends).double()
    # 1 - r is sigmoid(-log SNR), its logarithm -softplus: no digits are lost at high SNR.
    r0, r1, rest0 = torch.sigmoid(clean), torch.sigmoid(noisy), torch.sigmoid(-clean)
    passed = torch.sigmoid(-noisy) - rest0  # r0 - r1
    decoder = torch.log(2 * torch.pi * process.variance.double()) - softplus(clean)
    return Bound(
        prior=0.5 * _total(r1 * power - r1 + softplus(noisy)),
        diffusion=0.5 * _total(passed * power + softplus(clean) - softplus(noisy) - passed),
        reconstruction=0.5 * _total(decoder + rest0 * power + r0),
    )


def _total(terms: torch.Tensor) -> torch.Tensor:
    """Sum over components in float64, [B, C, *spatial] -> [B]."""
    return terms.double().flatten(1).sum(1)
