"""Bits that each component costs a denoiser: the variational bound, taken apart."""

import numpy as np

from spectra.errors import check_number
from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["component_bits"]

EMPTY = 1e-9  # of the mean variance: a component that never varies has no entropy to speak of
FINE = 16  # points between two measured levels
CHUNK = 1 << 21  # numbers at a time


def component_bits(error: DenoisingError, *, quantum: float = 0.0) -> np.ndarray:
    r"""Bits of the variational bound that fall on each component, [\*shape].

    Their mean is the bits/dim of a model that denoises like this. At noise levels that were not
    measured, and at those under half of `quantum`, the denoiser counts as the Wiener filter.

    Parameters
    ----------
    error : DenoisingError
        Of a denoiser, or of the Wiener filter.
    quantum : float
        Spacing of the values; 0 gives the differential entropy, in bits of the values' units.

    Returns
    -------
    float64 [\*shape]

    Raises
    ------
    InputError
        A spacing under 0.

    Notes
    -----
    By I-MMSE, dI_i = (mmse_i / sigma^2) d(-ln sigma) (Guo, Shamai, Verdu, 2005), a component needs

        1/2 ln(2 pi e lambda_i) - int (W_i - error_i / sigma^2) d ln sigma

    nats, with W_i = lambda_i / (lambda_i + sigma^2): what a Gaussian of its variance needs, less
    what the denoiser knows beyond the Wiener filter. The split depends on the order in which
    components are learnt; it is that of the noise they were measured under. Only the sum is a
    bound on the code length.
    """
    check_number("quantum", quantum, low=0.0)
    variance = np.maximum(error.variance, EMPTY * error.variance.mean() + np.finfo(float).tiny)
    low, high = np.log(error.sigma[[0, -1]])
    if quantum > 0:
        low = max(low, np.log(quantum / 2))
    nats = 0.5 * np.log(2 * np.pi * np.e * variance)
    if low < high:
        nats = nats - (_wiener_nats(error, variance, low, high) - _nats(error, low, high))
    return nats / np.log(2) - (np.log2(quantum) if quantum > 0 else 0.0)


def _wiener_nats(
    error: DenoisingError, variance: np.ndarray, low: float, high: float
) -> np.ndarray:
    """Integral of lambda / (lambda + sigma^2) over ln sigma, in closed form, [*shape]."""
    log_snr = np.log(variance) - 2 * np.log(error.tilt)
    return 0.5 * (np.logaddexp(0, log_snr - 2 * low) - np.logaddexp(0, log_snr - 2 * high))


def _nats(error: DenoisingError, low: float, high: float) -> np.ndarray:
    """Integral of error / sigma^2 over ln sigma, by the trapezoidal rule, [*shape]."""
    points = max(2, FINE * len(error.sigma))
    levels = np.linspace(low, high, points)
    rows = max(1, CHUNK // error.variance.size)
    weight = np.full(points, levels[1] - levels[0])
    weight[[0, -1]] /= 2
    total = np.zeros(error.shape)
    for start in range(0, points, rows):
        part = levels[start : start + rows]
        own = part.reshape(-1, *[1] * len(error.shape)) + np.log(error.tilt)  # each component's
        total += np.tensordot(weight[start : start + rows], error.gain_at(own)[0], axes=1)
    return total
