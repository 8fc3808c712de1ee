"""From images to sums of |F|^2 over rings: by our own loops where they serve, else a library's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from spectra.spectrum.rings import RingPlan
from spectra.spectrum.windows import window as make_window

__all__ = ["CHUNK_BYTES", "Sums", "Transform", "one_torch_thread", "transform_of"]

# The library transforms images in chunks of about this size: larger ones leave the cache.
CHUNK_BYTES = 2**19

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


class _Taper:
    """A window as the product of `down` [H] and `across` [W].

    `gains` [n, 3] are modes (y, x) of the half plane whose power it changed, and the factors that
    mend it.
    """

    def __init__(self, window: str, shape: tuple[int, int], dtype: np.dtype) -> None:
        height, width = shape
        self.down, self.across = np.ones(height, dtype), np.ones(width, dtype)
        self.gains = np.zeros((0, 3), dtype)
        taper = make_window(window, shape if height > 1 else (width,))
        if taper.taps is not None:
            taps = taper.taps.reshape(shape)
            middle = taps[height // 2]
            self.across[:] = middle
            self.down[:] = taps[:, width // 2] / middle[width // 2]
        if taper.gain is not None:
            table = taper.gain.reshape(height, -1)
            where = np.argwhere(np.abs(table - 1) > 1e-9)
            self.gains = np.column_stack([where, table[tuple(where.T)]]).astype(dtype)


class Sums(NamedTuple):
    """What becomes of images.

    Attributes
    ----------
    means : [B]
    power : [B, F]
        Sums of |F|^2 over each ring.
    plane : float64
        |F|^2 of all images is added, in the transform's own order; empty if not wanted.
    cross : float64 [C, C, F]
        The sums of Re F_a conj(F_b) over each ring are added, a <= b of the channels of an
        example; empty if not wanted.
    """

    means: np.ndarray
    power: np.ndarray
    plane: np.ndarray
    cross: np.ndarray


class Transform(Protocol):
    """What both ways offer: a thread's own, for images of one shape."""

    chunk_bytes: int  # to be given at once
    plane_shape: tuple[int, int]

    def half_plane(self, plane: np.ndarray) -> np.ndarray:
        """What `add` left in a plane of `plane_shape`, as a half plane [H, W // 2 + 1]."""
        ...

    def add(self, rows: np.ndarray, sums: Sums) -> None:
        """Add to sums what images [B, H W] have, less their means and tapered."""
        ...


def transform_of(plan: RingPlan, window: str, dtype: np.dtype, channels: int) -> Transform:
    """The quickest transform there is for a plan's shape, of `channels` images an example."""
    if len(plan.shape) == 2:
        from spectra.spectrum.lanes import lane_plan

        lanes = lane_plan((plan.shape[0], plan.shape[1]), dtype)
        if lanes is not None:
            return _Lanes(plan, lanes, window, dtype, channels)
    return _Library(plan, window, dtype, channels)


def _slots(plan: RingPlan, height: int, width: int) -> np.ndarray:
    """The ring of each mode of rows 0 .. H // 2 of the half plane, F for none."""
    slot = np.full(height * (width // 2 + 1), len(plan.ring), np.int32)
    slot[plan.mode] = plan.slot
    return np.ascontiguousarray(slot.reshape(height, -1)[: height // 2 + 1])


class _Lanes:
    """By our own loops, which take several columns and rows at a time."""

    chunk_bytes = 2**22

    def __init__(
        self, plan: RingPlan, lanes: Any, window: str, dtype: np.dtype, channels: int
    ) -> None:
        from spectra.spectrum.lanes import lane_scratch

        rings, below = len(plan.ring), lanes.height // 2 + 1
        self.lanes = lanes
        self.taper = _Taper(window, (lanes.height, lanes.width), dtype)
        self.gains = self.taper.gains[self.taper.gains[:, 0] < below]  # -y is folded on y
        self.scratch = lane_scratch(lanes, dtype, channels)
        self.plane_shape = lanes.groups * lanes.lanes + 1, lanes.width
        self.slot = np.full(self.scratch.quarter.shape, rings, np.int32)
        self.slot[:, :below] = _slots(plan, lanes.height, lanes.width).T
        inside = self.slot < rings
        self.reach = np.where(
            inside.any(axis=1), inside.shape[1] - np.argmax(inside[:, ::-1], axis=1), 0
        )
        self.sums = np.empty(4 * (rings + 1), dtype)

    def half_plane(self, plane: np.ndarray) -> np.ndarray:
        from spectra.spectrum.lanes import half_plane

        half = half_plane(plane, self.lanes)
        y, x, gain = self.taper.gains.T
        half[y.astype(int), x.astype(int)] *= gain
        return half

    def add(self, rows: np.ndarray, sums: Sums) -> None:
        from spectra.spectrum.lanes import add_lanes

        taper, rings = (self.taper.down, self.taper.across), (self.slot, self.reach, self.sums)
        add_lanes(rows, self.lanes, self.scratch, *taper, self.gains, *rings, *sums)


class _Library:
    """By torch, for any shape, series among them."""

    chunk_bytes = CHUNK_BYTES

    def __init__(self, plan: RingPlan, window: str, dtype: np.dtype, channels: int) -> None:
        import torch

        height, width = plan.shape if len(plan.shape) == 2 else (1, *plan.shape)
        half = width // 2 + 1
        self.plane_shape = height, half
        self.taper = _Taper(window, (height, width), dtype)
        self.slot = _slots(plan, height, width)
        self.column_weight = np.full(half, 2, dtype)
        self.column_weight[0] = 1
        if width % 2 == 0:
            self.column_weight[-1] = 1
        example = channels * height * width * dtype.itemsize
        most = channels * max(1, CHUNK_BYTES // example)
        real, modes = torch.float32, torch.complex64
        if dtype == np.float64:
            real, modes = torch.float64, torch.complex128
        self.input = torch.empty((most, height, width), dtype=real)
        self.modes = torch.empty((most, height, half), dtype=modes)
        self.row = np.empty(half, dtype)
        self.sums = np.empty(4 * (len(plan.ring) + 1), dtype)

    def half_plane(self, plane: np.ndarray) -> np.ndarray:
        return plane

    def add(self, rows: np.ndarray, sums: Sums) -> None:
        import torch

        from spectra.spectrum import kernels

        n = len(rows)
        prepared = self.input.numpy().reshape(len(self.input), -1)[:n]
        kernels.prepare(rows, self.taper.down, self.taper.across, prepared, sums.means)
        with one_torch_thread():
            torch.fft.rfft2(self.input[:n], out=self.modes[:n])
        modes = torch.view_as_real(self.modes[:n]).numpy()  # [n, H, W // 2 + 1, 2]
        for y, x, gain in self.taper.gains:
            modes[:, int(y), int(x)] *= np.sqrt(gain)
        modes[:, 0, 0] = 0
        modes = modes.reshape(n, modes.shape[1], -1)
        kernels.ring_sums(modes, self.slot, self.column_weight, self.row, self.sums, sums.power)
        if sums.plane.size:
            kernels.add_power(modes, sums.plane)
        if sums.cross.size:
            by_example = modes.reshape(-1, len(sums.cross), *modes.shape[1:])
            kernels.add_cross_power(by_example, self.slot, self.column_weight, sums.cross)
