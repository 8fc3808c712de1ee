"""A schedule as the flags of fine-tuning scripts: kohya, SimpleTuner, OneTrainer, diffusers."""

from pathlib import Path
from typing import Any

import numpy as np

from spectra.files import write_json
from spectra.interop.export import Export
from spectra.interop.scalar import scalar_view
from spectra.schedule import Schedule

__all__ = ["export_kohya", "training_flags"]

LISTED = 32  # timesteps where a list of them is taken


def training_flags(schedule: Schedule) -> dict[str, Any]:
    """The logit-normal density nearest by moments to a schedule's training, as flags.

    Parameters
    ----------
    schedule : Schedule
        Where its noise differs between components, the one curve that stands for it.

    Returns
    -------
    dict
        logit_mean, logit_std : of logit t of x_t = (1 - t) x + t eps; distance : total variation
        from the schedule's own density; kohya, diffusers, simpletuner, onetrainer : what each
        is to be told.

    Notes
    -----
    kohya and SimpleTuner draw t = shift(sigmoid(scale N(0, 1))), that is logit t ~ N(ln shift,
    scale^2). diffusers' SD3 and FLUX scripts count from noise to data: their mean has the other
    sign. OneTrainer's scale is noising_weight + 1.

    Examples
    --------
    >>> from spectra.interop import training_flags
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> flags = training_flags(schedule)
    >>> sorted(flags)
    ['diffusers', 'distance', 'kohya', 'logit_mean', 'logit_std', 'onetrainer', 'simpletuner']
    """
    density = scalar_view(schedule).density
    mean, std = round(density.mean, 6), round(density.std, 6)
    quantile = density.quantile((np.arange(LISTED) + 0.5) / LISTED)
    timesteps = 1000 / (1 + np.exp(-quantile[::-1]))
    shift = float(np.exp(mean))
    return {
        "logit_mean": mean + 0.0,
        "logit_std": std,
        "distance": density.distance(mean, std),
        "kohya": f"--timestep_sampling shift --discrete_flow_shift {shift:.6g} "
        f"--sigmoid_scale {std:.6g}",
        "diffusers": f"--weighting_scheme logit_normal --logit_mean={0.0 - mean:.6g} "
        f"--logit_std={std:.6g}",
        "simpletuner": {
            "flow_sigmoid_scale": std,
            "flow_schedule_shift": float(f"{shift:.6g}"),
            "flow_custom_timesteps": ",".join(f"{value:.2f}" for value in timesteps),
        },
        "onetrainer": {
            "timestep_distribution": "LOGIT_NORMAL",
            "noising_bias": mean + 0.0,
            "noising_weight": round(std - 1, 6),
            "timestep_shift": 1.0,
        },
    }


def export_kohya(schedule: Schedule, out: str | Path) -> Export:
    """Write the flags as JSON.

    Parameters
    ----------
    schedule : Schedule
    out : path
        The .json file.

    Returns
    -------
    Export

    Raises
    ------
    InputError
        A file that cannot be written.
    """
    view, flags = scalar_view(schedule), training_flags(schedule)
    lost = (
        f"the training density in two numbers: the logit-normal is {flags['distance']:.1%} (total "
        f"variation) away; SimpleTuner's flow_custom_timesteps follows it in {LISTED} levels",
        "where a sampler's steps lie: see --to flow",
    )
    cannot = (*view.cannot_carry, *lost)
    path = Path(out)
    write_json(path, {**flags, "cannot_carry": list(cannot)})
    return Export(
        "kohya",
        (path,),
        flags,
        cannot,
        (
            f"kohya: {flags['kohya']}",
            f"diffusers: {flags['diffusers']}",
            "OneTrainer: "
            + " ".join(f"{name}={value}" for name, value in flags["onetrainer"].items()),
            "these train on latents: the schedule has to be measured on those latents, scaled as "
            "the network sees them",
        ),
    )
