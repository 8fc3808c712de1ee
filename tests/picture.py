"""Draws the README's picture from an embedded photograph: `make picture`."""

import io
import sys
from pathlib import Path

from PIL import Image

import spectra
from spectra.plots import plot_lowpass
from spectra.plots.style import house_style

__all__ = ["draw"]

TIMES = (0.05, 0.15, 0.3, 0.5, 0.8)
PIXELS_PER_INCH = 110
GREYS = 96  # that the file keeps: noise compresses badly


def draw(path: Path) -> None:
    """A photograph without the frequencies over f_max(t), under noise, and estimated from it."""
    source = spectra.open_source("photos", size=96, crop="resize")
    cutoff = spectra.frequency_cutoff(spectra.analyze(source))
    photograph = source.examples([list(source.files).index("astronaut.png")])[0]
    figure = plot_lowpass(photograph, cutoff, TIMES)
    drawn = io.BytesIO()
    with house_style():
        figure.savefig(drawn, format="png", dpi=PIXELS_PER_INCH)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(GREYS).save(path, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
