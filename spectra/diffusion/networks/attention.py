"""Attention among places, by whichever way is the faster."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["attended"]

PLACES = 1024  # above them a table of all pairs is too large to hold


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(width)) v, [B, heads, places, width] each -> the same.

    torch's kernel never holds the table of pairs; on a CPU in bfloat16 it is three times slower
    than the products themselves.
    """
    slow = query.device.type == "cpu" and query.dtype is torch.bfloat16
    if not slow or query.shape[2] > PLACES:
        return functional.scaled_dot_product_attention(query, key, value)
    pairs = (query * query.shape[3] ** -0.5) @ key.transpose(2, 3)
    return pairs.softmax(3, dtype=torch.float32).to(value.dtype) @ value
