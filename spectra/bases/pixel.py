"""The pixel basis: every component is one value of one place."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["PixelBasis"]


@dataclass(frozen=True)
class PixelBasis:
    """The identity."""

    shape: tuple[int, ...]
    name: str = "pixel"

    @property
    def frequency(self) -> np.ndarray:
        """A pixel holds all frequencies: NaN everywhere, [C, *spatial]."""
        return np.full(self.shape, np.nan)

    def forward(self, x: Any) -> Any:
        return x

    def inverse(self, z: Any) -> Any:
        return z
