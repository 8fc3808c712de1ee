"""A schedule as other libraries read it; what each cannot hold is said.

Only `spectral_scheduler` needs diffusers when it is imported.
"""

from typing import TYPE_CHECKING, Any

from spectra.interop.diffusers_scalar import export_diffusers, scheduler_config, trained_betas
from spectra.interop.edm import edm_kwargs, export_edm, sample_sigma
from spectra.interop.export import Export
from spectra.interop.flow import TimeWarp, best_shift, export_flow, flow_sigmas, time_warp
from spectra.interop.k_diffusion import export_k_diffusion, k_diffusion_sigmas, sample_density
from spectra.interop.kohya import export_kohya, training_flags
from spectra.interop.prescription import Prescription, prescription
from spectra.interop.scalar import ScalarView, scalar_view, whitened
from spectra.interop.targets import Target, export_schedule

__all__ = [
    "Export",
    "Prescription",
    "ScalarView",
    "SpectralScheduler",
    "Target",
    "TimeWarp",
    "best_shift",
    "edm_kwargs",
    "export_diffusers",
    "export_edm",
    "export_flow",
    "export_k_diffusion",
    "export_kohya",
    "export_schedule",
    "flow_sigmas",
    "k_diffusion_sigmas",
    "prescription",
    "sample_density",
    "sample_sigma",
    "scalar_view",
    "scheduler_config",
    "time_warp",
    "trained_betas",
    "training_flags",
    "whitened",
]

if TYPE_CHECKING:
    from spectra.interop.spectral_scheduler import SpectralScheduler


def __getattr__(name: str) -> Any:
    if name == "SpectralScheduler":
        try:
            from spectra.interop.spectral_scheduler import SpectralScheduler
        except ImportError as error:
            raise ImportError(
                f"SpectralScheduler needs diffusers ({error}); "
                "pip install -U 'spectra-diffusion[diffusers]'"
            ) from error
        return SpectralScheduler
    raise AttributeError(f"module 'spectra.interop' has no attribute {name!r}")
