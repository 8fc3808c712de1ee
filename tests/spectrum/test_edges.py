"""What is taken off before the transform: planes, and the jump at the edges."""

import numpy as np
import pytest

import spectra
from spectra.spectrum.edges import periodic_component, without_plane
from tests.spectrum.fields import power_law_fields, white_noise


@pytest.mark.parametrize("shape", [(32, 32), (17, 24)])
def test_a_plane_leaves_nothing_and_noise_nearly_all(shape: tuple[int, int]) -> None:
    y, x = np.indices(shape)
    np.testing.assert_allclose(without_plane(3 + 0.2 * y - 0.7 * x), 0, atol=1e-12)
    noise = white_noise(np.random.default_rng(0), 50, shape)
    left = without_plane(noise + 5 * x)
    np.testing.assert_allclose(left, without_plane(noise), atol=1e-10)
    design = np.stack([np.ones(y.size), y.ravel(), x.ravel()], axis=1)
    fitted = noise[0].ravel() - design @ np.linalg.lstsq(design, noise[0].ravel(), rcond=None)[0]
    np.testing.assert_allclose(without_plane(noise[0]).ravel(), fitted, atol=1e-10)


def test_the_smooth_part_has_the_jump_and_no_structure_inside() -> None:
    """Moisan: u = p + s, s has no Laplacian inside, and p joins at its edges."""
    y, x = np.indices((40, 56))
    ramp = 0.05 * y + np.sin(x / 30.0)
    smooth = ramp - periodic_component(ramp)
    inside = smooth[1:-1, 1:-1] * 4 - (
        smooth[:-2, 1:-1] + smooth[2:, 1:-1] + smooth[1:-1, :-2] + smooth[1:-1, 2:]
    )
    np.testing.assert_allclose(inside, 0, atol=1e-10)
    assert smooth.mean() == pytest.approx(0, abs=1e-12)
    jump = np.abs(periodic_component(ramp)[0] - periodic_component(ramp)[-1]).max()
    assert jump < 0.1 * np.abs(ramp[0] - ramp[-1]).max()


def test_windows_against_the_cross_of_crops() -> None:
    """Crops of a larger field: hann and periodic keep the exponent that no window loses."""
    fields = power_law_fields(np.random.default_rng(1), 12, (256, 256), 3.0)
    crops = fields[:, 64:192, 64:192]
    errors = {}
    for window in ("none", "hann", "periodic"):
        spectrum = spectra.analyze(crops, window=window, bases=())  # pyright: ignore[reportArgumentType]
        slope = np.polyfit(np.log(spectrum.frequency[4:40]), np.log(spectrum.power[4:40]), 1)[0]
        errors[window] = abs(-slope - 3)
    assert errors["hann"] < 0.1
    assert errors["periodic"] < 0.5 * errors["none"]


@pytest.mark.parametrize("window", ["none", "hann", "periodic"])
@pytest.mark.parametrize("detrend", ["mean", "plane"])
@pytest.mark.parametrize("reach", ["inside", "nyquist", "corners"])
def test_torch_equals_numpy(window: str, detrend: str, reach: str) -> None:
    import torch

    images = 0.3 + white_noise(np.random.default_rng(3), 5, (24, 17))
    given = {"window": window, "detrend": detrend, "reach": reach}
    ours, frequency = spectra.rapsd(images, **given)  # pyright: ignore[reportArgumentType]
    theirs, _ = spectra.rapsd(torch.from_numpy(images), **given)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-10)
    assert len(frequency) == ours.shape[-1]


def test_reach_takes_in_nyquist_and_the_corners() -> None:
    images = white_noise(np.random.default_rng(4), 400, (32, 32))
    inside, _ = spectra.rapsd(images)
    nyquist, f_nyquist = spectra.rapsd(images, reach="nyquist")
    corners, f_corners = spectra.rapsd(images, reach="corners")
    np.testing.assert_allclose(nyquist[:, :-1], inside)
    np.testing.assert_allclose(corners[:, : nyquist.shape[1]], nyquist)
    assert (inside.shape[1], nyquist.shape[1]) == (15, 16)
    assert f_nyquist[-1] == pytest.approx(0.5, abs=0.01)
    assert f_corners[-1] == pytest.approx(2**0.5 / 2)
    np.testing.assert_allclose(corners.mean(axis=0), 1, atol=0.2)
    # All the rings and DC hold all the modes.
    plan = spectra.analyze(images, reach="corners", window="none", bases=()).estimator.plan
    assert plan.count.sum() + 1 == 32 * 32


def test_gradients_flow_through_every_choice() -> None:
    import torch

    images = torch.randn(2, 9, 8, dtype=torch.float64, generator=torch.manual_seed(0))
    images.requires_grad_()
    for detrend in ("mean", "plane"):
        assert torch.autograd.gradcheck(
            lambda x, d=detrend: spectra.rapsd(x, window="periodic", detrend=d, reach="corners")[0],
            images,
        )


def test_the_plane_power_keeps_dc_whatever_was_taken_off() -> None:
    images = 0.4 + 0.1 * white_noise(np.random.default_rng(5), 20, (16, 24))
    for detrend in ("mean", "plane"):
        spectrum = spectra.analyze(images, detrend=detrend, window="none", bases=())
        assert spectrum.mean_power_2d is not None
        means = images.astype(np.float32).mean(axis=(1, 2))
        assert spectrum.mean_power_2d[0, 0] == pytest.approx(16 * 24 * (means**2).mean(), rel=1e-4)
