"""What the components of another shape will be, from those that were measured."""

from dataclasses import replace

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError
from spectra.schedule.moving.modes import (
    Filter,
    Relation,
    box_response,
    box_transfer,
    carried,
    frequency_as_in,
    samples_ratio,
    side_ratio,
)
from spectra.schedule.schedule import Schedule

__all__ = ["foreseen"]

FIT_BELOW = 0.25  # cycles/pixel: filters, codecs and aliases bend the last octave
ROUNDS = 8  # of taking aliases off


def foreseen(
    schedule: Schedule, shape: tuple[int, ...], relation: Relation, filter: Filter
) -> tuple[Schedule, str]:
    """Variance, mean and radial spectrum at another shape, and in words where they are from.

    Raises
    ------
    InputError
        The shape is the schedule's own, or has other channels.
    """
    if shape == schedule.shape:
        raise InputError(f"shape {shape}: the schedule has it already")
    if shape[0] != schedule.shape[0]:
        raise InputError(
            f"shape {shape}: the schedule is of {schedule.shape[0]} channels, and a shape says "
            "nothing of others; give the spectrum of the new data"
        )
    basis = make_basis(schedule.basis, shape)  # refuses what the basis cannot have
    if filter == "box" and (schedule.basis != "dct" or relation != "resolution"):
        raise InputError("filter 'box' is known by DCT components of another resolution")
    floor = schedule.quantum**2 / 12
    signal = np.maximum(schedule.variance - floor, 1e-12 * schedule.variance)
    grows = relation == "resolution" and schedule.basis != "pixel"
    ratio = samples_ratio(schedule.shape, shape) if grows else 1.0
    shrinks = filter == "box" and ratio < 1
    if shrinks:
        known = _averaged(signal, shape)
    else:
        known = carried(ratio * signal, schedule.basis, shape, relation)
    lines = ["shared ones have the power that was measured"]
    if filter == "box" and not shrinks:
        corner = tuple(slice(n) for n in schedule.shape[1:])
        known[(..., *corner)] /= box_transfer(schedule.shape[1:], shape[1:])
    missing = np.isnan(known)
    if missing.any():
        exponent, rms = _exponent(schedule)
        frequency = frequency_as_in(schedule.basis, schedule.shape, shape, relation)
        known = _continued(known, frequency, exponent)
        if filter == "box":
            known = _without_aliases(known, ratio * signal, schedule.shape)
        lines.append(
            f"{int(missing.sum()):,} new ones go on as f^-{exponent:.2f}, the law of the radial "
            f"spectrum up to {FIT_BELOW} cycles/pixel ({rms:.1f} dB rms)"
        )
    if filter == "box":
        lines.append("with the box filter's attenuation " + ("put on" if shrinks else "taken off"))
    variance = known + floor
    radial_frequency, radial_power = _radial(schedule, variance, basis.frequency, relation)
    size = {"size": list(shape[1:])} if "size" in schedule.data else {}
    target = replace(
        schedule,
        name="foreseen",
        shape=shape,
        variance=variance,
        mean=_mean(schedule, shape, relation),
        offset=np.zeros(shape),
        scale=np.ones(shape),
        radial_frequency=radial_frequency,
        radial_log_power=np.log(radial_power),
        radial_offset=np.zeros_like(radial_power),
        limits=None,
        blur_rate=None,
        radial_blur_rate=None,
        blur=None,
        blur_floor=0.0,
        data={**schedule.data, **size},
        fingerprint="",
    )
    return target, ", ".join(lines)


def _averaged(signal: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """DCT variances after averaging areas, aliases included; uncorrelated modes, [C, *n]."""
    for axis, (m, n) in enumerate(zip(shape[1:], signal.shape[1:], strict=True), start=1):
        if m > n:
            raise InputError(f"shape {shape}: a box filter shrinks every axis")
        response = box_response(m, n) ** 2
        signal = np.moveaxis(np.tensordot(response, signal, (1, axis)), 0, axis)
    return signal


def _without_aliases(known: np.ndarray, seen: np.ndarray, coarse: tuple[int, ...]) -> np.ndarray:
    """Lower the shared modes until averaging areas gives what was seen, [C, *n]."""
    ratio = known[0].size / seen[0].size
    corner = (..., *(slice(n) for n in coarse[1:]))
    for _ in range(ROUNDS):
        known[corner] *= seen / (ratio * _averaged(known, coarse))
    return known


def _exponent(schedule: Schedule) -> tuple[float, float]:
    """Exponent of the radial spectrum, every octave alike, and rms departure in dB."""
    x, y = np.log(schedule.radial_frequency), schedule.radial_log_power
    floor = schedule.quantum**2 / 12
    y = np.log(np.maximum(np.exp(y) - floor, 1e-12 * np.exp(y)))
    used = schedule.radial_frequency <= FIT_BELOW
    if np.count_nonzero(used) < 3:
        used[:] = True
    x, y = x[used], y[used]
    if len(x) < 2:
        raise InputError("transfer: one ring shows no power law; give the spectrum of the new data")
    weight = np.gradient(x)
    slope, level = np.polyfit(x, y, 1, w=np.sqrt(weight))
    rms = np.sqrt(np.average((y - level - slope * x) ** 2, weights=weight))
    return -float(slope), float(10 / np.log(10) * rms)


def _continued(known: np.ndarray, frequency: np.ndarray, exponent: float) -> np.ndarray:
    """Fill NaN by a power law that meets the octave below `FIT_BELOW`, channel by channel."""
    out = known.copy()
    for channel, f in zip(out, frequency, strict=True):
        has = np.isfinite(channel) & (f > 0)
        met = has & (f > FIT_BELOW / 2) & (f <= FIT_BELOW)
        met = met if met.any() else has
        if not met.any():
            raise InputError("transfer: no component to continue from; give the new spectrum")
        level = np.mean(np.log(channel[met]) + exponent * np.log(f[met]))
        new = np.isnan(channel)
        channel[new] = np.exp(level - exponent * np.log(f[new]))
    return out


def _radial(
    schedule: Schedule, variance: np.ndarray, frequency: np.ndarray, relation: Relation
) -> tuple[np.ndarray, np.ndarray]:
    """Mean variance in rings a cycle per image wide, ([F], [F]); of pixels what they had."""
    if np.isnan(frequency).any():
        f = schedule.radial_frequency / side_ratio(schedule.shape, variance.shape, relation)
        within = f <= 0.5
        grown = samples_ratio(schedule.shape, variance.shape) if relation == "resolution" else 1.0
        return f[within], np.exp(schedule.radial_log_power[within]) * grown
    ring = np.rint(frequency * min(variance.shape[1:])).astype(int).ravel()
    count = np.bincount(ring)
    used = (count > 0) & (np.arange(len(count)) > 0)
    f = np.bincount(ring, frequency.ravel())[used] / count[used]
    power = np.bincount(ring, variance.ravel())[used] / count[used]
    below = f < 0.5
    return f[below], power[below]


def _mean(schedule: Schedule, shape: tuple[int, ...], relation: Relation) -> np.ndarray:
    """The mean example at another shape, [C, *n]: smooth, or its level where places differ."""
    if relation != "resolution":
        axes = tuple(range(1, len(shape)))
        return np.broadcast_to(schedule.mean.mean(axes, keepdims=True), shape).copy()
    coarse = make_basis("dct", schedule.shape).forward(schedule.mean)
    moved = np.nan_to_num(carried(coarse, "dct", shape, relation))
    return make_basis("dct", shape).inverse(moved * np.sqrt(samples_ratio(schedule.shape, shape)))
