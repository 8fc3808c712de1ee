"""Looks at the data before it chooses the noise: spectra, f_max(t) and fitted noise schedules."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that defines it. Loaded on first use: measuring must not pay for
# training, nor either for plots (`import spectra` stays under half a second).
_HOME = {
    "Exponents": "spectra.fit",
    "Floor": "spectra.fit",
    "FrequencyCutoff": "spectra.schedule",
    "InputError": "spectra.errors",
    "PowerLaw": "spectra.fit",
    "Run": "spectra.diffusion",
    "Schedule": "spectra.schedule",
    "Source": "spectra.data",
    "Spectrum": "spectra.spectrum",
    "analyze": "spectra.spectrum",
    "derive_schedule": "spectra.schedule",
    "evaluate": "spectra.evaluation",
    "find_floors": "spectra.fit",
    "fit_examples": "spectra.fit",
    "fit_power_law": "spectra.fit",
    "frequency_cutoff": "spectra.schedule",
    "load_run": "spectra.diffusion",
    "load_schedule": "spectra.schedule",
    "load_spectrum": "spectra.spectrum",
    "log_mel": "spectra.spectrum",
    "make_basis": "spectra.bases",
    "measure_exponents": "spectra.fit",
    "mel_cepstrum": "spectra.spectrum",
    "mel_spectrogram": "spectra.spectrum",
    "mfcc": "spectra.spectrum",
    "open_source": "spectra.data",
    "preset": "spectra.schedule",
    "rapsd": "spectra.spectrum",
    "sample": "spectra.diffusion",
    "schedule_from_cutoff": "spectra.schedule",
    "spectrogram": "spectra.spectrum",
    "standard_schedule": "spectra.schedule",
    "train": "spectra.diffusion",
    "welch": "spectra.spectrum",
}

__all__ = [
    "Exponents",
    "Floor",
    "FrequencyCutoff",
    "InputError",
    "PowerLaw",
    "Run",
    "Schedule",
    "Source",
    "Spectrum",
    "__version__",
    "analyze",
    "derive_schedule",
    "evaluate",
    "find_floors",
    "fit_examples",
    "fit_power_law",
    "frequency_cutoff",
    "load_run",
    "load_schedule",
    "load_spectrum",
    "log_mel",
    "make_basis",
    "measure_exponents",
    "mel_cepstrum",
    "mel_spectrogram",
    "mfcc",
    "open_source",
    "preset",
    "rapsd",
    "sample",
    "schedule_from_cutoff",
    "spectrogram",
    "standard_schedule",
    "train",
    "welch",
]

if TYPE_CHECKING:
    from spectra.bases import make_basis
    from spectra.data import Source, open_source
    from spectra.diffusion import Run, load_run, sample, train
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
    from spectra.schedule import (
        FrequencyCutoff,
        Schedule,
        derive_schedule,
        frequency_cutoff,
        load_schedule,
        preset,
        schedule_from_cutoff,
        standard_schedule,
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
    if name not in _HOME:
        raise AttributeError(f"module 'spectra' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
