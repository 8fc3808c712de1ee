"""The spectrum of a source: both averages, component variances, merging, files, refusals."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import fft, stats

import spectra
from spectra import InputError, Spectrum
from spectra.spectrum.rings import ring_plan
from tests.spectrum.fields import power_law_fields, spectrum_of_rings, white_noise

BASES = ("pixel", "dct", "fourier")


def photos(size: int = 32) -> Any:
    return spectra.open_source("photos", size=size, crop="center")


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    return spectra.analyze(photos(), bases=BASES)


def as_array(source: Any) -> np.ndarray:
    return source.examples(range(len(source))).astype(np.float64)


@pytest.mark.parametrize("window", ["none", "hann"])
def test_both_averages_and_the_spread_are_those_of_the_images_ring_powers(window: str) -> None:
    source = photos()
    spectrum = spectra.analyze(source, window=window)
    power, frequency = spectra.rapsd(as_array(source), window=window)  # [N, C, F]
    np.testing.assert_allclose(spectrum.frequency, frequency, rtol=1e-12)
    np.testing.assert_allclose(spectrum.power, power.mean(axis=(0, 1)), rtol=1e-4)
    np.testing.assert_allclose(spectrum.log_power, np.log(power).mean(axis=(0, 1)), atol=1e-4)
    scatter = np.log(power).mean(axis=1).std(axis=0, ddof=1)
    np.testing.assert_allclose(spectrum.spread, scatter, rtol=1e-3)
    assert (spectrum.log_power < np.log(spectrum.power)).all()  # Jensen
    assert (spectrum.n, spectrum.n_files) == (len(source), len(source.files))
    np.testing.assert_array_equal(spectrum.count, ring_plan((32, 32)).count)


def test_mean_and_component_variances_are_the_two_pass_ones(spectrum: Spectrum) -> None:
    images = as_array(photos())
    np.testing.assert_allclose(spectrum.mean, images.mean(axis=0), atol=1e-6)
    centred = images - images.mean(axis=0)
    dct = fft.dctn(centred, axes=(-2, -1), norm="ortho")
    modes = fft.fftn(centred, axes=(-2, -1), norm="ortho")
    n = len(images)
    for basis, expected in {
        "pixel": (centred**2).sum(axis=0) / (n - 1),
        "dct": (dct**2).sum(axis=0) / (n - 1),
        "fourier": (np.abs(modes) ** 2).sum(axis=0) / (n - 1),
    }.items():
        np.testing.assert_allclose(spectrum.component_variance(basis), expected, rtol=2e-4)


def test_component_variance_survives_a_mean_far_larger_than_the_deviations() -> None:
    rng = np.random.default_rng(0)
    images = (1000 + 0.01 * rng.standard_normal((200, 8, 8))).astype(np.float32)
    spectrum = spectra.analyze(images, bases=("pixel",))
    expected = images.astype(np.float64).var(axis=0, ddof=1)
    np.testing.assert_allclose(spectrum.component_variance("pixel")[0], expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(32, 32), (33, 20)])
def test_parseval_of_the_mean_power(shape: tuple[int, int]) -> None:
    """sum over modes of mean_power_2d / (H W) = mean of x^2."""
    images = 0.3 + power_law_fields(np.random.default_rng(1), 40, shape, 2.0) / 50
    spectrum = spectra.analyze(images, window="none")
    mean_square = (images.astype(np.float32).astype(np.float64) ** 2).mean()
    assert spectrum.mean_power_2d.shape == shape
    assert spectrum.mean_power_2d.mean() == pytest.approx(mean_square, rel=1e-6)


def test_mean_power_2d_is_the_full_plane_with_dc_first() -> None:
    images = 0.2 + white_noise(np.random.default_rng(2), 6, (12, 9))
    spectrum = spectra.analyze(images, window="none")
    expected = (np.abs(np.fft.fft2(images)) ** 2).mean(axis=0) / 108
    np.testing.assert_allclose(spectrum.mean_power_2d, expected, rtol=1e-4)


def test_the_file_is_the_unit_of_the_interval_not_the_patch() -> None:
    """Twelve patches of one picture, repeated, say no more than one."""
    source = spectra.open_source("photos", size=64, crop="patches")
    spectrum = spectra.analyze(source)
    assert spectrum.n > 3 * spectrum.n_files
    low, high = spectrum.power_interval()
    power, _ = spectra.rapsd(as_array(source)[:, 0], window="hann")
    naive = stats.sem(power, axis=0) / power.mean(axis=0)
    width = np.log(high / low) / (2 * stats.t.ppf(0.975, spectrum.n_files - 1))
    assert (width > 1.5 * naive).mean() > 0.9


def test_power_interval_covers_the_expected_power() -> None:
    """Files of unequal size, each at a level of its own: 95 % of intervals hold the mean."""
    rng = np.random.default_rng(3)
    draws, files = 1000, 25
    hit = []
    for _ in range(draws):
        level = rng.gamma(4.0, 0.25, (files, 1))  # mean 1
        power = level * rng.chisquare(12, (files, 4)) / 12
        low, high = spectrum_of_rings(power, (10, 10), "none").power_interval()
        hit.append((low < 1) & (high > 1))
    assert 0.90 < np.mean(hit) < 0.98


@pytest.mark.parametrize("window", ["none", "hann"])
def test_single_picture_interval_covers_the_expected_power(window: str) -> None:
    power, _ = spectra.rapsd(white_noise(np.random.default_rng(4), 1000, (32, 32)), window=window)
    hit = []
    for rings in power:
        low, high = spectrum_of_rings(rings[None], (32, 32), window).power_interval()
        hit.append((low < 1) & (high > 1))
    assert 0.92 < np.mean(hit) < 0.98


def test_the_light_way_to_a_spectrum_is_what_analyze_makes() -> None:
    images = power_law_fields(np.random.default_rng(5), 8, (64, 64), 2.0)
    power, _ = spectra.rapsd(images.astype(np.float32), window="hann")
    light = spectrum_of_rings(power, (64, 64), "hann")
    full = spectra.analyze(images, window="hann", bases=())
    np.testing.assert_allclose(light.power, full.power, rtol=1e-5)
    np.testing.assert_allclose(light.log_power, full.log_power, rtol=1e-5)
    np.testing.assert_allclose(light.log_covariance(), full.log_covariance(), rtol=1e-3, atol=1e-9)
    assert spectra.fit_power_law(light).alpha == pytest.approx(
        spectra.fit_power_law(full).alpha, rel=1e-5
    )


def test_merged_spectra_are_those_of_one_pass() -> None:
    rng = np.random.default_rng(6)
    images = (0.5 + power_law_fields(rng, 60, (16, 20), 2.0) / 50)[:, None].repeat(2, 1)
    images[:, 1] *= 0.5
    images[:20] += 0.3
    a, b = (spectra.analyze(part, bases=BASES) for part in (images[:20], images[20:]))
    merged, once = a + b, spectra.analyze(images, bases=BASES)
    assert (merged.n, merged.n_files, merged.shape) == (once.n, once.n_files, once.shape)
    for name in ("power", "log_power", "spread", "mean", "mean_power_2d"):
        np.testing.assert_allclose(
            getattr(merged, name), getattr(once, name), rtol=1e-4, err_msg=name
        )
    for basis in BASES:
        np.testing.assert_allclose(
            merged.component_variance(basis), once.component_variance(basis), rtol=1e-5
        )
    np.testing.assert_allclose(merged.power_interval()[1], once.power_interval()[1], rtol=1e-4)
    c = spectra.analyze(images[::-2] * 2, bases=BASES)
    left = (a + b) + c
    right = a + (b + c)
    np.testing.assert_allclose(left.power, right.power, rtol=1e-12)


def test_spectra_of_other_settings_do_not_merge(spectrum: Spectrum) -> None:
    for other, names in (
        (spectra.analyze(photos(), window="none", bases=BASES), "window"),
        (spectra.analyze(photos(size=16), bases=BASES), "shape"),
        (spectra.analyze(photos(), bases=("dct",)), "bases"),
        (dataclasses.replace(spectrum, quantum=0.0), "quantum"),
    ):
        with pytest.raises(InputError, match=names):
            spectrum + other


def test_a_sum_of_spectra_is_their_addition() -> None:
    images = power_law_fields(np.random.default_rng(8), 24, (16, 16), 2.0)
    parts = [spectra.analyze(part, bases=("dct",)) for part in np.split(images, 3)]
    np.testing.assert_array_equal(sum(parts).power, (parts[0] + parts[1] + parts[2]).power)
    for wrong in (1, "a"):
        with pytest.raises(TypeError):
            wrong + parts[0]


def test_pictures_made_small_do_not_merge_with_parts_of_pictures(spectrum: Spectrum) -> None:
    resized, whole = (
        dataclasses.replace(
            spectrum, data={**spectrum.data, "crop": crop}, fingerprint=f"of {crop}"
        )
        for crop in ("resize", "none")
    )
    assert spectrum.data["crop"] == "center"
    for first, second in ((spectrum, resized), (resized, spectrum)):
        with pytest.raises(InputError, match="crop differs between the two spectra"):
            first + second
    assert (resized + whole).n == (spectrum + whole).n == 2 * spectrum.n


def test_a_saved_spectrum_is_read_back_to_the_bit(spectrum: Spectrum, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "spectrum.safetensors"
    named = dataclasses.replace(spectrum, skipped=(("broken.jpg", "truncated"),))
    named.save(path)
    again = spectra.load_spectrum(path)
    for field in dataclasses.fields(Spectrum):
        assert_same_bits(getattr(again, field.name), getattr(named, field.name), field.name)
    for name in ("frequency", "ring", "count", "power", "log_power", "spread"):
        assert_same_bits(getattr(again, name), getattr(named, name), name)
    assert_same_bits(again.power_interval(), named.power_interval(), "power_interval")
    assert again.quantisation_floor == named.quantisation_floor == (2 / 255) ** 2 / 12


def assert_same_bits(ours: Any, theirs: Any, name: str) -> None:
    if dataclasses.is_dataclass(theirs):
        ours, theirs = vars(ours), vars(theirs)
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), name
        for key, value in theirs.items():
            assert_same_bits(ours[key], value, f"{name}.{key}")
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, name
        assert ours.shape == theirs.shape, name
        assert ours.tobytes() == theirs.tobytes(), name
    elif isinstance(theirs, tuple) and any(isinstance(item, np.ndarray) for item in theirs):
        for one, other in zip(ours, theirs, strict=True):
            assert_same_bits(one, other, name)
    else:
        assert ours == theirs, name


def test_the_saved_source_settings_reopen_the_same_view(spectrum: Spectrum) -> None:
    again = spectra.open_source("photos", **spectrum.data)
    assert again.fingerprint == spectrum.fingerprint == photos().fingerprint


def test_an_unmeasured_basis_is_refused(spectrum: Spectrum) -> None:
    only_dct = spectra.analyze(photos())
    with pytest.raises(InputError, match=r"'fourier' was not measured .*dct"):
        only_dct.component_variance("fourier")


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("images", "names"),
    [
        (np.random.default_rng(0).standard_normal((1, 16, 16)), "at least 2"),
        (np.random.default_rng(0).standard_normal((4, 7, 16)), "8x8"),
        (np.zeros((4, 16, 16)), "blank"),
        (np.full((4, 16, 16), 0.25), "blank"),
        (np.random.default_rng(0).standard_normal((4, 16, 16)) * 1e25, "rescale"),
    ],
)
def test_sources_without_a_spectrum_are_refused_by_name(images: np.ndarray, names: str) -> None:
    with pytest.raises(InputError, match=names) as caught:
        spectra.analyze(images)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused() -> None:
    images = np.random.default_rng(0).standard_normal((4, 16, 16))
    with pytest.raises(InputError, match="kaiser"):
        spectra.analyze(images, window="kaiser")
    with pytest.raises(InputError, match="wavelets"):
        spectra.analyze(images, bases=("dct", "wavelets"))


def test_one_blank_example_among_good_ones_leaves_finite_logarithms() -> None:
    images = np.random.default_rng(0).standard_normal((4, 16, 16))
    images[2] = 0.0
    spectrum = spectra.analyze(images)
    assert np.isfinite(spectrum.log_power).all()
    assert np.isfinite(spectrum.spread).all()
