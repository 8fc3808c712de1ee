"""diffusers' UNet2DModel by name: the one file here that imports diffusers, on use."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from spectra.diffusion.networks.custom import LAST_TIMESTEP
from spectra.diffusion.networks.inputs import NOTHING, Inputs, joined, no_class
from spectra.errors import InputError

__all__ = ["DiffusersConfig", "DiffusersUNet"]

# Options that follow from the data.
SETTLED = ("in_channels", "out_channels", "sample_size", "num_class_embeds", "class_embed_type")


@dataclass(frozen=True)
class DiffusersConfig:
    """Options of `diffusers.UNet2DModel` as JSON holds them; what is not named has its default.

    Attributes
    ----------
    options : mapping
    """

    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in SETTLED:
            if name in self.options:
                raise InputError(f"network diffusers: {name} follows from the data; leave it out")
        try:
            plain = json.loads(json.dumps(dict(self.options)))
        except TypeError as error:
            raise InputError(f"network diffusers: options must fit JSON ({error})") from None
        object.__setattr__(self, "options", plain)


class DiffusersUNet(nn.Module):
    """A `diffusers.UNet2DModel` with fresh weights as f(x, level), told 999 times the level.

    Sides that its levels do not divide are padded with 0 at the bottom and right, and cropped.

    Raises
    ------
    InputError
        diffusers is missing, an option is wrong, or it is to be told a vector: it takes none.
    """

    def __init__(self, config: DiffusersConfig, channels: int, inputs: Inputs = NOTHING) -> None:
        super().__init__()
        if inputs.vector:
            raise InputError(
                "network diffusers: cannot be told a noise state of bands; condition on time, or "
                "use unet or dit"
            )
        kind = unet_class()
        known = set(inspect.signature(kind.__init__).parameters) - {"self", *SETTLED}
        unknown = sorted(set(config.options) - known)
        if unknown:
            raise InputError(f"network diffusers: UNet2DModel has no option {unknown[0]!r}")
        self.maps, self.labels = inputs.maps, inputs.labels
        try:
            self.unet = kind(
                in_channels=channels + inputs.maps,
                out_channels=channels,
                num_class_embeds=inputs.labels + 1 if inputs.labels else None,
                **config.options,
            )
        except (TypeError, ValueError, ZeroDivisionError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"network diffusers: UNet2DModel refuses its options ({reason})"
            ) from error
        self.step = 2 ** (len(self.unet.config["block_out_channels"]) - 1)

    def forward(
        self,
        x: Tensor,
        level: Tensor,
        vector: Tensor | None = None,
        maps: Tensor | None = None,
        label: Tensor | None = None,
    ) -> Tensor:
        if vector is not None:
            raise InputError(
                "network diffusers: made without a vector of the noise state, given one"
            )
        if label is not None and not self.labels:
            raise InputError("network diffusers: made without class labels, given some")
        if label is None and self.labels:
            label = no_class(level, self.labels)
        height, width = x.shape[2:]
        padding = (0, -width % self.step, 0, -height % self.step)
        padded = functional.pad(joined(x, maps, self.maps), padding)
        made = self.unet(padded, LAST_TIMESTEP * level, class_labels=label).sample
        return made[..., :height, :width]


def unet_class() -> Any:
    """The class, imported on use."""
    try:
        from diffusers.models.unets.unet_2d import UNet2DModel
    except (ImportError, RuntimeError) as error:
        raise InputError(
            "network diffusers: diffusers cannot be imported; "
            "pip install -U 'spectra-diffusion[diffusers]'"
        ) from error
    return UNet2DModel
