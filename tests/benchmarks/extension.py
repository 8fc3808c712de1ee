"""Photo patches and log-mel speech drawn four times as wide as trained: is the spectrum flat?

Two networks are trained, about half an hour of one core each, or for
SPECTRA_EXTENSION_STEPS; SPECTRA_EXTENSION=DIR keeps them there, and the next call goes on with what
is there. SPECTRA_EXTENSION_SEED draws others.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import spectra
from spectra.diffusion import train
from spectra.diffusion.extend import extend
from tests.benchmarks.table import Row
from tests.shared import AUDIO, BSDS500

__all__ = ["along", "data_interval", "drift", "extension", "seams"]

TIMES, EXAMPLES, DRAWS = 4, 64, 1000
STEPS = os.environ.get("SPECTRA_EXTENSION_STEPS")
SOLVER, SOLVER_STEPS = "heun", 30
# Octaves of the periodogram of a window, first and last mode; 0 is the window's mean.
BANDS = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 15))


@dataclass(frozen=True)
class Case:
    """A data set, how it is trained on and extended; `ends` are of ln(alpha^2 / sigma^2).

    A window moves by whole coarsest wavelets: the overlap bounds their levels.
    """

    name: str
    path: Path
    height: int
    width: int
    view: dict[str, Any]
    ends: tuple[float, float] | None
    overlap: float
    basis: str
    training: dict[str, Any]

    def source(self, times: int = 1) -> spectra.Source:
        """Examples of some trained widths."""
        size = (self.height, times * self.width)
        return spectra.open_source(str(self.path), size=size, crop="patches", **self.view)


def _network(width: int) -> dict[str, Any]:
    # What is 4 x 4 places wide there sees all of the window: its mean is known from all of it.
    return {"name": "unet", "width": width, "multipliers": [1, 2, 2, 2], "attention": [3]}


# The mean of a window has too little power while the weights still move.
LEARNING = {"cooldown": 0.2}


# Each as it was found best among the few that were tried.
CASES = (
    Case(
        "photos",
        BSDS500,
        32,
        32,
        {"channels": "grey"},
        None,
        0.75,
        "wavelet-haar-3",
        {
            "steps": 8500,
            "batch": 32,
            "network": _network(32),
            "preconditioning": "skip",
            "known": 0.7,
            "known_parts": "beginnings",
            **LEARNING,
        },
    ),
    Case(
        "speech",
        AUDIO / "librispeech",
        64,
        32,
        {"view": "log-mel"},
        (9.3, 8.5),
        0.5,
        # Loudness is what all coarse components share, and is decided before any one of them
        # stands out of the noise, where the bound hardly trains a network; here they are few.
        "wavelet-haar-4",
        {
            "steps": 3500,
            "batch": 16,
            "network": {**_network(48), "dropout": 0.1},
            "preconditioning": "component",
            "loss": "bound",
            "known": 0.5,
            "known_parts": "beginnings",
            # Only 60 files there are, and nothing is scored on those left out.
            "held_out": 0.0,
            **LEARNING,
        },
    ),
)


def extension() -> list[Row]:
    kept = os.environ.get("SPECTRA_EXTENSION")
    with tempfile.TemporaryDirectory() as passing:
        return [row for case in CASES for row in _rows(case, Path(kept or passing) / case.name)]


def _rows(case: Case, folder: Path) -> list[Row]:
    if not case.path.is_dir():
        return [Row(f"{case.name}: extended", "", f"{case.path} is absent")]
    run = _trained(case, folder)
    drawn = extend(
        run,
        EXAMPLES,
        TIMES,
        overlap=case.overlap,
        steps=SOLVER_STEPS,
        solver=SOLVER,
        seed=int(os.environ.get("SPECTRA_EXTENSION_SEED", "0")),
        device="cpu",
    )
    np.save(folder / "extended.npy", drawn)
    wide = case.source(TIMES)
    return _judged(case, drawn, wide, run.step)


def _trained(case: Case, folder: Path) -> spectra.Run:
    source = case.source()
    spectrum = spectra.analyze(source, bases=(case.basis,))
    ends = {}
    if case.ends is not None:
        log_variance = np.log(spectrum.component_variance(case.basis))
        clean, noise = case.ends
        ends["g_denoise"] = -float(log_variance.min() + clean)
        ends["g_noise"] = -float(log_variance.max() - noise)
    schedule = spectra.derive_schedule(spectrum, basis=case.basis, ordering_strength=1.0, **ends)
    steps = {} if STEPS is None else {"steps": int(STEPS)}
    options = {**case.training, **steps}
    return train(str(case.path), schedule, out=folder, device="cpu", **options)


def _judged(case: Case, drawn: np.ndarray, wide: spectra.Source, steps: int) -> list[Row]:
    name, width = case.name, case.width
    data, files = _examples(wide)
    mean = data.mean(axis=(0, 3), keepdims=True)
    found = along(drawn - mean, width)  # [N, positions, bands]
    decibel, reach = _against(found, along(data - mean, width), files)
    inside = np.abs(decibel) <= reach
    change, less, more = drift(found)
    flat = (less <= 0) & (more >= 0)
    words = [f"{a}-{b}" if a != b else str(a) for a, b in BANDS]
    rows = [
        Row(
            f"{name}, {steps} steps: power by position and octave",
            f"all {inside.size} in the data's interval",
            f"{inside.sum()} of {inside.size}",
            bool(inside.all()),
        )
    ]
    for band, word in enumerate(words):
        what = f"  modes {word}: against the data, first to last window"
        rows.append(_row(what, decibel[:, band], reach[band]))
    for band, word in enumerate(words):
        rows.append(
            Row(
                f"  modes {word}: last window over first",
                "0 dB in its interval",
                f"{change[band]:+.1f} ({less[band]:+.1f} to {more[band]:+.1f}) dB",
                bool(flat[band]),
            )
        )
    new = round((1 - case.overlap) * width)
    decibel, reach = _against(seams(drawn, width, new), seams(data, width, new), files)
    what = "  steps where a window ends: against the data"
    return [*rows, _row(what, decibel[:, 0], reach[0])]


def _against(
    found: np.ndarray, data: np.ndarray, files: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean power in dB about the data's, [positions, bands], and the data's reach, [bands]."""
    low, high = data_interval(data, files, len(found))
    level = 10 * np.log10(found.mean(axis=0))
    low, high = 10 * np.log10(low), 10 * np.log10(high)
    return level - (low + high) / 2, (high - low) / 2


def _row(what: str, decibel: np.ndarray, reach: float) -> Row:
    shown = " ".join(f"{value:+.1f}" for value in decibel)
    return Row(what, f"within {reach:.1f} dB", shown, bool((np.abs(decibel) <= reach).all()))


def _examples(source: spectra.Source, most: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """Spread examples [N, C, H, W] and their files [N]."""
    numbers = np.unique(np.linspace(0, len(source) - 1, most).round().astype(int))
    return source.examples(numbers), source.file_index[numbers]


def along(x: np.ndarray, width: int) -> np.ndarray:
    """Power along the axis in octaves, window by window at half-window steps.

    Parameters
    ----------
    x : array [N, C, H, times width]
        About the mean.

    Returns
    -------
    [N, positions, bands]: of each example the mean over channels and rows. Band 0 is the square
    of a row's mean, the others the periodogram under a Hann window of unit mean square.
    """
    starts = range(0, x.shape[-1] - width + 1, width // 2)
    taper = np.hanning(width + 1)[:width]
    taper /= np.sqrt(np.mean(taper**2))
    powers = []
    for start in starts:
        part = x[..., start : start + width]
        middle = part.mean(axis=-1, keepdims=True)
        modes = np.abs(np.fft.rfft((part - middle) * taper, axis=-1)) ** 2 / width
        bands = [(middle[..., 0] ** 2).mean(axis=(1, 2))]
        bands += [modes[..., low : high + 1].mean(axis=(1, 2, 3)) for low, high in BANDS[1:]]
        powers.append(np.stack(bands, axis=-1))
    return np.stack(powers, axis=1)


def seams(x: np.ndarray, width: int, new: int) -> np.ndarray:
    """Squared steps from the last place of a window to the next, [N, C, H, W] -> [N, seams, 1].

    Parameters
    ----------
    x : array [N, C, H, W]
    width : int
        Of a window; all further ones add `new` places each.
    new : int
    """
    ends = np.arange(width, x.shape[-1], new)
    return ((x[..., ends] - x[..., ends - 1]) ** 2).mean(axis=(1, 2))[..., None]


def data_interval(
    power: np.ndarray, files: np.ndarray, n: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Between which all positions and octaves of n data examples lie, 19 times of 20; [bands] each.

    A draw is of n files with replacement, and of one example of each. ln P is taken to have a mean
    and a scatter of its own in every octave, alike at all positions, since the data are.
    """
    rng = np.random.default_rng(seed)
    names = np.unique(files)
    of_file = [np.flatnonzero(files == name) for name in names]
    draws = []
    for _ in range(DRAWS):
        chosen = rng.integers(len(names), size=n)
        draws.append(power[[rng.choice(of_file[file]) for file in chosen]].mean(axis=0))
    log_power = np.log(draws)  # [draws, positions, bands]
    middle, scatter = log_power.mean(axis=(0, 1)), log_power.std(axis=(0, 1))
    furthest = np.abs((log_power - middle) / scatter).max(axis=(1, 2))
    reach = np.quantile(furthest, 0.95) * scatter
    return np.exp(middle - reach), np.exp(middle + reach)


def drift(power: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last window over first in dB and its 95 % interval over examples, [bands] each."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(power), size=(DRAWS, len(power)))
    resampled = power[chosen].mean(axis=1)  # [draws, positions, bands]
    ratio = 10 * np.log10(resampled[:, -1] / resampled[:, 0])
    whole = power.mean(axis=0)
    low, high = np.quantile(ratio, [0.025, 0.975], axis=0)
    return 10 * np.log10(whole[-1] / whole[0]), low, high
