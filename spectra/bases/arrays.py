"""Numpy or torch: how a transform tells which it was given."""

from typing import Any

__all__ = ["is_torch"]


def is_torch(x: Any) -> bool:
    """Whether x is a torch tensor, found without importing torch."""
    return type(x).__module__.partition(".")[0] == "torch"
