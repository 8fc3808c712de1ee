"""In which order noise drowns frequencies: the share that goes against coarse to fine."""

import numpy as np

from spectra.errors import InputError
from spectra.spectrum import Spectrum

__all__ = ["out_of_order"]

PER_OCTAVE = 6  # cells whose mean of ln R(f) is compared: single rings flicker


def out_of_order(spectrum: Spectrum) -> float:
    """Share of frequency pairs, an octave or more apart, of which the lower drowns first.

    White noise drowns the weaker of two frequencies first, whatever the process and the threshold:
    the order is that of R(f) alone. A power law has 0, white noise about 1/2, a spectrum that
    rises throughout 1. Pairs are even in ln f.

    Parameters
    ----------
    spectrum
        Of the data; R(f) is its arithmetic mean.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    InputError
        The spectrum spans less than an octave.

    Notes
    -----
    (1 - tau) / 2 with Kendall's tau, without the pairs that lie close together.

    Examples
    --------
    >>> from spectra.schedule import out_of_order
    >>> photos = spectra.open_source("photos", size=64, crop="center")
    >>> out_of_order(spectra.analyze(photos))  # from the finest detail down
    0.0
    """
    log_f = np.log2(spectrum.frequency / spectrum.frequency[0])
    cell = np.floor(PER_OCTAVE * log_f + 1e-9).astype(int)
    kept, inverse = np.unique(cell, return_inverse=True)
    level = np.bincount(inverse, np.log(spectrum.power)) / np.bincount(inverse)
    even = np.arange(kept[-1] + 1)  # the lowest octaves have fewer rings than cells
    level = np.interp(even, kept, level)  # [cells]
    apart = even[None, :] - even[:, None] >= PER_OCTAVE
    if not apart.any():
        raise InputError(
            f"{spectrum.name}: its frequencies span less than an octave; take larger examples"
        )
    return float((level[:, None] < level[None, :])[apart].mean())
