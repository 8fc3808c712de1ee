"""Noise states to train on: along one schedule, between several, and with parts known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spectra.diffusion.known import KnownParts, PartKind
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.randomness import FAMILY, KNOWN, PART, Draws
from spectra.diffusion.state import TOLD_LOG_SNR, NoiseState
from spectra.errors import InputError, check_number
from spectra.schedule import Schedule

__all__ = ["StateSampler", "TrainingState", "check_family", "other_part"]


@dataclass(frozen=True)
class TrainingState:
    """A noise state to train on.

    Attributes
    ----------
    state : NoiseState
    speed : tensor [B, C, *spatial] or broadcast to it
        -d log SNR_i / d quantile: the importance weight of the bound's integral. 0 where the
        component stands: known, or outside its window of time.
    """

    state: NoiseState
    speed: Tensor

    @property
    def moves(self) -> Tensor:
        """Which components a step changes by anything that can be told, bool as `speed`."""
        return (self.speed > 0) & (self.state.log_snr.abs() < TOLD_LOG_SNR)


class StateSampler:
    """Draws noise states from the paths of schedules.

    Parameters
    ----------
    processes : sequence of DiffusionProcess
        One, or a family in order: states are drawn between neighbours too, on the path that
        lies between theirs in log SNR.
    known : float
        Share of the examples of which a random part is known.
    parts : {"any", "ends", "beginnings", "boxes", "coarse"}
        Which, see `KnownParts`.
    """

    def __init__(
        self, processes: Sequence[DiffusionProcess], known: float = 0.0, parts: PartKind = "any"
    ) -> None:
        check_number("known", known, low=0.0, high=1.0)
        self.processes = tuple(processes)
        self.known = known
        device = processes[0].variance.device
        # Elsewhere all examples are put on all paths, with weights of 0: to choose would make the
        # CPU wait for a GPU.
        self.selects = device.type == "cpu"
        self._parts = KnownParts(processes[0].schedule, parts, device) if known > 0 else None
        schedules = [one.schedule for one in processes]
        # So far apart that some are clean or drowned while others have their time.
        apart = any(float(np.ptp(one.offset)) > 2 * TOLD_LOG_SNR for one in schedules)
        self.stands = known > 0 or apart or not all(one.separable for one in schedules)

    def draw(self, draws: Draws) -> TrainingState:
        """States of the examples that `draws` are for; all it reads is theirs."""
        device = self.processes[0].variance.device
        quantile, choice = draws.quantile.to(device), draws.choice.to(device)
        if len(self.processes) == 1:
            drawn = _on(self.processes[0], quantile)
        else:
            drawn = self._between(quantile, choice[:, FAMILY])
        if self._parts is None:
            return drawn
        mask = self._parts.draw(choice[:, PART : PART + 5])
        mask &= (choice[:, KNOWN] < self.known).reshape(-1, *[1] * (mask.ndim - 1))
        return TrainingState(drawn.state.with_known(mask), torch.where(mask, 0.0, drawn.speed))

    def _between(self, quantile: Tensor, place: Tensor) -> TrainingState:
        """Examples at a place in [0, 1) of the family, between the two schedules next to it."""
        first = self.processes[0]
        at = place.double() * (len(self.processes) - 1)
        left = at.long().clamp(max=len(self.processes) - 2)
        share = (at - left).float()
        log_snr = torch.zeros(len(place), *first.shape, device=place.device)
        speed, level = torch.zeros_like(log_snr), torch.zeros_like(share)
        for number, process in enumerate(self.processes):
            weight = torch.where(
                left == number, 1 - share, torch.where(left == number - 1, share, 0)
            )
            mine = (weight > 0).nonzero()[:, 0] if self.selects else slice(None)
            column = weight[mine].reshape(-1, *[1] * len(first.shape))
            one = _on(process, quantile[mine])
            log_snr[mine] += column * one.state.log_snr
            speed[mine] += column * one.speed
            level[mine] += weight[mine] * one.state.level
        return TrainingState(first.state_at(log_snr, level), speed)


def _on(process: DiffusionProcess, quantile: Tensor) -> TrainingState:
    """States on the path of one schedule, at quantiles of its training density."""
    t, rate = process.training_time(quantile)
    column = rate.reshape(-1, *[1] * len(process.shape))
    return TrainingState(process.state(t), column * process.decay(t))


def check_family(schedules: Schedule | Sequence[Schedule]) -> tuple[Schedule, ...]:
    """Schedules that one network can be trained over, the first of them its own.

    Raises
    ------
    InputError
        None at all, or two that differ in more than their paths.
    """
    if isinstance(schedules, Schedule):
        schedules = (schedules,)
    schedules = tuple(schedules) if isinstance(schedules, Iterable) else ()
    if not schedules or not all(isinstance(one, Schedule) for one in schedules):
        raise InputError("schedule: give one, or a list of them that one network is to serve")
    first = schedules[0]
    for number, other in enumerate(schedules[1:], start=2):
        name = other_part(first, other)
        if name is not None:
            raise InputError(
                f"schedule {number} of the family: has another {name} than the first; derive "
                "all of them from one spectrum in one basis"
            )
    return schedules


def other_part(first: Schedule, other: Schedule) -> str | None:
    """What two schedules differ in beside their paths, the first such thing, or None."""
    for name in ("basis", "shape", "form", "variance", "mean", "scale", "components"):
        mine, its = getattr(first, name), getattr(other, name)
        if not np.array_equal(mine, its):  # pyright: ignore[reportArgumentType]
            return name
    return None
