"""One pass over a source, part by part: its spectrum, and the variance of every component."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from spectra.bases import make_basis
from spectra.data import Source, open_source
from spectra.errors import InputError
from spectra.spectrum.edges import Detrend
from spectra.spectrum.estimator import Estimator, default_segment
from spectra.spectrum.parts import ROUNDING, Part, Request, measure_part, plan_parts
from spectra.spectrum.progress import SavedProgress
from spectra.spectrum.rings import RingReach, whole_plane
from spectra.spectrum.spectrum import Spectrum, merged
from spectra.spectrum.windows import WindowName

__all__ = ["MOST_UNREADABLE", "analyze"]

MOST_UNREADABLE = 0.5  # of the files; above it something else is wrong
AHEAD = 3  # parts under way for each worker
AHEAD_OF_PCA = 1  # whose parts are large


def analyze(
    source: Any,
    *,
    window: WindowName = "hann",
    bases: Sequence[str] = ("dct",),
    detrend: Detrend = "mean",
    reach: RingReach = "inside",
    segment: int | str | None = "auto",
    workers: int = 1,
    dask: str | None = None,
    resume: str | Path | None = None,
    max_unreadable: float = MOST_UNREADABLE,
    progress: bool = False,
) -> Spectrum:
    """Measure the power spectrum of a source, streaming.

    Parameters
    ----------
    source
        A Source, or anything `open_source` takes.
    window : {"hann", "none", "periodic"}
        Against the wrap-around jump at the edges: a power-corrected taper, nothing (the post's),
        or the smooth part that carries the jump taken off (Moisan 2011). The last is for steep
        spectra: of white noise it doubles the first ring, which fits do not allow for.
    bases : sequence of str
        Where to measure the variance of every component: "pixel", "dct", "fourier", "wavelet",
        "pca" (see `make_basis`).
    detrend : {"mean", "plane"}
        What is taken off each example first. A plane takes power from the lowest frequencies,
        which `power` lacks; fits and floors know of it.
    reach : {"inside", "nyquist", "corners"}
        Rings below 0.5 cycles/pixel, with the one at 0.5, or with the corners of the plane.
    segment : int, "auto" or None
        Of series: samples of a Welch segment, half overlapping; "auto" is 4,096 where at least
        two fit; None takes each example whole.
    workers : int
        Threads that measure parts at the same time. The result does not depend on it.
    dask : str, optional
        Address of a dask.distributed scheduler whose workers measure the parts instead; they
        must see the same files. The result is the same.
    resume : path, optional
        A file that keeps what is measured so far; the same call goes on from it. It is removed
        at the end.
    max_unreadable : float
        Share of the files that may turn out unreadable; they are listed in `skipped`.
    progress : bool
        Show a bar with rate and time left on stderr where that is a terminal.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        Fewer than two examples, examples too small or without any variation, values that are
        not finite, or too many unreadable files.

    Examples
    --------
    >>> source = spectra.open_source("photos", size=64, crop="center")
    >>> spectrum = spectra.analyze(source, bases=("dct", "fourier"))
    >>> spectrum.n, spectrum.shape, len(spectrum.frequency)
    (11, (1, 64, 64), 31)
    >>> spectrum.component_variance("dct").shape
    (1, 64, 64)
    """
    if not isinstance(source, Source):
        source = open_source(source)
    if len(source) < 2:
        raise InputError(f"{source.name}: holds one example; a spectrum needs at least 2")
    if not isinstance(workers, Integral) or workers < 1:
        raise InputError(f"workers {workers}: a whole number of at least 1 is needed")
    if not 0 <= max_unreadable <= 1:
        raise InputError(f"max_unreadable {max_unreadable}: a share between 0 and 1 is needed")
    spatial = tuple(source.shape[1:])
    if segment == "auto":
        segment = default_segment(spatial)
    if not (segment is None or isinstance(segment, Integral)):
        raise InputError(f"segment {segment!r}: give a number of samples, auto, or None")
    segment = None if segment is None else int(segment)
    if isinstance(bases, str):
        raise InputError(f"bases {bases!r}: give several names, ({bases!r},) for this one")
    estimator = Estimator(spatial, window, detrend, reach, segment)
    estimator.check(source.name)
    for name in bases:
        if name != "pca":
            make_basis(name, source.shape)
    request = Request(estimator, tuple(dict.fromkeys(bases)))
    parts = plan_parts(source)
    depth = AHEAD_OF_PCA if "pca" in request.bases else AHEAD
    saved = SavedProgress.open(resume, source, request, parts)
    spectrum = _measured(source, parts, request, saved, _pool(workers, dask, depth), progress)
    if spectrum is None:
        raise InputError(_none_readable(source, saved.damage))
    spectrum = _finished(spectrum, source, saved.damage, max_unreadable)
    saved.remove()
    return spectrum


def _measured(
    source: Source,
    parts: Sequence[Part],
    request: Request,
    saved: SavedProgress,
    pool: Any,
    progress: bool,
) -> Spectrum | None:
    """Fold the parts in order, keeping what is done."""
    left = parts[saved.done :]
    spectrum = saved.spectrum
    with pool as workers, _bar(source, parts[: saved.done], progress) as bar:
        tasks = ((source, part, request) for part in left)
        try:
            results = workers.in_order(measure_with_damage, tasks)
            for part, (measured, damage, gaps) in zip(left, results, strict=True):
                source.note_gaps(part.start, part.stop, gaps)
                if measured is not None:
                    spectrum = measured if spectrum is None else merged(spectrum, measured)
                saved.add(spectrum, damage)
                bar(part.examples)
        finally:
            saved.save()
    return spectrum


def measure_with_damage(
    source: Source, part: Part, request: Request
) -> tuple[Spectrum | None, dict[str, str], np.ndarray | None]:
    """A part's spectrum, the files of it that could not be read, and what was missing of others."""
    measured = measure_part(source, part, request)
    found, damage = source.store.damage, {}
    for member in source.members[part.start : part.stop].tolist() if found else []:
        if member in found:
            damage[str(source.store.names[member])] = found[member]
    return measured, damage, source.gaps(part.start, part.stop)


def _finished(
    spectrum: Spectrum, source: Source, damage: dict[str, str], max_unreadable: float
) -> Spectrum:
    """The whole, named after its source; refused where it is no spectrum."""
    skipped = [(item.name, item.reason) for item in source.skipped]
    skipped = sorted({*skipped, *damage.items()})
    unreadable = len(damage) + sum(not item.unfit for item in source.skipped)
    share = unreadable / max(1, unreadable + spectrum.n_files)
    if share > max_unreadable:
        name, reason = next(iter(damage.items()), skipped[0])
        raise InputError(
            f"{source.name}: {unreadable} of {unreadable + spectrum.n_files} files cannot be read "
            f"(first: {name}: {reason}), more than the share {max_unreadable:g} that is allowed; "
            "mend them, or raise --max-unreadable"
        )
    if spectrum.n < 2:
        raise InputError(f"{source.name}: one example could be read; a spectrum needs at least 2")
    if not (spectrum.power > 0).all() or spectrum.blank == spectrum.n:
        raise InputError(f"{source.name}: {_why_blank(spectrum)}")
    half = spectrum.mean_power_2d
    return replace(
        spectrum,
        mean_power_2d=None if half is None else whole_plane(half, spectrum.shape[2]),
        fingerprint=source.fingerprint,
        skipped=tuple(skipped),
    )


def _why_blank(spectrum: Spectrum) -> str:
    """Why no example has a logarithm in every ring."""
    if spectrum.cross_power is not None:
        power = np.diagonal(spectrum.cross_power).mean(axis=0)  # [C]
        constant = np.flatnonzero(power <= power.max() * ROUNDING**2)
        if 0 < len(constant) < len(power):
            return (
                f"channel {int(constant[0])} of {len(power)} is constant in all examples, which "
                "leaves no spectrum of it; take the channels that vary"
            )
    empty = spectrum.power <= spectrum.power.max() * ROUNDING**2
    if not empty.all():
        return (
            f"{np.count_nonzero(empty)} of {len(empty)} frequencies have no power in any example, "
            "so the spectrum has no logarithm there; add to the values the noise that is missing, "
            "of their rounding say"
        )
    mean = np.abs(spectrum.mean).max()
    if mean > 0:
        return (
            f"all examples are blank, or vary too little for float32 beside a mean of {mean:g}; "
            "there is no spectrum to measure (of the latter take the mean off)"
        )
    return "all examples are blank; there is no spectrum to measure"


def _none_readable(source: Source, damage: dict[str, str]) -> str:
    name, reason = next(iter(damage.items()), ("", "nothing is in them"))
    return (
        f"{source.name}: none of its files can be read (first: {name}: {reason}); give whole ones"
    )


def _pool(workers: int, dask: str | None, depth: int) -> Any:
    """What measures the parts, `depth` of them under way a worker: threads, or other machines."""
    if dask is not None:
        from spectra.spectrum.cluster import DaskPool

        return DaskPool(dask, depth)
    return _Threads(workers, depth)


class _Threads:
    """Threads, as many as asked for; with one, this one. Each has `depth` parts under way."""

    def __init__(self, workers: int, depth: int) -> None:
        self.workers, self.depth = workers, depth

    def __enter__(self) -> "_Threads":
        return self

    def __exit__(self, *stop: object) -> None:
        return None

    def in_order(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[Any]:
        """Results in the order of the tasks, a few of them under way at a time."""
        if self.workers == 1:
            yield from (function(*task) for task in tasks)
            return
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self.workers)
        try:
            yield from ahead(pool.submit, function, tasks, self.depth * self.workers)
        finally:
            # None may go on behind the caller's back; Python would wait for them at its end.
            pool.shutdown(wait=True, cancel_futures=True)


def ahead(
    submit: Callable[..., Any], function: Callable[..., Any], tasks: Iterable[tuple], depth: int
) -> Iterator[Any]:
    """Keep `depth` tasks submitted; results in the order of the tasks."""
    from collections import deque

    waiting: deque[Any] = deque()
    for task in tasks:
        waiting.append(submit(function, *task))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _bar(source: Source, done: Sequence[Part], progress: bool) -> Iterator[Callable[[int], object]]:
    """Count examples on a bar where stderr is a terminal."""
    if not (progress and sys.stderr.isatty()):
        yield lambda examples: None
        return
    from tqdm import tqdm

    before = sum(part.examples for part in done)
    with tqdm(total=len(source), initial=before, desc="analyze", unit="ex") as bar:
        yield bar.update
