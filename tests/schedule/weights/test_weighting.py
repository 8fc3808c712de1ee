"""Losses over noise levels as losses over frequencies, and back."""

from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.schedule.densities.density import schedule_density, training_density
from spectra.schedule.densities.noise_density import log_normal_density
from spectra.schedule.weights.frequency_weights import contrast_sensitivity, frequency_weighting
from spectra.schedule.weights.recipes import recipe_weights
from spectra.schedule.weights.weighting import (
    implied_weights,
    octave_shares,
    schedule_weights,
    weight_curve,
    weight_per_nat,
)
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), (1, 32, 32))
WIDE = log_normal_density(-1.0, 3.0)  # as good as endless


def objective(variance: float, taken: float, density: Any, rate: Any) -> float:
    """Error of eps of a Wiener filter for `taken` on data of `variance`, integrated by brute force.

    E (x_hat - x)^2 / sigma^2 with x_hat = g (x + sigma eps), times w sigma^2 and the density.
    """
    level = np.linspace(-16, 16, 200001)
    noise = np.exp(2 * level)
    gain = taken / (taken + noise)
    error = ((1 - gain) ** 2 * variance + gain**2 * noise) / noise
    return float(np.trapezoid(density(level) * rate(level) * error, level))


def normal(mean: float, std: float) -> Any:
    return lambda x: np.exp(-(((x - mean) / std) ** 2) / 2) / std / np.sqrt(2 * np.pi)


def test_the_bound_weights_every_nat_alike() -> None:
    weights = implied_weights(SPECTRUM, WIDE, "bound")
    np.testing.assert_allclose(weights.weight, 1, atol=1e-4)


@pytest.mark.parametrize("strength", [0.0, 0.7, 1.0, 4.0])
def test_our_bound_weights_every_nat_alike_in_any_order(strength: float) -> None:
    """But for what the schedule's ends cut off."""
    schedule = spectra.derive_schedule(
        SPECTRUM, ordering_strength=strength, g_denoise=-12.0, g_noise=12.0
    )
    weights = schedule_weights(schedule, "bound")
    np.testing.assert_allclose(weights.weight, 1, atol=2e-3)


def test_the_law_of_the_bound_is_the_kl_divergence() -> None:
    """Brute force: the bound of a wrong variance exceeds the best by KL, weight 1."""
    variance, wrong = 0.3, 0.3 * 1.01
    one = np.ones_like
    excess = objective(variance, wrong, one, one) - objective(variance, variance, one, one)
    divergence = 0.5 * (variance / wrong - 1 - np.log(variance / wrong))
    assert excess == pytest.approx(divergence, rel=0.02)


@pytest.mark.parametrize(
    ("loss", "rate"),
    [
        ("epsilon", lambda x: np.ones_like(x)),
        ("v", lambda x: 1 + np.exp(2 * x)),
        ("edm", lambda x: 1 + np.exp(2 * x) / 0.25),
        ("flow", lambda x: (1 + np.exp(x)) ** 2),
        ("min-snr", lambda x: np.minimum(1, 5 * np.exp(2 * x))),
    ],
)
def test_the_weight_is_the_price_of_a_nat(loss: Any, rate: Any) -> None:
    density = log_normal_density(-1.2, 1.2)
    for variance in (1e-3, 0.1, 3.0):
        wrong = variance * 1.01
        lost = objective(variance, wrong, normal(-1.2, 1.2), rate) - objective(
            variance, variance, normal(-1.2, 1.2), rate
        )
        divergence = 0.5 * (variance / wrong - 1 - np.log(variance / wrong))
        (weight,), _ = weight_curve(np.log([variance]), density, loss)
        assert weight == pytest.approx(lost / divergence, rel=0.03)


def test_what_each_loss_squares() -> None:
    """From x_hat off by e at x + sigma eps: what v, the flow's velocity, eps are off by."""
    sigma = np.array([0.05, 0.7, 9.0])
    level = np.log(sigma)
    alpha = 1 / np.sqrt(1 + sigma**2)  # variance-preserving: z = alpha (x + sigma eps)
    eps_off = 1 / sigma
    v_off = alpha * eps_off + sigma * alpha  # v = alpha eps - sigma alpha x
    t = sigma / (1 + sigma)
    flow_off = (1 - t) / t + 1  # eps - x, with eps = (z - (1 - t) x) / t
    for loss, off in (("epsilon", eps_off), ("v", v_off), ("flow", flow_off), ("x0", 1.0)):
        name: Any = loss
        np.testing.assert_allclose(weight_per_nat(name, level), (off * sigma) ** 2, rtol=1e-12)
    named = weight_per_nat("v", level)
    given = weight_per_nat(lambda s: (1 + s**2) / s**2, level)
    np.testing.assert_allclose(given, named, rtol=1e-12)


def test_our_own_path_and_the_scalar_one_agree() -> None:
    schedule = spectra.standard_schedule(SPECTRUM, process="edm")
    ours = schedule_weights(schedule, "edm")
    scalar = implied_weights(schedule, schedule_density(schedule), "edm")
    np.testing.assert_allclose(ours.weight, scalar.weight, rtol=1e-4)
    np.testing.assert_allclose(ours.share, scalar.share, rtol=1e-4)


def test_shares_sum_to_one_and_the_bounds_are_the_nats() -> None:
    schedule = spectra.derive_schedule(SPECTRUM, ordering_strength=0.5)
    weights = schedule_weights(schedule, "bound")
    assert weights.share.sum() == pytest.approx(1)
    clean, noisy = (np.log1p(np.exp(schedule.log_snr(np.array([t]))[0])) for t in (0.0, 1.0))
    nats = (clean - noisy) / 2
    np.testing.assert_allclose(weights.share, nats / nats.sum(), rtol=1e-3)
    _, octaves = octave_shares(weights)
    dc = weights.share[weights.frequency == 0].sum()
    assert octaves.sum() == pytest.approx(1 - dc)


def test_edm_cares_for_low_frequencies_more_than_the_bound() -> None:
    schedule = spectra.derive_schedule(SPECTRUM, ordering_strength=1.0)
    weights = recipe_weights(schedule)
    assert next(iter(weights)) == schedule.name
    frequency = schedule.frequency
    low, high = frequency < 0.05, frequency > 0.4
    for name in ("EDM", "DDPM, ε-loss", "flow, logit-normal t"):
        weight = weights[name].weight
        assert weight[low].mean() > 3 * weight[high].mean(), name


def test_octaves_get_equal_weight() -> None:
    weighting = frequency_weighting(SPECTRUM, "octave", basis="fourier")
    frequency = spectra.make_basis("fourier", SPECTRUM.shape).frequency
    sums = [
        weighting.weight[(frequency >= low) & (frequency < 2 * low)].sum()
        for low in (0.0625, 0.125, 0.25)
    ]
    np.testing.assert_allclose(sums, np.mean(sums), rtol=0.12)  # a circle on a lattice
    assert weighting.weight.mean() == pytest.approx(1)


def test_series_and_colour_have_octaves_too() -> None:
    series = np.random.default_rng(0).standard_normal((8, 1, 64)).cumsum(axis=-1)
    spectrum = spectra.analyze(spectra.open_source(series, view="series"), bases=("dct",))
    weighting = frequency_weighting(spectrum, "octave")
    assert weighting.weight.shape == (1, 64)
    ratio = weighting.weight[0, 8] / weighting.weight[0, 16]
    assert ratio == pytest.approx(2)  # one axis: 1 / f
    told = r"contrast, which loss perceptual takes, .* no pictures; choose octave"
    with pytest.raises(InputError, match=told):
        frequency_weighting(spectrum, "contrast")
    colour = known_spectrum(power_law(2.0), (3, 16, 24))
    assert frequency_weighting(colour, "contrast").weight.shape == (3, 16, 24)


def test_contrast_sensitivity_is_that_of_1974() -> None:
    """Best at 8 cycles/degree, where it is 0.98; one per cent of that at 60."""
    f = np.linspace(0, 60, 6001)
    sensitivity = contrast_sensitivity(f)
    assert f[sensitivity.argmax()] == pytest.approx(8, abs=0.3)
    assert sensitivity.max() == pytest.approx(0.98, abs=0.01)
    assert sensitivity[0] == pytest.approx(2.6 * 0.0192)
    assert sensitivity[-1] < 0.01
    near = frequency_weighting(SPECTRUM, "contrast", pixels_per_degree=16.0)
    frequency = spectra.make_basis("dct", SPECTRUM.shape).frequency
    best = frequency.ravel()[near.weight.argmax()]
    assert best == pytest.approx(8 / 16, abs=0.03)


@pytest.mark.parametrize("name", ["bound", "octave", "contrast"])
def test_noise_levels_carry_the_wish_as_nearly_as_they_say(name: Any) -> None:
    weighting = frequency_weighting(SPECTRUM, name)
    assert (np.diff(weighting.log_snr) > 0).all()
    density = training_density(SPECTRUM)

    # per_nat / p is the weight on eps, per_nat / (p sigma^2) the one on x.
    def loss(sigma: np.ndarray) -> np.ndarray:
        level = np.log(sigma)
        return weighting.per_nat_at(-2 * level) / density.at(level) / sigma**2

    implied = implied_weights(SPECTRUM, density, loss)
    inside = np.abs(np.log(implied.weight / weighting.weight)).max()
    assert inside <= weighting.residual + 0.1
    if name == "bound":
        assert weighting.residual < 1e-6
        np.testing.assert_allclose(weighting.weight, 1)


def test_the_octaves_wish_is_nearly_met_by_noise_levels_alone() -> None:
    weighting = frequency_weighting(SPECTRUM, "octave")
    assert np.ptp(np.log(weighting.weight)) > 5
    assert weighting.residual < 1.0


def test_what_cannot_be_is_refused() -> None:
    loss: Any = "mse"
    density = log_normal_density(-1.2, 1.2)
    for call, names in (
        (lambda: implied_weights(SPECTRUM, density, loss), "loss 'mse'"),
        (lambda: implied_weights(SPECTRUM, density, lambda s: -s), r"w\(sigma\)"),
        (lambda: implied_weights(SPECTRUM, density, lambda s: s * np.nan), r"w\(sigma\)"),
        (lambda: implied_weights(SPECTRUM, density, lambda s: 0 * s), "nought"),
        (lambda: implied_weights(SPECTRUM, density, "edm", sigma_data=0.0), "sigma_data"),
        (lambda: implied_weights(np.array([-1.0]), density, "edm"), "variance"),
        (lambda: frequency_weighting(SPECTRUM, loss), "weighting 'mse'"),
        (lambda: frequency_weighting(SPECTRUM, "octave", basis="pixel"), "frequency"),
        (lambda: frequency_weighting(SPECTRUM, "contrast", pixels_per_degree=0.0), "pixels_per"),
        (lambda: octave_shares(implied_weights(np.ones(4), density, "edm")), "no frequency"),
    ):
        with pytest.raises(InputError, match=names) as refusal:
            call()
        assert "\n" not in str(refusal.value)
    single = implied_weights(np.ones(1), density, "edm")
    assert single.share == pytest.approx([1.0])
