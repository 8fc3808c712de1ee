"""Sections on what a spectrum is spread over: directions, channels, components."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from spectra.frequencies import frequency_scale, signed
from spectra.plots.bases import plot_bases
from spectra.plots.colour import channel_names, is_colour, plot_channels
from spectra.plots.directions import (
    is_spectrogram,
    plot_directions,
    sector_names,
    sectors_over_mean,
)
from spectra.plots.report import Section, Table
from spectra.spectrum import Spectrum
from spectra.spectrum.colour import coherence, decorrelated_power
from spectra.spectrum.components import basis_worths

__all__ = ["channel_section", "directions_section", "worth_section"]

COARSE = 0.125  # cycles/sample that part the rings in coarse and fine
MOST_CHANNELS = 4  # drawn; more would be a tangle


def directions_section(spectrum: Spectrum) -> Section | None:
    """The 2-D mean spectrum, for images, fields and spectrograms."""
    if spectrum.mean_power_2d is None:
        return None
    scale = frequency_scale(spectrum)
    frequency, over = sectors_over_mean(spectrum)
    split = COARSE if frequency[0] <= COARSE else 2 * COARSE
    coarse = frequency <= split
    names = sector_names(spectrum)
    rows = [
        [name, *(_mean_db(row[part]) for part in (coarse, ~coarse))]
        for name, row in zip(names, over, strict=True)
    ]
    if is_spectrogram(spectrum):
        text = (
            "The spectrogram taken as a picture. Along time it has modulation frequencies: how "
            "fast the power of a band goes up and down (speech has its syllables at 2 to 8 Hz). "
            "Along mel it has quefrencies: how fast power changes from band to band (formants are "
            "slow, harmonics fast). Onsets vary along time, held tones along mel, sweeps along "
            "both."
        )
    else:
        text = (
            "The mean over all examples, frequency 0 in the middle. Of data alike in all "
            "directions it is round, and every sector lies at 0 dB."
        )
        if spectrum.kind == "images":
            text += " Horizons and upright things raise level and upright edges."
    text += _contrast(names, over)
    return Section(
        "directions",
        "Modulation and quefrency" if is_spectrogram(spectrum) else "The spectrum by direction",
        text,
        partial(plot_directions, spectrum),
        alt="Two-dimensional mean spectrum, power by sector of direction and along each axis",
        table=Table(
            [
                "sector over the ring's mean (dB)",
                f"up to {scale.say(split)}",
                f"above {scale.say(split)}",
            ],
            rows,
            "Angles are those of the variation: 0° is along the horizontal axis.",
        ),
        settings={"window": spectrum.window, "sectors": f"{len(names)} of {180 // len(names)}°"},
    )


def _contrast(names: Sequence[str], over: np.ndarray) -> str:
    """Which sector carries most, and which least; "" where fewer than two carry anything."""
    known = {
        name: float(np.nanmean(row))
        for name, row in zip(names, over, strict=True)
        if np.isfinite(row).any()
    }
    if len(known) < 2:
        return ""
    first, last = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    strongest, weakest = _spoken(first), _spoken(last)
    ratio = known[first] - known[last]
    return f" Over all rings, {strongest} carry {ratio:.1f} dB more than {weakest}."


def _mean_db(row: np.ndarray) -> str:
    """Mean of what is known, or a dash."""
    known = row[np.isfinite(row)]
    return signed(float(known.mean()), plus=True) if len(known) else "–"


def _spoken(name: str) -> str:
    """A sector's name without angle and sign."""
    kind = name.partition(", ")[2]
    said = {"|": "upright edges", "/": "rising diagonals", "—": "level edges"}
    if kind.startswith("edges"):
        return said.get(kind[-1], "falling diagonals")
    return f"{kind} sweeps" if kind in ("rising", "falling") else kind


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
        [f"axis {i + 1}", f"{100 * share:.3g} %", *(signed(weight, plus=True) for weight in axis)]
        for i, (share, axis) in enumerate(zip(mixed.share, mixed.axes, strict=True))
    ]
    return Section(
        "channels",
        "The spectrum of colour" if is_colour(spectrum) else "The spectrum by channel",
        text,
        partial(plot_channels, spectrum),
        alt="Spectra of the channels, of their principal axes, and the coherence of each two",
        settings={"window": spectrum.window, "channels": spectrum.shape[0]},
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
        needed = [worth.needed(share) for share in (0.9, 0.99)]
        tenth = worth.in_largest_tenth
        row = [worth.name, "–" if tenth is None else f"{100 * tenth:.1f} %"]
        row += ["–" if number is None else f"{number:,}" for number in needed]
        rows.append(row + ([worth.gap] if gaps else []))
    text = (
        "A good basis puts the variance into few components: its curve falls steeply on the left "
        "and climbs early on the right."
    )
    if "pixel" in spectrum.bases:
        noun = "Samples" if len(spectrum.shape) == 2 else "Pixels"
        text += f" {noun}, as the data come, are what the others are to be better than."
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
