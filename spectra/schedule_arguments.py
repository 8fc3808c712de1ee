"""The choices of `spectra schedule` that may stand on the command line; those not given are None.

One for every keyword of `derive_schedule`, and of the presets.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from spectra.arguments import BasisChoice, ProcessChoice, SolverChoice, flag, one_of

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


Component = BasisChoice | Literal["pca", "auto"]
Prior = Literal["white", "data"]
Form = Literal["vp", "flow", "ve"]
Density = Literal["pace", "modes", "information"]
YesNo = Literal["yes", "no"]
Number = Annotated[float | None, flag("FLOAT")]

ORDERING = (
    "Which drown first: variance, frequency, level, columns, rows, frames (with -reversed the "
    "other way), sums such as level:1+columns:0.3, or labels in a .npy file (default: variance)."
)
STRENGTH = (
    "0 equal SNR, 1 standard diffusion, larger more sequential; auto weighs steps against a "
    "penalty; by bands 0.1:1,0.5:0.3, 1 up to 0.1 cycles/pixel, then 0.3 (default: auto)."
)
PACE = (
    "What is lost evenly in time: information, frequency, octave, modes, power, frequency-power, "
    "linear, tangent; or a .json or .csv of pairs (t, noise), whose shape counts (default: "
    "information)."
)
DENSITY = (
    "Training times: half along the pace and half even in log-noise, or where modes or nats are "
    "lost (default: pace)."
)


@dataclass(frozen=True)
class Choices:
    """What a schedule is made of; by default chosen from the spectrum, and explained."""

    basis: Annotated[Component | None, one_of(Component)] = None
    """Whose components get a curve each; by default the measured one that loses least."""
    ordering: Annotated[str | None, flag("ORDER", ORDERING)] = None
    ordering_strength: Annotated[str | None, flag("STRENGTH", STRENGTH)] = None
    penalty: Annotated[str | None, flag("FLOAT|FILE")] = None
    """What auto charges a strength: c of c (a - 1)^2, or what `spectra probe` wrote."""
    pace: Annotated[str | None, flag("PACE|FILE", PACE)] = None
    power_weight: Number = None
    """Share of power in pace frequency-power (default: 0.5)."""
    threshold: Number = None
    """SNR at which a frequency counts as drowned (default: 1)."""
    prior: Annotated[Prior | None, one_of(Prior)] = None
    """Noise of equal variance in all components, or of the data's (default: white)."""
    information_left: Number = None
    """Nats of an example still left at t = 1 (default: 0.01)."""
    w2_left: Number = None
    """Clean end: squared W2 distance to the data left at t = 0, as a share of the variance."""
    w2_absolute: Number = None
    """Clean end: the same a value in the data's units."""
    g_denoise: Number = None
    """Clean end by hand; every log SNR(0) is at least minus this."""
    g_noise: Number = None
    """Noise end by hand; every log SNR(1) is at most minus this."""
    form: Annotated[Form | None, one_of(Form)] = None
    """How signal and noise scales follow from their ratio (default: vp)."""
    density: Annotated[Density | None, one_of(Density, DENSITY)] = None

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class PresetNumbers:
    """Numbers of a preset; by default its source's own."""

    shift: Number = None
    """Of scalar presets: every noise level times this, the times even as before (SD3's is 3)."""
    sigma_data: Number = None
    """Of scalar presets: values are taken as divided so that this is their standard deviation."""
    p_mean: Number = None
    """Of edm: mean of ln sigma at which to train; without it and p_std times are even in t."""
    p_std: Number = None
    """Of edm: its standard deviation."""
    process: Annotated[ProcessChoice | None, one_of(ProcessChoice)] = None
    """Of equal-snr and power-law-noise: the scalar process behind them."""
    blur_max: Number = None
    """Of blurring and heat-dissipation: the blur at t = 1, pixels."""
    blur_min: Number = None
    """Of heat-dissipation: the blur at the clean end, pixels."""
    blur_floor: Number = None
    """Of blurring: what no blur takes away."""
    noise: Number = None
    """Of heat-dissipation: its constant noise."""
    noise_exponent: Number = None
    """Of power-law-noise: of frequency, in the noise's spectrum."""
    tau_max: Number = None
    """Of columns and rows: when the last one's window opens."""
    gamma_min: Number = None
    """Of columns and rows: -log SNR before its window."""
    gamma_max: Number = None
    """Of columns and rows: -log SNR after it."""
    reverse: Annotated[YesNo | None, one_of(YesNo)] = None
    """Of columns and rows: generation runs the other way."""

    def given(self) -> dict[str, Any]:
        found = {name: value for name, value in asdict(self).items() if value is not None}
        if "reverse" in found:
            found["reverse"] = found["reverse"] == "yes"
        return found


@dataclass(frozen=True)
class Sampler:
    """What the block to copy, or the audit, supposes."""

    steps: Annotated[int | None, flag("INT")] = None
    """Of the sampler looked at (default: 10; of an audit its subject's own, or 18)."""
    solver: Annotated[SolverChoice | None, one_of(SolverChoice)] = None
    """Its solver (default: heun; of an audit its subject's own)."""
    error: Annotated[Path | None, flag("FILE")] = None
    """A measured denoising error (`spectra probe`): of the audit, and of where modes drown."""

    def given(self) -> dict[str, Any]:
        found = {"steps": self.steps, "solver": self.solver}
        return {name: value for name, value in found.items() if value is not None}


# Their names are the titles in the help.
ChoiceFlags = Annotated[tyro.conf.OmitArgPrefixes[Choices], tyro.conf.arg(name="derivation")]
PresetFlags = Annotated[tyro.conf.OmitArgPrefixes[PresetNumbers], tyro.conf.arg(name="preset")]
SamplerFlags = tyro.conf.OmitArgPrefixes[Sampler]
