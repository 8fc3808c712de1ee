"""A small data set, the schedule that fits it, and a network that trains in a second."""

from typing import Any

import numpy as np
import pytest

from spectra.data import Source, open_source
from spectra.schedule import Schedule, derive_schedule
from spectra.spectrum import analyze

TINY = {"name": "unet", "width": 8, "multipliers": [1, 2]}


def rough_images(count: int = 40, size: int = 8, channels: int = 1) -> np.ndarray:
    """Random walks over the plane as 8-bit images, uint8 [N, C, H, W]."""
    rng = np.random.default_rng(7)
    walk = rng.normal(size=(count, channels, size, size)).cumsum(axis=2).cumsum(axis=3)
    return np.clip(128 + 12 * walk, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="session")
def tiny_source() -> Source:
    return open_source(rough_images())


@pytest.fixture(scope="session")
def tiny_schedule(tiny_source: Source) -> Schedule:
    return derive_schedule(analyze(tiny_source))


@pytest.fixture(scope="session")
def tiny_options() -> dict[str, Any]:
    """Keywords of a run of a second."""
    return {
        "steps": 12,
        "batch": 4,
        "network": TINY,
        "device": "cpu",  # where a run's numbers are promised to the bit
        "checkpoint_every": 5,
        "log_every": 2,
        "progress": False,
    }
