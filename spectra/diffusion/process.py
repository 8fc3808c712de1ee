"""The forward process: a schedule's tables as tensors."""

import numpy as np
import torch

from spectra.bases import make_basis
from spectra.schedule import Schedule

__all__ = ["DiffusionProcess"]

# A sequential schedule has components far beyond any noise one can see: e^60 and its square root
# times any data variance stay inside float32.
MOST_LOG_SNR = 60.0


class DiffusionProcess:
    """z(t) = alpha(t) z + sigma(t) s eps in the components z = U (x - mean) of an example.

    Parameters
    ----------
    schedule : Schedule
    device : torch.device or str

    Attributes
    ----------
    variance, sigma_data : tensors
        lambda_i [C, H, W], and the root of its mean [].
    """

    def __init__(self, schedule: Schedule, device: torch.device | str = "cpu") -> None:
        self.schedule = schedule
        self.basis = make_basis(schedule.basis, schedule.shape)
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
        self._quantile = table(quantile, torch.float64)

    def components(self, x: torch.Tensor) -> torch.Tensor:
        """Examples to components about the mean, [B, C, H, W] -> [B, C, H, W]."""
        return self.basis.forward(x - self.mean)

    def examples(self, z: torch.Tensor) -> torch.Tensor:
        """Components back to examples, [B, C, H, W] -> [B, C, H, W]."""
        return self.basis.inverse(z) + self.mean

    def pace(self, t: torch.Tensor) -> torch.Tensor:
        """pace(t), [B] -> float64 [B]."""
        return _interpolate(t.to(torch.float64), self._t, self._pace)[0]

    def noise_level(self, t: torch.Tensor) -> torch.Tensor:
        """The pace scaled to [0, 1], [B] -> [B]: even in log-noise, what networks are told."""
        start, end = self._pace[0], self._pace[-1]
        return ((self.pace(t) - start) / (end - start)).to(torch.float32)

    def training_time(self, quantile: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Times at quantiles of the training density, and d pace / d quantile, [B] -> [B], [B].

        The second is the importance weight of an integral over log-SNR drawn this way.
        """
        quantile = quantile.to(torch.float64)
        t, _ = _interpolate(quantile, self._quantile, self._t)
        _, rate = _interpolate(quantile, self._quantile, self._pace)
        return t, rate.to(torch.float32)

    def log_snr(self, t: torch.Tensor) -> torch.Tensor:
        """ln SNR_i(t), data variance included, [B] -> [B, C, H, W]; within what float32 holds."""
        log_snr = self._offset - self._column(self.pace(t))
        return log_snr.clamp(-MOST_LOG_SNR, MOST_LOG_SNR)

    def alpha_sigma(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """alpha_i(t), and sigma_i(t) s_i, [B] -> [B, C, H, W] each."""
        ratio = self.log_snr(t) + self._ratio
        if self.form == "vp":
            alpha, sigma = torch.sigmoid(ratio).sqrt(), torch.sigmoid(-ratio).sqrt()
        elif self.form == "flow":
            alpha, sigma = torch.sigmoid(ratio / 2), torch.sigmoid(-ratio / 2)
        else:
            alpha, sigma = torch.ones_like(ratio), torch.exp(-ratio / 2)
        return alpha, sigma * self._scale

    def noised(self, z: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """z(t) from components and component noise, all [B, C, H, W]."""
        alpha, sigma = self.alpha_sigma(t)
        return alpha * z + sigma * noise

    def _column(self, values: torch.Tensor) -> torch.Tensor:
        return values.to(torch.float32).reshape(-1, *[1] * len(self.shape))


def _interpolate(
    x: torch.Tensor, knots: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Straight lines between knots: value and slope at x, [B] -> [B], [B]."""
    right = torch.searchsorted(knots, x.contiguous()).clamp(1, len(knots) - 1)
    x0, x1 = knots[right - 1], knots[right]
    y0, y1 = values[right - 1], values[right]
    slope = (y1 - y0) / (x1 - x0)
    return y0 + slope * (x - x0), slope
