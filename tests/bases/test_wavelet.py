"""Wavelets: the filters, PyWavelets' numbers, and what level, frequency and position say."""

import numpy as np
import pytest
import pywt

import spectra
from spectra import InputError
from spectra.bases import WaveletBasis, make_basis
from spectra.bases.wavelet import daubechies_filter, wavelet_matrix

FILTERS = {"wavelet": "db4", "wavelet-haar": "haar", "wavelet-db2": "db2", "wavelet-db4": "db4"}
NAMES = list(FILTERS)
SHAPES = [(1, 8, 8), (3, 12, 16), (2, 6), (1, 1024), (1, 288, 40), (1, 4, 8, 6), (1, 2, 2)]


def wavelets(name: str, shape: tuple[int, ...]) -> WaveletBasis:
    basis = make_basis(name, shape)
    assert isinstance(basis, WaveletBasis)
    return basis


@pytest.mark.parametrize("moments", [1, 2, 3, 4, 6, 8])
def test_filters_are_pywavelets_and_have_their_vanishing_moments(moments: int) -> None:
    h = daubechies_filter(moments)
    np.testing.assert_allclose(h, pywt.Wavelet(f"db{moments}").dec_lo, atol=1e-11)
    alternating = h * (-1.0) ** np.arange(len(h))
    for power in range(moments):
        assert alternating @ np.arange(len(h)) ** power == pytest.approx(0, abs=1e-6)


@pytest.mark.filterwarnings("ignore:Level value")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_coefficients_are_pywavelets(name: str, shape: tuple[int, ...]) -> None:
    basis = wavelets(name, shape)
    x = np.random.default_rng(0).standard_normal((2, *shape))
    axes = tuple(range(2, x.ndim))
    mode = "periodization"
    nested = pywt.wavedecn(x, FILTERS[name], mode=mode, level=basis.levels, axes=axes)
    expected = pywt.coeffs_to_array(nested, axes=axes)[0]
    np.testing.assert_allclose(basis.forward(x), expected, atol=1e-12)


@pytest.mark.parametrize("moments", [1, 2, 4])
@pytest.mark.parametrize("n", [2, 4, 6, 16, 34])
def test_one_level_is_orthonormal_even_where_the_filter_wraps(n: int, moments: int) -> None:
    matrix = wavelet_matrix(n, moments)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(n), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_tap_by_tap_equals_the_matrix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from spectra.bases import wavelet

    basis = wavelets(name, (2, 32, 48))
    x = np.random.default_rng(0).standard_normal((3, 2, 32, 48))
    z = basis.forward(x)
    monkeypatch.setattr(wavelet, "MATRIX_POINTS", 15)  # the finest levels tap by tap
    np.testing.assert_allclose(basis.forward(x), z, atol=1e-12)
    np.testing.assert_allclose(basis.inverse(z), x, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_flow_through_the_taps(name: str) -> None:
    """Of an orthonormal transform the gradient of w . z is the inverse of w."""
    import torch

    basis = wavelets(name, (1, 320, 6))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 320, 6, dtype=torch.float64, generator=generator).requires_grad_()
    w = torch.randn(1, 320, 6, dtype=torch.float64, generator=generator)
    (gradient,) = torch.autograd.grad((w * basis.forward(x)).sum(), x)
    np.testing.assert_allclose(gradient.numpy(), basis.inverse(w).numpy(), atol=1e-12)
    (gradient,) = torch.autograd.grad((w * basis.inverse(x)).sum(), x)
    np.testing.assert_allclose(gradient.numpy(), basis.forward(w).numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "levels"), [((1, 64, 64), 6), ((1, 96, 64), 5), ((3, 6, 8), 1), ((1, 481 * 4), 2)]
)
def test_levels_are_as_many_as_halve_every_axis(shape: tuple[int, ...], levels: int) -> None:
    basis = wavelets("wavelet", shape)
    assert basis.levels == levels
    counts = np.bincount(basis.level.ravel())
    size, axes = np.prod(shape), len(shape) - 1
    details = [size * (2**axes - 1) // 2 ** (axes * (j + 1)) for j in range(levels)]
    assert counts.tolist() == [*details, size // 2 ** (axes * levels)]
    assert basis.level[(0,) * len(shape)] == levels


@pytest.mark.parametrize("shape", [(1, 481, 320), (3, 64, 63), (1, 7), (1, 1, 8)])
def test_an_odd_size_is_refused_with_its_mend(shape: tuple[int, ...]) -> None:
    odd = next(n for n in shape[1:] if n % 2)
    with pytest.raises(InputError, match=rf"axis of {odd} cannot be halved.*even size"):
        make_basis("wavelet", shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_is_the_approximation_alone(name: str) -> None:
    basis = wavelets(name, (1, 16, 32))
    z = basis.forward(np.full((1, 16, 32), 3.0))
    np.testing.assert_allclose(z[basis.level < basis.levels], 0, atol=1e-12)
    assert z[basis.level == basis.levels] == pytest.approx(3 * np.sqrt(256))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 128), (1, 64, 64)])
def test_frequency_is_the_centre_of_where_the_component_has_its_power(
    name: str, shape: tuple[int, ...]
) -> None:
    """Within 0.3 octaves of the geometric mean |f| of its power; Haar's jumps leak upwards."""
    basis = wavelets(name, shape)
    grids = np.meshgrid(*(np.fft.fftfreq(n) for n in shape[1:]), indexing="ij")
    radial = np.sqrt(sum(grid**2 for grid in grids))[None]
    # One component of every value of the frequency is as good as all: the rest are its shifts.
    values, first = np.unique(basis.frequency, return_index=True)
    assert values[0] == 0
    unit = np.zeros((len(first) - 1, *shape))
    unit.reshape(len(unit), -1)[np.arange(len(unit)), first[1:]] = 1
    waves = basis.inverse(unit)
    power = np.abs(np.fft.fftn(waves, axes=tuple(range(2, waves.ndim)))) ** 2
    power[:, radial == 0] = 0
    log_f = np.log(np.where(radial > 0, radial, 1))
    axes = tuple(range(1, waves.ndim))
    measured = np.exp((power * log_f).sum(axes) / power.sum(axes))
    octaves = np.log2(measured / values[1:])
    assert np.abs(octaves).max() < (0.75 if name == "wavelet-haar" else 0.3), octaves


def test_frequency_doubles_from_level_to_level() -> None:
    basis = wavelets("wavelet", (1, 64))
    by_level = [set(basis.frequency[basis.level == j]) for j in range(6)]
    assert by_level == [*({0.375 / 2**j} for j in range(5)), {1 / 64}]
    assert basis.frequency[0, 0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_position_is_the_middle_of_the_support(name: str) -> None:
    """On either axis, at fine levels, where the support does not wrap."""
    shape = (1, 128, 256)
    basis = wavelets(name, shape)
    places = np.indices(shape[1:])
    rng = np.random.default_rng(0)
    edge = np.array(shape[1:]).reshape(2, 1, 1, 1) - 40
    inside = (basis.position > 40) & (basis.position < edge)
    inside = np.argwhere((basis.level < 2) & inside.all(axis=0))
    for index in rng.permutation(inside)[:20]:
        unit = np.zeros(shape)
        unit[tuple(index)] = 1
        support = np.abs(basis.inverse(unit)[0]) > 1e-12
        for axis in range(2):
            held = places[axis][support]
            middle = (held.min() + held.max()) / 2
            assert basis.position[(axis, *index)] == pytest.approx(middle)


@pytest.mark.slow
def test_db4_loses_least_on_photographs(bsds500: object) -> None:
    """Why "wavelet" is db4: the gap to PCA of the three, on 32 x 32 crops."""
    from pathlib import Path

    from PIL import Image

    from spectra.bases import ScatterAccumulator, log_determinant_gap, pca_variance

    files = sorted(Path(str(bsds500)).rglob("*.jpg"))[::5]
    moments = ScatterAccumulator(1024)
    sums: dict[str, np.ndarray] = {}
    count = 0
    for file in files:
        grey = np.asarray(Image.open(file).convert("L"), np.float64) / 127.5 - 1
        h, w = (n // 32 for n in grey.shape)
        tiles = grey[: h * 32, : w * 32].reshape(h, 32, w, 32).swapaxes(1, 2).reshape(-1, 1, 32, 32)
        moments.add(tiles)
        count += len(tiles)
        for name in ("wavelet", "wavelet-haar", "wavelet-db2", "dct"):
            z = make_basis(name, (1, 32, 32)).forward(tiles)
            old = sums.get(name, np.zeros((2, 1, 32, 32)))
            sums[name] = old + np.stack([z.sum(axis=0), (z**2).sum(axis=0)])
    principal = pca_variance(moments.result())
    gap = {
        name: log_determinant_gap(total[1] / count - (total[0] / count) ** 2, principal, 1e-6)
        for name, total in sums.items()
    }
    assert gap["wavelet"] < 0.8 * gap["wavelet-db2"] < gap["wavelet-haar"]
    assert 0 < gap["dct"] < 0.3 * gap["wavelet"]


@pytest.mark.parametrize(
    ("name", "shape"), [("haar-3", (1, 32, 48)), ("db2-1", (3, 8, 6)), ("haar-2", (2, 64))]
)
def test_a_number_in_the_name_is_the_number_of_levels(name: str, shape: tuple[int, ...]) -> None:
    basis = wavelets(f"wavelet-{name}", shape)
    family, levels = name.split("-")
    assert basis.levels == int(levels) == basis.level.max()
    x = np.random.default_rng(0).standard_normal((2, *shape))
    axes = tuple(range(2, x.ndim))
    nested = pywt.wavedecn(x, family, mode="periodization", level=int(levels), axes=axes)
    np.testing.assert_allclose(
        basis.forward(x), pywt.coeffs_to_array(nested, axes=axes)[0], atol=1e-12
    )
    np.testing.assert_allclose(basis.inverse(basis.forward(x)), x, atol=1e-12)
    assert (basis.frequency >= 0).all()
    assert basis.position.min() > 0


def test_components_of_three_levels_see_eight_pixels() -> None:
    """Those of the first eight columns know nothing of the others, and there are as many."""
    basis = wavelets("wavelet-haar-3", (1, 32, 32))
    x = np.zeros(basis.shape)
    x[..., :8] = np.random.default_rng(0).standard_normal((1, 32, 8))
    moved = basis.forward(x) != 0
    assert moved.sum() == x[..., :8].size
    np.testing.assert_array_equal(moved, basis.position[1] < 7.9)


@pytest.mark.parametrize(
    "name", ["haar-4", "db4-100", "haar-0", "haar-", "-3", "haar--1", "haar-3-3"]
)
def test_levels_that_there_are_not_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"wavelet-"):
        make_basis(f"wavelet-{name}", (1, 8, 8))


def test_level_then_column_in_three_levels_of_haar() -> None:
    """GUD's order: coarse before fine, and within a level left before right."""
    source = spectra.open_source("photos", size=16)
    spectrum = spectra.analyze(source, bases=("wavelet-haar-3",))
    made = spectra.derive_schedule(spectrum, basis="wavelet-haar-3", ordering="level:4+columns:0.3")
    basis = made.make_basis()
    assert isinstance(basis, WaveletBasis)
    rank = np.lexsort((basis.position[1].ravel(), -basis.level.ravel()))  # level, then column
    assert (np.diff(made.offset.ravel()[rank]) <= 1e-9).all()
    again = made.log_snr(np.array([0.5]))
    assert np.isfinite(again).all()
