"""PCA: scikit-learn's numbers, a basis when complete, honest when cut or sketched."""

import numpy as np
import pytest

from spectra import InputError
from spectra.bases import PcaBasis, ScatterAccumulator, ScatterMoments, pca, pca_variance

SHAPE = (2, 4, 6)
SIZE = 48


def examples(n: int = 400, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Numbers whose covariance has eigenvalues well apart."""
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    mixing, _ = np.linalg.qr(rng.standard_normal((size, size)))
    scale = 0.8 ** np.arange(size)
    return (rng.standard_normal((n, size)) * scale @ mixing + 5).reshape(n, *shape)


def moments(x: np.ndarray, columns: int | None = None, parts: int = 5) -> ScatterMoments:
    accumulator = ScatterAccumulator(int(np.prod(x.shape[1:])), columns)
    for batch in np.array_split(x, parts):
        accumulator.add(batch)
    return accumulator.result()


def aligned(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Cosine of the angle between components of the same rank, whatever their sign."""
    return np.abs((ours * theirs).sum(axis=1))


def test_it_is_scikit_learns() -> None:
    from sklearn.decomposition import PCA, IncrementalPCA

    x = examples()
    flat = x.reshape(len(x), -1)
    basis = pca(moments(x), SHAPE)
    theirs = PCA(svd_solver="full").fit(flat)
    np.testing.assert_allclose(basis.variance, theirs.explained_variance_, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(aligned(basis.components, theirs.components_)[:30], 1, atol=1e-10)
    scores = np.abs(basis.forward(x - x.mean(axis=0))).reshape(len(x), -1)
    np.testing.assert_allclose(scores, np.abs(theirs.transform(flat)), atol=1e-7)
    streamed = IncrementalPCA(batch_size=100).fit(flat)
    np.testing.assert_allclose(basis.variance, streamed.explained_variance_, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(pca_variance(moments(x)), basis.variance, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_complete_it_is_an_orthonormal_basis(dtype: type) -> None:
    import torch

    x = examples()[:7].astype(dtype)
    basis = pca(moments(examples()), SHAPE)
    atol = 1e-12 if dtype is np.float64 else 2e-5
    assert basis.complete
    assert basis.residual == 0
    assert basis.name == "pca"
    z = basis.forward(x)
    assert (z.shape, z.dtype) == (x.shape, dtype)
    np.testing.assert_allclose(basis.inverse(z), x, atol=atol)
    np.testing.assert_allclose(basis.forward(x[0]), z[0], atol=atol)
    tensor = torch.from_numpy(x)
    np.testing.assert_allclose(basis.forward(tensor).numpy(), z, atol=atol)
    np.testing.assert_allclose(basis.inverse(torch.from_numpy(z)).numpy(), x, atol=atol)
    np.testing.assert_allclose(basis.components @ basis.components.T, np.eye(SIZE), atol=1e-12)
    tensor = tensor.double().requires_grad_()
    assert torch.autograd.gradcheck(basis.forward, tensor[:1])


def test_it_decorrelates() -> None:
    x = examples()
    basis = pca(moments(x), SHAPE)
    z = basis.forward(x).reshape(len(x), -1)
    np.testing.assert_allclose(np.cov(z.T), np.diag(basis.variance), atol=1e-12)
    assert (np.diff(basis.variance) <= 0).all()


def test_the_sign_of_a_component_does_not_hang_on_the_order_of_examples() -> None:
    x = examples()
    shuffled = x[np.random.default_rng(1).permutation(len(x))]
    ours, theirs = pca(moments(x), SHAPE), pca(moments(shuffled, parts=3), SHAPE)
    np.testing.assert_allclose(ours.components[:20], theirs.components[:20], atol=1e-8)


def test_truncated_it_says_what_is_missing() -> None:
    x = examples()
    whole, cut = pca(moments(x), SHAPE), pca(moments(x), SHAPE, keep=5)
    assert not cut.complete
    assert cut.component_shape == cut.frequency.shape == (5,)
    assert cut.residual == pytest.approx(whole.variance[5:].sum())
    z = cut.forward(x)
    assert z.shape == (len(x), 5)
    back = cut.inverse(z)
    assert back.shape == x.shape
    np.testing.assert_allclose(cut.inverse(cut.forward(back)), back, atol=1e-12)  # a projection
    centred = x - x.mean(axis=0)
    lost = ((centred - cut.inverse(cut.forward(centred))) ** 2).sum() / (len(x) - 1)
    assert lost == pytest.approx(cut.residual)


def test_frequency_of_stationary_data_is_that_of_their_waves() -> None:
    """Circulant covariance: eigenimages are waves, the power falls with |f|, so frequency rises."""
    n = 16
    f = np.abs(np.fft.fftfreq(n))
    power = 1 / (0.05 + f) ** 2
    kernel = np.fft.ifft(power).real
    covariance = kernel[(np.arange(n)[:, None] - np.arange(n)) % n]
    exact = ScatterMoments(2, np.zeros(n), np.diag(covariance).copy(), covariance)
    basis = pca(exact, (1, n))
    np.testing.assert_allclose(basis.frequency, np.sort(f)[None], atol=1e-10)
    assert basis.frequency.shape == (1, n)


def test_frequency_in_two_dimensions() -> None:
    wave = np.cos(2 * np.pi * (np.arange(16) / 8)[:, None] + 0 * np.arange(12))
    wave /= np.linalg.norm(wave)
    basis = PcaBasis((1, 16, 12), wave.reshape(1, -1), np.ones(1), residual=3.0)
    np.testing.assert_allclose(basis.frequency, [0.125], atol=1e-12)


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_a_sketch_of_a_known_decaying_spectrum_keeps_its_promise(exponent: float) -> None:
    """Trace error within the theorem's (1 + K / (Q - K - 1)) of the tail; head nearly exact."""
    size, n, columns, kept = 3_500, 400, 64, 32
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, size)) * np.arange(1, size + 1) ** (-exponent / 2)
    sketch = moments(x, columns)
    assert not sketch.exact
    basis = pca(sketch)
    exact = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / (n - 1)
    total = exact.sum()
    assert len(basis.variance) == kept
    np.testing.assert_allclose(basis.components @ basis.components.T, np.eye(kept), atol=1e-10)
    assert basis.variance.sum() + basis.residual == pytest.approx(total)
    assert (basis.variance <= exact[:kept] * (1 + 1e-9)).all()  # never above
    tail = exact[kept:].sum()
    assert tail <= basis.residual < (1 + kept / (columns - kept - 1)) * tail
    np.testing.assert_allclose(basis.variance[:5], exact[:5], rtol=0.02)


def test_a_sketch_with_room_for_the_rank_is_exact() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 20)) @ rng.standard_normal((20, 3_200)) + 10
    basis = pca(moments(x, 64), (1, 40, 80), keep=20)
    exact = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:20] ** 2 / 199
    np.testing.assert_allclose(basis.variance, exact, rtol=1e-8)
    assert basis.residual < 1e-6 * exact.sum()
    centred = x - x.mean(axis=0)
    back = basis.inverse(basis.forward(centred.reshape(-1, 1, 40, 80))).reshape(centred.shape)
    np.testing.assert_allclose(back, centred, atol=1e-5)


def test_fewer_examples_than_columns_keep_what_they_span() -> None:
    x = np.random.default_rng(0).standard_normal((6, 3_200))
    basis = pca(moments(x, 64))
    exact = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:5] ** 2 / 5
    np.testing.assert_allclose(basis.variance, exact, rtol=1e-8)


def test_fewer_examples_than_numbers_leave_a_complete_basis() -> None:
    x = examples(10)
    basis = pca(moments(x), SHAPE)
    assert basis.complete
    np.testing.assert_allclose(basis.components @ basis.components.T, np.eye(SIZE), atol=1e-12)
    assert (basis.variance[9:] < 1e-12).all()
    assert (basis.variance >= 0).all()


def test_what_cannot_be_is_refused() -> None:
    x = examples()
    with pytest.raises(InputError, match="at least 2"):
        pca(moments(x[:1], parts=1))
    for keep in (0, SIZE + 1, -1):
        with pytest.raises(InputError, match=f"choose 1 to {SIZE}"):
            pca(moments(x), SHAPE, keep=keep)
    with pytest.raises(InputError, match=r"\[K, 24\]"):
        pca(moments(x), (1, 4, 6))
    with pytest.raises(InputError, match="sketch"):
        pca_variance(moments(x, 8))
    with pytest.raises(InputError, match="choose 1 to 8"):
        pca(moments(x, 8), SHAPE, keep=9)
