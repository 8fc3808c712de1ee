"""What a denoiser leaves wrong, per component and noise level: the Wiener filter's, or measured."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spectra.bases import Basis, PcaBasis, make_basis
from spectra.errors import InputError, check_number
from spectra.files import read_tables, write_tables
from spectra.schedule.coordinates import coordinates
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["DenoisingError", "load_denoising_error", "wiener_error"]

FORMAT = "1.0"
# A gain is kept inside (0, 1): at 1 a component would have no variance to speak of.
LEAST_GAIN, MOST_GAIN = 1e-30, 1 - 1e-12
LARGEST = 1e60  # of any number here, and of the inverse of levels and variances
OPTIONAL = ("components", "quantum")  # of a file
TABLES = ("sigma", "error", "variance", "tilt", "standard_error", "components")


@dataclass(frozen=True, eq=False)
class DenoisingError:
    r"""E (z_hat_i - z_i)^2 of a denoiser at each noise level.

    Attributes
    ----------
    name : str
        Of the denoiser.
    basis : str
    shape : (C, \*spatial)
    sigma : float64 [L]
        Standard deviation of the noise in data units, rising; that of component i is
        `sigma * tilt_i`.
    error : float64 [L, \*shape]
    variance : float64 [\*shape]
        lambda_i of the data.
    n, files : int
        Examples it was measured on, and of how many files; 0 for a law.
    tilt : float64 [\*shape]
        1 for white noise. A model that was trained on a component-wise schedule is measured on
        its own.
    standard_error : float64 [L, \*shape]
        Of `error`, between files; 0 for a law, NaN from a single file.
    components : float64 [D, D] or None
        Rows of basis "pca".
    data : dict
        Settings that reopen the source.
    fingerprint : str
    quantum : float
        Spacing of the values, as `evaluate` counts it in bits/dim; 0 where it is none or not known.

    Raises
    ------
    InputError
        Tables that do not fit each other, hold NaN, are negative, or levels that do not rise.

    Examples
    --------
    >>> error = spectra.wiener_error(spectra.analyze("digits"), np.geomspace(0.01, 10, 16))
    >>> error.gain().shape, bool((np.diff(error.per_level()) > 0).all())
    ((16, 1, 8, 8), True)
    """

    name: str
    basis: str
    shape: tuple[int, ...]
    sigma: np.ndarray
    error: np.ndarray
    variance: np.ndarray
    n: int
    files: int
    tilt: np.ndarray
    standard_error: np.ndarray
    components: np.ndarray | None = None
    data: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    quantum: float = 0.0

    def __post_init__(self) -> None:
        _check_kinds(self)
        levels = (len(self.sigma), *self.shape)
        wanted = {"error": levels, "standard_error": levels}
        wanted |= {"variance": self.shape, "tilt": self.shape}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"denoising error: {name} has another shape than {shape}")
        for name in ("sigma", "error", "variance", "tilt"):
            values = getattr(self, name)
            if not np.isfinite(values).all() or (values < 0).any():
                raise InputError(f"denoising error: {name} must be finite and not negative")
            if float(values.max(initial=0)) > LARGEST:
                raise InputError(f"denoising error: {name} is too large; rescale the data")
        if self.sigma.ndim != 1 or not len(self.sigma) or not (np.diff(self.sigma) > 0).all():
            raise InputError("denoising error: sigma must be a list of levels that rise")
        if self.sigma[0] <= 1 / LARGEST or not (self.tilt > 1 / LARGEST).all():
            raise InputError("denoising error: sigma and tilt must be above 0")

    def make_basis(self) -> Basis:
        """The transform whose components these are."""
        if self.components is None:
            return make_basis(self.basis, self.shape)
        return PcaBasis(self.shape, self.components, self.variance.ravel())

    def gain(self) -> np.ndarray:
        r"""W = error / sigma_i^2 clipped to (0, 1), [L, \*shape].

        For the best denoiser it is the mean Jacobian E d z_hat_i / d y_i; for the Wiener filter
        lambda / (lambda + sigma^2).

        Notes
        -----
        Second-order Tweedie: Cov(z | y) = sigma^2 dD/dy. Efron, "Tweedie's formula and selection
        bias" (2011), equation 2.8.
        """
        level = self.sigma.reshape(-1, *[1] * len(self.shape)) * self.tilt
        return np.clip(self.error / level**2, LEAST_GAIN, MOST_GAIN)

    def gain_at(self, log_sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r"""W and dW / d ln sigma at any level: logit W is a monotone cubic in ln sigma.

        It never overshoots its neighbours, and is exact for the Wiener filter, for which it is a
        straight line of slope -2. That line goes on from the outermost levels:
        W -> 1 - sigma^2 / lambda_eff below them, lambda_eff / sigma^2 above.

        Parameters
        ----------
        log_sigma : [N] or [N, \*shape]
            ln of the noise's standard deviation, one for all components or each its own.

        Returns
        -------
        gain, slope : float64 [N, \*shape]

        Notes
        -----
        Fritsch and Butland, "A method for constructing local monotone piecewise cubic
        interpolants" (1984).
        """
        from scipy.special import expit

        x = np.asarray(log_sigma, float)
        if x.shape[1:] not in ((), self.shape):
            raise InputError(f"log_sigma of shape {x.shape}: [N] or [N, *{self.shape}] is needed")
        x = x.reshape(*x.shape, *[1] * (1 + len(self.shape) - x.ndim)) - np.log(self.tilt)
        knots, logit, rise = self._curves
        inside = np.clip(x, knots[0], knots[-1])
        left = np.searchsorted(knots, inside, side="right") - 1
        left = np.clip(left, 0, max(len(knots) - 2, 0))
        right = np.minimum(left + 1, len(knots) - 1)
        width = np.where(right > left, knots[right] - knots[left], 1.0)
        u = (inside - knots[left]) / width
        y0, y1 = (np.take_along_axis(logit, at, axis=0) for at in (left, right))
        d0, d1 = (np.take_along_axis(rise, at, axis=0) * width for at in (left, right))
        step = y1 - y0
        value = y0 + u * (d0 + u * (3 * step - 2 * d0 - d1 + u * (d0 + d1 - 2 * step)))
        slope = (d0 + u * (2 * (3 * step - 2 * d0 - d1) + 3 * u * (d0 + d1 - 2 * step))) / width
        value = value - 2 * (x - inside)
        slope = np.where(x == inside, slope, -2.0)
        gain = expit(value)
        return gain, gain * expit(-value) * slope

    @cached_property
    def _curves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ln sigma [L]; logit W and its slope there, [L, *shape]."""
        from scipy.interpolate import PchipInterpolator

        knots, gain = np.log(self.sigma), self.gain()
        logit = np.log(gain) - np.log1p(-gain)
        if len(knots) < 2:
            return knots, logit, np.full_like(logit, -2.0)
        return knots, logit, PchipInterpolator(knots, logit, axis=0).derivative()(knots)

    def effective_variance(self) -> np.ndarray:
        r"""lambda_eff = error sigma^2 / (sigma^2 - error), [L, \*shape].

        The variance of Gaussian data that would be denoised just as badly; lambda itself for the
        Wiener filter.
        """
        gain = self.gain()
        level = self.sigma.reshape(-1, *[1] * len(self.shape)) * self.tilt
        return gain * level**2 / (1 - gain)

    def per_level(self) -> np.ndarray:
        """Squared error of a whole example at each level, [L]."""
        return self.error.reshape(len(self.sigma), -1).sum(axis=1)

    def per_ring(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Squared error within rings of frequency, summed, and the components in each.

        Parameters
        ----------
        edges : [R + 1]
            Rising, cycles/pixel; ring r is edges[r] <= f < edges[r + 1].

        Returns
        -------
        error [L, R], count [R]

        Raises
        ------
        InputError
            Edges that do not rise, or a basis whose components have no frequency (pixel).
        """
        edges = np.asarray(edges, float)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise InputError("edges: two frequencies or more are needed, rising")
        frequency = self.make_basis().frequency.ravel()
        if np.isnan(frequency).any():
            raise InputError(f"basis {self.basis!r} has no frequencies; measure in dct or fourier")
        inside = (frequency >= edges[0]) & (frequency < edges[-1])
        ring = np.searchsorted(edges, frequency[inside], side="right") - 1
        rows = self.error.reshape(len(self.sigma), -1)[:, inside]
        sums = [np.bincount(ring, weights=row, minlength=len(edges) - 1) for row in rows]
        return np.array(sums), np.bincount(ring, minlength=len(edges) - 1)

    def wiener(self) -> "DenoisingError":
        """The Wiener filter's error for the same variance at the same levels."""
        level = self.sigma.reshape(-1, *[1] * len(self.shape)) * self.tilt
        error = wiener_law(self.variance, level)
        return replace(
            self, name="wiener", error=error, standard_error=np.zeros_like(error), n=0, files=0
        )

    def save(self, path: str | Path) -> None:
        """Write a safetensors file; reading it back is exact to the bit."""
        tables = {name: getattr(self, name) for name in TABLES}
        settings = {
            "name": self.name,
            "basis": self.basis,
            "shape": list(self.shape),
            "n": self.n,
            "files": self.files,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "quantum": self.quantum,
        }
        held = {name: table for name, table in tables.items() if table is not None}
        write_tables(path, "denoising", FORMAT, held, settings)


def load_denoising_error(path: str | Path) -> DenoisingError:
    """Read what `DenoisingError.save` wrote.

    Parameters
    ----------
    path
        The .safetensors file.

    Returns
    -------
    DenoisingError

    Raises
    ------
    InputError
        Missing, damaged, incomplete, of another kind, or from a later major version.

    Examples
    --------
    >>> error = spectra.wiener_error(spectra.analyze("digits"), np.geomspace(0.01, 10, 16))
    >>> error.save("denoising.safetensors")
    >>> spectra.load_denoising_error("denoising.safetensors").sigma.shape
    (16,)
    """
    tables, settings = read_tables(path, "denoising", major=1)
    found = {**tables, **settings}
    if isinstance(found.get("shape"), list):  # JSON has no tuples
        found["shape"] = tuple(found["shape"])
    names = [part.name for part in fields(DenoisingError)]
    missing = [name for name in names if name not in found and name not in OPTIONAL]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; measure it again with spectra")
    try:
        made = DenoisingError(**{name: found[name] for name in names if name in found})
    except InputError as error:
        raise InputError(f"{path}: {error}; measure it again with spectra") from None
    if not float(made.variance.max()) > 1 / LARGEST:
        raise InputError(f"{path}: no component varies; measure it again with spectra")
    return made


def _check_kinds(error: DenoisingError) -> None:
    """Refuse what is no text, no number and no table where one is needed."""
    for name in ("name", "basis", "fingerprint"):
        if not isinstance(getattr(error, name), str):
            raise InputError(f"denoising error: {name} must be text")
    check_number("denoising error: quantum", error.quantum, low=0.0, high=LARGEST)
    shape = error.shape
    whole = isinstance(shape, tuple) and all(isinstance(side, int) and side > 0 for side in shape)
    if not (whole and len(shape) in (2, 3)):
        raise InputError(f"denoising error: shape {shape!r} is none of an example, (C, *spatial)")
    for name in ("n", "files"):
        count = getattr(error, name)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InputError(f"denoising error: {name} {count!r} must be a whole number")
    for name in TABLES:
        table = getattr(error, name)
        if table is None and name == "components":
            continue
        if not isinstance(table, np.ndarray) or table.dtype.kind not in "iuf":
            raise InputError(f"denoising error: {name} must be a NumPy array of numbers")
    size = error.variance.size
    if error.components is not None and error.components.shape != (size, size):
        raise InputError(f"denoising error: components must be of shape ({size}, {size})")


def wiener_law(variance: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """lambda sigma^2 / (lambda + sigma^2), elementwise."""
    return variance * (sigma**2 / (variance + sigma**2))


def wiener_error(
    subject: Spectrum | Schedule, sigma: np.ndarray, *, basis: str = "dct"
) -> DenoisingError:
    """The best linear denoiser's error, from second moments alone.

    Parameters
    ----------
    subject : Spectrum or Schedule
        Whose component variances; those of a schedule are in its own basis.
    sigma : [L]
        Levels, rising.
    basis : str
        Of a spectrum's components.

    Returns
    -------
    DenoisingError
        Without standard errors.

    Examples
    --------
    >>> error = spectra.wiener_error(spectra.analyze("digits"), np.geomspace(0.01, 10, 16))
    >>> error.error.shape
    (16, 1, 8, 8)
    """
    held = subject if isinstance(subject, Schedule) else coordinates(subject, basis)
    sigma = np.asarray(sigma, float)
    error = wiener_law(held.variance, sigma.reshape(-1, *[1] * len(held.shape)))
    return DenoisingError(
        name="wiener",
        basis=held.basis,
        shape=held.shape,
        sigma=sigma,
        error=error,
        variance=held.variance,
        n=0,
        files=0,
        tilt=np.ones(held.shape),
        standard_error=np.zeros_like(error),
        components=getattr(held, "components", None),
        data=held.data,
        fingerprint=held.fingerprint,
        quantum=subject.quantum,
    )
