"""Numpy or torch: how a transform tells which it was given, and speaks to it in kind."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from spectra.errors import InputError

__all__ = ["along", "cast", "constant_like", "examples_like", "is_torch"]


def is_torch(x: Any) -> bool:
    """Whether x is a torch tensor, found without importing torch."""
    return type(x).__module__.partition(".")[0] == "torch"


def examples_like(x: Any, shape: tuple[int, ...]) -> Any:
    """x [..., *shape] as floats: whole numbers have no orthonormal transform among them.

    Raises
    ------
    InputError
        The last axes are not `shape`.
    """
    if is_torch(x):
        import torch

        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
    else:
        x = np.asarray(x)
        real = np.issubdtype(x.dtype, np.floating)
        x = x.astype(np.result_type(x.dtype, np.float32) if real else np.float64, copy=False)
    if tuple(x.shape[-len(shape) :]) != shape:
        raise InputError(f"array of shape {tuple(x.shape)}: the basis was made for {shape}")
    return x


def constant_like(x: Any, make: Callable[..., np.ndarray], *settings: Any) -> Any:
    """The float64 table make(*settings) in the kind, precision and device of x; kept."""
    return _constant(make, settings, x.dtype, x.device if is_torch(x) else None)


@lru_cache(maxsize=128)
def _constant(make: Callable[..., np.ndarray], settings: tuple, dtype: Any, device: Any) -> Any:
    return cast(make(*settings), dtype, device)


def cast(table: np.ndarray, dtype: Any, device: Any = None) -> Any:
    """A copy of a table: of numpy where there is no device, else a tensor there."""
    if device is None:
        table = table.astype(dtype)
        table.setflags(write=False)
        return table
    import torch

    # What is first asked for while sampling must still serve training afterwards.
    with torch.inference_mode(False):
        return torch.tensor(table, dtype=dtype, device=device)


def along(x: Any, matrix: Any, position: int) -> Any:
    """`matrix` [k, j] applied along one axis, counted from the end, of x [..., j, ...]."""
    if position == -1:
        return x @ matrix.T
    if position == -2:
        return matrix @ x
    return (matrix @ x.swapaxes(position, -2)).swapaxes(position, -2)
