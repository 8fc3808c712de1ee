"""Any of the nouns above -> a picture, a page."""

from spectra.plots.comparison import plot_comparison
from spectra.plots.images import plot_examples, plot_log_spectra, plot_samples_beside_data
from spectra.plots.report import Fact, Section, Table, write_report
from spectra.plots.schedule import plot_cutoff, plot_schedule
from spectra.plots.spectrum import plot_hinge, plot_rapsd, plot_sample_spectrum
from spectra.plots.style import save_figure
from spectra.plots.training import plot_training

__all__ = [
    "Fact",
    "Section",
    "Table",
    "plot_comparison",
    "plot_cutoff",
    "plot_examples",
    "plot_hinge",
    "plot_log_spectra",
    "plot_rapsd",
    "plot_sample_spectrum",
    "plot_samples_beside_data",
    "plot_schedule",
    "plot_training",
    "save_figure",
    "write_report",
]
