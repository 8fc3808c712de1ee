"""Scalar diffusion processes x_t = alpha(t) x + sigma(t) eps: value and inverse in log-SNR.

t = 0 is data, t = 1 noise. log SNR(t) = ln(alpha^2 / sigma^2), for data of unit variance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from spectra.errors import check_name

__all__ = ["Form", "ProcessName", "ScalarProcess", "coefficients", "process"]

ProcessName = Literal["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"]
"""Scalar processes, one noise level for all components; see `process`."""

Form = Literal["vp", "flow", "ve"]

# vp-linear: beta(t) from 0.1 to 20 (Song et al. 2021). ve: their sigma_min, sigma_max for
# values in [-1, 1]. edm: Karras et al. 2022, table 1.
BETA_0, BETA_1 = 0.1, 20.0
VE_SIGMA_MIN, VE_SIGMA_MAX = 0.01, 50.0
EDM_SIGMA_MIN, EDM_SIGMA_MAX, EDM_RHO = 0.002, 80.0, 7.0


def coefficients(log_ratio: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
    """alpha, sigma with ln(alpha^2 / sigma^2) = log_ratio.

    vp: alpha^2 + sigma^2 = 1; flow: alpha + sigma = 1; ve: alpha = 1.
    """
    if form == "vp":
        return _sigmoid(log_ratio) ** 0.5, _sigmoid(-log_ratio) ** 0.5
    if form == "flow":
        return _sigmoid(log_ratio / 2), _sigmoid(-log_ratio / 2)
    return np.ones_like(log_ratio), np.exp(-log_ratio / 2)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(x)


@dataclass(frozen=True)
class ScalarProcess:
    """One curve for every component.

    Attributes
    ----------
    name : str
    form : {"vp", "flow", "ve"}
        Which of alpha^2 + sigma^2 = 1, alpha + sigma = 1, alpha = 1 holds.
    log_snr : callable
        t in [0, 1] -> ln(alpha^2 / sigma^2), falling; may be infinite at the ends.
    inverse : callable
        ln(alpha^2 / sigma^2) -> t, beyond [0, 1] where the law goes on past its ends.
    """

    name: ProcessName
    form: Form
    log_snr: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]

    def time(self, log_snr: np.ndarray) -> np.ndarray:
        """t of a log SNR, clipped to [0, 1]."""
        return np.clip(self.inverse(log_snr), 0, 1)

    def alpha(self, t: np.ndarray) -> np.ndarray:
        """Signal scale at t."""
        return coefficients(self.log_snr(np.asarray(t, float)), self.form)[0]

    def sigma(self, t: np.ndarray) -> np.ndarray:
        """Noise scale at t."""
        return coefficients(self.log_snr(np.asarray(t, float)), self.form)[1]


def process(name: str) -> ScalarProcess:
    """The process `name`.

    Parameters
    ----------
    name : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}

    Returns
    -------
    ScalarProcess

    Raises
    ------
    InputError
        The name is unknown.

    Notes
    -----
    rectified-flow: alpha = 1 - t, sigma = t. vp-cosine: alpha = cos(pi t / 2). vp-linear:
    alpha^2 = exp(-(b0 t + (b1 - b0) t^2 / 2)). ve: sigma = s0 (s1 / s0)^t. edm: sigma =
    (s0^(1/7) + t (s1^(1/7) - s0^(1/7)))^7.

    Examples
    --------
    >>> from spectra.schedule import process
    >>> flow = process("rectified-flow")
    >>> flow.alpha(np.array([0.25])), flow.sigma(np.array([0.25]))
    (array([0.75]), array([0.25]))
    """
    check_name("process", name, get_args(ProcessName))
    if name == "rectified-flow":
        return ScalarProcess(
            name,
            "flow",
            lambda t: 2 * (_log(1 - np.asarray(t, float)) - _log(t)),
            lambda r: _sigmoid(-np.asarray(r, float) / 2),
        )
    if name == "vp-cosine":
        return ScalarProcess(
            name,
            "vp",
            lambda t: 2 * (_log(_cos_half_pi(t)) - _log(_cos_half_pi(1 - np.asarray(t, float)))),
            lambda r: 2 / np.pi * np.arctan(np.exp(-np.asarray(r, float) / 2)),
        )
    if name == "vp-linear":
        return ScalarProcess(name, "vp", _vp_linear_log_snr, _vp_linear_time)
    if name == "ve":
        low, high = np.log(VE_SIGMA_MIN), np.log(VE_SIGMA_MAX)
        return ScalarProcess(
            name,
            "ve",
            lambda t: -2 * (low + np.asarray(t, float) * (high - low)),
            lambda r: (-np.asarray(r, float) / 2 - low) / (high - low),
        )
    root_low, root_high = EDM_SIGMA_MIN ** (1 / EDM_RHO), EDM_SIGMA_MAX ** (1 / EDM_RHO)
    span = root_high - root_low
    return ScalarProcess(
        "edm",
        "ve",
        lambda t: -2 * EDM_RHO * np.log(root_low + np.asarray(t, float) * span),
        lambda r: (np.exp(-np.asarray(r, float) / 2 / EDM_RHO) - root_low) / span,
    )


def _log(x: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # the ends are infinite by definition
        return np.log(x)


def _cos_half_pi(t: np.ndarray) -> np.ndarray:
    """cos(pi t / 2), exactly 0 at t = 1."""
    return np.sin(np.pi / 2 * (1 - np.asarray(t, float)))


def _vp_linear_log_snr(t: np.ndarray) -> np.ndarray:
    t = np.asarray(t, float)
    integral = BETA_0 * t + (BETA_1 - BETA_0) * t**2 / 2  # int beta
    return -_log(np.expm1(integral))


def _vp_linear_time(log_snr: np.ndarray) -> np.ndarray:
    integral = np.logaddexp(0, -np.asarray(log_snr, float))
    slope = BETA_1 - BETA_0
    return (np.sqrt(BETA_0**2 + 2 * slope * integral) - BETA_0) / slope
