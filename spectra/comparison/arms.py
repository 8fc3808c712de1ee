"""What is compared: a schedule, how a network is trained with it, and how it is stepped through.

On the command line an arm is ``[LABEL=]BASE[:key=value[,key=value...]]``.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from spectra.diffusion.loss import Loss
from spectra.diffusion.precondition import Preconditioning
from spectra.diffusion.solvers import Solver
from spectra.errors import InputError, check_name
from spectra.schedule import (
    PRESETS,
    Schedule,
    derive_schedule,
    load_schedule,
    mixed_schedule,
    preset,
    refine_schedule,
)
from spectra.schedule.steps.grids import grid_criterion
from spectra.schedule.steps.optimise import Criterion
from spectra.schedule.steps.rules import OF_ERROR, RULES
from spectra.spectrum import Spectrum

__all__ = ["Arm", "check_error", "make_schedule", "parse_arm", "parse_arms"]

# What may be said of an arm beside its schedule.
TRAINING = ("preconditioning", "loss", "steps", "seed")
SAMPLING = ("rule", "criterion", "solver", "error")
WHOLE = ("steps", "seed")
KEYS = re.compile(r":(?=[\w-]+=)")  # another colon is part of a path


@dataclass(frozen=True)
class Base:
    """A named arm: the preset behind it, its numbers, and how it is usually stepped through."""

    preset: str
    choices: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=lambda: {"rule": "time"})


EDM = {"p_mean": -1.2, "p_std": 1.2}
# Each as its paper has it: schedule, training density and grid. The loss and the preconditioning
# are the trainer's, the same for all, unless an arm says otherwise.
COPIED: dict[str, Base] = {
    "rectified-flow": Base("rectified-flow"),
    "sd3": Base("rectified-flow", {"shift": 3.0}),
    "vp-cosine": Base("vp-cosine"),
    "vp-linear": Base("vp-linear"),
    "edm": Base("edm", EDM, {"rule": "edm"}),
    "equal-snr": Base("equal-snr"),
    "tangent": Base("edm", EDM, {"rule": "tangent"}),
    "rescaled-entropic": Base("edm", EDM, {"rule": "rescaled-entropic", "error": "measured"}),
}
DERIVED: dict[str, dict[str, Any]] = {
    "derived": {"rule": "optimal"},
    # Derived, and once more when a short training has shown where the network errs.
    "refined": {"rule": "optimal", "error": "measured"},
}
NAMES = (*DERIVED, *COPIED)


@dataclass(frozen=True)
class Arm:
    """One thing that is compared.

    Attributes
    ----------
    name : str
    base : str or Schedule
        "derived" from the data's spectrum, "refined" after a short training, a published one
        (rectified-flow, sd3, vp-cosine, vp-linear, edm, equal-snr, tangent, rescaled-entropic, or
        any other preset), or a schedule, or its file.
    choices : dict
        Keywords of `derive_schedule`, `refine_schedule`, `preset`, or `mixed_schedule`.
    training : dict
        preconditioning, loss, steps (instead of those of all) and seed (added to that of all).
    sampling : dict
        rule, criterion, solver (instead of those of all), and error "measured": the grid (and
        solver "covariance") know what the trained network leaves wrong.
    text : str
        As it was asked for.
    """

    name: str
    base: str | Schedule
    choices: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def refines(self) -> bool:
        """Whether its schedule waits for a short training."""
        return self.base == "refined"

    @property
    def copied(self) -> bool:
        """Whether it is blind to the data: published numbers, and nothing of ours."""
        return self.base in COPIED and not set(self.choices) & MIXED


MIXED = {"ends", "pace", "ordering_strength", "density"}


def parse_arms(texts: Sequence[str | Arm]) -> tuple[Arm, ...]:
    """Arms out of what was asked for.

    Parameters
    ----------
    texts : sequence of str or Arm
        ``[LABEL=]BASE[:key=value[,key=value...]]``, see `Arm`.

    Returns
    -------
    tuple of Arm

    Raises
    ------
    InputError
        Fewer than one, two of one name, or one that cannot be read.

    Examples
    --------
    >>> from spectra.comparison import parse_arms
    >>> arms = parse_arms(["derived", "low=edm:p_mean=-2"])
    >>> [arm.name for arm in arms]
    ['derived', 'low']
    """
    if isinstance(texts, str | Arm):
        texts = (texts,)
    arms = tuple(parse_arm(text) if isinstance(text, str) else _checked(text) for text in texts)
    if not arms:
        raise InputError(f"schedules: give at least one, {', '.join(NAMES)} or a file")
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"schedules: {name} stands there twice; give it a label, again={name} say"
            )
    return arms


def parse_arm(text: str) -> Arm:
    """An arm out of ``[LABEL=]BASE[:key=value[,key=value...]]``.

    Raises
    ------
    InputError
        An unknown base or key, or a value that does not belong to it.
    """
    head, *tails = KEYS.split(text, maxsplit=1)
    tail = tails[0] if tails else ""
    label, equals, base = head.partition("=")
    if not equals:
        label, base = "", head
    base = base.strip()
    made: dict[str, dict[str, Any]] = {"choices": {}, "training": {}, "sampling": {}}
    for part in filter(None, tail.split(",")):
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not value:
            raise InputError(f"schedules {text}: {part!r} is no key=value")
        kind = "training" if key in TRAINING else "sampling" if key in SAMPLING else "choices"
        made[kind][key] = _value(value.strip())
    name = label.strip() or (Path(base).stem + (f":{tail}" if tail else ""))
    return _checked(Arm(name, base, **made, text=text))


def _checked(arm: Arm) -> Arm:
    """An arm whose words are all known; with the usual sampling of its base."""
    if not isinstance(arm, Arm) or not isinstance(arm.base, str | Schedule):
        raise InputError(f"schedules {type(arm).__name__}: an arm is a text or an Arm; see Arm")
    where = f"schedules {arm.text or arm.name}"
    if not arm.name or any(sign in arm.name for sign in "/\\"):
        raise InputError(f"{where}: {arm.name!r} cannot be the name of a folder; give a label")
    usual: Mapping[str, Any] = {"rule": "optimal"}
    base = arm.base
    if isinstance(base, Schedule):
        takes: tuple[str, ...] = ()
    elif base in DERIVED:
        takes, usual = DERIVE[base], DERIVED[base]
    elif base in COPIED:
        usual = COPIED[base].sampling
        takes = tuple(dict.fromkeys((*PRESETS[COPIED[base].preset], *_parts(base))))
    elif base in PRESETS:
        takes, usual = PRESETS[base], {"rule": "time"}
    elif base.endswith(".safetensors"):
        takes = ()
    else:
        raise InputError(
            f"{where}: no schedule {base!r} is known; give {', '.join(NAMES)}, another preset, or "
            "a .safetensors file"
        )
    known = {"choices": takes, "training": TRAINING, "sampling": SAMPLING}
    for kind, names in known.items():
        for key in getattr(arm, kind):
            if key not in names:
                every = ", ".join(sorted({*takes, *TRAINING, *SAMPLING}))
                raise InputError(f"{where}: has no {key}; it takes {every}")
    for key, names in (("preconditioning", Preconditioning), ("loss", Loss)):
        if key in arm.training:
            check_name(f"{where}: {key}", str(arm.training[key]), get_args(names))
    for key in WHOLE:
        if key in arm.training and type(arm.training[key]) is not int:
            raise InputError(f"{where}: {key} {arm.training[key]!r}: a whole number is needed")
    if arm.training.get("steps", 1) < 1:
        raise InputError(f"{where}: steps {arm.training['steps']}: at least 1 is needed")
    names = {"rule": RULES, "criterion": get_args(Criterion), "error": ("measured", "wiener")}
    for key, allowed in (names | {"solver": get_args(Solver)}).items():
        if key in arm.sampling:
            check_name(f"{where}: {key}", str(arm.sampling[key]), allowed)
    sampling = {**usual, **arm.sampling}
    try:
        grid_criterion(sampling["rule"], sampling.get("criterion"))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return replace(arm, sampling=sampling, text=arm.text or arm.name)


def check_error(arm: Arm, solvers: Sequence[str]) -> None:
    """Refuse a measured error that some of an arm's solvers, its own or all, would not look at.

    Raises
    ------
    InputError
        The arm's rule and one of its solvers have no use for it.
    """
    rule, own = arm.sampling["rule"], arm.sampling.get("solver")
    if arm.sampling.get("error") != "measured" or rule in OF_ERROR:
        return
    for solver in solvers if own is None else [own]:
        if solver != "covariance":
            raise InputError(
                f"schedules {arm.text}: error measured: solver {solver} along rule {rule} has no "
                f"use for it; give error=wiener, rule={' or '.join(OF_ERROR)}, or solver=covariance"
            )


def make_schedule(arm: Arm, spectrum: Spectrum, sigma_data: float | None) -> Schedule:
    """The schedule of an arm; of one that refines, the schedule it starts from.

    `sigma_data` is the standard deviation that copied schedules take the values as divided to.

    Raises
    ------
    InputError
        A choice that the schedule refuses, or a file of another shape.
    """
    base = arm.base
    if isinstance(base, Schedule):
        return base
    try:
        if base in DERIVED:
            known = {key: arm.choices[key] for key in arm.choices if key in DERIVE["derived"]}
            if arm.refines:  # its density waits for the error
                known.pop("density", None)
            return derive_schedule(spectrum, **known)
        if base not in COPIED and base not in PRESETS:
            return load_schedule(base)
        named = COPIED.get(base, Base(base))
        choices = {**named.choices, **arm.choices}
        if sigma_data is not None and "sigma_data" in PRESETS[named.preset]:
            choices = {"sigma_data": sigma_data, **choices}
        if set(choices) & MIXED:
            return mixed_schedule(spectrum, process=named.preset, **choices)
        return preset(named.preset, spectrum, **choices)
    except InputError as error:
        raise InputError(f"schedules {arm.text}: {error}") from None


def _value(text: str) -> Any:
    """A number, yes or no, or a word."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"yes": True, "no": False}.get(text, text)


def _keywords(function: Callable[..., Schedule]) -> tuple[str, ...]:
    """What may be chosen of a schedule, beside what it is made from."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(one.name for one in parameters if one.kind is one.KEYWORD_ONLY)


DERIVE = {"derived": _keywords(derive_schedule), "refined": _keywords(refine_schedule)}


def _parts(base: str) -> tuple[str, ...]:
    """Keywords of `mixed_schedule`, for a copied process."""
    if COPIED[base].preset not in ("rectified-flow", "vp-cosine", "vp-linear"):
        return ()
    return tuple(name for name in _keywords(mixed_schedule) if name != "process")
