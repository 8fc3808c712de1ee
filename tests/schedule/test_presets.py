"""Each preset is its source's own formula, written out here once more, to 1e-10."""

from dataclasses import fields
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from spectra.schedule import PRESETS, PresetName
from spectra.schedule.presets import check_preset
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 12, 16), quantum=2 / 255)
NAMES = get_args(PresetName)
ENDS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # knots of every preset
CLOSE = {"rtol": 0, "atol": 1e-10}


@cache
def made(name: str) -> Schedule:
    return spectra.preset(name, SPECTRUM)


def ratio(schedule: Schedule, t: np.ndarray) -> np.ndarray:
    """ln(alpha_i^2 / (sigma_i s_i)^2): of the signal's and the noise's own amplitudes."""
    return schedule.log_ratio(t) - 2 * np.log(schedule.scale)


def test_every_name_has_its_options_and_the_other_way_round() -> None:
    assert set(PRESETS) == set(NAMES)


def test_scalar_presets() -> None:
    """sigma / alpha: t / (1 - t); tan(pi t / 2); beta from 0.1 to 20; EDM's rho = 7; VE's."""
    inner = 1e-3 + ENDS * 0.998
    integral = 0.1 * inner + 19.9 * inner**2 / 2
    roots = 0.002 ** (1 / 7) + ENDS * (80 ** (1 / 7) - 0.002 ** (1 / 7))
    noise = {
        "rectified-flow": inner / (1 - inner),
        "vp-cosine": np.tan(np.pi * inner / 2),
        "vp-linear": np.sqrt(np.exp(integral) - 1),
        "ve": 0.01 * (50 / 0.01) ** ENDS,
        "edm": roots**7,
    }
    for name, expected in noise.items():
        ours = ratio(made(name), ENDS)
        np.testing.assert_allclose(
            ours, np.broadcast_to(-2 * np.log(expected)[:, None, None, None], ours.shape), **CLOSE
        )
        snr = np.log(made(name).variance) - 2 * np.log(expected)[:, None, None, None]
        np.testing.assert_allclose(made(name).log_snr(ENDS), snr, **CLOSE)


def test_edm_grid() -> None:
    """(smax^(1/7) + k/(N-1) (smin^(1/7) - smax^(1/7)))^7 at times even in t, N = 17."""
    sigma = made("edm").sigma(np.linspace(1, 0, 17))[:, 0, 0, 0]
    k = np.arange(17) / 16
    expected = (80 ** (1 / 7) + k * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(sigma, expected, rtol=1e-10)


@pytest.mark.parametrize("process", ["vp-linear", "vp-cosine", "rectified-flow"])
@pytest.mark.parametrize("basis", ["dct", "fourier"])
def test_equal_snr(basis: str, process: str) -> None:
    """The noise's covariance is the data's, and the SNR the mean of the scalar process's."""
    ours = spectra.preset("equal-snr", SPECTRUM, basis=basis, process=process)
    np.testing.assert_allclose(ours.scale**2, ours.variance, rtol=1e-14)
    scalar = spectra.preset(process, SPECTRUM, basis=basis)
    expected = np.log(np.exp(scalar.log_snr(ENDS)).mean(axis=(1, 2, 3)))
    snr = ours.log_snr(ENDS)
    np.testing.assert_allclose(
        snr, np.broadcast_to(expected[:, None, None, None], snr.shape), **CLOSE
    )
    # alpha and sigma are the same for all, as abar is.
    assert np.ptp(ours.alpha(ENDS).reshape(5, -1), axis=1).max() < 1e-12


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
def test_soft_conditioning(ordering: str, strength: float) -> None:
    """gamma_i = gamma_min,i + (gamma_max,i - gamma_min,i) t, with eq. 20's endpoints."""
    low, high = -6.0, 4.0
    ours = spectra.preset(
        "soft-conditioning",
        SPECTRUM,
        g_denoise=low,
        g_noise=high,
        ordering=ordering,
        ordering_strength=strength,
    )
    variance = ours.variance
    if ordering == "variance":
        labels = -np.log(variance)
    elif strength == 0:
        labels = np.zeros(ours.shape)
    else:
        labels = -ours.offset / strength
        rises = np.argsort(ours.frequency.ravel(), kind="stable")
        assert (np.diff(labels.ravel()[rises]) >= -1e-12).all()
    first = low + np.log(variance) + strength * (labels - labels.max())  # gamma_min,i
    span = high - low + strength * (labels.max() - labels.min())
    for t in (0.0, 1 / 3, 0.71, 1.0):
        gamma = first + span * t
        np.testing.assert_allclose(-ratio(ours, np.array([t]))[0], gamma, **CLOSE)
    snr = ours.log_snr(np.array([0.0, 1.0]))
    assert snr[0].min() == pytest.approx(-low, abs=1e-12)
    assert snr[1].max() == pytest.approx(-high, abs=1e-12)


def test_soft_conditioning_by_bands() -> None:
    """Each band at its own strength, said in words; SNRs end where the two numbers say."""
    bands = [(0.1, 1.0), (0.8, 0.5)]
    made = spectra.preset("soft-conditioning", SPECTRUM, ordering_strength=bands)
    ends = made.log_snr(np.array([0.0, 1.0])).reshape(2, -1)
    np.testing.assert_allclose([ends[0].min(), ends[1].max()], [7.0, -3.0], atol=1e-9)
    frequency = made.frequency.ravel()
    for low, high, strength in ((0.0, 0.1, 1.0), (0.1, 0.8, 0.5)):
        inside = (frequency > low) & (frequency <= high)
        own = np.log(made.variance.ravel()[inside])
        np.testing.assert_allclose(np.polyfit(own, made.offset.ravel()[inside], 1)[0], strength)
    assert "1 up to 0.1 cycles/pixel, 0.5 up to 0.8" in made.explanation["ordering"]


@pytest.mark.parametrize("options", [{}, {"blur_max": 5.0, "blur_floor": 0.0}])
def test_blurring(options: dict[str, Any]) -> None:
    """a_t d_t / sigma_t of the paper's pseudo-code, on the DCT's n, m."""
    ours = spectra.preset("blurring", SPECTRUM, **options)
    largest, least = options.get("blur_max", 20.0), options.get("blur_floor", 0.001)
    n, m = np.arange(12)[:, None], np.arange(16)[None, :]
    eigenvalue = (np.pi * n / 12) ** 2 + (np.pi * m / 16) ** 2
    first, last = np.arctan(np.exp(-0.5 * 10)), np.arctan(np.exp(0.5 * 10))
    for t in ENDS:
        dissipation = (largest * np.sin(t * np.pi / 2) ** 2) ** 2 / 2
        # The logarithm of a blur that underflows is known in closed form only.
        if least:
            log_scaling = np.log(np.exp(-eigenvalue * dissipation) * (1 - least) + least)
        else:
            log_scaling = -eigenvalue * dissipation
        log_snr = -2 * np.log(np.tan((last - first) * t + first))
        expected = np.broadcast_to(log_snr + 2 * log_scaling, ours.shape)
        np.testing.assert_allclose(ratio(ours, np.array([t]))[0], expected, rtol=1e-13, atol=1e-10)


def test_heat_dissipation() -> None:
    """exp(-lambda t_k) over a constant noise at every k, t_0 = 0, blurs even in logarithm."""
    ours = spectra.preset("heat-dissipation", SPECTRUM, noise=0.01)
    n, m = np.arange(12)[:, None], np.arange(16)[None, :]
    eigenvalue = np.pi**2 * (n**2 / 12**2 + m**2 / 16**2)
    widths = np.array([0.0, *np.exp(np.linspace(np.log(0.5), np.log(24), 200))])
    for k in (0, 1, 7, 100, 200):
        expected = -2 * eigenvalue * widths[k] ** 2 / 2 - 2 * np.log(0.01)
        found = ratio(ours, np.array([k / 200]))[0]
        np.testing.assert_allclose(
            found, np.broadcast_to(expected, ours.shape), rtol=1e-13, atol=1e-10
        )
    assert ours.g_noise < 0  # told as it is: DC is never noised


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.4])
def test_power_law_noise(exponent: float) -> None:
    """Noise variance in proportion to f^2w, 1 on average, DC at half the lowest frequency."""
    ours = spectra.preset(
        "power-law-noise", SPECTRUM, noise_exponent=exponent, process="vp-cosine", basis="fourier"
    )
    fy, fx = np.fft.fftfreq(12)[:, None], np.fft.fftfreq(16)[None, :]
    radius = np.hypot(fy, fx)
    radius[0, 0] = (1 / 16) / 2
    noise = radius ** (2 * exponent)
    noise = np.broadcast_to(noise / noise.mean(), ours.shape)
    np.testing.assert_allclose(ours.scale**2, noise, rtol=1e-12)
    inner = 1e-3 + ENDS * 0.998
    scalar = -2 * np.log(np.tan(np.pi * inner / 2))[:, None, None, None]
    np.testing.assert_allclose(
        ours.log_snr(ENDS), np.log(ours.variance / noise)[None] + scalar, **CLOSE
    )
    if exponent == 0:
        standard = spectra.preset("vp-cosine", SPECTRUM, basis="fourier")
        np.testing.assert_allclose(ours.f_max(ENDS), standard.f_max(ENDS), atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("tau_max", [0.0, 0.3, 0.5, 31 / 32])
@pytest.mark.parametrize("name", ["columns", "rows"])
def test_column_windows(name: str, tau_max: float, reverse: bool) -> None:
    """gamma_c = clip(g_min + (t - tau_c) (g_max - g_min) / (1 - tau_max), g_min, g_max)."""
    low, high = -8.0, 5.0
    ours = spectra.preset(
        name, SPECTRUM, tau_max=tau_max, gamma_min=low, gamma_max=high, reverse=reverse
    )
    n = 16 if name == "columns" else 12
    number = np.arange(n)[::-1] if reverse else np.arange(n)
    tau = tau_max * number / (n - 1)
    tau = tau[None, None, :] if name == "columns" else tau[None, :, None]
    for t in np.linspace(0, 1, 23):
        gamma = np.clip(low + (t - tau) * (high - low) / (1 - tau_max), low, high)
        np.testing.assert_allclose(
            -ratio(ours, np.array([t]))[0], np.broadcast_to(gamma, ours.shape), **CLOSE
        )
    assert np.isnan(ours.f_max(np.array([0.5]))).all()
    # Every window is open and shut within [0, 1].
    np.testing.assert_allclose(ratio(ours, np.array([0.0])), -low, **CLOSE)
    np.testing.assert_allclose(ratio(ours, np.array([1.0])), -high, **CLOSE)


def test_disjoint_columns_are_autoregressive() -> None:
    """tau_max = (n - 1) / n: at no time are two columns on their way."""
    ours = spectra.preset("columns", SPECTRUM, tau_max=15 / 16)
    slope = ours.log_snr_slope(np.linspace(0, 1, 333, endpoint=False) + 1e-4)
    busy = (slope < 0).any(axis=(1, 2)).sum(axis=1)
    assert busy.max() == 1


@pytest.mark.parametrize("name", ["rectified-flow", "vp-cosine", "blurring"])
def test_between_knots_the_source_is_followed(name: str) -> None:
    """Half-way between knots log SNR strays less than 2e-4 from the curve, the ends aside."""
    t = (np.arange(50, 4050, 80) + 0.5) / 4096
    schedule = made(name)
    inner = 1e-3 + t * 0.998
    first, last = np.arctan(np.exp([-5.0, 5.0]))
    ratios = {
        "rectified-flow": 2 * np.log((1 - inner) / inner),
        "vp-cosine": -2 * np.log(np.tan(np.pi * inner / 2)),
        "blurring": -2 * np.log(np.tan(first + t * (last - first))),
    }
    expected = np.log(schedule.variance) + ratios[name][:, None, None, None]
    if name == "blurring":
        tau = (20 * np.sin(np.pi * t / 2) ** 2)[:, None, None, None] ** 2 / 2
        n, m = np.arange(12)[:, None], np.arange(16)[None, :]
        rate = (np.pi * n / 12) ** 2 + (np.pi * m / 16) ** 2
        expected = expected + 2 * np.log(np.exp(-rate * tau) * 0.999 + 0.001)
    np.testing.assert_allclose(schedule.log_snr(t), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_schedule(name: str, tmp_path: Any) -> None:
    """SNR falls, both ends are as said, information falls, the file is exact to the bit."""
    schedule = made(name)
    t = np.linspace(0, 1, 101)
    log_snr = schedule.log_snr(t)
    assert np.isfinite(log_snr).all()
    assert (np.diff(log_snr, axis=0) <= 1e-12).all()
    assert log_snr[0].min() >= -schedule.g_denoise - 1e-9
    assert log_snr[-1].max() <= -schedule.g_noise + 1e-9
    information = schedule.information(t)
    assert (np.diff(information) <= 1e-9).all()
    exact = 0.5 * np.logaddexp(0, log_snr).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(information, exact, rtol=1e-3, atol=1e-9)
    f_max = schedule.f_max(t)
    assert np.isnan(f_max).all() if name in ("columns", "rows") else (np.diff(f_max) <= 0).all()
    schedule.save(tmp_path / "s")
    again = spectra.load_schedule(tmp_path / "s")
    for field in fields(Schedule):
        one, other = getattr(schedule, field.name), getattr(again, field.name)
        if isinstance(one, np.ndarray):
            assert one.tobytes() == other.tobytes(), field.name
        else:
            assert one == other, field.name
    assert schedule.name == name
    assert schedule.explanation


@cache
def measured(shape: tuple[int, ...]) -> spectra.Spectrum:
    noise = np.random.default_rng(1).normal(size=(24, *shape))
    view = "series" if len(shape) == 2 else "pixels"
    return spectra.analyze(
        spectra.open_source(noise, view=view), bases=("dct", "pixel"), window="none"
    )


@pytest.mark.parametrize("shape", [(1, 32), (3, 8, 8), (1, 9, 14)])
@pytest.mark.parametrize("name", NAMES)
def test_other_shapes(name: str, shape: tuple[int, ...]) -> None:
    if name == "rows" and len(shape) == 2:
        with pytest.raises(InputError, match="rows"):
            spectra.preset(name, measured(shape))
        return
    schedule = spectra.preset(name, measured(shape))
    assert schedule.shape == shape
    assert np.isfinite(schedule.log_snr(ENDS)).all()
    assert np.isfinite(schedule.alpha(ENDS)).all()
    assert np.isfinite(schedule.information(ENDS)).all()


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("ddpm", {}, "'ddpm' is unknown; choose one of rectified-flow"),
        ("edm", {"tau_max": 0.5}, "preset edm has no tau_max; it takes basis"),
        ("edm", {"p_std": 0.0}, "p_std 0"),
        ("edm", {"p_mean": np.nan}, "p_mean nan"),
        ("edm", {"p_mean": 40.0}, "nothing between the ends"),
        ("ve", {"p_mean": -1.2}, "preset ve has no p_mean"),
        ("equal-snr", {"shift": 3.0}, "preset equal-snr has no shift"),
        ("rectified-flow", {"shift": -3.0}, "shift -3"),
        ("rectified-flow", {"shift": np.inf}, "shift inf"),
        ("vp-cosine", {"sigma_data": 0.0}, "sigma_data 0"),
        ("vp-cosine", {"sigma_data": 1e200}, "sigma_data 1e"),
        ("columns", {"tau_max": 1.0}, "tau_max"),
        ("columns", {"tau_max": -0.1}, "tau_max"),
        ("columns", {"tau_max": np.nan}, "tau_max"),
        ("columns", {"gamma_min": 5.0, "gamma_max": -3.0}, "gamma_max"),
        ("columns", {"basis": "wavelet"}, "wavelet"),
        ("blurring", {"basis": "pixel"}, "no frequency"),
        ("blurring", {"blur_floor": 1.0}, "blur_floor"),
        ("blurring", {"blur_max": -2.0}, "blur_max"),
        ("heat-dissipation", {"noise": 0.0}, "noise"),
        ("heat-dissipation", {"blur_min": 30.0}, "blur_max"),
        ("power-law-noise", {"noise_exponent": np.inf}, "noise_exponent"),
        ("power-law-noise", {"process": "ddim"}, "ddim"),
        ("soft-conditioning", {"g_denoise": 90.0, "g_noise": -90.0}, "g_denoise"),
        ("soft-conditioning", {"ordering_strength": -1.0}, "ordering_strength"),
    ],
)
def test_nonsense_is_refused_in_one_line(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as refusal:
        spectra.preset(name, SPECTRUM, **options)
    assert "\n" not in str(refusal.value)


def test_options_can_be_checked_before_there_is_a_spectrum() -> None:
    check_preset("columns", {"tau_max": 0.3})
    with pytest.raises(InputError, match="preset ve has no process"):
        check_preset("ve", {"process": "vp-linear"})


def test_standard_beside_drops_what_the_other_one_added() -> None:
    from spectra.schedule import standard_beside

    for name in ("columns", "blurring"):
        standard = standard_beside(made(name), process="edm")
        assert standard.separable
        np.testing.assert_allclose(ratio(standard, np.array([1.0])), -2 * np.log(80), **CLOSE)
