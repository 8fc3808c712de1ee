"""Ordering labels l_i: larger is noised first and generated last."""

from typing import Literal

import numpy as np

from spectra.errors import InputError

__all__ = ["Ordering", "frequency_labels", "variance_labels"]

Ordering = Literal["variance", "frequency"]


def variance_labels(variance: np.ndarray) -> np.ndarray:
    """l_i = -ln lambda_i: at strength 1 this is standard diffusion (one ratio for all)."""
    return -np.log(variance)


def frequency_labels(frequency: np.ndarray, alpha: float, lowest: float) -> np.ndarray:
    """l_i = alpha ln f_i: at strength 1 standard diffusion of an exact power law.

    DC, which has no logarithm, is put at half the lowest other frequency.

    Raises
    ------
    InputError
        The components have no frequency (pixel basis).
    """
    if np.isnan(frequency).any():
        raise InputError(
            "ordering 'frequency' needs a basis whose components have a frequency; "
            "choose basis dct, fourier or wavelet, or ordering variance"
        )
    return alpha * np.log(np.maximum(frequency, lowest / 2))
