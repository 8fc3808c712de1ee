"""Networks brought along: any f(x, t)."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from spectra.diffusion.networks.buffers import HELD, kept_buffers
from spectra.diffusion.networks.inputs import no_class
from spectra.errors import InputError, check_name

__all__ = ["Custom", "CustomConfig", "Times", "custom_network"]

Times = Literal["level", "timestep"]

LAST_TIMESTEP = 999.0  # of networks that count a thousand


class Custom(nn.Module):
    """Another module as f(x, level); see `custom_network`.

    Of `classes` classes an example without a label is told `classes`, which is "no class".
    """

    def __init__(
        self,
        module: nn.Module,
        times: Times = "level",
        labels: str | None = None,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.times: Times = times
        self.labels = labels
        self.classes = classes
        self.takes_state = takes(module, 5)
        self.takes_time = takes(module, 2)

    def forward(
        self,
        x: Tensor,
        level: Tensor,
        vector: Tensor | None = None,
        maps: Tensor | None = None,
        label: Tensor | None = None,
    ) -> Tensor:
        """Noised examples and levels, [B, C, *spatial], [B] -> [B, C, *spatial]; see `Inputs`."""
        time = LAST_TIMESTEP * level if self.times == "timestep" else level
        if label is None and self.classes:
            label = no_class(level, self.classes)
        named: dict[str, Tensor] = {}
        if label is not None and self.labels is not None:
            named, label = {self.labels: label}, None
        state = () if vector is None and maps is None and label is None else (vector, maps, label)
        if state and not self.takes_state:
            raise InputError(
                f"network {kind_of(self.module)}: takes no noise state or label, being no "
                "f(x, t, vector, maps, label); condition on time, or name its keyword for labels "
                "(custom_network)"
            )
        if not (state or named or self.takes_time):
            raise InputError(f"network {kind_of(self.module)}: cannot be called as f(x, t)")
        made = self.module(x, time, *state, **named)
        made = getattr(made, "sample", made)
        if isinstance(made, tuple):
            made = made[0]
        if not isinstance(made, Tensor) or made.shape != x.shape or made.is_complex():
            found = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
            raise InputError(
                f"network {kind_of(self.module)}: gives {found} for {tuple(x.shape)}; it has to "
                "give what it is given, a real tensor of that shape"
            )
        return made


@dataclass(frozen=True)
class CustomConfig:
    """What is recorded of a network that was brought along: enough to know it again.

    Attributes
    ----------
    kind : str
        Its class.
    parameters : int
        How many weights.
    times : {"level", "timestep"}
    labels : str, optional
        See `custom_network`.
    """

    kind: str
    parameters: int
    times: Times = "level"
    labels: str | None = None

    @classmethod
    def of(cls, network: nn.Module) -> "CustomConfig":
        """Of a module, or of what `custom_network` made of one."""
        custom = network if isinstance(network, Custom) else custom_network(network)
        count = sum(weight.numel() for weight in custom.parameters())
        return cls(kind_of(custom.module), count, custom.times, custom.labels)

    def made_from(
        self, network: nn.Module | Callable[[], nn.Module] | None, classes: int = 0
    ) -> Custom:
        """A copy of the network this was recorded of: the one brought along keeps its weights.

        It is for so many classes.

        Raises
        ------
        InputError
            None is given, or another.
        """
        if network is None:
            raise InputError(
                f"network {self.kind}: was brought along and cannot be made from its record; "
                "give it again (network=)"
            )
        custom = network if isinstance(network, Custom) else custom_network(network)
        found = CustomConfig.of(custom)
        if found != self:
            raise InputError(
                f"network {found.kind} of {found.parameters} weights, times {found.times}: is not "
                f"the {self.kind} of {self.parameters} weights, times {self.times}, recorded here"
            )
        made = copy.deepcopy(custom).train()
        made.classes = classes
        return made


def custom_network(
    network: nn.Module | Callable[[], nn.Module],
    *,
    times: Times = "level",
    labels: str | None = None,
) -> Custom:
    """Any module f(x, t) as a network to train; a plain module is taken as by the defaults.

    Parameters
    ----------
    network : torch.nn.Module or callable
        f(x [B, C, *spatial], t [B]) -> tensor of x's shape, or an object whose `sample` is one; or
        what makes it, called without arguments. Where a run conditions on the noise state or on
        labels, it is called as f(x, t, vector, maps, label), each a tensor or None.
    times : {"level", "timestep"}
        What it is told: the noise level in [0, 1], or 999 times that, for networks that count a
        thousand timesteps (float32, not rounded).
    labels : str, optional
        Its keyword for class labels [B], where it has one ("class_labels" in diffusers). Of K
        classes they are 0 to K - 1, and K where an example is told none: K + 1 to embed.

    Returns
    -------
    Custom
        For `train(..., network=...)`.

    Raises
    ------
    InputError
        It is no module of float32 weights, has buffers that no checkpoint holds, or is one that
        batch statistics make depend on the batch.

    Examples
    --------
    >>> import torch
    >>> class Plain(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = torch.nn.Conv2d(2, 1, 3, padding=1)
    ...
    ...     def forward(self, x, t):
    ...         return self.layer(torch.cat([x, t[:, None, None, None].expand_as(x)], dim=1))
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> network = spectra.custom_network(Plain)
    >>> run = spectra.train("digits", schedule, out="plain", steps=20, network=network)
    >>> run.step
    20
    """
    check_name("times", times, get_args(Times))
    module = network
    if not isinstance(module, nn.Module) and callable(module):
        module = module()
    if not isinstance(module, nn.Module):
        raise InputError(f"network {type(module).__name__}: is no torch.nn.Module; give one")
    if isinstance(module, Custom):
        return module
    weights = list(module.parameters())
    if not weights:
        raise InputError(f"network {kind_of(module)}: has no weights to train")
    if any(isinstance(weight, UninitializedParameter) for weight in weights):
        raise InputError(f"network {kind_of(module)}: has lazy layers; call it on an example first")
    wrong = {weight.dtype for weight in weights} - {torch.float32}
    if wrong:
        raise InputError(
            f"network {kind_of(module)}: has weights in {wrong.pop()}; give .float(), and "
            "precision='bfloat16' for products in bfloat16"
        )
    wrong = {buffer.dtype for buffer in kept_buffers(module).values()} - HELD
    if wrong:
        raise InputError(
            f"network {kind_of(module)}: has buffers in {wrong.pop()}, which no checkpoint holds; "
            "make them float32, or register them with persistent=False"
        )
    # The base class of every norm over a batch.
    if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules()):
        raise InputError(
            f"network {kind_of(module)}: has batch norms, by which an example's result depends on "
            "the others of its batch; use GroupNorm"
        )
    return Custom(module, times, labels)


def takes(module: nn.Module, count: int) -> bool:
    """Whether a module can be called with so many arguments by position."""
    try:
        inspect.signature(module.forward).bind(*[None] * count)
    except TypeError:
        return False
    return True


def kind_of(module: Any) -> str:
    """The class's name, without where it is: a script's `__main__` is another one elsewhere."""
    return type(module).__qualname__
