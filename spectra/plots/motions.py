"""The animations that fit a file."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.animation import FuncAnimation

from spectra.files import CONFIG, table_kind
from spectra.plots.pages import open_samples
from spectra.plots.schedule_tide import animate_schedule
from spectra.plots.slices import animate_slices
from spectra.plots.tide import animate_tide
from spectra.schedule import Schedule, load_schedule, standard_beside
from spectra.spectrum import load_spectrum

__all__ = ["Motion", "motions_of"]

LEAST_AXES = 3  # of an example that is a picture: channels, height and width


@dataclass(frozen=True)
class Motion:
    """An animation that is not drawn yet.

    Attributes
    ----------
    anchor : str
        Its name as a file, without the suffix.
    alt : str
        What it shows.
    animate : callable
        Makes it.
    """

    anchor: str
    alt: str
    animate: Callable[[], FuncAnimation]


def motions_of(path: Path) -> list[Motion]:
    """The animations that fit a file or run folder, in order; for most files none.

    A spectrum has the rising tide; a schedule, or a run's, the tide of its components; samples
    that are pictures, the slice that turns over the spectrum of the first.

    Raises
    ------
    InputError
        A table cannot be read.
    """
    if path.suffix == ".npy" and path.is_file():
        source = open_samples(path)
        if len(source.shape) < LEAST_AXES:
            return []
        title = "A slice turns over the spectrum of a sample, and the mean of all becomes the RAPSD"
        return [Motion("slices", title, partial(animate_slices, source.some(1)[0]))]
    if (path / CONFIG).is_file():
        from spectra.diffusion import load_run

        return [_schedule_motion(load_run(path).schedule)]
    if path.suffix == ".json" or path.is_dir():
        return []
    kind = table_kind(path)
    if kind == "spectrum":
        spectrum = load_spectrum(path)
        title = f"Noise rises through the spectrum of {spectrum.name} as t grows"
        return [Motion("tide", title, partial(animate_tide, spectrum))]
    return [_schedule_motion(load_schedule(path))] if kind == "schedule" else []


def _schedule_motion(schedule: Schedule) -> Motion:
    title = f"The noise of the {schedule.name} schedule rises through the components' variances"
    return Motion("tide", title, partial(animate_schedule, schedule, standard_beside(schedule)))
