"""-log p(x) along the probability flow: exact where the divergence is, or drawn with its error."""

from dataclasses import dataclass

import numpy as np
import torch

from spectra.diffusion.likelihood import Denoise, information_lost
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.randomness import SCORING, uniform
from spectra.errors import InputError, check_number
from spectra.schedule import Schedule

__all__ = ["OdeLikelihood", "ode_likelihood", "ode_times"]

# Components up to which the divergence is taken in full.
EXACT_DIMENSIONS = 1024
PROBES = 8
# Its draws lie where no noise level of the bound does.
PROBE_STEP = 1 << 20
STEPS = 128


@dataclass(frozen=True)
class OdeLikelihood:
    """-log p of each example, nats, float64 [B] each.

    Attributes
    ----------
    prior : tensor
        -log N(y(1); 0, v / alpha(1)^2), less the volume that the Wiener flow brings.
    volume : tensor
        What the flow's divergence differs from the Wiener flow's; 0 for Gaussian data.
    standard_error : tensor
        Of the drawn divergence; 0 where it is exact, NaN with one probe.
    """

    prior: torch.Tensor
    volume: torch.Tensor
    standard_error: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        return self.prior + self.volume


def ode_likelihood(
    denoise: Denoise,
    process: DiffusionProcess,
    x: torch.Tensor,
    *,
    steps: int = STEPS,
    probes: int | None = None,
    seed: int = 0,
    indices: np.ndarray | None = None,
    rows: int = 1024,
) -> OdeLikelihood:
    r"""-log p_0(x) under the probability flow, nats.

    p_0 is the density of what the flow ends in at t = 0, before the samplers' last step: for the
    exact denoiser that of the data with the schedule's own noise, sigma_i(0) s_i / alpha_i(0) in
    component i, added. It is a density that integrates to 1, so its mean over the data is at least
    their entropy. Above it lies, for components with SNR_i(0) of their own,
    1/2 sum [ln(1 + 1/SNR_i(0)) - 1/(1 + SNR_i(0))] or about 1/4 sum SNR_i(0)^-2 nats.
    Of a value grid the rounding noise has to be added to x; then `bits_per_dim` takes the total
    to the bits/dim of the integers, the same scale as the bound's.

    Parameters
    ----------
    denoise : callable
        z_hat(z(t) [B, C, \*spatial], t [B]), with gradients to its first argument; examples of a
        batch must not see each other.
    process : DiffusionProcess
    x : tensor [B, C, \*spatial]
        Examples, in data values; `denoise` is given its dtype.
    steps : int
        Of Heun's method on `ode_times`. One after another, d components need d times as many.
    probes : int, optional
        Rademacher vectors that draw the divergence (Hutchinson), anew at every noise level. None:
        the exact divergence up to 1,024 components, 8 above; 0: exact whatever it costs.
    seed, indices : int, int array [B]
        The probes of an example depend on (seed, its number) alone; by default 0 .. B - 1.
    rows : int
        Examples times probes given to `denoise` at a time.

    Raises
    ------
    InputError
        steps or rows under 1, probes under 0, or a denoiser without gradients.

    Notes
    -----
    In y = z(t) / alpha(t) and s = sigma / alpha the flow is dy_i = (y_i - D_i) d ln s_i, component
    by component; what stands does not move. It is followed in u_i = y_i / sqrt(lambda_i + s_i^2),
    du_i = (W_i y_i - D_i) / sqrt(lambda_i + s_i^2) d ln s_i, which a Wiener filter leaves at rest:
    only what the denoiser knows beyond it is integrated.
    Song et al., "Score-Based Generative Modeling through Stochastic Differential Equations" (2021),
    appendix D.2; Karras et al. (2022), eq. 1; Hutchinson (1990).
    """
    check_number("steps", steps, low=1)
    check_number("rows", rows, low=1)
    check_number("probes", 0 if probes is None else probes, low=0)
    count = _probe_count(probes, int(np.prod(process.shape)))
    numbers = np.arange(len(x)) if indices is None else np.asarray(indices)
    flow = _Flow(denoise, process, ode_times(process.schedule, steps), x.dtype)

    def rademacher(knot: int, probe: int) -> torch.Tensor:
        step = PROBE_STEP + knot * count + probe
        drawn = uniform(SCORING, seed, step, numbers, process.shape).to(x.device)
        return torch.where(drawn < 0.5, -1.0, 1.0)

    with torch.no_grad():
        u = process.components(x).double() / flow.spread[0]
        volume = torch.zeros(max(count, 1), len(x), dtype=torch.float64, device=x.device)
        for k in range(steps + 1):
            before = flow.moved[k - 1] if k > 0 else 0.0
            after = flow.moved[k] if k < steps else 0.0
            weight = torch.as_tensor(before + after) / 2  # the trapezoid's, a component
            if count == 0:
                volume[0] -= flow.divergence(u, k, weight, rows)
            else:
                for p in range(count):
                    volume[p] -= flow.drawn_divergence(u, k, weight, rademacher(k, p))
            if k == steps:
                break
            slope = flow.slope(u, k)
            trial = u + slope * flow.moved[k]
            u = u + (slope + flow.slope(trial, k + 1)) / 2 * flow.moved[k]
    terms = 0.5 * (u**2 + np.log(2 * np.pi)) + flow.spread[0].log()
    return OdeLikelihood(terms.flatten(1).sum(1), volume.mean(0), _standard_error(volume, count))


def ode_times(schedule: Schedule, steps: int) -> np.ndarray:
    """Times 0 = t_0 < ... < t_N = 1: half even in information, half in the clock, [N + 1]."""
    lost, clock = information_lost(schedule)
    lost, clock = np.append(lost, 1.0), np.append(clock, schedule.clock[-1])
    share = (lost + (clock - clock[0]) / (clock[-1] - clock[0])) / 2
    knots = np.interp(np.linspace(0, 1, steps + 1), share, clock)
    times = np.interp(knots, schedule.clock, schedule.t)
    times[0], times[-1] = 0.0, 1.0
    return times


def _probe_count(probes: int | None, dimensions: int) -> int:
    """How many probes draw the divergence; 0 takes it in full."""
    if probes is None:
        return 0 if dimensions <= EXACT_DIMENSIONS else PROBES
    return int(probes)


def _standard_error(volume: torch.Tensor, probes: int) -> torch.Tensor:
    """Of the mean over probes, [P, B] -> [B]; 0 where none were drawn."""
    if probes < 2:
        return torch.full_like(volume[0], 0.0 if probes == 0 else float("nan"))
    return volume.std(0) / probes**0.5


class _Flow:
    """The probability flow in u at the knots of a grid, less the Wiener filter's.

    Attributes
    ----------
    spread : float64 [N + 1, C, *spatial]
        sqrt(lambda_i + s_i^2): y = spread u.
    moved : float64 [N, C, *spatial]
        By how much ln s_i rises in each step.
    """

    def __init__(
        self, denoise: Denoise, process: DiffusionProcess, times: np.ndarray, dtype: torch.dtype
    ) -> None:
        variance = process.variance.double()
        self.denoise, self.dtype = denoise, dtype
        self.t = torch.from_numpy(times).to(variance.device)
        log_snr = process.log_snr(self.t).double()
        self.moved = -log_snr.diff(dim=0) / 2
        self.alpha = process.alpha_sigma(self.t)[0].double()
        self.gain = torch.sigmoid(log_snr)  # W
        self.spread = (variance * (1 + torch.exp(-log_snr))).sqrt()

    def estimate(self, u: torch.Tensor, k: int) -> torch.Tensor:
        """D at knot k, of u [B, C, *spatial]."""
        noised = (self.alpha[k] * self.spread[k] * u).to(self.dtype)
        return self.denoise(noised, self.t[k].expand(len(u))).double()

    def slope(self, u: torch.Tensor, k: int) -> torch.Tensor:
        """du_i / d ln s_i = W_i u_i - D_i / spread_i, [B, C, *spatial]."""
        return self.gain[k] * u - self.estimate(u, k) / self.spread[k]

    def divergence(self, u: torch.Tensor, k: int, weight: torch.Tensor, rows: int) -> torch.Tensor:
        """sum_i weight_i d slope_i / d u_i, row by row of the Jacobian, [B]."""
        moving = weight.flatten().nonzero()[:, 0]  # what stands brings nothing
        total = (self.gain[k] * weight).sum().expand(len(u)).clone()
        chunk = max(1, rows // len(u))
        for start in range(0, len(moving), chunk):
            place = moving[start : start + chunk]
            units = torch.zeros(len(place), weight.numel(), dtype=u.dtype, device=u.device)
            units[torch.arange(len(place)), place] = 1
            probes = units.reshape(-1, 1, *u.shape[1:]).expand(-1, *u.shape)
            total -= self._quadratic(u, k, weight, probes).sum(0)
        return total

    def drawn_divergence(
        self, u: torch.Tensor, k: int, weight: torch.Tensor, probe: torch.Tensor
    ) -> torch.Tensor:
        """Its unbiased draw by one Rademacher vector an example [B, C, *spatial], [B]."""
        known = (self.gain[k] * weight).sum()
        return known - self._quadratic(u, k, weight, probe[None].to(u.dtype))[0]

    def _quadratic(
        self, u: torch.Tensor, k: int, weight: torch.Tensor, probes: torch.Tensor
    ) -> torch.Tensor:
        """v^T diag(weight) (dD / dy) v, of probes v [P, B, C, *spatial], [P, B].

        In u both ends are scaled by `spread`, so v is scaled back on one and up on the other.
        """
        at = u.expand_as(probes).flatten(0, 1).clone()
        v = probes.flatten(0, 1)
        with torch.enable_grad():
            at.requires_grad_()
            along = (self.estimate(at, k) * (v * weight / self.spread[k])).sum()
        if not along.requires_grad:
            raise InputError(
                "denoise: its estimate carries no gradient, and the divergence needs one; call the "
                "network without torch.no_grad"
            )
        turned = torch.autograd.grad(along, at)[0]
        return (turned * v).flatten(1).sum(1).reshape(len(probes), len(u))
