"""One step of a sampler with a linear denoiser: a matrix a component, and its derivatives.

The state is y, or of 2M (y, D of the knot before): matrices are S x S, S = 1 or 2. Everything is
elementwise in the components. x = ln sigma of a knot, W the denoiser's gain there: D(y) = W y,
which is lambda / (lambda + sigma^2) for Gaussian data. A grid is N knots; the last step goes from
knot N - 1 to sigma = 0, where every solver lands on D.
"""

from typing import Literal

import numpy as np

__all__ = [
    "LEAST_RATIO",
    "LinearSolver",
    "ancestral_variance",
    "covariance_multipliers",
    "multipliers",
    "multipliers_and_gradient",
]

LinearSolver = Literal["euler", "heun", "2m"]

# 2M: a step this much shorter than the next says nothing of the denoiser's slope there.
LEAST_RATIO = 1e-3
STEP = 1e-30  # of complex-step differentiation, which has no rounding error


def multipliers(solver: LinearSolver, x: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """What the first knot's y is multiplied by on its way to sigma = 0, [N, K], [N, K] -> [K]."""
    matrices = _steps(solver, _before(x), x, _after(x), gain, _after(gain))
    return _states(matrices)[-1, 0]


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


def covariance_multipliers(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """`multipliers` of covariance-aware DDIM that is told this gain, [N, K], [N, K] -> [K].

    A step is sqrt(q^2 + W (1 - q^2)), q = sigma' / sigma: exact together where W is the Wiener
    filter's, in which case they telescope.
    """
    square = np.exp(2 * (_after(x) - x))  # q^2
    square[-1] = 0
    return np.sqrt(square + gain * (1 - square)).prod(axis=0)


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
    at_x, at_gain = x + 1j * STEP, gain + 1j * STEP * slope
    here = _steps(solver, _before(x), x, _after(x), gain, _after(gain))
    by_self = np.imag(_steps(solver, _before(x), at_x, _after(x), at_gain, _after(gain))) / STEP
    by_next = np.imag(_steps(solver, _before(x), x, _after(at_x), gain, _after(at_gain))) / STEP
    states, adjoint = _states(here), _adjoint(here)
    gradient = _between(adjoint, by_self, states[:-1])
    gradient[1:] += _between(adjoint[:-1], by_next[:-1], states[:-2])
    if solver == "2m":  # the only one that looks back
        by_last = np.imag(_steps(solver, _before(at_x), x, _after(x), gain, _after(gain))) / STEP
        gradient[:-1] += _between(adjoint[1:], by_last[1:], states[1:-1])
    return states[-1, 0], gradient


def _steps(
    solver: LinearSolver,
    last: np.ndarray,
    x: np.ndarray,
    after: np.ndarray,
    gain: np.ndarray,
    gain_after: np.ndarray,
) -> np.ndarray:
    """Matrices of all steps on the state, [N, S, S, K]."""
    size = 2 if solver == "2m" else 1
    kind = np.result_type(last, x, after, gain, gain_after)
    matrix = np.zeros((len(x), size, size, x.shape[1]), kind)
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


def _states(matrices: np.ndarray) -> np.ndarray:
    """Before each step and after the last, from y = 1 with no knot before it, [N + 1, S, K]."""
    states = np.zeros((len(matrices) + 1, *matrices.shape[2:]))
    states[0, 0] = 1
    for k, matrix in enumerate(matrices):
        states[k + 1] = (matrix * states[k]).sum(axis=1)
    return states


def _adjoint(matrices: np.ndarray) -> np.ndarray:
    """By what the last y changes with the state after each step, [N, S, K]."""
    adjoint = np.zeros((len(matrices), *matrices.shape[2:]))
    adjoint[-1, 0] = 1
    for k in range(len(matrices) - 1, 0, -1):
        adjoint[k - 1] = (matrices[k] * adjoint[k][:, None]).sum(axis=0)
    return adjoint


def _between(left: np.ndarray, matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[N, S, K] . [N, S, S, K] . [N, S, K] -> [N, K]."""
    return (left[:, :, None] * matrices * right[:, None]).sum(axis=(1, 2))


def _before(values: np.ndarray) -> np.ndarray:
    """Each knot's predecessor; the first has none and gets itself."""
    return np.concatenate([values[:1], values[:-1]])


def _after(values: np.ndarray) -> np.ndarray:
    """Each knot's successor; the last has none and gets itself."""
    return np.concatenate([values[1:], values[-1:]])
