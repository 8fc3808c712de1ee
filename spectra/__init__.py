"""Looks at the data before it chooses the noise: spectra, f_max(t) and fitted noise schedules.

What most people call is here; the rest is in `spectra.data`, `spectra.bases`, `spectra.spectrum`,
`spectra.fit`, `spectra.schedule`, `spectra.diffusion`, `spectra.evaluation`, `spectra.comparison`,
`spectra.interop` and `spectra.plots`. Arrays are numpy's, [B, C, *spatial]; frequencies are in
cycles/pixel. Examples assume ``import numpy as np`` and ``import spectra``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Found as attributes too, so that `spectra.plots` needs no import of its own.
_PARTS = (
    "bases",
    "comparison",
    "data",
    "diffusion",
    "evaluation",
    "fit",
    "interop",
    "plots",
    "schedule",
    "spectrum",
)

# Public name -> the module that defines it. Loaded on first use: measuring must not pay for
# training, nor either for plots (`import spectra` stays under half a second).
_HOME = {
    "Audit": "spectra.schedule",
    "DenoisingError": "spectra.schedule",
    "EdmConstants": "spectra.schedule",
    "Exponents": "spectra.fit",
    "Floor": "spectra.fit",
    "FrequencyCutoff": "spectra.schedule",
    "InputError": "spectra.errors",
    "NoiseDensity": "spectra.schedule",
    "Ordering": "spectra.schedule",
    "PowerLaw": "spectra.fit",
    "Prediction": "spectra.schedule",
    "Run": "spectra.diffusion",
    "Schedule": "spectra.schedule",
    "SigmaScale": "spectra.schedule",
    "Source": "spectra.data",
    "Spectrum": "spectra.spectrum",
    "analyze": "spectra.spectrum",
    "audit": "spectra.schedule",
    "Arm": "spectra.comparison",
    "Comparison": "spectra.comparison",
    "compare": "spectra.comparison",
    "compare_grids": "spectra.schedule",
    "custom_network": "spectra.diffusion",
    "derive_schedule": "spectra.schedule",
    "edm_constants": "spectra.schedule",
    "evaluate": "spectra.evaluation",
    "example_schedules": "spectra.schedule",
    "export_schedule": "spectra.interop",
    "extend": "spectra.diffusion",
    "find_floors": "spectra.fit",
    "fit_examples": "spectra.fit",
    "fit_power_law": "spectra.fit",
    "frequency_cutoff": "spectra.schedule",
    "frequency_weighting": "spectra.schedule",
    "implied_weights": "spectra.schedule",
    "load_comparison": "spectra.comparison",
    "load_denoising_error": "spectra.schedule",
    "load_run": "spectra.diffusion",
    "load_schedule": "spectra.schedule",
    "load_spectrum": "spectra.spectrum",
    "log_mel": "spectra.spectrum",
    "make_basis": "spectra.bases",
    "measure_denoiser": "spectra.diffusion",
    "measure_exponents": "spectra.fit",
    "mel_cepstrum": "spectra.spectrum",
    "mel_spectrogram": "spectra.spectrum",
    "mfcc": "spectra.spectrum",
    "open_source": "spectra.data",
    "optimal_sigmas": "spectra.schedule",
    "predict_error": "spectra.schedule",
    "predict_sigmas": "spectra.schedule",
    "prescription": "spectra.interop",
    "preset": "spectra.schedule",
    "rapsd": "spectra.spectrum",
    "refine_schedule": "spectra.schedule",
    "sample": "spectra.diffusion",
    "schedule_from_cutoff": "spectra.schedule",
    "schedule_weights": "spectra.schedule",
    "schedule_with_density": "spectra.schedule",
    "sigma_scale": "spectra.schedule",
    "spectrogram": "spectra.spectrum",
    "standard_schedule": "spectra.schedule",
    "train": "spectra.diffusion",
    "training_density": "spectra.schedule",
    "transfer_schedule": "spectra.schedule",
    "welch": "spectra.spectrum",
    "wiener_error": "spectra.schedule",
}

__all__ = [
    "Arm",
    "Audit",
    "Comparison",
    "DenoisingError",
    "EdmConstants",
    "Exponents",
    "Floor",
    "FrequencyCutoff",
    "InputError",
    "NoiseDensity",
    "Ordering",
    "PowerLaw",
    "Prediction",
    "Run",
    "Schedule",
    "SigmaScale",
    "Source",
    "Spectrum",
    "__version__",
    "analyze",
    "audit",
    "compare",
    "compare_grids",
    "custom_network",
    "derive_schedule",
    "edm_constants",
    "evaluate",
    "example_schedules",
    "export_schedule",
    "extend",
    "find_floors",
    "fit_examples",
    "fit_power_law",
    "frequency_cutoff",
    "frequency_weighting",
    "implied_weights",
    "load_comparison",
    "load_denoising_error",
    "load_run",
    "load_schedule",
    "load_spectrum",
    "log_mel",
    "make_basis",
    "measure_denoiser",
    "measure_exponents",
    "mel_cepstrum",
    "mel_spectrogram",
    "mfcc",
    "open_source",
    "optimal_sigmas",
    "predict_error",
    "predict_sigmas",
    "prescription",
    "preset",
    "rapsd",
    "refine_schedule",
    "sample",
    "schedule_from_cutoff",
    "schedule_weights",
    "schedule_with_density",
    "sigma_scale",
    "spectrogram",
    "standard_schedule",
    "train",
    "training_density",
    "transfer_schedule",
    "welch",
    "wiener_error",
]

if TYPE_CHECKING:
    from spectra.bases import make_basis
    from spectra.comparison import Arm, Comparison, compare, load_comparison
    from spectra.data import Source, open_source
    from spectra.diffusion import (
        Run,
        custom_network,
        extend,
        load_run,
        measure_denoiser,
        sample,
        train,
    )
    from spectra.errors import InputError
    from spectra.evaluation import evaluate
    from spectra.fit import (
        Exponents,
        Floor,
        PowerLaw,
        find_floors,
        fit_examples,
        fit_power_law,
        measure_exponents,
    )
    from spectra.interop import export_schedule, prescription
    from spectra.schedule import (
        Audit,
        DenoisingError,
        EdmConstants,
        FrequencyCutoff,
        NoiseDensity,
        Ordering,
        Prediction,
        Schedule,
        SigmaScale,
        audit,
        compare_grids,
        derive_schedule,
        edm_constants,
        example_schedules,
        frequency_cutoff,
        frequency_weighting,
        implied_weights,
        load_denoising_error,
        load_schedule,
        optimal_sigmas,
        predict_error,
        predict_sigmas,
        preset,
        refine_schedule,
        schedule_from_cutoff,
        schedule_weights,
        schedule_with_density,
        sigma_scale,
        standard_schedule,
        training_density,
        transfer_schedule,
        wiener_error,
    )
    from spectra.spectrum import (
        Spectrum,
        analyze,
        load_spectrum,
        log_mel,
        mel_cepstrum,
        mel_spectrogram,
        mfcc,
        rapsd,
        spectrogram,
        welch,
    )


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"spectra.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'spectra' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *_PARTS]
