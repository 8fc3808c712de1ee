"""Parts of a schedule have the curves of the whole, and are all that its grids cost."""

import time
from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from spectra.schedule import preset
from spectra.schedule.steps.members import schedule_members
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 12, 10))
T = np.linspace(0, 1, 9)


@pytest.mark.parametrize("name", ["blurring", "heat-dissipation", "columns", "power-law-noise"])
def test_members_have_the_curves_of_the_whole(name: str) -> None:
    made = preset(name, SPECTRUM)
    at = np.array([3, 0, 77, 239])
    part = schedule_members(made, at)
    for method in ("log_snr", "alpha", "sigma", "log_snr_slope"):
        whole = getattr(made, method)(T).reshape(len(T), -1)[:, at]
        np.testing.assert_array_equal(getattr(part, method)(T)[:, 0], whole)


def test_a_blurred_schedule_of_large_images_is_gridded_in_seconds() -> None:
    spectrum = known_spectrum(power_law(2.0), (3, 96, 96))
    made = preset("blurring", spectrum)
    began = time.perf_counter()
    grid = made.grid(10)
    assert time.perf_counter() - began < 2.5  # 0.3 s on a quiet machine; all of them: 3.3 s
    assert (np.diff(grid) < 0).all()


def test_noise_that_stands_still_has_no_grid() -> None:
    made = spectra.derive_schedule(SPECTRUM)
    still = replace(made, pace=np.full_like(made.pace, 1.0), density=None)
    with pytest.raises(InputError, match="stands still"):
        still.grid(5)
    part = replace(made, pace=np.clip(made.pace, -3, 2), density=None)
    assert (np.diff(part.grid(8)) < 0).all()


@pytest.mark.slow
def test_three_million_components_fit_in_memory() -> None:
    """What is allocated for a grid of a 3 x 1024 x 1024 schedule: under half a gigabyte."""
    import tracemalloc

    made = spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 16, 16)))
    shape = (3, 1024, 1024)
    rng = np.random.default_rng(0)
    variance = np.exp(rng.normal(size=shape))
    large = replace(
        made,
        shape=shape,
        variance=variance,
        mean=np.zeros(shape),
        offset=np.log(variance),
        scale=np.ones(shape),
    )
    tracemalloc.start()
    grid = large.grid(4)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (np.diff(grid) < 0).all()
    assert held < 5e8
