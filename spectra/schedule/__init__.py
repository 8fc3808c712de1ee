"""Spectrum -> f_max(t) -> schedule: the only place that chooses."""

from spectra.schedule.auditing.audit import Audit, audit
from spectra.schedule.cutoff import FrequencyCutoff, check_cutoff, frequency_cutoff
from spectra.schedule.densities.density import EdmConstants, edm_constants, training_density
from spectra.schedule.densities.noise_density import NoiseDensity
from spectra.schedule.densities.times import schedule_with_density
from spectra.schedule.derive import derive_schedule
from spectra.schedule.drowning import out_of_order
from spectra.schedule.from_cutoff import schedule_from_cutoff
from spectra.schedule.moving.scale import SigmaScale
from spectra.schedule.moving.transfer import sigma_scale, transfer_schedule
from spectra.schedule.orderings import Ordering
from spectra.schedule.parts import mixed_schedule
from spectra.schedule.per_example import ExampleSchedules, example_schedules
from spectra.schedule.presets import PRESETS, PresetName, check_preset, preset
from spectra.schedule.processes import ProcessName, ScalarProcess, process
from spectra.schedule.refine import refine_schedule
from spectra.schedule.schedule import Schedule
from spectra.schedule.standard import standard_beside, standard_schedule
from spectra.schedule.steps.bits import component_bits
from spectra.schedule.steps.comparison import GridComparison, compare_grids
from spectra.schedule.steps.denoising import DenoisingError, load_denoising_error, wiener_error
from spectra.schedule.steps.gaussian import Prediction, predict_error, predict_sigmas
from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.rules import named_sigmas
from spectra.schedule.tables import load_schedule
from spectra.schedule.weights.frequency_weights import frequency_weighting
from spectra.schedule.weights.weighting import ImpliedWeights, implied_weights, schedule_weights

__all__ = [
    "PRESETS",
    "Audit",
    "DenoisingError",
    "EdmConstants",
    "ExampleSchedules",
    "FrequencyCutoff",
    "GridComparison",
    "ImpliedWeights",
    "NoiseDensity",
    "Ordering",
    "Prediction",
    "PresetName",
    "ProcessName",
    "ScalarProcess",
    "Schedule",
    "SigmaScale",
    "audit",
    "check_cutoff",
    "check_preset",
    "compare_grids",
    "component_bits",
    "derive_schedule",
    "edm_constants",
    "example_schedules",
    "frequency_cutoff",
    "frequency_weighting",
    "implied_weights",
    "load_denoising_error",
    "load_schedule",
    "mixed_schedule",
    "named_sigmas",
    "optimal_sigmas",
    "out_of_order",
    "predict_error",
    "predict_sigmas",
    "preset",
    "process",
    "refine_schedule",
    "schedule_from_cutoff",
    "schedule_weights",
    "schedule_with_density",
    "sigma_scale",
    "standard_beside",
    "standard_schedule",
    "training_density",
    "transfer_schedule",
    "wiener_error",
]
