"""A small data set with a known spectrum, and the nouns made from it, once per run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import spectra
from tests.plots.cases import RATE, Case, measured, series


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pictures are no laws: `make test-fast` leaves them out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Nouns:
    images: np.ndarray
    spectrum: spectra.Spectrum
    fit: spectra.PowerLaw
    singles: np.ndarray
    derived: spectra.Schedule
    standard: spectra.Schedule


def power_law_images(n: int, shape: tuple[int, int, int], slope: float = 2.0) -> np.ndarray:
    """Random fields with power f^-slope, values within [-1, 1], float32 [n, C, H, W]."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(shape[1])[:, None], np.fft.fftfreq(shape[2]))
    frequency[0, 0] = np.inf
    white = np.fft.fft2(rng.standard_normal((n, *shape)))
    images = np.fft.ifft2(white * frequency ** (-slope / 2)).real
    return (images / np.abs(images).max()).astype(np.float32)


def nouns_of(shape: tuple[int, int, int], n: int = 24) -> Nouns:
    images = power_law_images(n, shape)
    spectrum = spectra.analyze(images, bases=("dct", "pixel"))
    singles, _ = spectra.rapsd(images[:6], window="hann")
    return Nouns(
        images,
        spectrum,
        spectra.fit_power_law(spectrum, f_range=(0.0, 0.4)),
        np.asarray(singles),
        spectra.derive_schedule(spectrum, ordering_strength=0.5),
        spectra.standard_schedule(spectrum),
    )


@pytest.fixture(scope="session", params=[(1, 16, 16), (3, 33, 20)], ids=["grey", "odd RGB"])
def nouns(request: pytest.FixtureRequest) -> Nouns:
    return nouns_of(request.param)


@pytest.fixture(scope="session")
def small() -> Nouns:
    return nouns_of((1, 16, 16))


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    mel = power_law_images(20, (1, 32, 40))
    return {
        "sound": measured(
            series(20, (1, 12000), 1000 / RATE),
            kind="sound",
            spacing=(1 / RATE,),
            axis_units=("s",),
        ),
        "stereo": measured(
            series(12, (2, 600)), kind="sound", spacing=(1 / RATE,), axis_units=("s",)
        ),
        "log-mel": measured(
            mel, kind="sound", spacing=(1.0, 0.01), axis_units=("mel", "s"), quantum=0.0
        ),
        "series": measured(series(20, (1, 128))),
        "fields": measured(
            40 * power_law_images(20, (1, 24, 32)),
            kind="fields",
            spacing=(2.0, 2.0),
            axis_units=("km", "km"),
        ),
        "colour": measured(power_law_images(20, (3, 16, 16)), ("dct", "fourier", "pca")),
        "latents": measured(3 * power_law_images(20, (4, 16, 16))),
        "grey": measured(power_law_images(20, (1, 16, 16)), ("wavelet-haar",)),
        "bare": measured(power_law_images(20, (6, 16, 16)), ()),
    }
