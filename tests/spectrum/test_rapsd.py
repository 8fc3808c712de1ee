"""RAPSD: pysteps' numbers, the right frequencies, Parseval and the level of white noise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.spectrum.rings import ring_plan
from tests.repeats import then_slow
from tests.spectrum.fields import power_law_fields, white_noise


@pytest.fixture(scope="module", params=[64, 65, 256])
def crops(request: pytest.FixtureRequest) -> np.ndarray:
    """Real photographs, float64 [8, N, N]."""
    source = spectra.open_source("photos", size=request.param)
    chosen = np.linspace(0, len(source) - 1, 8).astype(int)
    return source.examples(chosen)[:, 0].astype(np.float64)


def test_compat_float64_equals_pysteps_on_photos(
    crops: np.ndarray, pysteps_rapsd: Callable[..., Any]
) -> None:
    power, frequency = spectra.rapsd(crops, compat="pysteps")
    for image, ours in zip(crops, power, strict=True):
        theirs, their_frequency = pysteps_rapsd(image, fft_method=np.fft, return_freq=True)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
        np.testing.assert_allclose(frequency, their_frequency, rtol=1e-12)


def test_compat_float32_equals_pysteps_on_photos(
    crops: np.ndarray, pysteps_rapsd: Callable[..., Any]
) -> None:
    power, _ = spectra.rapsd(crops.astype(np.float32), compat="pysteps")
    assert power.dtype == np.float32
    for image, ours in zip(crops, power, strict=True):
        np.testing.assert_allclose(ours, pysteps_rapsd(image, fft_method=np.fft), rtol=1e-4)


@pytest.mark.parametrize("shape", [(64, 128), (33, 20), (7, 8)])
def test_compat_equals_pysteps_on_rectangles_too(
    shape: tuple[int, int], pysteps_rapsd: Callable[..., Any]
) -> None:
    image = np.random.default_rng(0).standard_normal(shape)
    power, frequency = spectra.rapsd(image, compat="pysteps")
    theirs, their_frequency = pysteps_rapsd(image, fft_method=np.fft, return_freq=True)
    np.testing.assert_allclose(power, theirs, rtol=1e-9)
    np.testing.assert_allclose(frequency, their_frequency, rtol=1e-12)


def test_default_rings_hold_pysteps_power_under_right_labels(
    pysteps_rapsd: Callable[..., Any],
) -> None:
    """On a square the rings are pysteps'; ring 1 has mean |k| = 1.207, DC is apart."""
    image = np.random.default_rng(1).standard_normal((64, 64))
    power, frequency = spectra.rapsd(image)
    np.testing.assert_allclose(power, pysteps_rapsd(image, fft_method=np.fft)[1:], rtol=1e-9)
    assert frequency[0] * 64 == pytest.approx((1 + np.sqrt(2)) / 2, abs=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_plane_wave_peaks_in_the_ring_of_its_frequency(axis: int, kind: str, window: str) -> None:
    """0.125 cycles/pixel along either axis of a rectangle is 0.125, not an index."""
    place = np.indices((64, 128))[axis]
    image: Any = np.cos(2 * np.pi * 0.125 * place)
    if kind == "torch":
        import torch

        image = torch.from_numpy(image)
    power, frequency = spectra.rapsd(image, window=window)
    half_a_ring = 0.5 / 64
    assert abs(float(frequency[int(power.argmax())]) - 0.125) < half_a_ring


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (16, 10), (15, 32)])
def test_ring_mean_is_the_plain_mean_over_the_full_plane(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(2).standard_normal(shape)
    power, frequency = spectra.rapsd(image)
    full = np.abs(np.fft.fft2(image)) ** 2 / image.size
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    plan = ring_plan(shape)
    for ring, count, ours, label in zip(plan.ring, plan.count, power, frequency, strict=True):
        inside = np.floor(radius * min(shape) + 0.5) == ring
        assert inside.sum() == count
        assert ours == pytest.approx(full[inside].mean(), rel=1e-12)
        assert label == pytest.approx(radius[inside].mean(), rel=1e-12)
    assert radius[0, 0] == 0
    assert (plan.ring > 0).all()


@pytest.mark.parametrize("compat", [None, "pysteps"])
@pytest.mark.parametrize("window", ["none", "hann"])
@pytest.mark.parametrize("shape", [(64, 64), (65, 65), (64, 48), (33, 64)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_torch_equals_numpy(
    shape: tuple[int, int], window: str, compat: Any, dtype: type, tolerance: float
) -> None:
    import torch

    images = 0.3 + white_noise(np.random.default_rng(3), 6, shape).reshape(2, 3, *shape)
    images = images.astype(dtype)
    ours, frequency = spectra.rapsd(images, window=window, compat=compat)
    theirs, their_frequency = spectra.rapsd(torch.from_numpy(images), window=window, compat=compat)
    assert ours.shape == tuple(theirs.shape) == (2, 3, len(frequency))
    assert ours.dtype == dtype
    assert theirs.dtype == their_frequency.dtype == torch.from_numpy(images).dtype
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=tolerance)
    np.testing.assert_allclose(their_frequency.numpy(), frequency, rtol=tolerance)


@pytest.mark.parametrize("compat", [None, "pysteps"])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_torch_gradient(window: str, compat: Any) -> None:
    import torch

    images = torch.randn(2, 7, 8, dtype=torch.float64, generator=torch.manual_seed(0))
    images.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: spectra.rapsd(x, window=window, compat=compat)[0], images
    )


def test_torch_keeps_device_and_precision() -> None:
    import torch

    for dtype, expected in (
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.uint8, torch.float32),
    ):
        images = torch.ones(1, 16, 16, device="cpu").to(dtype)
        power, frequency = spectra.rapsd(images)
        assert power.dtype == frequency.dtype == expected
        assert power.device == images.device
    # The meta device holds no values, but an operation that left it would raise.
    power, _ = spectra.rapsd(torch.ones(1, 16, 16, device="meta"))
    assert power.device.type == "meta"


def test_integers_are_measured_in_float32_and_batches_do_not_matter() -> None:
    images = np.random.default_rng(4).integers(0, 256, (40, 64, 64)).astype(np.uint8)
    power, _ = spectra.rapsd(images)
    assert power.dtype == np.float32
    alone = np.stack([spectra.rapsd(image)[0] for image in images])
    np.testing.assert_allclose(power, alone, rtol=1e-6)


@pytest.mark.parametrize("window", ["none", "hann"])
def test_float32_keeps_a_weak_spectrum_beside_a_large_mean(window: str) -> None:
    """The mean is taken off before the transform, so that it costs no digits."""
    rng = np.random.default_rng(5)
    images = 200 + 1e-3 * power_law_fields(rng, 4, (64, 64), 2.0)
    exact, _ = spectra.rapsd(images.astype(np.float32).astype(np.float64), window=window)
    fast, _ = spectra.rapsd(images.astype(np.float32), window=window)
    np.testing.assert_allclose(fast, exact, rtol=1e-3)


@pytest.mark.parametrize("shape", [(64, 64), (33, 20)])
def test_parseval_over_all_modes(shape: tuple[int, int]) -> None:
    """Rings, DC and the corners together hold the mean square of the values."""
    image = 0.2 + np.random.default_rng(6).standard_normal(shape)
    plan = ring_plan(shape)
    power, _ = spectra.rapsd(image)
    full = np.abs(np.fft.fft2(image)) ** 2 / image.size
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    outside = full[np.floor(radius * min(shape) + 0.5) > plan.ring[-1]].sum()
    total = (power * plan.count).sum() + full[0, 0] + outside
    assert total / image.size == pytest.approx((image**2).mean(), rel=1e-12)


@pytest.mark.parametrize("n", then_slow([4], [1, 16, 64]))
@pytest.mark.parametrize("window", ["none", "hann"])
def test_white_noise_has_power_one_in_every_ring_for_any_number_of_images(
    n: int, window: str
) -> None:
    """Draws of n images, averaged until the standard error is under 0.003 in every ring."""
    rng = np.random.default_rng(100 + n)
    shape, images_a_block = (16, 16), 4096
    sums = squares = draws = 0
    error: Any = np.inf
    while np.max(error) >= 0.003:
        images = white_noise(rng, images_a_block, shape, np.float32)
        power, _ = spectra.rapsd(images, window=window)
        level = power.astype(np.float64).reshape(images_a_block // n, n, -1).mean(axis=1)
        draws += len(level)
        sums, squares = sums + level.sum(axis=0), squares + (level**2).sum(axis=0)
        mean = sums / draws
        error = np.sqrt((squares / draws - mean**2) / (draws - 1))
    np.testing.assert_allclose(mean, 1.0, atol=0.01)


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (np.zeros(16), "axes"),
        (np.zeros((2, 2)), "3x3"),
        (np.zeros((4, 1, 64)), "3x3"),
        (np.full((8, 8), np.nan), "NaN"),
        (np.full((8, 8), np.inf), "NaN or infinite"),
        (3.0, "axes"),
        (np.ones((8, 8), complex), "complex"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_bad_images_are_refused_by_name(images: Any, names: str) -> None:
    with pytest.raises(InputError, match=names) as caught:
        spectra.rapsd(images)
    assert "\n" not in str(caught.value)


def test_unknown_window_is_refused() -> None:
    with pytest.raises(InputError, match="boxcar"):
        spectra.rapsd(np.ones((8, 8)), window="boxcar")


def test_images_that_cannot_be_written_or_lie_apart_are_measured_all_the_same() -> None:
    images = np.random.default_rng(0).standard_normal((6, 32, 64)).astype(np.float32)
    expected, _ = spectra.rapsd(images)
    frozen = images.copy()
    frozen.setflags(write=False)
    for same in (frozen, np.asfortranarray(images), images[:, :, ::-1][:, :, ::-1], images[::1]):
        power, _ = spectra.rapsd(same)
        np.testing.assert_allclose(power, expected, rtol=1e-5)
    apart, _ = spectra.rapsd(np.repeat(images, 2, axis=2)[:, :, ::2])
    np.testing.assert_allclose(apart, expected, rtol=1e-5)
