"""Grids of more steps than are optimised one by one."""

import time
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from tests.schedule.known import known_spectrum, power_law


@pytest.fixture(scope="module")
def schedule() -> spectra.Schedule:
    return spectra.derive_schedule(known_spectrum(power_law(2.0)))


@pytest.mark.slow
def test_a_thousand_steps_are_ready_in_seconds(schedule: spectra.Schedule) -> None:
    began = time.perf_counter()
    grid = schedule.grid(1000, "2m")
    assert time.perf_counter() - began < 20
    assert len(grid) == 1001
    assert (np.diff(grid) < 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_more_steps_never_cost_more(schedule: spectra.Schedule, solver: str) -> None:
    errors = [
        spectra.predict_error(schedule, schedule.grid(steps, solver), solver).w2
        for steps in (128, 256, 300, 600)
    ]
    assert (np.diff(errors) < 0).all(), errors
    edm = spectra.predict_error(schedule, schedule.grid(600, solver, rule="edm"), solver).w2
    assert errors[-1] <= edm * (1 + 1e-9)


@pytest.mark.parametrize("steps", [0, -1, 1.5, 4.0, float("nan"), "3", None, True, [3], 10**9])
def test_what_is_no_number_of_steps_is_refused(schedule: spectra.Schedule, steps: Any) -> None:
    with pytest.raises(InputError, match="steps"):
        schedule.grid(steps)
