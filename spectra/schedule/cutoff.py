"""Which frequency drowns at which noise level: f_max(t), and t_detect(f)."""

from dataclasses import dataclass

import numpy as np

from spectra.errors import InputError
from spectra.schedule import processes
from spectra.schedule.processes import ScalarProcess
from spectra.spectrum import Spectrum

__all__ = ["FrequencyCutoff", "check_cutoff", "frequency_cutoff", "last_crossing"]


def last_crossing(frequency: np.ndarray, curve: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The largest f at which a curve lies above a level, [F], [F], [T] -> [T].

    The curve is joined by straight lines in ln f. The last frequency where it ends above the
    level; 0 where it is nowhere above.
    """
    level = np.atleast_1d(np.asarray(level, float))
    above = curve[None, :] > level[:, None]  # [T, F]
    last = above.shape[1] - 1 - above[:, ::-1].argmax(axis=1)  # last ring above, [T]
    after = np.minimum(last + 1, len(curve) - 1)
    log_f = np.log(frequency)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (curve[last] - level) / (curve[last] - curve[after])
        crossing = np.exp(log_f[last] + share * (log_f[after] - log_f[last]))
    crossing = np.where(last == after, frequency[-1], crossing)
    return np.where(above.any(axis=1), crossing, 0.0)


@dataclass(frozen=True)
class FrequencyCutoff:
    """What of a spectrum R(f) is still detectable at time t of a process.

    Signal at f is detectable while R(f) alpha(t)^2 > threshold * sigma(t)^2.

    Attributes
    ----------
    spectrum : Spectrum
    process : ScalarProcess
    threshold : float
        SNR at which a frequency counts as drowned.

    Examples
    --------
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> cutoff = spectra.frequency_cutoff(spectrum)
    >>> cutoff.t_detect(cutoff.f_max([0.2, 0.4])).round(3)
    array([0.2, 0.4])
    """

    spectrum: Spectrum
    process: ScalarProcess
    threshold: float

    def _level(self, t: np.ndarray) -> np.ndarray:
        """ln of the power that is just detectable at t, [T]."""
        t = np.atleast_1d(np.asarray(t, float))
        if not ((t >= 0) & (t <= 1)).all():
            raise InputError("t: times lie in [0, 1]; 0 is data and 1 is noise")
        return np.log(self.threshold) - self.process.log_snr(t)

    def f_max(self, t: np.ndarray) -> np.ndarray:
        """Largest detectable frequency, cycles/pixel, [T] -> [T]; 0 where there is none.

        Where the spectrum is not monotone this is the last crossing; `has_holes` says where
        lower frequencies have drowned already.
        """
        return last_crossing(self.spectrum.frequency, np.log(self.spectrum.power), self._level(t))

    def t_detect(self, f: np.ndarray) -> np.ndarray:
        """Time at which frequency f (cycles/pixel) drowns, [K] -> [K]; NaN outside the rings."""
        return self._drowned_at(f, np.log(self.spectrum.power))

    def _drowned_at(self, f: np.ndarray, curve: np.ndarray) -> np.ndarray:
        """Time at which a curve of ln power over the rings meets the noise at f, [K] -> [K]."""
        frequency = self.spectrum.frequency
        f = np.atleast_1d(np.asarray(f, float))
        with np.errstate(divide="ignore", invalid="ignore"):
            log_power = np.interp(np.log(f), np.log(frequency), curve, left=np.nan, right=np.nan)
        return self.process.time(np.log(self.threshold) - log_power)

    def t_detect_interval(
        self, f: np.ndarray, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Interval of t_detect(f) from the interval of R(f), [K] -> ([K], [K])."""
        low, high = self.spectrum.power_interval(level)
        return self._drowned_at(f, np.log(low)), self._drowned_at(f, np.log(high))

    def interval(self, t: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Interval of f_max(t) from the interval of R(f), ([T], [T])."""
        low, high = self.spectrum.power_interval(level)
        frequency, bound = self.spectrum.frequency, self._level(t)
        return (
            last_crossing(frequency, np.log(low), bound),
            last_crossing(frequency, np.log(high), bound),
        )

    def detectable(self, t: np.ndarray) -> np.ndarray:
        """Whether each ring is detectable at t, [T] -> bool [T, F]."""
        log_power = np.log(self.spectrum.power)
        level = self._level(t)
        return log_power[None, :] > level[:, None]

    def has_holes(self, t: np.ndarray) -> np.ndarray:
        """Whether some ring below f_max(t) has drowned, [T] -> bool [T]."""
        seen = self.detectable(t)
        return np.any(~seen[:, :-1] & seen[:, 1:], axis=1)


def frequency_cutoff(
    spectrum: Spectrum, *, process: str = "rectified-flow", threshold: float = 1.0
) -> FrequencyCutoff:
    """f_max(t) of a measured spectrum under a scalar process.

    Parameters
    ----------
    spectrum : Spectrum
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
    threshold : float
        SNR at which a frequency counts as drowned; 1 is the post's choice.

    Returns
    -------
    FrequencyCutoff

    Raises
    ------
    InputError
        Unknown process, or a threshold that is not above 0.

    Notes
    -----
    S. Dieleman, "Diffusion is spectral autoregression" (2024): for rectified flow and
    threshold 1, R(f) > (t / (1 - t))^2.

    Examples
    --------
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> cutoff = spectra.frequency_cutoff(spectrum, process="rectified-flow")
    >>> cutoff.f_max([0.1, 0.3, 0.5]).round(2)
    array([0.37, 0.14, 0.07])
    >>> low, high = cutoff.interval([0.1, 0.3, 0.5])
    >>> bool((low <= high).all())
    True
    """
    check_cutoff(process, threshold)
    return FrequencyCutoff(spectrum, processes.process(process), float(threshold))


def check_cutoff(process: str, threshold: float) -> None:
    """Refuse what `frequency_cutoff` would, before there is a spectrum.

    Parameters
    ----------
    process, threshold
        As in `frequency_cutoff`.

    Raises
    ------
    InputError
    """
    if not (np.isfinite(threshold) and threshold > 0):
        raise InputError(f"threshold {threshold}: an SNR threshold must be above 0 (1 is usual)")
    processes.process(process)
