"""A schedule as diffusers' own schedulers read it: scheduler_config.json."""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.files import write_json
from spectra.interop.export import Export
from spectra.interop.scalar import ScalarView, scalar_view
from spectra.schedule import Schedule

__all__ = ["PredictionType", "export_diffusers", "scheduler_config", "trained_betas"]

PredictionType = Literal["epsilon", "sample", "v_prediction"]

# diffusers computes in float32: alpha-bar is a multiple of 2^-24 near 1, and 2^-24 is also the
# least that its own rescaling to zero terminal SNR leaves.
FLOAT32_STEP = 2.0**-24
STEPS = 1000


def trained_betas(
    view: ScalarView, count: int = STEPS, *, knots: np.ndarray | None = None
) -> np.ndarray:
    """beta_k = 1 - abar_k / abar_(k-1) for k = 0 .. count - 1, float64 [count].

    abar = alpha^2 of the variance-preserving form, at times (k + 1) / count.

    Parameters
    ----------
    view : ScalarView
    count : int
        Training steps, `num_train_timesteps`.
    knots : float64 [N + 1], optional
        Times 1 = t_0 > ... > t_N = 0: index is then not proportional to t, but such that N evenly
        spaced indices from the last ("trailing") are these times.

    Returns
    -------
    float64 [count]

    Raises
    ------
    InputError
        Fewer than two steps, or knots that do not fall from 1 to 0.

    Notes
    -----
    alpha-bar is kept within [2^-24, 1 - (k + 1) 2^-24]. Each beta mends what rounding the ones
    before it to float32 has cost: the cumulative product that diffusers forms stays within 2^-24
    of ours.
    """
    check_number("count", count, low=2)
    wanted = 1 / (1 + np.exp(view.log_ratio(_index_times(view, int(count), knots))))  # 1 - abar
    wanted = np.maximum(wanted, FLOAT32_STEP * np.arange(1, count + 1))
    wanted = np.minimum(wanted, 1 - FLOAT32_STEP)
    betas, reached = np.empty(count), 1.0
    for k in range(int(count)):
        # Towards the noisy end alpha-bar is a relative matter, and beta may round to 1.
        beta = min(max(1 - (1 - wanted[k]) / reached, 0.0), 1 - FLOAT32_STEP)
        after = reached * _float32_alpha(beta)
        while np.float32(after) >= np.float32(reached):  # multistep solvers divide by the step
            beta += FLOAT32_STEP
            after = reached * _float32_alpha(beta)
        betas[k], reached = beta, after
    return betas


def _float32_alpha(beta: float) -> float:
    """1 - beta as diffusers forms it."""
    return float(np.float32(1) - np.float32(beta))


def scheduler_config(
    view: ScalarView,
    *,
    count: int = STEPS,
    prediction_type: PredictionType = "epsilon",
    knots: np.ndarray | None = None,
) -> dict[str, Any]:
    """What goes into scheduler_config.json.

    DDPM, DDIM, DPMSolverMultistep, Euler, Heun, UniPC and DEIS all load it.

    Parameters
    ----------
    view : ScalarView
    count : int
        `num_train_timesteps`.
    prediction_type : {"epsilon", "sample", "v_prediction"}
    knots : float64 [N + 1], optional
        See `trained_betas`.

    Returns
    -------
    dict
        As JSON holds it.

    Raises
    ------
    InputError
        An unknown prediction type.
    """
    check_name("prediction_type", prediction_type, get_args(PredictionType))
    return {
        "_class_name": "DDIMScheduler",
        "num_train_timesteps": int(count),
        "trained_betas": trained_betas(view, count, knots=knots).tolist(),
        "prediction_type": prediction_type,
        "timestep_spacing": "trailing",  # sampling starts at the noisiest step
        "clip_sample": False,
        "set_alpha_to_one": True,  # and ends without noise
        "steps_offset": 0,
        "thresholding": False,
        "rescale_betas_zero_snr": False,
        "final_sigmas_type": "zero",
        "variance_type": None,
    }


def export_diffusers(
    schedule: Schedule,
    out: str | Path,
    *,
    noise: str = "auto",
    prediction_type: PredictionType = "epsilon",
    steps: int | None = None,
    solver: str | None = None,
    count: int = STEPS,
) -> Export:
    """Write OUT/scheduler_config.json; for a component-wise scheduler also its tables.

    Parameters
    ----------
    schedule : Schedule
    out : path
        A folder; `DDIMScheduler.from_pretrained(out)` reads it, or, component-wise,
        `SpectralScheduler.from_pretrained(out)`.
    noise : {"auto", "scalar", "component"}
        One curve for diffusers' own schedulers, or each component's own for `SpectralScheduler`;
        auto: one if the schedule is one.
    prediction_type : {"epsilon", "sample", "v_prediction"}
    steps : int, optional
        Of sampling, with one curve: the indices that a pipeline visits in that many steps are
        then `schedule.grid(steps, solver)`. Other numbers work, with other times. By default
        indices are even in the schedule's own t.
    solver : {"euler", "ddim", "heun", "2m"}, optional
        Of those steps; component-wise, the scheduler's own. By default euler.
    count : int
        `num_train_timesteps`.

    Returns
    -------
    Export

    Raises
    ------
    InputError
        A file in the way, an unknown name, steps component-wise, a solver of no steps, or a
        count under 2.

    Examples
    --------
    >>> from spectra.interop import export_diffusers
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> written = export_diffusers(schedule, "scheduler", steps=10, solver="2m")
    >>> [path.name for path in written.files]
    ['scheduler_config.json']
    """
    check_name("noise", noise, ("auto", "scalar", "component"))
    view = scalar_view(schedule)
    if noise == "component" or (noise == "auto" and not view.exact):
        if steps is not None:
            raise InputError(
                f"steps {steps}: noise per component is stepped as a pipeline asks, for any number "
                "of steps; leave it out, or give noise scalar"
            )
        return _export_component(schedule, Path(out), prediction_type, solver or "euler", count)
    if steps is None and solver is not None:
        raise InputError(f"solver {solver!r}: with one curve it is that of steps; give steps too")
    solver = solver or "euler"
    knots = None if steps is None else view.schedule.grid(steps, solver)
    config = scheduler_config(view, count=count, prediction_type=prediction_type, knots=knots)
    path = Path(out) / "scheduler_config.json"
    write_json(path, config)
    notes = [_mean_note(schedule)]
    if steps is not None:
        notes.append(
            f"made for {steps} steps of {solver}: train with this file too, and call the pipeline "
            f"with num_inference_steps={steps}"
        )
    return Export(
        target="diffusers",
        files=(path,),
        values={"num_train_timesteps": count, "timestep_spacing": "trailing", "steps": steps},
        cannot_carry=(
            *view.cannot_carry,
            *_float32_losses(view, count, knots),
            *_density_loss(view, count, knots),
        ),
        notes=tuple(notes),
    )


def _export_component(
    schedule: Schedule, folder: Path, prediction_type: str, solver: str, count: int
) -> Export:
    """Write what `SpectralScheduler.from_pretrained` reads, without diffusers."""
    check_name("prediction_type", prediction_type, get_args(PredictionType))
    config = {
        "_class_name": "SpectralScheduler",
        "num_train_timesteps": int(count),
        "prediction_type": prediction_type,
        "solver": solver,
    }
    path, tables = folder / "scheduler_config.json", folder / "schedule.safetensors"
    schedule.save(tables)
    write_json(path, config)
    return Export(
        target="diffusers",
        files=(path, tables),
        values={name: value for name, value in config.items() if name != "_class_name"},
        notes=(
            f"SpectralScheduler.from_pretrained({str(folder)!r}), from spectra.interop: its noise "
            "is per component, about the mean example, and white at t = 1; its sample_timesteps "
            "draws the schedule's own training density; for diffusers' own schedulers write "
            "--noise scalar",
        ),
    )


def _index_times(view: ScalarView, count: int, knots: np.ndarray | None) -> np.ndarray:
    """The time of each training step, rising, [count]."""
    place = np.arange(1, count + 1) / count
    if knots is None:
        return place
    knots = np.asarray(knots, float)
    falls = knots.ndim == 1 and len(knots) >= 2 and bool((np.diff(knots) < 0).all())
    if not falls or knots[0] != 1 or knots[-1] != 0:
        raise InputError("knots: times must fall from exactly 1 to exactly 0")
    if len(knots) - 1 > count:
        raise InputError(f"{len(knots) - 1} steps: at most num_train_timesteps ({count}) fit")
    from scipy.interpolate import PchipInterpolator

    steps = len(knots) - 1
    # Where N does not divide the count, a pipeline rounds to whole indices.
    visited = np.round(count - np.arange(steps) * count / steps) / count
    if len(np.unique(visited)) < steps:
        raise InputError(f"{steps} steps do not fit on {count} indices; raise num_train_timesteps")
    ratio = view.log_ratio(knots[::-1])
    curve = PchipInterpolator(np.r_[0.0, visited[::-1]], ratio)(place)
    return view.schedule.time_at(-np.minimum.accumulate(curve))


def _float32_losses(view: ScalarView, count: int, knots: np.ndarray | None) -> list[str]:
    """What of the two ends diffusers' float32 cannot hold."""
    least = FLOAT32_STEP * np.arange(1, count + 1)
    ratio = view.log_ratio(_index_times(view, count, knots))
    clean = 1 / (1 + np.exp(ratio))  # 1 - abar
    lost = []
    if (clean < least).any():
        lost.append(
            f"ln(alpha^2 / sigma^2) above {np.log(1 / least[clean < least].max() - 1):.1f} at the "
            "clean end: diffusers holds alpha-bar in float32"
        )
    if 1 - clean[-1] < FLOAT32_STEP:
        lost.append(
            f"ln(alpha^2 / sigma^2) under {np.log(FLOAT32_STEP):.1f} at the noise end: raised to "
            "the least alpha-bar that diffusers holds, 2^-24"
        )
    return lost


def _density_loss(view: ScalarView, count: int, knots: np.ndarray | None) -> list[str]:
    """Whether timesteps drawn evenly are the schedule's own training density."""
    times = _index_times(view, count, knots)
    quantile, t = view.schedule.quantiles
    apart = np.abs(np.interp(times, t, quantile) - np.arange(1, count + 1) / count).max()
    if apart < 0.5 / count:
        return []
    return [
        f"the training density: timesteps drawn evenly are up to {apart:.0%} of the draws off; "
        "to EDM, k-diffusion and flow it is exported"
    ]


def _mean_note(schedule: Schedule) -> str:
    """What the schedule's being about a mean asks of the user."""
    size = float(np.sqrt((schedule.mean**2).mean()))
    spread = float(np.sqrt(schedule.variance.mean()))
    return (
        "diffusers noises x itself, the schedule x minus its mean example "
        f"(rms {size:.3g} beside a spread of {spread:.3g}): SNR is about the mean either way; "
        "subtract the mean before training if it is not small, or leave it to the network"
    )
