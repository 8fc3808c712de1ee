"""What each octave costs in bits, of several denoisers."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.errors import InputError
from spectra.plots.labels import as_label
from spectra.plots.octaves import STYLES, octave_ticks_of
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import MUTED, Layout, house_style
from spectra.schedule import DenoisingError, component_bits
from spectra.schedule.auditing.account import octaves_of

__all__ = ["plot_component_bits"]


@house_style()
def plot_component_bits(
    errors: Mapping[str, DenoisingError],
    *,
    quantum: float | None = None,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Bits a component of every octave, beside a Gaussian of the same spectrum (dashed).

    The mean over all components, in the legend, is the bits/dim; an octave counts as often as it
    has components, which stands under its name.

    Parameters
    ----------
    errors
        Name -> denoising error, all of one data set in one basis; from 1 to 4.
    quantum
        Spacing of the values, that of the first error if not given; 0 gives bits of the values'
        own unit.
    axes
        Where to draw; a figure of its own if not given.
    layout
        "wide" or "narrow", of a figure of its own.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        None or too many, or errors of different components.
    """
    if not 0 < len(errors) <= len(STYLES):
        raise InputError(f"errors: from 1 to {len(STYLES)} are drawn, not {len(errors)}")
    first = next(iter(errors.values()))
    for name, error in errors.items():
        if (error.basis, error.shape) != (first.basis, first.shape):
            raise InputError(
                f"{name}: in {error.basis} of {error.shape}, not {first.basis} of {first.shape}"
            )
    quantum = first.quantum if quantum is None else quantum
    unit = "bits/dim" if quantum > 0 else "bits/dim (own unit)"
    drawn = open_panel(axes, layout, 4.3 if layout == "wide" else 4.9)
    index, octaves = octaves_of(first.make_basis().frequency, first.variance)
    count = np.bincount(index)

    def mean(bits: np.ndarray) -> np.ndarray:
        return np.bincount(index, bits.ravel()) / count

    law = component_bits(first.wiener(), quantum=quantum)
    at = np.arange(len(octaves))
    label = f"Gaussian of this spectrum: {law.mean():.2f} {unit}"
    drawn.plot(at, mean(law), color=MUTED, ls="--", lw=1.4, label=label)
    for (name, error), (colour, mark) in zip(errors.items(), STYLES, strict=False):
        bits = component_bits(error, quantum=quantum)
        label = as_label(f"{name}: {bits.mean():.2f} {unit}")
        drawn.plot(at, mean(bits), color=colour, marker=mark, ms=6, lw=1.8, label=label)
    octave_ticks_of(drawn, octaves, count, narrow=layout == "narrow")
    drawn.yaxis.set_major_locator(MaxNLocator(6))
    drawn.set_ylabel(
        "bits a component" if quantum > 0 else "bits a component (the values' own unit)"
    )
    return finish_panel(drawn, axes, 2 if layout == "wide" else 1)
