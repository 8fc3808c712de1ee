"""What an audit is made of: findings, octaves, and what they are read from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spectra.schedule.steps.gaussian import Prediction, Start

__all__ = ["AuditOctave", "Finding", "Kind", "Measured", "Severity"]

Severity = Literal["high", "medium", "low"]
Kind = Literal[
    "prior mismatch",
    "stops early",
    "idle steps",
    "idle training",
    "untrained",
    "too few steps",
    "wasted compute",
    "shift",
    "sigma_data",
]


@dataclass(frozen=True)
class Finding:
    """Something that does not fit.

    Attributes
    ----------
    kind : str
    severity : {"high", "medium", "low"}
    octave : str
        Most concerned; "all" where none is more than others.
    number : float
        What `what` is about: nats, a share, a ratio.
    what : str
    mend : str
        What would be right for this spectrum.
    """

    kind: Kind
    severity: Severity
    octave: str
    number: float
    what: str
    mend: str


@dataclass(frozen=True)
class AuditOctave:
    """One octave's account.

    Attributes
    ----------
    label : str
    low, high : float
        Cycles/pixel.
    components : int
    sigma_low, sigma_high : float
        Between which its SNR is 10 to 0.1, on average.
    steps, best_steps : int
        Of the sampler, and of as many optimal ones, that begin there.
    training : float or None
        Share of it that falls there.
    untrained : float
        Share of the octave decided where training never went.
    w2, best_w2 : float
        Its part of the squared W2 per dimension.
    times : float
        w2 over best_w2, or over the noise that is not seen where that is more.
    error : float
        Of its standard deviation: W2^2 over the octave's variance.
    """

    label: str
    low: float
    high: float
    components: int
    sigma_low: float
    sigma_high: float
    steps: int
    best_steps: int
    training: float | None
    untrained: float
    w2: float
    best_w2: float
    times: float
    error: float


@dataclass(frozen=True, eq=False)
class Measured:
    """What findings are read from; times fall, [L] of them, [N] knots, [O] octaves.

    Attributes
    ----------
    t, log_noise : [L]
    octave_nats, octave_left : [L, O]
    clean_nats : [O]
        Without noise.
    training : [L] or None
        Share of training at lower noise.
    times : [N + 1]
    step_nats, step_left : [N + 1, O]
    knots, best_knots : [N]
    information_left, prior_kl : float
    predicted, best : Prediction
    least_steps : int
    solver : str
    start : {"white", "data"}
    """

    t: np.ndarray
    log_noise: np.ndarray
    octave_nats: np.ndarray
    octave_left: np.ndarray
    clean_nats: np.ndarray
    training: np.ndarray | None
    times: np.ndarray
    step_nats: np.ndarray
    step_left: np.ndarray
    knots: np.ndarray
    best_knots: np.ndarray
    information_left: float
    prior_kl: float
    predicted: Prediction
    best: Prediction
    least_steps: int
    solver: str
    start: Start
