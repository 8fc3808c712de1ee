"""What is chosen when nobody says: the basis, and the ordering strength with its two numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.schedule.best_basis import best_basis
from spectra.schedule.coordinates import coordinates
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.strength import StrengthChoice, choose_strength, structure_share
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2))


def choice(spectrum: Any = SPECTRUM, penalty: Any = None) -> StrengthChoice:
    base = coordinates(spectrum, "dct")

    def ends(offset: np.ndarray) -> tuple[float, float]:
        made = spectra.derive_schedule(
            spectrum, basis="dct", ordering=-offset, ordering_strength=1.0, pace="linear"
        )
        return float(made.pace[0]), float(made.pace[-1])

    return choose_strength(base, ends, penalty)


def measured(kept: float) -> DenoisingError:
    """A denoiser whose error is a share of the Wiener filter's at every component and level."""
    variance = coordinates(SPECTRUM, "dct").variance
    sigma = np.geomspace(1e-3, 1e3, 25)
    level = sigma.reshape(-1, 1, 1, 1)
    wiener = variance * level**2 / (variance + level**2)
    return DenoisingError(
        "toy",
        "dct",
        SPECTRUM.shape,
        sigma,
        kept * wiener,
        variance,
        n=100,
        files=10,
        tilt=np.ones_like(variance),
        standard_error=np.zeros_like(wiener),
    )


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_the_default_is_conservative(alpha: float) -> None:
    """Natural spectra stay with standard diffusion's order, with both numbers said."""
    made = spectra.derive_schedule(known_spectrum(power_law(alpha)), basis="dct")
    np.testing.assert_allclose(made.offset, np.log(made.variance), atol=1e-12)
    told = made.explanation["ordering"]
    assert "strength 1: at " in told
    looked = choice(known_spectrum(power_law(alpha)))
    total = float((looked.cost + looked.penalty).min())
    with_penalty = f"and {total:.2f} with a penalty of 2 (a - 1)^2: {1 - total:.0%} lower"
    assert with_penalty in told
    assert told.endswith("under 25% it stays at 1")


def test_cost_falls_with_strength_and_is_one_at_one() -> None:
    found = choice(penalty=0.0)
    assert found.strength == 0.0  # nothing but discretisation: equal SNR is best
    assert found.candidates[-1] == 1
    assert found.cost[-1] == pytest.approx(1)
    assert (np.diff(found.cost) > 0).all()


def test_cost_is_the_predicted_error_of_the_whole_schedule() -> None:
    """Components looked at in groups cost what all of them do."""
    from spectra.schedule.steps.gaussian import predict_error
    from spectra.schedule.steps.grids import schedule_grid

    w2 = []
    for strength in (0.5, 1.0):
        made = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=strength)
        grid = schedule_grid(made, 10, "heun", spread=0.0)
        w2.append(predict_error(made, grid, "heun").w2 ** 0.5)
    found = choice(penalty=0.0)
    assert found.cost[found.candidates == 0.5] == pytest.approx(w2[0] / w2[1], rel=0.05)


def test_a_penalty_moves_the_strength() -> None:
    strengths = [choice(penalty=c).strength for c in (0.0, 0.5, 100.0)]
    assert strengths == sorted(strengths)
    assert strengths[0] < strengths[1] < strengths[2] == 1.0


def test_a_function_may_ask_for_more_than_one() -> None:
    found = choice(penalty=lambda a: 20 * (a - 1.5) ** 2)
    assert found.strength == 1.5
    made = spectra.derive_schedule(SPECTRUM, basis="dct", penalty=lambda a: 20 * (a - 1.5) ** 2)
    np.testing.assert_allclose(made.offset, 1.5 * np.log(made.variance))
    assert made.explanation["ordering"].startswith("variance, strength 1.5: W2 of 10")


def test_a_measured_error_sets_the_penalty() -> None:
    """A denoiser no better than Wiener's says Gaussian data, where order is worth nothing."""
    assert structure_share(measured(0.7)) == pytest.approx(0.3, abs=1e-9)
    assert choice(penalty=measured(1.0)).strength == 0.0
    assert choice(penalty=measured(0.05)).strength >= 0.75
    with pytest.raises(InputError, match="worse than the Wiener filter"):
        choice(penalty=measured(1.5))


@pytest.mark.parametrize("penalty", [-1.0, np.nan, np.inf, lambda a: -a, lambda a: np.nan])
def test_penalties_that_make_no_sense_are_refused(penalty: Any) -> None:
    with pytest.raises(InputError, match="penalty"):
        spectra.derive_schedule(SPECTRUM, basis="dct", penalty=penalty)


def test_a_penalty_without_a_choice_is_refused() -> None:
    with pytest.raises(InputError, match="penalty: is for ordering_strength auto"):
        spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0, penalty=1.0)
    with pytest.raises(InputError, match="penalty: the strength of ordering columns"):
        spectra.derive_schedule(SPECTRUM, basis="pixel", ordering="columns", penalty=1.0)


def test_the_basis_that_loses_least_is_chosen() -> None:
    photos = spectra.analyze(
        spectra.open_source("photos", size=16), bases=("pixel", "wavelet", "fourier", "dct", "pca")
    )
    made = spectra.derive_schedule(photos, ordering_strength=1.0)
    losses = {
        name: np.log(coordinates(photos, name).variance).mean()
        for name in ("pixel", "wavelet", "fourier", "dct")
    }
    assert made.basis == min(losses, key=lambda name: losses[name]) == "dct"
    assert "pca left out" in made.explanation["basis"]
    assert "pixel 1." in made.explanation["basis"]


def correlated(files: int) -> spectra.Spectrum:
    """White numbers turned by a rotation that only pca finds."""
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(64, 64)))
    values = rng.normal(size=(files, 64)) * np.geomspace(1, 1e-2, 64) @ turn
    return spectra.analyze(values.reshape(-1, 1, 8, 8), bases=("dct", "pca", "pixel"))


def test_pca_needs_ten_files_a_component() -> None:
    assert best_basis(correlated(639), "variance")[0] == "dct"
    name, reason = best_basis(correlated(640), "variance")
    assert name == "pca"
    assert "640 files" in reason
    made = spectra.derive_schedule(correlated(640), ordering_strength=1.0)
    assert made.components is not None
    assert (made.components @ made.components.T).trace() == pytest.approx(64)


def test_pixels_only_if_nothing_else_was_measured() -> None:
    alone = replace(SPECTRUM, variances={"pixel": SPECTRUM.variances["pixel"]})
    assert best_basis(alone, "variance")[0] == "pixel"
    white = np.random.default_rng(0).normal(size=(64, 1, 8, 8))
    white *= np.linspace(0.01, 1, 8)  # places differ, frequencies do not
    assert best_basis(spectra.analyze(white, bases=("dct", "pixel")), "variance")[0] == "dct"


@pytest.mark.parametrize(
    ("ordering", "basis"),
    [("level", "wavelet"), ("columns", "wavelet"), ("frequency", "dct"), ("variance", "dct")],
)
def test_the_ordering_narrows_the_choice(ordering: str, basis: str) -> None:
    table = SPECTRUM.variances["dct"]
    spectrum = replace(SPECTRUM, variances=dict.fromkeys(("pixel", "wavelet", "dct"), table))
    assert best_basis(spectrum, ordering)[0] == basis


@pytest.mark.parametrize(
    ("ordering", "names"), [("level", "including wavelet"), ("columns", "including wavelet")]
)
def test_an_ordering_that_no_measured_basis_has_is_refused(ordering: str, names: str) -> None:
    spectrum = replace(SPECTRUM, variances={"dct": SPECTRUM.variances["dct"]})
    with pytest.raises(InputError, match=names):
        spectra.derive_schedule(spectrum, ordering=ordering)
