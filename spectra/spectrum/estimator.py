"""How the ring power of one example is estimated, and what that estimate is worth."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.spectrum.edges import Detrend
from spectra.spectrum.expectation import ring_covariance, ring_power_of_law
from spectra.spectrum.rings import RingPlan, RingReach, ring_plan
from spectra.spectrum.windows import WindowName

__all__ = ["OVERLAP", "SEGMENT", "Estimator", "default_segment"]

SEGMENT = 4096  # samples; Welch segments of a series, unasked
OVERLAP = 2  # a segment begins every SEGMENT / OVERLAP samples
LEAST_SIDE, LEAST_SAMPLES = 8, 16


@dataclass(frozen=True)
class Estimator:
    """What is done to one example on its way to ring power.

    Attributes
    ----------
    shape : (H, W) or (T,)
        Of an example.
    window : {"hann", "none", "periodic"}
    detrend : {"mean", "plane"}
    reach : {"inside", "nyquist", "corners"}
        How far the rings go.
    segment : int or None
        Samples of a Welch segment of a series, half overlapping; None takes it whole.
    """

    shape: tuple[int, ...]
    window: str = "hann"
    detrend: str = "mean"
    reach: str = "inside"
    segment: int | None = None

    def check(self, name: str) -> None:
        """Raise InputError where examples of this shape have no such spectrum."""
        check_name("window", self.window, get_args(WindowName))
        check_name("detrend", self.detrend, get_args(Detrend))
        check_name("reach", self.reach, get_args(RingReach))
        if self.segment is not None and len(self.shape) != 1:
            raise InputError(f"{name}: segments are for series; leave segment out for images")
        if len(self.shape) == 1 and self.reach != "inside":
            raise InputError(f"{name}: reach {self.reach} is for images; series end below 0.5")
        if self.segment is not None and not LEAST_SAMPLES <= self.segment <= self.shape[0]:
            raise InputError(
                f"{name}: segment {self.segment} does not fit examples of {self.shape[0]} samples; "
                f"give {LEAST_SAMPLES} to {self.shape[0]}"
            )
        least = LEAST_SIDE if len(self.shape) == 2 else LEAST_SAMPLES
        if min(self.shape) < least:
            sides = "x".join(map(str, self.shape))
            needed = f"{least}x{least}" if len(self.shape) == 2 else f"{least} samples"
            raise InputError(
                f"{name}: examples of {sides} are too small for a spectrum; at least {needed} is "
                "needed (--size)"
            )

    @property
    def _transformed(self) -> tuple[int, ...]:
        """Shape of what is transformed."""
        return self.shape if self.segment is None else (self.segment,)

    @property
    def plan(self) -> RingPlan:
        """The rings."""
        return ring_plan(self._transformed, None, self.reach)  # pyright: ignore[reportArgumentType]

    @property
    def segments(self) -> int:
        """Segments of one example."""
        if self.segment is None:
            return 1
        return 1 + (self.shape[0] - self.segment) // max(1, self.segment // OVERLAP)

    def covariance(self) -> np.ndarray:
        """Covariance of the relative ring powers of one Gaussian example, [F, F]."""
        if len(self.shape) == 1 and len(self.plan.mode) == len(self.plan.ring):
            from spectra.spectrum.periodogram import welch_covariance

            (size,) = self._transformed
            window = "hann" if self.window == "hann" else "none"
            bands = welch_covariance(size, self.segments, window=window, overlap=1 / OVERLAP)
            return bands.dense()
        return ring_covariance(self._transformed, self.window, self.reach)

    def law_power(self, alpha: float) -> np.ndarray:
        """Expected power in each ring where the spectrum is f^-alpha, without DC, [F]."""
        return ring_power_of_law(self._transformed, self.window, alpha, self.reach, self.detrend)


def default_segment(shape: tuple[int, ...]) -> int | None:
    """Welch segments for a series long enough to hold several; images are taken whole."""
    return SEGMENT if len(shape) == 1 and shape[0] >= 2 * SEGMENT else None
