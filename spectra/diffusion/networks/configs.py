"""Which network, as a record that JSON can hold, and the network built from it."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import torch
from torch import Tensor, nn

from spectra.diffusion.networks.dit import DiT, DiTConfig
from spectra.diffusion.networks.unet import UNet, UNetConfig
from spectra.errors import InputError, check_name

__all__ = ["InBfloat16", "NetworkConfig", "make_network", "network_config", "network_record"]

NetworkConfig = UNetConfig | DiTConfig
CONFIGS: dict[str, type[UNetConfig] | type[DiTConfig]] = {"unet": UNetConfig, "dit": DiTConfig}


def network_config(network: str | NetworkConfig | Mapping[str, Any]) -> NetworkConfig:
    """A configuration from its name ("unet", "dit"), its record, or itself.

    Raises
    ------
    InputError
        The name, a key of the record, or the type of a value is unknown.
    """
    if isinstance(network, UNetConfig | DiTConfig):
        return network
    record: dict[str, Any] = {"name": network} if isinstance(network, str) else dict(network)
    name = record.pop("name", None)
    check_name("network", name, tuple(CONFIGS))
    defaults = {field.name: field.default for field in fields(CONFIGS[name])}
    for key, value in record.items():
        if key not in defaults:
            near = difflib.get_close_matches(key, defaults, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(
                f"network {name}: unknown option {key!r}{hint}; choose from {', '.join(defaults)}"
            )
        if isinstance(defaults[key], tuple) and _are_whole(value):
            record[key] = tuple(value)
        elif isinstance(defaults[key], tuple) or not _are_whole([value]):
            wanted = "whole numbers" if isinstance(defaults[key], tuple) else "one whole number"
            raise InputError(f"network {name}: {key} {value!r} is wrong; give {wanted}")
    return CONFIGS[name](**record)


def network_record(config: NetworkConfig) -> dict[str, Any]:
    """The configuration as JSON holds it; `network_config` takes it back."""
    name = next(name for name, kind in CONFIGS.items() if isinstance(config, kind))
    record = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(config).items()}
    return {"name": name, **record}


def make_network(config: NetworkConfig, shape: tuple[int, ...]) -> nn.Module:
    """The network for examples of a shape (C, H, W), with fresh weights from torch's generator.

    Raises
    ------
    InputError
        The examples are no images.
    """
    if len(shape) != 3:
        raise InputError(
            f"network {network_record(config)['name']}: is for images (C, H, W), here examples "
            f"have the shape {shape}; measure sound as images (--view log-mel)"
        )
    channels, height, width = shape
    if isinstance(config, UNetConfig):
        return UNet(config, channels)
    return DiT(config, (channels, height, width))


class InBfloat16(nn.Module):
    """A network whose matrix products and convolutions run in bfloat16; its weights stay float32.

    Only the network: what makes a denoiser of it needs float32.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(x, level)


def _are_whole(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(type(value) is int for value in values)
