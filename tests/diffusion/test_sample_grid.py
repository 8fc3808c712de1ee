"""The grid's own choices reach the sampler: rule, criterion, and a measured error."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.diffusion import sample, train
from spectra.evaluation import evaluate
from spectra.schedule.steps.denoising import wiener_error


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> spectra.Run:
    values = np.random.default_rng(0).standard_normal((24, 1, 8, 8)).cumsum(-1).cumsum(-2)
    source = spectra.open_source((values / np.abs(values).max()).astype(np.float32))
    schedule = spectra.derive_schedule(spectra.analyze(source, bases=("dct",)))
    out = tmp_path_factory.mktemp("grid") / "run"
    return train(source, schedule, out=out, steps=2, batch=4, device="cpu")


@pytest.mark.parametrize(
    ("rule", "criterion"), [("edm", None), ("optimal", "kl"), ("optimal", "spectrum")]
)
def test_samples_follow_the_grid_asked_for(run, rule, criterion) -> None:
    chosen = sample(run, 2, 4, rule=rule, criterion=criterion, device="cpu")
    grid = run.schedule.grid(4, "heun", criterion, rule=rule)
    np.testing.assert_array_equal(chosen, sample(run, 2, 4, grid=grid, device="cpu"))
    assert not np.array_equal(chosen, sample(run, 2, 4, device="cpu"))


def test_a_measured_error_moves_the_grid(run) -> None:
    law = wiener_error(run.schedule, np.geomspace(1e-3, 1e3, 40))
    share = np.linspace(1, 0.3, 40).reshape(-1, 1, 1, 1)
    error = replace(law, error=law.error * share)
    grid = run.schedule.grid(4, "heun", error=error)
    assert np.abs(grid - run.schedule.grid(4, "heun")).max() > 1e-3
    drawn = sample(run, 2, 4, error=error, device="cpu")
    np.testing.assert_array_equal(drawn, sample(run, 2, 4, grid=grid, device="cpu"))
    aware = sample(run, 2, 4, "covariance", error=error, rule="log-linear", device="cpu")
    assert not np.array_equal(
        aware, sample(run, 2, 4, "covariance", rule="log-linear", device="cpu")
    )


def test_what_nothing_uses_or_nobody_knows_is_refused(run) -> None:
    error = wiener_error(run.schedule, np.geomspace(1e-3, 1e3, 4))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"error": error, "rule": "edm"}, "error: solver 'heun'"),
        ({"error": error, "grid": np.array([1.0, 0.5, 0.0])}, "error: solver 'heun'"),
        ({"rule": "edm", "grid": np.array([1.0, 0.5, 0.0])}, "rule 'edm': grid gives"),
        ({"criterion": "kl", "grid": np.array([1.0, 0.5, 0.0])}, "criterion 'kl': grid gives"),
        ({"rule": "best"}, "rule"),
        ({"criterion": "fid"}, "criterion"),
        ({"criterion": "kl", "rule": "edm"}, "criterion 'kl': rule 'edm' has no use for it"),
        ({"error": replace(error, basis="pixel")}, "pixel"),
    ]
    for wrong, message in cases:
        with pytest.raises(InputError, match=message):
            sample(run, 2, 4, device="cpu", **wrong)


def test_scores_say_how_the_samples_were_drawn(run) -> None:
    error = wiener_error(run.schedule, np.geomspace(1e-3, 1e3, 12))
    source = spectra.open_source(np.random.default_rng(1).standard_normal((6, 1, 8, 8)) / 4)
    common: dict[str, Any] = {"n": 4, "steps": 2, "examples": 4, "levels": 1, "device": "cpu"}
    scores = evaluate(run, source, criterion="spectrum", error=error, **common).to_dict()
    assert (scores["rule"], scores["criterion"], scores["error"]) == (
        "optimal",
        "spectrum",
        "wiener",
    )
    with pytest.raises(InputError, match="criterion 'w2'"):
        evaluate(run, source, rule="edm", criterion="w2", **common)
    plain = evaluate(run, source, rule="edm", **common).to_dict()
    assert (plain["rule"], plain["criterion"], plain["error"]) == ("edm", None, None)
    assert plain["bits_per_dim"] == scores["bits_per_dim"]  # the grid is the sampler's alone


def test_steps_that_miss_the_width_of_the_data_are_told_of(run) -> None:
    grid = run.schedule.grid(4, "heun", rule="time")
    wide = (spectra.predict_error(run.schedule, grid, "heun").ratio * run.schedule.variance).sum()
    width = np.sqrt(wide / run.schedule.variance.sum())
    with pytest.warns(UserWarning, match="those of rule 'optimal'") as told:
        sample(run, 2, 4, rule="time", device="cpu")
    assert f"{width:.2g} times as wide" in str(told[0].message)
    with pytest.warns(UserWarning, match="4 steps of heun make"):
        sample(run, 2, grid=grid, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample(run, 2, 4, device="cpu")
