"""How surely a spectrum's peak is where it seems to be."""

import numpy as np

from spectra.errors import InputError
from spectra.spectrum import Spectrum

__all__ = ["peak_interval"]


def peak_interval(
    spectrum: Spectrum, peak: int, level: float = 0.95, lowest: float = 0.0
) -> tuple[float, float]:
    """From the lowest to the highest frequency that may be the peak of the mean of logs as well.

    A ring may be where the paired difference of its mean of logs from the peak's, over files, is
    within Student's t of 0. Each ring is compared by itself.

    Parameters
    ----------
    spectrum
        Measured on several files.
    peak
        Number of the ring with the largest `log_power`.
    level
        Of the interval.
    lowest
        Rings under this frequency, cycles/sample, are left out.

    Returns
    -------
    low, high
        Cycles/sample; NaN where a single file says nothing of other files.

    Raises
    ------
    InputError
        There is no such ring, or the level is not between 0 and 1.

    Examples
    --------
    >>> from spectra.fit import peak_interval
    >>> noise = np.random.default_rng(0).standard_normal((20, 512)).astype(np.float32)
    >>> clips = np.sin(2 * np.pi * np.arange(512) / 8).astype(np.float32) + noise
    >>> source = spectra.open_source(clips, view="series")
    >>> spectrum = spectra.analyze(source, segment=64, bases=())
    >>> peak = int(np.argmax(spectrum.log_power))
    >>> peak_interval(spectrum, peak)
    (0.125, 0.125)
    """
    from scipy import stats

    if not 0 <= peak < len(spectrum.frequency):
        raise InputError(f"peak {peak}: the spectrum has rings 0 to {len(spectrum.frequency) - 1}")
    if not 0 < level < 1:
        raise InputError(f"level {level}: a probability between 0 and 1 is needed")
    degrees = spectrum.degrees("log")
    if not np.isfinite(degrees):
        return float("nan"), float("nan")
    covariance = spectrum.log_covariance("log")
    own = np.diagonal(covariance)
    error = np.sqrt((own + own[peak] - 2 * covariance[peak]).clip(0))  # of the difference, [F]
    below = spectrum.log_power[peak] - spectrum.log_power
    may_be = below <= stats.t.ppf((1 + level) / 2, degrees) * error
    found = spectrum.frequency[may_be & (spectrum.frequency >= lowest)]
    if not len(found):
        found = spectrum.frequency[peak : peak + 1]
    return float(found[0]), float(found[-1])
