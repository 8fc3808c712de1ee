"""Channels: luma without a second pass, coherence, decorrelated axes."""

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.spectrum.colour import (
    channel_power,
    coherence,
    decorrelated_power,
    luma_power,
)
from tests.spectrum.fields import white_noise


def photos() -> spectra.Spectrum:
    return spectra.analyze(
        spectra.open_source(np.stack(colours()), channels="rgb"), window="none", bases=()
    )


def colours() -> list[np.ndarray]:
    """Crops of real colour photographs, [3, 64, 64]."""
    from skimage import data

    pictures = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    crops = [
        picture[top : top + 64, left : left + 64] / 127.5 - 1
        for picture in pictures
        for top in (40, 120, 200)
        for left in (60, 160, 260)
    ]
    return [np.moveaxis(crop, 2, 0).astype(np.float32) for crop in crops]


def test_channels_and_luma_are_those_measured_alone() -> None:
    images, spectrum = np.stack(colours()), photos()
    for channel, ours in enumerate(channel_power(spectrum)):
        alone = spectra.analyze(images[:, channel], window="none", bases=())
        np.testing.assert_allclose(ours, alone.power, rtol=1e-4)
    luma = np.einsum("c,nchw->nhw", (0.299, 0.587, 0.114), images).astype(np.float32)
    alone = spectra.analyze(luma, window="none", bases=())
    np.testing.assert_allclose(luma_power(spectrum), alone.power, rtol=1e-4)


def test_decorrelated_axes_keep_the_power_and_lose_the_correlation() -> None:
    spectrum = photos()
    found = decorrelated_power(spectrum)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.power.sum(axis=0), channel_power(spectrum).sum(axis=0))
    assert found.share.sum() == pytest.approx(1)
    assert found.share[0] > 0.85  # light, in photographs
    np.testing.assert_allclose(np.abs(found.axes[0]), 3**-0.5, atol=0.15)


def test_coherence_of_copies_is_one_and_of_strangers_small() -> None:
    rng = np.random.default_rng(0)
    noise = white_noise(rng, 50, (32, 32))
    images = np.stack([noise, -2 * noise, white_noise(rng, 50, (32, 32))], axis=1)
    found = coherence(spectra.analyze(images, window="none", bases=()))
    np.testing.assert_allclose(found[0, 1], 1, atol=1e-6)
    assert found[0, 2].max() < 0.02
    np.testing.assert_allclose(found, found.transpose(1, 0, 2))


def test_one_channel_has_no_cross_power() -> None:
    spectrum = spectra.analyze(white_noise(np.random.default_rng(0), 5, (16, 16)))
    np.testing.assert_array_equal(channel_power(spectrum), spectrum.power[None])
    with pytest.raises(InputError, match="one channel"):
        coherence(spectrum)
