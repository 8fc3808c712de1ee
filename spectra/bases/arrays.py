"""Numpy or torch: how a transform tells which it was given, and speaks to it in kind."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["along", "constant_like", "floating", "is_torch"]


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
    if is_torch(x):
        return _torch_constant(make, settings, x.dtype, x.device)
    return _numpy_constant(make, settings, x.dtype.str)


@lru_cache(maxsize=128)
def _numpy_constant(make: Callable[..., np.ndarray], settings: tuple, dtype: str) -> np.ndarray:
    table = make(*settings).astype(dtype)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=128)
def _torch_constant(make: Callable[..., np.ndarray], settings: tuple, dtype: Any, dev: Any) -> Any:
    import torch

    # A table first asked for while sampling must still serve training afterwards.
    with torch.inference_mode(False):
        return torch.tensor(make(*settings), dtype=dtype, device=dev)


def along(x: Any, matrix: Any, position: int) -> Any:
    """`matrix` [k, j] applied along one axis, counted from the end, of x [..., j, ...]."""
    if position == -1:
        return x @ matrix.T
    if position == -2:
        return matrix @ x
    return (matrix @ x.swapaxes(position, -2)).swapaxes(position, -2)
