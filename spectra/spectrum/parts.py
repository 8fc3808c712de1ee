"""One part of a source measured: what threads, processes and other machines each do."""

from dataclasses import dataclass

import numpy as np

from spectra.bases import Basis, ScatterAccumulator, make_basis
from spectra.data import Source
from spectra.errors import InputError
from spectra.spectrum.engine import engine_for, pieces
from spectra.spectrum.estimator import Estimator
from spectra.spectrum.moments import MomentAccumulator
from spectra.spectrum.spectrum import Spectrum, mirrored
from spectra.spectrum.transforms import CHUNK_BYTES, one_torch_thread

__all__ = ["Part", "Request", "measure_part", "plan_parts"]

PART_BYTES = 2**25  # of float32 examples
LEAST_PART = 16  # examples; adding up parts costs as much as measuring a few large ones
MOST_CROSS_CHANNELS = 16
ROUNDING = 2.0**-21  # of float32 sums, relative


@dataclass(frozen=True)
class Request:
    """What is to be measured of each part."""

    estimator: Estimator
    bases: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Members `start` to `stop` of a source; no unit lies in two parts."""

    start: int
    stop: int
    examples: int


def plan_parts(source: Source) -> list[Part]:
    """Cut a source where units end, into parts of about the same size.

    The cut depends on the source alone, so that any number of workers adds the same parts in the
    same order.
    """
    counts = source.windows.counts
    ends = np.flatnonzero(np.r_[source.units[1:] != source.units[:-1], True]) + 1  # members
    examples = np.cumsum(counts)[ends - 1]  # up to each unit's end
    bytes_ = 4 * int(np.prod(source.shape))
    each = max(LEAST_PART, min(4 * LEAST_PART, len(source) // 8), PART_BYTES // bytes_)
    parts, start, done = [], 0, 0
    while start < len(source.units):
        unit = min(int(np.searchsorted(examples, done + each)), len(ends) - 1)
        stop = int(ends[unit])
        parts.append(Part(start, stop, int(examples[unit]) - done))
        start, done = stop, int(examples[unit])
    return parts


def measure_part(source: Source, part: Part, request: Request) -> Spectrum | None:
    """The spectrum of one part of a source; None where none of it can be read.

    Raises
    ------
    InputError
        Values that are not finite, or too large.
    """
    with one_torch_thread():
        gauge = _Gauge(source, request)
        size = max(1, 4 * CHUNK_BYTES // (4 * int(np.prod(source.shape))))
        for examples, units in source.read(part.start, part.stop, size):
            gauge.add(examples, units)
        return gauge.result()


class _Gauge:
    """The running sums of a part."""

    def __init__(self, source: Source, request: Request) -> None:
        estimator = request.estimator
        self.source, self.estimator = source, estimator
        self.channels = source.shape[0]
        self.transforms: dict[str, Basis] = {
            name: make_basis(name, source.shape) for name in request.bases if name != "pca"
        }
        several = 1 < self.channels <= MOST_CROSS_CHANNELS
        self.engine = engine_for(estimator, self.channels if several else 1)
        rings = len(self.engine.plan.ring)
        # A clip is cut into examples for training; its spectrum is that of the whole of it.
        self.by_file = len(estimator.shape) == 1
        self.power, self.logs = MomentAccumulator(rings), MomentAccumulator(rings, self.by_file)
        self.plane = self.engine.new_plane() if len(estimator.shape) == 2 else None
        self.dc = 0.0
        self.cross = np.zeros((self.channels, self.channels, rings)) if several else None
        self.pilot: np.ndarray | None = None
        self.total = np.zeros(int(np.prod(source.shape)))
        self.squares = {name: np.zeros(source.shape) for name in self.transforms}
        whole = "pca" in request.bases
        self.scatter = ScatterAccumulator(int(np.prod(source.shape))) if whole else None
        self.n = self.blank = 0

    def add(self, examples: np.ndarray, units: np.ndarray) -> None:
        """Examples float32 [B, C, *spatial] of the units [B]."""
        from spectra.spectrum import kernels

        self.n += len(examples)
        rings, empty = self._rings(examples)
        if not np.isfinite(rings).all():
            at = int(units[np.argmin(np.isfinite(rings).all(axis=(1, 2)))])
            raise InputError(
                f"{self.source.name}: {self.source.files[at]} has values that are not finite, or "
                "too large to square; leave it out, fill or rescale it"
            )
        self.power.add(rings.mean(axis=1), units)
        # What has no power in some ring has no logarithm there.
        empty |= (rings <= 0).any(axis=(1, 2))
        self.blank += int(empty.sum())
        if self.by_file:
            self.logs.add(rings.mean(axis=1), units)
        elif not empty.all():
            self.logs.add(np.log(rings[~empty]).mean(axis=1), units[~empty])
        kernels.add_examples(examples.reshape(len(examples), -1), self.total)
        if self.transforms:
            # Deviations from a pilot mean: the sum of squares keeps its digits in one pass.
            if self.pilot is None:
                self.pilot = examples[:16].mean(axis=0, dtype=np.float64)
            deviation = examples - self.pilot
            for name, basis in self.transforms.items():
                self.squares[name] += (basis.forward(deviation) ** 2).sum(axis=0)
        if self.scatter is not None:
            self.scatter.add(examples)

    def _rings(self, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ring power of each channel [B, C, F], and whether an example is blank [B]."""
        grouped = pieces(examples, self.estimator)
        with np.errstate(over="ignore", invalid="ignore"):
            rings, means = self.engine.measure(grouped, self.plane, self.cross)
            self.dc += float((means.astype(np.float64) ** 2).sum())
        # A constant leaves only the rounding of its own mean.
        rounding = (ROUNDING * means.astype(np.float64)) ** 2
        flat = np.all(rings <= rounding[:, None], axis=1)
        shape = (len(examples), -1, self.channels)
        rings = rings.reshape(*shape, rings.shape[-1]).mean(axis=1)
        return rings, np.any(np.all(flat.reshape(shape), axis=1), axis=1)

    def result(self) -> Spectrum | None:
        """What was added, as a spectrum."""
        if self.n == 0:
            return None
        source, estimator, n = self.source, self.estimator, self.n
        mean = (self.total / n).reshape(source.shape)
        variances = {}
        for name, basis in self.transforms.items():
            assert self.pilot is not None
            scatter = self.squares[name] - n * basis.forward(mean - self.pilot) ** 2
            variances[name] = mirrored(name, scatter.clip(0) / max(n - 1, 1))
        plane = None
        if self.plane is not None:
            size = int(np.prod(estimator.shape))
            # Half of it: the whole is made once, at the end.
            plane = self.engine.half_plane(self.plane) / (n * self.channels * size)
            plane[0, 0] = self.dc * size / (n * self.channels)
        cross = None
        if self.cross is not None:
            plan = self.engine.plan
            upper = self.cross / (plan.count * self.engine.size * n * estimator.segments)
            cross = upper + np.triu(upper.transpose(2, 0, 1), 1).transpose(2, 1, 0)
        return Spectrum(
            name=source.name,
            kind=source.kind,
            shape=tuple(source.shape),
            window=estimator.window,
            detrend=estimator.detrend,
            reach=estimator.reach,
            segment=estimator.segment,
            spacing=source.spacing,
            axis_units=source.axis_units,
            power_moments=self.power.result(),
            log_moments=self.logs.result(),
            mean=mean,
            mean_power_2d=plane,
            cross_power=cross,
            variances=variances,
            scatter=None if self.scatter is None else self.scatter.result(),
            blank=self.blank,
            quantum=float(source.quantum),
            data=dict(source.settings),
        )
