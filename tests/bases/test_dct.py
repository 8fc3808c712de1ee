"""The DCT's several ways (product, fast, folded FFT) are one transform."""

from typing import Any

import numpy as np
import pytest
from scipy import fft

from spectra.bases import make_basis
from spectra.bases.dct import dct_matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [8, 32, 33, 64, 128])
def test_the_fast_way_equals_the_matrix_product(n: int, dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal((3, 1, n, n)).astype(dtype)
    product = dct_matrix(n) @ x.astype(np.float64) @ dct_matrix(n).T
    z = make_basis("dct", (1, n, n)).forward(x)
    assert z.dtype == dtype
    np.testing.assert_allclose(z, product, atol=2e-6 if dtype is np.float32 else 1e-12, rtol=1e-5)


@pytest.mark.parametrize("n", [513, 1024, 1031])
def test_long_tensors_go_through_the_fft_and_agree_with_scipy(n: int) -> None:
    import torch

    basis = make_basis("dct", (2, n))
    x = np.random.default_rng(0).standard_normal((3, 2, n))
    z = basis.forward(torch.from_numpy(x))
    np.testing.assert_allclose(z.numpy(), fft.dct(x, norm="ortho"), atol=1e-11)
    np.testing.assert_allclose(basis.inverse(z).numpy(), x, atol=1e-11)


def test_gradients_flow_through_the_long_way() -> None:
    """Of an orthonormal transform the gradient of w . z is the inverse of w."""
    import torch

    basis = make_basis("dct", (1, 600))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 600, dtype=torch.float64, generator=generator).requires_grad_()
    w = torch.randn(1, 600, dtype=torch.float64, generator=generator)
    (gradient,) = torch.autograd.grad((w * basis.forward(x)).sum(), x)
    np.testing.assert_allclose(gradient.numpy(), basis.inverse(w).numpy(), atol=1e-12)
    (gradient,) = torch.autograd.grad((w * basis.inverse(x)).sum(), x)
    np.testing.assert_allclose(gradient.numpy(), basis.forward(w).numpy(), atol=1e-12)


def test_an_axis_too_long_for_a_matrix_is_transformed() -> None:
    """A second of sound: its matrix would take 15 GB."""
    import torch

    x = torch.randn(1, 44100, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    basis = make_basis("dct", (1, 44100))
    np.testing.assert_allclose(basis.inverse(basis.forward(x)).numpy(), x.numpy(), atol=1e-11)
