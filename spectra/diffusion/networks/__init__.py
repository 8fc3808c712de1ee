"""Networks f(x, level): [B, C, *spatial] and noise levels [B] in [0, 1] -> [B, C, *spatial]."""

from spectra.diffusion.networks.configs import (
    InBfloat16,
    NetworkConfig,
    count_weights,
    make_network,
    network_config,
    network_record,
    network_text,
)
from spectra.diffusion.networks.custom import Custom, CustomConfig, custom_network
from spectra.diffusion.networks.diffusers_unet import DiffusersConfig
from spectra.diffusion.networks.dit import DiT, DiTConfig
from spectra.diffusion.networks.inputs import Inputs
from spectra.diffusion.networks.unet import UNet, UNetConfig

__all__ = [
    "Custom",
    "CustomConfig",
    "DiT",
    "DiTConfig",
    "DiffusersConfig",
    "InBfloat16",
    "Inputs",
    "NetworkConfig",
    "UNet",
    "UNetConfig",
    "count_weights",
    "custom_network",
    "make_network",
    "network_config",
    "network_record",
    "network_text",
]
