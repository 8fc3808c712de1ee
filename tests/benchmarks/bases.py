"""Time of a basis there and back beside its peer, one thread, float32, in turn in one run."""

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spectra.bases import ScatterAccumulator, make_basis, pca
from tests.benchmarks.table import Row

__all__ = ["bases"]

SIZES = (64, 256)
FILTERS = {"wavelet-haar": "haar", "wavelet-db2": "db2", "wavelet-db4": "db4"}
ROUNDS = 7
POINTS = 2**20
AXES = (-2, -1)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compared(
    what: str, n: int, ours: Callable[[], Any], theirs: Callable[[], Any], peer: str
) -> Row:
    """Medians over rounds in turn; both must give back the same examples."""
    np.testing.assert_allclose(ours(), theirs(), atol=1e-3)
    times = [(seconds(ours) / n, seconds(theirs) / n) for _ in range(ROUNDS)]
    mine, other = np.median(times, axis=0)
    ratio = float(np.median([b / a for a, b in times]))
    measured = f"{ratio:.2f}x ({1e6 * mine:.1f} us an image, {peer} {1e6 * other:.1f} us)"
    return Row(what, "-", measured)


def separable(size: int) -> Iterator[Row]:
    """Cosine, Fourier and wavelet transforms."""
    import pywt
    from scipy import fft

    n = POINTS // size**2
    shape = (1, size, size)
    x = np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)

    def back_and_forth(name: str) -> Callable[[], Any]:
        basis = make_basis(name, shape)
        return lambda: basis.inverse(basis.forward(x))

    def scipy_dct() -> Any:
        return fft.idctn(fft.dctn(x, axes=AXES, norm="ortho"), axes=AXES, norm="ortho")

    def scipy_fft() -> Any:
        return fft.ifftn(fft.fftn(x, axes=AXES, norm="ortho"), axes=AXES, norm="ortho").real

    yield compared(f"dct, {size}x{size}", n, back_and_forth("dct"), scipy_dct, "scipy")
    yield compared(f"fourier, {size}x{size}", n, back_and_forth("fourier"), scipy_fft, "scipy")
    for name, filter_name in FILTERS.items():
        levels = size.bit_length() - 1

        def theirs(name: str = filter_name, levels: int = levels) -> Any:
            z = pywt.wavedec2(x, name, mode="periodization", level=levels, axes=AXES)
            return pywt.waverec2(z, name, mode="periodization", axes=AXES)

        yield compared(f"{name}, {size}x{size}", n, back_and_forth(name), theirs, "pywt")


def principal() -> Iterator[Row]:
    """PCA of 1,024 numbers: the pass over the data, and the projection."""
    from sklearn.decomposition import PCA, IncrementalPCA

    n, shape = 4096, (1, 32, 32)
    x = np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)
    flat = x.reshape(n, -1)

    def moments() -> Any:
        accumulator = ScatterAccumulator(1024)
        for batch in np.array_split(x, 4):
            accumulator.add(batch)
        return accumulator.result()

    def whole() -> Any:
        return pca(moments(), shape).variance

    def incremental() -> Any:
        return IncrementalPCA(batch_size=1024).fit(flat).explained_variance_

    yield compared("pca measured, 32x32", n, whole, incremental, "IncrementalPCA")
    basis = pca(moments(), shape)
    fitted = PCA(svd_solver="covariance_eigh").fit(flat)
    yield compared(
        "pca, 32x32",
        n,
        lambda: basis.inverse(basis.forward(x)).reshape(n, -1),
        lambda: fitted.inverse_transform(fitted.transform(flat)),
        "scikit-learn",
    )


def bases() -> list[Row]:
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.filterwarnings("ignore", "Level value")  # pywt, of filters that wrap
        return [*(row for size in SIZES for row in separable(size)), *principal()]
