"""Where a sampler's steps lie: published rules to their formulas, ours never worse."""

import itertools
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spectra
from spectra.errors import InputError
from spectra.schedule.presets import preset
from spectra.schedule.steps.gaussian import predict_error, predict_sigmas
from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.recursion import multipliers, multipliers_and_gradient
from spectra.schedule.steps.rules import PUBLISHED, named_sigmas
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SOLVERS = ("euler", "heun", "2m")
ENDS = {"sigma_max": 80.0, "sigma_min": 0.002}


def test_published_rules_are_their_own_formulas() -> None:
    variance, n = np.array([4.0, 0.25, 0.01]), 9
    i = np.arange(n)
    edm = (80 ** (1 / 7) + i / (n - 1) * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    assert named_sigmas("edm", variance, n, **ENDS) == pytest.approx(edm, rel=1e-10)
    even = np.exp(np.linspace(np.log(80), np.log(0.002), n))
    assert named_sigmas("log-linear", variance, n, **ENDS) == pytest.approx(even, rel=1e-10)
    angle = np.linspace(np.arctan(80), np.arctan(0.002), n)
    assert named_sigmas("cosine", variance, n, **ENDS) == pytest.approx(np.tan(angle), rel=1e-8)
    c = np.sqrt(variance.mean())
    angle = np.linspace(np.arctan(80 / c), np.arctan(0.002 / c), n)
    tangent = named_sigmas("tangent", variance, n, **ENDS)
    assert tangent == pytest.approx(c * np.tan(angle), rel=1e-8)
    entropic = named_sigmas("rescaled-entropic", variance, n, **ENDS)
    fine = np.geomspace(0.002, 80, 200_001)
    passed = []
    for high, low in itertools.pairwise(entropic):
        s = fine[(fine >= low) & (fine <= high)]
        passed.append(np.trapezoid((variance / (variance + s[:, None] ** 2)).sum(1), s))
    assert passed == pytest.approx(np.full(n - 1, np.mean(passed)), rel=1e-3)


def test_beta_quantiles_of_the_linear_schedule() -> None:
    from scipy.stats import beta

    def sigma(t: np.ndarray) -> np.ndarray:  # of Song et al.'s beta(t) from 0.1 to 20
        return np.sqrt(np.expm1(0.1 * t + 19.9 * t**2 / 2))

    made = named_sigmas("beta", np.ones(1), 7, sigma_max=float(sigma(1.0)), sigma_min=0.002)
    t = np.linspace(0, 1, 200_001)
    times = np.interp(made, sigma(t), t)
    share = (times - times[-1]) / (times[0] - times[-1])
    assert share == pytest.approx(beta.ppf(np.linspace(1, 0, 7), 0.6, 0.6), abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    solver=st.sampled_from(SOLVERS),
    steps=st.integers(1, 6),
    start=st.sampled_from(("data", "white")),
    criterion=st.sampled_from(("w2", "kl")),
)
def test_ours_is_never_worse_than_the_best_published(
    seed: int, solver: str, steps: int, start: str, criterion: str
) -> None:
    rng = np.random.default_rng(seed)
    variance = 10 ** rng.uniform(-6, 2, int(rng.integers(1, 40)))
    ours = optimal_sigmas(variance, steps, solver, **ENDS, start=start, criterion=criterion)
    assert ours.shape == (steps,)
    assert ours[0] == pytest.approx(80.0)
    assert (np.diff(ours) < 0).all()
    if steps > 1:
        assert ours[-1] == pytest.approx(0.002)
    found = predict_sigmas(variance, ours, solver, start=start)
    for rule in PUBLISHED:
        levels = named_sigmas(rule, variance, steps, **ENDS)
        theirs = predict_sigmas(variance, levels, solver, start=start)
        # The optimiser counts an overshoot past zero as an error twice: so may a rule's be lower.
        if criterion == "w2":
            assert found.w2 <= theirs.w2 * (1 + 1e-6) + 1e-9 * variance.mean()


@pytest.mark.parametrize("solver", SOLVERS)
def test_gradient_is_that_of_the_recursion(solver: str) -> None:
    rng = np.random.default_rng(1)
    variance = 10 ** rng.uniform(-4, 1, 9)
    x = np.sort(rng.uniform(-5, 4, 6))[::-1]

    def at(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spread = np.repeat(levels[:, None], 9, axis=1)
        return spread, variance / (variance + np.exp(2 * spread))

    log_sigma, gain = at(x)
    value, gradient = multipliers_and_gradient(solver, log_sigma, gain, -2 * gain * (1 - gain))
    assert value == pytest.approx(multipliers(solver, log_sigma, gain), rel=1e-12)
    for k in range(6):
        step = 1e-6 * (np.arange(6) == k)
        numeric = (multipliers(solver, *at(x + step)) - multipliers(solver, *at(x - step))) / 2e-6
        assert gradient[k] == pytest.approx(numeric, abs=1e-7)


@cache
def schedules() -> list[spectra.Schedule]:
    spectrum = known_spectrum(power_law(2.5, 1e-3), (1, 16, 16))
    return [
        spectra.derive_schedule(spectrum, basis="dct", ordering_strength=a, pace="information")
        for a in (0.0, 1.0, 3.0)
    ] + [preset(name, spectrum) for name in ("blurring", "heat-dissipation", "columns")]


@pytest.mark.parametrize(
    ("number", "solver"),
    then_slow(
        [(0, "euler"), (1, "heun"), (2, "2m"), (4, "ancestral"), (5, "heun")],
        product(range(6), [*SOLVERS, "ancestral", "covariance"]),
    ),
)
def test_grids_of_every_kind_of_schedule(number: int, solver: str) -> None:
    """Also where no single noise level holds: blurring, heat, windows in time."""
    schedule = schedules()[number]
    for steps in (1, 9):
        grid = schedule.grid(steps, solver)
        assert grid.shape == (steps + 1,)
        assert grid[0] == 1
        assert grid[-1] == 0
        assert (np.diff(grid) < 0).all()
    if solver in SOLVERS:
        ours = predict_error(schedule, grid, solver).w2
        for rule in PUBLISHED:
            assert ours <= 1.02 * predict_error(schedule, schedule.grid(9, rule=rule), solver).w2


def test_the_rule_of_most_pipelines_is_even_in_time() -> None:
    grid = schedules()[1].grid(4, rule="time")
    assert grid == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_a_grid_for_a_solver_is_best_for_it() -> None:
    schedule = schedules()[1]
    made = {solver: schedule.grid(9, solver) for solver in SOLVERS}
    for solver in SOLVERS:
        w2 = {of: predict_error(schedule, grid, solver).w2 for of, grid in made.items()}
        assert min(w2, key=w2.__getitem__) == solver


def test_regularisation_costs_little_where_it_is_not_needed() -> None:
    variance = np.geomspace(1e-4, 10, 60)
    bare = optimal_sigmas(variance, 9, "heun", **ENDS, smoothness=0, spread=0)
    ours = optimal_sigmas(variance, 9, "heun", **ENDS)
    ratio = predict_sigmas(variance, ours, "heun").w2 / predict_sigmas(variance, bare, "heun").w2
    assert 1 <= ratio < 1.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "at least one whole step"),
        ({"steps": 2.5}, "at least one whole step"),
        ({"steps": 4, "solver": "rk45"}, "solver 'rk45'"),
        ({"steps": 4, "criterion": "fid"}, "criterion 'fid'"),
        ({"steps": 4, "rule": "karras"}, "rule 'karras'"),
    ],
)
def test_nonsense_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        schedules()[1].grid(**options)


def test_levels_that_do_not_rise_are_refused() -> None:
    with pytest.raises(InputError, match="must rise from above 0"):
        named_sigmas("edm", np.ones(1), 4, sigma_max=1.0, sigma_min=2.0)
