"""The schedules one would have copied, in the coordinates of a data set."""

from dataclasses import replace

import numpy as np

from spectra.errors import check_number
from spectra.schedule import processes
from spectra.schedule.coordinates import coordinates
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["level_of_values", "scalar_pace", "shifted", "standard_beside", "standard_schedule"]

# A process that is endless in log-SNR is used between these times, as trainers do.
STANDARD_TIMES = (1e-3, 1 - 1e-3)
LARGEST = 1e60  # factor on noise levels or values, and its inverse


def standard_schedule(
    spectrum: Spectrum,
    *,
    process: str = "rectified-flow",
    basis: str = "dct",
    shift: float | None = None,
    sigma_data: float | None = None,
) -> Schedule:
    """The schedule one would have copied: a scalar process, blind to the data.

    The spectrum gives only the coordinates (component variances, mean), so that the result can
    be compared, trained and plotted beside a derived one. Times are drawn evenly in t.

    Parameters
    ----------
    spectrum : Spectrum
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
        Used between t = 0.001 and 0.999 where its ends are infinite.
    basis : {"dct", "fourier", "pixel", "wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"}
    shift, sigma_data : float, optional
        See `shifted`.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        An unknown process, an unmeasured basis, or a shift or deviation that is not above 0.

    Examples
    --------
    >>> schedule = spectra.standard_schedule(spectra.analyze("digits"), shift=3)
    >>> alpha, sigma = (float(of([0.5]).mean()) for of in (schedule.alpha, schedule.sigma))
    >>> round(sigma / alpha, 3)
    3.0
    """
    standard = standard_beside(coordinates(spectrum, basis), process=process)
    return shifted(standard, shift=shift, sigma_data=sigma_data)


def shifted(
    schedule: Schedule, *, shift: float | None = None, sigma_data: float | None = None
) -> Schedule:
    """The same schedule at other noise levels; its times are drawn as before.

    Parameters
    ----------
    schedule : Schedule
    shift : float, optional
        k by which every noise level is multiplied: log SNR' = log SNR - 2 ln k.
    sigma_data : float, optional
        The values are taken as divided by rms / sigma_data, so that this is their standard
        deviation, and the schedule holds for those; rms^2 is the mean variance of a value about
        the mean example. None: for the values as they are.

    Raises
    ------
    InputError
        A number that is not finite and above 0.

    Notes
    -----
    Esser et al., "Scaling Rectified Flow Transformers" (2024), section 5.3.2, equation 23: t' =
    k t / (1 + (k - 1) t) of rectified flow, where sigma / alpha = t / (1 - t).
    """
    if shift is not None:
        _check_factor("shift", shift)
        schedule = replace(
            schedule,
            pace=schedule.pace + 2 * np.log(shift),
            explanation={
                **schedule.explanation,
                "shift": f"{shift:g}: every noise level is multiplied by it",
            },
        )
    if sigma_data is not None:
        level = level_of_values(schedule.variance, sigma_data)
        schedule = replace(
            schedule,
            offset=schedule.offset + level,
            radial_offset=schedule.radial_offset + level,
            explanation={
                **schedule.explanation,
                "values": f"as if divided by {np.exp(-level / 2):.4g}, for a standard deviation "
                f"of {sigma_data:g}",
            },
        )
    return schedule


def level_of_values(variance: np.ndarray, sigma_data: float | None) -> float:
    """What dividing the values adds to their log SNR, 2 ln(sigma_data / rms); 0 for None."""
    if sigma_data is None:
        return 0.0
    _check_factor("sigma_data", sigma_data)
    return float(2 * np.log(sigma_data) - np.log(variance.mean()))


def _check_factor(name: str, value: float) -> None:
    """Refuse what is not above 0, or out of all proportion."""
    check_number(name, value, low=0.0, strict=True)
    check_number(name, value, low=1 / LARGEST, high=LARGEST)


def standard_beside(schedule: Schedule, *, process: str = "rectified-flow") -> Schedule:
    """The standard schedule in the coordinates of another one; see `standard_schedule`.

    Parameters
    ----------
    schedule : Schedule
        Whose basis, component variances and mean are taken over.
    process : str
        As in `standard_schedule`.

    Returns
    -------
    Schedule
    """
    t, pace = scalar_pace(process)
    return replace(
        schedule,
        name=process,
        offset=np.log(schedule.variance),
        t=t,
        pace=pace,
        scale=np.ones_like(schedule.variance),
        form=processes.process(process).form,
        radial_offset=schedule.radial_log_power,
        threshold=1.0,
        coverage=0.0,
        explanation={"process": f"{process}: copied, the same for any data"},
        limits=None,
        blur_rate=None,
        radial_blur_rate=None,
        blur=None,
        blur_floor=0.0,
        density=None,
    )


def scalar_pace(process: str) -> tuple[np.ndarray, np.ndarray]:
    """-ln(alpha^2 / sigma^2) of a scalar process at evenly spaced knots, ([T], [T])."""
    scalar = processes.process(process)
    low, high = STANDARD_TIMES if scalar.form != "ve" else (0.0, 1.0)
    t = np.linspace(0, 1, 4097)
    return t, -scalar.log_snr(low + t * (high - low))
