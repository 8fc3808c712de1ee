"""Random numbers that are evenly spread."""

from typing import Any

import numpy as np

from spectra.errors import InputError

__all__ = ["stratified"]


def stratified(n: int, generator: Any) -> np.ndarray:
    """(k + u_k) / n with u_k uniform in [0, 1): one number in each n-th of [0, 1), float64 [n].

    Parameters
    ----------
    n : int
    generator : torch.Generator or None
        On any device; None: torch's own.

    Raises
    ------
    InputError
        Another kind of generator.
    """
    import torch

    if not isinstance(generator, torch.Generator | None):
        raise InputError(
            f"generator {type(generator).__name__}: a torch.Generator is needed, or None for "
            "torch's own"
        )
    place = "cpu" if generator is None else generator.device
    u = torch.rand(n, generator=generator, dtype=torch.float64, device=place)
    return (np.arange(n) + u.cpu().numpy()) / n
