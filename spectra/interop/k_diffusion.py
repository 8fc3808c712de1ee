"""A schedule as k-diffusion reads it: a list of noise levels, and how to draw one for training."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectra.files import write_json
from spectra.interop.export import Export, sigma_data_notes
from spectra.interop.scalar import scalar_view
from spectra.schedule import Schedule
from spectra.schedule.auditing.sampler_file import SAMPLERS

__all__ = ["export_k_diffusion", "k_diffusion_sigmas", "sample_density", "sampler_name"]


def sampler_name(solver: str) -> str:
    """What k-diffusion calls the sampler that steps as a solver, or the plain one."""
    return SAMPLERS.get(solver, SAMPLERS["euler"])


def k_diffusion_sigmas(schedule: Schedule, steps: int, solver: str = "2m") -> np.ndarray:
    """What k-diffusion's samplers take as `sigmas`: falling, the last 0, float32 [steps + 1].

    Parameters
    ----------
    schedule : Schedule
        Where its noise differs between components, the one curve that stands for it.
    steps : int
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}
        The sampler that they are optimised for: `sample_euler`, `sample_heun`,
        `sample_dpmpp_2m`, `sample_euler_ancestral`.

    Returns
    -------
    float32 [steps + 1]

    Raises
    ------
    InputError
        Fewer than one step, or an unknown solver.

    Examples
    --------
    With a k-diffusion denoiser `model`, model(x, sigma) -> denoised x::

        import json
        import k_diffusion as K
        import torch

        kept = json.load(open("k_diffusion.json"))  # spectra export --to k-diffusion
        sigmas = torch.tensor(kept["sigmas"], device="cuda")
        x = torch.randn(16, 3, 32, 32, device="cuda") * sigmas[0]
        with torch.no_grad():
            samples = K.sampling.sample_dpmpp_2m(model, x, sigmas)
        # its trainer, instead of K.config.make_sample_density(config["model"]):
        sigma = spectra.interop.sample_density(schedule)([len(x)], device="cuda")
    """
    sigmas = scalar_view(schedule).sigmas(steps, solver).astype(np.float32)
    return np.minimum.accumulate(sigmas)


def sample_density(schedule: Schedule) -> Callable[..., Any]:
    """Draw training noise levels as k-diffusion's trainer asks for them.

    Parameters
    ----------
    schedule : Schedule

    Returns
    -------
    callable
        (shape, device="cpu", dtype=torch.float32, generator=None) -> tensor of sigma.
    """
    density = scalar_view(schedule).density

    def draw(
        shape: Sequence[int], device: Any = "cpu", dtype: Any = None, generator: Any = None
    ) -> Any:
        import torch

        place = "cpu" if generator is None else generator.device
        u = torch.rand(tuple(shape), dtype=torch.float64, generator=generator, device=place)
        sigma = torch.from_numpy(np.exp(density.quantile(u.cpu().numpy())))
        return sigma.to(device=device, dtype=dtype or torch.float32)

    return draw


def export_k_diffusion(
    schedule: Schedule, out: str | Path, *, steps: int = 10, solver: str = "2m"
) -> Export:
    """Write a JSON file with `sigmas`, and the training density as k-diffusion's config has it.

    Parameters
    ----------
    schedule : Schedule
    out : path
        The .json file.
    steps : int
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}

    Returns
    -------
    Export

    Raises
    ------
    InputError
        A file that cannot be written, fewer than one step, or an unknown solver.
    """
    view = scalar_view(schedule)
    sigmas, density = k_diffusion_sigmas(schedule, steps, solver), view.density
    distance = density.distance(density.mean, density.std)
    values: dict[str, Any] = {
        "sampler": sampler_name(solver),
        "sigmas": [float(sigma) for sigma in sigmas],
        "sigma_min": float(view.sigma(np.zeros(1))[0]),
        "sigma_max": float(view.sigma(np.ones(1))[0]),
        "sigma_data": float(np.sqrt(schedule.variance.mean())),
        "sigma_sample_density": {"type": "lognormal", "mean": density.mean, "std": density.std},
        "sample_density_table": {
            "log_sigma": density.log_sigma.tolist(),
            "cumulative": density.cumulative.tolist(),
        },
    }
    lost = (
        f"the training density through sigma_sample_density: the log-normal is {distance:.1%} "
        "(total variation) away; spectra.interop.sample_density is exact",
    )
    path = Path(out)
    write_json(path, {**values, "cannot_carry": [*view.cannot_carry, *lost]})
    shown = {name: value for name, value in values.items() if name != "sample_density_table"}
    notes = tuple(sigma_data_notes(schedule, values["sigma_data"]))
    return Export("k-diffusion", (path,), shown, (*view.cannot_carry, *lost), notes)
