"""One step of a sampler with a linear denoiser: a 2 x 2 matrix a component, and its derivatives.

Everything is elementwise in the components. x = ln sigma of a knot, W the denoiser's gain there:
D(y) = W y, which is lambda / (lambda + sigma^2) for Gaussian data. A grid is N knots; the last
step goes from knot N - 1 to sigma = 0, where every solver lands on D.
"""

from typing import Literal

import numpy as np

__all__ = [
    "LEAST_RATIO",
    "LinearSolver",
    "ancestral_variance",
    "multipliers",
    "multipliers_and_gradient",
]

LinearSolver = Literal["euler", "heun", "2m"]

# 2M: a step this much shorter than the next says nothing of the denoiser's slope there.
LEAST_RATIO = 1e-3
STEP = 1e-30  # of complex-step differentiation, which has no rounding error


def multipliers(solver: LinearSolver, x: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """What the first knot's y is multiplied by on its way to sigma = 0, [N, K], [N, K] -> [K]."""
    state = _start(x)
    for matrix in _steps(solver, _before(x), x, _after(x), gain, _after(gain)):
        state = _apply(matrix, state)
    return state[0]


def ancestral_variance(x: np.ndarray, gain: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Variance at sigma = 0 under DDPM's posterior steps from Var y = `start`, [K] -> [K].

    y' = D + (sigma' / sigma)^2 (y - D) + sigma' sqrt(1 - (sigma' / sigma)^2) eps.
    """
    variance = start
    for k in range(len(x) - 1):
        ratio = np.exp(2 * (x[k + 1] - x[k]))  # sigma'^2 / sigma^2
        carried = (gain[k] + ratio * (1 - gain[k])) ** 2 * variance
        variance = carried + np.exp(2 * x[k + 1]) * (1 - ratio)
    return gain[-1] ** 2 * variance


def multipliers_and_gradient(
    solver: LinearSolver, x: np.ndarray, gain: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`multipliers` and their derivatives by each knot's x, [K] and [N, K].

    Parameters
    ----------
    solver : {"euler", "heun", "2m"}
        euler is DDIM (Song et al. 2021), heun Karras et al. 2022 (algorithm 1), 2m
        DPM-Solver++(2M) (Lu et al. 2022).
    x, gain, slope : [N, K]
        ln sigma, W and dW / dx at the knots.
    """
    count = len(x)
    at_x, at_gain = x + 1j * STEP, gain + 1j * STEP * slope
    here = _steps(solver, _before(x), x, _after(x), gain, _after(gain))
    by_self = np.imag(_steps(solver, _before(x), at_x, _after(x), at_gain, _after(gain))) / STEP
    by_next = np.imag(_steps(solver, _before(x), x, _after(at_x), gain, _after(at_gain))) / STEP
    by_last = np.imag(_steps(solver, _before(at_x), x, _after(x), gain, _after(gain))) / STEP
    states = [_start(x)]
    for matrix in here:
        states.append(_apply(matrix, states[-1]))
    gradient = np.zeros_like(x)
    adjoint = np.stack([np.ones_like(x[0]), np.zeros_like(x[0])])
    for k in range(count - 1, -1, -1):
        gradient[k] += _between(adjoint, by_self[k], states[k])
        if k + 1 < count:
            gradient[k + 1] += _between(adjoint, by_next[k], states[k])
        if k > 0:
            gradient[k - 1] += _between(adjoint, by_last[k], states[k])
        adjoint = _apply(here[k].swapaxes(0, 1), adjoint)
    return states[-1][0], gradient


def _steps(
    solver: LinearSolver,
    last: np.ndarray,
    x: np.ndarray,
    after: np.ndarray,
    gain: np.ndarray,
    gain_after: np.ndarray,
) -> np.ndarray:
    """Matrices of all steps on the state (y, D of the knot before), [N, 2, 2, K]."""
    matrix = np.zeros((len(x), 2, 2, x.shape[1]), np.result_type(last, x, after, gain, gain_after))
    ratio = np.exp(after[:-1] - x[:-1])  # sigma' / sigma of all steps but the last
    inner, to_next = gain[:-1], gain_after[:-1]
    if solver == "euler":
        matrix[:-1, 0, 0] = inner + ratio * (1 - inner)
    elif solver == "heun":
        trial = inner + ratio * (1 - inner)
        slopes = (1 - inner) + (1 - to_next) * trial / ratio  # (d1 + d2) sigma / y
        matrix[:-1, 0, 0] = 1 + (ratio - 1) * slopes / 2
    else:
        # 1 / 2r, r = h_last / h; the first step has none before it.
        half = np.zeros_like(matrix[:-1, 0, 0])
        moved, moves = last[1:-1] - x[1:-1], x[1:-1] - after[1:-1]
        stood = np.real(moved) <= LEAST_RATIO * np.real(moves)
        half[1:] = np.where(stood, 0, moves / (2 * np.where(stood, 1, moved)))
        matrix[:-1, 0, 0] = ratio + (1 - ratio) * (1 + half) * inner
        matrix[:-1, 0, 1] = -(1 - ratio) * half
        matrix[:-1, 1, 0] = inner
    matrix[-1, 0, 0] = gain[-1]
    return matrix


def _start(x: np.ndarray) -> np.ndarray:
    """The state of y = 1, with no knot before it, [2, K]."""
    return np.stack([np.ones(x.shape[1]), np.zeros(x.shape[1])])


def _apply(matrix: np.ndarray, state: np.ndarray) -> np.ndarray:
    """[2, 2, K] times [2, K]."""
    return matrix[:, 0] * state[0] + matrix[:, 1] * state[1]


def _between(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[2, K] . [2, 2, K] . [2, K] -> [K]."""
    moved = _apply(matrix, right)
    return left[0] * moved[0] + left[1] * moved[1]


def _before(values: np.ndarray) -> np.ndarray:
    """Each knot's predecessor; the first has none and gets itself."""
    return np.concatenate([values[:1], values[:-1]])


def _after(values: np.ndarray) -> np.ndarray:
    """Each knot's successor; the last has none and gets itself."""
    return np.concatenate([values[1:], values[-1:]])
