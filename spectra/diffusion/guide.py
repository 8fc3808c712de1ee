"""A run's denoiser under conditions: another path, parts that are known, classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from spectra.diffusion.known import check_kept, component_mask
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.run import Run
from spectra.diffusion.state import NoiseState
from spectra.diffusion.states import other_part
from spectra.errors import InputError, check_number
from spectra.schedule import Schedule

__all__ = ["Classes", "Guide", "KnownPart", "along", "check_path", "given_array", "known_part"]


@dataclass(frozen=True)
class KnownPart:
    """Components that are known, and which: tensors [n or 1, C, *spatial].

    A network that was trained with known parts is told that they are free of noise; another, on
    a schedule along which parts are finished before others, that they are at its clean end.
    """

    z: Tensor
    mask: Tensor
    noiseless: bool = True

    def of(self, indices: np.ndarray) -> "KnownPart":
        """Those of some of the examples."""
        z, mask = (one if len(one) == 1 else one[indices] for one in (self.z, self.mask))
        return KnownPart(z, mask, self.noiseless)

    def in_place(self, state: NoiseState, process: DiffusionProcess) -> NoiseState:
        """A noise state with these components known."""
        if self.noiseless:
            return state.with_known(self.mask)
        end = process.state(torch.zeros(1, dtype=torch.float64, device=self.z.device))
        return NoiseState(
            log_snr=torch.where(self.mask, end.log_snr, state.log_snr),
            alpha=torch.where(self.mask, end.alpha, state.alpha),
            sigma=torch.where(self.mask, end.sigma, state.sigma),
            level=state.level,
        )


@dataclass(frozen=True)
class Classes:
    """A class for every example, and how strongly it is followed.

    Attributes
    ----------
    labels : int64 array or tensor [n]
    none : int
        What stands for "no class".
    guidance : float
        w of D = D(none) + w (D(label) - D(none)).
    """

    labels: np.ndarray | Tensor
    none: int
    guidance: float

    def of(self, indices: np.ndarray, device: str) -> "Classes":
        """Those of some of the examples, sent to a device: once, not at every evaluation."""
        labels = torch.as_tensor(self.labels[indices], device=device)
        return Classes(labels, self.none, self.guidance)

    @classmethod
    def given(
        cls, run: Run, labels: int | Sequence[int] | None, guidance: float, n: int
    ) -> "Classes | None":
        """The classes of n examples of a run, or None where it knows none.

        Raises
        ------
        InputError
            The run was trained without classes, or has not these.
        """
        names = run.config.get("classes") or []
        check_number("guidance", guidance)
        if not names:
            if labels is not None or guidance != 1:
                raise InputError(
                    f"{run.path}: was trained without classes; train with labels, or leave out "
                    "labels and guidance"
                )
            return None
        count = len(names)
        if labels is None and guidance != 1:
            raise InputError(f"guidance {guidance}: has no class to follow; give labels too")
        if labels is None:
            return cls(np.full(n, count), count, 0.0)
        chosen = np.atleast_1d(given_array("labels", labels))
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or len(chosen) not in (1, n):
            raise InputError(f"labels: one class number, or one for each of the {n} examples")
        if chosen.min() < 0 or chosen.max() >= count:
            raise InputError(f"labels: {run.path} has classes 0 to {count - 1}, not {labels}")
        return cls(np.broadcast_to(chosen, n).astype(np.int64), count, float(guidance))


@dataclass(frozen=True)
class Guide:
    """z_hat(z(t) [B, C, *spatial], t [B]) along a path, given what is known.

    Attributes
    ----------
    denoiser : Denoiser
    process : DiffusionProcess
        The path; the denoiser's own or another through the same components.
    part : KnownPart or None
        Its components are put in place of what was drawn, before and after.
    classes : Classes or None

    Notes
    -----
    Classifier-free guidance: Ho and Salimans, arXiv 2207.12598.
    """

    denoiser: Denoiser
    process: DiffusionProcess
    part: KnownPart | None = None
    classes: Classes | None = None

    def __call__(self, noised: Tensor, t: Tensor) -> Tensor:
        state = self.process.state(t)
        if self.denoiser.encoder is None and self.process is not self.denoiser.process:
            own = self.denoiser.process.level_at(self.process.pace(t))
            state = self.process.state_at(state.log_snr, own)
        if self.part is not None:
            state = self.part.in_place(state, self.process)
            noised = torch.where(self.part.mask, state.alpha * self.part.z, noised)
        if self.classes is None:
            found = self.denoiser.at(noised, state)
        else:
            found = self._guided(noised, state, self.classes)
        return found if self.part is None else torch.where(self.part.mask, self.part.z, found)

    def _guided(self, noised: Tensor, state: NoiseState, classes: Classes) -> Tensor:
        device, weight = noised.device, classes.guidance
        label = torch.as_tensor(classes.labels, device=device)
        nothing = torch.full_like(label, classes.none)
        if weight == 1:
            return self.denoiser.at(noised, state, label)
        without = self.denoiser.at(noised, state, nothing)
        if weight == 0:
            return without
        return without + weight * (self.denoiser.at(noised, state, label) - without)


def check_path(run: Run, schedule: Schedule) -> Schedule:
    """A schedule that a run can be sampled along.

    Raises
    ------
    InputError
        It is of other components, or the run knows only its own schedule's noise.
    """
    own = run.schedule
    if not isinstance(schedule, Schedule):
        raise InputError(f"schedule: a Schedule is needed, not {type(schedule).__name__}")
    if (name := other_part(own, schedule)) is not None:
        raise InputError(
            f"schedule: has another {name} than {run.path}'s own; derive it from the same spectrum "
            f"in basis {own.basis}"
        )
    if run.config.get("condition", "time") == "state":
        return schedule
    alike = own.separable and schedule.separable
    # Offsets may differ by a constant, which the pace takes up; here both have the same.
    if alike and np.allclose(own.offset, schedule.offset, rtol=1e-9, atol=1e-9):
        return schedule
    raise InputError(
        f"schedule: {run.path} was told the time only, and time means other noise on this one; "
        "train with condition state, over both schedules"
    )


def along(run: Run, schedule: Schedule) -> Run:
    """A run as if the path were its own.

    Raises
    ------
    InputError
        The path is of other components, or the run was told the time only.
    """
    if run.config.get("condition", "time") != "state":
        raise InputError(
            f"schedule: {run.path} was told the time only, and knows its own path; train with "
            "condition state, over both schedules"
        )
    return replace(run, schedule=check_path(run, schedule))


def given_array(name: str, given: object) -> np.ndarray:
    """An array of what a caller gave: numbers, lists, arrays or tensors, on whatever device."""
    try:
        return np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: cannot be read as an array ({error})") from None


def known_part(
    run: Run,
    process: DiffusionProcess,
    n: int,
    known: np.ndarray | None,
    mask: np.ndarray | None,
    below: float | None,
) -> KnownPart | None:
    """What of the examples is known, in components; None where nothing is.

    Raises
    ------
    InputError
        One of known and its extent is missing, a shape is wrong, the known values are not finite,
        the components cannot express the mask, or the run was trained without known parts.
    """
    schedule = run.schedule
    if known is None and mask is None and below is None:
        return None
    if known is None or (mask is None) == (below is None):
        raise InputError(
            "known: give the examples and which part of them is kept, by mask or by known_below"
        )
    if run.config.get("condition", "time") != "state":
        raise InputError(
            f"{run.path}: was trained on whole examples only; train with known above 0 to draw "
            "around known parts"
        )
    values = given_array("known", known)
    if values.dtype.kind not in "biuf":
        raise InputError(f"known: real numbers are needed, not {values.dtype}")
    values = values.astype(np.float32)
    values = values[None] if values.ndim == len(schedule.shape) else values
    if values.shape[1:] != tuple(schedule.shape) or len(values) not in (1, n):
        raise InputError(
            f"known of shape {np.shape(known)}: one example {tuple(schedule.shape)} is needed, or "
            f"one for each of the {n} drawn"
        )
    if below is not None:
        frequency = schedule.frequency
        if np.isnan(frequency).any():
            raise InputError("known_below: places have no frequency; give a mask")
        check_number("known_below", below, low=0.0)
        kept = (frequency <= below)[None]
    else:
        places = given_array("mask", mask)
        kept = component_mask(schedule, places)
        check_kept(schedule, places, kept)
        kept = kept if kept.ndim > len(schedule.shape) else kept[None]
        if len(kept) not in (1, n):
            raise InputError(f"mask: {len(kept)} masks for {n} examples; give one, or one for each")
        # Unknown places may hold anything, NaN too: nothing of them is read.
        values = np.where(places.astype(bool), values, schedule.mean)
    if not np.isfinite(values).all():
        raise InputError("known: its values are not finite")
    device = process.variance.device
    z = process.components(torch.as_tensor(values, dtype=torch.float32, device=device))
    components = torch.tensor(kept, device=device)  # a copy: the mask may be read-only
    return KnownPart(z, components, run.config.get("known", 0.0) > 0)
