"""What is taken off an image before its transform, against trends and the jump at its edges."""

from typing import Any, Literal

import numpy as np

__all__ = ["Detrend", "periodic_component", "without_plane"]

Detrend = Literal["mean", "plane"]


def without_plane(images: Any) -> Any:
    """Images less their least-squares plane (of a series: line), [..., H, W]; numpy or torch.

    Rows and columns counted from the middle are orthogonal, so each slope stands alone.
    """
    images = images - images.mean((-2, -1))[..., None, None]
    for axis in (-2, -1):
        n = images.shape[axis]
        place = np.arange(n) - (n - 1) / 2
        if n < 2:
            continue
        unit = _like(place / np.sqrt((place**2).sum()), images)
        unit = unit[:, None] if axis == -2 else unit[None, :]
        other = images.shape[-1 if axis == -2 else -2]
        images = images - (images * unit).sum((-2, -1))[..., None, None] * unit / other
    return images


def periodic_component(images: Any) -> Any:
    """The periodic part of images, [..., H, W]; numpy or torch.

    The smooth part, which carries the jump from each edge to the opposite one, solves a Poisson
    equation whose source is that jump (L. Moisan, "Periodic plus smooth image decomposition",
    J. Math. Imaging Vis. 39, 2011).
    """
    height, width = images.shape[-2:]
    jump = images * 0
    rows = images[..., -1, :] - images[..., 0, :]
    columns = images[..., :, -1] - images[..., :, 0]
    jump[..., 0, :] += rows
    jump[..., -1, :] -= rows
    jump[..., :, 0] += columns
    jump[..., :, -1] -= columns
    cosines = 2 * np.cos(2 * np.pi * np.fft.fftfreq(height))[:, None]
    laplacian = cosines + 2 * np.cos(2 * np.pi * np.fft.rfftfreq(width)) - 4
    laplacian[0, 0] = 1.0
    inverse = 1 / laplacian
    inverse[0, 0] = 0.0
    if type(images).__module__.partition(".")[0] == "torch":
        import torch

        modes = torch.fft.rfft2(jump) * _like(inverse, images)
        return images - torch.fft.irfft2(modes, s=(height, width))
    from scipy import fft

    modes: Any = fft.rfft2(jump)
    return images - fft.irfft2(modes * _like(inverse, images), s=(height, width))


def _like(table: np.ndarray, images: Any) -> Any:
    """A float64 table in the kind, precision and device of the images."""
    if type(images).__module__.partition(".")[0] == "torch":
        import torch

        return torch.tensor(table, dtype=images.dtype, device=images.device)
    return table.astype(images.dtype)
