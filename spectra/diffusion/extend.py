"""Beyond the trained width: the window slides on, and what is finished stays clean."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from spectra.bases import WaveletBasis
from spectra.diffusion.chosen import Device
from spectra.diffusion.guide import check_path, given_array
from spectra.diffusion.known import component_mask
from spectra.diffusion.randomness import derived_seed
from spectra.diffusion.run import Run
from spectra.diffusion.sample import grid_times, sample
from spectra.errors import InputError, check_number, check_whole
from spectra.schedule import Schedule

__all__ = ["extend", "moving_times"]

MOST_TIMES = 1000.0  # the trained widths
SAME = 1e-6  # nats of log SNR


def extend(
    run: Run,
    n: int = 8,
    times: float = 4.0,
    axis: int = -1,
    known: np.ndarray | None = None,
    *,
    overlap: float = 0.5,
    reverse: bool = False,
    steps: int = 18,
    solver: str = "heun",
    seed: int = 0,
    rule: str = "optimal",
    criterion: str | None = None,
    grid: np.ndarray | None = None,
    schedule: Schedule | None = None,
    labels: int | Sequence[int] | None = None,
    guidance: float = 1.0,
    batch: int = 64,
    device: Device = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Draw examples longer than those the run was trained on, or make given ones longer.

    A window of the trained size slides along an axis. Its first part is finished and kept clean,
    the rest is drawn to go with it and is finished in its turn. On a schedule that is ordered
    along the axis a window begins at the time where its finished part is clean and the rest is
    noise still; steps in which nothing unfinished changes are left out.

    Parameters
    ----------
    run : Run
        Trained with known parts (`train(..., known=0.7, known_parts="beginnings")`) or over noise
        states (condition "state"), in basis pixel or in Haar wavelets, as "wavelet-haar-3". A
        window moves by whole coarsest wavelets; within that more levels are better. What many
        components share, the brightness of a photograph or the loudness of speech, is learnt
        badly: preconditioning "skip" and "component" give it to the network.
    n : int
        Examples, where none are given.
    times : float
        Length to reach, in trained ones.
    axis : int
        Of the example (C, \\*spatial), counted from its end: -1 columns, time frames or samples,
        -2 rows.
    known : array [C, \\*spatial] or [n, C, \\*spatial], optional
        Examples to go on with, in data values, of any length along the axis.
    overlap : float
        Share of the window that is finished, between 0 and 1; in wavelets, of the whole blocks
        of places that a component sees. More is slower, and not always better: with 0.75 the
        mean of photographs wanders less from window to window, the spectrum of speech more.
    reverse : bool
        Go on against the axis: before the beginning.
    steps, solver, rule, criterion, grid, schedule, labels, guidance, batch, device
        As in `sample`; the grid is of a whole window.
    seed : int
        Example i depends on (seed, i) alone.
    progress : bool

    Returns
    -------
    float32 [n, C, \\*spatial], `times` as long along the axis; in data values.

    Raises
    ------
    InputError
        As `sample`; there is no such axis, the overlap is no part of a window, the given examples
        do not fit or are long enough already, or the components of the basis reach over the edge
        between what is finished and what is not.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits", bases=("pixel",))
    >>> schedule = spectra.derive_schedule(spectrum, basis="pixel")
    >>> run = spectra.train("digits", schedule, out="places", steps=20, known=0.5)
    >>> spectra.extend(run, n=2, times=3, steps=5).shape
    (2, 1, 8, 24)
    """
    check_whole("seed", seed)
    path = run.schedule if schedule is None else check_path(run, schedule)
    width, unit = _window(path, axis)
    check_number("times", times, low=1.0, high=MOST_TIMES)
    check_number("overlap", overlap, low=0.0, high=1.0, strict=True)
    context = min(max(round(overlap * width / unit), 1) * unit, width - unit)
    knots = grid_times(path, steps, solver, grid, rule=rule, criterion=criterion)
    options: dict[str, Any] = {
        "schedule": schedule,
        "labels": labels,
        "guidance": guidance,
        "batch": batch,
        "device": device,
    }
    total = round(times * width)
    if known is None:
        done = sample(run, n, steps, solver, seed, grid=knots, **options)
    else:
        done = _given(path, known, axis, unit, total)
    parts = [done]
    length = done.shape[axis]
    first = min(context, length // unit * unit)
    finished = _end(done, axis, first, reverse)
    windows = -(-max(total - length - (width - first), 0) // (width - context)) + (total > length)
    for number in _counted(windows, progress):
        kept = finished.shape[axis]
        mask = _kept_mask(path, axis, kept, reverse)
        window = np.zeros((len(done), *path.shape), np.float32)
        window[:, mask] = finished.reshape(len(done), -1)
        drawn = sample(
            run,
            len(done),
            steps,
            solver,
            _window_seed(seed, number),
            grid=moving_times(path, knots, mask),
            known=window,
            mask=mask,
            **options,
        )
        parts.append(_end(drawn, axis, width - kept, reverse))
        finished = _end(drawn, axis, context, reverse)
    whole = np.concatenate(parts[::-1] if reverse else parts, axis=axis)
    # What the last window has too much is at the far end.
    return np.ascontiguousarray(_end(whole, axis, total, not reverse))


def moving_times(schedule: Schedule, times: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The knots between which the components of unknown places change, [K + 1] of [N + 1].

    From the last at which all of them are at the schedule's noise end, to the first at which they
    are at its clean end; that one is called 0.

    Parameters
    ----------
    times : float [N + 1]
        Falling from at most 1 to 0.
    mask : bool [C, *spatial]
        Which places are known.
    """
    log_snr = schedule.log_snr(np.concatenate([[1.0, 0.0], times])).reshape(len(times) + 2, -1)
    noise_end, clean_end = log_snr[0].max(), log_snr[1].min()
    unknown = log_snr[2:, ~component_mask(schedule, mask).ravel()]
    noise = np.flatnonzero(unknown.max(axis=1) <= noise_end + SAME)
    clean = np.flatnonzero(unknown.min(axis=1) >= clean_end - SAME)
    start, end = noise.max(initial=0), clean.min(initial=len(times) - 1)
    return np.append(times[start : max(end, start + 1)], 0.0)


def _window(schedule: Schedule, axis: int) -> tuple[int, int]:
    """Places of a window along the axis, and how many of them components see together."""
    spatial = len(schedule.shape) - 1
    if type(axis) is not int or not -spatial <= axis <= -1:
        raise InputError(
            f"axis {axis!r}: examples of shape {tuple(schedule.shape)} can be made longer along "
            f"axis {', '.join(str(-one) for one in range(1, spatial + 1))} (-1 is the last)"
        )
    width, unit = schedule.shape[axis], 1
    basis = schedule.make_basis()
    if isinstance(basis, WaveletBasis) and basis.moments == 1:
        unit = 2**basis.levels
    elif schedule.basis != "pixel":
        unit = width  # longer filters wrap around the edges, and waves are everywhere
    if unit >= width:
        raise InputError(
            f"basis {schedule.basis}: its components reach over any edge in a window of {width}; "
            "to make examples longer, train in basis pixel or in Haar wavelets of fewer levels, "
            "wavelet-haar-3 say"
        )
    return width, unit


def _given(schedule: Schedule, known: Any, axis: int, unit: int, total: int) -> np.ndarray:
    """Examples to go on with, [n, C, *spatial]."""
    values = given_array("known", known).astype(np.float32)
    values = values[None] if values.ndim == len(schedule.shape) else values
    wanted = list(schedule.shape)
    if values.ndim == len(wanted) + 1:
        wanted[axis] = values.shape[axis]
    if values.shape[1:] != tuple(wanted) or 0 in values.shape:
        raise InputError(
            f"known of shape {np.shape(known)}: examples of {tuple(schedule.shape)} are needed, of "
            f"any length along axis {axis}"
        )
    length = values.shape[axis]
    if length < unit:
        raise InputError(f"known: {length} places are too few to go on from; give {unit} or more")
    if length >= total:
        raise InputError(
            f"known: is {length} long already, and {total} are asked for; raise times above "
            f"{length / schedule.shape[axis]:g}"
        )
    if not np.isfinite(values).all():
        raise InputError("known: its values are not finite")
    return values


def _end(values: np.ndarray, axis: int, length: int, first: bool) -> np.ndarray:
    """So many places at the last end of an axis, or at the first."""
    start = 0 if first else values.shape[axis] - length
    return np.take(values, np.arange(start, start + length), axis=axis)


def _kept_mask(schedule: Schedule, axis: int, kept: int, reverse: bool) -> np.ndarray:
    """Where a window is finished, bool [C, *spatial]."""
    width = schedule.shape[axis]
    place = np.arange(width)
    along = place >= width - kept if reverse else place < kept
    shape = [1] * len(schedule.shape)
    shape[axis] = width
    return np.broadcast_to(along.reshape(shape), schedule.shape).copy()


def _window_seed(seed: int, number: int) -> int:
    """Seed of a window's noise; the first, drawn whole, has the seed itself."""
    return derived_seed(seed, number + 1)


def _counted(windows: int, progress: bool) -> Any:
    """Numbers of the windows, counted on a bar where stderr is a terminal."""
    from tqdm import tqdm

    shown = progress and sys.stderr.isatty()
    return tqdm(range(windows), desc="extend", unit="window", disable=not shown)
