"""Models that know the best answer for Gaussian data, in diffusers' clothes."""

from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d import UNet2DOutput

from spectra.interop.spectral_scheduler import SpectralScheduler
from spectra.schedule import Schedule

__all__ = ["ComponentWiener", "ScalarWiener"]


class ComponentWiener(ModelMixin, ConfigMixin):
    """Best prediction of N(mean, lambda) data noised by a SpectralScheduler."""

    @register_to_config
    def __init__(self, sample_size: Any = 16, in_channels: int = 1) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.scheduler: SpectralScheduler | None = None

    def forward(self, sample: torch.Tensor, timestep: Any, return_dict: bool = True) -> Any:
        scheduler = self.scheduler
        assert scheduler is not None
        levels = scheduler._on(sample.device)
        t = (float(timestep) + 1) / len(scheduler)
        signal, spread = levels.scales(t)
        variance = levels.process.variance
        state = levels.transform(sample)
        total = signal**2 * variance + spread**2
        z, eps = signal * variance / total * state, spread / total * state
        said = {
            "epsilon": lambda: levels.back(eps),
            "sample": lambda: levels.examples(z),
            "v_prediction": lambda: levels.back(signal * eps - spread * z),
            "flow_prediction": lambda: levels.back(eps) - levels.examples(z),
        }[scheduler.config["prediction_type"]]()
        return UNet2DOutput(sample=said)


class ScalarWiener(ModelMixin, ConfigMixin):
    """Best noise prediction of N(mean, lambda) data for a scheduler with an alpha-bar table."""

    @register_to_config
    def __init__(self, sample_size: Any = 16, in_channels: int = 1) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def told(self, schedule: Schedule, alphas_cumprod: torch.Tensor) -> "ScalarWiener":
        """Say what the data are and what the timesteps mean."""
        self.basis = schedule.make_basis()
        self.variance = torch.tensor(schedule.variance)
        self.mean = torch.tensor(schedule.mean)
        self.table = alphas_cumprod.double()
        return self

    def forward(self, sample: torch.Tensor, timestep: Any, return_dict: bool = True) -> Any:
        bar = self.table[int(timestep)]
        z = self.basis.forward(sample.double() - bar.sqrt() * self.mean)
        eps = (1 - bar).sqrt() / (bar * self.variance + 1 - bar) * z
        return UNet2DOutput(sample=self.basis.inverse(eps).to(sample.dtype))
