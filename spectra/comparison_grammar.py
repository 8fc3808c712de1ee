"""What `spectra compare` takes."""

from typing import Annotated

import tyro

from spectra.arguments import (
    DeviceChoice,
    Json,
    Network,
    Out,
    Outcome,
    SolverChoice,
    SourceName,
    View,
    ViewFlags,
    flag,
    one_of,
)
from spectra.train_arguments import Loss, Preconditioning

__all__ = ["compare"]

SCHEDULES = (
    "Arms, each [LABEL=]BASE[:key=value,...]. BASE: derived, refined (derived, and once more when "
    "a short training has shown where the network errs), rectified-flow, sd3, vp-cosine, edm, "
    "equal-snr, tangent, rescaled-entropic, another preset, or a .safetensors file. Keys: those "
    "of the schedule (ordering_strength=0.5, p_mean=-2, ends=derived ...), preconditioning, loss, "
    "steps, seed, and rule, criterion, solver, error=measured of the sampler. The first is "
    "compared with each of the others."
)


def compare(
    source: SourceName,
    /,
    *,
    schedules: Annotated[tuple[str, ...], flag("ARM [ARM ...]", SCHEDULES)],
    out: Out,
    view: ViewFlags = View(),
    steps: int = 2000,
    batch: int = 32,
    seeds: int = 3,
    network: Network = "unet",
    preconditioning: Annotated[Preconditioning | None, one_of(Preconditioning)] = None,
    loss: Annotated[Loss | None, one_of(Loss)] = None,
    learning_rate: Annotated[float | None, flag("FLOAT")] = None,
    random_flip: Annotated[bool, flag(None)] = False,
    held_out: float = 0.2,
    probe: Annotated[int | None, flag("INT")] = None,
    solvers: tuple[SolverChoice, ...] = ("heun",),
    evaluations: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]")] = (5, 9, 19),
    samples: int = 256,
    examples: int = 256,
    bits_margin: float = 0.02,
    distance_margin: float = 0.05,
    copied_sigma_data: Annotated[float | None, flag("FLOAT")] = None,
    device: DeviceChoice = "auto",
    workers: Annotated[int | None, flag("INT")] = None,
    json: Json = False,
) -> Outcome:
    """Which schedule pays on these data: several trained alike, scored in pairs.

    Everything but the schedule is equal. The same command again goes on where it was stopped, run
    by run; arms, seeds, solvers and evaluations may be added.

    Args:
        source: A folder or zip of images or sounds, an array file, or a manifest's name.
        steps: Optimiser steps of each training.
        batch: Examples a step.
        seeds: Paired trainings of each arm.
        network: unet, dit, or of a size, unet:width=64,multipliers=1-2-4 say (default: unet).
        preconditioning: Per component, only its skip connection, or as EDM (default: scalar).
        loss: The bound, per octave, as seen by the eye, or EDM's unit weight (default: edm).
        learning_rate: After the warm-up (default: 0.002).
        random_flip: Mirror half of the images, at random, left to right.
        held_out: Share of the files that only scores see.
        probe: Steps after which refined learns from its loss (default: a tenth of all).
        solvers: Every arm is sampled with each.
        evaluations: Of the network, at most, a sample.
        samples: Drawn for each distance.
        examples: Held-out examples for bits/dim at most.
        bits_margin: A tie is an interval wholly below this, bits/dim.
        distance_margin: The same as a share of a distance.
        copied_sigma_data: Standard deviation that copied schedules take the values as divided to
            (default: the values as they are).
        device: cpu, cuda, or auto.
        workers: Trainings at a time; by default one a core, or one a GPU.
    """
    from spectra import comparison_commands

    given = {
        "preconditioning": preconditioning,
        "loss": loss,
        "learning_rate": learning_rate,
        "probe": probe,
        "workers": workers,
        "copied_sigma_data": copied_sigma_data,
    }
    opening = view.options()
    options = {
        "steps": steps,
        "batch": batch,
        "seeds": seeds,
        "seed": opening.pop("seed"),  # of the trainings: the data are parted alike for all
        "network": network,
        "random_flip": random_flip,
        "held_out": held_out,
        "solvers": solvers,
        "evaluations": evaluations,
        "samples": samples,
        "examples": examples,
        "bits_margin": bits_margin,
        "distance_margin": distance_margin,
        "device": device,
        "view": {name: value for name, value in opening.items() if value != DEFAULTS[name]},
    }
    options |= {name: value for name, value in given.items() if value is not None}
    return Outcome(*comparison_commands.compare(source, schedules, out, options))


DEFAULTS = View().options()
