"""One step of a component-wise solver at a time, as a diffusers scheduler takes them."""

from dataclasses import dataclass

import numpy as np
import torch

from spectra.diffusion.process import DiffusionProcess
from spectra.errors import InputError
from spectra.schedule import Schedule
from spectra.schedule.steps.recursion import LEAST_RATIO

__all__ = ["Levels", "Step", "Visits", "check_batches", "next_state"]

# Under this SNR a float32 estimate of the noise says nothing of the signal: its best estimate is
# then 0, which errs by less.
LEAST_SNR = 1e-10


def check_batches(shape: tuple[int, ...], first: object, second: object) -> None:
    """Refuse what is no pair of batches of examples, floating, alike and of the right shape.

    Whole numbers would be rounded to whole numbers again on the way out.
    """
    for given in (first, second):
        if not isinstance(given, torch.Tensor) or not given.is_floating_point():
            what = given.dtype if isinstance(given, torch.Tensor) else type(given).__name__
            raise InputError(f"examples of {what}: a tensor of floating point numbers is needed")
        if given.ndim != 1 + len(shape) or tuple(given.shape[1:]) != shape:
            raise InputError(
                f"examples of shape {tuple(given.shape)}: the schedule is for batches "
                f"[B, {', '.join(map(str, shape))}]"
            )
    if {len(first), len(second)} - {1, len(first)}:  # pyright: ignore[reportArgumentType]
        raise InputError(f"batches of {len(first)} and {len(second)}: they do not go together")  # pyright: ignore[reportArgumentType]


class Levels:
    """Signal and noise scales of a schedule's components, white at t = 1, on one device.

    A noised example has components signal z + spread eps, with signal / spread of the schedule
    and Var = 1 at t = 1.
    """

    def __init__(self, schedule: Schedule, device: torch.device | str) -> None:
        self.process = DiffusionProcess(schedule, device)
        self.mean = self.process.basis.forward(self.process.mean)
        self.log_variance = self.process.variance.log()
        end = torch.ones(1, dtype=torch.float64, device=device)
        signal, spread = self._variance_preserving(end)
        self.prior = (signal**2 * self.process.variance + spread**2).sqrt()  # [1, C, *spatial]

    def _variance_preserving(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """alpha and sigma with alpha^2 + sigma^2 = 1, [B] -> [B, C, *spatial] each."""
        ratio = self.process.log_snr(t) - self.log_variance
        return torch.sigmoid(ratio).sqrt(), torch.sigmoid(-ratio).sqrt()

    def scales(self, t: float | torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Signal and spread at times, [B] or one number -> [B or 1, C, *spatial] each."""
        t = torch.as_tensor(t, dtype=torch.float64, device=self.prior.device).reshape(-1)
        signal, spread = self._variance_preserving(t)
        return signal / self.prior, spread / self.prior

    def transform(self, image: torch.Tensor) -> torch.Tensor:
        """Components of noise or of a noised example; in float32 at least."""
        exact = torch.promote_types(image.dtype, torch.float32)
        return self.process.basis.forward(image.to(exact))

    def components(self, image: torch.Tensor) -> torch.Tensor:
        """Components of an example, about the mean; in float32 at least."""
        exact = torch.promote_types(image.dtype, torch.float32)
        return self.process.basis.forward(image.to(exact) - self.process.mean)

    def back(self, state: torch.Tensor) -> torch.Tensor:
        """A noised example from its components."""
        return self.process.basis.inverse(state)

    def examples(self, z: torch.Tensor) -> torch.Tensor:
        """An example from its components about the mean."""
        return self.process.examples(z)

    def denoised(
        self, state: torch.Tensor, said: torch.Tensor, t: float, prediction_type: str
    ) -> torch.Tensor:
        """Estimate of z from what the model says of the state, components [B, C, *spatial]."""
        signal, spread = self.scales(t)
        if prediction_type == "sample":
            return said - self.mean
        if prediction_type == "v_prediction":  # signal eps - spread z
            return (signal * state - spread * said) / (signal**2 + spread**2)
        if prediction_type == "flow_prediction":  # eps - z - mean
            return (state - spread * (said + self.mean)) / (signal + spread)
        seen = self.process.variance * (signal / spread) ** 2 > LEAST_SNR
        return torch.where(seen, (state - spread * said) / signal, 0.0)


@dataclass(frozen=True)
class Visits:
    """The times at which a sampler asks the model, in order.

    Attributes
    ----------
    knots : float64 [N + 1]
        Falling, 0 at the end.
    twice : bool
        Whether it comes to each knot but the first and the last twice, as Heun's does: once to
        correct the step that led there, once to leave.
    """

    knots: np.ndarray
    twice: bool

    @property
    def times(self) -> np.ndarray:
        """Of the visits, [N] or [2 N - 1]."""
        return np.repeat(self.knots[:-1], 2)[1:] if self.twice else self.knots[:-1]

    def step(self, visit: int) -> tuple[float, float, bool]:
        """Where the step of a visit starts and ends, and whether it is being corrected."""
        if visit >= len(self.times):
            raise InputError("step: sampling has ended; call set_timesteps before the next sample")
        correcting = self.twice and visit % 2 == 1
        start = visit // 2 if self.twice else visit
        return float(self.knots[start]), float(self.knots[start + 1]), correcting

    def check_next(self, visit: int, time: float) -> None:
        """Refuse a time out of turn: a solver's step leads on from the one before."""
        if visit < len(self.times) and not abs(self.times[visit] - time) < 1e-4:
            raise InputError(
                "timestep: it is not the next of scheduler.timesteps; call set_timesteps to begin "
                "again"
            )

    def index_of(self, time: float) -> int:
        """The visit at a time; of two the one that leaves."""
        away = np.abs(self.times - time)
        if not away.min() < 1e-4:
            raise InputError("timestep: it is none of scheduler.timesteps")
        return int(np.flatnonzero(away == away.min())[-1])


@dataclass(frozen=True)
class Step:
    """What a solver remembers of the call before.

    Attributes
    ----------
    denoised : tensor, optional
        Its estimate of z.
    noise : tensor, optional
        Its estimate of eps.
    stride : tensor, optional
        By how much ln(sigma / alpha) fell.
    """

    denoised: torch.Tensor | None = None
    noise: torch.Tensor | None = None
    stride: torch.Tensor | None = None


def next_state(
    levels: Levels,
    solver: str,
    state: torch.Tensor,
    denoised: torch.Tensor,
    here: float,
    there: float,
    last: Step,
    fresh: torch.Tensor | None = None,
    correcting: bool = False,
) -> tuple[torch.Tensor, Step]:
    """The state at `there`, all tensors components [B, C, *spatial].

    The formulas of `spectra.diffusion.solvers`, multiplied by the signal scale so that components
    that are all noise stay finite.

    Parameters
    ----------
    levels : Levels
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}
    state : tensor
        At `here`; if correcting, the first guess at `there`.
    denoised : tensor
        The estimate of z from `state`.
    here, there : float
        Times, `there` the smaller.
    last : Step
        Of the call before; empty at the first.
    fresh : tensor, ancestral only
        White noise.
    correcting : bool
        Whether this is Heun's second evaluation.
    """
    signal, spread = levels.scales(here)
    signal_next, spread_next = levels.scales(there)
    if correcting and last.noise is not None:
        noise = (state - signal_next * denoised) / spread_next
        move = (spread_next - signal_next * spread / signal) / 2
        return state + move * (noise - last.noise), Step()
    noise = (state - signal * denoised) / spread
    stride = torch.log(spread / signal) - torch.log(spread_next / signal_next)
    kept = Step(denoised, noise, stride)
    if solver == "2m" and last.denoised is not None and last.stride is not None:
        ratio = last.stride / stride
        moves = ratio > LEAST_RATIO  # a level that stood still says nothing of the slope
        slope = (denoised - last.denoised) / (2 * torch.where(moves, ratio, 1.0))
        ahead = denoised + torch.where(moves, slope, 0.0)
        shrink = spread_next / spread
        return shrink * state + (signal_next - signal * shrink) * ahead, kept
    if solver == "ancestral" and fresh is not None:
        down = torch.exp(-stride)
        up = (1 - down**2).clamp(min=0).sqrt()
        return signal_next * denoised + spread_next * (down * noise + up * fresh), kept
    return signal_next * denoised + spread_next * noise, kept
