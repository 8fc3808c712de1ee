"""What the scores say of real photographs: of halves of them, blurred, noisy, and copied ones."""

import time
import zipfile
from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from spectra.errors import InputError
from spectra.evaluation import (
    classifier_auc,
    extrapolated_frechet,
    frechet_interval,
    kernel_distance,
    named_features,
    nearest_neighbours,
    sliced_wasserstein,
)
from tests.benchmarks.table import Row
from tests.shared import CIFAR10

__all__ = ["scores"]

N = 512
FEWER = 192  # for features that cost a network's run


def scores() -> list[Row]:
    if not CIFAR10.is_file():
        return [Row("scores of CIFAR-10", "", "not at ../shared/data/cifar10: left out")]
    trained, held_out = photographs("train", 4 * N), photographs("test", 2 * N)
    rng = np.random.default_rng(0)
    rng.shuffle(held_out)  # they come class by class
    a, b = held_out[:N], held_out[N:]
    noisy = a + 0.02 * rng.standard_normal(a.shape).astype(np.float32)
    blurred = gaussian_filter(a, 0.4, axes=(2, 3))
    cases = {"halves of the test set": a, "blurred by 0.4 pixel": blurred, "noise of 0.02": noisy}
    rows = []
    for name, drawn in cases.items():
        started = time.perf_counter()
        found = classifier_auc(drawn, b)
        seconds = time.perf_counter() - started
        equal = name.startswith("halves")
        rows.append(
            Row(
                f"top octave told, {name}",
                "0.5 within its interval" if equal else "above 0.5",
                f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {seconds:.2f} s",
                found.low <= 0.5 <= found.high if equal else found.low > 0.5,
            )
        )
    for name, drawn in cases.items():
        for patch in (None, 8):
            far = sliced_wasserstein(drawn, b, patch=patch)
            of = "whole" if patch is None else "patches"
            shown = f"{far.value:.4f} ({far.low:.4f} to {far.high:.4f})"
            rows.append(Row(f"sliced Wasserstein of {of}, {name}", "", shown))
    for features in ("pca", "efficientnet-lite0"):
        rows += _feature_rows(features, cases, b)
    new, started = held_out[: N // 2], time.perf_counter()
    batches = [trained[at : at + N] for at in range(0, len(trained), N)]
    copies = trained[: N // 2] + 0.02 * rng.standard_normal(new.shape).astype(np.float32)
    for name, drawn, least in (("copies", copies, 1.0), ("new photographs", new, 0.0)):
        near = nearest_neighbours(drawn, b, batches)
        share = len(near.copies) / len(drawn)
        measured = f"{share:.1%}; nearer {near.nearer.value:.3f} ({near.nearer.low:.3f} to "
        measured += f"{near.nearer.high:.3f}), {time.perf_counter() - started:.1f} s"
        rows.append(Row(f"flagged of {name}", f"{least:.0%}", measured, share == least))
    return rows


def photographs(part: str, count: int) -> np.ndarray:
    """The first photographs of a part of CIFAR-10, float32 [N, 3, 32, 32] in [-1, 1]."""
    with zipfile.ZipFile(CIFAR10) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        names = [name for name in names if part in name]
        chosen = [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]
        pixels = [np.asarray(Image.open(BytesIO(archive.read(name)))) for name in chosen]
    return np.stack(pixels).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1


def _feature_rows(name: str, cases: dict[str, np.ndarray], b: np.ndarray) -> list[Row]:
    try:
        features = named_features(name, b)
    except InputError as error:
        return [Row(name, "", str(error))]
    count = N if name == "pca" else FEWER
    target, rows = features(b[:count]), []
    for case, drawn in cases.items():
        started = time.perf_counter()
        ours = features(drawn[:count])
        far, kernel = frechet_interval(ours, target), kernel_distance(ours, target)
        limit = extrapolated_frechet(ours, target)
        shown = f"{far.value:.3g} ({far.low:.3g} to {far.high:.3g})"
        shown += "" if limit is None else f", {limit:.3g} at infinity"
        shown += f"; kernel {kernel.value:.3g} ({kernel.low:.3g} to {kernel.high:.3g})"
        rows.append(
            Row(f"Frechet, {name}, {case}", "", f"{shown}, {time.perf_counter() - started:.1f} s")
        )
    return rows
