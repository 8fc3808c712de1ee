"""What few steps cost, as a picture."""

import pytest

import spectra
from spectra.errors import InputError
from spectra.plots import plot_steps
from spectra.schedule.steps.comparison import steps_for
from tests.schedule.known import known_spectrum, power_law


def test_a_panel_a_solver_and_a_curve_a_rule() -> None:
    schedule = spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 8, 8)))
    made = spectra.compare_grids(
        schedule, solvers=("euler", "heun"), evaluations=(3, 5), rules=("optimal", "edm")
    )
    figure = plot_steps(made)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Euler", "Heun"]
    for axes, solver in zip(figure.axes, ("euler", "heun"), strict=True):
        for line, rule in zip(axes.lines, ("optimal", "edm"), strict=True):
            assert list(line.get_xdata()) == [3, 5]
            assert list(line.get_ydata()) == pytest.approx(made.errors[solver][rule])
    assert len(plot_steps(made, layout="narrow").axes) == 2


def test_steps_never_take_more_evaluations_than_asked() -> None:
    assert [steps_for(n, "heun") for n in (1, 2, 3, 5, 6, 35)] == [1, 1, 2, 3, 3, 18]
    assert steps_for(9, "2m") == 9


def test_nothing_to_compare_is_refused() -> None:
    schedule = spectra.derive_schedule(known_spectrum(power_law(2.0), (1, 8, 8)))
    with pytest.raises(InputError, match="at least one of each"):
        spectra.compare_grids(schedule, solvers=())
    with pytest.raises(InputError, match="solver 'rk4'"):
        spectra.compare_grids(schedule, solvers=("rk4",))
