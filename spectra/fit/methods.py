"""Straight lines through ln P against ln f: exponent and level, and how ring errors move them."""

from dataclasses import dataclass

import numpy as np

from spectra.fit.rings import Rings

__all__ = ["Estimate", "least_squares_rows", "plain", "resampled", "theil_sen", "weighted"]

RESAMPLED_POINTS = 100
STEPS = 50
TOLERANCE = 1e-10
MOST_PAIRS = 1_000_000
# Of a median of pairwise slopes over a least-squares one: Var = pi / 3 for Gaussian errors
# (Sen 1968; the sign of a Gaussian is correlated with it by sqrt(2 / pi), and pairs by 1/3).
SEN_INEFFICIENCY = np.sqrt(np.pi / 3)
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Estimate:
    """A fitted law at the rings.

    Attributes
    ----------
    theta : float64 [p]
        ln A, alpha, and what else the law has.
    rows : float64 [p, K]
        d theta / d ln P: how an error of each ring moves each parameter.
    curve : float64 [K]
        ln of the law, bend included.
    read : float64 [K]
        ln P as the method reads it; `read - curve` is what the law leaves over.
    """

    theta: np.ndarray
    rows: np.ndarray
    curve: np.ndarray
    read: np.ndarray

    def dispersion(self, rings: Rings) -> float:
        """Root of chi-squared per degree of freedom, from mode counts."""
        squares = (self.read - self.curve) ** 2 / rings.variance
        return float(np.sqrt(squares.sum() / max(1, len(squares) - len(self.theta))))

    def robust_dispersion(self, rings: Rings) -> float:
        """The same from the median departure, which a few outlying rings do not move."""
        ratio = np.abs(self.read - self.curve) / np.sqrt(rings.variance)
        spare = len(ratio) / max(1, len(ratio) - len(self.theta))
        return float(MAD_TO_SD * np.median(ratio) * np.sqrt(spare))


def weighted(rings: Rings) -> Estimate:
    """Least squares weighted by the mode counts, of ln P less the bend, solved for alpha."""
    rows = least_squares_rows(rings.log_f, 1 / rings.variance)  # ln A, alpha
    alpha = float(rows[1] @ rings.log_power)
    for _ in range(STEPS):
        excess = rows[1] @ (rings.log_power - rings.bend.at(alpha)) - alpha
        step = excess / (1 + rows[1] @ rings.bend.rise(alpha))
        alpha += step
        if abs(step) < TOLERANCE:
            break
    return _with_bend(rings, rows, alpha)


def plain(rings: Rings) -> Estimate:
    """Unweighted least squares over the rings at their mean |f|."""
    return _straight(rings.log_f, rings.log_power, least_squares_rows(rings.log_f, None))


def resampled(rings: Rings, labels: np.ndarray) -> Estimate:
    """The post's: ln P interpolated at even spacing in ln f, rings at their labels [K], unweighted.

    S. Dieleman, "Diffusion is spectral autoregression" (2024).
    """
    log_f = np.log(labels)
    points = np.linspace(log_f[0], log_f[-1], RESAMPLED_POINTS)
    interpolation = np.stack([np.interp(points, log_f, unit) for unit in np.eye(len(log_f))], 1)
    rows = least_squares_rows(points, None) @ interpolation
    return _straight(log_f, rings.raw, rows)


def theil_sen(rings: Rings) -> Estimate:
    """Weighted median of the slopes of all pairs of rings, of ln P less the bend.

    A pair counts w_i w_j |ln f_i - ln f_j| sqrt(1/w_i + 1/w_j), w = 1 / variance: for small
    Gaussian errors the median then moves with each ring as weighted least squares does, and a
    ring far off moves it no further than one just off. H. Theil (1950), P. K. Sen (1968).
    """
    first, second = _pairs(len(rings.log_f))
    run = rings.log_f[second] - rings.log_f[first]
    weight = 1 / rings.variance
    count = (
        weight[first]
        * weight[second]
        * run
        * np.sqrt(rings.variance[first] + rings.variance[second])
    )
    rows = least_squares_rows(rings.log_f, weight) * SEN_INEFFICIENCY
    alpha = 2.0
    for _ in range(STEPS):
        straight = rings.log_power - rings.bend.at(alpha)
        last, alpha = alpha, _weighted_median((straight[first] - straight[second]) / run, count)
        if abs(alpha - last) < 1e-6:
            break
    straight = rings.log_power - rings.bend.at(alpha) + alpha * rings.log_f
    level = _weighted_median(straight, np.sqrt(weight))
    solved = _with_bend(rings, rows, alpha)
    curve = level - alpha * rings.log_f + rings.bend.at(alpha)
    return Estimate(np.array([level, alpha]), solved.rows, curve, rings.log_power)


def _with_bend(rings: Rings, rows: np.ndarray, alpha: float) -> Estimate:
    """The line of slope -alpha and its bend, which follows the exponent, as the level does both."""
    bend, rise = rings.bend.at(alpha), rings.bend.rise(alpha)
    level = float(rows[0] @ (rings.log_power - bend))
    moved = rows.copy()
    moved[1] /= 1 + rows[1] @ rise
    moved[0] -= (rows[0] @ rise) * moved[1]
    curve = level - alpha * rings.log_f + bend
    return Estimate(np.array([level, alpha]), moved, curve, rings.log_power)


def _straight(log_f: np.ndarray, log_power: np.ndarray, rows: np.ndarray) -> Estimate:
    """A line without a bend."""
    level, alpha = rows @ log_power
    return Estimate(np.array([level, alpha]), rows, level - alpha * log_f, log_power)


def least_squares_rows(log_f: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Rows c with (ln A, alpha) = c @ ln P, [2, K]."""
    weights = np.ones_like(log_f) if weights is None else weights
    design = np.stack([np.ones_like(log_f), -log_f], axis=1)  # [K, 2]
    weighted_design = design.T * weights
    return np.linalg.solve(weighted_design @ design, weighted_design)


def _pairs(rings: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs i < j; of a great many rings those of evenly spaced distances."""
    stride = 1 + rings * rings // (2 * MOST_PAIRS)
    lags = np.arange(1, rings, stride)
    first = np.concatenate([np.arange(rings - lag) for lag in lags])
    return first, first + np.repeat(lags, rings - lags)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value with half of the weight on each side, between neighbours by interpolation."""
    order = np.argsort(values)
    rank = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(weights.sum() / 2, rank, values[order]))
