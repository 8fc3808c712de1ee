"""What `spectra train` takes, by what it is about; those not given are None."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import tyro

from spectra.arguments import DeviceChoice, Network, flag, one_of

__all__ = [
    "Averaging",
    "Loss",
    "Machine",
    "MachineFlags",
    "NetworkFlags",
    "NetworkOptions",
    "Optimiser",
    "OptimiserFlags",
    "PartKind",
    "Parts",
    "PartsFlags",
    "Preconditioning",
    "given_options",
]

Preconditioning = Literal["component", "skip", "scalar"]
Loss = Literal["bound", "edm", "octave", "perceptual"]
Averaging = Literal["half-life", "power"]
PartKind = Literal["any", "ends", "beginnings", "boxes", "coarse"]


@dataclass(frozen=True)
class NetworkOptions:
    """What is trained, what it is told, and by which loss."""

    network: Network = "unet"
    """unet, dit, or of a size, unet:width=64,multipliers=1-2-4 say (default: unet)."""
    preconditioning: Annotated[Preconditioning | None, one_of(Preconditioning)] = None
    """Per component, only its skip connection, or scalar as EDM (default: scalar)."""
    loss: Annotated[Loss | None, one_of(Loss)] = None
    """The bound, per octave, as seen by the eye, or EDM's unit weight (default: edm)."""
    condition: Literal["auto", "time", "state"] = "auto"
    """What the network is told: time, or the noise state (auto: where it is needed)."""


@dataclass(frozen=True)
class Optimiser:
    """How its weights are found, and averaged."""

    learning_rate: Annotated[float | None, flag("FLOAT")] = None
    """After the warm-up (default: 0.002)."""
    warmup: Annotated[int | None, flag("INT")] = None
    """Steps over which the rate rises from 0 (default: 100)."""
    cooldown: Annotated[float | None, flag("FLOAT")] = None
    """Share of the steps, the last, over which the rate falls to 0 (default: 0)."""
    weight_decay: Annotated[float | None, flag("FLOAT")] = None
    """AdamW's (default: 0.01)."""
    clip_norm: Annotated[float | None, flag("FLOAT")] = None
    """Gradients longer than this are shortened to it (default: 1)."""
    accumulate: Annotated[int | None, flag("INT")] = None
    """Parts in which a batch passes the network, where it does not fit (default: 1)."""
    ema: Annotated[Averaging | None, one_of(Averaging)] = None
    """Weights averaged so, power being of the images seen (default: half-life)."""
    ema_half_life: Annotated[float | None, flag("FLOAT")] = None
    """Of --ema half-life, images (default: 20,000)."""
    ema_width: Annotated[float | None, flag("FLOAT")] = None
    """Of --ema power, its relative width (default: 0.1)."""


@dataclass(frozen=True)
class Parts:
    """For filling in and continuing."""

    known: float = 0.0
    """Share of examples with a known part."""
    known_parts: Annotated[PartKind | None, one_of(PartKind)] = None
    """Which parts: any, or those of one purpose, as beginnings of extend (default: any)."""


@dataclass(frozen=True)
class Machine:
    """Where it runs, and what it leaves there."""

    device: DeviceChoice = "auto"
    """cpu, cuda, or auto."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the network's arithmetic; parameters stay float32."""
    compile: Annotated[Literal["on", "off"] | None, flag("{on,off}")] = None
    """Let torch.compile make the network's kernels; by default only on a GPU."""
    checkpoint_every: Annotated[int | None, flag("INT")] = None
    """Steps between checkpoints (default: 250)."""
    keep: Annotated[int | None, flag("INT")] = None
    """Checkpoints kept, the newest (default: 2)."""
    log_every: Annotated[int | None, flag("INT")] = None
    """Steps between records of the log (default: 10)."""
    tensorboard: Annotated[bool, flag(None)] = False
    """Write the log for TensorBoard too."""


def given_options(*parts: Any) -> dict[str, Any]:
    """Keywords of `train`, of those that are given or have a default here."""
    found = {name: value for part in parts for name, value in asdict(part).items()}
    if found.get("compile") is not None:
        found["compile"] = found["compile"] == "on"
    return {name: value for name, value in found.items() if value is not None}


# Their names are the titles in the help.
NetworkFlags = Annotated[tyro.conf.OmitArgPrefixes[NetworkOptions], tyro.conf.arg(name="network")]
OptimiserFlags = Annotated[tyro.conf.OmitArgPrefixes[Optimiser], tyro.conf.arg(name="optimiser")]
PartsFlags = Annotated[tyro.conf.OmitArgPrefixes[Parts], tyro.conf.arg(name="known part")]
MachineFlags = Annotated[tyro.conf.OmitArgPrefixes[Machine], tyro.conf.arg(name="machine")]
