"""Training: what is asked for, settled with what the run's folder holds."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spectra.data import reopen_source
from spectra.diffusion.batches import check_mirrored, class_names
from spectra.diffusion.chosen import Device, Precision, check_memory
from spectra.diffusion.known import KnownParts, PartKind
from spectra.diffusion.loop import run_steps
from spectra.diffusion.loss import Loss, component_weight
from spectra.diffusion.networks import NetworkConfig, network_config, network_record
from spectra.diffusion.precondition import Condition, PreconditioningChoice
from spectra.diffusion.progress import summary_writer
from spectra.diffusion.ranks import launched_ranks
from spectra.diffusion.run import Run, read_config, read_family
from spectra.diffusion.settings import (
    Averaging,
    TrainConfig,
    averaging_numbers,
    check_shape,
    known_options,
    origin,
    settle,
)
from spectra.diffusion.states import check_family
from spectra.errors import InputError
from spectra.files import CONFIG
from spectra.folders import sole_user
from spectra.schedule import Schedule

__all__ = ["resume", "train"]


def train(
    source: Any,
    schedule: Schedule | Sequence[Schedule],
    *,
    out: str | Path,
    steps: int = TrainConfig.steps,
    batch: int = TrainConfig.batch,
    seed: int = TrainConfig.seed,
    device: Device = TrainConfig.device,
    network: str | NetworkConfig | nn.Module | Mapping[str, Any] = "unet",
    preconditioning: PreconditioningChoice = TrainConfig.preconditioning,
    loss: Loss = TrainConfig.loss,
    condition: Condition = TrainConfig.condition,
    known: float = TrainConfig.known,
    known_parts: PartKind = TrainConfig.known_parts,
    labels: bool = TrainConfig.labels,
    random_flip: bool = TrainConfig.random_flip,
    accumulate: int = TrainConfig.accumulate,
    learning_rate: float = TrainConfig.learning_rate,
    weight_decay: float = TrainConfig.weight_decay,
    warmup: int = TrainConfig.warmup,
    cooldown: float = TrainConfig.cooldown,
    clip_norm: float = TrainConfig.clip_norm,
    ema: Averaging = TrainConfig.ema,
    ema_half_life: float | None = None,
    ema_width: float | None = None,
    precision: Precision = TrainConfig.precision,
    compile: bool | None = TrainConfig.compile,
    held_out: float = TrainConfig.held_out,
    checkpoint_every: int = TrainConfig.checkpoint_every,
    keep: int = TrainConfig.keep,
    log_every: int = TrainConfig.log_every,
    tensorboard: bool = TrainConfig.tensorboard,
    progress: bool = False,
    on_start: Callable[[dict[str, Any]], None] | None = None,
    on_record: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Train a network on a source, or go on where the run in `out` stopped.

    The same call again resumes from the newest good checkpoint, and ends, on a CPU, with the
    checkpoint of an undisturbed run to the last bit. More `steps` than before go on further,
    unless there is a cooldown.

    Under `torchrun` the processes share each batch: on GPUs, one each, or on CPUs. They do what
    one process does, up to the order of sums; the first of them has the folder. What a network
    draws by itself, dropout's masks, is each process's own, and changes with `accumulate`.

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
        "unet", "dit", a configuration, or its record with "name" and options; or a module
        f(x, t) (see `custom_network`), of which a copy is trained.
    preconditioning : {"auto", "component", "skip", "scalar"}
        See `Denoiser`; "auto" is component for a network told the noise state and trained by the
        bound, else scalar.
    loss
        See `Objective`.
    condition : {"auto", "time", "state"}
        What the network is told of the noise (see `Denoiser`); "auto" is time for one schedule
        with nothing known, the state otherwise.
    known : float
        Share of the examples of which a random part is known: what filling in, continuing and
        refining need (see `KnownParts`). For places choose basis pixel, or Haar wavelets of few
        levels: longer wavelets see beyond any edge (see `sample`, mask).
    known_parts : {"any", "ends", "beginnings", "boxes", "coarse"}
        Which: all but a box of places; an end of any axis, or the beginning of the last, up to a
        random cut; the coarse components up to one. `extend` asks for "beginnings": a network for
        those alone went on better with photographs, and with speech without the steps (3 dB over
        the data's) that one for any leaves where a window ends.
    labels : bool
        Tell the network the class of each example, the folder that its file lies in, and leave
        it out one time in ten, for guidance.
    random_flip : bool
        Mirror half of the images, at random, left to right: for data sets that are small for the
        network, of what may as well be seen in a mirror.
    accumulate : int
        Parts in which a batch passes the network one after the other, where it does not fit.
    learning_rate, weight_decay, warmup
        AdamW's, the rate rising linearly over `warmup` steps and constant from there.
    cooldown : float
        Share of the steps, the last ones, over which the rate falls linearly to 0. Samples of
        long trainings are better for it, those of up to 1,000 steps hardly; but such a run cannot
        be given more steps later.
    clip_norm : float
        Longest gradient.
    ema : {"half-life", "power"}
        How weights are averaged, see `Ema`: with a half-life of `ema_half_life` images, or as a
        power of the images seen, whose relative width is `ema_width`.
    ema_half_life, ema_width : float, optional
        See there; by default 20,000 and 0.1.
    precision : {"auto", "float32", "bfloat16"}
        Of the network's products; "auto" is bfloat16 on a GPU, and for the U-Net on a CPU with
        instructions for it. Weights, loss and process are always float32.
    compile : bool, optional
        Have torch.compile make the network's kernels; None is only on a GPU that can.
    held_out : float
        Share of the source's files left out of training; 0 trains on all.
    checkpoint_every, keep, log_every : int
        Steps between checkpoints, checkpoints kept, steps between records of the log.
    tensorboard : bool
        Write the log for TensorBoard too.
    progress : bool
        Show a bar on stderr where that is a terminal.
    on_start : callable, optional
        Called with the run's settings before the first step, of several processes in the first.
    on_record : callable, optional
        Called with each record of the log.

    Returns
    -------
    Run
        The finished run; `sample` and `evaluate` take it.

    Raises
    ------
    InputError
        The source's shape is not the schedule's, `out` cannot be written or holds another run,
        an option is wrong, the loss ceases to be finite, or another process has ended.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, once the running step is done and saved.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> run = spectra.train("digits", schedule, out="run", steps=20)
    >>> run.step
    20
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
        known_parts=known_parts,
        labels=labels,
        random_flip=random_flip,
        accumulate=accumulate,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup=warmup,
        cooldown=cooldown,
        clip_norm=clip_norm,
        ema=ema,
        **averaging_numbers(ema, ema_half_life, ema_width),
        precision=precision,
        compile=compile,
        held_out=held_out,
        checkpoint_every=checkpoint_every,
        keep=keep,
        log_every=log_every,
        tensorboard=tensorboard,
    )
    family = check_family(schedule)
    place, path, ranks = origin(source), Path(out), launched_ranks()
    opened = None
    with ExitStack() as stack:

        def settled() -> dict[str, Any]:
            nonlocal opened
            opened = reopen_source(source, family[0].data)
            check_shape(opened, family[0])
            check_memory(config, family[0].shape, -(-batch // ranks.count))
            ranks.share(batch)
            component_weight(family[0], loss)
            if known > 0:
                KnownParts(family[0], known_parts)
            if random_flip:
                check_mirrored(opened)
            classes = class_names(opened) if labels else []
            if tensorboard:
                summary_writer()
            stack.enter_context(sole_user(path))
            return settle(path, config, opened, place, family, classes)

        record = ranks.first(settled)
        if opened is None:  # not the first process
            opened = reopen_source(source, family[0].data)
            if opened.fingerprint != record["fingerprint"]:
                raise InputError(f"{opened.name}: is not the same in all processes; copy it whole")
        if on_start is not None and ranks.is_first:
            on_start(record)
        threads = torch.get_num_threads()
        torch.set_num_threads(record["threads"])
        try:
            module = network if isinstance(network, nn.Module) else None
            return run_steps(path, record, opened, family, ranks, module, progress, on_record)
        finally:
            torch.set_num_threads(threads)


def resume(path: str | Path, *, progress: bool = False) -> Run:
    """Go on with the run whose config.json this is, or start it where it has only that.

    Raises
    ------
    InputError
        As `train`; and where the run was started on data that have no name to open them by.
    """
    folder = Path(path)
    if not folder.is_dir():
        if folder.name != CONFIG:
            raise InputError(f"{path}: is no {CONFIG} of a run; give RUN/{CONFIG}")
        folder = folder.parent
    config = launched_ranks().first(lambda: read_config(folder))
    name = config["source"]
    if name is None:
        raise InputError(
            f"{path}: its data were given as an array or an open source; resume from Python, "
            "with spectra.train and the same data"
        )
    options = known_options(config)
    return train(name, read_family(folder), out=folder, progress=progress, **options)
