"""Orthonormal transforms: what they keep, what they agree with, and their frequencies."""

from typing import Any

import numpy as np
import pytest
from scipy import fft

import spectra
from spectra import InputError

SHAPES = [(1, 8, 8), (3, 9, 16), (2, 15), (1, 5, 6, 7)]
EVEN_SHAPES = [(1, 8, 8), (3, 12, 16), (2, 18), (1, 4, 6, 2), (1, 2), (1, 320, 6)]
WAVELETS = ["wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"]
NAMES = ["pixel", "dct", "fourier", *WAVELETS]
CASES = [
    *((name, shape) for name in NAMES for shape in EVEN_SHAPES),
    *((name, shape) for name in NAMES for shape in SHAPES if name not in WAVELETS),
]


def examples(shape: tuple[int, ...], n: int = 3) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, *shape))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_inverse_undoes_it_and_lengths_are_kept(name: str, shape: tuple[int, ...]) -> None:
    basis = spectra.make_basis(name, shape)
    x = examples(shape)
    z = basis.forward(x)
    assert basis.name == name
    assert z.shape == x.shape
    np.testing.assert_allclose(basis.inverse(z), x, atol=1e-12)
    np.testing.assert_allclose((z**2).sum(), (x**2).sum(), rtol=1e-12)  # Parseval


@pytest.mark.parametrize("name", NAMES)
def test_it_is_orthonormal(name: str) -> None:
    shape = (1, 4, 12)
    unit = np.eye(48).reshape(48, *shape)
    matrix = spectra.make_basis(name, shape).forward(unit).reshape(48, 48)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(48), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_dct_is_scipys(shape: tuple[int, ...]) -> None:
    x = examples(shape)
    axes = tuple(range(2, x.ndim))
    expected = fft.dctn(x, axes=axes, norm="ortho")
    np.testing.assert_allclose(spectra.make_basis("dct", shape).forward(x), expected, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_fourier_is_the_real_form_of_the_unitary_fft(shape: tuple[int, ...]) -> None:
    """The mean of H(k)^2 and H(-k)^2 is |F(k)|^2, and an even filter acts on H as on F."""
    basis = spectra.make_basis("fourier", shape)
    x = examples(shape)
    axes = tuple(range(2, x.ndim))
    modes = fft.fftn(x, axes=axes, norm="ortho")
    h = basis.forward(x)
    mirrored = np.roll(np.flip(h, axes), 1, axes)
    np.testing.assert_allclose((h**2 + mirrored**2) / 2, np.abs(modes) ** 2, atol=1e-12)
    even = 1 / (0.1 + basis.frequency)
    filtered = fft.ifftn(even * modes, axes=axes, norm="ortho")
    np.testing.assert_allclose(filtered.imag, 0, atol=1e-12)
    np.testing.assert_allclose(basis.inverse(even * h), filtered.real, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_torch_and_numpy_agree_and_precision_is_kept(name: str, dtype: Any) -> None:
    import torch

    shape = (3, 8, 160)
    basis = spectra.make_basis(name, shape)
    x = examples(shape).astype(dtype)
    ours, theirs = basis.forward(x), basis.forward(torch.from_numpy(x))
    assert ours.dtype == dtype
    assert theirs.dtype == torch.from_numpy(x).dtype
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(theirs.numpy(), ours, atol=tolerance)
    np.testing.assert_allclose(basis.inverse(theirs).numpy(), x, atol=tolerance)


def test_any_number_of_leading_axes() -> None:
    for name in NAMES:
        basis = spectra.make_basis(name, (2, 4, 6))
        x = examples((2, 4, 6), 10)
        np.testing.assert_allclose(basis.forward(x[0]), basis.forward(x)[0], atol=1e-14)
        stacked = basis.forward(x.reshape(5, 2, 2, 4, 6)).reshape(x.shape)
        np.testing.assert_allclose(stacked, basis.forward(x), atol=1e-14)


@pytest.mark.parametrize("axis", [0, 1])
def test_dct_frequency_is_that_of_its_waves(axis: int) -> None:
    """Component k of n points is a wave of k / (2 n) cycles/pixel, on either axis."""
    shape = (1, 64, 128)
    basis = spectra.make_basis("dct", shape)
    place = np.indices(shape[1:])[axis] + 0.5
    wave = np.cos(2 * np.pi * 0.125 * place)[None]
    peak = np.abs(basis.forward(wave)).argmax()
    assert basis.frequency.ravel()[peak] == pytest.approx(0.125)
    assert basis.frequency.shape == shape
    assert basis.frequency[0, 0, 0] == 0


@pytest.mark.parametrize("axis", [0, 1])
def test_fourier_frequency_is_that_of_its_waves(axis: int) -> None:
    shape = (1, 64, 128)
    basis = spectra.make_basis("fourier", shape)
    wave = np.cos(2 * np.pi * 0.125 * np.indices(shape[1:])[axis] + 0.3)[None]
    power = basis.forward(wave) ** 2
    assert set(basis.frequency[power > 1e-6 * power.max()].round(12)) == {0.125}


def test_pixels_have_no_frequency() -> None:
    assert np.isnan(spectra.make_basis("pixel", (1, 4, 4)).frequency).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_flow_through_torch(name: str) -> None:
    import torch

    basis = spectra.make_basis(name, (1, 4, 6))
    x = torch.randn(2, 1, 4, 6, dtype=torch.float64, generator=torch.manual_seed(0))
    x.requires_grad_()
    assert torch.autograd.gradcheck(basis.forward, x)
    assert torch.autograd.gradcheck(basis.inverse, x)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_left_as_they_were(name: str) -> None:
    import torch

    x = examples((1, 4, 320))
    kept = x.copy()
    basis = spectra.make_basis(name, (1, 4, 320))
    for given in (x, torch.from_numpy(x)):
        basis.forward(given)
        basis.inverse(given)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixel"])
def test_whole_numbers_are_transformed_as_floats(name: str) -> None:
    import torch

    basis = spectra.make_basis(name, (1, 8, 6))
    x = np.random.default_rng(0).integers(0, 255, (2, 1, 8, 6))
    expected = basis.forward(x.astype(np.float64))
    np.testing.assert_allclose(basis.forward(x), expected, atol=1e-12)
    np.testing.assert_allclose(basis.forward(x.astype(np.uint8)), expected, atol=1e-12)
    np.testing.assert_allclose(basis.forward(torch.from_numpy(x)).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_first_used_while_sampling_trains_afterwards(name: str) -> None:
    import torch

    basis = spectra.make_basis(name, (1, 10, 14))  # sizes that no other test asks for
    with torch.inference_mode():
        basis.forward(torch.zeros(1, 1, 10, 14, dtype=torch.float16).float())
    x = torch.zeros(1, 1, 10, 14, requires_grad=True)
    basis.forward(x * 1).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("name", NAMES)
def test_tensors_stay_on_their_device_and_in_their_kind(name: str) -> None:
    """The meta device has no values: anything that went through numpy would fail there."""
    import torch

    basis = spectra.make_basis(name, (1, 6, 640))
    for dtype in (torch.float32, torch.float64):
        z = basis.forward(torch.empty(2, 1, 6, 640, dtype=dtype, device="meta"))
        assert (z.device.type, z.dtype, z.shape) == ("meta", dtype, (2, 1, 6, 640))
        assert basis.inverse(z).device.type == "meta"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixel"])
def test_examples_of_another_shape_are_refused(name: str) -> None:
    import torch

    basis = spectra.make_basis(name, (1, 64, 64))
    for shape in ((2, 1, 32, 32), (2, 64, 64), (64, 64), (2, 3, 64, 64)):
        for x in (np.zeros(shape), torch.zeros(shape)):
            with pytest.raises(InputError, match=r"made for \(1, 64, 64\)"):
                basis.forward(x)
            with pytest.raises(InputError, match=r"made for \(1, 64, 64\)"):
                basis.inverse(x)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixel"])
@pytest.mark.parametrize(("kind", "result"), [("<f2", "f4"), (">f4", "f4"), (">f8", "f8")])
def test_half_and_foreign_numbers_come_back_as_native_ones(
    name: str, kind: str, result: str
) -> None:
    for shape in ((1, 8, 8), (1, 64, 8)):
        x = examples(shape).astype(kind)
        basis = spectra.make_basis(name, shape)
        z = basis.forward(x)
        assert z.dtype == np.dtype(result)
        assert z.dtype.isnative
        np.testing.assert_allclose(basis.inverse(z), x, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_no_examples_give_no_components(name: str) -> None:
    basis = spectra.make_basis(name, (1, 64, 160))
    empty = np.zeros((0, 1, 64, 160), np.float32)
    assert basis.forward(empty).shape == basis.inverse(empty).shape == empty.shape


def test_pca_is_said_to_be_measured() -> None:
    with pytest.raises(InputError, match=r"measured.*component_variance\('pca'\)"):
        spectra.make_basis("pca", (1, 8, 8))


def test_unknown_names_and_shapes_without_space_are_refused() -> None:
    with pytest.raises(InputError, match=r"'cosine' is unknown; choose one of pixel, dct"):
        spectra.make_basis("cosine", (1, 8, 8))
    for shape in ((8,), (1, 0, 8)):
        with pytest.raises(InputError, match="spatial"):
            spectra.make_basis("dct", shape)
