"""What to copy: a schedule's numbers under the names that other code has for them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spectra.schedule.densities.density import EdmConstants, edm_constants
from spectra.schedule.densities.levels import level_shift, single_noise_level
from spectra.schedule.schedule import Schedule, offset_histogram
from spectra.schedule.steps.checks import check_same_shape
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.gaussian import evaluations, linear_solver, predict_sigmas, within
from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.rules import named_sigmas
from spectra.spectrum import Spectrum

__all__ = ["FlowShift", "Prescription", "prescription"]

# What k-diffusion calls the solvers that a grid is optimised for.
K_DIFFUSION = {"euler": "sample_euler", "heun": "sample_heun", "2m": "sample_dpmpp_2m"}


@dataclass(frozen=True)
class FlowShift:
    """A data set's place beside unshifted rectified flow, x_t = (1 - t) x + t eps.

    There ln sigma = logit t, and a shift k, t' = k t / (1 + (k - 1) t), adds ln k to it.

    Attributes
    ----------
    training : float
        Shift that brings the mean of ln sigma of a symmetric density of t (even, logit-normal) to
        where the data's modes drown; for values as they are.
    unit_variance : float
        The same once the values are divided by sigma_data.
    schedule : float
        Shift of the process that is at the schedule's own noise (mean ln sigma_i) at t = 1/2.
    scale : float
        Standard deviation of logit t.
    """

    training: float
    unit_variance: float
    schedule: float
    scale: float


@dataclass(frozen=True)
class Prescription:
    """EDM's constants, the flow shift and a sampler's noise levels for one data set.

    Attributes
    ----------
    name : str
        Of the data.
    edm : EdmConstants
    flow : FlowShift
    solver : str
    sigmas : tuple of float
        Of `solver`, falling, without the final 0.
    flow_sigmas : tuple of float
        Of Euler's method, as times of rectified flow, sigma / (1 + sigma).
    error, edm_error : float
        Predicted W2^2 of `sigmas` over the data's variance, and that of EDM's grid (rho 7)
        between the same ends.
    """

    name: str
    edm: EdmConstants
    flow: FlowShift
    solver: str
    sigmas: tuple[float, ...]
    flow_sigmas: tuple[float, ...]
    error: float
    edm_error: float

    def lines(self) -> list[str]:
        """A block of Python to copy, each line with its reason; other tools' flags in comments."""
        return [
            f"# For {self.name}, values as they are: x + sigma eps",
            *self._edm_lines(),
            *self._k_diffusion_lines(),
            *self._diffusers_lines(),
            *self._flow_lines(),
        ]

    def _edm_lines(self) -> list[str]:
        numbers = self.edm.to_dict()
        texts = {name: f"{name} = {value:.4g}" for name, value in numbers.items()}
        width = max(map(len, texts.values()))
        return ["# EDM"] + [
            f"{text:<{width}}  # {self.edm.reasons[name]}" for name, text in texts.items()
        ]

    def _k_diffusion_lines(self) -> list[str]:
        count = evaluations(len(self.sigmas), self.solver)
        return [
            f"# k-diffusion, {K_DIFFUSION[self.solver]}: {len(self.sigmas)} steps, {count} "
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
            f"flow.set_timesteps(sigmas=[{_listed(self.flow_sigmas)}])",
        ]

    def _flow_lines(self) -> list[str]:
        flow, edm = self.flow, self.edm
        return [
            "# Flow matching (SD3, FLUX): logit t ~ N(ln shift, scale^2), x_t = (1 - t) x + t eps",
            f"shift = {flow.training:.4g}  # where the modes drown; {flow.unit_variance:.3g} for "
            "values divided by sigma_data",
            f"scale = {flow.scale:.4g}",
            f"# half-way in time this schedule is at the noise of shift {flow.schedule:.3g}",
            "# kohya:",
            f"#   --timestep_sampling shift --discrete_flow_shift {flow.training:.4g} "
            f"--sigmoid_scale {flow.scale:.4g}",
            "# diffusers' SD3 and FLUX scripts, scheduler shift 1; they count from noise to data, "
            "so the sign turns:",
            f"#   --weighting_scheme logit_normal --logit_mean={-edm.p_mean:.4g} "
            f"--logit_std={flow.scale:.4g}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it, unrounded."""
        return {
            "name": self.name,
            "edm": self.edm.to_dict(),
            "edm_distance": self.edm.distance,
            "reasons": dict(self.edm.reasons),
            "flow": {
                "shift": self.flow.training,
                "shift_unit_variance": self.flow.unit_variance,
                "shift_schedule": self.flow.schedule,
                "logit_mean": self.edm.p_mean,
                "logit_std": self.flow.scale,
                "sigmas": list(self.flow_sigmas),
            },
            "k_diffusion": {
                "sampler": K_DIFFUSION[self.solver],
                "sigmas": [*self.sigmas, 0.0],
                "predicted_w2": self.error,
                "predicted_w2_edm": self.edm_error,
            },
            "kohya": {
                "timestep_sampling": "shift",
                "discrete_flow_shift": self.flow.training,
                "sigmoid_scale": self.flow.scale,
            },
        }


def prescription(
    spectrum: Spectrum | Schedule,
    schedule: Schedule,
    *,
    steps: int = 10,
    solver: str = "heun",
    error: DenoisingError | None = None,
) -> Prescription:
    """What other people's tools would be told for a data set.

    Parameters
    ----------
    spectrum : Spectrum
        Of the data; it gives them their name.
    schedule : Schedule
        Derived from it: its components and, where all share one noise level, its ends.
    steps : int
        Of the sampler.
    solver : {"heun", "euler", "ddim", "2m"}
    error : DenoisingError, optional
        Measured, for the training density.

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
    edm = _constants(schedule, error)
    values, count = offset_histogram(np.log(schedule.variance))
    variance = np.exp(values)
    between = {"sigma_max": edm.sigma_max, "sigma_min": edm.sigma_min, "count": count}
    sigmas = optimal_sigmas(variance, steps, recursion, last="free", **between)
    flow = optimal_sigmas(variance, steps, "euler", last="free", **between)
    theirs = named_sigmas("edm", variance, steps, **between)
    whole = float(count @ variance / count.sum())
    half_way = schedule.log_snr(np.array([0.5]))[0]
    return Prescription(
        name=spectrum.name,
        edm=edm,
        flow=FlowShift(
            training=float(np.exp(edm.p_mean)),
            unit_variance=float(np.exp(edm.p_mean)) / edm.sigma_data,
            schedule=float(np.exp((np.log(schedule.variance) - within(half_way)).mean() / 2)),
            scale=edm.p_std,
        ),
        solver=recursion,
        sigmas=tuple(sigmas.tolist()),
        flow_sigmas=tuple((flow / (1 + flow)).tolist()),
        error=predict_sigmas(variance, sigmas, recursion, count=count).w2 / whole,
        edm_error=predict_sigmas(variance, theirs, recursion, count=count).w2 / whole,
    )


def _constants(schedule: Schedule, error: DenoisingError | None) -> EdmConstants:
    """EDM's constants between the schedule's own ends, where all its components share them."""
    if not single_noise_level(schedule):
        return edm_constants(schedule, error=error)
    low, high = np.exp((schedule.pace[[0, -1]] - level_shift(schedule)) / 2)
    edm = edm_constants(schedule, error=error, sigma_min=float(low), sigma_max=float(high))
    why = {"sigma_min": "clean end", "sigma_max": "noise end"}
    own = {name: schedule.explanation.get(end, "the schedule's") for name, end in why.items()}
    return replace(edm, reasons={**edm.reasons, **own})


def _listed(values: tuple[float, ...]) -> str:
    """Numbers as short as they may be and still fall."""
    for digits in range(4, 17):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return ", ".join(texts)
