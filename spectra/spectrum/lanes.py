"""Power of images from Fourier transforms of several columns and rows side by side.

A library's transform must put its modes in order; their power need not, and so takes about a
third of the time. For the usual sizes: an even height, both sides products of 2, 3, 5 and 7.
Imported only when images are measured: numba takes a while to load.
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numba import config

from spectra.compiled import compiled
from spectra.spectrum import codelets, kernels, vectors
from spectra.spectrum.codelets import (
    RADICES,
    add_power_vectors,
    butterflies,
    fold_vectors,
    prepare_vector,
    transpose,
    unpack_vectors,
)
from spectra.spectrum.kernels import mean_of
from spectra.spectrum.vectors import VECTOR_BYTES

__all__ = ["LanePlan", "Scratch", "add_lanes", "half_plane", "lane_plan", "lane_scratch"]

_compiled = partial(compiled, uses=(codelets.__file__, kernels.__file__, vectors.__file__))
STRIPE = 4  # vectors that are read of a row before the next


class LanePlan(NamedTuple):
    """How images of one shape and precision are transformed.

    Attributes
    ----------
    height, width, lanes, groups : int
        A vector has `lanes` numbers; `groups` of them hold the rows 0 .. H / 2 - 1 of the modes.
    down, across : int64 [steps]
        Lengths of the steps of transforms of H / 2 and W.
    down_twiddle, across_twiddle, unpacking : float32 or float64
        Their factors, and those that part the modes of two rows taken as one.
    """

    height: int
    width: int
    lanes: int
    groups: int
    down: Any
    down_twiddle: Any
    across: Any
    across_twiddle: Any
    unpacking: Any


class Scratch(NamedTuple):
    """Memory of one thread for images of one plan, `channels` of them at a time."""

    pairs: Any  # complex vectors of H / 2 pairs of rows, of `STRIPE` columns of vectors
    column: Any  # complex vectors of H / 2 modes, and zeros up to whole groups
    steps: Any  # [2, ...], between the steps of a transform
    modes: Any  # [channels, groups W 2 lanes]
    quarter: Any  # [W // 2 + 1, groups lanes + 1]


def _steps(n: int) -> list[int]:
    """`RADICES` whose product is n, or none."""
    steps = []
    for radix in RADICES:
        while n % radix == 0:
            # Two fours take less than an eight and a two.
            taken = 4 if n % 32 == 16 else radix
            steps.append(taken)
            n //= taken
    return steps if n == 1 else []


def _twiddle(n: int) -> np.ndarray:
    """Factors of `butterflies` for every step, flat."""
    parts = []
    for radix in _steps(n):
        m = n // radix
        angle = np.outer(np.arange(m), np.arange(1, radix)) * (-2 * np.pi / n)
        parts.append(np.stack([np.cos(angle), np.sin(angle)], axis=-1).ravel())
        n = m
    return np.concatenate(parts)


@lru_cache(maxsize=32)
def lane_plan(shape: tuple[int, int], dtype: np.dtype) -> LanePlan | None:
    """The plan of H x W images; None for a shape that is not of the usual ones."""
    height, width = shape
    half, lanes = height // 2, VECTOR_BYTES // dtype.itemsize
    usual = height % 2 == 0 and width >= lanes and _steps(half) and _steps(width)
    if not usual or getattr(config, "DISABLE_JIT", 0):  # vectors cannot be gone through in Python
        return None
    angle = np.arange(half // 2 + 1) * (-2 * np.pi / height)
    return LanePlan(
        height,
        width,
        lanes,
        groups=-(-half // lanes),
        down=np.array(_steps(half)),
        down_twiddle=_twiddle(half).astype(dtype),
        across=np.array(_steps(width)),
        across_twiddle=_twiddle(width).astype(dtype),
        unpacking=(np.stack([np.cos(angle), np.sin(angle)], axis=-1) / 2).ravel().astype(dtype),
    )


def lane_scratch(plan: LanePlan, dtype: np.dtype, channels: int) -> Scratch:
    """Zeroed memory that begins where vectors do."""

    def zeros(*shape: int) -> np.ndarray:
        size = int(np.prod(shape)) * dtype.itemsize
        raw = np.zeros(size + VECTOR_BYTES, np.uint8)
        start = -raw.ctypes.data % VECTOR_BYTES
        return raw[start : start + size].view(dtype).reshape(shape)

    vector = 2 * plan.lanes
    rows = plan.groups * plan.lanes
    return Scratch(
        pairs=zeros(STRIPE * plan.height // 2 * vector),
        column=zeros(rows * vector),
        steps=zeros(2, max(plan.height // 2, plan.width) * vector),
        modes=zeros(channels, rows * 2 * plan.width),
        quarter=zeros(plan.width // 2 + 1, rows + 1),
    )


@_compiled()
def _transform(
    source: Any, o: int, radices: Any, twiddle: Any, between: Any, target: Any, u: int
) -> None:
    """DFT of the complex vectors source[o ..] to target[u ..], which may be the same.

    Steps in between go through `between` [2, n], in turn.
    """
    left = 1
    for radix in radices:
        left *= radix
    read, p = source, o
    w, s = 0, 1
    last = len(radices) - 1
    for i in range(last + 1):
        into, q = (target, u) if i == last else (between[i % 2], 0)
        m = left // radices[i]
        butterflies(radices[i], read, p, into, q, twiddle, w, m, s)
        read, p = into, q
        w += 2 * m * (radices[i] - 1)
        s *= radices[i]
        left = m


@_compiled()
def _column_modes(
    image: Any, mean: Any, down: Any, across: Any, plan: LanePlan, scratch: Scratch, modes: Any
) -> None:
    """Transforms going down of an image [H W] less its mean, times its taper.

    A pair of rows is one row of complex numbers, so each column takes a transform of H / 2. Modes
    0 and H / 2, both real, are the real and imaginary part of row 0.
    """
    width, lanes, groups = plan.width, plan.lanes, plan.groups
    half, vector = plan.height // 2, 2 * lanes
    pairs, column = scratch.pairs, scratch.column
    for first in range(0, width, STRIPE * lanes):
        stripes = min(STRIPE, (width - first + lanes - 1) // lanes)
        for y in range(2 * half):  # a stretch of each row at a time: lines of memory are wide
            for i in range(stripes):
                x = min(first + i * lanes, width - lanes)
                p = (i * half + y // 2) * vector + (y % 2) * lanes
                prepare_vector(image, y * width + x, mean, down, y, across, x, pairs, p)
        for i in range(stripes):
            x = min(first + i * lanes, width - lanes)
            o = i * half * vector
            _transform(pairs, o, plan.down, plan.down_twiddle, scratch.steps, column, 0)
            for j in range(lanes):
                even, odd = column[j], column[lanes + j]
                column[j] = even + odd
                column[lanes + j] = even - odd
            for k in range(1, half // 2 + 1):
                unpack_vectors(column, vector * k, vector * (half - k), plan.unpacking, 2 * k)
            for group in range(groups):
                source, target = vector * lanes * group, vector * (width * group + x)
                for part in (0, lanes):
                    transpose(column, source + part, vector, modes, target + part, vector)


@_compiled(fastmath=True)
def _fold(f: Any, g: Any, group: int, plan: LanePlan, quarter: Any) -> None:
    """Half of Re F conj(G) of modes (+-k, +-x), added, to quarter [W // 2 + 1, >= H / 2 + 1].

    Of the k of one group; rows 0 and H / 2 belong to the first, which comes last.
    """
    width, lanes, half, vector = plan.width, plan.lanes, plan.height // 2, 2 * plan.lanes
    stride = quarter.shape[1]
    flat = quarter.reshape(-1)
    at = vector * width * group
    for x in range(width // 2 + 1):
        mirror = (width - x) % width
        fold_vectors(f, g, at + vector * x, at + vector * mirror, flat, x * stride + group * lanes)
        if mirror == x:
            for k in range(group * lanes, (group + 1) * lanes):
                quarter[x, k] *= 0.5
        if group == 0:
            one, other = vector * x, vector * mirror
            a, b, c, d = f[one], f[one + lanes], f[other], f[other + lanes]
            e, h, i, j = g[one], g[one + lanes], g[other], g[other + lanes]
            share = 0.125 if mirror == x else 0.25
            quarter[x, 0] = share * ((a + c) * (e + i) + (b - d) * (h - j))
            quarter[x, half] = share * ((a - c) * (e - i) + (b + d) * (h + j))


@_compiled(fastmath=True)
def _ring_sums(quarter: Any, gains: Any, slot: Any, reach: Any, sums: Any, out: Any) -> None:
    """Sums of quarter over each ring [F], DC left out, after its `gains` [n, 3]: (k, x, factor).

    slot says the ring of each number (F for none), reach where none in a ring follow.

    Four sums a ring in turn, so that one addition need not wait for the last: sums [4 (F + 1)].
    """
    quarter[0, 0] = 0
    for i in range(gains.shape[0]):
        quarter[int(gains[i, 1]), int(gains[i, 0])] *= gains[i, 2]
    for j in range(sums.shape[0]):
        sums[j] = 0
    for x in range(quarter.shape[0]):
        values, place = quarter[x], slot[x]
        for k in range(reach[x]):
            sums[4 * place[k] + (k & 3)] += values[k]
    for j in range(out.shape[0]):
        out[j] = 2 * (sums[4 * j] + sums[4 * j + 1] + sums[4 * j + 2] + sums[4 * j + 3])


@_compiled(fastmath=True)
def _add_power(modes: Any, plan: LanePlan, plane: Any) -> None:
    """Add |F|^2 to plane, float64 [groups lanes + 1, W] in the order of modes; H / 2 comes last."""
    width, lanes, vector = plan.width, plan.lanes, 2 * plan.lanes
    flat, last = plane.reshape(-1), plane[plan.groups * lanes]
    for x in range(width):
        one, other = vector * x, vector * ((width - x) % width)
        a, b, c, d = modes[one], modes[one + lanes], modes[other], modes[other + lanes]
        first = flat[lanes * x]
        add_power_vectors(modes, one, flat, lanes * x)
        flat[lanes * x] = first + 0.25 * ((a + c) ** 2 + (b - d) ** 2)
        last[x] += 0.25 * ((a - c) ** 2 + (b + d) ** 2)
    for x in range(width, plan.groups * width):
        add_power_vectors(modes, vector * x, flat, lanes * x)


def half_plane(plane: np.ndarray, plan: LanePlan) -> np.ndarray:
    """Sums of `add_lanes` [groups lanes + 1, W] as a half plane, [H, W // 2 + 1]."""
    width, half, columns = plan.width, plan.height // 2, plan.width // 2 + 1
    rows = plane[:-1].reshape(plan.groups, width, plan.lanes).swapaxes(1, 2)  # [groups, lanes, W]
    out = np.empty((plan.height, columns))
    out[:half] = rows[:, :, :columns].reshape(-1, columns)[:half]
    out[half] = plane[-1, :columns]
    mirrored = rows[:, :, -np.arange(columns)].reshape(-1, columns)  # (-k, x) is (k, -x)
    out[half + 1 :] = mirrored[half - 1 : 0 : -1]
    return out


@_compiled(fastmath=True)
def add_lanes(
    images: Any,
    plan: LanePlan,
    scratch: Scratch,
    down: Any,
    across: Any,
    gains: Any,
    slot: Any,
    reach: Any,
    sums: Any,
    means: Any,
    power: Any,
    plane: Any,
    cross: Any,
) -> None:
    """Ring sums of images [B, H W] to power [B, F], their means to means [B].

    down [H] and across [W] are the taper; gains, slot and reach as in `_ring_sums`, whose scratch
    is sums. |F|^2 of all is added to plane (`_add_power`), and Re F_a conj(F_b) of the channels
    a <= b of an example to cross [C, C, F], both float64, if they are not empty; scratch then has
    room for as many channels.
    """
    channels = scratch.modes.shape[0]
    quarter = scratch.quarter
    ring = np.empty(power.shape[1], power.dtype)
    vector = 2 * plan.lanes
    for image in range(images.shape[0]):
        a = image % channels
        modes = scratch.modes[a]
        means[image] = mean_of(images[image], power.dtype.type(0))
        _column_modes(images[image], means[image], down, across, plan, scratch, modes)
        for group in range(plan.groups - 1, -1, -1):
            o = vector * plan.width * group
            _transform(modes, o, plan.across, plan.across_twiddle, scratch.steps, modes, o)
            _fold(modes, modes, group, plan, quarter)
        _ring_sums(quarter, gains, slot, reach, sums, power[image])
        if plane.size > 0:
            _add_power(modes, plan, plane)
        if cross.size > 0:
            for j in range(ring.shape[0]):
                cross[a, a, j] += power[image, j]
            for b in range(a):
                for group in range(plan.groups - 1, -1, -1):
                    _fold(modes, scratch.modes[b], group, plan, quarter)
                _ring_sums(quarter, gains, slot, reach, sums, ring)
                for j in range(ring.shape[0]):
                    cross[b, a, j] += ring[j]
