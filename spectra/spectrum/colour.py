"""Channels of a spectrum: each alone, as luma, decorrelated, and how they go together."""

from dataclasses import dataclass

import numpy as np

from spectra.data.values import LUMA
from spectra.errors import InputError
from spectra.spectrum.spectrum import Spectrum

__all__ = ["Decorrelated", "channel_power", "coherence", "decorrelated_power", "luma_power"]

ROUNDING = 1e-12  # of the largest variance


def channel_power(spectrum: Spectrum) -> np.ndarray:
    """Arithmetic mean ring power of each channel, [C, F]."""
    if spectrum.shape[0] == 1:
        return spectrum.power[None]
    return np.diagonal(_cross(spectrum)).T.copy()


def luma_power(spectrum: Spectrum) -> np.ndarray:
    """Ring power of ITU-R BT.601 luma of RGB examples, [F].

    A quadratic form in the channels' cross-power, so no second pass is needed.

    Raises
    ------
    InputError
        The examples have not three channels.
    """
    cross = _cross(spectrum)
    if len(cross) != 3:
        raise InputError(f"{spectrum.name}: luma is of 3 channels, here are {len(cross)}")
    return np.einsum("a,abf,b->f", LUMA, cross, LUMA)


def coherence(spectrum: Spectrum) -> np.ndarray:
    """Squared coherence of every two channels in every ring, [C, C, F], between 0 and 1.

    (sum Re S_ab)^2 / (S_aa S_bb). Two independent channels measured on n examples have about one
    over the modes of a ring times n.
    """
    cross = _cross(spectrum)
    own = np.diagonal(cross).T  # [C, F]
    with np.errstate(divide="ignore", invalid="ignore"):
        return cross**2 / (own[:, None] * own[None, :])


@dataclass(frozen=True)
class Decorrelated:
    """Channels mixed so that none is correlated with another.

    Attributes
    ----------
    axes : float64 [C, C]
        Orthonormal rows, largest variance first: channel i is axes[i] @ (red, green, blue).
    power : float64 [C, F]
        Ring power of each.
    share : float64 [C]
        Of the variance over all rings.
    """

    axes: np.ndarray
    power: np.ndarray
    share: np.ndarray


def decorrelated_power(spectrum: Spectrum) -> Decorrelated:
    """Spectra of the channels' principal axes (of RGB photos: light, then two of colour).

    The axes are the eigenvectors of the channels' covariance, summed over the rings' modes.
    """
    cross = _cross(spectrum)
    covariance = np.einsum("abf,f->ab", cross, spectrum.count)
    variance, vectors = np.linalg.eigh(covariance)
    variance, axes = variance[::-1], vectors.T[::-1]
    axes = axes * np.where(axes.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    power = np.einsum("ia,abf,ib->if", axes, cross, axes)
    # Of channels that repeat each other the arithmetic's own rounding is left, of either sign.
    empty = variance <= ROUNDING * variance[0]
    power[empty] = variance[empty] = 0.0
    return Decorrelated(axes=axes, power=power, share=variance / variance.sum())


def _cross(spectrum: Spectrum) -> np.ndarray:
    if spectrum.cross_power is None:
        count = spectrum.shape[0]
        why = "has one channel" if count == 1 else f"has {count} channels, too many"
        raise InputError(f"{spectrum.name}: {why}; cross-power is of 2 to 16 channels")
    return spectrum.cross_power
