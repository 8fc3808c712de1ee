"""Checkpoints: all that a training step reads, in one safetensors file, exact to the bit."""

import hashlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim

from spectra.diffusion.ema import Ema
from spectra.diffusion.networks.buffers import kept_buffers
from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.schedule import Schedule

__all__ = [
    "Checkpoint",
    "checkpoint_paths",
    "latest",
    "read_checkpoint",
    "schedule_digest",
    "write_checkpoint",
]

FORMAT = "1.0"
LOADINGS = "loadings"
NAME = re.compile(r"checkpoint-(\d{8,})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` steps.

    Nothing in it depends on the clock or the machine's name: equal runs give equal files.

    Attributes
    ----------
    step : int
    settings : dict
        What the tables belong to: network, shape, schedule.
    weights, averaged : dict of arrays
        The network's parameters and their moving average, by the network's own names.
    first, second : dict of arrays
        AdamW's moments, by the same names.
    loadings : float32 [K, C, *spatial] or None
        What the components share, where the denoiser is told (`SharedFactors`).
    buffers : dict of arrays
        What the network keeps beside its parameters, by its own names; it is not averaged. Empty
        in files of earlier versions, which did not hold it.
    """

    step: int
    settings: dict[str, Any]
    weights: dict[str, np.ndarray]
    averaged: dict[str, np.ndarray]
    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]
    loadings: np.ndarray | None = None
    buffers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def loadings_tensor(self) -> Tensor | None:
        """The loadings as the denoiser takes them."""
        return None if self.loadings is None else torch.from_numpy(self.loadings)

    @classmethod
    def of(
        cls,
        step: int,
        settings: dict[str, Any],
        network: nn.Module,
        ema: Ema,
        optimizer: optim.AdamW,
        loadings: Tensor | None = None,
    ) -> "Checkpoint":
        """Take the state of a training run; the arrays may share its memory."""
        weights = dict(network.named_parameters())
        moments = {name: optimizer.state.get(weight, {}) for name, weight in weights.items()}

        def moment(key: str) -> dict[str, np.ndarray]:
            # Before the first step AdamW has none, which is the same as 0.
            return {
                name: _array(moments[name].get(key, weight.detach() * 0))
                for name, weight in weights.items()
            }

        return cls(
            step=step,
            settings=settings,
            weights={name: _array(weight.detach()) for name, weight in weights.items()},
            averaged={name: _array(weight) for name, weight in ema.state_dict().items()},
            first=moment("exp_avg"),
            second=moment("exp_avg_sq"),
            loadings=None if loadings is None else _array(loadings),
            buffers={name: _array(buffer) for name, buffer in kept_buffers(network).items()},
        )

    def restore(self, network: nn.Module, ema: Ema, optimizer: optim.AdamW, place: Path) -> None:
        """Put the state back where it was taken."""
        self.check_fit(network, place)
        with torch.no_grad():
            for name, weight in network.named_parameters():
                weight.copy_(torch.from_numpy(self.weights[name]))
                optimizer.state[weight] = {
                    "step": torch.tensor(float(self.step), device=weight.device),
                    "exp_avg": _like(weight, self.first[name]),
                    "exp_avg_sq": _like(weight, self.second[name]),
                }
        ema.load_state_dict({name: torch.from_numpy(v) for name, v in self.averaged.items()})
        self.restore_buffers(network)

    @torch.no_grad()
    def restore_buffers(self, network: nn.Module) -> None:
        """Put back what the network keeps beside its parameters."""
        kept = kept_buffers(network)
        for name, values in self.buffers.items():
            kept[name].copy_(torch.from_numpy(values))

    def check_fit(self, network: nn.Module, place: Path) -> None:
        """Raise InputError unless it has the parameters and buffers of a network, and no others."""
        weights = _shapes(dict(network.named_parameters()))
        groups = [(one, weights) for one in (self.weights, self.averaged, self.first, self.second)]
        if self.buffers:
            groups.append((self.buffers, _shapes(kept_buffers(network))))
        for group, wanted in groups:
            found = _shapes(group)
            if found != wanted:
                name = min(name for name, _ in found.items() ^ wanted.items())
                raise InputError(
                    f"{place}: its checkpoint does not fit the network that config.json describes "
                    f"({name}); restore config.json, or choose another --out"
                )

    def check(self, settings: Mapping[str, Any], place: Path) -> None:
        """Raise InputError unless it belongs to these settings."""
        for name, wanted in settings.items():
            found = self.settings.get(name)
            if found != wanted:
                raise InputError(
                    f"{place}: its checkpoint is of another {name} ({found}, here {wanted}); "
                    "restore the folder's files, or choose another --out"
                )
        if (self.loadings is not None) != settings.get("shares", False):
            raise InputError(
                f"{place}: its checkpoint and its config.json disagree on whether the network is "
                "told what components share; restore the folder's files, or choose another --out"
            )
        if self.loadings is not None and list(self.loadings.shape[1:]) != settings["shape"]:
            raise InputError(
                f"{place}: its checkpoint's loadings are of another shape "
                f"({list(self.loadings.shape[1:])}, here {settings['shape']}); restore the "
                "folder's files, or choose another --out"
            )


def write_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = 2) -> Path:
    """Write checkpoint-<step>.safetensors whole, then drop all but the newest `keep` up to it.

    Those of later steps go too: they cannot be read, or the run would have gone on from them.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    path = folder / f"checkpoint-{checkpoint.step:08d}.safetensors"
    groups = {
        "weights": checkpoint.weights,
        "averaged": checkpoint.averaged,
        "first": checkpoint.first,
        "second": checkpoint.second,
        "buffers": checkpoint.buffers,
    }
    tables = {f"{group}/{name}": v for group, part in groups.items() for name, v in part.items()}
    if checkpoint.loadings is not None:
        tables[LOADINGS] = checkpoint.loadings
    settings = {"step": checkpoint.step, **checkpoint.settings}
    write_tables(path, "checkpoint", FORMAT, tables, settings)
    paths = checkpoint_paths(folder)
    here = paths.index(path)
    for other in (*paths[:here], *paths[here + keep :]):
        other.unlink(missing_ok=True)
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises
    ------
    InputError
        The file is missing, damaged, of another kind, or from a later major version.
    """
    tables, settings = read_tables(path, "checkpoint", major=1)
    step = settings.pop("step", None)
    loadings = tables.pop(LOADINGS, None)
    groups: dict[str, dict[str, np.ndarray]] = {
        group: {} for group in ("weights", "averaged", "first", "second", "buffers")
    }
    for key, table in tables.items():
        group, _, name = key.partition("/")
        if group not in groups:
            raise InputError(f"{path}: table {key} is none of a checkpoint; restore it")
        groups[group][name] = table
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise InputError(f"{path}: step {step!r} is no number of steps; restore it")
    return Checkpoint(step=step, settings=settings, loadings=loadings, **groups)


def checkpoint_paths(folder: Path) -> list[Path]:
    """Finished checkpoints of a folder by their names, newest first."""
    found = ((NAME.fullmatch(path.name), path) for path in folder.glob("checkpoint-*.safetensors"))
    numbered = [(int(match[1]), path) for match, path in found if match]
    return [path for _, path in sorted(numbered, reverse=True)]


def latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read, or None; a damaged one is passed over, aloud."""
    for path in checkpoint_paths(folder):
        try:
            return read_checkpoint(path)
        except InputError as error:
            warnings.warn(f"{error}; passed over", stacklevel=2)
    return None


def schedule_digest(schedule: Schedule) -> str:
    """A hash of all of a schedule that training depends on; its name and reasons do not count."""
    digest = hashlib.sha256()
    words = (schedule.basis, list(schedule.shape), schedule.form, float(schedule.coverage))
    digest.update(repr(words).encode())
    for table in (
        schedule.variance,
        schedule.mean,
        schedule.offset,
        schedule.scale,
        schedule.t,
        schedule.pace,
    ):
        digest.update(np.ascontiguousarray(table, "<f8").tobytes())
    # Later additions count where they are used: a separable schedule keeps its old hash.
    if not schedule.separable:
        digest.update(repr((schedule.limits, float(schedule.blur_floor))).encode())
    for name in ("blur_rate", "blur", "components", "density"):
        if (table := getattr(schedule, name)) is not None:
            digest.update(name.encode() + np.ascontiguousarray(table, "<f8").tobytes())
    return digest.hexdigest()[:16]


def _shapes(tables: Mapping[str, Tensor | np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(table.shape) for name, table in tables.items()}


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().contiguous().numpy()


def _like(weight: Tensor, values: np.ndarray) -> Tensor:
    """A tensor of these values with the memory layout and device of a weight."""
    return torch.empty_like(weight.detach()).copy_(torch.from_numpy(values))
