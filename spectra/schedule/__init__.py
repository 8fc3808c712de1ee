"""Spectrum -> f_max(t) -> schedule: the only place that chooses."""

from spectra.schedule.cutoff import FrequencyCutoff, check_cutoff, frequency_cutoff
from spectra.schedule.derive import derive_schedule
from spectra.schedule.from_cutoff import schedule_from_cutoff
from spectra.schedule.presets import PRESETS, PresetName, check_preset, preset
from spectra.schedule.processes import ProcessName, ScalarProcess, process
from spectra.schedule.schedule import Schedule
from spectra.schedule.standard import standard_beside, standard_schedule
from spectra.schedule.tables import load_schedule

__all__ = [
    "PRESETS",
    "FrequencyCutoff",
    "PresetName",
    "ProcessName",
    "ScalarProcess",
    "Schedule",
    "check_cutoff",
    "check_preset",
    "derive_schedule",
    "frequency_cutoff",
    "load_schedule",
    "preset",
    "process",
    "schedule_from_cutoff",
    "standard_beside",
    "standard_schedule",
]
