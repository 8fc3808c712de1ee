"""Training's images a second beside diffusers' UNet2DModel, and what the process adds to a step.

32 x 32 grey images, two threads, networks of about 2 M weights. Ours is `spectra.train`, as it is;
theirs is a plain loop with the settings of their example for unconditional images. What is
compared is timed in turn, and the ratio is the median over the turns. On a machine that others use
too, processor time is the steadier of the two.
"""

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import spectra
from spectra.diffusion.networks import make_network, network_config
from spectra.schedule import Schedule
from tests.benchmarks.table import Row
from tests.benchmarks.training_loops import (
    SIDE,
    Contestant,
    Seconds,
    our_network,
    our_trainer,
    plain_loop,
    their_loop,
    their_network,
)

__all__ = ["trainer"]

IMAGES, THREADS = 4096, 2
TURNS, PROCESS_TURNS = 7, 13  # of which the first is not counted
BATCHES = (32, 64)
PRECISIONS = ("float32", "bfloat16")
ASKED_RATIO, ASKED_GPU_RATIO = 1.5, 3.0
ASKED_COST = 0.05  # of a step
ALIKE = 0.10  # of weights and of operations
GPU_BATCH, GPU_TURNS = 2048, 3


def trainer() -> list[Row]:
    images, schedules = made_data()
    rows = []
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        for attends in (True, False):
            rows += likeness(attends)
            for precision in PRECISIONS:
                for batch in BATCHES:
                    out = Path(folder) / f"{attends}-{precision}-{batch}"
                    rows.append(beside_diffusers(images, schedules, attends, precision, batch, out))
        for precision in PRECISIONS:
            rows += process_cost(images, schedules, precision, Path(folder) / precision)
        rows += on_gpu(images, schedules["dct"], Path(folder) / "gpu")
    return rows


def made_data() -> tuple[np.ndarray, dict[str, Schedule]]:
    """Rough surfaces as 8-bit images, uint8 [N, 1, H, W], and a schedule in each of two bases."""
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(IMAGES, 1, SIDE, SIDE)).cumsum(axis=2).cumsum(axis=3)
    images = np.clip(128 + 2 * walk, 0, 255).round().astype(np.uint8)
    spectrum = spectra.analyze(spectra.open_source(images), bases=("dct", "pca"), workers=1)
    return images, {name: spectra.derive_schedule(spectrum, basis=name) for name in ("dct", "pca")}


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
    ratio, by_cores = ratios(peers, mine)
    rates = " and ".join(f"{batch / clock(seconds):.0f}" for seconds in (mine, peers))
    name = "attention" if attends else "no attention"
    return Row(
        f"trainer, {name}, {precision}, batch {batch}",
        f">= {ASKED_RATIO:g}x diffusers",
        f"{ratio:.2f}x ({rates} images/s; {by_cores:.2f}x in processor time)",
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
        cost, by_cores = (ratio - 1 for ratio in ratios(seconds, plain))
        times = f"{1e3 * clock(seconds):.0f} and {1e3 * clock(plain):.0f} ms"
        rows.append(
            Row(
                f"component-wise process in {name}, {precision}, batch {batch}",
                f"<= {ASKED_COST:.0%} of a step",
                f"{cost:+.1%} ({times}; {by_cores:+.1%} in processor time)",
                cost <= ASKED_COST,
            )
        )
    return rows


def in_turn(contestants: list[Contestant], turns: int) -> list[list[Seconds]]:
    """Of each contestant, in each turn but the first."""
    found = [[contestant() for contestant in contestants] for _ in range(turns)]
    return [list(seconds) for seconds in zip(*found[1:], strict=True)]


def ratios(above: list[Seconds], below: list[Seconds]) -> Seconds:
    """Median over the turns of one's seconds over the other's, in both kinds."""
    pairs = list(zip(above, below, strict=True))
    return median(a[0] / b[0] for a, b in pairs), median(a[1] / b[1] for a, b in pairs)


def clock(seconds: list[Seconds]) -> float:
    """Median by the clock."""
    return median(wall for wall, _ in seconds)


def on_gpu(images: np.ndarray, schedule: Schedule, out: Path) -> list[Row]:
    """The same comparison where both compile and compute in bfloat16, and how full the GPU is."""
    what, asked = "trainer on a GPU, both at their best", f">= {ASKED_GPU_RATIO:g}x diffusers"
    if not torch.cuda.is_available():
        return [Row(what, asked, "no GPU here: owed")]
    rows = []
    for attends in (True, False):
        records: list[dict[str, Any]] = []
        given = (images, schedule, attends, "bfloat16", GPU_BATCH, out / str(attends))
        ours = our_trainer(*given, device="cuda", records=records)
        theirs = their_loop(images, attends, "bfloat16", GPU_BATCH, device="cuda")
        mine, peers = in_turn([ours, theirs], GPU_TURNS)
        ratio, _ = ratios(peers, mine)
        name = "attention" if attends else "no attention"
        rates = f"{GPU_BATCH / clock(mine):.0f} and {GPU_BATCH / clock(peers):.0f} images/s"
        share, memory = records[-1].get("utilisation"), records[-1].get("memory", 0) / 2**30
        rows.append(
            Row(
                f"{what}, {name}, batch {GPU_BATCH}, {torch.cuda.get_device_name()}",
                asked,
                f"{ratio:.2f}x ({rates}, {share} of a matrix product's rate, {memory:.1f} GiB)",
                ratio >= ASKED_GPU_RATIO,
            )
        )
    return rows
