"""The five scalar processes: their formulas, their inverses, their form."""

import numpy as np
import pytest

from spectra import InputError
from spectra.schedule import process

T = np.linspace(0.001, 0.999, 257)
NAMES = ["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"]


def textbook(name: str, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """alpha and sigma as the papers write them."""
    if name == "rectified-flow":
        return 1 - t, t
    if name == "vp-cosine":
        return np.cos(np.pi * t / 2), np.sin(np.pi * t / 2)
    if name == "vp-linear":
        alpha = np.exp(-0.5 * (0.1 * t + 19.9 * t**2 / 2))
        return alpha, np.sqrt(1 - alpha**2)
    if name == "ve":
        return np.ones_like(t), 0.01 * (50 / 0.01) ** t
    low, high = 0.002 ** (1 / 7), 80 ** (1 / 7)
    return np.ones_like(t), (low + t * (high - low)) ** 7


@pytest.mark.parametrize("name", NAMES)
def test_alpha_and_sigma_are_the_textbooks(name: str) -> None:
    alpha, sigma = textbook(name, T)
    scalar = process(name)
    assert scalar.name == name
    np.testing.assert_allclose(scalar.alpha(T), alpha, rtol=1e-10)
    np.testing.assert_allclose(scalar.sigma(T), sigma, rtol=1e-10)
    np.testing.assert_allclose(scalar.log_snr(T), 2 * np.log(alpha / sigma), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_time_is_the_inverse_of_log_snr_and_snr_falls(name: str) -> None:
    scalar = process(name)
    np.testing.assert_allclose(scalar.time(scalar.log_snr(T)), T, atol=1e-10)
    ratio = np.linspace(-8, 8, 65)
    inside = (scalar.time(ratio) > 0) & (scalar.time(ratio) < 1)
    assert inside.sum() > 30
    np.testing.assert_allclose(scalar.log_snr(scalar.time(ratio[inside])), ratio[inside], atol=1e-9)
    assert (np.diff(scalar.log_snr(T)) < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_form(name: str) -> None:
    scalar = process(name)
    alpha, sigma = scalar.alpha(T), scalar.sigma(T)
    total = {"vp": alpha**2 + sigma**2, "flow": alpha + sigma, "ve": alpha}[scalar.form]
    np.testing.assert_allclose(total, 1, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_ends(name: str) -> None:
    """Time 0 has no noise, or the smallest; time 1 no signal, or the least; nothing is NaN."""
    scalar = process(name)
    ends = np.array([0.0, 1.0])
    alpha, sigma = scalar.alpha(ends), scalar.sigma(ends)
    assert alpha[0] == 1
    assert {
        "rectified-flow": sigma[0] == 0 and sigma[1] == 1 and alpha[1] == 0,
        "vp-cosine": sigma[0] == 0 and sigma[1] == 1 and alpha[1] == 0,
        "vp-linear": sigma[0] == 0 and alpha[1] == pytest.approx(np.exp(-0.5 * 10.05)),
        "ve": sigma == pytest.approx([0.01, 50]),
        "edm": sigma == pytest.approx([0.002, 80]),
    }[name]
    np.testing.assert_allclose(scalar.time(scalar.log_snr(ends)), ends, atol=1e-12)
    beyond = scalar.time(np.array([-1e3, 1e3]))
    assert ((beyond >= 0) & (beyond <= 1)).all()


def test_unknown_process_is_refused() -> None:
    with pytest.raises(InputError, match=r"'ddpm' is unknown; choose one of rectified-flow"):
        process("ddpm")
