"""Moving a schedule to another resolution, field, data set or latent space."""

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule.coordinates import coordinates
from spectra.schedule.moving.foresee import foreseen
from spectra.schedule.moving.modes import (
    Filter,
    Relation,
    carried,
    check_relation,
    check_rings,
    frequency_as_in,
    samples_ratio,
    side_ratio,
)
from spectra.schedule.moving.scale import SigmaScale, between, sigma_scale, usual_relation
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["SigmaScale", "sigma_scale", "transfer_schedule"]

NOTABLE = 0.05  # ln of a factor between octaves that is worth a word
EXACT = 1e-6  # of a field's own range: a law that leaves no more has made it


def transfer_schedule(
    schedule: Schedule,
    spectrum: Spectrum | None = None,
    *,
    shape: tuple[int, ...] | None = None,
    relation: Relation | None = None,
    filter: Filter = "none",
) -> Schedule:
    """Move a schedule to other data: the modes that both have keep their SNR at every time.

    Noise levels are multiplied by one number, so that standard diffusion stays standard and any
    ordering strength stays itself; components that are new take their place in the order by
    their own variance, or frequency.

    Parameters
    ----------
    schedule : Schedule
        In any basis but "pca", whose components belong to one data set.
    spectrum : Spectrum, optional
        Of the new data, with the same basis measured.
    shape : tuple of int, optional
        (C, *spatial) alone, in place of a spectrum: shared modes keep their power, new ones go on
        along the power law of the schedule's own radial spectrum.
    relation : {"resolution", "extension", "data"}, optional
        See `sigma_scale`.
    filter : {"none", "box"}
        How the coarser data came (or, by shape alone, will come) from the finer; likewise.

    Returns
    -------
    Schedule
        Its explanation says what was moved by how much, and where new components came from.

    Raises
    ------
    InputError
        Not just one of spectrum and shape, the basis has no modes in common at the two shapes,
        or an order that says nothing of the new components.

    Notes
    -----
    Ends are moved with the rest: t = 0 keeps the SNR of the shared modes, which need not be the
    clean end that finer modes ask for; the explanation says what noise is left there.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> spectra.transfer_schedule(schedule, shape=(1, 16, 16)).shape
    (1, 16, 16)
    """
    check_name("filter", filter, get_args(Filter))
    if (spectrum is None) == (shape is None):
        raise InputError("transfer: give either the spectrum to move to or its shape")
    if schedule.basis == "pca":
        raise InputError(
            "basis 'pca': its components belong to one data set and cannot be moved; derive the "
            "schedule in basis dct"
        )
    if spectrum is not None:
        kind: Relation = relation or usual_relation(schedule.shape, spectrum.shape)
        check_relation(kind, schedule.shape, spectrum.shape)
        target = coordinates(spectrum, schedule.basis)
        source = "measured"
    else:
        target_shape = tuple(int(n) for n in shape or ())
        kind = relation or usual_relation(schedule.shape, target_shape)
        check_relation(kind, schedule.shape, target_shape)
        target, source = foreseen(schedule, target_shape, kind, filter)
    found = _scale(schedule, target, kind, filter)
    move = _Move.of(schedule, target, kind, found)
    offset, radial_offset, order = move.offset()
    moved = replace(
        target,
        name=f"{schedule.name}, moved",
        offset=offset,
        t=schedule.t,
        pace=schedule.pace + move.pace,
        scale=move.prior(),
        form=schedule.form,
        radial_offset=radial_offset,
        threshold=schedule.threshold,
        coverage=schedule.coverage,
        density=schedule.density,
        limits=move.limits(),
        **move.blur(),
    )
    return replace(moved, explanation=_explained(schedule, moved, found, order, source))


def _scale(schedule: Schedule, target: Schedule, kind: Relation, filter: Filter) -> SigmaScale:
    """By components where they have frequencies, else by the rings."""
    if schedule.basis != "pixel":
        return between(schedule.variance, target.variance, schedule.basis, kind, filter)
    check_rings(schedule.shape, target.shape, kind)
    per_image = kind == "resolution"
    ours = schedule.radial_frequency * (min(schedule.shape[1:]) if per_image else 1)
    theirs = target.radial_frequency * (min(target.shape[1:]) if per_image else 1)
    used = (theirs >= ours[0] * (1 - 1e-9)) & (theirs <= ours[-1] * (1 + 1e-9))
    if not used.any():
        raise InputError("transfer: the two radial spectra have no frequency in common")
    own = np.interp(np.log(theirs[used]), np.log(ours), schedule.radial_log_power)
    half = (target.radial_log_power[used] - own) / 2
    weight = theirs[used] ** (len(target.shape) - 2)  # modes of a ring
    ratio = samples_ratio(schedule.shape, target.shape)
    scale = float(np.exp(np.average(half, weights=weight)))
    root = side_ratio(schedule.shape, target.shape, "resolution")
    return SigmaScale(scale, kind, "rings", int(used.sum()), (), 0.0, ratio**0.5, root)


@dataclass(frozen=True)
class _Move:
    """What is known of the way from one schedule's components to another's.

    Attributes
    ----------
    power : float
        What ln lambda of shared components rises by in this basis.
    pace : float
        What the pace rises by, beyond what the offsets of the order take up.
    """

    schedule: Schedule
    target: Schedule
    relation: Relation
    power: float
    pace: float

    @classmethod
    def of(cls, a: Schedule, b: Schedule, relation: Relation, scale: SigmaScale) -> "_Move":
        noise = 2 * np.log(scale.scale)
        power = noise
        if a.basis == "pixel":  # finer sampling leaves a pixel's variance as it is
            ours = np.log(a.variance).mean(0, keepdims=True)
            shared = carried(ours, "pixel", (1, *b.shape[1:]), relation)
            power = float(np.mean(np.log(b.variance).mean(0, keepdims=True) - shared))
        return cls(a, b, relation, power, noise - power)

    @property
    def _frequency(self) -> np.ndarray:
        """Of the target's components, in cycles/pixel of the source."""
        a, b = self.schedule, self.target
        return frequency_as_in(a.basis, a.shape, b.shape, self.relation)

    @property
    def _rings(self) -> np.ndarray:
        """Of the target's rings, likewise."""
        ratio = side_ratio(self.schedule.shape, self.target.shape, self.relation)
        return ratio * self.target.radial_frequency

    def offset(self) -> tuple[np.ndarray, np.ndarray, str]:
        """Offsets over components and over rings, and the order they are of."""
        a, b = self.schedule, self.target
        law = _line(np.log(a.variance), a.offset)
        if law is not None:
            level, strength = law
            curve = level + strength * (b.radial_log_power - self.power)
            if np.isnan(a.radial_offset).any():
                curve = np.full_like(b.radial_frequency, np.nan)
            offset = level + strength * (np.log(b.variance) - self.power)
            return offset, curve, f"by variance, strength {strength:.3g}"
        law = self._frequency_law(a.offset)
        if law is not None:
            level, slope = law
            curve = level + slope * np.log(self._rings)
            return self._by_frequency(law), curve, f"by frequency, {-slope:.3g} ln f"
        offset = self._carried(a.offset, "order")
        return offset, np.full_like(b.radial_frequency, np.nan), "as given, component by component"

    def prior(self) -> np.ndarray:
        """Noise scale of every component."""
        a, b = self.schedule, self.target
        twice = 2 * np.log(a.scale)
        law = _line(np.log(a.variance), twice)
        if law is not None:
            return np.exp((law[0] + law[1] * np.log(b.variance)) / 2)
        law = self._frequency_law(twice)
        if law is not None:
            return np.exp(self._by_frequency(law) / 2)
        return np.exp(self._carried(twice, "prior") / 2)

    def limits(self) -> tuple[float, float] | None:
        """Clipped where the shared components' SNR was."""
        if self.schedule.limits is None:
            return None
        ours = 2 * np.log(self.schedule.scale) - np.log(self.schedule.variance)
        theirs = 2 * np.log(self.prior()) - np.log(self.target.variance)
        shape = (1, *self.target.shape[1:])
        shared = carried(ours.mean(0, keepdims=True), self.schedule.basis, shape, self.relation)
        rise = float(np.nanmean(theirs.mean(0, keepdims=True) - shared)) - self.pace
        low, high = self.schedule.limits
        return low + rise, high + rise

    def blur(self) -> dict[str, Any]:
        """Blur over components, rings and knots: squares of the frequency are a law."""
        a = self.schedule
        if a.blur_rate is None:
            return {}
        x = a.frequency**2
        law = None if np.isnan(x).any() else _line(x, a.blur_rate)
        radial = None
        if law is not None:
            rate = law[0] + law[1] * self._frequency**2
            if a.radial_blur_rate is not None:
                radial = law[0] + law[1] * self._rings**2
        else:
            rate = self._carried(a.blur_rate, "blur")
        return {
            "blur_rate": np.maximum(rate, 0.0),
            "radial_blur_rate": radial,
            "blur": a.blur,
            "blur_floor": a.blur_floor,
        }

    def _frequency_law(self, values: np.ndarray) -> tuple[float, float] | None:
        x = self.schedule.frequency
        return None if np.isnan(x).any() else _line(_log_frequency(x), values)

    def _by_frequency(self, law: tuple[float, float]) -> np.ndarray:
        return law[0] + law[1] * _log_frequency(self._frequency)

    def _carried(self, values: np.ndarray, what: str) -> np.ndarray:
        """As they were, at the same components."""
        if len(values) != len(self.target.variance):
            raise InputError(
                f"transfer: the {what} is given for each of {len(values)} channels, and the new "
                f"data have {len(self.target.variance)}; derive a schedule for them"
            )
        out = carried(values, self.schedule.basis, self.target.shape, self.relation)
        if np.isnan(out).any():
            raise InputError(
                f"transfer: the {what} follows neither variance nor frequency, so that "
                f"{int(np.isnan(out).sum()):,} new components have no place in it; derive a "
                "schedule for them"
            )
        return out


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """Level and slope of y on x where a straight line is all there is."""
    x, y = x.ravel(), y.ravel()
    span = float(np.ptp(y))
    if span <= EXACT:
        return float(y[0]), 0.0
    if np.ptp(x) <= EXACT:
        return None
    slope = float(np.mean((x - x.mean()) * (y - y.mean())) / np.var(x))
    level = float(y.mean() - slope * x.mean())
    return (level, slope) if np.abs(level + slope * x - y).max() <= EXACT * span else None


def _log_frequency(frequency: np.ndarray) -> np.ndarray:
    """ln f with DC at half the lowest other frequency, as orderings have it."""
    lowest = float(np.min(frequency[frequency > 0], initial=np.inf))
    return np.log(np.maximum(frequency, lowest / 2))


def _explained(
    a: Schedule, moved: Schedule, scale: SigmaScale, order: str, source: str
) -> dict[str, str]:
    """One line for everything that was moved, and for what is new."""
    noise_left = np.mean(moved.variance / (1 + np.exp(moved.log_snr(np.array([0.0]))[0])))
    left = float(moved.information(np.array([1.0]))[0])
    by = {"resolution": "cycles per image", "extension": "cycles/pixel", "data": "size"}
    explanation = {
        **{name: line for name, line in a.explanation.items() if name == "basis"},
        "moved": (
            f"from {a.shape} to {moved.shape} at equal {by[scale.relation]}: noise levels times "
            f"{scale.scale:.3g} (SD3/FLUX shift {scale.scale:.3g}; SD3's rule says {scale.sd3:.3g}"
            f", simple diffusion's {scale.simple_diffusion:.3g})"
        ),
        "ordering": f"{order}; kept",
        "components": f"{source}; {scale.modes:,} a channel are shared",
        "clean end": f"moved; mean squared error at t = 0 is {noise_left:.3g}",
        "noise end": f"moved; {left:.3g} nats of an example are left at t = 1",
        "pace": "kept: " + a.explanation.get("pace", "that of the schedule moved"),
    }
    if scale.disagreement > NOTABLE:
        explanation["moved"] += f"; octaves disagree by {np.expm1(scale.disagreement):.0%} (rms)"
        if scale.relation == "resolution":
            explanation["moved"] += ": if areas were averaged, say filter='box'"
    if moved.quantum > 0:
        rounding = noise_left / (moved.quantum**2 / 12)
        explanation["clean end"] += f", {rounding:.2g} times the rounding noise"
    return explanation
