"""Images to the mean power of each ring: one engine per shape, precision and thread."""

import threading
from typing import Any

import numpy as np

from spectra.spectrum.edges import periodic_component, without_plane
from spectra.spectrum.estimator import OVERLAP, Estimator
from spectra.spectrum.rings import RingPlan
from spectra.spectrum.transforms import Sums, transform_of

__all__ = ["RingEngine", "engine_for", "engine_of", "pieces", "ring_power"]

COMPILED = (np.uint8, np.float32, np.float64)  # types that loops are compiled for

_kept = threading.local()


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
    """

    def __init__(
        self, plan: RingPlan, window: str, detrend: str, dtype: Any, group: int = 1
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.plan = plan
        self.group = group
        self.shape = plan.shape if len(plan.shape) == 2 else (1, *plan.shape)
        self.size = self.shape[0] * self.shape[1]
        self._window, self._detrend = window, detrend
        self._transform = transform_of(plan, window, self.dtype, group)
        self._share = (1 / (plan.count * self.size)).astype(self.dtype)

    def new_plane(self) -> np.ndarray:
        """Zeros for `measure` to add |F|^2 to, in an order of their own."""
        return np.zeros(self._transform.plane_shape)

    def half_plane(self, plane: np.ndarray) -> np.ndarray:
        """What `measure` added to a plane, as a half plane [H, W // 2 + 1]."""
        return self._transform.half_plane(plane)

    def measure(
        self, images: np.ndarray, plane: np.ndarray | None = None, cross: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Transform images [B, H, W] or series [B, T].

        Parameters
        ----------
        images
        plane : float64, of `new_plane`
            |F|^2 of all images is added to it; what DC adds is of no use.
        cross : float64 [group, group, F]
            The sum over each ring of Re F_a conj(F_b) is added, for a <= b of each group.

        Returns
        -------
        rings : [B, F]
            Mean of |F|^2 / (H W) over each ring.
        means : [B]
            Means of the images.
        """
        rings = np.empty((len(images), len(self.plan.ring)), self.dtype)
        means = np.empty(len(images), self.dtype)
        plane = np.zeros((0, 0)) if plane is None else plane
        cross = np.zeros((0, 0, 0)) if cross is None else cross
        example = self.group * self.size * self.dtype.itemsize
        chunk = self.group * max(1, self._transform.chunk_bytes // example)
        for start in range(0, len(images), chunk):
            which = slice(start, start + chunk)
            block = images[which].reshape(-1, *self.shape)
            if block.dtype not in COMPILED or not block.dtype.isnative:
                block = block.astype(self.dtype)
            mean = None
            if self._detrend == "plane":
                mean = block.mean(axis=(1, 2))
                block = without_plane(block.astype(self.dtype, copy=False))
            if self._window == "periodic":
                block = periodic_component(block.astype(self.dtype, copy=False))
            rows = np.ascontiguousarray(block).reshape(len(block), -1)
            self._transform.add(rows, Sums(means[which], rings[which], plane, cross))
            if mean is not None:  # the plane took it along
                means[which] = mean
        rings *= self._share
        if self.plan.ring[0] == 0:  # DC is a ring of pysteps'
            rings[:, 0] = means**2 * self.size
        return rings, means


def engine_of(plan: RingPlan, window: str, detrend: str, dtype: Any, group: int = 1) -> RingEngine:
    """This thread's engine: its memory and tables serve the next images of the same kind."""
    key = plan, window, detrend, np.dtype(dtype), group
    if getattr(_kept, "key", None) != key:
        _kept.engine, _kept.key = RingEngine(*key), key
    return _kept.engine


def engine_for(estimator: Estimator, group: int = 1) -> RingEngine:
    """The engine of an estimator: float64 for series, whose quiet bands float32 would fill."""
    dtype = np.float32 if len(estimator.shape) == 2 else np.float64
    return engine_of(estimator.plan, estimator.window, estimator.detrend, dtype, group)


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
    engine = engine_for(estimator)
    rings = engine.measure(grouped)[0].astype(np.float64)
    shape = (len(examples), -1, examples.shape[1], rings.shape[1])
    return rings.reshape(shape).mean(axis=1)
