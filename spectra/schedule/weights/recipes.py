"""Training recipes one would have copied, and what they weight on a data set."""

from spectra.schedule.densities.noise_density import log_normal_density, process_density
from spectra.schedule.schedule import Schedule
from spectra.schedule.weights.weighting import ImpliedWeights, implied_weights, schedule_weights

__all__ = ["recipe_weights"]


def recipe_weights(schedule: Schedule) -> dict[str, ImpliedWeights]:
    """What EDM, DDPM, SD3 and the schedule itself weight, by name, on a schedule's data.

    Parameters
    ----------
    schedule : Schedule
        As `train` trains it by default, and whose components and variances these are. The values
        are taken as they are: SD3's recipe is made for values of variance near 1.

    Notes
    -----
    EDM: Karras et al. (2022), table 1. DDPM: Ho et al. (2020), eps unweighted, beta from 1e-4 to
    0.02 in 1,000 steps, here in continuous time. SD3: Esser et al. (2024), logit t ~ N(0, 1).
    """
    edm = log_normal_density(-1.2, 1.2)
    return {
        schedule.name: schedule_weights(schedule),
        "EDM": implied_weights(schedule, edm, "edm", sigma_data=0.5),
        "DDPM, ε-loss": implied_weights(schedule, process_density("vp-linear"), "epsilon"),
        "flow, logit-normal t": implied_weights(schedule, log_normal_density(0.0, 1.0), "flow"),
    }
