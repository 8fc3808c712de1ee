"""The forward process: a schedule's tables as tensors."""

import numpy as np
import torch

from spectra.diffusion.state import NoiseState
from spectra.schedule import Schedule
from spectra.schedule.steps.gaussian import MOST_LOG_SNR

__all__ = ["DiffusionProcess"]


class DiffusionProcess:
    """z(t) = alpha(t) z + sigma(t) s eps in the components z = U (x - mean) of an example.

    Parameters
    ----------
    schedule : Schedule
    device : torch.device or str

    Attributes
    ----------
    variance, sigma_data : tensors
        lambda_i [C, *spatial], and the root of its mean [].
    """

    def __init__(self, schedule: Schedule, device: torch.device | str = "cpu") -> None:
        self.schedule = schedule
        self.basis = schedule.make_basis()
        self.shape = schedule.shape
        self.form = schedule.form

        def table(values: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.tensor(values, dtype=dtype, device=device)

        self.mean = table(schedule.mean)
        self.variance = table(schedule.variance)
        self.sigma_data = self.variance.mean().sqrt()
        self._offset = table(schedule.offset)
        self._ratio = table(2 * np.log(schedule.scale) - np.log(schedule.variance))
        self._scale = table(schedule.scale)
        quantile, t = schedule.quantiles
        self._t = table(t, torch.float64)
        self._pace = table(schedule.pace, torch.float64)
        self._clock = table(schedule.clock, torch.float64)
        # One pace, and it is the clock: all components fall by 1.
        self._even = schedule.separable and schedule.clock is schedule.pace
        self._quantile = table(quantile, torch.float64)
        self._blur_rate = self._blur = None
        if schedule.blur_rate is not None and schedule.blur is not None:
            self._blur_rate = table(schedule.blur_rate)
            self._blur = table(schedule.blur, torch.float64)

    def components(self, x: torch.Tensor) -> torch.Tensor:
        """Examples to components about the mean, [B, C, *spatial] -> [B, C, *spatial]."""
        return self.basis.forward(x - self.mean)

    def examples(self, z: torch.Tensor) -> torch.Tensor:
        """Components back to examples, [B, C, *spatial] -> [B, C, *spatial]."""
        return self.basis.inverse(z) + self.mean

    def pace(self, t: torch.Tensor) -> torch.Tensor:
        """pace(t), [B] -> float64 [B]."""
        return _interpolate(t.to(torch.float64), self._t, self._pace)[0]

    def noise_level(self, t: torch.Tensor) -> torch.Tensor:
        """The schedule's clock scaled to [0, 1], [B] -> [B]: what networks are told."""
        clock, _ = _interpolate(t.to(torch.float64), self._t, self._clock)
        start, end = self._clock[0], self._clock[-1]
        return ((clock - start) / (end - start)).to(torch.float32)

    def level_at(self, pace: torch.Tensor) -> torch.Tensor:
        """The level at which the pace has a value, [B] -> [B]; held within the ends."""
        start, end = self._pace[0], self._pace[-1]
        return ((pace - start) / (end - start)).clamp(0, 1).to(torch.float32)

    def training_time(self, quantile: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Times at quantiles of the training density, and d clock / d quantile, [B] -> [B], [B].

        The second, times `decay`, is the importance weight of an integral over log-SNR drawn
        this way. The clock is the pace, or the time where the pace alone does not tell.
        """
        quantile = quantile.to(torch.float64)
        t, _ = _interpolate(quantile, self._quantile, self._t)
        _, rate = _interpolate(quantile, self._quantile, self._clock)
        return t, rate.to(torch.float32)

    def decay(self, t: torch.Tensor) -> torch.Tensor:
        """-d log SNR_i / d clock, [B] -> [B, C, *spatial]; 1 where the schedule is separable."""
        if self._even:
            return torch.ones(len(t), *[1] * len(self.shape), device=t.device)
        t = t.to(torch.float64)
        clock, _ = _interpolate(t, self._t, self._clock)
        unlimited = self._unlimited(t)
        decay = self._column(_interpolate(clock, self._clock, self._pace)[1]).expand_as(unlimited)
        if self._blur_rate is not None and self._blur is not None:
            blur, slope = _interpolate(clock, self._clock, self._blur)
            fades = _fading(self._blur_rate * self._column(blur), self.schedule.blur_floor)
            decay = decay + 2 * self._blur_rate * self._column(slope) * fades
        stands = unlimited.abs() > MOST_LOG_SNR
        if self.schedule.limits is not None:
            low, high = self.schedule.limits
            stands |= (unlimited + self._ratio <= low) | (unlimited + self._ratio > high)
        return torch.where(stands, 0.0, decay)

    def state(self, t: torch.Tensor) -> NoiseState:
        """Noise of every component at times t [B]."""
        return self.state_at(self.log_snr(t), self.noise_level(t))

    def state_at(self, log_snr: torch.Tensor, level: torch.Tensor) -> NoiseState:
        """The state with this ln SNR_i [B, C, *spatial], on the path of the schedule or off it."""
        ratio = log_snr + self._ratio
        if self.form == "vp":
            alpha, sigma = torch.sigmoid(ratio).sqrt(), torch.sigmoid(-ratio).sqrt()
        elif self.form == "flow":
            alpha, sigma = torch.sigmoid(ratio / 2), torch.sigmoid(-ratio / 2)
        else:
            alpha, sigma = torch.ones_like(ratio), torch.exp(-ratio / 2)
        return NoiseState(log_snr, alpha, sigma * self._scale, level)

    def log_snr(self, t: torch.Tensor) -> torch.Tensor:
        """ln SNR_i(t), data variance included, [B] -> [B, C, *spatial]; as float32 holds it."""
        log_snr = self._unlimited(t)
        if self.schedule.limits is not None:
            log_snr = (log_snr + self._ratio).clamp(*self.schedule.limits) - self._ratio
        return log_snr.clamp(-MOST_LOG_SNR, MOST_LOG_SNR)

    def _unlimited(self, t: torch.Tensor) -> torch.Tensor:
        """ln SNR before it is clipped, [B] -> [B, C, *spatial]."""
        log_snr = self._offset - self._column(self.pace(t))
        if self._blur_rate is None or self._blur is None:
            return log_snr
        blur, _ = _interpolate(t.to(torch.float64), self._t, self._blur)
        x, floor = self._blur_rate * self._column(blur), self.schedule.blur_floor
        return log_snr + 2 * _log_blur(x, floor)

    def alpha_sigma(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """alpha_i(t), and sigma_i(t) s_i, [B] -> [B, C, *spatial] each."""
        state = self.state(t)
        return state.alpha, state.sigma

    def noised(self, z: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """z(t) from components and component noise, all [B, C, *spatial]."""
        return self.state(t).noised(z, noise)

    def _column(self, values: torch.Tensor) -> torch.Tensor:
        return values.to(torch.float32).reshape(-1, *[1] * len(self.shape))


def _log_blur(x: torch.Tensor, floor: float) -> torch.Tensor:
    """ln d of d = floor + (1 - floor) exp(-x), to the last digits at either end."""
    if floor == 0:
        return -x
    little = torch.log1p((1 - floor) * torch.expm1(-x))
    return torch.where(x < 1, little, torch.log(floor + (1 - floor) * torch.exp(-x)))


def _fading(x: torch.Tensor, floor: float) -> torch.Tensor:
    """-d ln d / dx of d = floor + (1 - floor) exp(-x)."""
    left = (1 - floor) * torch.exp(-x)
    return left / (floor + left) if floor > 0 else torch.ones_like(x)


def _interpolate(
    x: torch.Tensor, knots: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Straight lines between knots: value and slope at x, [B] -> [B], [B]."""
    right = torch.searchsorted(knots, x.contiguous()).clamp(1, len(knots) - 1)
    x0, x1 = knots[right - 1], knots[right]
    y0, y1 = values[right - 1], values[right]
    slope = (y1 - y0) / (x1 - x0)
    return y0 + slope * (x - x0), slope
