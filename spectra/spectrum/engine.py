"""Images to ring power, in place and in cache: one per shape, precision and thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from spectra.spectrum.edges import periodic_component, without_plane
from spectra.spectrum.estimator import OVERLAP, Estimator
from spectra.spectrum.rings import RingPlan
from spectra.spectrum.windows import window as make_window

__all__ = ["CHUNK_BYTES", "RingEngine", "engine_of", "one_torch_thread", "pieces", "ring_power"]

# Images are transformed in chunks of about this size: larger ones leave the cache.
CHUNK_BYTES = 2**19
SMALL_MEAN = 2.0  # standard deviations
SAMPLED = 256  # values of an image

_kept = threading.local()
_counted = threading.Lock()
_inside: list[int] = []  # counts found by those who transform now; the first is the user's


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Transform on one thread: small images lose by sharing, and so do busy machines.

    The count is partly each thread's own and partly everyone's, who would see another's 1 and
    leave that behind: so the first to come keeps it, and all put it back when they go.
    """
    import torch

    with _counted:
        _inside.append(torch.get_num_threads())
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _counted:
            torch.set_num_threads(_inside[0])
            _inside.pop()


class RingEngine:
    """Ring power of images of one shape, with its own scratch memory (so one a thread).

    Parameters
    ----------
    plan : RingPlan
        Of images (H, W), or of series (T,), which are images of one row here.
    window : {"hann", "none", "periodic"}
    detrend : {"mean", "plane"}
    dtype : float32 or float64
    group : int
        Images that stay together in a chunk: the channels of an example.
    direct : bool
        Transform images where they lie if their mean is small and nothing is to be done to them.
        Last bits then depend on where that is, which sums that must repeat cannot have.
    """

    def __init__(
        self,
        plan: RingPlan,
        window: str,
        detrend: str,
        dtype: Any,
        group: int = 1,
        direct: bool = False,
    ) -> None:
        import torch

        height, width = plan.shape if len(plan.shape) == 2 else (1, *plan.shape)
        half = width // 2 + 1
        taper = make_window(window, plan.shape)
        dtype = np.dtype(dtype)
        self.dtype = dtype
        self.plan = plan
        self.direct = direct and window == "none" and detrend == "mean"
        self.detrend = detrend
        self.window = window
        self.size = height * width
        self.shape = (height, width)
        self.modes_shape = (height, half)
        self.chunk = group * max(1, CHUNK_BYTES // (group * self.size * dtype.itemsize))
        rings = len(plan.ring)
        self._down = self._across = np.zeros(0, dtype)
        if taper.taps is not None:
            taps = taper.taps.reshape(height, width)  # a product of one row and one column
            middle = taps[height // 2]
            self._across = middle.astype(dtype)
            self._down = (taps[:, width // 2] / middle[width // 2]).astype(dtype)
        slot = np.full(height * half, rings, np.int32)
        slot[plan.mode] = plan.slot
        self.slot = np.ascontiguousarray(slot.reshape(height, half)[: height // 2 + 1])
        self.column_weight = np.full(half, 2, dtype)
        self.column_weight[0] = 1
        if width % 2 == 0:
            self.column_weight[-1] = 1
        self._share = (1 / (plan.count * self.size)).astype(dtype)
        self._gains: list[tuple[int, int, Any]] = []
        if taper.gain is not None:
            table = taper.gain.reshape(height, half)
            for y, x in np.argwhere(np.abs(table - 1) > 1e-9):
                self._gains.append((int(y), int(x), dtype.type(np.sqrt(table[y, x]))))
        real = torch.float64 if dtype == np.float64 else torch.float32
        self._input = torch.empty((self.chunk, height, width), dtype=real)
        complex_type = torch.complex128 if dtype == np.float64 else torch.complex64
        self._modes = torch.empty((self.chunk, height, half), dtype=complex_type)
        self._means = np.empty(self.chunk, dtype)
        self._row = np.empty(half, dtype)
        self._sums = np.empty(4 * (rings + 1), dtype)

    def blocks(self, images: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Transform [B, H, W] or [B, T] a chunk at a time.

        Yields
        ------
        which : slice of the images
        modes : [b, H, 2 (W // 2 + 1)]
            Real and imaginary parts in turn, DC 0; overwritten by the next chunk.
        rings : [b, F]
            Mean of |F|^2 / (H W) over each ring.
        """
        import torch

        from spectra.spectrum import kernels

        rings = len(self.plan.ring)
        flat = self._input.numpy().reshape(self.chunk, -1)
        for start in range(0, len(images), self.chunk):
            block = images[start : start + self.chunk]
            n = len(block)
            block = block.reshape(n, *self.shape)
            mean = None
            if self.detrend == "plane":
                mean = block.mean(axis=(1, 2))
                block = without_plane(block.astype(flat.dtype, copy=False))
            if self.window == "periodic":
                block = periodic_component(block.astype(flat.dtype, copy=False))
            rows = np.ascontiguousarray(block).reshape(n, -1)
            as_wanted = rows.dtype == flat.dtype and rows.flags.writeable
            in_place = self.direct and as_wanted and _mean_is_small(rows)
            if not in_place:
                kernels.prepare(rows, self._down, self._across, flat[:n], self._means[:n])
            where = torch.from_numpy(rows.reshape(block.shape)) if in_place else self._input[:n]
            torch.fft.rfft2(where, out=self._modes[:n])
            if mean is not None:  # the plane took it along
                self._means[:n] = mean
            modes = torch.view_as_real(self._modes[:n]).numpy()
            if in_place:
                self._means[:n] = modes[:, 0, 0, 0] / self.size
            for y, x, gain in self._gains:
                modes[:, y, x] *= gain
            if self.plan.ring[0] == 0:  # DC is a ring of pysteps'
                modes[:, 0, 0, 0] = self._means[:n] * self.size
            else:
                modes[:, 0, 0] = 0
            modes = modes.reshape(n, self.shape[0], -1)
            power = np.empty((n, rings), flat.dtype)
            kernels.ring_sums(modes, self.slot, self.column_weight, self._row, self._sums, power)
            power *= self._share
            yield slice(start, start + n), modes, power

    def means(self, n: int) -> np.ndarray:
        """Means of the images of the last chunk, [n]."""
        return self._means[:n]


def engine_of(estimator: Estimator, group: int = 1) -> RingEngine:
    """The engine of an estimator: float64 for series, whose quiet bands float32 would fill."""
    key = (estimator, group)
    if getattr(_kept, "key", None) != key:  # its memory serves the next part
        dtype = np.float32 if len(estimator.shape) == 2 else np.float64
        plan, window, detrend = estimator.plan, estimator.window, estimator.detrend
        _kept.engine, _kept.key = RingEngine(plan, window, detrend, dtype, group), key
    return _kept.engine


def pieces(examples: np.ndarray, estimator: Estimator) -> np.ndarray:
    """What is transformed of [B, C, *spatial]: [B C, *spatial], or segments [B S C, segment]."""
    if estimator.segment is None:
        return examples.reshape(-1, *examples.shape[2:])
    frames = np.lib.stride_tricks.sliding_window_view(examples, estimator.segment, axis=-1)
    frames = frames[:, :, :: max(1, estimator.segment // OVERLAP)].swapaxes(1, 2)  # [B, S, C, N]
    return frames.reshape(-1, estimator.segment)


def ring_power(examples: np.ndarray, estimator: Estimator) -> np.ndarray:
    """Ring power of each channel of examples, [B, C, *spatial] -> [B, C, F]."""
    grouped = pieces(examples, estimator)
    engine = engine_of(estimator)
    rings = np.empty((len(grouped), len(engine.plan.ring)))
    with one_torch_thread():
        for which, _, power in engine.blocks(grouped):
            rings[which] = power
    shape = (len(examples), -1, examples.shape[1], rings.shape[1])
    return rings.reshape(shape).mean(axis=1)


def _mean_is_small(rows: np.ndarray) -> bool:
    """Whether the images' means cost their transform no digits, from a sample of each."""
    few = rows[:, :: max(1, rows.shape[1] // SAMPLED)]
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((np.abs(few.mean(axis=1)) <= SMALL_MEAN * few.std(axis=1)).all())
