"""What an evaluation found: as JSON, and as the lines of a table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from spectra.evaluation.bound import BoundScore, OdeScore
from spectra.evaluation.score import Interval, Score, reach
from spectra.evaluation.spectral import SpectralDistance
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["Scores"]

CLASSES = {
    "own": "  told each example's class; samples are of classes as frequent as the data's",
    "none": "  without classes, some being unknown to the run: the network's side trained on one "
    "example in ten",
}


@dataclass(frozen=True)
class Scores:
    """Scores of one run.

    Attributes
    ----------
    bound : BoundScore
    spectral : SpectralDistance
        Of samples from the source, dB.
    samples : float32 [n, C, H, W]
    steps, evaluations : int
    solver, rule : str
    criterion : str or None
        What the optimal rule made small.
    error : str or None
        Name of the measured denoising error, if one was given.
    held_out : bool
        Whether the bound was taken on files that training did not see.
    source, fingerprint : str
        What was scored against.
    seed, run_step : int
    ode : OdeScore or None
        The likelihood of the probability flow, where it was asked for.
    spectral_floor : Interval or None
        dB: the same distance between two halves of the data that share no file.
    measures : tuple of Score
    left_out : dict
        Name -> reason of the scores among "all" that could not be taken.
    classes : {"own", "none"} or None
        Of a run that was trained with classes: whether it was told those of the examples, or
        none, as it does not know all of them.
    foreseen : bool
        Whether the schedule's spectrum, and so the Wiener filter's, is of the held-out files too.
    """

    bound: BoundScore
    spectral: SpectralDistance
    samples: np.ndarray
    steps: int
    evaluations: int
    solver: str
    rule: str
    criterion: str | None
    error: str | None
    held_out: bool
    source: str
    fingerprint: str
    seed: int
    run_step: int
    ode: OdeScore | None = None
    spectral_floor: Interval | None = None
    measures: tuple[Score, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    classes: Literal["own", "none"] | None = None
    foreseen: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Everything but the samples, for JSON."""
        bound, spectral = self.bound, self.spectral
        return {
            "bits_per_dim": bound.value,
            "bits_per_dim_interval": [bound.low, bound.high],
            "terms": {
                "prior": bound.prior,
                "diffusion": bound.diffusion,
                "reconstruction": bound.reconstruction,
                "value_grid": bound.grid_shift,
            },
            "bits_per_dim_by_file": dict(zip(bound.files, bound.by_file.tolist(), strict=True)),
            "gaussian_bits_per_dim": bound.gaussian,
            "gain_over_gaussian": bound.gain.to_dict(),
            "gaussian_knew_held_out": self.foreseen,
            "examples": bound.n,
            "held_out": self.held_out,
            "classes": self.classes,
            "spectral_distance_db": spectral.value,
            "spectral_distance_interval": [spectral.low, spectral.high],
            "spectral_difference_db": spectral.difference_db.tolist(),
            "frequency": spectral.frequency.tolist(),
            "octaves": spectral.octave_records(),
            "spectral_distance_of_data": _record(self.spectral_floor),
            "ode": None if self.ode is None else self.ode.to_dict(),
            "scores": {score.name: score.to_dict() for score in self.measures},
            "left_out": dict(self.left_out),
            "source": self.source,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "run_step": self.run_step,
            "samples": len(self.samples),
            "steps": self.steps,
            "evaluations": self.evaluations,
            "solver": self.solver,
            "rule": self.rule,
            "criterion": self.criterion,
            "error": self.error,
        }

    def lines(self) -> list[str]:
        """All scores, as the lines of a table."""
        bound, spectral, gain = self.bound, self.spectral, self.bound.gain
        where = "held-out files" if self.held_out else "files"
        total = Interval(bound.value, bound.low, bound.high)
        terms = {
            "prior": bound.prior,
            "diffusion": bound.diffusion,
            "reconstruction": bound.reconstruction + bound.grid_shift,
        }
        lines = [total.line("bits/dim", f"over {len(bound.files)} {where}")]
        lines += [] if self.classes is None else [CLASSES[self.classes]]
        lines += [f"  {name:<28}{value:>9.4f}" for name, value in terms.items()]
        lines.append(
            f"{'  without training':<30}{bound.gaussian:>9.4f}   the Wiener filter, in closed "
            f"form; difference {gain.mean:+.4f} ({reach(gain.low, gain.high, '+.4f')})"
        )
        if self.foreseen:
            lines.append(f"{'':<42}which knows these files: the schedule's spectrum is of all")
        lines += [] if self.ode is None else self.ode.lines()
        distance = Interval(spectral.value, spectral.low, spectral.high)
        how = f"dB, {self.evaluations} evaluations of {self.solver}"
        lines.append(distance.line("spectral distance", how))
        if self.spectral_floor is not None:
            lines.append(self.spectral_floor.line("  of real data"))
        unit = frequency_unit(self.samples.shape[1:])
        for octave in spectral.octaves:
            name = f"  {octave.lowest:.3g} to {octave.highest:.3g} {unit}"
            lines.append(
                f"{name:<30}{octave.difference_db:>+9.2f}   {octave.low:+.2f} to "
                f"{octave.high:+.2f} dB"
            )
        if self.measures:
            against = max((score.against for score in self.measures if score.floor), default=0)
            lines.append(
                f"{len(self.samples)} samples against {against} real examples; of real data: of as "
                "many from other files"
            )
        lines += [line for score in self.measures for line in score.lines()]
        return lines + [f"left out: {reason}" for reason in self.left_out.values()]


def _record(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else asdict(interval)
