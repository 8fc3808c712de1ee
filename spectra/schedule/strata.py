"""Random numbers that are evenly spread."""

from typing import Any

import numpy as np

__all__ = ["stratified"]


def stratified(n: int, generator: Any) -> np.ndarray:
    """(k + u_k) / n with u_k uniform in [0, 1): one number in each n-th of [0, 1), float64 [n].

    Parameters
    ----------
    n : int
    generator : torch.Generator
        On any device.
    """
    import torch

    place = "cpu" if generator is None else generator.device
    u = torch.rand(n, generator=generator, dtype=torch.float64, device=place)
    return (np.arange(n) + u.cpu().numpy()) / n
