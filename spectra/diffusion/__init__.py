"""Schedule + batches -> model -> samples and bits/dim."""

from spectra.diffusion.measure import measure_denoiser
from spectra.diffusion.run import Run, load_run
from spectra.diffusion.sample import sample
from spectra.diffusion.train import TrainConfig, train

__all__ = ["Run", "TrainConfig", "load_run", "measure_denoiser", "sample", "train"]
