"""Training's images a second beside diffusers' UNet2DModel, and what the process adds to a step.

32 x 32 grey images, two threads, networks of about 2 M weights. Ours is `spectra.train`, as it is;
theirs is a plain loop with the settings of their example for unconditional images. What is
compared is timed in turn, and the ratio is the median over the turns.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import spectra
from spectra.diffusion.ema import Ema
from spectra.diffusion.networks import InBfloat16, make_network, network_config
from spectra.diffusion.settings import memory_format
from spectra.schedule import Schedule
from tests.benchmarks.table import Row

__all__ = ["trainer"]

SIDE, IMAGES, THREADS = 32, 4096, 2
STEPS, TURNS = 6, 7  # of which the first is not counted
PROCESS_TURNS = 13
BATCHES = (32, 64)
PRECISIONS = ("float32", "bfloat16")
ASKED_RATIO, ASKED_GPU_RATIO = 1.5, 3.0
ASKED_COST = 0.05  # of a step
ALIKE = 0.10  # of weights and of operations
GPU_BATCH, GPU_STEPS = 2048, 40

# One batch size, one precision -> seconds of each of `STEPS` steps.
Contestant = Callable[[], float]


def trainer() -> list[Row]:
    images, schedules = made_data()
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for attends in (True, False):
                rows += likeness(attends)
                for precision in PRECISIONS:
                    for batch in BATCHES:
                        out = Path(folder) / f"{attends}-{precision}-{batch}"
                        rows.append(
                            beside_diffusers(images, schedules, attends, precision, batch, out)
                        )
            for precision in PRECISIONS:
                rows += process_cost(images, schedules, precision, Path(folder) / precision)
    finally:
        torch.set_num_threads(threads)
    return rows + on_gpu(images, schedules)


def made_data() -> tuple[np.ndarray, dict[str, Schedule]]:
    """Rough surfaces as 8-bit images, uint8 [N, 1, H, W], and a schedule in each of two bases."""
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(IMAGES, 1, SIDE, SIDE)).cumsum(axis=2).cumsum(axis=3)
    images = np.clip(128 + 2 * walk, 0, 255).round().astype(np.uint8)
    spectrum = spectra.analyze(spectra.open_source(images), bases=("dct", "pca"), workers=1)
    return images, {name: spectra.derive_schedule(spectrum, basis=name) for name in ("dct", "pca")}


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


def likeness(attends: bool) -> list[Row]:
    """How near the two networks are in weights and in operations of an image."""
    ours = make_network(network_config(our_network(attends)), (1, SIDE, SIDE))
    theirs = their_network(attends)
    x, time_ = torch.zeros(1, 1, SIDE, SIDE), torch.zeros(1)
    name = "with attention at 16x16" if attends else "without attention"
    rows = []
    for what, unit, count in (
        ("weights", 1e6, lambda net: sum(weight.numel() for weight in net.parameters())),
        ("forward operations", 1e9, lambda net: operations(net, x, time_)),
    ):
        mine, peers = count(ours), count(theirs)
        away = mine / peers - 1
        scale = "M" if unit == 1e6 else "GFLOP"
        rows.append(
            Row(
                f"{what}, {name}",
                f"within {ALIKE:.0%}",
                f"{away:+.1%} ({mine / unit:.3f} and {peers / unit:.3f} {scale})",
                abs(away) <= ALIKE,
            )
        )
    return rows


def operations(network: nn.Module, x: torch.Tensor, level: torch.Tensor) -> int:
    """Floating-point operations of one forward pass."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x, level)
    return counter.get_total_flops()


def beside_diffusers(
    images: np.ndarray,
    schedules: dict[str, Schedule],
    attends: bool,
    precision: str,
    batch: int,
    out: Path,
) -> Row:
    """The trainer's images a second over those of a plain loop around UNet2DModel."""
    ours = our_trainer(images, schedules["dct"], attends, precision, batch, out)
    theirs = their_loop(images, attends, precision, batch)
    mine, peers = in_turn([ours, theirs], TURNS)
    ratio = median(b / a for a, b in zip(mine, peers, strict=True))
    name = "attention" if attends else "no attention"
    return Row(
        f"trainer, {name}, {precision}, batch {batch}",
        f">= {ASKED_RATIO:g}x diffusers",
        f"{ratio:.2f}x ({batch / median(mine):.0f} and {batch / median(peers):.0f} images/s)",
        ratio >= ASKED_RATIO,
    )


def process_cost(
    images: np.ndarray, schedules: dict[str, Schedule], precision: str, out: Path
) -> list[Row]:
    """What the trainer's step takes over one of plain diffusion by numbers, same network."""
    batch = BATCHES[0]
    contestants = [plain_loop(images, precision, batch)]
    for name, schedule in schedules.items():
        contestants.append(our_trainer(images, schedule, False, precision, batch, out / name))
    plain, *found = in_turn(contestants, PROCESS_TURNS)
    rows = []
    for name, seconds in zip(schedules, found, strict=True):
        cost = median(a / b for a, b in zip(seconds, plain, strict=True)) - 1
        rows.append(
            Row(
                f"component-wise process in {name}, {precision}, batch {batch}",
                f"<= {ASKED_COST:.0%} of a step",
                f"{cost:+.1%} ({1e3 * median(seconds):.0f} and {1e3 * median(plain):.0f} ms)",
                cost <= ASKED_COST,
            )
        )
    return rows


def in_turn(contestants: list[Contestant], turns: int) -> list[list[float]]:
    """Seconds a step of each contestant in each turn but the first."""
    found = [[contestant() for contestant in contestants] for _ in range(turns)]
    return [list(seconds) for seconds in zip(*found[1:], strict=True)]


def our_trainer(
    images: np.ndarray, schedule: Schedule, attends: bool, precision: str, batch: int, out: Path
) -> Contestant:
    """`spectra.train`, resumed for a few steps more each time; starting is not counted."""
    source, done = spectra.open_source(images), 0

    def more() -> float:
        nonlocal done
        done += STEPS + 1
        ends: list[float] = []
        spectra.train(
            source,
            schedule,
            out=out,
            steps=done,
            batch=batch,
            network=our_network(attends),
            precision=precision,  # pyright: ignore[reportArgumentType]
            device="cpu",
            log_every=1,
            on_record=lambda _: ends.append(time.perf_counter()),
        )
        return (ends[-1] - ends[0]) / STEPS

    return more


def loop(step: Callable[[int], None], steps: int = STEPS) -> Contestant:
    """Some steps of a plain loop."""
    done = 0

    def more() -> float:
        nonlocal done
        step(done)
        start = time.perf_counter()
        for number in range(steps):
            step(done + 1 + number)
        done += 1 + steps
        return (time.perf_counter() - start) / steps

    return more


def their_loop(images: np.ndarray, attends: bool, precision: str, batch: int) -> Contestant:
    """Noise prediction with DDPM's noise levels, AdamW, clipping and EMA as in their example."""
    from diffusers import DDPMScheduler
    from diffusers.training_utils import EMAModel

    network = their_network(attends)
    noising = DDPMScheduler()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8
    )
    ema = EMAModel(network.parameters(), use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    data = torch.from_numpy(images)

    def step(_: int) -> None:
        x = data[torch.randint(len(data), (batch,))].float() / 127.5 - 1
        noise = torch.randn_like(x)
        timesteps = torch.randint(0, 1000, (batch,))
        noised = noising.add_noise(x, noise, timesteps)  # pyright: ignore[reportArgumentType]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            said = network(noised, timesteps).sample
        functional.mse_loss(said.float(), noise).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.step(network.parameters())

    return loop(step)


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


def on_gpu(images: np.ndarray, schedules: dict[str, Schedule]) -> list[Row]:
    what, asked = "trainer on a GPU, both at their best", f">= {ASKED_GPU_RATIO:g}x diffusers"
    return [Row(what, asked, "no GPU here: owed")]
