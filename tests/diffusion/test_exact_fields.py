"""Gaussian fields with the exact denoiser, in any basis: bound, ODE and closed form are one."""

from itertools import product

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.ode_likelihood import ode_likelihood
from spectra.diffusion.process import DiffusionProcess
from tests.diffusion.exact_fields import (
    BASES,
    STRENGTHS,
    exactness_of,
    expected,
    field,
    field_covariance,
    field_schedule,
    measured,
    noised_density,
)
from tests.diffusion.gaussians import component_covariance, posterior_denoiser, rows_with
from tests.repeats import then_slow

ASKED = 0.005  # bits/dim
PRIORS = ("white", "data")
FAST = [
    ("uneven 8 x 8", "dct", "data", 0.5),
    ("uneven line of 64", "pca", "white", 2.0),
]
# The priors in turn; all of them with all the rest are in `make bench BENCH=exactness`.
REST = [
    ("uneven 8 x 8", "pixel", "white", 2.0),
    ("torus 8 x 8", "wavelet-haar", "data", 1.0),
    *(
        ("uneven 8 x 8", basis, PRIORS[(i + j) % 2], strength)
        for (i, basis), (j, strength) in product(enumerate(BASES), enumerate(STRENGTHS))
    ),
    *product(["uneven line of 64"], BASES, ["data"], STRENGTHS[-2:]),
    *product(["torus 8 x 8"], BASES, ["white"], [0.5]),
    *product(["uneven 8 x 12"], BASES[:2], ["data"], [2.0]),
    ("colour 8 x 8", "dct", "data", 0.5),
]


@pytest.mark.parametrize(
    ("name", "basis", "prior", "strength"),
    then_slow(FAST, REST),
)
def test_bound_ode_and_closed_form_agree(name: str, basis: str, prior: str, strength) -> None:
    """Each within 0.005 bits/dim of 1/2 ln det 2 pi e C, correlated components or not."""
    found = measured(name, basis, prior, strength)
    assert found.bound == pytest.approx(found.entropy, abs=ASKED)
    assert found.ode == pytest.approx(found.entropy, abs=ASKED)


@pytest.mark.parametrize("basis", then_slow(["pixel"], BASES))
def test_without_the_control_variate(basis: str) -> None:
    schedule = field_schedule("uneven 8 x 8", basis, "white", 0.5)
    found = exactness_of("uneven 8 x 8", schedule, levels=512, steps=2, control=False)
    assert found.bound == pytest.approx(found.entropy, abs=ASKED)


@pytest.mark.parametrize(
    ("basis", "strength"), then_slow([("pca", 1.0)], product(BASES, (0.0, 1.0)))
)
def test_what_coarse_ends_cost_is_known(basis: str, strength: float) -> None:
    """Much noise at t = 0 and much signal at t = 1: the diagonal ends cost what theory says.

    The bound exceeds the entropy by a relative entropy at either end, 0 only where the components
    are uncorrelated; the ODE's density by that of the noise at t = 0, in every basis.
    """
    schedule = spectra.derive_schedule(
        field("uneven 8 x 8")[1], basis=basis, ordering_strength=strength,
        information_left=2.0, g_denoise=-2.0,
    )  # fmt: skip
    found = exactness_of("uneven 8 x 8", schedule, levels=512, steps=128)
    assert found.bound - found.entropy == pytest.approx(found.excess, abs=ASKED)
    if basis == "pca":
        assert found.excess == pytest.approx(0, abs=1e-9)
    else:
        assert found.excess > ASKED / 10
    # At t = 1 the ODE starts from N(0, v): it errs by what correlation is left there.
    assert found.ode - found.entropy == pytest.approx(found.spread, abs=found.excess + ASKED)
    assert found.spread > 1e-4


def test_what_is_left_at_the_noise_end_bounds_the_prior_gap() -> None:
    """Total correlation at t = 1 <= (sum_i SNR_i)^2 / 2: the square of the information left."""
    schedule = field_schedule("uneven 8 x 8", "pixel", "white", 1.0)
    process = DiffusionProcess(schedule)
    mixed = component_covariance(process, field_covariance("uneven 8 x 8"))
    noisy = process.log_snr(torch.ones(1, dtype=torch.float64)).double().flatten()
    variance = process.variance.double().flatten()
    v = variance * (1 + torch.exp(-noisy))
    unit = (mixed + torch.diag(variance * torch.exp(-noisy))) / v.sqrt() / v.sqrt()[:, None]
    gap = -0.5 * float(torch.linalg.slogdet(unit)[1])
    assert 0 < gap < 0.5 * float(noisy.exp().sum()) ** 2
    assert gap < 1e-3  # nats of an example, at the default end


def test_every_example_gets_its_own_density() -> None:
    """-log N(x; 0, C + S_0), example by example, and whatever the batch."""
    name = "uneven line of 64"
    schedule = field_schedule(name, "dct", "white", 0.5)
    process = DiffusionProcess(schedule)
    covariance = component_covariance(process, field_covariance(name))
    x = torch.from_numpy(rows_with(field_covariance(name), 80)[:6]).float().reshape(-1, 1, 64)
    x = 3 * x + process.mean  # not the most likely ones
    denoise = posterior_denoiser(process, covariance)
    found = ode_likelihood(denoise, process, x, steps=256).total
    closed = noised_density(process, covariance, x)
    np.testing.assert_allclose(found / 64, closed / 64, atol=5e-3)
    alone = ode_likelihood(denoise, process, x[4:5], steps=256, rows=17).total
    assert float(alone[0]) == pytest.approx(float(found[4]), rel=1e-5)


def test_the_ode_gains_a_second_order_with_its_steps() -> None:
    """At least; beyond 128 steps float32 tables are what differs, 3e-5 bits/dim."""
    schedule = field_schedule("uneven 8 x 8", "pixel", "white", 1.0)
    scores = [exactness_of("uneven 8 x 8", schedule, 1, steps) for steps in (16, 32, 64)]
    off = [abs(found.ode - found.entropy - found.spread) for found in scores]
    assert off[0] > 3.5 * off[1]
    assert off[1] > 3.5 * off[2]
    assert off[2] < 3e-4


def test_expected_scores_are_none_where_the_basis_is_the_fields_own() -> None:
    for basis in ("fourier", "pca"):
        process = DiffusionProcess(field_schedule("torus 8 x 8", basis, "data", 2.0))
        mixed = component_covariance(process, field_covariance("torus 8 x 8"))
        assert expected(process, mixed)[1] == pytest.approx(0, abs=1e-6)
