"""diffusers' own pipelines, ten steps, the exact Gaussian denoiser of four measured spectra.

Beside our exported schedule: each scheduler's default, and linear betas with all else as ours.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import spectra
from spectra.interop import export_diffusers
from spectra.schedule import Schedule
from tests.benchmarks.grids import SOURCES
from tests.benchmarks.table import Row
from tests.shared import SHARED

__all__ = ["diffusers_samples"]

STEPS, SAMPLES, BATCH = 10, 512, 128
SPREAD = 0.5  # of the values, as images in [-1, 1] have it
# Scheduler class -> the solver that its steps are.
SOLVERS = {"DDIMScheduler": "ddim", "DPMSolverMultistepScheduler": "2m"}


def diffusers_samples() -> list[Row]:
    rows, ratios = [], []
    for name, schedule in measured_schedules():
        data = ring_power(gaussian_data(schedule))
        for scheduler, solver in SOLVERS.items():
            with tempfile.TemporaryDirectory() as folder:
                export_diffusers(schedule, folder, steps=STEPS, solver=solver)
                ours = library(scheduler).from_pretrained(folder)
            found = {
                "exported": ours,
                "default": library(scheduler)(),
                "linear betas": library(scheduler).from_config(
                    {**ours.config, "trained_betas": None, "beta_schedule": "linear"}
                ),
            }
            away = {
                key: distance(ring_power(samples(schedule, kind)), data)
                for key, kind in found.items()
            }
            for rival in ("default", "linear betas"):
                ratio = away["exported"] / away[rival]
                ratios.append(ratio)
                rows.append(
                    Row(
                        f"{name}, {scheduler}, against {rival}",
                        "ratio under 1",
                        f"{ratio:.3f} ({away['exported']:.2f} dB, {away[rival]:.2f} dB)",
                        ratio < 1,
                    )
                )
    rows.append(
        Row("the worst ratio", "under 1", f"{max(ratios):.3f}", max(ratios) < 1)
        if ratios
        else Row("data", "measured", "absent", False)
    )
    return rows


def measured_schedules() -> Iterator[tuple[str, Schedule]]:
    """Each data set's derived schedule, its values scaled to a spread of one half about 0."""
    for name, (path, view) in SOURCES.items():
        if not (SHARED / path).exists():
            continue
        source = spectra.open_source(str(SHARED / path), **view)
        spectrum = spectra.analyze(source, bases=("dct",), workers=1)
        made = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
        scale = SPREAD**2 / made.variance.mean()
        yield name, replace(made, variance=scale * made.variance, mean=0 * made.mean)


def library(name: str) -> Any:
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    return getattr(diffusers, name)


def gaussian_data(schedule: Schedule) -> np.ndarray:
    """Draws of N(0, lambda) as the pipeline would show them, [N, C, H, W]."""
    white = np.random.default_rng(1).standard_normal((4 * SAMPLES, *schedule.shape))
    return shown(schedule.make_basis().inverse(white * np.sqrt(schedule.variance)))


def samples(schedule: Schedule, scheduler: Any) -> np.ndarray:
    """What the pipeline gives with the exact denoiser, [N, C, H, W] in [-1, 1]."""
    from tests.interop.gaussian_models import ScalarWiener

    unet = ScalarWiener(sample_size=schedule.shape[1:], in_channels=schedule.shape[0])
    unet.told(schedule, scheduler.alphas_cumprod)
    kind = "DDIMPipeline" if type(scheduler).__name__ == "DDIMScheduler" else "DDPMPipeline"
    pipe = library(kind)(unet=unet, scheduler=scheduler)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    drawn = [
        pipe(BATCH, generator=generator, num_inference_steps=STEPS, output_type="np").images
        for _ in range(SAMPLES // BATCH)
    ]
    return 2 * np.moveaxis(np.concatenate(drawn), -1, 1) - 1


def shown(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -1, 1)


def ring_power(images: np.ndarray) -> np.ndarray:
    """Mean power of each ring, [F]."""
    power, _ = spectra.rapsd(images)
    return power.reshape(-1, power.shape[-1]).mean(axis=0)


def distance(power: np.ndarray, reference: np.ndarray) -> float:
    """Root mean square over the rings, dB."""
    return float(np.sqrt(np.mean((10 * np.log10(power / reference)) ** 2)))
