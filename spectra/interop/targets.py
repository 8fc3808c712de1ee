"""One way in: a schedule, the name of a library, where to write."""

from pathlib import Path
from typing import Literal, get_args

from spectra.errors import check_name
from spectra.interop.diffusers_scalar import PredictionType, export_diffusers
from spectra.interop.edm import export_edm
from spectra.interop.export import Export
from spectra.interop.flow import export_flow
from spectra.interop.k_diffusion import export_k_diffusion
from spectra.interop.kohya import export_kohya
from spectra.schedule import Schedule

__all__ = ["Target", "export_schedule"]

Target = Literal["diffusers", "k-diffusion", "edm", "flow", "kohya"]
"""Libraries and formats that a schedule can be written for, see `export_schedule`."""

# What a sampler of that library is by default.
SOLVERS = {"k-diffusion": "2m", "flow": "euler"}


def export_schedule(
    schedule: Schedule,
    to: str,
    out: str | Path,
    *,
    noise: str = "auto",
    steps: int | None = None,
    solver: str | None = None,
    prediction_type: PredictionType = "epsilon",
) -> Export:
    """Write a schedule in another library's own format.

    Parameters
    ----------
    schedule : Schedule
    to : {"diffusers", "k-diffusion", "edm", "flow", "kohya"}
    out : path
        A folder for diffusers and flow, else a .json file.
    noise : {"auto", "scalar", "component"}
        For diffusers: one curve for its own schedulers, or each component's for
        `SpectralScheduler`; auto: one if the schedule is one.
    steps : int, optional
        Of sampling; 10 where a list of levels is written, 18 for EDM's rho. For diffusers with
        one curve: see `export_diffusers`.
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}, optional
        Of sampling; by default 2m for k-diffusion, else euler.
    prediction_type : {"epsilon", "sample", "v_prediction"}
        Of a diffusers model.

    Returns
    -------
    Export
        The files written, and what the target cannot carry.

    Raises
    ------
    InputError
        An unknown name, or an output that cannot be written.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> written = spectra.export_schedule(schedule, "k-diffusion", "sigmas.json", steps=10)
    >>> len(written.values["sigmas"]), [path.name for path in written.files]
    (11, ['sigmas.json'])
    """
    check_name("to", to, get_args(Target))
    chosen = solver or SOLVERS.get(to, "euler")
    if to == "diffusers":
        return export_diffusers(
            schedule,
            out,
            noise=noise,
            prediction_type=prediction_type,
            steps=steps,
            solver=chosen,
        )
    if to == "edm":
        return export_edm(schedule, out, steps=18 if steps is None else steps)
    listed = 10 if steps is None else steps
    if to == "k-diffusion":
        return export_k_diffusion(schedule, out, steps=listed, solver=chosen)
    if to == "flow":
        return export_flow(schedule, out, steps=listed, solver=chosen)
    return export_kohya(schedule, out)
