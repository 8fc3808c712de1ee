"""The choices of `spectra schedule` that may stand on the command line; those not given are None.

One for every keyword of `derive_schedule`, and of the presets.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from spectra.arguments import BasisChoice, ProcessChoice, SolverChoice

__all__ = [
    "ChoiceFlags",
    "Choices",
    "PresetChoice",
    "PresetFlags",
    "PresetNumbers",
    "Sampler",
    "SamplerFlags",
]

PresetChoice = Literal[
    "rectified-flow",
    "vp-cosine",
    "vp-linear",
    "ve",
    "edm",
    "equal-snr",
    "soft-conditioning",
    "blurring",
    "heat-dissipation",
    "power-law-noise",
    "columns",
    "rows",
]


@dataclass(frozen=True)
class Choices:
    """What a schedule is made of; by default chosen from the spectrum, and explained."""

    basis: BasisChoice | Literal["pca", "auto"] | None = None
    """Whose components get a curve each; by default the measured one that loses least."""
    ordering: str | None = None
    """Which drown first: variance (the default), frequency, level, columns, rows, frames (with
    -reversed the other way), sums such as level:1+columns:0.3, or labels in a .npy file."""
    ordering_strength: str | None = None
    """0 equal SNR, 1 standard diffusion, larger more sequential; auto (the default) weighs steps
    against a penalty; by bands 0.1:1,0.5:0.3 (strength 1 up to 0.1 cycles/pixel, then 0.3)."""
    penalty: str | None = None
    """What auto charges a strength: c of c (a - 1)^2, or a file with a measured denoising error."""
    pace: str | None = None
    """What is lost evenly in time: information (the default), frequency, octave, modes, power,
    frequency-power, linear, tangent; or a .json or .csv of pairs (t, noise), whose shape counts."""
    power_weight: float | None = None
    """Share of power in pace frequency-power (0.5)."""
    threshold: float | None = None
    """SNR at which a frequency counts as drowned (1)."""
    prior: Literal["white", "data"] | None = None
    """Noise of equal variance in all components (the default), or of the data's."""
    information_left: float | None = None
    """Nats of an example still left at t = 1 (0.01)."""
    w2_left: float | None = None
    """Clean end: squared W2 distance to the data left at t = 0, as a share of the variance."""
    w2_absolute: float | None = None
    """Clean end: the same a value in the data's units."""
    g_denoise: float | None = None
    """Clean end by hand; every log SNR(0) is at least minus this."""
    g_noise: float | None = None
    """Noise end by hand; every log SNR(1) is at most minus this."""
    form: Literal["vp", "flow", "ve"] | None = None
    """How signal and noise scales follow from their ratio (vp)."""
    density: Literal["pace", "modes", "information"] | None = None
    """Training times: half along the pace and half even in log-noise (the default), or where modes
    or nats are lost."""

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class PresetNumbers:
    """Numbers of a preset; by default its source's own."""

    process: ProcessChoice | None = None
    """Of equal-snr and power-law-noise: the scalar process behind them."""
    blur_max: float | None = None
    """Of blurring and heat-dissipation: the blur at t = 1, pixels."""
    blur_min: float | None = None
    """Of heat-dissipation: the blur at the clean end, pixels."""
    blur_floor: float | None = None
    """Of blurring: what no blur takes away."""
    noise: float | None = None
    """Of heat-dissipation: its constant noise."""
    noise_exponent: float | None = None
    """Of power-law-noise: of frequency, in the noise's spectrum."""
    tau_max: float | None = None
    """Of columns and rows: when the last one's window opens."""
    gamma_min: float | None = None
    """Of columns and rows: -log SNR before its window."""
    gamma_max: float | None = None
    """Of columns and rows: -log SNR after it."""
    reverse: Literal["yes", "no"] | None = None
    """Of columns and rows: generation runs the other way."""

    def given(self) -> dict[str, Any]:
        found = {name: value for name, value in asdict(self).items() if value is not None}
        if "reverse" in found:
            found["reverse"] = found["reverse"] == "yes"
        return found


@dataclass(frozen=True)
class Sampler:
    """What the prescription, or the audit, supposes."""

    steps: int | None = None
    """Steps of the sampler that the prescription (10) or the audit (its own, or 18) looks at."""
    solver: SolverChoice | None = None
    """Its solver: of the prescription heun, of the audit its subject's own."""
    error: Path | None = None
    """A measured denoising error in place of the Wiener filter's."""

    def given(self) -> dict[str, Any]:
        found = {"steps": self.steps, "solver": self.solver}
        return {name: value for name, value in found.items() if value is not None}


ChoiceFlags = tyro.conf.OmitArgPrefixes[Choices]
PresetFlags = tyro.conf.OmitArgPrefixes[PresetNumbers]
SamplerFlags = tyro.conf.OmitArgPrefixes[Sampler]
