"""Learning from the loss: a schedule derived once more, from what a short run could denoise."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule.coordinates import check_spectrum_given
from spectra.schedule.densities.density import DensityKind
from spectra.schedule.densities.times import schedule_with_density
from spectra.schedule.derive import derive_schedule
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.checks import check_same_components, check_same_shape
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.strength import error_penalty, structure_share
from spectra.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["refine_schedule"]

DENSITIES = ("modes", "information", "pace")


def refine_schedule(
    spectrum: Spectrum,
    error: DenoisingError,
    *,
    pace: "str | Callable[[np.ndarray], np.ndarray]" = "information",
    form: Form = "vp",
    density: DensityKind | Literal["pace"] = "modes",
) -> Schedule:
    """Derive a schedule again, now that a trained denoiser's error is known.

    At which noise levels to train is taken from the error, in place of the Gaussian surrogate's;
    the sampler takes the same error for its grid. Order, ends and pace stay: what a short training
    knows beyond the Wiener filter is the least that there is to know, no reason to loosen the order
    (which cost bits/dim where it was tried). `explanation` says what changed.

    Parameters
    ----------
    spectrum : Spectrum
    error : DenoisingError
        Of a probe, `measure_denoiser(run, source)` after a short training; its basis is the
        schedule's. Where it lies above the Wiener filter's it is the network's failure and no
        property of the data: the density then counts the filter's.
    pace, form
        As in `derive_schedule`.
    density : {"modes", "information", "pace"}
        Training times: where the gain sum_i error_i / sigma_i^2 falls, that is where more of an
        example is decided; in proportion to that gain, the nats lost; or as `derive_schedule`
        has it, which needs no error.

    Returns
    -------
    Schedule
        Named "refined". A probe that denoises worse than the Wiener filter changes nothing.

    Raises
    ------
    InputError
        An error of other examples or components, or of fewer than two noise levels.

    Notes
    -----
    For the best denoiser dI / d ln sigma = -sum_i mmse_i / sigma_i^2 (Guo, Shamai, Verdu 2005),
    which is flat where all of an example is known: training there has nothing to learn, so that
    its fall is the density unasked.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> error = spectra.wiener_error(spectrum, np.geomspace(0.01, 10, 16))  # a run's, usually
    >>> spectra.refine_schedule(spectrum, error).name
    'refined'
    """
    check_spectrum_given(spectrum)
    check_name("density", density, DENSITIES)
    _check_error(error, spectrum)
    options: dict[str, Any] = {"basis": error.basis, "pace": pace, "form": form}
    plain = derive_schedule(spectrum, **options)
    check_same_components(error, plain)
    if plain.components is not None and not np.array_equal(plain.components, error.components):  # pyright: ignore
        raise InputError(
            "error: was measured in other principal components than this spectrum's; measure a "
            "run on a schedule of this spectrum"
        )
    share = structure_share(error)
    try:
        error_penalty(error)
    except InputError:
        why = f"nothing: {error.name} denoises {-share:.0%} worse than the Wiener filter"
        said = {**plain.explanation, "refined": f"{why}; train the probe longer"}
        return replace(plain, name="refined", explanation=said)
    made = plain
    if density != "pace":
        made = schedule_with_density(made, density, error=_at_most_wiener(error))
    said = f"by {error.name}, {share:.0%} under the Wiener filter: {_change(plain, made)}"
    return replace(made, name="refined", explanation={**made.explanation, "refined": said})


def _check_error(error: DenoisingError, spectrum: Spectrum) -> None:
    """Refuse what no schedule of this spectrum can be refined by."""
    if not isinstance(error, DenoisingError):
        raise InputError(
            f"error: a {type(error).__name__} is none; give what measure_denoiser returns"
        )
    check_same_shape("error", error.shape, spectrum.shape)
    if len(error.sigma) < 2:
        raise InputError(
            f"error: {error.name} was measured at one noise level; measure it at several"
        )


def _at_most_wiener(error: DenoisingError) -> DenoisingError:
    """The lesser of a denoiser's error and the Wiener filter's, which anyone can have."""
    least = np.minimum(error.error, error.wiener().error)
    return replace(error, name=f"{error.name}, at most Wiener's", error=least)


def _change(plain: Schedule, made: Schedule) -> str:
    """What was refined, in numbers."""
    was, now = _training_noise(plain), _training_noise(made)
    return f"training ln sigma {was[0]:.2f} ± {was[1]:.2f} -> {now[0]:.2f} ± {now[1]:.2f}"


def _training_noise(schedule: Schedule) -> tuple[float, float]:
    """Mean and deviation of ln sigma, averaged over components, at which training draws."""
    share, t = schedule.quantiles
    level = (schedule.pace_at(t) + np.mean(np.log(schedule.variance) - schedule.offset)) / 2
    mass, middle = np.diff(share), (level[1:] + level[:-1]) / 2
    mean = float(mass @ middle)
    spread = mass @ ((middle - mean) ** 2 + np.diff(level) ** 2 / 12)
    return mean, float(np.sqrt(spread))
