"""Numpy or torch: how a transform tells which it was given, and speaks to it in kind."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["along", "cast", "constant_like", "floating", "is_torch"]


def is_torch(x: Any) -> bool:
    """Whether x is a torch tensor, found without importing torch."""
    return type(x).__module__.partition(".")[0] == "torch"


def floating(x: Any) -> Any:
    """The same values as floats: whole numbers have no orthonormal transform among them."""
    if is_torch(x):
        import torch

        return x if x.is_floating_point() else x.to(torch.get_default_dtype())
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


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
