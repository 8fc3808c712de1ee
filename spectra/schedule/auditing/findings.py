"""The rules of an audit: each finding has a severity, an octave, a number and a mend."""

import numpy as np

from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.ends import prior, sigma_data, stops_early
from spectra.schedule.auditing.records import AuditOctave, Finding, Measured
from spectra.schedule.auditing.steps import shift_finding, too_few, wasted
from spectra.schedule.auditing.subject import Subject
from spectra.schedule.densities.levels import noise_ends

__all__ = ["find"]

IDLE = 0.01  # of the mean: a step, or a training time, in which no octave changes by more
IDLE_SHARE = 0.1  # of the steps or of the training that may be idle
BELOW = 0.25  # of the noise budget: steps under it change nothing that is seen
UNTRAINED = 0.01  # of the mean training density
MISSED = 0.02  # of an octave decided where it is not trained


def find(
    subject: Subject, account: Account, seen: Measured
) -> tuple[tuple[AuditOctave, ...], tuple[Finding, ...]]:
    """The table of octaves, and everything amiss, gravest first."""
    untrained, knots_there = _untrained(account, seen)
    octaves = _octaves(account, seen, untrained)
    clean, noisy = noise_ends(subject.schedule.variance, subject.schedule.quantum)
    found = [
        *prior(subject, account, seen, noisy),
        *stops_early(subject, account, clean),
        *_idle_steps(subject, account, seen, clean, noisy),
        *_idle_training(subject, account, seen),
        *_untrained_finding(octaves, knots_there, seen),
        *too_few(octaves, seen),
        *wasted(seen),
        *shift_finding(subject, account, seen),
        *sigma_data(subject),
    ]
    rank = {"high": 0, "medium": 1, "low": 2}
    return octaves, tuple(sorted(found, key=lambda finding: rank[finding.severity]))


def _octaves(account: Account, seen: Measured, untrained: np.ndarray) -> tuple[AuditOctave, ...]:
    """One row an octave."""
    size = seen.predicted.variance.size
    ours, best = (_by_octave(account, p.w2_parts) / size for p in (seen.predicted, seen.best))
    rows = []
    for k, octave in enumerate(account.octaves):
        left = seen.octave_left[:, k] / account.power[k]  # falls with t: 1 / (1 + SNR)
        inside = (left > 1 / 11) & (left < 10 / 11)
        noise = seen.log_noise[inside]
        low, high = (noise.min(), noise.max()) if inside.any() else (seen.log_noise[-1],) * 2
        training = None
        if seen.training is not None:
            training = float(np.ptp(seen.training[inside])) if inside.any() else 0.0
        rows.append(
            AuditOctave(
                label=octave.label,
                low=octave.low,
                high=octave.high,
                components=int(account.components[k]),
                sigma_low=float(np.exp(low)),
                sigma_high=float(np.exp(high)),
                steps=_within(seen.knots, low, high),
                best_steps=_within(seen.best_knots, low, high),
                training=training,
                untrained=float(untrained[k]),
                w2=float(ours[k]),
                best_w2=float(best[k]),
                times=float(ours[k] / max(best[k], account.floor * account.components[k] / size)),
                error=float(ours[k] * size / account.power[k]),
            )
        )
    return tuple(rows)


def _within(knots: np.ndarray, low: float, high: float) -> int:
    return int(np.count_nonzero((np.log(knots) >= low) & (np.log(knots) <= high)))


def _by_octave(account: Account, parts: np.ndarray) -> np.ndarray:
    """Sums over the components of each octave, [*shape] -> [O]."""
    groups = np.add.reduceat(parts.ravel()[account.order], account.starts)
    return np.bincount(account.octave, groups, len(account.octaves))


def _shares(seen: Measured, *, steps: bool) -> tuple[np.ndarray, np.ndarray]:
    """What each stretch decides of each octave: of its nats, and of its power, [., O] each."""
    if steps:
        nats, left = np.diff(seen.step_nats, axis=0), -np.diff(seen.step_left, axis=0)
        return nats / seen.clean_nats, left / np.maximum(seen.step_left[0], 1e-300)
    power = np.maximum(seen.octave_left.max(axis=0), 1e-300)
    return (
        np.diff(seen.octave_nats, axis=0) / np.maximum(seen.clean_nats, 1e-300),
        -np.diff(seen.octave_left, axis=0) / power,
    )


def _idle_steps(
    subject: Subject, account: Account, seen: Measured, clean: float, noisy: float
) -> list[Finding]:
    nats, power = _shares(seen, steps=True)
    count = len(nats)
    idle = np.maximum(nats, power).max(axis=1) * count < IDLE
    below = seen.step_left[:-1].sum(axis=1) / account.count.sum() < BELOW * account.floor
    found = []
    learnt = (seen.step_nats[:-1] / seen.clean_nats).mean(axis=1)
    for part, where in (
        (idle & (learnt < 0.5), "high"),
        ((idle | below) & (learnt >= 0.5), "low"),
    ):
        number = int(part.sum())
        if number < 2 or number < IDLE_SHARE * count:
            continue
        edge = seen.knots[part]
        octave = account.octaves[0 if where == "high" else -1].label
        if where == "high":
            # Where the data would begin above these knots too, the last idle knot is where.
            end = noisy if subject.scalar and noisy < edge.max() else edge.min()
            mend = f"start at sigma {end:.3g}; the steps saved go to the octaves below"
        else:
            end = f"at sigma {clean:.3g}" if subject.scalar else f"before sigma {edge.max():.3g}"
            mend = f"end {end}; the steps saved go to the octaves above"
        why = (
            f"no octave changes by more than {IDLE:.0%} of its mean step"
            if where == "high"
            else "what is left is below the rounding of the values, or no octave changes"
        )
        found.append(
            Finding(
                "idle steps",
                "high" if number >= count / 3 else "medium",
                octave,
                number / count,
                f"{number} of {count} steps lie between sigma {edge.max():.3g} and "
                f"{edge.min():.3g}, where {why}",
                mend,
            )
        )
    return found


def _idle_training(subject: Subject, account: Account, seen: Measured) -> list[Finding]:
    if seen.training is None:
        return []
    nats, power = _shares(seen, steps=False)
    mass = -np.diff(seen.training)
    rate = np.maximum(nats, power).max(axis=1)
    left = seen.octave_left[1:].sum(axis=1) / account.count.sum()
    idle = (mass > 0) & ((rate < IDLE * mass) | (left < BELOW * account.floor))
    learnt = (seen.octave_nats[1:] / np.maximum(seen.clean_nats, 1e-300)).mean(axis=1)
    found = []
    for part, where in ((idle & (learnt < 0.5), "high"), (idle & (learnt >= 0.5), "low")):
        share = float(mass[part].sum())
        if share < IDLE_SHARE:
            continue
        edge = np.exp(seen.log_noise[1:][part])
        octave = account.octaves[0 if where == "high" else -1].label
        side = "above" if where == "high" else "below"
        edge_at = edge.min() if where == "high" else edge.max()
        found.append(
            Finding(
                "idle training",
                "high" if share >= 1 / 3 else "medium",
                octave,
                share,
                f"{share:.0%} of training lies {side} sigma {edge_at:.3g}, where "
                + ("every octave is noise" if where == "high" else "only rounding is left"),
                _density_words(account)
                if subject.scalar
                else "draw times by what is learnt: schedule_with_density(schedule, 'information')",
            )
        )
    return found


def _density_words(account: Account) -> str:
    """Moments of the rate at which modes are lost over ln sigma, as EDM's constants."""
    weights = account.count / account.count.sum()
    mean = float(weights @ account.log_variance) / 2
    spread = float(weights @ (account.log_variance / 2 - mean) ** 2)
    deviation = np.sqrt(spread + np.pi**2 / 12)
    return (
        "draw ln sigma from the spectrum's own density, about normal with P_mean "
        f"{mean:.2f}, P_std {deviation:.2f}"
    )


def _untrained(account: Account, seen: Measured) -> tuple[np.ndarray, int]:
    """Share of each octave decided where training never went, and the knots there."""
    none = np.zeros(len(account.octaves))
    if seen.training is None:
        return none, 0
    noise = seen.log_noise
    first, last = np.log(seen.knots[0]), np.log(seen.knots[-1])
    width = np.maximum(-np.diff(noise), 1e-300)
    density = -np.diff(seen.training) / width
    mean = 1 / max(first - last, 1e-9)
    middle = (noise[1:] + noise[:-1]) / 2
    sampled = (middle <= first) & (middle >= last)
    gap = sampled & (density < UNTRAINED * mean)
    nats, power = _shares(seen, steps=False)
    # Each gap for itself: noisy ones count little in nats, clean ones little in power.
    run = np.cumsum(np.diff(gap.astype(int), prepend=0) > 0) * gap  # their numbers, 0 outside
    missed = none
    for number in np.unique(run[gap]):
        part = run == number
        missed = missed + np.minimum(nats[part].sum(axis=0), power[part].sum(axis=0))
    # [L] falls; interp wants it to rise
    at = np.interp(np.log(seen.knots), middle[::-1], gap[::-1].astype(float))
    return missed, int(np.count_nonzero(at > 0.5))


def _untrained_finding(
    octaves: tuple[AuditOctave, ...], knots: int, seen: Measured
) -> list[Finding]:
    worst = max(octaves, key=lambda octave: octave.untrained)
    if worst.untrained < MISSED:
        return []
    return [
        Finding(
            "untrained",
            "high" if worst.untrained > 0.1 else "medium" if worst.untrained > 0.05 else "low",
            worst.label,
            worst.untrained,
            f"{knots} of {len(seen.knots)} sampling steps lie where training density is under "
            f"{UNTRAINED:.0%} of its mean; {worst.untrained:.1%} of {worst.label} is decided there",
            f"train over sigma {worst.sigma_low:.3g} to {worst.sigma_high:.3g} too, or sample only "
            "where training went",
        )
    ]
