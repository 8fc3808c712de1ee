"""What an analysis found, as numbers for programs and as lines for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spectra.fit import Exponents, Floor, PowerLaw
from spectra.frequencies import (
    LOWEST_HEARD_HZ,
    FrequencyScale,
    cutoff_cells,
    failings,
    frequency_scale,
    heard_peak,
    told_times,
)
from spectra.schedule import FrequencyCutoff
from spectra.spectrum import Spectrum
from spectra.spectrum.components import basis_worths

__all__ = ["TABLE_TIMES", "Findings"]

TABLE_TIMES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
TABLE_SHARES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LISTED = 10  # skipped files named on the terminal


@dataclass(frozen=True)
class Findings:
    """A spectrum with everything that follows from it.

    Attributes
    ----------
    exponents : Exponents or None
        Of single examples, where they were measured.
    cutoff : FrequencyCutoff or None
    filled : float
        Share of the values that were missing and were filled.
    """

    spectrum: Spectrum
    fit: PowerLaw
    floors: Sequence[Floor] = ()
    exponents: Exponents | None = None
    cutoff: FrequencyCutoff | None = None
    filled: float = 0.0

    def numbers(self) -> dict[str, Any]:
        """Everything, for --json; frequencies in `unit`, times `shown_factor` in `shown_unit`."""
        spectrum, fit, scale = self.spectrum, self.fit, self._scale
        numbers: dict[str, Any] = {
            "kind": spectrum.kind,
            "name": spectrum.name,
            "n": spectrum.n,
            "n_files": spectrum.n_files,
            "shape": list(spectrum.shape),
            "window": spectrum.window,
            "unit": "cycles/sample" if len(spectrum.shape) == 2 else "cycles/pixel",
            "shown_unit": scale.unit,
            "shown_factor": scale.factor,
            "alpha": fit.alpha,
            "alpha_se": fit.alpha_se,
            "alpha_interval": list(fit.interval()),
            "amplitude": fit.amplitude,
            "fit": {
                "method": fit.method,
                "average": fit.average,
                "range": list(fit.f_range),
                "n_rings": fit.n_rings,
                "floor": fit.floor,
                "knee": fit.knee,
                "dispersion": fit.dispersion,
                "r_squared": fit.r_squared,
            },
            "residual_db": fit.residual_db,
            "power_law": fit.is_power_law,
            "power_law_failings": list(failings(fit, scale)),
            "quantisation_floor": spectrum.quantisation_floor,
            "floors": [asdict(floor) for floor in self.floors],
            "bases": self._bases(),
            "blank": spectrum.blank,
            "filled": self.filled,
            "skipped": [{"name": name, "reason": reason} for name, reason in spectrum.skipped],
            "fingerprint": spectrum.fingerprint,
        }
        if spectrum.unit == "Hz" or spectrum.kind == "sound":
            numbers["peak_hz"] = self._peak_hz  # null of log-mel pictures
        if self.exponents is not None:
            numbers["exponents"] = self._exponents(self.exponents)
        if self.cutoff is not None:
            numbers["f_max"] = self._cutoff_rows(self.cutoff)
        return numbers

    def _bases(self) -> dict[str, Any]:
        """What the largest tenth of the components hold, and the gap to PCA, nats/dimension."""
        return {
            worth.name: {"in_largest_tenth": worth.in_largest_tenth, "gap_to_pca": worth.gap}
            for worth in basis_worths(self.spectrum)
        }

    @staticmethod
    def _exponents(exponents: Exponents) -> dict[str, Any]:
        return {
            "mean": exponents.mean,
            "interval": list(exponents.interval()),
            "scatter": exponents.scatter,
            "quantiles": {share: exponents.quantile(share) for share in QUANTILES},
            "n": exponents.n,
            "blank": exponents.blank,
        }

    @staticmethod
    def _cutoff_rows(cutoff: FrequencyCutoff) -> list[dict[str, float]]:
        times = _times(cutoff)
        low, high = cutoff.interval(times)
        columns = zip(times, cutoff.f_max(times), low, high, strict=True)
        return [
            {"t": float(t), "f_max": float(f), "low": float(a), "high": float(b)}
            for t, f, a, b in columns
        ]

    def lines(self) -> list[str]:
        """The same in a few lines."""
        spectrum = self.spectrum
        lines = [
            f"{spectrum.name}: {spectrum.n} examples of {spectrum.n_files} files, "
            f"{'x'.join(map(str, spectrum.shape))}, window {spectrum.window}",
            *self._skipped_lines(),
        ]
        if spectrum.blank:
            left_out = "" if len(spectrum.shape) == 2 else ", not in the mean of logs"
            lines.append(f"{spectrum.blank} blank examples: in the mean of powers{left_out}")
        if self.filled:
            lines.append(f"{100 * self.filled:.1f} % of the values were missing and were filled")
        lines += [*self._fit_lines(), *self._exponent_line()]
        if self._peak_hz is not None:
            lines.append(
                f"peak of the mean of logs {self._peak_hz:.0f} Hz (above {LOWEST_HEARD_HZ:g} Hz)"
            )
        return [*lines, *self._floor_lines(), *self._basis_line(), *self._cutoff_lines()]

    def _fit_lines(self) -> list[str]:
        fit, scale = self.fit, self._scale
        low, high = fit.interval()
        lines = [
            f"exponent {fit.alpha:.3f}, 95 % interval {low:.3f} to {high:.3f} ({fit.method} fit, "
            f"{scale.number(fit.f_range[0])} to {scale.say(fit.f_range[1])}, "
            f"{fit.residual_db:.1f} dB rms)"
        ]
        if fit.floor > 0:
            error = f"standard error {fit.floor_se:.1g}"
            lines.append(f"  over a white floor of {fit.floor:.3g} ({error})")
        if fit.knee > 0:
            error = f"standard error {scale.number(fit.knee_se)}"
            lines.append(f"  with a knee at {scale.say(fit.knee)} ({error})")
        if not fit.is_power_law:
            lines.append(f"  not a power law: {'; '.join(failings(fit, scale))}")
        return lines

    def _exponent_line(self) -> list[str]:
        exponents = self.exponents
        if exponents is None or exponents.n == 0:
            return []
        low, high = exponents.interval()
        return [
            f"exponents of single examples: mean {exponents.mean:.3f} ({low:.3f} to {high:.3f}), "
            f"scatter between files {exponents.scatter:.2f}"
        ]

    def _floor_lines(self) -> list[str]:
        if not self.floors:
            return ["no floor found" + ("" if self.spectrum.quantum else "; values are continuous")]
        return [
            f"{floor.name}: from {self._scale.say(floor.frequency)} ({floor.evidence})"
            for floor in self.floors
        ]

    def _basis_line(self) -> list[str]:
        parts = []
        for name, numbers in self._bases().items():
            gap, share = numbers.get("gap_to_pca"), numbers["in_largest_tenth"]
            more = "" if gap is None or name == "pca" else f", {gap:.3f} nats/dimension to PCA"
            if share is not None:
                parts.append(f"{name} {100 * share:.1f} %{more}")
        title = "variance in the largest tenth of the components"
        return [f"{title}: {'; '.join(parts)}"] if parts else []

    def _cutoff_lines(self) -> list[str]:
        cutoff = self.cutoff
        if cutoff is None:
            return []
        times = _times(cutoff)
        told = [f"{t:.2f}" if t in TABLE_TIMES else f"{t:.9g}" for t in times]
        width = max(5, *map(len, told))
        return [
            f"f_max(t) in {self._scale.unit}, {cutoff.process.name}, SNR {cutoff.threshold:g}:",
            f"  {'t':>{width}}    f_max   95 % interval",
            *(
                f"  {t:>{width}}   {f_max:>6}   {interval}"
                for t, (f_max, interval) in zip(told, cutoff_cells(cutoff, times), strict=True)
            ),
        ]

    def _skipped_lines(self) -> list[str]:
        skipped = self.spectrum.skipped
        if not skipped:
            return []
        more = len(skipped) - LISTED
        return [
            f"skipped {len(skipped)} files:",
            *(f"  {name}: {reason}" for name, reason in skipped[:LISTED]),
            *([f"  and {more} more (all are in the report)"] if more > 0 else []),
        ]

    @property
    def _scale(self) -> FrequencyScale:
        return frequency_scale(self.spectrum)

    @property
    def _peak_hz(self) -> float | None:
        """Frequency of the largest mean of logs that can be heard."""
        at = heard_peak(self.spectrum) if self.spectrum.unit == "Hz" else None
        return None if at is None else float(self.spectrum.physical_frequency[at])


def _times(cutoff: FrequencyCutoff) -> np.ndarray:
    """Of the table of f_max(t)."""
    power = cutoff.spectrum.power
    return np.array(told_times(cutoff.process, power, TABLE_TIMES, TABLE_SHARES, cutoff.threshold))
