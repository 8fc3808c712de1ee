"""What is to be trained and scored: the same for all arms, and one training of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from spectra.comparison.arms import Arm
from spectra.diffusion.chosen import Device
from spectra.diffusion.settings import ADDED
from spectra.diffusion.solvers import Solver
from spectra.diffusion.solvers import evaluations as cost_of
from spectra.errors import InputError, check_name, check_number, check_share, check_whole
from spectra.files import plain

__all__ = ["Job", "Plan", "check_plan", "file_name", "merged", "steps_for"]

NAME_LENGTH = 60
MOST_SEEDS = 10_000  # every training is planned before the first begins


@dataclass(frozen=True)
class Plan:
    """What is the same for all arms; see `compare`."""

    source: str | None
    view: Mapping[str, Any]
    network: Mapping[str, Any]
    steps: int
    batch: int
    loss: str
    preconditioning: str
    learning_rate: float
    random_flip: bool
    held_out: float
    probe: int
    solvers: tuple[str, ...]
    evaluations: tuple[int, ...]
    samples: int
    examples: int
    levels: int
    device: Device

    def training(self, arm: Arm) -> dict[str, Any]:
        """What an arm is trained with, but for the schedule and the seed."""
        options = {
            "steps": self.steps,
            "batch": self.batch,
            "network": dict(self.network),
            "loss": self.loss,
            "preconditioning": self.preconditioning,
            "learning_rate": self.learning_rate,
            "held_out": self.held_out,
            "random_flip": self.random_flip,
            "device": self.device,
        }
        return {**options, **{k: v for k, v in arm.training.items() if k != "seed"}}


@dataclass(frozen=True)
class Job:
    """One training with one seed, and the arms that it serves.

    Attributes
    ----------
    out : Path
        The comparison's folder.
    arms : tuple of Arm
        They differ in how they are stepped through at most.
    schedule : Path
    name, digest : str
        Of that schedule.
    seed : int
        That the arms are compared at; the network's is moved by what the arm says.
    """

    out: Path
    arms: tuple[Arm, ...]
    schedule: Path
    name: str
    digest: str
    seed: int
    plan: Plan

    def identity(self) -> str:
        """Equal for arms that share a training."""
        arm, plan = self.arms[0], self.plan
        training = plan.training(arm).items()
        told = {
            "schedule": self.digest,
            # As older comparisons say it, which knew none of the options added since.
            "training": {k: v for k, v in training if k not in ADDED or v != ADDED[k]},
            "seed": self.number,
            "probe": plan.probe if arm.refines else 0,
            "refined": arm.choices if arm.refines else {},
            "scored": [plan.examples, plan.levels],
        }
        return hashlib.sha256(json.dumps(plain(told), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def number(self) -> int:
        """The seed of the network and the data's order."""
        return self.seed + self.arms[0].training.get("seed", 0)

    def folder(self) -> Path:
        """Where the training goes."""
        name = "refined" if self.arms[0].refines else self.name
        return self.out / "runs" / f"{name}-{self.identity()}-seed{self.seed}"


def steps_for(solver: str, evaluations: int) -> int:
    """The most steps of a solver within so many evaluations of the network."""
    steps = 1
    while cost_of(steps + 1, solver) <= evaluations:
        steps += 1
    return steps


def merged(jobs: Sequence[Job]) -> list[Job]:
    """Jobs of one training and seed as one."""
    found: dict[tuple[str, int], Job] = {}
    for job in jobs:
        key = job.identity(), job.seed
        arms = (*found[key].arms, *job.arms) if key in found else job.arms
        found[key] = replace(job, arms=arms)
    return list(found.values())


def file_name(name: str) -> str:
    """An arm's name as that of a file; two arms never share one."""
    plain = "".join(sign if sign.isalnum() or sign in "._=-" else "_" for sign in name)
    if plain == name and len(name) <= NAME_LENGTH:
        return name
    return f"{plain[:NAME_LENGTH]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def check_plan(
    steps: int,
    batch: int,
    seeds: int,
    seed: int,
    solvers: Sequence[str],
    evaluations: Sequence[int],
    samples: int,
    examples: int,
    held_out: float,
    probe: int | None,
) -> None:
    """Refuse numbers out of their range, before anything is measured."""
    least = {"steps": (steps, 1), "batch": (batch, 1), "seeds": (seeds, 1)}
    least |= {"samples": (samples, 3), "examples": (examples, 1)}
    for name, (value, low) in least.items():
        check_whole(name, value, low=low)
    check_number("seeds", seeds, high=MOST_SEEDS)
    check_whole("seed", seed, low=0)
    if probe is not None:
        check_whole("probe", probe, low=1)
        if probe >= steps:
            raise InputError(f"probe {probe}: must be under the {steps} steps of a training")
    check_share("held_out", held_out)
    if not solvers or not evaluations:
        raise InputError("solvers, evaluations: give at least one of each")
    for solver in solvers:
        check_name("solver", solver, get_args(Solver))
    for count in evaluations:
        check_whole("evaluations", count, low=1)
