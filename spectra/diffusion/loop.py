"""The training loop, in the order of what happens, and exact resume."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spectra.data import Source, parted
from spectra.diffusion.batches import Batch, Batches
from spectra.diffusion.checkpoint import Checkpoint, latest, write_checkpoint
from spectra.diffusion.chosen import memory_format
from spectra.diffusion.ema import Ema
from spectra.diffusion.factors import measure_loadings
from spectra.diffusion.loss import Objective
from spectra.diffusion.networks import InBfloat16, make_network, network_config
from spectra.diffusion.networks.buffers import kept_buffers
from spectra.diffusion.networks.layout import lay_out
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.progress import Meter, bar, interruption, scalar_writer
from spectra.diffusion.randomness import derived_seed
from spectra.diffusion.ranks import GradientSum, Ranks
from spectra.diffusion.run import Run, append_log, identity, network_inputs, truncate_log
from spectra.diffusion.settings import TrainConfig, known_options
from spectra.diffusion.states import StateSampler
from spectra.diffusion.throughput import Throughput
from spectra.errors import InputError
from spectra.folders import remove_parts
from spectra.schedule import Schedule

__all__ = ["learning_rate_at", "run_steps"]

BETAS = (0.9, 0.99)

OnRecord = Callable[[dict[str, Any]], None]


def run_steps(
    path: Path,
    record: dict[str, Any],
    source: Source,
    family: Sequence[Schedule],
    ranks: Ranks,
    module: nn.Module | None,
    progress: bool,
    on_record: OnRecord | None,
) -> Run:
    """From the newest checkpoint to the last step."""
    config = TrainConfig(**known_options(record))
    device = ranks.device(config.device)
    examples, _ = parted(source, config.held_out)
    indices = ranks.share(config.batch)
    state = TrainingState.first(config, record, family, device, module)

    start, seconds, count = ranks.first(lambda: state.resume(path, examples, family[0]))
    state.share(ranks, start, count)
    if start == config.steps and start > 0:
        return Run(path, family[0], record, start, state.checkpoint(start), module)
    batches = Batches(
        examples,
        config.seed,
        config.batch,
        indices,
        device,
        classes=record.get("classes", []),
        random_flip=config.random_flip,
    )
    objective = state.objective(config, record, family, device)
    throughput = None
    if ranks.is_first:
        inputs = network_inputs(record, family[0])
        throughput = Throughput.of(
            state.network,
            family[0].shape,
            inputs,
            device,
            config.precision,
            ranks.count,
            "" if module is not None else json.dumps(record["network"], sort_keys=True),
        )
    if record.get("compile"):
        # Caches that other runs of this process filled are full after a few shapes.
        torch.compiler.reset()
        state.network.compile(dynamic=False)
    summed = GradientSum(state.network, ranks)
    meter = Meter(path, config.batch, config.steps, start, seconds, ranks, throughput)
    write = scalar_writer(path) if config.tensorboard and ranks.is_first else None

    with (
        interruption(patient=ranks.count > 1) as interrupted,
        bar(config.steps, start, progress and ranks.is_first) as advance,
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        closing(batches.over(range(start, config.steps))) as ready,
    ):
        for step, batch in enumerate(ready, start):
            rate = learning_rate_at(step, config)
            # What a network draws by itself, dropout say, is a function of the step too.
            torch.manual_seed(derived_seed(config.seed, step, ranks.number))
            loss = backward(objective, batch, config, summed)
            norm = state.update(step, rate, config)
            meter.add(loss, norm)

            done, stop = step + 1, ranks.any(interrupted())
            save = stop or done % config.checkpoint_every == 0 or done == config.steps
            if save or done % config.log_every == 0:
                # Refuses what is not finite: no checkpoint is written after it.
                entry = meter.record(done, rate)

                def report(entry: dict[str, Any] = entry, save: bool = save) -> None:
                    # The log comes first: a run resumed from the checkpoint continues it.
                    append_log(path, entry)
                    advance(entry)
                    for tell in (write, on_record):
                        if tell is not None:
                            tell(entry)
                    if save:
                        write_checkpoint(path, state.checkpoint(entry["step"]), config.keep)

                ranks.first(report)
            if stop:
                raise KeyboardInterrupt
    last = state.checkpoint(config.steps)
    if config.steps == 0:  # no step was asked for: the run is its first weights
        ranks.first(lambda: written(path, last, config.keep))
    return Run(path, family[0], record, config.steps, last, module)


@dataclass
class TrainingState:
    """All that a step reads and changes.

    Attributes
    ----------
    network, optimizer, ema
    belongs : dict
        What checkpoints of it belong to.
    steps : int
        How many are asked for.
    loadings : tensor [K, C, *spatial] or None
        What the components share, where the denoiser is told; measured before the first step.
    """

    network: nn.Module
    optimizer: torch.optim.AdamW
    ema: Ema
    belongs: dict[str, Any]
    steps: int
    loadings: Tensor | None = None

    @classmethod
    def first(
        cls,
        config: TrainConfig,
        record: dict[str, Any],
        family: Sequence[Schedule],
        device: torch.device,
        module: nn.Module | None,
    ) -> "TrainingState":
        """Before the first step."""
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(config.seed)
            inputs = network_inputs(record, family[0])
            kind = network_config(config.network)
            network = make_network(kind, family[0].shape, inputs, module)
        if not any(weight.requires_grad for weight in network.parameters()):
            raise InputError("network: none of its weights is to be trained; requires_grad_() them")
        network.to(device)
        lay_out(network, memory_format(config.device, config.precision))
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=config.learning_rate,
            betas=BETAS,
            weight_decay=config.weight_decay,
            fused=True,
        )
        width = config.ema_width if config.ema == "power" else None
        ema = Ema(network, config.ema_half_life, width=width)
        loadings = torch.zeros(0, *family[0].shape) if record["shares"] else None
        return cls(network, optimizer, ema, identity(record, family), config.steps, loadings)

    def objective(
        self,
        config: TrainConfig,
        record: dict[str, Any],
        family: Sequence[Schedule],
        device: torch.device,
    ) -> Objective:
        """The loss of this network."""
        computed = InBfloat16(self.network) if config.precision == "bfloat16" else self.network
        chosen = record["preconditioning"]
        condition = record["condition"]
        denoiser = Denoiser(computed, family[0], chosen, device, condition, self.loadings)
        others = [DiffusionProcess(one, device) for one in family[1:]]
        states = StateSampler([denoiser.process, *others], config.known, config.known_parts)
        return Objective(denoiser, states, config.loss)

    def resume(self, path: Path, examples: Source, schedule: Schedule) -> tuple[int, float, int]:
        """Go back to a folder's newest checkpoint: its step, the seconds until then, and K."""
        found = latest(path)
        start = 0
        if found is None:
            if self.loadings is not None:
                self.loadings = torch.from_numpy(measure_loadings(examples, schedule))
        else:
            found.check(self.belongs, path)
            if found.step > self.steps:
                raise InputError(
                    f"{path}: has done {found.step} steps already, more than the {self.steps} "
                    "asked for; choose another --out"
                )
            found.restore(self.network, self.ema, self.optimizer, path)
            self.loadings = found.loadings_tensor
            start = found.step
        count = 0 if self.loadings is None else len(self.loadings)
        if start == self.steps and found is not None:
            return start, 0.0, count  # done: nothing is touched
        remove_parts(path)
        before = truncate_log(path, start)
        return start, before[-1]["seconds"] if before else 0.0, count

    def share(self, ranks: Ranks, start: int, count: int) -> None:
        """Give all processes the first one's, K = count loadings among it."""
        if ranks.count == 1:
            return
        weights = list(self.network.parameters())
        tensors: list[Tensor] = [weight.detach() for weight in weights] + self.ema.weights
        tensors += kept_buffers(self.network).values()
        if count > 0 and self.loadings is not None:
            if not ranks.is_first:
                self.loadings = torch.zeros(count, *self.loadings.shape[1:])
            self.loadings = self.loadings.to(weights[0].device)
            tensors.append(self.loadings)
        if start > 0:
            for weight in weights:
                if weight not in self.optimizer.state:
                    self.optimizer.state[weight] = {
                        "step": torch.tensor(float(start), device=weight.device),
                        "exp_avg": torch.zeros_like(weight),
                        "exp_avg_sq": torch.zeros_like(weight),
                    }
                moments = self.optimizer.state[weight]
                tensors += [moments["exp_avg"], moments["exp_avg_sq"]]
        ranks.share_state(tensors)

    def update(self, step: int, rate: float, config: TrainConfig) -> Tensor:
        """Take a step along the gradients; returns their length []."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.ema.update(seen=step * config.batch, images=config.batch)
        return norm

    def checkpoint(self, step: int) -> Checkpoint:
        """The state after so many steps."""
        return Checkpoint.of(
            step, self.belongs, self.network, self.ema, self.optimizer, self.loadings
        )


def backward(
    objective: Objective, batch: Batch, config: TrainConfig, summed: GradientSum
) -> Tensor:
    """Gradients of the mean loss of the global batch; returns this process's part of it, []."""
    count = len(batch.x)
    ends = [count * part // config.accumulate for part in range(config.accumulate + 1)]
    parts = [(a, b) for a, b in pairwise(ends) if b > a]
    total = torch.zeros((), device=batch.x.device)
    for start, stop in parts:
        part = batch.part(start, stop)
        loss = objective(part.x, part.draws, part.label).sum() / config.batch
        if not loss.requires_grad:
            raise InputError("network: gives what does not depend on its weights; nothing to train")
        if stop == count:
            summed.arm()
        loss.backward()
        total += loss.detach()
    summed.finish()
    return total


def written(path: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Write a checkpoint, unless its step has one."""
    found = latest(path)
    if found is None or found.step != checkpoint.step:
        write_checkpoint(path, checkpoint, keep)


def learning_rate_at(step: int, config: TrainConfig) -> float:
    """Rises over the warm-up, is constant, falls to 0 over the cooldown; steps count from 0.

    Without a cooldown it is a function of the step alone (Hagele et al., "Scaling Laws and
    Compute-Optimal Training Beyond Fixed Training Durations", 2024, section 3).
    """
    rate = config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup))
    if config.cooldown > 0:
        rate *= min(1.0, (config.steps - step) / (config.cooldown * config.steps))
    return rate
