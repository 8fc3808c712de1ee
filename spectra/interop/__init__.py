"""A schedule as other libraries read it; what each cannot hold is said.

Only `spectral_scheduler` needs diffusers when it is imported.
"""

from typing import TYPE_CHECKING, Any

from spectra.interop.diffusers_scalar import export_diffusers, scheduler_config, trained_betas
from spectra.interop.export import Export
from spectra.interop.scalar import ScalarView, best_times, scalar_view, whitened

__all__ = [
    "Export",
    "ScalarView",
    "SpectralScheduler",
    "best_times",
    "export_diffusers",
    "scalar_view",
    "scheduler_config",
    "trained_betas",
    "whitened",
]

if TYPE_CHECKING:
    from spectra.interop.spectral_scheduler import SpectralScheduler


def __getattr__(name: str) -> Any:
    if name == "SpectralScheduler":
        from spectra.interop.spectral_scheduler import SpectralScheduler

        return SpectralScheduler
    raise AttributeError(f"module 'spectra.interop' has no attribute {name!r}")
