"""The 8-pixel grid that JPEG leaves in pictures, found by the steps at its lines."""

import numpy as np

__all__ = ["BLOCK", "LEAST_SIDE", "block_excess"]

BLOCK = 8  # pixels
LEAST_SIDE = 64  # pixels: so that the harmonics lie apart
HARMONICS = (1, 3)  # a grid of 4 pixels has the second too
BESIDE = np.array([-5, -4, -3, -2, 2, 3, 4, 5])  # bins; the taper's own width is left out
# Mean and standard deviation of ln(power at a bin over the mean of those beside it) where there
# is no line: chi-squared of 2 over a mean of 8 correlated ones. Photographs without JPEG have
# -0.35 to -0.46, as their gradients' spectra fall.
NULL_MEAN, NULL_SD = -0.33, 1.55


def block_excess(examples: np.ndarray) -> tuple[np.ndarray, float]:
    """Power of the 8-pixel grid in pictures [N, H, W], and how many standard errors it is off 0.

    The mean over a column of |second difference| across it is larger at the edges of blocks:
    a comb in x, and likewise in y, whose spectrum has lines at k / 8 cycles/pixel wherever the
    grid begins. (In the power of the pictures themselves blocks have no lines: an average over
    a block is 0 there.)

    Returns
    -------
    excess : float64 [2]
        Mean over pictures and both axes of ln(power at k / 8 over that beside it), k = 1 and 3,
        less what it is without a grid.
    z : float
        Their mean, in standard errors (the larger of the theoretical one and that between
        pictures). NaN where no picture has anything to measure.
    """
    found = []
    for axis in (1, 2):
        steps = np.abs(np.diff(examples, 2, axis=axis)).mean(axis=3 - axis, dtype=np.float64)
        length = steps.shape[1] // BLOCK * BLOCK
        steps = steps[:, :length] - steps[:, :length].mean(axis=1, keepdims=True)
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
        power = np.abs(np.fft.rfft(steps * taper, axis=1)) ** 2  # [N, length // 2 + 1]
        for harmonic in HARMONICS:
            at = harmonic * length // BLOCK
            with np.errstate(divide="ignore", invalid="ignore"):
                found.append(np.log(power[:, at] / power[:, at + BESIDE].mean(axis=1)))
    lines = np.stack(found).reshape(2, len(HARMONICS), -1)  # [axes, harmonics, N]
    lines = lines[:, :, np.isfinite(lines).all(axis=(0, 1))] - NULL_MEAN
    count = lines.shape[-1]
    if count == 0:
        return np.full(len(HARMONICS), np.nan), float("nan")
    error = NULL_SD / np.sqrt(lines.size)
    if count > 1:
        error = max(error, float(lines.mean(axis=(0, 1)).std(ddof=1) / np.sqrt(count)))
    return lines.mean(axis=(0, 2)), float(lines.mean() / error)
