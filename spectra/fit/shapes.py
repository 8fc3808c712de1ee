"""Laws with more than a slope: a knee below, a floor above, and which of them the rings ask for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spectra.fit.methods import Estimate, weighted
from spectra.fit.rings import Rings

__all__ = ["Objective", "Shape", "fit_shape", "select_shape"]

Objective = Literal["weighted", "whittle"]

STEPS = 200
TOLERANCE = 1e-8
LEAST_DAMPING = 1e-9
# Under this share of the sharpest direction a parameter is not determined by the rings.
RANK = 1e-7
FLOOR_STARTS = (0.9, 0.3, 0.01)  # of the weakest ring's power
KNEE_STARTS = (0.1, 0.35, 0.65)  # of the way along ln f


@dataclass(frozen=True)
class Shape:
    """Which parameters a law P(f) = A / (f0^alpha + f^alpha) + C has.

    theta is (ln A, alpha), then ln f0 with a knee, then ln C with a floor; without a knee f0 = 0.
    """

    knee: bool = False
    floor: bool = False

    @property
    def size(self) -> int:
        """Number of parameters."""
        return 2 + self.knee + self.floor

    @property
    def name(self) -> str:
        """What is added to the slope."""
        return " and ".join(n for n in ("knee", "floor") if getattr(self, n)) or "neither"

    def log_law(self, theta: np.ndarray, rings: Rings) -> tuple[np.ndarray, np.ndarray]:
        """ln of the law in each ring [K], and d of it / d theta [K, p]."""
        x, bend = rings.log_f, rings.bend
        level, alpha = theta[:2]
        if self.knee:
            rest = x - theta[2]  # ln(f / f0)
            share = _sigmoid(alpha * rest)
            local = alpha * share  # -d ln P / d ln f: the bend is that of the slope there
            turn = bend.rise(local) * share * (1 - share) * alpha
            curve = level - alpha * theta[2] - np.logaddexp(0, alpha * rest) + bend.at(local)
            columns = [
                np.ones_like(x),
                -theta[2] - rest * share + bend.rise(local) * share + turn * rest,
                alpha * (share - 1) - turn * alpha,
            ]
        else:
            curve = level - alpha * x + bend.at(alpha)
            columns = [np.ones_like(x), -x + bend.rise(alpha)]
        if self.floor:
            law = np.logaddexp(curve, theta[-1] + bend.at(0.0))
            share = np.exp(curve - law)
            columns = [column * share for column in columns] + [1 - share]
            curve = law
        return curve, np.stack(columns, axis=1)


def fit_shape(rings: Rings, shape: Shape, objective: Objective) -> Estimate:
    """The parameters of a shape, from several starts, and how ring errors move them.

    "weighted" minimises sum (ln P - ln law)^2 / (2 variance). "whittle" maximises the likelihood
    of Gamma distributed powers: it minimises sum n/2 (P / law + ln law), P. Whittle (1953).
    """
    starts = _starts(rings, shape)
    theta = min((_descend(rings, shape, objective, s) for s in starts), key=lambda best: best[0])[1]
    curve, columns = shape.log_law(theta, rings)
    if shape.floor:
        # C itself, whose error is finite where C is nothing.
        columns[:, -1] = np.exp(rings.bend.at(0.0) - curve)
    weight = rings.half if objective == "whittle" else 1 / rings.variance
    scale = np.linalg.norm(columns * np.sqrt(weight)[:, None], axis=0)
    # An error of inf, not of nothing, for what the rings do not determine: rows of zeros.
    logs = slice(0, shape.size - shape.floor)
    scale[logs] = np.where(scale[logs] > RANK * scale[0], scale[logs], np.inf)
    design = columns / scale
    rows = np.linalg.pinv((design.T * weight) @ design, rcond=RANK**2) @ (design.T * weight)
    read = rings.raw if objective == "whittle" else rings.log_power
    theta = np.r_[theta[:-1], np.exp(theta[-1])] if shape.floor else theta
    return Estimate(theta, rows / scale[:, None], curve, read)


def select_shape(
    rings: Rings, shapes: list[Shape], objective: Objective
) -> tuple[Shape, Estimate, tuple[tuple[Shape, float], ...]]:
    """The shape of the least Bayesian information criterion, and the criterion of each.

    BIC = Q / c + p ln K (G. Schwarz 1978), Q the deviance from mode counts and c its excess per
    degree of freedom under the largest shape, at least 1: where the curve strays further than the
    modes explain, a parameter has to explain that much more. Chosen over AICc, which takes in a
    needless floor at every eighth pure law; a needless one doubles the error of the exponent.
    """
    fits = [(shape, fit_shape(rings, shape, objective)) for shape in shapes]
    deviance = [_deviance(rings, fit, objective) for _, fit in fits]
    largest = max(range(len(shapes)), key=lambda i: shapes[i].size)
    count = len(rings.log_f)
    excess = max(1.0, deviance[largest] / max(1, count - shapes[largest].size))
    scores = [
        q / excess + shape.size * np.log(count) for q, shape in zip(deviance, shapes, strict=True)
    ]
    best = int(np.argmin(scores))
    criterion = tuple((shape, float(s)) for shape, s in zip(shapes, scores, strict=True))
    return *fits[best], criterion


def _deviance(rings: Rings, fit: Estimate, objective: Objective) -> float:
    """-2 ln likelihood over that of a law through every ring."""
    gap = fit.read - fit.curve
    if objective == "weighted":
        return float(np.sum(gap**2 / rings.variance))
    return float(2 * np.sum(rings.half * (np.exp(gap) - 1 - gap)))


def _descend(
    rings: Rings, shape: Shape, objective: Objective, theta: np.ndarray
) -> tuple[float, np.ndarray]:
    """Fisher scoring, damped (Levenberg-Marquardt) -> cost, theta."""
    weight = rings.half if objective == "whittle" else 1 / rings.variance

    def state(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        curve, columns = shape.log_law(theta, rings)
        if objective == "whittle":
            ratio = np.exp(np.minimum(rings.raw - curve, 300))
            return float(weight @ (ratio + curve)), weight * (ratio - 1), columns
        gap = rings.log_power - curve
        return float(weight @ gap**2 / 2), weight * gap, columns

    cost, score, columns = state(theta)
    damping = 1e-3
    for _ in range(STEPS):
        fisher = (columns.T * weight) @ columns
        size = np.sqrt(np.diagonal(fisher))
        size[size == 0] = 1.0
        damped = fisher / np.outer(size, size) + damping * np.eye(len(theta))
        step = np.linalg.solve(damped, columns.T @ score / size) / size
        with np.errstate(over="ignore", invalid="ignore"):
            tried = state(theta + step)
        if tried[0] <= cost:
            gained, (cost, score, columns), theta = cost - tried[0], tried, theta + step
            damping = max(damping / 10, LEAST_DAMPING)
            if gained <= TOLERANCE * max(1.0, abs(cost)) and damping < 1e-2:
                break
        elif damping > 1e10:
            break
        else:
            damping *= 10
    return cost, theta


def _starts(rings: Rings, shape: Shape) -> list[np.ndarray]:
    """Parameters to descend from, each [p]."""
    level, alpha = weighted(rings).theta
    knees: list[list[float]] = [[]]
    if shape.knee:
        low, high = rings.log_f[0], rings.log_f[-1]
        knees = [[low + share * (high - low)] for share in KNEE_STARTS]
        alpha = max(alpha, 0.5) * 1.5
        level = float(np.mean(rings.log_power + alpha * rings.log_f))
    floors: list[list[float]] = [[]]
    if shape.floor:
        least = rings.log_power.min()
        floors = [[least + np.log(share)] for share in FLOOR_STARTS]
    return [np.array([level, alpha, *knee, *floor]) for knee in knees for floor in floors]


def _sigmoid(u: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -u))
