"""The sections of a page that sets two data sets side by side."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from spectra.fit import PowerLaw, exponent_difference, power_ratio
from spectra.fit.differences import PowerRatio
from spectra.fit.floors import Floor
from spectra.frequencies import cutoff_cells, failings, frequency_scale, number, signed
from spectra.interop import Prescription
from spectra.plots.curves import decibel
from spectra.plots.pair import plot_two_cutoffs, plot_two_spectra
from spectra.plots.report import Cell, Section, Table
from spectra.schedule import FrequencyCutoff
from spectra.spectrum import Spectrum
from spectra.spectrum.components import basis_worths

__all__ = [
    "differing",
    "ratio_octaves",
    "recipe_section",
    "spectrum_pair_sections",
]

TIMES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
MEASURED = ("kind", "n", "n_files", "shape", "unit", "window", "detrend", "reach", "segment")
SPOKEN = {
    "n": "examples",
    "n_files": "files",
    "shape": "an example is",
    "unit": "frequencies in",
    "segment": "Welch segment",
}
CONSTANTS = {
    "P_mean": "P_mean, mean of ln sigma to train at",
    "P_std": "P_std, its deviation",
    "sigma_data": "sigma_data",
    "sigma_min": "sigma_min",
    "sigma_max": "sigma_max",
    "rho": "rho of 18 Heun steps",
}


def spectrum_pair_sections(
    names: Sequence[str],
    spectra: Sequence[Spectrum],
    fits: Sequence[PowerLaw],
    floors: Sequence[Sequence[Floor]],
    cutoffs: Sequence[FrequencyCutoff],
    recipes: Sequence[Prescription | str],
) -> list[Section]:
    """Everything there is to show of two measured sources; each argument holds one of each.

    Parameters
    ----------
    names
        Two that differ.
    spectra, fits, floors, cutoffs
        What was measured, its law, what ends it, and f_max(t).
    recipes
        The numbers for other tools, or why there are none.

    Raises
    ------
    InputError
        The spectra have no frequency in common.
    """
    ratio = power_ratio(spectra[0], spectra[1])
    sections = [
        _measured_section(names, spectra),
        Section(
            "spectra",
            "Both spectra, and one over the other",
            f"{_law_text(names, fits)} Below: where the curve is above 0 dB, {names[0]} has more "
            "power. Bands are 95 % intervals over files.",
            partial(plot_two_spectra, *spectra, fits, names),
            alt="Power of both data sets over frequency, and the ratio of the two in decibels",
            table=_law_table(names, spectra, fits),
            settings={"ratio at": f"{len(ratio.frequency)} frequencies both have"},
        ),
        Section(
            "ratio",
            "How far apart, octave by octave",
            f"{names[0]} over {names[1]}. A constant difference is one of contrast or loudness; "
            "one that goes up or down with frequency is one of sharpness.",
            table=_ratio_table(names, ratio),
        ),
        Section(
            "cutoff",
            "f_max(t): which frequency drowns when",
            "The highest frequency still above the noise at time t. The further right a curve "
            "runs, the more noise these data bear.",
            partial(plot_two_cutoffs, *cutoffs, names),
            alt="Largest detectable frequency of both data sets against time, with intervals",
            table=_cutoff_table(names, cutoffs),
            settings={"process": cutoffs[0].process.name, "SNR threshold": cutoffs[0].threshold},
        ),
        _floor_section(names, spectra, floors),
        _basis_section(names, spectra),
        recipe_section(names, recipes),
    ]
    return [section for section in sections if section is not None]


def differing(first: Any, second: Any) -> list[tuple[str, Any, Any]]:
    """(name, value, other value) of what two flat mappings do not have alike."""
    keys = dict.fromkeys([*first, *second])
    return [(k, first.get(k), second.get(k)) for k in keys if first.get(k) != second.get(k)]


def _measured_section(names: Sequence[str], spectra: Sequence[Spectrum]) -> Section:
    rows = []
    for key in MEASURED:
        values = [getattr(one, key) for one in spectra]
        if any(value is not None for value in values):
            rows.append([SPOKEN.get(key, key), *values])
    rows += [list(row) for row in differing(spectra[0].data, spectra[1].data)]
    text = "How each was measured; what else was asked for is the same unless it stands here."
    if spectra[0].fingerprint and spectra[0].fingerprint == spectra[1].fingerprint:
        text += (
            " Both are of the same files. Intervals of differences take the files to be "
            "independent, and are wider than they need be here."
        )
    return Section("measured", "What was measured", text, table=Table(["what", *names], rows))


def _law_text(names: Sequence[str], fits: Sequence[PowerLaw]) -> str:
    difference, low, high = exponent_difference(fits[0], fits[1])
    steeper = names[0] if difference > 0 else names[1]
    text = f"The exponents differ by {signed(difference, plus=True)} (95 % interval {signed(low)} "
    text += f"to {signed(high)}): "
    if low < 0 < high:
        return text + "as files vary, the two are not told apart by it."
    return text + f"{steeper} falls more steeply, has less of its power in fine detail."


def _law_table(
    names: Sequence[str], spectra: Sequence[Spectrum], fits: Sequence[PowerLaw]
) -> Table:
    scales = [frequency_scale(one) for one in spectra]
    difference, low, high = exponent_difference(fits[0], fits[1])
    between = [" to ".join(map(signed, one.interval())) for one in fits]
    reach = [
        f"{scale.number(one.f_range[0])} – {scale.say(one.f_range[1])}"
        for one, scale in zip(fits, scales, strict=True)
    ]
    laws = [
        "yes" if one.is_power_law else "no: " + "; ".join(failings(one, scale))
        for one, scale in zip(fits, scales, strict=True)
    ]
    apart = Cell(
        signed(difference, 3, plus=True),
        f"{signed(low)} to {signed(high)}",
        "undecided" if low < 0 < high else "tied",
        "not told apart" if low < 0 < high else "told apart",
    )
    rows = [
        ["exponent", *(f"{signed(one.alpha, 3)} ± {one.alpha_se:.3f}" for one in fits), apart],
        ["95 % interval", *between, "–"],
        ["fitted over", *reach, "–"],
        ["residual (dB rms)", *(f"{one.residual_db:.2f}" for one in fits), "–"],
        ["a power law", *laws, "–"],
    ]
    return Table(["of the law", *names, f"{names[0]} less {names[1]}"], rows)


def ratio_octaves(ratio: PowerRatio) -> Iterator[tuple[float, float, float, float, float]]:
    """(from, to, dB, low, high) of each octave, the lowest first: means over its frequencies."""
    top = float(ratio.frequency[-1])
    octave = np.floor(np.log2(top / ratio.frequency) + 1e-9).astype(int)
    for k in range(octave.max(), -1, -1):
        inside = octave == k
        if inside.any():
            mean, low, high = (
                float(decibel(part[inside]).mean())
                for part in (ratio.log_ratio, ratio.low, ratio.high)
            )
            yield max(top / 2 ** (k + 1), float(ratio.frequency[0])), top / 2**k, mean, low, high


def _ratio_table(names: Sequence[str], ratio: PowerRatio) -> Table:
    rows = [
        [
            f"{number(start)} – {number(end)}",
            signed(mean, 1, plus=True),
            f"{signed(low, 1, plus=True)} to {signed(high, 1, plus=True)}",
        ]
        for start, end, mean, low, high in ratio_octaves(ratio)
    ]
    columns = [f"octave ({ratio.unit})", f"{names[0]} over {names[1]} (dB)", "95 % interval"]
    return Table(
        columns, rows, "Means over the frequencies of an octave, of the interval's ends too."
    )


def _cutoff_table(names: Sequence[str], cutoffs: Sequence[FrequencyCutoff]) -> Table:
    times = np.array(TIMES)
    columns, cells = ["t"], [[f"{t:g}" for t in times]]
    for name, cutoff in zip(names, cutoffs, strict=True):
        columns += [f"{name} ({cutoff.spectrum.unit})", "95 % interval"]
        cells += map(list, zip(*cutoff_cells(cutoff, times, " – "), strict=True))
    return Table(columns, list(zip(*cells, strict=True)))


def _floor_section(
    names: Sequence[str], spectra: Sequence[Spectrum], floors: Sequence[Sequence[Floor]]
) -> Section | None:
    rows = [
        [floor.name, name, frequency_scale(one).say(floor.frequency), floor.level, floor.evidence]
        for name, one, found in zip(names, spectra, floors, strict=True)
        for floor in found
    ]
    if not rows:
        return None
    columns = ["found", "in", "from", "power", "evidence"]
    text = "From these frequencies on a curve says how the data were recorded or stored."
    return Section("floors", "What ends the spectra", text, table=Table(columns, rows))


def _basis_section(names: Sequence[str], spectra: Sequence[Spectrum]) -> Section | None:
    worths = [{worth.name: worth for worth in basis_worths(one)} for one in spectra]
    rows = []
    for basis in dict.fromkeys([*worths[0], *worths[1]]):
        row: list[Any] = [basis]
        for found in worths:
            worth = found.get(basis)
            tenth = worth.in_largest_tenth if worth else None
            row.append("–" if tenth is None else f"{100 * tenth:.1f} %")
            needed = worth.needed(0.99) if worth else None
            row.append(f"{needed:,}" if needed else "–")
        rows.append(row)
    if not rows:
        return None
    columns = ["basis"]
    for name, one in zip(names, spectra, strict=True):
        columns += [f"{name}: in the largest tenth", f"for 99 %, of {int(np.prod(one.shape)):,}"]
    text = "What share of the variance the largest tenth of the components hold, and how many of "
    text += "them hold 99 % of it."
    return Section("bases", "Which basis says it in few numbers", text, table=Table(columns, rows))


def recipe_section(names: Sequence[str], recipes: Sequence[Prescription | str]) -> Section:
    """The constants that other tools would be given for each."""
    missing = [
        f"{n}: {one}." for n, one in zip(names, recipes, strict=True) if isinstance(one, str)
    ]
    text = "What EDM, k-diffusion and flow-matching trainers would be told, for values as they are."
    made = [None if isinstance(one, str) else one for one in recipes]
    rows: list[list[Any]] = []
    for key, label in CONSTANTS.items():
        rows.append([label, *(None if one is None else one.edm.to_dict()[key] for one in made)])
    rows.append(["flow shift", *(None if one is None else one.flow.training for one in made)])
    rows.append(["scale of logit t", *(None if one is None else one.flow.scale for one in made)])
    for row in rows:
        _, a, b = row
        if a is None or b is None:
            row += ["–", "–"]
        else:  # a ratio of logarithms says nothing
            ratio = a / b if a > 0 and b > 0 else "–"
            row += [f"{a - b:+.3g}".replace("-", "−") if a != b else "0", ratio]
    columns = ["constant", *names, "difference", "ratio"]
    table = Table(columns, rows) if any(one is not None for one in made) else None
    return Section("constants", "What to tell other tools", " ".join([text, *missing]), table=table)
