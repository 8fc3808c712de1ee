"""Which network, as a record that JSON can hold, and the network built from it."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, get_args

import torch
from torch import Tensor, nn

from spectra.diffusion.networks.custom import CustomConfig, Times
from spectra.diffusion.networks.diffusers_unet import DiffusersConfig, DiffusersUNet
from spectra.diffusion.networks.dit import DiT, DiTConfig
from spectra.diffusion.networks.inputs import NOTHING, Inputs
from spectra.diffusion.networks.unet import UNet, UNetConfig
from spectra.errors import InputError, check_name

__all__ = [
    "InBfloat16",
    "NetworkConfig",
    "count_weights",
    "make_network",
    "network_config",
    "network_record",
    "network_text",
]

NetworkConfig = UNetConfig | DiTConfig | DiffusersConfig | CustomConfig
"""What a network is made from, see `make_network`."""

OWN: dict[str, type[UNetConfig] | type[DiTConfig]] = {"unet": UNetConfig, "dit": DiTConfig}
NAMES = (*OWN, "diffusers")
NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
SERIES, IMAGE = 2, 3  # dimensions of an example


def network_config(network: str | nn.Module | NetworkConfig | Mapping[str, Any]) -> NetworkConfig:
    """A configuration from a name ("unet", "dit", "diffusers"), its record, a module, or itself.

    Parameters
    ----------
    network
        A name, which options may follow as in "unet:width=64,multipliers=1-2-4,attention=2", a
        record with "name" and options, a torch module, or a configuration.

    Returns
    -------
    NetworkConfig

    Raises
    ------
    InputError
        The name, a key of the record, or the type of a value is unknown; or the module is none
        that can be trained.
    """
    if isinstance(network, nn.Module):
        return CustomConfig.of(network)
    if isinstance(network, NetworkConfig):
        return network
    if not isinstance(network, str | Mapping):
        raise InputError(
            f"network {type(network).__name__}: give {', '.join(NAMES)}, a record with its name "
            "and options, or a torch.nn.Module"
        )
    record = _record(network) if isinstance(network, str) else dict(network)
    name = record.pop("name", None)
    if name == "custom":
        return _custom_config(record)
    check_name("network", name, NAMES)
    if name == "diffusers":
        return DiffusersConfig(record)
    defaults = _defaults(name)
    for key, value in record.items():
        if key not in defaults:
            near = difflib.get_close_matches(key, defaults, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(
                f"network {name}: unknown option {key!r}{hint}; choose from {', '.join(defaults)}"
            )
        kind = type(defaults[key])
        if kind is tuple and _are_whole(value):
            record[key] = tuple(value)
        elif kind is float and type(value) in (int, float):
            record[key] = float(value)
        elif kind is not int or type(value) is not int:
            wanted = {tuple: "whole numbers", int: "one whole number", float: "one number"}[kind]
            raise InputError(f"network {name}: {key} {value!r} is wrong; give {wanted}")
    return OWN[name](**record)


def _record(text: str) -> dict[str, Any]:
    """``NAME[:key=value[,key=value...]]`` as a record; a value is a number, or n-n-..."""
    name, colon, rest = text.partition(":")
    record: dict[str, Any] = {"name": name}
    for option in rest.split(",") if colon else ():
        key, _, value = option.partition("=")
        words = value.split("-")
        if key in record or not all(NUMBER.fullmatch(word) for word in words):
            raise InputError(
                f"network {text}: {option!r} cannot be read; give each option once and numbers, "
                "as in unet:width=64,multipliers=1-2-4,attention=2,dropout=0.1"
            )
        numbers = [float(word) if "." in word else int(word) for word in words]
        one = len(numbers) == 1 and not isinstance(_defaults(name).get(key), tuple)
        record[key] = numbers[0] if one else numbers
    return record


def network_text(record: Mapping[str, Any]) -> str:
    """A record of ours as `network_config` reads it from text; another's as it is.

    Parameters
    ----------
    record : mapping
        As `network_record` gives it.

    Returns
    -------
    str
    """
    if record.get("name") not in OWN:
        return str(record)
    options = {key: value for key, value in record.items() if key != "name" and value != []}
    words = [
        f"{key}={'-'.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in options.items()
    ]
    return f"{record['name']}:{','.join(words)}"


def _defaults(name: str) -> dict[str, Any]:
    """Options of a network of ours; none of another."""
    return {field.name: field.default for field in fields(OWN[name])} if name in OWN else {}


def network_record(config: NetworkConfig) -> dict[str, Any]:
    """The configuration as JSON holds it; `network_config` takes it back.

    Parameters
    ----------
    config : NetworkConfig

    Returns
    -------
    dict
    """
    if isinstance(config, DiffusersConfig):
        return {"name": "diffusers", **config.options}
    if isinstance(config, CustomConfig):
        record = {"name": "custom", "class": config.kind, "parameters": config.parameters}
        return {**record, "times": config.times, "labels": config.labels}
    name = next(name for name, kind in OWN.items() if isinstance(config, kind))
    record = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(config).items()}
    if config.dropout == 0:  # younger than the oldest runs: said where it is used
        del record["dropout"]
    return {"name": name, **record}


def make_network(
    config: NetworkConfig,
    shape: tuple[int, ...],
    inputs: Inputs = NOTHING,
    module: nn.Module | Callable[[], nn.Module] | None = None,
) -> nn.Module:
    """The network for examples of a shape (C, H, W) or (C, L).

    Its weights are fresh from torch's generator, or those of a module that was brought along.

    Parameters
    ----------
    config : NetworkConfig
    shape : tuple of int
    inputs : Inputs
        What it is told besides x and level.
    module : torch.nn.Module, optional
        Of a `CustomConfig`, the module itself; it is copied.

    Returns
    -------
    torch.nn.Module
        f(x [B, C, *spatial], level [B], vector=None, maps=None, label=None) -> [B, C, *spatial].

    Raises
    ------
    InputError
        The examples are neither images nor series, or the network is none for them.
    """
    if isinstance(config, CustomConfig):
        return config.made_from(module, inputs.labels)
    if module is not None:
        raise InputError(
            f"network {type(module).__qualname__}: the network recorded here is "
            f"{network_record(config)['name']}; leave network= out"
        )
    name = network_record(config)["name"]
    if len(shape) not in (SERIES, IMAGE):
        raise InputError(
            f"network {name}: is for images (C, H, W) and series (C, L), here examples have the "
            f"shape {tuple(shape)}; bring your own (network=a torch.nn.Module)"
        )
    series = len(shape) == SERIES
    if isinstance(config, DiffusersConfig):
        if series:
            raise InputError(
                f"network {name}: is for images (C, H, W), here examples have the shape "
                f"{tuple(shape)}; use unet or dit"
            )
        return DiffusersUNet(config, shape[0], inputs)
    if isinstance(config, UNetConfig):
        return UNet(config, shape[0], inputs, series)
    return DiT(config, shape, inputs)


def count_weights(config: UNetConfig | DiTConfig, shape: tuple[int, ...]) -> int:
    """Weights of a network of ours that is told the time only; none of them is made.

    Parameters
    ----------
    config : UNetConfig or DiTConfig
    shape : tuple of int
        Of an example, (C, H, W) or (C, L).

    Returns
    -------
    int
    """
    # Every block more has as many again; to build a million of them takes minutes.
    repeated = "depth" if isinstance(config, DiTConfig) else "blocks"
    with torch.device("meta"):
        one, two = (
            sum(
                weight.numel()
                for weight in make_network(replace(config, **{repeated: count}), shape).parameters()
            )
            for count in (1, 2)
        )
    return one + (getattr(config, repeated) - 1) * (two - one)


def _custom_config(record: Mapping[str, Any]) -> CustomConfig:
    """What `network_record` wrote of a network that was brought along."""
    kind, count = record.get("class"), record.get("parameters")
    times, labels = record.get("times", "level"), record.get("labels")
    if isinstance(kind, str) and type(count) is int and times in get_args(Times):
        return CustomConfig(kind, count, times, labels)
    raise InputError("network custom: is a module of your own; give the torch.nn.Module itself")


class InBfloat16(nn.Module):
    """A network whose matrix products and convolutions run in bfloat16; its weights stay float32.

    Only the network: what makes a denoiser of it needs float32.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, level: Tensor, *told: Tensor | None) -> Tensor:
        """As the network itself."""
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(x, level, *told)


def _are_whole(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(type(value) is int for value in values)
