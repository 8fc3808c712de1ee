"""The sections of a report about a schedule, and about what a denoiser makes of one."""

from functools import partial

import numpy as np

from spectra.frequencies import FrequencyScale
from spectra.plots.component_bits import plot_component_bits
from spectra.plots.denoising import plot_denoising
from spectra.plots.density import plot_training_density
from spectra.plots.octaves import plot_octaves
from spectra.plots.report import Section, Table
from spectra.plots.schedule import plot_schedule
from spectra.plots.steps import plot_steps
from spectra.plots.weighting import plot_weighting
from spectra.schedule import Schedule, compare_grids
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.weights.recipes import recipe_weights
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["denoising_sections", "schedule_sections"]


def schedule_sections(schedule: Schedule, standard: Schedule) -> list[Section]:
    """The schedule as a picture beside standard diffusion, its steps, and what training weighs."""
    sections = [
        Section(
            "schedule",
            "The schedule that follows",
            "Log-SNR of every component over time, coarse components at the bottom. The line is "
            "SNR = 1: on its one side a component can be seen, on the other it is noise. First the "
            f"{schedule.name} schedule, then {standard.name}, which is usually copied.",
            partial(plot_schedule, schedule, standard),
            alt="Log-SNR over component and time of the derived and the standard schedule",
            table=Table(
                ["choice", "made, and why"],
                [[name, reason] for name, reason in schedule.explanation.items()],
            ),
            settings={"basis": schedule.basis, "beside it": standard.name},
        ),
        Section(
            "octaves",
            "When each octave drowns",
            "The same by octaves of components, as curves. In the grey band neither signal nor "
            "noise has the upper hand; lines close together are octaves that are generated "
            "together, lines far apart one after the other.",
            partial(plot_octaves, schedule),
            alt="Signal-to-noise ratio of every octave over time",
            settings={"schedule": schedule.name, "basis": schedule.basis},
        ),
        Section(
            "training-density",
            "Where it trains, and where something is lost",
            "Grey is how often each time is drawn in training, the lines where nats of an example "
            "are lost and where components drown. Where grey lies under a line, what is decided "
            "there is seen seldom.",
            partial(plot_training_density, schedule),
            alt="Density of training times beside the rates of information and components lost",
            settings={"schedule": schedule.name, "lost": "of Gaussian data with these variances"},
        ),
        Section(
            "steps",
            "What few steps cost",
            "Predicted from the spectrum alone, before anything is trained: how far samples are "
            "from the data when a solver takes few steps, with its steps where this spectrum "
            "wants them, and where published rules put them. Exact for Gaussian data and the "
            "best denoiser; a guide elsewhere.",
            partial(plot_steps, compare_grids(schedule)),
            alt="Predicted error over evaluations for three solvers and five grids",
            settings={"schedule": schedule.name, "basis": schedule.basis},
        ),
    ]
    frequency = schedule.frequency
    scale = FrequencyScale(unit=frequency_unit(schedule.shape))
    if not np.isnan(frequency).any() and (frequency > 0).any():
        sections.append(
            Section(
                "weighting",
                "What training cares about",
                "A recipe says how much each noise level counts, and each frequency is learnt "
                "around the noise that drowns it: so every recipe, knowingly or not, says how much "
                "each frequency counts. Where a curve is high, the network is made to get that "
                "frequency right at the cost of the others. Copied recipes were tuned on other "
                "data; this is what they mean on these.",
                partial(plot_weighting, recipe_weights(schedule), scale=scale),
                alt="Implied weight per frequency, and share of the loss per octave, of recipes",
                settings={"basis": schedule.basis, "recipes": "as published, on these variances"},
            )
        )
    return sections


def denoising_sections(error: DenoisingError) -> list[Section]:
    """What a trained denoiser leaves wrong."""
    return [
        Section(
            "denoising",
            "What the network leaves wrong",
            "The best that can be done with the spectrum alone is the Wiener filter. Blue: the "
            "network knows more about the data than that. Brown: it does worse than a filter that "
            "needs no training; longer training, or more weight at that frequency and noise level, "
            "would help there. At high noise all that is left to know is the mean.",
            partial(plot_denoising, error),
            alt="Denoising error per octave over the noise level, beside the Wiener filter's",
            settings={
                "denoiser": error.name,
                "basis": error.basis,
                "measured on": f"{error.n} examples of {error.files} files",
            },
        ),
        Section(
            "bits",
            "What each octave costs in bits",
            "The variational bound taken apart: bits that a component of each octave needs, beside "
            "those of a Gaussian with the same spectrum. What lies under the dashed line is "
            "structure that the network has found.",
            partial(plot_component_bits, {error.name: error}),
            alt="Bits of a component in every octave, of the denoiser and of a Gaussian",
            settings={
                "denoiser": error.name,
                "spacing of the values": error.quantum or "none or not known: bits of their unit",
            },
        ),
    ]
