"""The noise state: how much noise every component has, and what of it a network is told."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spectra.bases import WaveletBasis
from spectra.schedule import Schedule

__all__ = ["CLEAN", "TOLD_LOG_SNR", "NoiseState", "StateEncoder"]

# ln SNR of a component that is known: its noise is lost in float32 whatever its variance.
CLEAN = 60.0
# Beyond e^15 nothing changes for a network; what it is told lies in [-1, 1].
TOLD_LOG_SNR = 15.0
BANDS = 16


@dataclass(frozen=True)
class NoiseState:
    """Noise of every component of each example: z' = alpha z + sigma eps.

    Attributes
    ----------
    log_snr : tensor [B, C, *spatial]
        ln SNR_i, data variance included.
    alpha, sigma : tensors [B, C, *spatial]
        With the noise scale s_i in sigma.
    level : tensor [B]
        The schedule's clock in [0, 1]: all that a network conditioned on time is told.
    known : bool tensor [B or 1, C, *spatial] or None
        Which components are known; none.
    """

    log_snr: Tensor
    alpha: Tensor
    sigma: Tensor
    level: Tensor
    known: Tensor | None = None

    def noised(self, z: Tensor, noise: Tensor) -> Tensor:
        """Components and component noise, [B, C, *spatial] -> the same."""
        return self.alpha * z + self.sigma * noise

    def with_known(self, mask: Tensor) -> "NoiseState":
        """The same with the components where mask is true [B, C, *spatial] free of noise."""
        return NoiseState(
            log_snr=torch.where(mask, CLEAN, self.log_snr),
            alpha=torch.where(mask, 1.0, self.alpha),
            sigma=torch.where(mask, 0.0, self.sigma),
            level=self.level,
            known=mask,
        )


class StateEncoder:
    """A noise state as numbers for a network that is conditioned on it.

    Components that are waves are told band by band, the mean ln SNR of each: bands of equal
    ratio in frequency (DCT, Fourier) or in rank (PCA). Components that have a place are told
    place by place, as images beside the example: one of the pixels, one for each wavelet level.
    Wavelets are told both ways: one network over strengths 1/4 to 2 then has 0.01 to 0.02
    bits/dim less than with images alone.

    Parameters
    ----------
    schedule : Schedule
        Its basis and shape; all schedules of a family share them.
    device : torch.device or str

    Attributes
    ----------
    vector_size, map_count : int
        What `encode` gives: K numbers, and M images.
    """

    def __init__(self, schedule: Schedule, device: torch.device | str = "cpu") -> None:
        basis = schedule.make_basis()
        self.shape = schedule.shape
        self.vector_size, self.map_count = 0, 0
        self._places = self._mean = None
        if schedule.basis == "pixel":
            self.map_count = 1
            return
        bands = _bands(schedule, basis.frequency)
        self.vector_size = int(bands.max()) + 1
        member = np.eye(self.vector_size, dtype=np.float32)[bands.ravel()]  # [D, K]
        self._mean = torch.tensor(member / member.sum(axis=0), device=device)
        if isinstance(basis, WaveletBasis):
            places = _level_places(basis)
            self.map_count = len(places)
            self._places = torch.tensor(places, device=device)

    def encode(self, state: NoiseState) -> tuple[Tensor | None, Tensor | None]:
        """Vectors [B, K], images [B, M, *spatial], in [-1, 1]; None for what is not told."""
        told = state.log_snr.clamp(-TOLD_LOG_SNR, TOLD_LOG_SNR) / TOLD_LOG_SNR
        vector = None if self._mean is None else told.flatten(1) @ self._mean
        if self.map_count == 0:
            return vector, None
        spread = told.mean(1)  # over channels [B, *spatial]
        if self._places is None:
            return vector, spread[:, None]
        return vector, spread.flatten(1)[:, self._places].mean(2)  # [B, M, *spatial]


def _bands(schedule: Schedule, frequency: np.ndarray) -> np.ndarray:
    """Number of the band of each component, [C, *spatial]; empty ones are left out."""
    if schedule.basis == "pca":  # they come by falling variance
        rank = 1.0 + np.arange(schedule.variance.size).reshape(schedule.shape)
        place = np.log(rank) / max(np.log(rank.max()), 1e-9)
    else:
        least = frequency[frequency > 0].min(initial=0.5)
        ratio = np.log(np.maximum(frequency, least / 2) / (least / 2))
        place = ratio / max(ratio.max(), 1e-9)
    bands = np.minimum((place * BANDS).astype(int), BANDS - 1)
    return np.unique(bands, return_inverse=True)[1].reshape(schedule.shape)


def _level_places(basis: WaveletBasis) -> np.ndarray:
    """Which coefficients of each level lie over each pixel: indices into a channel's plane.

    Finest level first, the approximation last and repeated, so that every level has as many,
    [levels + 1, orientations, *spatial].
    """
    spatial = basis.shape[1:]
    pixel = np.indices(spatial)
    orientations = [kind for kind in np.ndindex(*[2] * len(spatial)) if any(kind)]  # high-pass axes
    rows = []
    for depth in range(1, basis.levels + 1):
        starts = [
            [high * (n >> depth) for high, n in zip(kind, spatial, strict=True)]
            for kind in orientations
        ]
        rows.append([_plane_index(pixel >> depth, start, spatial) for start in starts])
    approximation = _plane_index(pixel >> basis.levels, [0] * len(spatial), spatial)
    rows.append([approximation] * len(orientations))
    return np.array(rows)


def _plane_index(place: np.ndarray, start: list[int], spatial: tuple[int, ...]) -> np.ndarray:
    """Flat index of coefficients at places [A, *spatial] of a block that starts at `start`."""
    moved = tuple(axis + first for axis, first in zip(place, start, strict=True))
    return np.asarray(np.ravel_multi_index(moved, spatial))
