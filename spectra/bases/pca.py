"""Principal components: the basis in which a data set's numbers are uncorrelated."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spectra.bases.arrays import cast, examples_like, is_torch
from spectra.bases.scatter import ScatterMoments, random_signs
from spectra.errors import InputError

__all__ = ["PcaBasis", "pca", "pca_variance"]

# Eigenimages transformed at a time for their frequencies.
CHUNK = 64


@dataclass(frozen=True, eq=False)
class PcaBasis:
    """Eigenvectors of a covariance, largest variance first.

    Complete (K = D) it is a basis like the others: z has the shape of x, component i at flat
    place i. Truncated (K < D) it is a projection: `forward` gives [..., K], `inverse` the part
    of an example that lies in the K components, and no schedule can be made in it. As in every
    basis the mean example is not subtracted.

    Attributes
    ----------
    shape : (C, *spatial)
    components : float64 [K, D]
        Orthonormal rows.
    variance : float64 [K]
        Of each component about the mean (n - 1).
    residual : float
        Variance outside the K components; 0 if complete.
    name : "pca"

    Raises
    ------
    InputError
        The tables do not fit each other or the shape.
    """

    shape: tuple[int, ...]
    components: np.ndarray
    variance: np.ndarray
    residual: float = 0.0
    name: str = "pca"
    _cast: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        size, kept = int(np.prod(self.shape)), len(self.variance)
        if self.components.shape != (kept, size) or not 1 <= kept <= size:
            raise InputError(
                f"pca of shape {self.shape}: components {self.components.shape} with {kept} "
                f"variances; [K, {size}] with K variances is needed"
            )

    @property
    def complete(self) -> bool:
        """Whether the components span all examples (K = D)."""
        return len(self.variance) == self.components.shape[1]

    @property
    def component_shape(self) -> tuple[int, ...]:
        """Of one example's components: (C, *spatial) if complete, else (K,)."""
        return self.shape if self.complete else (len(self.variance),)

    @property
    def frequency(self) -> np.ndarray:
        """Mean |f| of each eigenimage, weighted by its power, cycles/pixel, [*component_shape].

        An eigenimage may hold many frequencies; where it is a wave this is the wave's.
        """
        channels, *spatial = self.shape
        grids = np.meshgrid(*(np.fft.fftfreq(n) for n in spatial), indexing="ij")
        radial = np.sqrt(sum(grid**2 for grid in grids)).ravel()
        frequency = np.empty(len(self.variance))
        for start in range(0, len(frequency), CHUNK):
            images = self.components[start : start + CHUNK].reshape(-1, channels, *spatial)
            modes = np.fft.fftn(images, axes=tuple(range(2, images.ndim)), norm="ortho")
            power = (np.abs(modes) ** 2).sum(axis=1).reshape(len(images), -1)  # rows sum to one
            frequency[start : start + CHUNK] = power @ radial
        return frequency.reshape(self.component_shape)

    def forward(self, x: Any) -> Any:
        """Examples to components, [..., C, *spatial] -> [..., *component_shape]."""
        x = examples_like(x, self.shape)
        lead = x.shape[: x.ndim - len(self.shape)]
        flat = x.reshape(*lead, self.components.shape[1])
        return (flat @ self._matrix(x).T).reshape(*lead, *self.component_shape)

    def inverse(self, z: Any) -> Any:
        """Components to examples, [..., *component_shape] -> [..., C, *spatial]."""
        z = examples_like(z, self.component_shape)
        lead = z.shape[: z.ndim - len(self.component_shape)]
        return (z.reshape(*lead, len(self.variance)) @ self._matrix(z)).reshape(*lead, *self.shape)

    def _matrix(self, x: Any) -> Any:
        """The components in the kind, precision and device of x; kept."""
        key = (x.dtype, x.device if is_torch(x) else None)
        if key not in self._cast:
            self._cast[key] = cast(self.components, *key)
        return self._cast[key]


def pca(
    moments: ScatterMoments, shape: tuple[int, ...] | None = None, keep: int | None = None
) -> PcaBasis:
    """Principal components of the examples behind some moments.

    Parameters
    ----------
    moments : ScatterMoments
    shape : (C, *spatial), optional
        Of an example; (1, D) if not given.
    keep : int, optional
        How many components. All where the scatter is whole; half of a sketch's columns, or what
        n examples can span if that is less.

    Returns
    -------
    PcaBasis
        Each component's largest entry is positive.

    Raises
    ------
    InputError
        Fewer than two examples, a shape of another size, or more components than there can be.

    Notes
    -----
    A sketch Y = S W of Q columns gives the Nystrom approximation Y (W^T Y)^-1 Y^T, cut to K
    components. It never exceeds S, so its variances are a little low and `residual` a little
    high: together they are the exact total. Its error in the trace norm, for Gaussian W in
    expectation, is at most (1 + K / (Q - K - 1)) times the variance beyond the K largest
    eigenvalues, thus at K = Q / 2 about twice what K exact components leave. Tropp, Yurtsever,
    Udell and Cevher, "Fixed-rank approximation of a positive-semidefinite matrix from streaming
    data" (2017), algorithm 3 and theorem 4.1.

    Examples
    --------
    >>> from spectra.bases import ScatterAccumulator, pca
    >>> images = np.random.default_rng(0).standard_normal((200, 1, 4, 4))
    >>> accumulator = ScatterAccumulator(16)
    >>> accumulator.add(images)
    >>> pca(accumulator.result(), (1, 4, 4)).components.shape
    (16, 16)
    """
    moments.check_enough()
    size, columns = moments.scatter.shape
    shape = (1, size) if shape is None else tuple(shape)
    most = size if moments.exact else min(columns, moments.n - 1)
    usual = size if moments.exact else min(max(columns // 2, 1), most)
    kept = usual if keep is None else keep
    if not 1 <= kept <= most:
        raise InputError(f"pca of {kept} components: choose 1 to {most}")
    if moments.exact:
        values, vectors = np.linalg.eigh(moments.covariance())  # rising
        values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    else:
        values, vectors = _nystrom(moments.covariance())
    rows = vectors[:, :kept].T
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    total = float(moments.variance.sum())
    return PcaBasis(
        shape=shape,
        components=np.ascontiguousarray(rows * np.where(largest < 0, -1.0, 1.0)),
        variance=values[:kept].copy(),
        residual=max(total - float(values[:kept].sum()), 0.0) if kept < size else 0.0,
    )


def pca_variance(moments: ScatterMoments) -> np.ndarray:
    """Variances of all D principal components, largest first, [D]; quicker than `pca`.

    Parameters
    ----------
    moments : ScatterMoments

    Returns
    -------
    float64 [D]

    Raises
    ------
    InputError
        Fewer than two examples, or a sketch, which knows the largest only (see `pca`).
    """
    if not moments.exact:
        raise InputError(
            f"pca: the {moments.scatter.shape[0]} variances cannot all be had from a sketch of "
            f"{moments.scatter.shape[1]} columns; measure smaller examples"
        )
    return np.linalg.eigvalsh(moments.covariance())[::-1].clip(0)


def _nystrom(sketch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [Q] and vectors [D, Q] of Y (W^T Y)^-1 Y^T, largest first; Y = C W [D, Q]."""
    size, columns = sketch.shape
    signs = random_signs(size, columns)
    # A shift of all eigenvalues, taken off at the end, keeps the division stable.
    shift = np.finfo(np.float64).eps * float(np.linalg.norm(sketch))
    shifted = sketch + shift * signs
    core = signs.T.astype(np.float64) @ shifted
    values, vectors = np.linalg.eigh((core + core.T) / 2)
    root = vectors / np.sqrt(np.maximum(values, np.finfo(np.float64).tiny))
    left, singular, _ = np.linalg.svd(shifted @ root, full_matrices=False)
    return (singular**2 - shift).clip(0), left
