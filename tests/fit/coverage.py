"""How often the interval of a fit holds the exponent, on fields whose exponent is known."""

from dataclasses import dataclass

import numpy as np

import spectra
from spectra.fit import ExponentAccumulator, FitMethod, fit_examples
from tests.spectrum.fields import power_law_fields, spectrum_of_rings, white_noise

__all__ = [
    "BIAS",
    "COVERAGE",
    "FLOOR_BIAS_REMOVED",
    "ROBUST_COVERAGE",
    "SCATTER",
    "SET_COVERAGE",
    "SIZE",
    "Score",
    "bias_under_a_floor",
    "coverage_of_fits",
    "coverage_of_scattered_sets",
    "coverage_with_outliers",
    "scattered_fields",
]

SIZE = (64, 64)
LARGE = (128, 128)
# Asked of the default fit, by window.
BIAS = {"none": 0.01, "hann": 0.03}
COVERAGE = {"none": (0.92, 0.98), "hann": (0.90, 0.98)}
# Asked of the interval of the mean, where exponents scatter between images.
SCATTER = 0.4
SET_COVERAGE = (0.92, 0.98)
# Asked of the robust fit where one ring in 20 has 5 times its power.
OUTLIERS, OUTLIER = 0.05, 5.0
ROBUST_COVERAGE = 0.85
# Asked of the floor fit, of what an unmodelled floor at k = 16 of 128 does to the exponent.
FLOOR_AT = 16 / 128
FLOOR_BIAS_REMOVED = 0.8
BATCH = 200


@dataclass(frozen=True)
class Score:
    """Estimates of a known exponent over many draws."""

    bias: float
    coverage: float  # of the 95 % intervals

    @classmethod
    def of(cls, fits: list[tuple[float, tuple[float, float]]], truth: float) -> "Score":
        """From (estimate, interval) of each draw."""
        estimates = np.array([estimate for estimate, _ in fits])
        hits = [low <= truth <= high for _, (low, high) in fits]
        return cls(float(estimates.mean()) - truth, float(np.mean(hits)))


def coverage_of_fits(window: str, alpha: float, files: int, draws: int) -> Score:
    """The default fit, on sets of images of one exponent."""
    rng = np.random.default_rng([int(alpha), files])
    fits = []
    for _ in range(0, draws, BATCH):
        fields = power_law_fields(rng, BATCH * files, SIZE, alpha)
        power, _ = spectra.rapsd(fields, window=window)  # pyright: ignore[reportArgumentType]
        for rings in power.reshape(BATCH, files, -1):
            fit = spectra.fit_power_law(spectrum_of_rings(rings, SIZE, window))
            fits.append((fit.alpha, fit.interval()))
    return Score.of(fits, alpha)


def scattered_fields(rng: np.random.Generator, n: int, mean: float) -> np.ndarray:
    """Fields of unit variance whose exponents scatter by SCATTER about the mean, [n, *SIZE]."""
    frequency = np.hypot(np.fft.fftfreq(SIZE[0])[:, None], np.fft.rfftfreq(SIZE[1]))
    frequency[0, 0] = np.inf
    alpha = mean + SCATTER * rng.standard_normal((n, 1, 1))
    modes = np.fft.rfft2(white_noise(rng, n, SIZE)) * frequency ** (-alpha / 2)
    fields = np.fft.irfft2(modes, s=SIZE)
    return fields / fields.std(axis=(1, 2), keepdims=True)


def coverage_of_scattered_sets(files: int, draws: int, window: str = "none") -> dict[str, Score]:
    """Three estimates of the mean exponent of a population, from sets of its images.

    "examples" is the mean of the exponents of single images, "log" the fit of the mean of logs,
    "arithmetic" that of the mean power, which is led by the strongest and estimates another one.
    """
    rng = np.random.default_rng(files)
    fits: dict[str, list] = {"examples": [], "log": [], "arithmetic": []}
    for start in range(0, draws, BATCH):
        sets = min(BATCH, draws - start)
        power = np.concatenate(
            [
                spectra.rapsd(scattered_fields(rng, files, 2.0), window=window)[0]  # pyright: ignore[reportArgumentType]
                for _ in range(sets)
            ]
        )
        for rings in power.reshape(sets, files, -1):
            spectrum = spectrum_of_rings(rings, SIZE, window)
            found = ExponentAccumulator()
            found.add(fit_examples(rings, spectrum), np.arange(files))
            exponents = found.result()
            fits["examples"].append((exponents.mean, exponents.interval()))
            for average in ("log", "arithmetic"):
                fit = spectra.fit_power_law(spectrum, average=average)
                fits[average].append((fit.alpha, fit.interval()))
    return {name: Score.of(found, 2.0) for name, found in fits.items()}


def coverage_with_outliers(method: FitMethod, draws: int) -> Score:
    """A fit over every ring of single images, with one ring in 20 at 5 times its power."""
    rng = np.random.default_rng(5)
    fits = []
    for _ in range(0, draws, BATCH):
        power, _ = spectra.rapsd(power_law_fields(rng, BATCH, LARGE, 2.0))
        power = np.where(rng.random(power.shape) < OUTLIERS, OUTLIER * power, power)
        for rings in power:
            spectrum = spectrum_of_rings(rings[None], LARGE, "none")
            fit = spectra.fit_power_law(spectrum, method=method, f_range=(0.0, 0.5))
            fits.append((fit.alpha, fit.interval()))
    return Score.of(fits, 2.0)


def bias_under_a_floor(
    alpha: float, draws: int, f_range: tuple[float, float] | None = None
) -> tuple[Score, Score]:
    """Single images with white noise from FLOOR_AT on: fitted without and with the floor."""
    rng = np.random.default_rng(int(alpha))
    fits: tuple[list, list] = ([], [])
    sigma = FLOOR_AT ** (-alpha / 2)
    for start in range(0, draws, BATCH):
        n = min(BATCH, draws - start)
        fields = power_law_fields(rng, n, LARGE, alpha) + sigma * white_noise(rng, n, LARGE)
        for rings in spectra.rapsd(fields)[0]:
            spectrum = spectrum_of_rings(rings[None], LARGE, "none")
            for found, floor in zip(fits, ("none", "fit"), strict=True):
                fit = spectra.fit_power_law(spectrum, floor=floor, f_range=f_range)
                found.append((fit.alpha, fit.interval()))
    return Score.of(fits[0], alpha), Score.of(fits[1], alpha)
