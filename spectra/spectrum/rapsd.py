"""Radially averaged power spectral density of images, numpy or torch."""

from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.spectrum.rings import Compat, RingPlan, ring_plan
from spectra.spectrum.windows import window as make_window

__all__ = ["half_plane_power", "rapsd", "ring_mean"]

# Images are transformed in chunks of about this size: larger ones leave the cache.
CHUNK_BYTES = 2**19


def rapsd(images: Any, *, window: str = "none", compat: Compat = None) -> tuple[Any, Any]:
    """Radially averaged power spectral density.

    Parameters
    ----------
    images : array or tensor [..., H, W]
        Numpy in, numpy out; torch in, torch out on its device, differentiable. float64 is
        computed in float64, everything else in float32.
    window : {"none", "hann"}
        Taper; power-corrected, after the image's mean is taken off.
    compat : {None, "pysteps"}
        "pysteps" gives the numbers and labels of ``pysteps.utils.spectral.rapsd``: radius in
        index units (wrong on rectangles), DC kept as the first entry, labels k / max(H, W).

    Returns
    -------
    power : [..., F]
        Mean of |F|^2 / (H W) over the ring: white noise of unit variance has power 1.
    frequency : [F]
        Mean |f| of the ring's modes, cycles/pixel.

    Raises
    ------
    InputError
        Fewer than two axes, no image, one too small to have a ring, or (numpy only) power that
        is not finite.

    Notes
    -----
    S. Dieleman, "Diffusion is spectral autoregression" (2024); pysteps for the compat labels.
    """
    if getattr(images, "ndim", 0) < 2:
        raise InputError("images: at least two axes [..., H, W] are needed")
    shape = (int(images.shape[-2]), int(images.shape[-1]))
    plan = ring_plan(shape, compat)
    if len(plan.ring) == 0 or min(shape) < 3:
        raise InputError(
            f"images of {shape[0]}x{shape[1]} have no ring of frequencies; at least 3x3 is needed"
        )
    if 0 in images.shape:
        raise InputError("images: there are none")
    if type(images).__module__.partition(".")[0] == "torch":
        return _torch_rapsd(images, plan, window)
    images = np.asarray(images)
    flat = images.reshape(-1, *shape)
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    power = np.empty((len(flat), len(plan.ring)), dtype)
    chunk = max(1, CHUNK_BYTES // (shape[0] * shape[1] * dtype().itemsize))
    for start in range(0, len(flat), chunk):
        block = half_plane_power(flat[start : start + chunk].astype(dtype, copy=False), window)
        power[start : start + chunk] = ring_mean(block, plan)
    if not np.isfinite(power).all():
        raise InputError(
            "images: NaN or infinite values, or too large ones; remove, fill or rescale them"
        )
    return power.reshape(*images.shape[:-2], -1), plan.frequency.copy()


def half_plane_power(images: np.ndarray, window: str) -> np.ndarray:
    """|F|^2 / (H W) on the half plane of a real FFT, [B, H, W] -> [B, H, W // 2 + 1].

    The mean is taken off first: it keeps float32 exact where DC is large and a taper from
    spreading it. DC itself is put back as H W mean^2.
    """
    from scipy import fft

    size = images.shape[-2] * images.shape[-1]
    mean = images.mean(axis=(-2, -1), keepdims=True)
    images = images - mean
    taper = make_window(window, images.shape[-2:])
    if taper.taps is not None:
        images = images * taper.taps.astype(images.dtype)
    modes: Any = fft.rfft2(images)
    power = modes.real**2
    power += modes.imag**2
    power /= size
    if taper.gain is not None:
        power *= taper.gain.astype(power.dtype)
    power[..., 0, 0] = size * mean[..., 0, 0] ** 2
    return power


def ring_mean(power: np.ndarray, plan: RingPlan) -> np.ndarray:
    """Mean over each ring, [B, H, W // 2 + 1] -> [B, F]."""
    matrix, flat = plan.matrix(power.dtype), power.reshape(len(power), -1)
    if len(flat) < 8:  # scipy's product with a matrix of few columns is slow
        return np.stack([matrix @ image for image in flat])
    return (matrix @ flat.T).T


def _torch_rapsd(images: Any, plan: RingPlan, window: str) -> tuple[Any, Any]:
    import torch

    if not images.is_floating_point() or images.dtype in (torch.float16, torch.bfloat16):
        images = images.to(torch.float32)
    size = plan.shape[0] * plan.shape[1]
    mean = images.mean(dim=(-2, -1), keepdim=True)
    centred = images - mean
    taper = make_window(window, plan.shape)
    if taper.taps is not None:
        centred = centred * torch.tensor(taper.taps, dtype=images.dtype, device=images.device)
    modes = torch.fft.rfft2(centred)
    power = (modes.real**2 + modes.imag**2) / size  # [..., H, W // 2 + 1]
    if taper.gain is not None:
        power = power * torch.tensor(taper.gain, dtype=images.dtype, device=images.device)
    mode = torch.tensor(plan.mode, device=images.device)
    slot = torch.tensor(plan.slot, device=images.device)
    weight = torch.tensor(plan.weight, dtype=images.dtype, device=images.device)
    picked = power.flatten(-2)[..., mode] * weight  # [..., M]
    rings = picked.new_zeros(*picked.shape[:-1], len(plan.ring)).index_add(-1, slot, picked)
    if plan.ring[0] == 0:  # DC, taken off above
        dc = size * mean[..., 0, 0] ** 2
        rings = torch.cat([dc[..., None], rings[..., 1:]], dim=-1)
    return rings, torch.tensor(plan.frequency, dtype=images.dtype, device=images.device)
