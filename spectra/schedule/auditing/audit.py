"""Someone's schedule beside a data set's spectrum: what it wastes, and what it misses."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.errors import InputError
from spectra.files import plain
from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.findings import find
from spectra.schedule.auditing.measure import measure
from spectra.schedule.auditing.records import AuditOctave, Finding
from spectra.schedule.auditing.subject import resolve
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.gaussian import Start, check_grid, evaluations
from spectra.spectrum import Spectrum

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["Audit", "audit"]

STEPS = 18  # of EDM, whose number most people start from
MOST_STEPS = 256
CELLS = 256  # of the curves over ln sigma


@dataclass(frozen=True, eq=False)
class Audit:
    """What a schedule, its training and its sampler make of a spectrum.

    Attributes
    ----------
    name, data : str
        Of the schedule, and of the data.
    solver : str
    steps, evaluations : int
    sigma : float64 [L]
        Noise levels in data units, rising; where components differ, the geometric mean of theirs.
    information_rate : float64 [L]
        Nats of an example per unit of ln sigma, above the clean end's noise.
    octave_rate : float64 [L, O]
        The same of each octave, as a share of all that octave has to give.
    training_density : float64 [L] or None
        Share of training per unit of ln sigma; None where the source says nothing of training.
    knots, best_knots : float64 [N]
        sigma of the sampler's steps, falling, and of as many optimal ones.
    octaves : tuple of AuditOctave
    information_left, prior_kl : float
        Nats of an example left where sampling starts, and KL(noised data || white noise) there.
    w2, best_w2 : float
        Predicted squared W2 per dimension, of the sampler and of the optimal grid.
    least_steps : int
        Optimal ones that reach `w2`; not looked for with a measured denoiser.
    findings : tuple of Finding
        Gravest first; empty where nothing is amiss.
    notes : tuple of str
        What was assumed.
    """

    name: str
    data: str
    solver: str
    steps: int
    evaluations: int
    sigma: np.ndarray
    information_rate: np.ndarray
    octave_rate: np.ndarray
    training_density: np.ndarray | None
    knots: np.ndarray
    best_knots: np.ndarray
    octaves: tuple[AuditOctave, ...]
    information_left: float
    prior_kl: float
    w2: float
    best_w2: float
    least_steps: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The audit in words, findings first."""
        found = [
            f"{self.name} on {self.data}: {self.steps} steps of {self.solver} "
            f"({self.evaluations} evaluations), sigma {self.knots[0]:.3g} to {self.knots[-1]:.3g}"
        ]
        if not self.findings:
            found.append("nothing amiss: ends, training and steps fit this spectrum")
        for finding in self.findings:
            found.append(f"[{finding.severity}] {finding.kind}: {finding.what}")
            found.append(f"    mend: {finding.mend}")
        found.append(
            f"predicted squared W2 {self.w2:.3g} a dimension, {self.best_w2:.3g} with the optimal "
            f"grid; {self.prior_kl:.3g} nats between data at the start and white noise"
        )
        width = max(len(octave.label) for octave in self.octaves)
        found.append(
            f"{'':<{width}} | decided at sigma | steps, best | training |  W2^2, over best"
        )
        for octave in self.octaves:
            training = "       ?" if octave.training is None else f"{octave.training:>8.1%}"
            found.append(
                f"{octave.label:<{width}} | {octave.sigma_low:>7.3g}-{octave.sigma_high:<8.3g} | "
                f"{octave.steps:>5}, {octave.best_steps:<4} | {training} | "
                f"{octave.w2:>8.2g} {octave.times:>6.3g}x"
            )
        listed = ", ".join(f"{sigma:.3g}" for sigma in self.best_knots)
        found.append(f"optimal sigmas for {self.steps} steps of {self.solver}: {listed}")
        return [*found, *(f"assumed: {note}" for note in self.notes)]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, without the curves."""
        curves = ("sigma", "information_rate", "octave_rate", "training_density")
        return plain({name: value for name, value in asdict(self).items() if name not in curves})


def audit(
    subject: Schedule | str | Path,
    spectrum: Spectrum,
    *,
    grid: Sequence[float] | np.ndarray | None = None,
    steps: int | None = None,
    solver: str | None = None,
    start: Start = "white",
    error: "DenoisingError | None" = None,
) -> Audit:
    """Say what a schedule wastes on the data of a spectrum, and what it misses, per octave.

    Parameters
    ----------
    subject : Schedule, str or path
        A Schedule; a name ("edm", "rectified-flow", "sd3 shift 3", "ddpm", "stable-diffusion",
        "vp-cosine", ..., or a preset's); or a file: schedule.safetensors, a diffusers
        scheduler_config.json (or its folder), EDM's constants as JSON, a list of sigmas in JSON
        or text. Noise levels are of data in the spectrum's own units.
    spectrum : Spectrum
    grid : sequence of float, optional
        The sampler's knots, in place of the subject's own: falling noise levels (a final 0 is
        left out), or of a Schedule falling times that end at 0.
    steps : int, optional
        Of the sampler; 18, or as many as a list has.
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}, optional
        What a file says, or its scheduler's class; "heun" for EDM's and our own schedules,
        "euler" for flows and DDPM's. Heun's steps are taken in sigma, also where a flow's would
        be taken in t.
    start : {"white", "data"}
        What sampling starts from: noise alone, as pipelines do, or N(0, lambda + sigma^2).
    error : DenoisingError, optional
        Of a trained denoiser, in place of the Wiener filter's; of a Schedule in its own basis.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        An unknown name, a file that cannot be read, a schedule for other shapes, a grid that does
        not fall.

    Examples
    --------
    >>> found = spectra.audit("edm", spectra.analyze("digits"))
    >>> found.findings[0].severity, found.findings[0].kind
    ('high', 'wasted compute')
    """
    if steps is not None and (steps != int(steps) or not 1 <= steps <= MOST_STEPS):
        raise InputError(f"steps {steps}: a whole number from 1 to {MOST_STEPS} is needed")
    sigmas = None
    if grid is not None and not _has_times(subject):
        sigmas = _levels(grid)
    found = resolve(subject, spectrum, sigmas, None if error is None else error.basis)
    solver = solver or (found.levels.solver if found.levels is not None else "heun")
    times = found.grid(steps or STEPS, solver)
    if grid is not None and sigmas is None:
        times = check_grid(np.asarray(grid, float))
    if len(times) > MOST_STEPS + 1:
        raise InputError(
            f"{found.name}: a sampler of {len(times) - 1:,} steps; audits look at {MOST_STEPS} at "
            "most"
        )
    if len(times) < 2:
        raise InputError(f"{found.name}: a sampler needs at least one noise level")
    account = Account.of(found.schedule, error)
    measured = measure(found, account, times, solver, start, error)
    octaves, findings = find(found, account, measured)
    # Densities over ln sigma, as means over even cells.
    x = measured.log_noise[::-1]
    edges = np.linspace(x[0], x[-1], CELLS + 1)
    width = max(edges[1] - edges[0], 1e-300)
    nats = np.array([np.interp(edges, x, column[::-1]) for column in measured.octave_nats.T])
    rate = -np.diff(nats, axis=1).T / width  # [L, O]
    training = None
    if measured.training is not None:
        training = np.diff(np.interp(edges, x, measured.training[::-1])) / width
    return Audit(
        name=found.name,
        data=spectrum.name,
        solver=solver,
        steps=len(times) - 1,
        evaluations=evaluations(len(times) - 1, solver),
        sigma=np.exp((edges[1:] + edges[:-1]) / 2),
        information_rate=rate.sum(axis=1),
        octave_rate=rate / np.maximum(measured.clean_nats, 1e-300),
        training_density=training,
        knots=measured.knots,
        best_knots=measured.best_knots,
        octaves=octaves,
        information_left=measured.information_left,
        prior_kl=measured.prior_kl,
        w2=measured.predicted.w2,
        best_w2=measured.best.w2,
        least_steps=measured.least_steps,
        findings=findings,
        notes=(found.assumed,) if found.assumed else (),
    )


def _has_times(subject: Schedule | str | Path) -> bool:
    """Whether its grids are times, not noise levels."""
    if isinstance(subject, Schedule):
        return True
    from spectra.schedule.auditing.foreign import named_levels
    from spectra.schedule.presets import PRESETS

    text = str(subject)
    if named_levels(text) is not None:
        return False
    return text in PRESETS or Path(text).suffix == ".safetensors"


def _levels(grid: Sequence[float] | np.ndarray) -> np.ndarray:
    """Falling noise levels above 0, a final 0 left out."""
    from spectra.schedule.auditing.sampler_file import list_levels

    return list_levels(list(np.asarray(grid).ravel()), "grid").grid(0)
