"""P(f) = A f^-alpha, with a knee or a floor where asked, and an exponent one can trust."""

from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.fit.goodness import departure_db, octaves, r_squared, residual_db
from spectra.fit.law import PowerLaw
from spectra.fit.methods import Estimate, plain, resampled, theil_sen, weighted
from spectra.fit.rings import EVERY_RING, Rings, default_range, read_rings
from spectra.fit.shapes import Shape, select_shape
from spectra.spectrum import Spectrum
from spectra.spectrum.spectrum import Average

__all__ = ["FitMethod", "Presence", "check_fit", "fit_power_law"]

HIGHEST = 0.71  # cycles/pixel; the corners of the plane are at 0.7071

FitMethod = Literal["weighted", "whittle", "theil-sen", "log-resampled", "plain"]
"""Ways of fitting a power law, see `fit_power_law`."""

Presence = Literal["none", "fit", "auto"]
"""Whether a floor or a knee is left out, fitted, or fitted where the data ask for it."""


def fit_power_law(
    spectrum: Spectrum,
    *,
    method: FitMethod = "weighted",
    average: Average | None = None,
    f_range: tuple[float, float] | None = None,
    floor: Presence = "none",
    knee: Presence = "none",
) -> PowerLaw:
    """Fit P(f) = A f^-alpha to a measured spectrum.

    Parameters
    ----------
    spectrum : Spectrum
    method : {"weighted", "whittle", "theil-sen", "log-resampled", "plain"}
        "weighted": least squares of ln P on ln f at the rings' mean |f|, weights from the mode
        counts, the bias of the logarithm taken off, and what the law gives in a whole ring and
        through the taper in place of its value at the mean |f|. "whittle": the Gamma likelihood
        of the same; as precise, and not robust. "theil-sen": the weighted median of the slopes
        of all pairs of rings; a few rings far off hardly move it. "log-resampled": the post's;
        ring labels k / N, 100 points evenly spaced in ln f, ln P interpolated in ln f,
        unweighted. "plain": unweighted over the rings at their mean |f|.
    average : {"arithmetic", "log"}, optional
        Which average over examples; the arithmetic one by default, the log one for the post's
        and plain fits. The arithmetic mean is lambda, led by the strongest examples; where
        exponents differ between examples, the exponent of the mean of logs is their mean, and
        that of the arithmetic mean is not.
    f_range : (low, high), optional
        Cycles/pixel; by default (0, 0.25], or every ring where that holds fewer than 4, and
        every ring for the post's. Where optics and codecs leave the last octave as it is, a
        floor is much better determined over every ring, (0, 0.5).
    floor : {"none", "fit", "auto"}
        White noise under the law: left out, fitted, or fitted where the Bayesian information
        criterion asks for it. The interval takes no account of that choice: a floor too weak to
        be chosen leaves its bias, so where one is known of, fit it.
    knee : {"none", "fit", "auto"}
        A flat part under the frequency f0, A / (f0^alpha + f^alpha); likewise.

    Returns
    -------
    PowerLaw
        With one file the standard errors come from the mode counts (times the dispersion where
        that is above 1); with several from the scatter between files, which is what another
        draw of files would change.

    Raises
    ------
    InputError
        Fewer rings in the range than the parameters and one, an unknown name, a floor or a knee
        for a method that fits lines, or the mean of logs for the Whittle likelihood.

    Notes
    -----
    Var ln P_k = psi1(n_k / 2), E ln P_k = ln P + psi(n_k / 2) - ln(n_k / 2) for a ring of n_k
    real degrees of freedom. Standard errors are those of a sandwich: the rows d theta / d ln P
    at the optimum about the covariance of ln P, neighbouring rings included.

    Examples
    --------
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> fit = spectra.fit_power_law(spectrum)
    >>> round(fit.alpha, 1), np.round(fit.interval(0.95), 1).tolist()
    (2.3, [1.6, 3.0])
    >>> round(spectra.fit_power_law(spectrum, method="log-resampled").alpha, 1)
    2.5
    """
    check_fit(method, average, floor, knee)
    average = average or _usual_average(method)
    shapes = [Shape(k, f) for k in _choices(knee) for f in _choices(floor)]
    if f_range is None:
        f_range = EVERY_RING if method == "log-resampled" else default_range(spectrum)
    fewest = 1 + max(shape.size for shape in shapes)
    rings, used = read_rings(spectrum, average, f_range, fewest)

    shape, criterion = shapes[0], ()
    if len(shapes) > 1 or shape.size > 2 or method == "whittle":
        objective = "whittle" if method == "whittle" else "weighted"
        shape, fit, criterion = select_shape(rings, shapes, objective)
    elif method == "weighted":
        fit = weighted(rings)
    elif method == "theil-sen":
        fit = theil_sen(rings)
    elif method == "plain":
        fit = plain(rings)
    else:
        fit = resampled(rings, _labels(spectrum)[used])
    return _summary(spectrum, rings, used, fit, shape, criterion, method, average)


def _summary(
    spectrum: Spectrum,
    rings: Rings,
    used: np.ndarray,
    fit: Estimate,
    shape: Shape,
    criterion: tuple[tuple[Shape, float], ...],
    method: str,
    average: str,
) -> PowerLaw:
    """A fit as the record that users see."""
    robust = method == "theil-sen"
    dispersion = fit.robust_dispersion(rings) if robust else fit.dispersion(rings)
    errors = np.sqrt(np.sum(fit.rows @ rings.covariance(dispersion) * fit.rows, axis=1).clip(0))
    knee = float(np.exp(fit.theta[2])) if shape.knee else 0.0
    shown = bool(np.any(fit.rows[2])) if shape.knee else True
    return PowerLaw(
        alpha=float(fit.theta[1]),
        amplitude=float(np.exp(fit.theta[0])),
        alpha_se=float(errors[1]),
        log_amplitude_se=float(errors[0]),
        degrees=rings.degrees,
        method=method,
        average=average,
        f_range=(float(spectrum.frequency[used[0]]), float(spectrum.frequency[used[-1]])),
        n_rings=len(used),
        dispersion=dispersion,
        residual_db=residual_db(fit),
        departure_db=departure_db(rings, fit.read),
        chi_squared=float(np.sum((fit.read - fit.curve) ** 2 / rings.variance)),
        r_squared=r_squared(rings, fit),
        octaves=octaves(rings, spectrum.frequency[used], fit.read),
        floor=float(fit.theta[-1]) if shape.floor else 0.0,
        floor_se=float(errors[-1]) if shape.floor else 0.0,
        knee=knee,
        knee_se=(knee * float(errors[2]) if shown else np.inf) if shape.knee else 0.0,
        criterion=tuple((s.name, score) for s, score in criterion) if len(criterion) > 1 else (),
    )


def check_fit(
    method: str,
    average: str | None = None,
    floor: str = "none",
    knee: str = "none",
    f_range: tuple[float, float] | None = None,
) -> None:
    """Refuse what `fit_power_law` would, so far as no spectrum is needed to tell.

    Parameters
    ----------
    method, average, floor, knee, f_range
        As in `fit_power_law`.

    Raises
    ------
    InputError
    """
    average = average or _usual_average(method)
    if f_range is not None and not 0 <= f_range[0] < min(f_range[1], HIGHEST):
        raise InputError(
            f"fit range {f_range[0]:g} {f_range[1]:g}: give two frequencies in cycles/pixel, the "
            f"lower first and between 0 and {HIGHEST:g}"
        )
    check_name("fit method", method, get_args(FitMethod))
    check_name("average", average, get_args(Average))
    check_name("floor", floor, get_args(Presence))
    check_name("knee", knee, get_args(Presence))
    if method not in ("weighted", "whittle") and (floor, knee) != ("none", "none"):
        raise InputError(
            f"fit method {method!r} draws a straight line; fit a floor or a knee with "
            "method='weighted' or 'whittle'"
        )
    if method == "whittle" and average == "log":
        raise InputError(
            "fit method 'whittle' is the likelihood of mean powers; take average='arithmetic', "
            "or method='weighted' for the mean of logs"
        )


def _usual_average(method: str) -> Average:
    return "log" if method in ("log-resampled", "plain") else "arithmetic"


def _choices(presence: str) -> tuple[bool, ...]:
    return {"none": (False,), "fit": (True,), "auto": (False, True)}[presence]


def _labels(spectrum: Spectrum) -> np.ndarray:
    """The post's labels of the rings, k / N, cycles/pixel, [F]."""
    spatial = spectrum.shape[1:]
    return spectrum.ring / min(spatial) if len(spatial) == 2 else spectrum.frequency
