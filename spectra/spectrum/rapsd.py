"""Radially averaged power spectral density of images, numpy or torch."""

from typing import Any, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.spectrum.edges import Detrend, periodic_component, without_plane
from spectra.spectrum.rings import Compat, RingPlan, RingReach, ring_plan
from spectra.spectrum.windows import WindowName
from spectra.spectrum.windows import window as make_window

__all__ = ["rapsd"]


def rapsd(
    images: Any,
    *,
    window: WindowName = "none",
    detrend: Detrend = "mean",
    reach: RingReach = "inside",
    compat: Compat = None,
) -> tuple[Any, Any]:
    """Radially averaged power spectral density.

    Parameters
    ----------
    images : array or tensor [..., H, W]
        Numpy in, numpy out; torch in, torch out on its device, differentiable. float64 is
        computed in float64, everything else in float32.
    window : {"none", "hann", "periodic"}
        "hann" is a taper, power-corrected, on the image less its mean; "periodic" takes off the
        smooth part that carries the jump between opposite edges (Moisan 2011).
    detrend : {"mean", "plane"}
        What is taken off first. A plane takes from the modes on the axes, which is not put back:
        the first ring of white noise loses a sixth at 32 x 32. Fits know of it.
    reach : {"inside", "nyquist", "corners"}
        Rings below 0.5 cycles/pixel, with the one at 0.5, or with the corners of the plane.
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

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((100, 64, 64))
    >>> power, frequency = spectra.rapsd(noise)
    >>> power.shape, power.mean(axis=0)[[0, 10, -1]].round(1)
    ((100, 31), array([1., 1., 1.]))
    >>> frequency[[0, 10, -1]].round(3)
    array([0.019, 0.173, 0.485])
    """
    check_name("detrend", detrend, get_args(Detrend))
    check_name("reach", reach, get_args(RingReach))
    if getattr(images, "ndim", 0) < 2:
        raise InputError("images: at least two axes [..., H, W] are needed")
    shape = (int(images.shape[-2]), int(images.shape[-1]))
    make_window(window, shape)
    plan = ring_plan(shape, compat, reach)
    if len(plan.ring) == 0 or min(shape) < 3:
        raise InputError(
            f"images of {shape[0]}x{shape[1]} have no ring of frequencies; at least 3x3 is needed"
        )
    if 0 in images.shape:
        raise InputError("images: there are none")
    if "complex" in str(images.dtype):
        raise InputError(
            "images: complex values; give their real and imaginary parts by themselves"
        )
    if type(images).__module__.partition(".")[0] == "torch":
        return _torch_rapsd(images, plan, window, detrend)
    if np.ma.is_masked(images):
        raise InputError("images: masked values; fill them, images.filled(images.mean()) say")
    images = np.asarray(images)
    flat = images.reshape(-1, *shape)
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    from spectra.spectrum.engine import engine_of

    engine = engine_of(plan, window, detrend, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        power, _ = engine.measure(flat)
    if not np.isfinite(power).all():
        raise InputError(
            "images: NaN or infinite values, or too large ones; remove, fill or rescale them"
        )
    return power.reshape(*images.shape[:-2], -1), plan.frequency.copy()


def _torch_rapsd(images: Any, plan: RingPlan, window: str, detrend: str) -> tuple[Any, Any]:
    import torch

    if not images.is_floating_point() or images.dtype in (torch.float16, torch.bfloat16):
        images = images.to(torch.float32)
    size = plan.shape[0] * plan.shape[1]
    mean = images.mean(dim=(-2, -1), keepdim=True)
    centred = without_plane(images) if detrend == "plane" else images - mean
    if window == "periodic":
        centred = periodic_component(centred)
    taper = make_window(window, plan.shape)
    if taper.taps is not None:
        centred = centred * torch.tensor(taper.taps, dtype=images.dtype, device=images.device)
    modes = torch.fft.rfft2(centred)
    # All factors of a mode at once: on a GPU each pass over the plane takes as long as the FFT's.
    weight = plan.weight / size
    if taper.gain is not None:
        weight = weight * taper.gain.ravel()[plan.mode]
    power = modes.real.square() + modes.imag.square()  # [..., H, W // 2 + 1]
    mode = torch.tensor(plan.mode, device=images.device)
    slot = torch.tensor(plan.slot, device=images.device)
    scaled = torch.tensor(weight, dtype=images.dtype, device=images.device)
    picked = power.flatten(-2)[..., mode] * scaled  # [..., M]
    rings = picked.new_zeros(*picked.shape[:-1], len(plan.ring)).index_add(-1, slot, picked)
    if plan.ring[0] == 0:  # DC, taken off above
        dc = size * mean[..., 0, 0] ** 2
        rings = torch.cat([dc[..., None], rings[..., 1:]], dim=-1)
    return rings, torch.tensor(plan.frequency, dtype=images.dtype, device=images.device)
