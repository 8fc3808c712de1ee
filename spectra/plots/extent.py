"""Sections on what a spectrum is spread over: directions, channels, components."""

from functools import partial

import numpy as np

from spectra.plots.bases import basis_worths, plot_bases
from spectra.plots.colour import channel_names, is_colour, plot_channels
from spectra.plots.directions import (
    axis_names,
    is_spectrogram,
    plot_directions,
    sector_names,
    shares_axes,
)
from spectra.plots.report import Section, Table
from spectra.spectrum import Spectrum
from spectra.spectrum.colour import coherence, decorrelated_power
from spectra.spectrum.directions import axis_spectrum, sector_spectra

__all__ = ["channel_section", "directions_section", "worth_section"]

MOST_CHANNELS = 4  # drawn; more would be a tangle


def directions_section(spectrum: Spectrum) -> Section | None:
    """The 2-D mean spectrum, for images, fields and spectrograms."""
    if spectrum.mean_power_2d is None:
        return None
    found = sector_spectra(spectrum)
    power = np.nansum(found.power * found.count, axis=1) / found.count.sum(axis=1)
    names = sector_names(spectrum)
    order = np.argsort(power)
    ratio = 10 * np.log10(power[order[-1]] / power[order[0]]) if power.min() > 0 else np.inf
    strongest, weakest = (names[i].partition(", ")[2] for i in (order[-1], order[0]))
    if is_spectrogram(spectrum):
        text = (
            "The spectrogram taken as a picture. Along time it has modulation frequencies: how "
            "fast the power of a band goes up and down (syllables a few times a second). Along mel "
            "it has quefrencies: how fast power changes from band to band (formants are slow, "
            "harmonics fast)."
        )
    else:
        text = (
            "The mean over all examples, frequency 0 in the middle. Were the data alike in all "
            "directions, it would be round and every sector at 0 dB; horizons and upright things "
            "raise the horizontal and the vertical."
        )
    text += f" Here {strongest} carry {ratio:.1f} dB more than {weakest}."
    if not is_spectrogram(spectrum):
        text = text.replace("edges |", "upright edges").replace("edges —", "level edges")
        text = text.replace("edges /", "rising diagonals").replace("edges \\", "falling diagonals")
    down, across = axis_spectrum(spectrum, 0), axis_spectrum(spectrum, 1)
    rows = [
        [
            name,
            f"{one.physical_frequency[0]:.3g} – {one.physical_frequency[-1]:.3g} {one.unit}",
            f"{_half(one.physical_frequency, one.power):.3g} {one.unit}",
        ]
        for name, one in zip(axis_names(spectrum)[::-1], (across, down), strict=True)
    ]
    return Section(
        "directions",
        "Modulation and quefrency" if is_spectrogram(spectrum) else "The spectrum by direction",
        text,
        partial(plot_directions, spectrum),
        alt="Two-dimensional mean spectrum, power by sector of direction and along each axis",
        table=Table(
            ["along", "range", "half of the power is below"],
            [[row[0].capitalize(), *row[1:]] for row in rows],
        ),
        settings={"sectors": 4, "shared unit": "yes" if shares_axes(spectrum) else "no"},
    )


def channel_section(spectrum: Spectrum) -> Section | None:
    """Each channel, principal axes and coherence, for 2 to 4 channels."""
    if spectrum.cross_power is None or spectrum.shape[0] > MOST_CHANNELS:
        return None
    mixed, names = decorrelated_power(spectrum), channel_names(spectrum)
    together = coherence(spectrum)
    first, second = np.triu_indices(len(names), 1)
    mean = float(np.nanmean(together[first, second]))
    text = (
        "Power of each channel; of the principal axes, which mix the channels so that none is "
        "correlated with another; and the squared coherence of each two, 1 where one says all of "
        f"the other. The first axis holds {100 * mixed.share[0]:.3g} % of the variance; the "
        f"coherence is {mean:.2f} on average."
    )
    if is_colour(spectrum):
        text += " In photographs that axis is light, and the other two are colour."
    rows = [
        [f"axis {i + 1}", f"{100 * share:.3g} %", *(f"{weight:+.2f}" for weight in axis)]
        for i, (share, axis) in enumerate(zip(mixed.share, mixed.axes, strict=True))
    ]
    return Section(
        "channels",
        "The spectrum of colour" if is_colour(spectrum) else "The spectrum by channel",
        text,
        partial(plot_channels, spectrum),
        alt="Spectra of the channels, of their principal axes, and the coherence of each two",
        table=Table(["", "variance", *names], rows, "How each axis mixes the channels."),
    )


def worth_section(spectrum: Spectrum) -> Section | None:
    """Variance by component in every measured basis."""
    worths = basis_worths(spectrum)
    if not worths:
        return None
    gaps = any(worth.gap is not None for worth in worths)
    rows = []
    for worth in worths:
        count = len(worth.variance)
        needed = [worth.needed(share) for share in (0.9, 0.99)]
        tenth = worth.share[max(0, int(np.prod(spectrum.shape)) // 10 - 1) % count]
        row = [worth.name, f"{100 * tenth:.1f} %"]
        row += ["–" if number is None else f"{number:,}" for number in needed]
        rows.append(row + ([worth.gap] if gaps else []))
    text = (
        "A good basis puts the variance into few components: its curve falls steeply on the left "
        "and climbs early on the right. Pixels are all alike, and so the worst."
    )
    if gaps:
        text += (
            " The gap to PCA is what a model of independent components loses; 0 where the basis "
            "decorrelates the data."
        )
    columns = ["basis", "in the largest tenth", "components for 90 %", "for 99 %"]
    return Section(
        "bases",
        "Which basis says it in few numbers",
        text,
        partial(plot_bases, spectrum),
        alt="Variance of sorted components and the share of the first, for each basis",
        table=Table([*columns, *(["gap to PCA (nats/dimension)"] if gaps else [])], rows),
        settings={"components": int(np.prod(spectrum.shape))},
    )


def _half(frequency: np.ndarray, power: np.ndarray) -> float:
    """The frequency below which half of the power is."""
    total = np.cumsum(power)
    return float(frequency[np.searchsorted(total, total[-1] / 2)])
