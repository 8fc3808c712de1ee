"""What to copy: a schedule's numbers under the names that other code has for them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.interop.edm import edm_kwargs
from spectra.interop.flow import best_shift, flow_sigmas
from spectra.interop.k_diffusion import sampler_name
from spectra.interop.kohya import training_flags
from spectra.interop.scalar import scalar_view
from spectra.schedule import EdmConstants, Schedule, training_density
from spectra.schedule.schedule import offset_histogram
from spectra.schedule.steps.checks import check_same_shape
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.gaussian import evaluations, linear_solver, predict_sigmas
from spectra.schedule.steps.rules import named_sigmas
from spectra.spectrum import Spectrum

__all__ = ["FlowShift", "ModesDensity", "Prescription", "prescription"]

# Moments of two densities of ln sigma nearer than this are told as one.
SAME = 0.01
ROUNDING = 1e-12
NEAR_ONE = 1e-3  # what a flow's time lacks of 1, from which four digits of the time tell it


@dataclass(frozen=True)
class ModesDensity:
    """Where the data's modes drown, ln sigma: what density modes trains at but for a tenth.

    Attributes
    ----------
    mean, std : float
    distance : float
        Total variation, in [0, 1], of the normal density of these moments from it.
    """

    mean: float
    std: float
    distance: float


@dataclass(frozen=True)
class FlowShift:
    """A schedule's place beside unshifted rectified flow, x_t = (1 - t) x + t eps.

    There ln sigma = logit t, and a shift k, t' = k t / (1 + (k - 1) t), adds ln k to it.

    Attributes
    ----------
    training : float
        Shift that brings the mean of ln sigma of a symmetric density of t (even, logit-normal) to
        that of the schedule's training; for values as they are.
    unit_variance : float
        The same once the values are divided by sigma_data.
    nearest, residual : float
        Shift whose time is nearest to the schedule's, and how far off it is at most.
    scale : float
        Standard deviation of logit t.
    """

    training: float
    unit_variance: float
    nearest: float
    residual: float
    scale: float


@dataclass(frozen=True)
class Prescription:
    """A schedule's numbers as `export_schedule` gives them to other tools.

    Attributes
    ----------
    name : str
        Of the data.
    edm : EdmConstants
    flow : FlowShift
    flags : dict
        Of fine-tuning scripts, see `interop.training_flags`.
    modes : ModesDensity
    solver : str
    sigmas : tuple of float
        Of `solver`, falling, without the final 0.
    flow_sigmas : tuple of float
        Of Euler's method, as times of rectified flow, sigma / (1 + sigma).
    error, edm_error : float
        Predicted W2^2 of `sigmas` over the data's variance, and that of EDM's grid (rho 7)
        between the same ends.
    departure : float
        How far, in log SNR, components are at most from the one curve; 0 if the schedule is one.
    """

    name: str
    edm: EdmConstants
    flow: FlowShift
    flags: dict[str, Any]
    modes: ModesDensity
    solver: str
    sigmas: tuple[float, ...]
    flow_sigmas: tuple[float, ...]
    error: float
    edm_error: float
    departure: float

    def lines(self) -> list[str]:
        """A block of Python to copy, each line with its reason; other tools' flags in comments."""
        return [
            f"# For {self.name}, values as they are: x + sigma eps",
            *self._departure_lines(),
            *self._edm_lines(),
            *self._modes_lines(),
            *self._k_diffusion_lines(),
            *self._diffusers_lines(),
            *self._flow_lines(),
        ]

    def _departure_lines(self) -> list[str]:
        if not self.departure:
            return []
        return [
            "# noise per component: these are of the one curve with the same nats left, up to "
            f"{self.departure:.3g} off in log SNR"
        ]

    def _edm_lines(self) -> list[str]:
        numbers = self.edm.to_dict()
        texts = {name: f"{name} = {_short(value)}" for name, value in numbers.items()}
        width = max(map(len, texts.values()))
        return ["# EDM"] + [
            f"{text:<{width}}  # {self.edm.reasons[name]}" for name, text in texts.items()
        ]

    def _modes_lines(self) -> list[str]:
        modes, own = self.modes, self.edm
        if abs(modes.mean - own.p_mean) < SAME and abs(modes.std - own.p_std) < SAME:
            return []
        return [
            f"# not this schedule's, the data's: modes drown at {modes.mean:.4g}, deviation "
            f"{modes.std:.4g} ({modes.distance:.1%} away); see --density modes"
        ]

    def _k_diffusion_lines(self) -> list[str]:
        count = evaluations(len(self.sigmas), self.solver)
        return [
            f"# k-diffusion, {sampler_name(self.solver)}: {len(self.sigmas)} steps, {count} "
            f"evaluations, optimised for them;",
            f"# predicted W2^2 {self.error:.2g} of the variance, of EDM's grid (rho 7, down to "
            f"sigma_min) {self.edm_error:.2g}",
            f"sigmas = [{_listed(self.sigmas)}, 0.0]",
        ]

    def _diffusers_lines(self) -> list[str]:
        edm = self.edm
        return [
            "# diffusers: EDM's scheduler between the same ends; the flow's with its own knots,",
            "# optimised for Euler, and no shift on top",
            "from diffusers import EDMDPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler",
            "edm = EDMDPMSolverMultistepScheduler(",
            f"    sigma_min={edm.sigma_min:.4g}, sigma_max={edm.sigma_max:.4g}, "
            f"sigma_data={edm.sigma_data:.4g}, rho={edm.rho:.4g}",
            ")",
            "flow = FlowMatchEulerDiscreteScheduler(shift=1.0)",
            f"flow.set_timesteps(sigmas=[{_times(self.flow_sigmas)}])",
        ]

    def _flow_lines(self) -> list[str]:
        flow = self.flow
        return [
            "# Flow matching (SD3, FLUX): logit t ~ N(ln shift, scale^2), x_t = (1 - t) x + t eps",
            f"shift = {flow.training:.4g}  # where the schedule trains; {flow.unit_variance:.3g} "
            "for values divided by sigma_data",
            f"scale = {flow.scale:.4g}",
            f"# of shifts alone, {flow.nearest:.3g} is nearest to this schedule's time: up to "
            f"{flow.residual:.2g} off in t",
            "# kohya:",
            f"#   {self.flags['kohya']}",
            "# diffusers' SD3 and FLUX scripts, scheduler shift 1; they count from noise to data, "
            "so the sign turns:",
            f"#   {self.flags['diffusers']}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it, unrounded."""
        modes, flow = self.modes, self.flow
        return {
            "name": self.name,
            "edm": self.edm.to_dict(),
            "edm_distance": self.edm.distance,
            "reasons": dict(self.edm.reasons),
            "modes": {"P_mean": modes.mean, "P_std": modes.std, "distance": modes.distance},
            "flow": {
                "shift": flow.training,
                "shift_unit_variance": flow.unit_variance,
                "shift_nearest": flow.nearest,
                "shift_residual": flow.residual,
                "logit_mean": self.edm.p_mean,
                "logit_std": flow.scale,
                "sigmas": list(self.flow_sigmas),
            },
            "k_diffusion": {
                "sampler": sampler_name(self.solver),
                "sigmas": [*self.sigmas, 0.0],
                "predicted_w2": self.error,
                "predicted_w2_edm": self.edm_error,
            },
            "kohya": {
                "timestep_sampling": "shift",
                "discrete_flow_shift": flow.training,
                "sigmoid_scale": flow.scale,
            },
            "departure": self.departure,
        }


def prescription(
    spectrum: Spectrum | Schedule,
    schedule: Schedule,
    *,
    steps: int = 10,
    solver: str = "heun",
    error: DenoisingError | None = None,
) -> Prescription:
    """What other people's tools would be told for a schedule, number for number as exported.

    Parameters
    ----------
    spectrum : Spectrum
        Of the data; it gives them their name.
    schedule : Schedule
        Where its noise differs between components, the one curve that stands for it.
    steps : int
        Of the sampler.
    solver : {"heun", "euler", "ddim", "2m", "ancestral", "covariance"}
    error : DenoisingError, optional
        Measured, for where the modes drown.

    Returns
    -------
    Prescription
        Its `lines()` are the block that `spectra schedule` prints.

    Raises
    ------
    InputError
        An unknown solver, fewer than one step, or nothing between the schedule's ends.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> told = spectra.prescription(spectrum, spectra.derive_schedule(spectrum), steps=10)
    >>> told.lines()[0]
    '# For digits, values as they are: x + sigma eps'
    """
    recursion = linear_solver(solver)
    if error is not None:
        check_same_shape("error", error.shape, schedule.shape)
    view = scalar_view(schedule)
    curve = view.schedule
    edm = edm_kwargs(curve)
    sigmas = view.sigmas(steps, solver)[:-1]
    values, count = offset_histogram(np.log(schedule.variance))
    variance = np.exp(values)
    theirs = named_sigmas(
        "edm", variance, steps, sigma_max=edm.sigma_max, sigma_min=edm.sigma_min, count=count
    )
    whole = float(count @ variance / count.sum())
    modes = training_density(schedule, "modes", error=error)
    nearest, residual = best_shift(view)
    shift = float(np.exp(edm.p_mean))
    return Prescription(
        name=spectrum.name,
        edm=edm,
        flow=FlowShift(shift, shift / edm.sigma_data, nearest, residual, edm.p_std),
        flags=training_flags(curve),
        modes=ModesDensity(modes.mean, modes.std, modes.distance(modes.mean, modes.std)),
        solver=solver,
        sigmas=tuple(sigmas.tolist()),
        flow_sigmas=tuple(flow_sigmas(curve, steps).astype(float).tolist()),
        error=predict_sigmas(variance, sigmas, recursion, count=count).w2 / whole,
        edm_error=predict_sigmas(variance, theirs, recursion, count=count).w2 / whole,
        departure=view.departure,
    )


def _short(value: float) -> str:
    """Four digits; what is only rounding is 0."""
    return f"{value:.4g}" if abs(value) > ROUNDING else "0"


def _listed(values: tuple[float, ...], least: int = 4) -> str:
    """Numbers as short as they may be and still fall."""
    for digits in range(least, 17):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return ", ".join(texts)


def _times(values: tuple[float, ...]) -> str:
    """Times of a flow, falling; near 1 what they lack of it says the noise, so that has digits."""
    lacking = 1 - max((value for value in values if value < 1), default=0.0)
    digits = 4 if lacking >= NEAR_ONE else 2 - math.floor(math.log10(lacking))
    return _listed(values, max(4, digits))
