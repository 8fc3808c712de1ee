"""Networks f(x, level): [B, C, H, W] and noise levels [B] in [0, 1] -> [B, C, H, W]."""

from spectra.diffusion.networks.configs import (
    InBfloat16,
    NetworkConfig,
    make_network,
    network_config,
    network_record,
)
from spectra.diffusion.networks.dit import DiT, DiTConfig
from spectra.diffusion.networks.unet import UNet, UNetConfig

__all__ = [
    "DiT",
    "DiTConfig",
    "InBfloat16",
    "NetworkConfig",
    "UNet",
    "UNetConfig",
    "make_network",
    "network_config",
    "network_record",
]
