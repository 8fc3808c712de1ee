"""Schedule + batches -> model -> samples and bits/dim."""

from spectra.diffusion.extend import extend
from spectra.diffusion.measure import measure_denoiser
from spectra.diffusion.mixture import (
    GaussianMixture,
    mixture_bound,
    mixture_paths,
    mixture_schedule,
)
from spectra.diffusion.networks import custom_network
from spectra.diffusion.run import Run, load_run
from spectra.diffusion.sample import sample
from spectra.diffusion.train import TrainConfig, train

__all__ = [
    "GaussianMixture",
    "Run",
    "TrainConfig",
    "custom_network",
    "extend",
    "load_run",
    "measure_denoiser",
    "mixture_bound",
    "mixture_paths",
    "mixture_schedule",
    "sample",
    "train",
]
