"""A schedule as EDM and EDM2 read it: five constants, and where to draw sigma exactly."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.files import write_atomically, write_json
from spectra.interop.export import Export, sigma_data_notes
from spectra.interop.scalar import scalar_view
from spectra.schedule import Schedule
from spectra.schedule.densities.density import EdmConstants, edm_constants

__all__ = ["edm_kwargs", "export_edm", "sample_sigma"]

QUANTILES = 4097
STEPS = 18  # EDM's own, at 32 x 32


def edm_kwargs(schedule: Schedule, steps: int = STEPS) -> EdmConstants:
    """EDM's constants for a schedule.

    Parameters
    ----------
    schedule : Schedule
        Where its noise differs between components, the one curve that stands for it.
    steps : int
        Of Heun's method, for which rho is chosen.

    Returns
    -------
    EdmConstants
        p_mean and p_std are the moments of ln sigma in the schedule's training, `distance` their
        normal density's total variation from it; sigma_min and sigma_max are its ends.

    Raises
    ------
    InputError
        Fewer than one step.

    Examples
    --------
    >>> from spectra.interop import edm_kwargs
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> constants = edm_kwargs(schedule)
    >>> round(constants.sigma_data, 2), constants.sigma_min < constants.sigma_max
    (0.54, True)
    """
    view = scalar_view(schedule)
    low, high = view.sigma(np.array([0.0, 1.0]))
    density = view.density
    distance = density.distance(density.mean, density.std)
    found = edm_constants(view.schedule, steps=steps, sigma_min=float(low), sigma_max=float(high))
    return replace(
        found,
        p_mean=density.mean,
        p_std=density.std,
        distance=distance,
        reasons={
            **found.reasons,
            "P_mean": "mean of ln sigma in the schedule's training",
            "P_std": f"its deviation; the normal density is {distance:.1%} away from its own",
            "sigma_min": schedule.explanation.get("clean end", "the schedule at t = 0"),
            "sigma_max": schedule.explanation.get("noise end", "the schedule at t = 1"),
        },
    )


def sample_sigma(schedule: Schedule, n: int, generator: Any) -> Any:
    """Noise levels to train at, exactly the schedule's: torch float64 [n], stratified.

    In place of EDM's (rnd_normal * P_std + P_mean).exp().

    Parameters
    ----------
    schedule : Schedule
    n : int
    generator : torch.Generator

    Returns
    -------
    torch float64 [n]
        In data units.

    Examples
    --------
    >>> from spectra.interop import sample_sigma
    >>> import torch
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> sigma = sample_sigma(schedule, 64, torch.Generator().manual_seed(0))
    >>> sigma.shape, sigma.dtype
    (torch.Size([64]), torch.float64)
    """
    return scalar_view(schedule).density.sample(n, generator)


def export_edm(schedule: Schedule, out: str | Path, *, steps: int = STEPS) -> Export:
    """Write the constants as JSON, and the exact quantiles of ln sigma as .npy beside it.

    Parameters
    ----------
    schedule : Schedule
    out : path
        The .json file; the table gets its name with -log-sigma.npy.
    steps : int
        Of Heun's method, for which rho is chosen.

    Returns
    -------
    Export

    Raises
    ------
    InputError
        A file that cannot be written.
    """
    view, constants = scalar_view(schedule), edm_kwargs(schedule, steps)
    path = Path(out)
    if not path.name:
        raise InputError(f"{path}: is a folder; give the name of a .json file")
    table = path.with_name(f"{path.stem}-log-sigma.npy")
    buffer = io.BytesIO()
    np.save(buffer, view.density.quantile(np.linspace(0, 1, QUANTILES)))
    numbers = constants.to_dict()
    lost = (
        f"the training density through P_mean and P_std: {constants.distance:.1%} (total "
        f"variation) away; {table.name} is exact",
    )
    kept = {**numbers, "distance": constants.distance, "reasons": constants.reasons}
    write_json(path, {**kept, "cannot_carry": [*view.cannot_carry, *lost]})
    write_atomically(table, buffer.getvalue())
    notes = (
        f'exact: table = np.load("{table.name}"); '
        "sigma = np.exp(np.interp(rng.random(n), np.linspace(0, 1, len(table)), table))",
        *sigma_data_notes(schedule, constants.sigma_data),
    )
    return Export(
        "edm",
        (path, table),
        {**numbers, "distance": constants.distance},
        (*view.cannot_carry, *lost),
        notes,
    )
