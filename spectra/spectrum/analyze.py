"""One pass over a source: its spectrum, and the variance of every component."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from spectra.bases import make_basis
from spectra.data import Source, open_source
from spectra.errors import InputError
from spectra.spectrum.moments import MomentAccumulator
from spectra.spectrum.engine import CHUNK_BYTES, RingEngine, one_torch_thread
from spectra.spectrum.rings import ring_plan
from spectra.spectrum.spectrum import Spectrum, mirrored
from spectra.spectrum.windows import window as make_window

__all__ = ["analyze"]


def analyze(
    source: Any, *, window: str = "hann", bases: Sequence[str] = ("dct",), progress: bool = False
) -> Spectrum:
    """Measure the power spectrum of a source, streaming.

    Parameters
    ----------
    source
        A Source, or anything `open_source` takes.
    window : {"hann", "none"}
        Taper against the wrap-around jump at the edges; "none" is the post's.
    bases : sequence of {"pixel", "dct", "fourier"}
        Where to measure the variance of every component.
    progress : bool
        Show a bar on stderr where that is a terminal.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        Fewer than two examples, images under 8 x 8, or examples without any variation.
    """
    if not isinstance(source, Source):
        source = open_source(source)
    channels, *spatial = source.shape
    if len(source) < 2:
        raise InputError(f"{source.name}: holds one example; a spectrum needs at least 2")
    if min(spatial) < 8:
        raise InputError(
            f"{source.name}: examples of {spatial[0]}x{spatial[1]} are too small for a spectrum; "
            "at least 8x8 is needed (--size)"
        )
    make_window(window, tuple(spatial))
    transforms = {name: make_basis(name, source.shape) for name in bases}
    plan = ring_plan(tuple(spatial))
    power, logs = MomentAccumulator(len(plan.ring)), MomentAccumulator(len(plan.ring))
    plane = np.zeros((spatial[0], spatial[1] // 2 + 1))
    total = np.zeros(source.shape)
    squares = {name: np.zeros(source.shape) for name in transforms}
    # Deviations from a pilot mean: the sum of squares keeps its digits in one pass.
    pilot = source.examples(np.arange(min(len(source), 16))).astype(np.float64).mean(axis=0)

    engine = RingEngine(plan, window, "mean", np.float32)
    dc = 0.0
    done = 0
    batch_size = max(1, 4 * CHUNK_BYTES // (4 * int(np.prod(source.shape))))
    for batch in _with_progress(source.batches(batch_size), len(source), progress):
        files = source.file_index[done : done + len(batch)]
        done += len(batch)
        flat = batch.reshape(-1, *spatial)
        rings = np.empty((len(flat), len(plan.ring)), np.float32)
        from spectra.spectrum import kernels

        with one_torch_thread(), np.errstate(over="ignore", invalid="ignore"):
            for which, modes, values in engine.blocks(flat):
                rings[which] = values
                part = np.zeros(plane.shape, np.float32)
                kernels.add_power(modes, part)
                plane += part
                dc += float((engine.means(len(modes)).astype(np.float64) ** 2).sum())
        rings = rings.reshape(len(batch), channels, -1)  # [B, C, F]
        # An example without power in some ring (a blank image) has no logarithm there; the
        # smallest normal number stands for it, which pulls the mean of logs down.
        safe = np.maximum(rings, np.finfo(np.float32).tiny)
        power.add(rings.mean(axis=1), files)
        logs.add(np.log(safe).mean(axis=1), files)
        deviation = batch - pilot
        total += deviation.sum(axis=0)
        for name, basis in transforms.items():
            squares[name] += (basis.forward(deviation) ** 2).sum(axis=0)

    plane /= np.prod(spatial)
    plane[0, 0] = dc * np.prod(spatial)
    n = done
    moments = power.result()
    if not np.isfinite(moments.total).all():
        raise InputError(f"{source.name}: values are too large or not finite; rescale them")
    if not (moments.mean > 0).all():
        raise InputError(f"{source.name}: all examples are blank; there is no spectrum to measure")
    offset = total / n
    variances = {
        name: mirrored(name, ((squares[name] - n * basis.forward(offset) ** 2) / (n - 1)).clip(0))
        for name, basis in transforms.items()
    }
    return Spectrum(
        name=source.name,
        kind=source.kind,
        shape=tuple(source.shape),  # pyright: ignore[reportArgumentType]
        window=window,
        power_moments=moments,
        log_moments=logs.result(),
        mean=pilot + offset,
        mean_power_2d=_full_plane(plane / (n * channels), spatial[1]),
        variances=variances,
        quantum=float(source.quantum),
        data=dict(source.settings),
        fingerprint=source.fingerprint,
        skipped=tuple((item.name, item.reason) for item in source.skipped),
    )


def _full_plane(half: np.ndarray, width: int) -> np.ndarray:
    """The mirror half put back, [H, W // 2 + 1] -> [H, W]."""
    rows = -np.arange(len(half)) % len(half)
    columns = np.arange(width // 2 + 1, width)
    return np.concatenate([half, half[rows][:, width - columns]], axis=1)


def _with_progress(batches: Any, total: int, progress: bool) -> Any:
    """The same batches, counted on a bar where stderr is a terminal."""
    if not (progress and sys.stderr.isatty()):
        yield from batches
        return
    from tqdm import tqdm

    with tqdm(total=total, desc="analyze", unit="ex") as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))
