"""Any of the nouns above -> a picture, a page."""

from spectra.plots.animation import inline_animation, save_animation
from spectra.plots.arms import plot_bits_along_training
from spectra.plots.audit import plot_audit
from spectra.plots.bases import plot_bases
from spectra.plots.beside import plot_samples_beside_data
from spectra.plots.cepstrum import plot_log_mel_spectra, plot_mfcc
from spectra.plots.colour import plot_channels
from spectra.plots.component_bits import plot_component_bits
from spectra.plots.contrasts import plot_contrasts
from spectra.plots.cutoff import plot_cutoff
from spectra.plots.denoising import plot_denoising
from spectra.plots.density import plot_training_density
from spectra.plots.directions import plot_directions
from spectra.plots.drowning import plot_drowning, plot_drowning_plane
from spectra.plots.evaluations import plot_against_evaluations
from spectra.plots.exponents import plot_exponents
from spectra.plots.fields import plot_fields
from spectra.plots.hinge import plot_hinge
from spectra.plots.image_spectra import plot_image_spectra
from spectra.plots.images import plot_examples
from spectra.plots.lowpass import plot_lowpass
from spectra.plots.noised import animate_noised, plot_noised
from spectra.plots.noisy import plot_noisy_spectra
from spectra.plots.octaves import plot_octaves
from spectra.plots.pair import plot_two_cutoffs, plot_two_spectra
from spectra.plots.paths import plot_snr_paths
from spectra.plots.prediction import plot_prediction
from spectra.plots.report import Cell, Fact, Section, Table, write_report
from spectra.plots.schedule import plot_schedule
from spectra.plots.schedule_tide import animate_schedule
from spectra.plots.signals import plot_spectrograms, plot_waveforms
from spectra.plots.slices import animate_slices, plot_slices
from spectra.plots.sound import plot_clips, plot_periodograms, plot_sound_spectrum
from spectra.plots.spectrum import plot_rapsd, plot_sample_spectrum, plot_spectra
from spectra.plots.steps import plot_steps
from spectra.plots.strengths import StrengthCurve, plot_strengths
from spectra.plots.studies import plot_studies
from spectra.plots.style import house_style, save_figure
from spectra.plots.tide import animate_tide
from spectra.plots.toy import animate_sample_paths, plot_sample_paths
from spectra.plots.training import plot_training
from spectra.plots.weighting import plot_weighting

__all__ = [
    "Cell",
    "Fact",
    "Section",
    "StrengthCurve",
    "Table",
    "animate_noised",
    "animate_sample_paths",
    "animate_schedule",
    "animate_slices",
    "animate_tide",
    "house_style",
    "inline_animation",
    "plot_against_evaluations",
    "plot_audit",
    "plot_bases",
    "plot_bits_along_training",
    "plot_channels",
    "plot_clips",
    "plot_component_bits",
    "plot_contrasts",
    "plot_cutoff",
    "plot_denoising",
    "plot_directions",
    "plot_drowning",
    "plot_drowning_plane",
    "plot_examples",
    "plot_exponents",
    "plot_fields",
    "plot_hinge",
    "plot_image_spectra",
    "plot_log_mel_spectra",
    "plot_lowpass",
    "plot_mfcc",
    "plot_noised",
    "plot_noisy_spectra",
    "plot_octaves",
    "plot_periodograms",
    "plot_prediction",
    "plot_rapsd",
    "plot_sample_paths",
    "plot_sample_spectrum",
    "plot_samples_beside_data",
    "plot_schedule",
    "plot_slices",
    "plot_snr_paths",
    "plot_sound_spectrum",
    "plot_spectra",
    "plot_spectrograms",
    "plot_steps",
    "plot_strengths",
    "plot_studies",
    "plot_training",
    "plot_training_density",
    "plot_two_cutoffs",
    "plot_two_spectra",
    "plot_waveforms",
    "plot_weighting",
    "save_animation",
    "save_figure",
    "write_report",
]
