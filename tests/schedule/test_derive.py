"""Component-wise schedules: the limits a = 0 and a = 1, guarantees, paces, ends, refusals."""

from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from spectra.schedule.processes import coefficients
from tests.repeats import then_slow
from tests.schedule.known import bumped, known_spectrum, power_law
from tests.spectrum.fields import power_law_fields

SPECTRUM = known_spectrum(power_law(2.2))
BASES = ["dct", "fourier", "pixel"]
PACES = ["information", "frequency", "octave", "linear"]
STRENGTHS = [0.0, 0.5, 1.0, 2.0, 10.0]
T = np.linspace(0, 1, 33)


@pytest.fixture(scope="module")
def photos() -> spectra.Spectrum:
    return spectra.analyze(spectra.open_source("photos", size=32), bases=tuple(BASES))


@pytest.mark.parametrize("form", then_slow(["flow"], ["vp", "ve"]))
@pytest.mark.parametrize("basis", BASES)
def test_strength_one_by_variance_is_the_scalar_process(
    photos: spectra.Spectrum, basis: str, form: Any
) -> None:
    """One ratio for all components and a white prior: standard diffusion, to 1e-12."""
    schedule = spectra.derive_schedule(photos, basis=basis, ordering_strength=1.0, form=form)
    ratio = schedule.log_ratio(T)
    scalar = -schedule.pace_at(T)
    np.testing.assert_allclose(
        ratio, np.broadcast_to(scalar[:, None, None, None], ratio.shape), atol=1e-12
    )
    assert (schedule.scale == 1).all()
    alpha, sigma = coefficients(scalar, form)
    for ours, theirs in ((schedule.alpha(T), alpha), (schedule.sigma(T), sigma)):
        np.testing.assert_allclose(
            ours / theirs[:, None, None, None], np.ones_like(ours), atol=1e-12
        )


@pytest.mark.parametrize("prior", ["white", "data"])
@pytest.mark.parametrize(
    ("basis", "ordering"),
    [(basis, "variance") for basis in BASES] + [("dct", "frequency"), ("fourier", "frequency")],
)
def test_strength_zero_has_the_same_snr_in_all_components(
    photos: spectra.Spectrum, basis: str, ordering: str, prior: str
) -> None:
    schedule = spectra.derive_schedule(
        photos, basis=basis, ordering=ordering, ordering_strength=0.0, prior=prior
    )
    log_snr = schedule.log_snr(T).reshape(len(T), -1)
    np.testing.assert_allclose(log_snr, log_snr[:, :1] * np.ones_like(log_snr), atol=1e-12)


@pytest.mark.parametrize("given", [None, (-8.0, 6.0), (-0.5, 0.5)])
@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_both_snr_guarantees(
    strength: float, ordering: str, pace: str, given: tuple[float, float] | None
) -> None:
    """log SNR_i(0) >= -g_denoise and log SNR_i(1) <= -g_noise in every component."""
    ends = {} if given is None else {"g_denoise": given[0], "g_noise": given[1]}
    options: dict[str, Any] = {
        "ordering": ordering,
        "ordering_strength": strength,
        "pace": pace,
        **ends,
    }
    if strength == 0 and pace in ("frequency", "octave"):
        with pytest.raises(InputError, match="strength 0"):
            spectra.derive_schedule(SPECTRUM, **options)
        return
    schedule = spectra.derive_schedule(SPECTRUM, **options)
    g_denoise, g_noise = given or (schedule.g_denoise, schedule.g_noise)
    clean, noisy = schedule.log_snr(np.array([0.0, 1.0]))
    assert clean.min() >= -g_denoise - 1e-9
    assert noisy.max() <= -g_noise + 1e-9
    assert schedule.g_denoise <= g_denoise + 1e-9
    assert schedule.g_noise >= g_noise - 1e-9
    assert (np.diff(schedule.log_snr(T), axis=0) <= 0).all()


@pytest.mark.parametrize("strength", STRENGTHS)
def test_linear_pace_is_soft_conditioning_as_written(strength: float) -> None:
    """-log SNR_i(t) = g_denoise + a (l_i - l_max) + t D, D = g_noise - g_denoise + a (l range)."""
    g_denoise, g_noise = -7.0, 5.0
    schedule = spectra.derive_schedule(
        SPECTRUM,
        basis="dct",
        ordering_strength=strength,
        pace="linear",
        g_denoise=g_denoise,
        g_noise=g_noise,
    )
    label = -np.log(SPECTRUM.component_variance("dct"))
    distance = g_noise - g_denoise + strength * (label.max() - label.min())
    for t in (0.0, 0.3, 1.0):
        expected = g_denoise + strength * (label - label.max()) + t * distance
        np.testing.assert_allclose(-schedule.log_snr(np.array([t]))[0], expected, atol=1e-9)


def test_a_large_strength_is_sequential() -> None:
    """Labels further apart than (g_noise - g_denoise) / a are never noised at the same time."""
    g_denoise, g_noise, strength = -4.0, 4.0, 10.0
    schedule = spectra.derive_schedule(
        SPECTRUM, ordering_strength=strength, pace="linear", g_denoise=g_denoise, g_noise=g_noise
    )
    label = -np.log(schedule.variance).ravel()
    log_snr = schedule.log_snr(np.linspace(0, 1, 400)).reshape(400, -1)
    busy = (log_snr < -g_denoise - 1e-9) & (log_snr > -g_noise + 1e-9)
    for moment in busy:
        if moment.any():
            assert strength * np.ptp(label[moment]) < g_noise - g_denoise
    assert busy.sum(axis=1).max() < busy.shape[1] / 2


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
def test_pace_information_loses_equal_nats(photos: spectra.Spectrum, strength: float) -> None:
    schedule = spectra.derive_schedule(photos, ordering_strength=strength)
    left = schedule.information(T)
    straight = left[0] + (left[-1] - left[0]) * T
    np.testing.assert_allclose(left, straight, atol=2e-4 * left[0])


def test_information_is_half_the_sum_of_log_one_plus_snr(photos: spectra.Spectrum) -> None:
    for strength in (0.5, 1.0):
        schedule = spectra.derive_schedule(photos, ordering_strength=strength)
        exact = 0.5 * np.log1p(np.exp(schedule.log_snr(T))).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(schedule.information(T), exact, rtol=1e-4)


@pytest.mark.parametrize("threshold", [0.5, 1.0])
@pytest.mark.parametrize("pace", ["frequency", "octave"])
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_paces_of_f_max_are_straight(
    strength: float, ordering: str, pace: str, threshold: float
) -> None:
    """f_max falls by equal cycles/pixel, or octaves, from the last ring to the first."""
    schedule = spectra.derive_schedule(
        SPECTRUM, ordering=ordering, ordering_strength=strength, pace=pace, threshold=threshold
    )
    t = np.linspace(0, 1, 2001)
    f_max = schedule.f_max(t)
    first, last = SPECTRUM.frequency[[0, -1]]
    moving = (f_max > first * 1.01) & (f_max < last * 0.99)
    value = np.log2(f_max[moving]) if pace == "octave" else f_max[moving]
    steps = np.diff(value) / np.diff(t[moving])
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)
    assert moving.sum() > 100


def test_strength_one_by_variance_has_the_scalar_processes_f_max() -> None:
    """f_max of the schedule is the cutoff of the scalar process that it is."""
    schedule = spectra.standard_schedule(SPECTRUM, process="rectified-flow")
    t = np.linspace(0, 1, 51)
    cutoff = spectra.frequency_cutoff(SPECTRUM, process="rectified-flow")
    np.testing.assert_allclose(
        schedule.f_max(t), cutoff.f_max(1e-3 + t * 0.998), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", ["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"])
def test_standard_schedules_are_the_process(photos: spectra.Spectrum, name: str) -> None:
    from spectra.schedule import process

    schedule = spectra.standard_schedule(photos, process=name)
    scalar = process(name)
    t = np.linspace(0, 1, 4097)[::64]
    inner = t if scalar.form == "ve" else 1e-3 + t * 0.998
    for ours, theirs in (
        (schedule.alpha(t), scalar.alpha(inner)),
        (schedule.sigma(t), scalar.sigma(inner)),
    ):
        expected = np.broadcast_to(theirs[:, None, None, None], ours.shape)
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
    np.testing.assert_allclose(
        schedule.log_snr(t), np.log(schedule.variance) + schedule.log_ratio(t), atol=1e-9
    )


def test_the_noise_end_leaves_the_nats_asked_for(photos: spectra.Spectrum) -> None:
    """Exactly the bound's prior term when sampling starts from N(0, v)."""
    for left in (0.01, 1.0):
        for strength in (0.0, 0.5, 1.0, 2.0):
            schedule = spectra.derive_schedule(
                photos, ordering_strength=strength, information_left=left
            )
            exact = 0.5 * np.log1p(np.exp(schedule.log_snr(np.array([1.0])))).sum()
            assert exact == pytest.approx(left, rel=0.01)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
def test_the_clean_end_is_under_the_rounding_noise(
    photos: spectra.Spectrum, strength: float
) -> None:
    schedule = spectra.derive_schedule(photos, ordering_strength=strength)
    error = schedule.variance / (1 + np.exp(schedule.log_snr(np.array([0.0]))[0]))
    assert error.mean() == pytest.approx(photos.quantisation_floor / 4, rel=1e-4)


def test_the_rounding_noise_is_in_the_variance(photos: spectra.Spectrum) -> None:
    """1/12 DN^2 = 5.126e-6 for 8-bit values in [-1, 1]."""
    assert photos.quantisation_floor == pytest.approx(5.126e-6, rel=1e-3)
    schedule = spectra.derive_schedule(photos)
    added = schedule.variance - photos.component_variance("dct")
    np.testing.assert_allclose(added, photos.quantisation_floor, rtol=1e-6)


def test_an_empty_component_is_floored() -> None:
    variance = SPECTRUM.component_variance("dct").copy()
    variance[0, 3, 4] = 0
    from dataclasses import replace

    spectrum = replace(SPECTRUM, variances={"dct": variance})
    for strength in (0.0, 1.0, 2.0):
        schedule = spectra.derive_schedule(spectrum, ordering_strength=strength)
        assert (schedule.variance > 0).all()
        assert np.isfinite(schedule.log_snr(T)).all()
        assert np.isfinite(schedule.alpha(T)).all()


@pytest.mark.parametrize("prior", ["white", "data"])
@pytest.mark.parametrize("form", ["vp", "flow", "ve"])
def test_alpha_and_sigma_have_their_form_and_snr(form: Any, prior: str) -> None:
    schedule = spectra.derive_schedule(SPECTRUM, ordering_strength=0.5, form=form, prior=prior)
    alpha, sigma = schedule.alpha(T), schedule.sigma(T)
    total = {"vp": alpha**2 + sigma**2, "flow": alpha + sigma, "ve": alpha}[form]
    np.testing.assert_allclose(total, 1, atol=1e-12)
    noise = sigma * schedule.scale
    snr = alpha**2 * schedule.variance / noise**2
    np.testing.assert_allclose(np.log(snr), schedule.log_snr(T), atol=1e-9)
    expected = np.sqrt(schedule.variance) if prior == "data" else 1
    np.testing.assert_allclose(schedule.scale, expected * np.ones_like(schedule.scale))


def test_frequency_order_is_standard_diffusion_of_an_exact_power_law() -> None:
    spectrum = known_spectrum(power_law(2.2), (1, 32, 32))
    by_frequency = spectra.derive_schedule(spectrum, ordering="frequency")
    by_variance = spectra.derive_schedule(spectrum, ordering="variance")
    difference = by_frequency.offset - by_variance.offset
    assert np.ptp(difference) < 0.15  # the fitted exponent is the law's within its error


def test_explanations_are_one_line_a_choice(photos: spectra.Spectrum) -> None:
    schedule = spectra.derive_schedule(photos, g_noise=5.0)
    assert {"basis", "ordering", "pace", "clean end", "noise end"} <= set(schedule.explanation)
    assert all(line and "\n" not in line for line in schedule.explanation.values())
    assert "-5" in schedule.explanation["noise end"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"ordering_strength": -0.1}, "ordering_strength -0.1"),
        ({"ordering_strength": np.nan}, "ordering_strength nan"),
        ({"ordering_strength": np.inf}, "ordering_strength inf"),
        ({"threshold": 0.0}, "threshold 0"),
        ({"threshold": np.nan}, "threshold nan"),
        ({"information_left": 0.0}, "information_left 0"),
        ({"information_left": np.nan}, "information_left nan"),
        ({"g_denoise": np.nan}, "g_denoise nan"),
        ({"g_noise": np.inf}, "g_noise inf"),
        ({"g_denoise": 3.0, "g_noise": -3.0, "ordering_strength": 0.0}, "g_denoise, g_noise"),
        ({"ordering": "size"}, "ordering 'size' is unknown; choose one of variance, frequency"),
        ({"pace": "cosine"}, "pace 'cosine' is unknown; choose one of"),
        ({"prior": "pink"}, "prior 'pink' is unknown; choose one of white, data"),
        ({"form": "vpsde"}, "form 'vpsde' is unknown; choose one of vp, flow, ve"),
        ({"basis": "cosine"}, "basis 'cosine' is unknown"),
        ({"basis": "pixel", "ordering": "frequency"}, "choose basis dct, fourier"),
        ({"pace": "octave", "ordering_strength": 0.0}, "choose pace information or linear"),
        ({"pace": "frequency", "ordering_strength": 0.0}, "choose pace information or linear"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError) as caught:
        spectra.derive_schedule(SPECTRUM, **options)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unmeasured_basis_is_refused() -> None:
    from dataclasses import replace

    spectrum = replace(SPECTRUM, variances={"dct": SPECTRUM.variances["dct"]})
    with pytest.raises(InputError, match="'fourier' was not measured"):
        spectra.derive_schedule(spectrum, basis="fourier")
    with pytest.raises(InputError, match="'pixel' was not measured"):
        spectra.standard_schedule(spectrum, basis="pixel")


def test_a_spectrum_with_nan_is_refused() -> None:
    from dataclasses import replace

    variance = SPECTRUM.component_variance("dct").copy()
    variance[0, 0, 0] = np.nan
    spectrum = replace(SPECTRUM, variances={"dct": variance})
    with pytest.raises(InputError, match="NaN"):
        spectra.derive_schedule(spectrum)


def test_a_pace_over_f_max_needs_an_order_that_falls() -> None:
    spectrum = known_spectrum(bumped, (1, 64, 64))
    for pace in ("frequency", "octave"):
        with pytest.raises(InputError, match="choose ordering frequency"):
            spectra.derive_schedule(spectrum, pace=pace)
        assert isinstance(
            spectra.derive_schedule(spectrum, pace=pace, ordering="frequency"), Schedule
        )


def test_the_numbers_of_a_schedule_do_not_depend_on_the_run() -> None:
    one, two = (spectra.derive_schedule(SPECTRUM, ordering_strength=0.5) for _ in range(2))
    assert one.pace.tobytes() == two.pace.tobytes()
    assert one.offset.tobytes() == two.offset.tobytes()


@pytest.mark.parametrize("basis", ["wavelet", "wavelet-haar"])
def test_wavelets_take_a_schedule_like_any_basis(basis: str) -> None:
    images = power_law_fields(np.random.default_rng(0), 64, (16, 16), 2.0)
    spectrum = spectra.analyze(images, bases=(basis,))
    made = spectra.derive_schedule(spectrum, basis=basis)
    assert made.basis == basis
    assert "octave" in made.explanation["basis"]
    assert made.shape == (1, 16, 16)


@pytest.mark.parametrize("strength", [np.float32(0.5), np.float64(0.5), np.int64(2), np.float16(1)])
def test_a_strength_may_be_a_numpy_number(strength: Any) -> None:
    """Out of np.linspace, say."""
    ours = spectra.derive_schedule(SPECTRUM, ordering_strength=strength)
    plain = spectra.derive_schedule(SPECTRUM, ordering_strength=float(strength))
    assert np.array_equal(ours.offset, plain.offset)
    assert ours.explanation == plain.explanation
    wished = [
        spectra.schedule_from_cutoff(SPECTRUM, [0.5, 0.0], ordering_strength=each)
        for each in (strength, float(strength))
    ]
    assert np.array_equal(wished[0].pace, wished[1].pace)
    assert wished[0].explanation["ordering"].split()[0] == "frequency,"
