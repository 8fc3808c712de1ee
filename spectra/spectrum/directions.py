"""The 2-D mean spectrum by direction: along the axes, and in sectors of angle."""

from dataclasses import dataclass

import numpy as np

from spectra.errors import InputError
from spectra.spectrum.rings import ring_plan
from spectra.spectrum.spectrum import Spectrum, cycles_per

__all__ = ["AxisSpectrum", "Sectors", "axis_spectrum", "sector_spectra"]

SECTORS = 4


@dataclass(frozen=True)
class AxisSpectrum:
    """Power along one axis, whatever it does along the other.

    Attributes
    ----------
    frequency : float64 [K]
        Cycles per sample along the axis, from the first above 0 up to 0.5.
    physical_frequency : float64 [K]
        The same over the axis's spacing; `unit` says in what.
    power : float64 [K]
        Mean |F|^2 / (H W) over the modes of the other axis.
    unit : str
    """

    frequency: np.ndarray
    physical_frequency: np.ndarray
    power: np.ndarray
    unit: str


@dataclass(frozen=True)
class Sectors:
    """Ring power within sectors of direction.

    Attributes
    ----------
    angle : float64 [S]
        Middle of each sector, degrees from the horizontal axis: 0 is variation along x (vertical
        edges), 90 along y.
    frequency : float64 [F]
    power : float64 [S, F]
        NaN where a sector has no mode in a ring.
    count : int64 [S, F]
        Modes of the full plane.
    """

    angle: np.ndarray
    frequency: np.ndarray
    power: np.ndarray
    count: np.ndarray


def axis_spectrum(spectrum: Spectrum, axis: int) -> AxisSpectrum:
    """Mean spectrum along axis 0 (down) or 1 (across) of two-dimensional examples.

    Of log-mel spectrograms axis 1 gives the modulation spectrum (Hz), axis 0 the quefrencies
    (cycles per mel band).

    Raises
    ------
    InputError
        The examples are series, or there is no such axis.
    """
    plane = _plane(spectrum)
    if axis not in (0, 1):
        raise InputError(f"axis {axis}: 0 is down, 1 is across")
    frequency = np.fft.fftfreq(plane.shape[axis])
    every = plane.mean(axis=1 - axis)
    # k and -k hold the same; the mode at the Nyquist frequency is its own mirror.
    last = plane.shape[axis] // 2
    power = (every[1 : last + 1] + every[::-1][:last]) / 2
    spacing = spectrum.spacing[axis] if spectrum.spacing else 1.0
    unit = spectrum.axis_units[axis] if spectrum.axis_units else "pixel"
    positive = np.abs(frequency[1 : last + 1])
    return AxisSpectrum(positive, positive / spacing, power, cycles_per(unit))


def sector_spectra(spectrum: Spectrum, sectors: int = SECTORS) -> Sectors:
    """Ring power within `sectors` equal sectors of the half circle, the first about 0 degrees.

    Raises
    ------
    InputError
        The examples are series, or fewer than 2 sectors are asked for.
    """
    plane = _plane(spectrum)
    if sectors < 2:
        raise InputError(f"sectors {sectors}: at least 2 are needed to compare directions")
    height, width = plane.shape
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    plan = ring_plan((height, width), None, spectrum.reach)  # pyright: ignore[reportArgumentType]
    ring = np.floor(np.hypot(fy, fx) * min(height, width) + 0.5)
    turn = np.degrees(np.arctan2(fy, fx)) % 180
    sector = np.floor(turn / (180 / sectors) + 0.5).astype(int) % sectors
    place = np.searchsorted(plan.ring, ring)
    inside = (place < len(plan.ring)) & (ring > 0)
    cell = (sector * len(plan.ring) + place)[inside]
    cells = sectors * len(plan.ring)
    count = np.bincount(cell, minlength=cells).reshape(sectors, -1)
    total = np.bincount(cell, plane[inside], minlength=cells).reshape(sectors, -1)
    with np.errstate(invalid="ignore"):
        power = total / count
    return Sectors(np.arange(sectors) * 180 / sectors, plan.frequency, power, count)


def _plane(spectrum: Spectrum) -> np.ndarray:
    if spectrum.mean_power_2d is None:
        raise InputError(f"{spectrum.name}: holds series; directions are of images")
    return spectrum.mean_power_2d
