"""Training: one loop in the order of what happens, and exact resume."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spectra.data import Source, reopen_source
from spectra.diffusion.checkpoint import Checkpoint, latest, write_checkpoint
from spectra.diffusion.ema import Ema
from spectra.diffusion.loss import Loss, Objective
from spectra.diffusion.networks import (
    InBfloat16,
    NetworkConfig,
    make_network,
    network_config,
    network_record,
)
from spectra.diffusion.precondition import Condition, Denoiser, Preconditioning
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.progress import Meter, bar, interruption
from spectra.diffusion.randomness import training_draws
from spectra.diffusion.run import (
    Run,
    identity,
    network_inputs,
    read_config,
    read_family,
    sole_user,
    truncate_log,
)
from spectra.diffusion.settings import (
    Device,
    Precision,
    TrainConfig,
    check_shape,
    known_options,
    memory_format,
    origin,
    settle,
)
from spectra.diffusion.states import StateSampler, check_family
from spectra.errors import InputError
from spectra.schedule import Schedule

__all__ = ["learning_rate_at", "resume", "train"]

BETAS = (0.9, 0.99)


def train(
    source: Any,
    schedule: Schedule | Sequence[Schedule],
    *,
    out: str | Path,
    steps: int = TrainConfig.steps,
    batch: int = TrainConfig.batch,
    seed: int = TrainConfig.seed,
    device: Device = TrainConfig.device,
    network: str | NetworkConfig | Mapping[str, Any] = "unet",
    preconditioning: Preconditioning = TrainConfig.preconditioning,
    loss: Loss = TrainConfig.loss,
    condition: Condition = TrainConfig.condition,
    known: float = TrainConfig.known,
    learning_rate: float = TrainConfig.learning_rate,
    weight_decay: float = TrainConfig.weight_decay,
    warmup: int = TrainConfig.warmup,
    clip_norm: float = TrainConfig.clip_norm,
    ema_half_life: float = TrainConfig.ema_half_life,
    precision: Precision = TrainConfig.precision,
    held_out: float = TrainConfig.held_out,
    checkpoint_every: int = TrainConfig.checkpoint_every,
    keep: int = TrainConfig.keep,
    log_every: int = TrainConfig.log_every,
    progress: bool = False,
    on_record: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Train a network on a source, or go on where the run in `out` stopped.

    The same call again resumes from the newest good checkpoint, and ends, on a CPU, with the
    checkpoint of an undisturbed run to the last bit. More `steps` than before go on further.

    Parameters
    ----------
    source
        A Source, or anything `open_source` takes, opened in the view the schedule was made for.
    schedule : Schedule or sequence of Schedule
        One path, or a family of paths in order (see `StateSampler`): one network is trained over
        all noise states on and between them. The first is what the run samples and is scored by.
    out
        The run's folder: config.json, schedule.safetensors, log.jsonl, checkpoints.
    steps, batch : int
        Updates, and examples in each.
    seed : int
        Of the network's first weights and of all that is drawn.
    device : {"auto", "cpu", "cuda"}
        "auto" is the GPU where there is one.
    network
        "unet", "dit", a configuration, or its record with "name" and options.
    preconditioning, loss
        See `Denoiser` and `Objective`.
    condition : {"auto", "time", "state"}
        What the network is told of the noise (see `Denoiser`); "auto" is time for one schedule
        with nothing known, the state otherwise.
    known : float
        Share of the examples of which a random part is known: what filling in, continuing and
        refining need (see `KnownParts`).
    learning_rate, weight_decay, warmup
        AdamW's, the rate rising linearly over `warmup` steps and constant from there: a function
        of the step alone.
    clip_norm : float
        Longest gradient.
    ema_half_life : float
        Images; see `Ema`.
    precision : {"auto", "float32", "bfloat16"}
        Of the network's products; "auto" is bfloat16 on a GPU, and for the U-Net on a CPU with
        instructions for it. Weights, loss and process are always float32.
    held_out : float
        Share of the source's files left out of training; 0 trains on all.
    checkpoint_every, keep, log_every : int
        Steps between checkpoints, checkpoints kept, steps between records of the log.
    progress : bool
        Show a bar on stderr where that is a terminal.
    on_record : callable, optional
        Called with each record of the log.

    Raises
    ------
    InputError
        The source's shape is not the schedule's, `out` cannot be written or holds another run,
        an option is wrong, or the loss ceases to be finite.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, once the running step is done and saved.
    """
    config = TrainConfig(
        steps=steps,
        batch=batch,
        seed=seed,
        device=device,
        network=network_record(network_config(network)),
        preconditioning=preconditioning,
        loss=loss,
        condition=condition,
        known=known,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup=warmup,
        clip_norm=clip_norm,
        ema_half_life=ema_half_life,
        precision=precision,
        held_out=held_out,
        checkpoint_every=checkpoint_every,
        keep=keep,
        log_every=log_every,
    )
    family = check_family(schedule)
    place = origin(source)
    source = reopen_source(source, family[0].data)
    check_shape(source, family[0])
    path = Path(out)
    with sole_user(path):
        record = settle(path, config, source, place, family)
        threads = torch.get_num_threads()
        torch.set_num_threads(record["threads"])
        try:
            return run_steps(path, record, source, family, progress, on_record)
        finally:
            torch.set_num_threads(threads)


def run_steps(
    path: Path,
    record: dict[str, Any],
    source: Source,
    family: Sequence[Schedule],
    progress: bool,
    on_record: Callable[[dict[str, Any]], None] | None,
) -> Run:
    """The loop, from the newest checkpoint to the last step."""
    config = TrainConfig(**known_options(record))
    device = torch.device(config.device)
    schedule = family[0]
    belongs = identity(record, family)
    examples = source.split(config.held_out)[0] if config.held_out > 0 else source
    indices = np.arange(config.batch)
    inputs, condition = network_inputs(record, schedule), record["condition"]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = make_network(network_config(config.network), schedule.shape, inputs)
    network.to(device)
    layout = memory_format(config.device, config.precision)
    network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    computed = InBfloat16(network) if config.precision == "bfloat16" else network
    denoiser = Denoiser(computed, schedule, config.preconditioning, device, condition)
    others = [DiffusionProcess(one, device) for one in family[1:]]
    states = StateSampler([denoiser.process, *others], config.known)
    objective = Objective(denoiser, states, config.loss)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=config.learning_rate,
        betas=BETAS,
        weight_decay=config.weight_decay,
        fused=True,
    )
    ema = Ema(network, config.ema_half_life)

    start, checkpoint = 0, latest(path)
    if checkpoint is not None:
        checkpoint.check(belongs, path)
        if checkpoint.step > config.steps:
            raise InputError(
                f"{path}: has done {checkpoint.step} steps already, more than the {config.steps} "
                "asked for; choose another --out"
            )
        checkpoint.restore(network, ema, optimizer)
        start = checkpoint.step
        if start == config.steps:
            return Run(path, schedule, record, start, checkpoint)
    for part in path.glob(".*.part"):  # of a write that a crash cut short
        part.unlink()
    before = truncate_log(path, start)
    meter = Meter(path, config.batch, before[-1]["seconds"] if before else 0.0)

    with interruption() as interrupted, bar(config.steps, start, progress) as advance:
        for step in range(start, config.steps):
            x = torch.from_numpy(examples.draw(config.seed, step, indices))
            draws = training_draws(config.seed, step, indices, config.batch, schedule.shape)
            x = x + source.quantum * draws.rounding

            rate = learning_rate_at(step, config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            value = objective(x.to(device), draws).mean()
            value.backward()
            norm = torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            ema.update(seen=step * config.batch, images=config.batch)

            meter.add(value.detach(), norm)
            done, stop = step + 1, interrupted()
            save = stop or done % config.checkpoint_every == 0 or done == config.steps
            # The log is brought up to date before each checkpoint: a resumed run continues it.
            if save or done % config.log_every == 0:
                entry = meter.record(done, rate)
                advance(entry)
                if on_record is not None:
                    on_record(entry)
            if save:
                checkpoint = Checkpoint.of(done, belongs, network, ema, optimizer)
                write_checkpoint(path, checkpoint, config.keep)
            if stop:
                raise KeyboardInterrupt
    if checkpoint is None:  # no step was asked for: the run is its first weights
        checkpoint = Checkpoint.of(0, belongs, network, ema, optimizer)
        write_checkpoint(path, checkpoint, config.keep)
    return Run(path, schedule, record, config.steps, checkpoint)


def learning_rate_at(step: int, config: TrainConfig) -> float:
    """Linear over the warm-up, then constant: a function of the step alone, counted from 0."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup))


def resume(path: str | Path, *, progress: bool = False) -> Run:
    """Go on with the run whose config.json this is, or start it where it has only that.

    Raises
    ------
    InputError
        As `train`; and where the run was started on data that have no name to open them by.
    """
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    config = read_config(folder)
    name = config["source"]
    if name is None:
        raise InputError(
            f"{path}: its data were given as an array or an open source; resume from Python, "
            "with spectra.train and the same data"
        )
    options = known_options(config)
    return train(name, read_family(folder), out=folder, progress=progress, **options)
