"""Schedules of every kind that an export meets, and diffusers where it is installed."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.schedule import Schedule
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), quantum=2 / 255)


@pytest.fixture(scope="session")
def diffusers() -> Any:
    """The library, quiet; tests are skipped where it is absent."""
    library = pytest.importorskip("diffusers", reason="the extra 'diffusers' is not installed")
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return library


def dct(**choices: Any) -> Schedule:
    """Derived from the spectrum, in the DCT."""
    return spectra.derive_schedule(SPECTRUM, basis="dct", **choices)


@cache
def schedules() -> dict[str, Schedule]:
    """One of each kind, 1x16x16, by name."""
    derived = dct(ordering_strength=1.0)
    frequency = derived.frequency
    offset = -4.0 * np.arange(16) * np.ones((1, 16, 1))  # columns, right to left
    span = float(np.ptp(offset))
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((256, 256)))[0]
    return {
        "standard": derived,
        "edm": spectra.standard_schedule(SPECTRUM, process="edm"),
        "rectified-flow": spectra.standard_schedule(SPECTRUM),
        "vp-linear": spectra.standard_schedule(SPECTRUM, process="vp-linear"),
        "equal-snr": dct(ordering_strength=0.0, prior="data"),
        "half": dct(ordering_strength=0.5, form="flow"),
        "sequential": dct(ordering_strength=4.0, form="ve"),
        "windows": replace(
            derived,
            offset=offset + np.log(derived.variance),
            t=np.array([0.0, 1.0]),
            pace=np.array([-span - 12.0, 12.0]),
            limits=(-12.0, 12.0),
            density=None,
        ),
        "blurring": replace(
            derived,
            blur_rate=frequency**2 * 400,
            blur=np.linspace(0.0, 1.0, len(derived.t)),
            blur_floor=0.001,
        ),
        "pca": replace(derived, basis="pca", components=rotation),
    }


SCALAR = ("standard", "edm", "rectified-flow", "vp-linear", "pca")
COMPONENTWISE = ("equal-snr", "half", "sequential", "windows", "blurring")
