"""One way in: a schedule, the name of a library, where to write."""

from pathlib import Path
from typing import Any, Literal, get_args

from spectra.errors import InputError, check_name
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

# What each takes; what another takes would change nothing in its files.
TAKES = {
    "diffusers": ("noise", "steps", "solver", "prediction_type"),
    "k-diffusion": ("steps", "solver"),
    "edm": ("steps",),
    "flow": ("steps", "solver"),
    "kohya": (),
}


def export_schedule(
    schedule: Schedule,
    to: str,
    out: str | Path,
    *,
    noise: str = "auto",
    steps: int | None = None,
    solver: str | None = None,
    prediction_type: PredictionType | None = None,
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
        one curve: see `export_diffusers`. Not for kohya.
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}, optional
        Of sampling; by default 2m for k-diffusion, else euler. Not for edm and kohya.
    prediction_type : {"epsilon", "sample", "v_prediction"}, optional
        Of a diffusers model; by default epsilon.

    Returns
    -------
    Export
        The files written, and what the target cannot carry.

    Raises
    ------
    InputError
        An unknown name, an option that the target has no use for, or an output that cannot be
        written.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> written = spectra.export_schedule(schedule, "k-diffusion", "sigmas.json", steps=10)
    >>> len(written.values["sigmas"]), [path.name for path in written.files]
    (11, ['sigmas.json'])
    """
    check_name("to", to, get_args(Target))
    given = {
        "noise": None if noise == "auto" else noise,
        "steps": steps,
        "solver": solver,
        "prediction_type": prediction_type,
    }
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if alien := [name for name in options if name not in TAKES[to]]:
        takes = ", ".join(TAKES[to]) or "no option"
        raise InputError(f"to {to!r}: has no use for {', '.join(alien)}; it takes {takes}")
    write = {
        "diffusers": export_diffusers,
        "k-diffusion": export_k_diffusion,
        "edm": export_edm,
        "flow": export_flow,
        "kohya": export_kohya,
    }
    return write[to](schedule, out, **options)
