"""The variational bound of the exact denoiser on Gaussian data: its error and its time."""

import time

import numpy as np

import spectra
from spectra.diffusion.likelihood import bits_per_dim, gaussian_bits_per_dim, variational_bound
from spectra.diffusion.process import DiffusionProcess
from tests.benchmarks.table import Row
from tests.diffusion.gaussians import exact_denoiser, paired_draws
from tests.schedule.known import known_spectrum, power_law

__all__ = ["bound"]

EXAMPLES, LEVELS = 512, 64
ASKED = 0.005  # bits/dim


def bound() -> list[Row]:
    spectrum = known_spectrum(power_law(2.0, 1e-2), (1, 16, 16), quantum=2 / 255)
    rows = []
    for strength in (0.0, 0.5, 1.0, 2.0):
        schedule = spectra.derive_schedule(spectrum, ordering_strength=strength)
        process = DiffusionProcess(schedule)
        x, noise, quantile = paired_draws(process, EXAMPLES // 2, LEVELS)
        entropy = float(gaussian_bits_per_dim(schedule, schedule.variance, schedule.quantum))
        for control in (True, False):
            start = time.perf_counter()
            terms = variational_bound(
                exact_denoiser(process),
                process,
                x,
                noise,
                quantile,
                control=control,
            )
            seconds = time.perf_counter() - start
            bits = bits_per_dim(terms.total.numpy(), x[0].numel(), schedule.quantum)
            error = float(np.mean(bits)) - entropy
            name = "with" if control else "without"
            rows.append(
                Row(
                    f"bound of Gaussian data, a = {strength:g}, {name} control variate",
                    f"within {ASKED} bits/dim",
                    f"{error:+.5f} in {1e3 * seconds / EXAMPLES / LEVELS:.3f} ms an evaluation",
                    abs(error) < ASKED,
                )
            )
    return rows
