"""Group normalisation that keeps the layout of its input, on GPUs too."""

import torch
from torch import Tensor, nn

__all__ = ["GroupNorm", "layout_keeping_norm"]


class GroupNorm(nn.GroupNorm):
    """torch's; on a GPU, where torch's own turns channels-last into channels-first, in parts.

    The compiler makes of the parts what is one kernel on a CPU.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.is_cuda:
            return layout_keeping_norm(input, self.num_groups, self.weight, self.bias, self.eps)
        return super().forward(input)


def layout_keeping_norm(
    x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float = 1e-5
) -> Tensor:
    """Group norm of [B, C, *spatial] by sums over places alone; strides and dtype are x's.

    Nothing is reshaped that has places in it, so that no layout has to be undone. The sums of
    groups are of [B, C]. Variance is about each channel's own mean first, then about the group's:
    a difference of large squares would lose it.
    """
    places = tuple(range(2, x.ndim))
    variance, mean = torch.var_mean(x.float(), places, correction=0)  # [B, C]
    grouped = mean.unflatten(1, (groups, -1))  # [B, G, C / G]
    centre = grouped.mean(2, keepdim=True)
    spread = variance.unflatten(1, (groups, -1)) + (grouped - centre) ** 2
    rate = (spread.mean(2, keepdim=True) + eps).rsqrt()
    gain = rate.expand_as(grouped).flatten(1) * weight.float()  # [B, C]
    shift = bias.float() - centre.expand_as(grouped).flatten(1) * gain
    column = (*gain.shape, *[1] * len(places))
    return torch.addcmul(shift.reshape(column), x.float(), gain.reshape(column)).to(x.dtype)
