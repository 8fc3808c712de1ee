"""A training run as a folder: settings, schedule, log and checkpoints."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spectra.diffusion.checkpoint import (
    Checkpoint,
    checkpoint_paths,
    latest,
    schedule_digest,
)
from spectra.diffusion.networks import Inputs, make_network, network_config, network_record
from spectra.diffusion.networks.embedding import STATE_WAVES
from spectra.diffusion.networks.layout import lay_out
from spectra.diffusion.precondition import Denoiser, view_maps
from spectra.diffusion.state import StateEncoder
from spectra.errors import InputError
from spectra.files import CONFIG, write_atomically
from spectra.schedule import Schedule, load_schedule

__all__ = ["Run", "load_run"]

SCHEDULE, LOG = "schedule.safetensors", "log.jsonl"

# What is read of config.json beside the options of training: its kind, and whether it has to be
# there. Earlier versions did not write the others.
KINDS: dict[str, tuple[Any, bool]] = {
    "network": (dict, True),
    "device": (str, True),
    "threads": (int, True),
    "held_out": ((int, float), True),
    "source": ((str, type(None)), True),
    "condition": (str, False),
    "known": ((int, float), False),
    "classes": (list, False),
    "family": (list, False),
}


@dataclass(frozen=True)
class Run:
    """A trained network, or one on its way.

    Attributes
    ----------
    path : Path
        The run's folder.
    schedule : Schedule
    config : dict
        The resolved settings, as config.json holds them.
    step : int
        Training steps done.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> run = spectra.train("digits", schedule, out="run", steps=20)
    >>> run.step, run.schedule.name, run.path.name
    (20, 'derived', 'run')
    """

    path: Path
    schedule: Schedule
    config: dict[str, Any]
    step: int
    _checkpoint: Checkpoint = field(repr=False)
    _module: nn.Module | None = field(default=None, repr=False)  # one that was brought along

    def network(self, device: torch.device | str = "cpu") -> nn.Module:
        """The network with its averaged weights, for use."""
        config = network_config(self.config["network"])
        inputs = network_inputs(self.config, self.schedule)
        network = make_network(config, self.schedule.shape, inputs, self._module)
        network.requires_grad_(False).eval()
        self._checkpoint.check_fit(network, self.path)
        for name, weight in network.named_parameters():
            weight.copy_(torch.from_numpy(self._checkpoint.averaged[name]))
        self._checkpoint.restore_buffers(network)
        network = network.to(device)
        lay_out(network, torch.channels_last)
        return network

    def denoiser(self, device: torch.device | str = "cpu") -> Denoiser:
        """z_hat(z(t), t) with the averaged weights."""
        network = self.network(device)
        condition = self.config.get("condition", "time")
        kind, loadings = self.config["preconditioning"], self._checkpoint.loadings_tensor
        return Denoiser(network, self.schedule, kind, device, condition, loadings).eval()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The records of log.jsonl, first step first."""
        return read_log(self.path)


def load_run(path: str | Path, network: nn.Module | None = None) -> Run:
    """Open a run's folder at its newest good checkpoint.

    Parameters
    ----------
    path
        The folder.
    network : torch.nn.Module, optional
        Where a module was brought along to train: one like it, for the weights to go to.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        The folder is no run, or has no checkpoint yet.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> _ = spectra.train("digits", schedule, out="run", steps=20)
    >>> spectra.load_run("run").step
    20
    """
    path = Path(path)
    config = read_config(path)
    schedule = load_schedule(path / SCHEDULE)
    checkpoint = latest(path)
    if checkpoint is None:
        reason = "no checkpoint that can be read" if checkpoint_paths(path) else "no checkpoint yet"
        raise InputError(f"{path}: has {reason}; train it with spectra train --out {path}")
    checkpoint.check(identity(config, read_family(path)), path)
    return Run(path, schedule, config, checkpoint.step, checkpoint, network)


def identity(config: dict[str, Any], family: Sequence[Schedule]) -> dict[str, Any]:
    """What a checkpoint's tables belong to."""
    belongs = {
        "network": network_record(network_config(config["network"])),
        "shape": list(family[0].shape),
        "schedule": schedule_digest(family[0]),
    }
    # Named where it is used: a run on one schedule keeps its old identity.
    if len(family) > 1:
        belongs["family"] = [schedule_digest(other) for other in family[1:]]
    if config.get("condition") == "state":
        inputs = network_inputs(config, family[0])
        belongs["state"] = f"{inputs.vector} numbers as waves {STATE_WAVES}, {inputs.maps} maps"
    if config.get("shares"):
        belongs["shares"] = True
    return belongs


def network_inputs(config: dict[str, Any], schedule: Schedule) -> Inputs:
    """What the network of a run is told beside the example and the time."""
    labels = len(config.get("classes", []))
    if config.get("condition", "time") == "time":
        return Inputs(labels=labels)
    encoder = StateEncoder(schedule)
    maps = encoder.map_count + view_maps(schedule, config.get("shares", False))
    return Inputs(vector=encoder.vector_size, maps=maps, labels=labels)


def family_paths(path: Path, count: int) -> list[Path]:
    """Files of a run's schedules: the first is its own."""
    return [path / SCHEDULE] + [path / f"schedule-{k:02d}.safetensors" for k in range(1, count)]


def read_family(path: Path) -> list[Schedule]:
    """The schedules of a run's folder."""
    count = 1 + len(read_config(path).get("family", []))
    return [load_schedule(one) for one in family_paths(path, count)]


def write_family(path: Path, family: Sequence[Schedule]) -> None:
    """Put a run's schedules in its folder, those that are not there already."""
    for file, schedule in zip(family_paths(path, len(family)), family, strict=True):
        try:
            there = schedule_digest(load_schedule(file)) == schedule_digest(schedule)
        except InputError:
            there = False
        if not there:
            schedule.save(file)


def read_config(path: Path) -> dict[str, Any]:
    """The settings of a run's folder.

    Raises
    ------
    InputError
        There are none, or they cannot be read.
    """
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give the --out of a spectra train")
    try:
        config = json.loads((path / CONFIG).read_text())
    except FileNotFoundError:
        raise InputError(
            f"{path}: is no run, it has no {CONFIG}; give the --out of a spectra train"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path / CONFIG}: cannot be read ({error}); restore it") from error
    if not isinstance(config, dict) or not {"network", "preconditioning"} <= config.keys():
        raise InputError(f"{path / CONFIG}: holds no settings of a run; give the --out of a train")
    for name, (kind, needed) in KINDS.items():
        value: Any = config.get(name)
        if name in config and not (isinstance(value, kind) and (name != "threads" or value > 0)):
            raise InputError(f"{path / CONFIG}: {name} {value!r} is wrong; restore the file")
        if needed and name not in config:
            raise InputError(f"{path / CONFIG}: has no {name}; restore the file")
    if config.get("condition", "time") not in ("time", "state"):
        raise InputError(
            f"{path / CONFIG}: condition {config['condition']!r} is unknown; choose time or state"
        )
    return config


def write_config(path: Path, config: dict[str, Any]) -> None:
    """Put the settings in a run's folder, whole or not at all."""
    write_atomically(path / CONFIG, (json.dumps(config, indent=2) + "\n").encode())


def read_log(path: Path) -> list[dict[str, Any]]:
    """The finished lines of a run's log; one cut short by a crash, or damaged, is left out."""
    try:
        lines = (path / LOG).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    records = []
    for line in lines[:-1]:
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and _is_record(record):
                records.append(record)
    return records


def _is_record(record: dict[str, Any]) -> bool:
    """Whether it has what is read of every record, and numbers alone."""
    whole = {"step", "seconds"} <= record.keys() and isinstance(record["step"], int)
    return whole and all(type(value) in (int, float, type(None)) for value in record.values())


def truncate_log(path: Path, step: int) -> list[dict[str, Any]]:
    """Drop the records after a step: the run will write them again. Returns those that stay."""
    records = [record for record in read_log(path) if record["step"] <= step]
    text = "".join(json.dumps(record) + "\n" for record in records)
    write_atomically(path / LOG, text.encode())
    return records


def append_log(path: Path, record: dict[str, Any]) -> None:
    """Add one record to a run's log."""
    try:
        with open(path / LOG, "a") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise InputError(
            f"{path / LOG}: cannot be written ({error.strerror or error}); make room, and repeat "
            "the command to go on"
        ) from error
