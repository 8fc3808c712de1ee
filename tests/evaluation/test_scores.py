"""Bits/dim of an untrained network is the Wiener filter's closed form, on real photographs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import (
    bits_per_dim,
    gaussian_bits_per_dim,
    variational_bound,
)
from spectra.diffusion.randomness import SCORING, normal, uniform
from spectra.errors import InputError

HELD_OUT = 0.4


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> tuple[spectra.Run, spectra.Source]:
    """A run of no steps (its network says 0) with per-component preconditioning."""
    source = spectra.open_source("photos", size=16)
    spectrum = spectra.analyze(source.split(HELD_OUT)[0])
    run = spectra.train(
        source,
        spectra.derive_schedule(spectrum),
        out=tmp_path_factory.mktemp("runs") / "untrained",
        steps=0,
        preconditioning="component",
        held_out=HELD_OUT,
        device="cpu",
    )
    return run, source


@pytest.mark.slow
def test_untrained_network_scores_the_closed_form(untrained) -> None:
    """Within 0.02 bits/dim of the closed form with the same patches' second moments.

    The expectation over noise and noise levels is drawn, without a control variate.
    """
    run, source = untrained
    held_out = source.split(HELD_OUT)[1]
    index = np.linspace(0, len(held_out) - 1, 128).astype(int)
    denoiser, schedule = run.denoiser(), run.schedule
    process, levels = denoiser.process, 32
    x = torch.from_numpy(held_out.examples(index))
    rounding = uniform(SCORING, 0, 0, index, schedule.shape).float() - 0.5
    noise = torch.stack([normal(SCORING, 1, k, index, schedule.shape) for k in range(levels + 1)])
    offset = uniform(SCORING, 2, 0, index, ())
    quantile = (torch.arange(levels)[:, None] + offset[None, :]) / levels
    with torch.no_grad():
        bound = variational_bound(
            denoiser, process, x + schedule.quantum * rounding, noise, quantile, control=False
        )
    drawn = bits_per_dim(bound.total.mean().item(), x[0].numel(), schedule.quantum)
    second = (process.components(x) ** 2).double().mean(0).numpy() + schedule.quantum**2 / 12
    closed = gaussian_bits_per_dim(schedule, second, schedule.quantum)
    assert abs(drawn - closed) < 0.02


def test_evaluate_reports_the_untrained_score(untrained) -> None:
    run, source = untrained
    scores = spectra.evaluate(run, source, n=16, steps=3, examples=64, levels=2)
    assert scores.held_out
    assert scores.bound.value == pytest.approx(scores.bound.gaussian, abs=1e-3)
    assert abs(scores.bound.gain.mean) < 1e-3
    numbers = scores.to_dict()
    assert sum(numbers["terms"].values()) == pytest.approx(numbers["bits_per_dim"], abs=1e-9)
    assert set(numbers["bits_per_dim_by_file"]) == set(source.split(HELD_OUT)[1].files)
    assert scores.samples.shape == (16, 1, 16, 16)


def test_the_flow_is_compared_with_the_bound_of_its_own_examples(untrained) -> None:
    """On paths of a Wiener filter both are the Gaussian's, whichever examples they are of."""
    run, source = untrained
    found = spectra.evaluate(
        run,
        source,
        n=2,
        steps=1,
        examples=64,
        levels=2,
        scores="none",
        likelihood="ode",
        ode_examples=3,
        ode_steps=4,
    )
    assert found.ode is not None
    assert abs(found.bound.value - found.ode.value) > 0.1
    assert abs(found.ode.gap.mean) < 0.02


def test_other_data_are_scored_whole_and_another_shape_is_refused(untrained) -> None:
    run, _ = untrained
    rng = np.random.default_rng(0)
    other = spectra.open_source(rng.integers(0, 256, (12, 1, 16, 16), dtype=np.uint8))
    scores = spectra.evaluate(run, other, n=4, steps=2, examples=12, levels=2)
    assert not scores.held_out
    assert scores.bound.n == 12
    with pytest.raises(InputError, match="shape"):
        spectra.evaluate(run, spectra.open_source("photos", size=32), n=4, steps=2)


def test_a_run_that_held_nothing_out_is_scored_on_all(tmp_path: Path) -> None:
    source = spectra.open_source("digits")
    schedule = spectra.derive_schedule(spectra.analyze(source))
    run = spectra.train(source, schedule, out=tmp_path, steps=0, held_out=0.0, device="cpu")
    scores = spectra.evaluate(run, source, n=2, steps=1, examples=8, levels=1)
    assert not scores.held_out
    assert scores.to_dict()["source"] == "digits"
    for wrong in ({"n": 1}, {"examples": 0}, {"steps": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            spectra.evaluate(run, source, **wrong)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"seed": -1}, "seed -1"),
        ({"seed": 1.5}, "seed"),
        ({"n": 2.5}, "n 2.5"),
        ({"scores": 3}, "scores 3"),
        ({"features": [1]}, r"features \[1\]: a mapping"),
        ({"scores": "classifier", "n": 4}, "classifier: 4 samples are too few; give n 5"),
        ({"scores": ("pca",), "n": 2}, "give n 3"),
        ({"scores": "nearest"}, "held out"),
    ],
    ids=str,
)
def test_what_cannot_be_scored_is_refused_before_anything_is_drawn(
    untrained, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], match: str
) -> None:
    run, _ = untrained
    other = np.random.default_rng(0).normal(size=(12, 1, 16, 16)).astype(np.float32)
    monkeypatch.setattr("spectra.evaluation.scores.score_bound", None)
    with pytest.raises(InputError, match=match):
        spectra.evaluate(run, spectra.open_source(other), **wrong)


def test_a_single_example_has_its_bound_all_the_same(untrained) -> None:
    run, _ = untrained
    one = np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32)
    scores = spectra.evaluate(run, spectra.open_source(one), n=4, steps=1, levels=1)
    assert np.isfinite(scores.bound.value)
    assert "left out" in scores.lines()[-1]
    assert "inf" not in " ".join(scores.lines()).split("left out")[0]
    assert "no interval" in scores.lines()[0]
    with pytest.raises(InputError, match="two halves"):
        spectra.evaluate(run, spectra.open_source(one), n=4, steps=1, scores="pca")


def test_bits_per_dim_of_eight_bit_values() -> None:
    assert bits_per_dim(np.zeros(()), 10, 2 / 255) == pytest.approx(6.99435, abs=1e-5)


def test_run_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        spectra.load_run(tmp_path / "nowhere")


def test_whether_the_filter_knew_the_held_out_files_is_told(
    untrained: tuple[spectra.Run, spectra.Source],
) -> None:
    run, source = untrained
    few = {"n": 8, "steps": 3, "examples": 8, "levels": 2, "scores": (), "device": "cpu"}
    apart = spectra.evaluate(run, source, **few)
    assert not apart.foreseen
    assert "knows these files" not in "\n".join(apart.lines())
    whole = replace(run, schedule=replace(run.schedule, fingerprint=source.fingerprint))
    told = spectra.evaluate(whole, source, **few)
    assert told.foreseen
    assert "knows these files" in "\n".join(told.lines())
