"""How often the interval of a fit holds the exponent, on fields whose exponent is known."""

import numpy as np

import spectra
from tests.spectrum.fields import power_law_fields, spectrum_of_rings

__all__ = ["BIAS", "COVERAGE", "SIZE", "coverage_of_fits"]

SIZE = (64, 64)
# Asked of the default fit, by window.
BIAS = {"none": 0.01, "hann": 0.03}
COVERAGE = {"none": (0.92, 0.98), "hann": (0.90, 0.98)}


def coverage_of_fits(window: str, alpha: float, files: int, draws: int) -> tuple[float, float]:
    """Bias of the default fit, and the share of its 95 % intervals that hold alpha."""
    rng = np.random.default_rng([int(alpha), files])
    estimates, hits = [], []
    for _ in range(0, draws, 200):
        fields = power_law_fields(rng, 200 * files, SIZE, alpha)
        power, _ = spectra.rapsd(fields, window=window)
        for rings in power.reshape(200, files, -1):
            fit = spectra.fit_power_law(spectrum_of_rings(rings, SIZE, window))
            low, high = fit.interval(0.95)
            estimates.append(fit.alpha)
            hits.append(low <= alpha <= high)
    return float(np.mean(estimates)) - alpha, float(np.mean(hits))
