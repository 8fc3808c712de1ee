"""Training loops that `trainer` times beside each other: ours, diffusers', and a plain one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import spectra
from spectra.diffusion.chosen import memory_format
from spectra.diffusion.ema import Ema
from spectra.diffusion.networks import InBfloat16, make_network, network_config
from spectra.schedule import Schedule

__all__ = [
    "SIDE",
    "Contestant",
    "our_network",
    "our_trainer",
    "plain_loop",
    "their_loop",
    "their_network",
]

SIDE = 32
STEPS = 6  # of a turn
GPU_STEPS = 50

# Of one step: by the clock, and of all processor cores.
Seconds = tuple[float, float]
# Goes on for some steps more.
Contestant = Callable[[], Seconds]


def our_network(attends: bool) -> dict[str, Any]:
    record = {"name": "unet", "width": 64, "multipliers": [1, 2, 3], "blocks": 1}
    return {**record, "attention": [1] if attends else []}


def their_network(attends: bool) -> nn.Module:
    """UNet2DModel of our size; attention at 16 x 16, as half its levels have by default."""
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    kind = "Attn" if attends else ""
    return diffusers.UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=(32, 64, 88),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", f"{kind}DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", f"{kind}UpBlock2D", "UpBlock2D"),
    )


def our_trainer(
    images: np.ndarray,
    schedule: Schedule,
    attends: bool,
    precision: str,
    batch: int,
    out: Path,
    device: str = "cpu",
    records: list[dict[str, Any]] | None = None,
) -> Contestant:
    """`spectra.train`, resumed for some steps more each time.

    Neither starting nor what comes before the first record is counted: on a GPU it compiles.
    """
    source, done = spectra.open_source(images), 0
    counted, before = (STEPS, 1) if device == "cpu" else (GPU_STEPS, GPU_STEPS)

    def more() -> Seconds:
        nonlocal done
        done += before + counted
        ends: list[Seconds] = []

        def tell(record: dict[str, Any]) -> None:
            ends.append(now())
            if records is not None:
                records.append(record)

        spectra.train(
            source,
            schedule,
            out=out,
            steps=done,
            batch=batch,
            network=our_network(attends),
            precision=precision,  # pyright: ignore[reportArgumentType]
            device=device,  # pyright: ignore[reportArgumentType]
            log_every=before,
            checkpoint_every=10**9,
            on_record=tell,
        )
        return each(ends[0], ends[-1], counted)

    return more


def loop(step: Callable[[int], None], device: str = "cpu") -> Contestant:
    """Some steps of a plain loop, the first ones not counted."""
    done = 0
    counted, before = (STEPS, 1) if device == "cpu" else (GPU_STEPS, GPU_STEPS)

    def more() -> Seconds:
        nonlocal done
        start = now()
        for number in range(before + counted):
            if number == before:
                waited(device)
                start = now()
            step(done)
            done += 1
        waited(device)
        return each(start, now(), counted)

    return more


def now() -> Seconds:
    """By the clock, and of all processor cores so far."""
    return time.perf_counter(), time.process_time()


def each(start: Seconds, stop: Seconds, steps: int) -> Seconds:
    """Of one step between two times."""
    return (stop[0] - start[0]) / steps, (stop[1] - start[1]) / steps


def waited(device: str) -> None:
    """Nothing is under way on the device."""
    if device == "cuda":
        torch.cuda.synchronize()


def their_loop(
    images: np.ndarray, attends: bool, precision: str, batch: int, device: str = "cpu"
) -> Contestant:
    """Noise prediction with DDPM's noise levels, AdamW, clipping and EMA as in their example.

    On a GPU with all that makes it faster there and leaves the network as it is: the data on the
    device, channels last, compiled, fused.
    """
    from diffusers import DDPMScheduler
    from diffusers.training_utils import EMAModel

    on_gpu = device == "cuda"
    network = their_network(attends).to(device)
    if on_gpu:
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    computed = torch.compile(network) if on_gpu else network
    noising = DDPMScheduler()
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=1e-4,
        betas=(0.95, 0.999),
        weight_decay=1e-6,
        eps=1e-8,
        fused=on_gpu,
    )
    ema = EMAModel(
        network.parameters(), use_ema_warmup=True, inv_gamma=1.0, power=0.75, foreach=on_gpu
    )
    data = torch.from_numpy(images).to(device)

    def step(_: int) -> None:
        x = data[torch.randint(len(data), (batch,), device=device)].float() / 127.5 - 1
        noise = torch.randn_like(x)
        timesteps = torch.randint(0, 1000, (batch,), device=device)
        noised = noising.add_noise(x, noise, timesteps)  # pyright: ignore[reportArgumentType]
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            said = computed(noised, timesteps).sample
        functional.mse_loss(said.float(), noise).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.step(network.parameters())

    return loop(step, device)


def plain_loop(images: np.ndarray, precision: str, batch: int) -> Contestant:
    """Our network, optimiser and average, without bases: x_t = a x + s eps, EDM's loss."""
    network = make_network(network_config(our_network(attends=False)), (1, SIDE, SIDE))
    layout = memory_format("cpu", precision)
    network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    computed = InBfloat16(network) if precision == "bfloat16" else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, fused=True)
    ema = Ema(network, 20_000.0)
    data = torch.from_numpy(images)

    def step(number: int) -> None:
        x = data[torch.randint(len(data), (batch,))].float() / 127.5 - 1
        level, noise = torch.rand(batch), torch.randn_like(x)
        ratio = (10 - 20 * level)[:, None, None, None]  # ln SNR, cosine-like
        a, s = torch.sigmoid(ratio).sqrt(), torch.sigmoid(-ratio).sqrt()
        said = computed(a * x + s * noise, level).float()
        # v-prediction: EDM's loss for unit variance.
        (said - (s * x - a * noise)).square().mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(seen=number * batch, images=batch)

    return loop(step)
