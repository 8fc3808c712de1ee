"""What a spectrum ends in other than its own law: rounding, noise, codecs. Found, and named."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spectra.errors import InputError
from spectra.fit.blocks import BLOCK, LEAST_SIDE, block_excess
from spectra.fit.goodness import DECIBEL
from spectra.fit.methods import least_squares_rows
from spectra.fit.rings import EVERY_RING, read_rings
from spectra.fit.shapes import Shape, fit_shape
from spectra.spectrum import Spectrum

__all__ = ["Floor", "FloorName", "find_floors"]

FloorName = Literal["quantisation", "sensor noise", "codec cliff", "8-pixel blocks"]
"""What may end a spectrum, see `find_floors`."""

FALSE_ALARM = 1e-3  # of each test that is of noise
FEWEST_RINGS = 8
# Quantisation: the spectrum meets the floor where that makes half of its power.
MET = 2.0
# Sensor noise: the last half octave is flatter than this exponent, and the first rings are this
# much above it.
FLAT = 0.5
LEAST_RISE_DB = 10.0
# Codec cliff: so steep a fall within an eighth of an octave (96 dB per octave; photographs, JPEG
# of any quality included, fall 2 dB there, speech 10), in the last octave and a half, for good.
CLIFF_DB = 12.0
CLIFF_SPAN = 2**0.125
CLIFF_ABOVE = 0.5 / 2**1.5  # cycles/pixel
CLIFF_ERRORS = 4.0
# Blocks: lines at 1/8 and 3/8 cycles/pixel, by so many standard errors (3e-5 for Gaussian ones).
BLOCK_ERRORS = 4.0
MOST_EXAMPLES = 256


@dataclass(frozen=True)
class Floor:
    """Something that ends a spectrum.

    Attributes
    ----------
    name : {"quantisation", "sensor noise", "codec cliff", "8-pixel blocks"}
    level : float
        Power of it in each ring; NaN for blocks, which have no level.
    frequency : float
        Where it begins, cycles/pixel (of a series cycles/sample).
    evidence : str
        What the test saw, in a phrase.
    """

    name: FloorName
    level: float
    frequency: float
    evidence: str


def find_floors(spectrum: Spectrum, examples: np.ndarray | None = None) -> tuple[Floor, ...]:
    """Find and name what ends a spectrum: quantisation, sensor noise, a codec.

    Parameters
    ----------
    spectrum : Spectrum
    examples : [N, C, H, W], optional
        Some of the pictures (the first 256 are read), to look for JPEG's 8-pixel blocks: these do
        not show in a power spectrum, only in where the steps between pixels are.

    Returns
    -------
    tuple of Floor
        Those found, in the order below; empty where the law goes on to the last ring.

    Raises
    ------
    InputError
        Examples that are no pictures.

    Notes
    -----
    Quantisation: the power comes to within a factor 2 of quantum^2 / 12, which is known.
    Sensor noise: white noise fitted under a power law, where the last half octave has an exponent
    within 0.5 of 0, less than the law's by what noise brings about once in 1,000 spectra.
    Codec cliff: 12 dB more than the law within an eighth of an octave and 4 standard errors, in
    the last octave and a half, with all that follows under the law by as much.
    Blocks: the mean |second difference| along x and y has lines at 1/8 and 3/8 cycles/pixel, 4
    standard errors over what is beside them (once in 30,000 sets).

    Examples
    --------
    >>> basis = spectra.make_basis("fourier", (1, 64, 64))
    >>> white = np.random.default_rng(0).standard_normal((2, 64, 1, 64, 64))
    >>> steep = basis.inverse(white[0] / (basis.frequency + 0.01) ** 1.5)
    >>> noisy = spectra.analyze(steep + 20 * white[1], window="none")
    >>> [floor.name for floor in spectra.find_floors(noisy)]
    ['sensor noise']
    """
    found = [_quantisation(spectrum)]
    cliff = _cliff(spectrum)
    found += [_sensor_noise(spectrum, cliff), cliff]
    if examples is not None:
        found.append(_blocks(examples))
    return tuple(floor for floor in found if floor is not None)


def _quantisation(spectrum: Spectrum) -> Floor | None:
    level = spectrum.quantisation_floor
    met = np.flatnonzero(spectrum.power <= MET * level)
    if level == 0 or len(met) == 0:
        return None
    least = spectrum.power.min() / level
    where = float(spectrum.frequency[met[0]])
    return Floor(
        "quantisation", level, where, f"power comes down to {least:.2f} times quantum^2 / 12"
    )


def _sensor_noise(spectrum: Spectrum, cliff: Floor | None) -> Floor | None:
    """A flat tail under a steep law; of the rings under a cliff, if there is one."""
    from scipy import stats

    end = EVERY_RING[1] if cliff is None else cliff.frequency / CLIFF_SPAN
    if np.count_nonzero(spectrum.frequency <= end) < FEWEST_RINGS:
        return None
    rings, used = read_rings(spectrum, "arithmetic", (0.0, end), FEWEST_RINGS)
    tail = np.flatnonzero(rings.log_f >= rings.log_f[-1] - np.log(2) / 2)
    if len(tail) < 3:
        return None
    fit = fit_shape(rings, Shape(floor=True), "weighted")
    level, alpha, floor = fit.theta
    row = np.zeros(len(used))
    row[tail] = least_squares_rows(rings.log_f[tail], 1 / rings.variance[tail])[1]
    last = float(row @ rings.log_power)
    covariance = rings.covariance(1.0)
    error, of_bend = (
        float(np.sqrt(np.maximum(r @ covariance @ r, 0))) for r in (row, fit.rows[1] - row)
    )
    least = stats.t.isf(FALSE_ALARM, rings.degrees) * of_bend
    rise = DECIBEL * (level - alpha * rings.log_f[0] - np.log(max(floor, 1e-300)))
    if not (floor > 0 and abs(last) < FLAT and alpha - last > least and rise >= LEAST_RISE_DB):
        return None
    meeting = float(np.exp((level - np.log(floor)) / alpha))
    if meeting > spectrum.frequency[used[-1]]:
        return None
    evidence = f"exponent {last:.2f} +- {error:.2f} in the last half octave, {alpha:.2f} above it"
    return Floor("sensor noise", float(floor), meeting, evidence)


def _cliff(spectrum: Spectrum) -> Floor | None:
    """The steepest step of the mean of logs, which no single loud file leads."""
    moments, log_f = spectrum.log_moments, np.log(spectrum.frequency)
    body = (spectrum.frequency >= CLIFF_ABOVE / 2) & (spectrum.frequency <= CLIFF_ABOVE)
    if moments.n == 0 or np.count_nonzero(body) < 3:
        return None
    log_power = spectrum.log_power
    variance = np.diagonal(spectrum.mode_covariance()) / moments.n  # of ln P
    alpha = least_squares_rows(log_f[body], None)[1] @ log_power[body]
    gap = log_power + alpha * log_f  # ln P over the law, but for a constant
    reach, best, steepest = np.log(CLIFF_SPAN), 0.0, -1
    for at in np.flatnonzero(spectrum.frequency >= CLIFF_ABOVE)[:-1]:
        x = log_f - log_f[at]
        before = np.flatnonzero((x >= -reach) & (x <= 0))
        after = np.flatnonzero((x > 0) & (x <= max(reach, x[at + 1])))
        fall = gap[before].mean() - gap[after].mean()
        error = np.hypot(*(np.sqrt(variance[part].sum()) / len(part) for part in (before, after)))
        least = max(CLIFF_DB / DECIBEL, CLIFF_ERRORS * error)
        stays = gap[before].mean() - gap[at + 1 :].mean() >= least
        if fall >= max(least, best) and stays:
            best, steepest = float(fall), int(at)
    if steepest < 0:
        return None
    per_octave = best * DECIBEL / np.log2(CLIFF_SPAN)
    return Floor(
        "codec cliff",
        float(np.exp(np.log(spectrum.power[steepest + 1 :]).mean())),
        float(spectrum.frequency[steepest]),
        f"{best * DECIBEL:.0f} dB more than the law within an eighth of an octave, "
        f"{per_octave:.0f} dB per octave",
    )


def _blocks(examples: np.ndarray) -> Floor | None:
    examples = np.asarray(examples)
    if examples.ndim == 3:
        return None  # series
    if examples.ndim != 4:
        raise InputError(f"examples of shape {list(examples.shape)}: give pictures [N, C, H, W]")
    if min(examples.shape[2:]) < LEAST_SIDE:
        return None
    excess, z = block_excess(examples[:MOST_EXAMPLES].mean(axis=1, dtype=np.float64))
    if not (z > BLOCK_ERRORS and (excess > 0).all()):
        return None
    lines = " and ".join(f"{DECIBEL * line:.0f}" for line in excess)
    return Floor(
        "8-pixel blocks",
        float("nan"),
        1 / BLOCK,
        f"steps between pixels have lines at 1/8 and 3/8 cycles/pixel, {lines} dB over what is "
        f"beside them ({z:.0f} standard errors)",
    )
