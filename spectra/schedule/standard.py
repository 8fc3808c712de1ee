"""The schedules one would have copied, in the coordinates of a data set."""

from dataclasses import replace

import numpy as np

from spectra.schedule import processes
from spectra.schedule.coordinates import coordinates
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["scalar_pace", "standard_beside", "standard_schedule"]

# A process that is endless in log-SNR is used between these times, as trainers do.
STANDARD_TIMES = (1e-3, 1 - 1e-3)


def standard_schedule(
    spectrum: Spectrum, *, process: str = "rectified-flow", basis: str = "dct"
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
    """
    return standard_beside(coordinates(spectrum, basis), process=process)


def standard_beside(schedule: Schedule, *, process: str = "rectified-flow") -> Schedule:
    """The standard schedule in the coordinates of another one; see `standard_schedule`."""
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
