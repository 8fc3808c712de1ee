"""The sections that show the data themselves, as their field draws them."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from spectra.plots.fields import plot_fields
from spectra.plots.image_spectra import plot_image_spectra
from spectra.plots.images import plot_examples
from spectra.plots.report import Section
from spectra.plots.signals import LONGEST_LINE, plot_spectrograms, plot_waveforms

__all__ = ["Measured", "are_pictures", "data_sections", "example_sections"]


LEAST_CONTRAST = 0.1  # of the values that pictures show, -1 to 1: of less the eye sees nothing


class Measured(Protocol):
    """What a Source and its Spectrum both know of an example."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def spacing(self) -> tuple[float, ...]: ...
    @property
    def axis_units(self) -> tuple[str, ...]: ...


def are_pictures(examples: np.ndarray, of: Measured) -> bool:
    """Whether these are to be looked at: [N, C, H, W] in [-1, 1], no fields, no spectrograms.

    Nor masks of 0 and 1 of 255, or fields of tiny values: as pictures they would be one grey.
    """
    if np.ndim(examples) != 4 or of.kind == "fields" or tuple(of.axis_units) == ("mel", "s"):
        return False
    inside = bool(np.abs(examples).max() <= 1 + 1e-6)
    return examples.shape[1] != 2 and inside and float(np.ptp(examples)) >= LEAST_CONTRAST


def data_sections(images: np.ndarray, title: str) -> list[Section]:
    """Pictures [N, C, H, W] in [-1, 1], and their 2-D spectra."""
    return [
        Section(
            "data",
            "The data",
            "What was measured: one example from each of several files.",
            partial(plot_examples, images),
            alt=f"Examples of {title}",
            settings={"source": title, "example": "×".join(map(str, images.shape[1:]))},
        ),
        Section(
            "spectra-2d",
            "Their spectra, all directions",
            "Each example above its power over horizontal and vertical frequency, with frequency "
            "0 in the middle. Bright centres: most of the power is in the coarse structure. "
            "Streaks at right angles to edges say that a direction carries more than others.",
            partial(plot_image_spectra, images[:4], phase=False),
            alt="Examples with their two-dimensional log power spectra",
            settings={"window": "hann"},
        ),
    ]


def example_sections(
    examples: np.ndarray, of: Measured, value_range: Sequence[float] | None = None
) -> list[Section]:
    """Examples [N, C, *spatial] as their field draws them; none where there are none."""
    examples = np.asarray(examples)
    if not len(examples):
        return []
    shape = {"example": "×".join(map(str, examples.shape[1:]))}
    spacing = of.spacing or (1.0,) * (examples.ndim - 2)
    units = of.axis_units or ("sample" if examples.ndim == 3 else "pixel",) * len(spacing)
    if examples.ndim == 3:
        noun = "Waveforms" if of.kind == "sound" else "Series"
        text = f"{noun} of different files, all to one scale."
        if examples.shape[-1] > LONGEST_LINE:
            text += " Drawn is the outline: from the least to the largest value at each place."
        figure: Any = partial(plot_waveforms, examples, spacing[0], units[0])
    elif units == ("mel", "s"):
        noun = "Log-mel spectrograms"
        text = "Clips of several files as pictures: time to the right, mel bands upwards, and "
        text += "colour for the power of a band in decibels. Each is one example."
        rate = getattr(of, "data", None) or getattr(of, "settings", {})
        figure = partial(plot_spectrograms, examples, spacing[1], rate.get("rate"))
    elif not are_pictures(examples, of):
        noun = "Fields"
        if value_range is not None:
            least, most = value_range
            examples = least + (examples + 1) * (most - least) / 2
        text = "One field from each of several files, in the data's own range."
        plane = (spacing[0], spacing[1]), (units[0], units[1])
        figure = partial(plot_fields, examples, *plane)
    else:
        return data_sections(examples, of.name)
    alt = f"{noun} of {of.name}"
    return [Section("data", "The data", text, figure, alt=alt, settings=shape)]
