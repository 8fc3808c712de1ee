"""Animations as files: GIF, MP4, and one page that plays without a network."""

import base64
import importlib
import io
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from matplotlib.animation import AbstractMovieWriter, FuncAnimation
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from PIL import Image

from spectra.errors import InputError, check_number
from spectra.files import write_atomically
from spectra.plots.style import house_style

__all__ = [
    "INTERVAL_MS",
    "SUFFIXES",
    "InlineAnimation",
    "Moving",
    "check_animation",
    "inline_animation",
    "save_animation",
]

SUFFIXES = (".gif", ".mp4", ".html")
INTERVAL_MS = 110  # between frames
HOLD_MS = 1500  # of the last frame, which is what the motion led to, before it starts again
COLOURS = 255  # of a palette; one is left to a GIF's unchanged pixels
PALETTE_FRAMES = 8  # looked at for the palette that all share


class Moving(FuncAnimation):
    """An animation that may be thrown away unseen.

    Matplotlib warns of that when garbage is collected: at any time, in anybody's line.
    """

    def __del__(self) -> None:
        pass


@dataclass(frozen=True)
class InlineAnimation:
    """What a notebook shows: a GIF inside the cell's own output.

    Attributes
    ----------
    gif : bytes
        The file.
    alt : str
        What it shows, for those who cannot see it.
    """

    gif: bytes = field(repr=False)
    alt: str

    def _repr_html_(self) -> str:
        source = _data_uri(self.gif, "image/gif")
        return f'<img alt="{escape(self.alt)}" src="{source}" style="max-width:100%">'


@house_style()
def save_animation(
    animation: FuncAnimation,
    path: str | Path,
    *,
    alt: str = "",
    dpi: float = 100.0,
    progress: bool | None = None,
) -> Path:
    """Draw every frame and write them as the suffix says, whole or not at all.

    Parameters
    ----------
    animation
        Of a finite number of frames, such as an ``animate_*`` function returns.
    path
        .gif, .mp4 (needs ffmpeg), or .html: one page with a play button and a slider, which
        holds all it shows and does not start by itself where reduced motion is asked for.
    alt
        What is shown, for those who cannot see it; the title of the page.
    dpi
        Dots per inch; a wide figure is 9.2 inches across.
    progress
        A bar on stderr: always, never, or (None) where that is a terminal.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The suffix is another one, there is no frame, ffmpeg is missing, or the file cannot be
        written.
    """
    path = Path(path)
    check_animation(path)
    suffix = path.suffix.lower()
    frames, interval = _drawn(animation, dpi, progress), _interval(animation)
    if suffix == ".mp4":
        payload = _mp4(frames, interval, _ffmpeg(path))
    elif suffix == ".gif":
        payload = _gif(frames, interval)
    else:
        payload = _page(frames, interval, alt or "Animation")
    write_atomically(path, payload)
    return path


def check_animation(path: Path) -> None:
    """Refuse a format that `save_animation` would, before anything is drawn.

    Parameters
    ----------
    path
        As in `save_animation`.

    Raises
    ------
    InputError
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: an animation is written as {', '.join(SUFFIXES)}; name one")
    if suffix == ".mp4":
        _ffmpeg(path)


@house_style()
def inline_animation(animation: FuncAnimation, alt: str, *, dpi: float = 70.0) -> InlineAnimation:
    """The animation as a notebook shows it: a GIF in the cell's output, and no file beside it.

    Parameters
    ----------
    animation
        Of a finite number of frames.
    alt
        What it shows, for those who cannot see it.
    dpi
        Dots per inch; low, as the notebook carries the whole GIF.

    Returns
    -------
    object
        What a notebook shows at the end of a cell.

    Raises
    ------
    InputError
        There is no alt text or no frame.
    """
    if not alt.strip():
        raise InputError("alt: none given; say in one sentence what the animation shows")
    return InlineAnimation(_gif(_drawn(animation, dpi, None), _interval(animation)), alt)


class _Frames(AbstractMovieWriter):
    """Keeps each frame as a picture, under a progress bar."""

    def __init__(self, bar: Any) -> None:
        super().__init__()
        self.bar, self.pictures = bar, []

    def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
        self.fig, self.before = fig, fig.dpi
        self.dpi = fig.dpi = fig.dpi if dpi is None else dpi

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        # Figure.savefig would draw each frame twice, once for its layout.
        width, height = self.frame_size
        renderer = RendererAgg(width, height, self.dpi)
        self.fig.draw(renderer)
        picture = Image.frombuffer("RGBA", (width, height), bytes(renderer.buffer_rgba()))
        self.pictures.append(picture.convert("RGB"))
        self.bar.update()

    def finish(self) -> None:
        self.fig.dpi = self.before


def _drawn(animation: FuncAnimation, dpi: float, progress: bool | None) -> list[Image.Image]:
    """Every frame as an RGB picture."""
    from tqdm import tqdm

    check_number("dpi", dpi, low=10.0, high=600.0)
    hidden = None if progress is None else not progress  # None: where stderr is no terminal
    with tqdm(desc="animate", unit="frame", leave=False, disable=hidden) as bar:
        writer = _Frames(bar)

        def count(_: int, total: int | None) -> None:
            if bar.total != total:
                bar.total = total
                bar.refresh()

        animation.save("frames", writer=writer, dpi=dpi, progress_callback=count)
    if not writer.pictures:
        raise InputError("animation: it has no frame; give it at least one")
    return writer.pictures


def _interval(animation: FuncAnimation) -> int:
    """Milliseconds between frames."""
    return int(getattr(animation.event_source, "interval", 100))


def _in_one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """Frames in the same 255 colours: what stands still keeps its colour, and costs nothing."""
    some = frames[:: -(-len(frames) // PALETTE_FRAMES)]
    width, height = frames[0].size
    sheet = Image.new("RGB", (width, height * len(some)))
    for i, frame in enumerate(some):
        sheet.paste(frame, (0, i * height))
    palette = sheet.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def _gif(frames: Sequence[Image.Image], interval: int) -> bytes:
    first, *others = _in_one_palette(frames)
    file = io.BytesIO()
    holds = [interval] * len(others) + [HOLD_MS]
    first.save(file, "GIF", save_all=True, append_images=others, duration=holds, loop=0)
    return file.getvalue()


def _page(frames: Sequence[Image.Image], interval: int, alt: str) -> bytes:
    from jinja2 import Environment, StrictUndefined

    pictures = []
    for frame in _in_one_palette(frames):
        file = io.BytesIO()
        frame.save(file, "PNG", optimize=True)
        pictures.append(_data_uri(file.getvalue(), "image/png"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = resources.files("spectra.plots").joinpath("templates/animation.html.j2")
    width, height = frames[0].size
    page = environment.from_string(template.read_text("utf-8")).render(
        title=alt, frames=pictures, interval=interval, hold=HOLD_MS, width=width, height=height
    )
    return page.encode("utf-8", "backslashreplace")


def _mp4(frames: Sequence[Image.Image], interval: int, ffmpeg: str) -> bytes:
    """H.264 that every browser plays; the index stands first, so that it starts at once."""
    from tempfile import TemporaryDirectory

    width, height = frames[0].size
    rate = f"{1000 / interval:.6g}"
    even = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"  # its chroma has half the resolution
    hold = f"tpad=stop_mode=clone:stop_duration={(HOLD_MS - interval) / 1000:.3f}"
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate]
    made = ["-vf", f"{even},{hold}", "-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p"]
    with TemporaryDirectory() as folder:
        target = Path(folder) / "animation.mp4"
        command = [ffmpeg, "-v", "error", *given, "-i", "-", *made, "-movflags", "+faststart"]
        pixels = b"".join(frame.tobytes() for frame in frames)
        run = subprocess.run([*command, str(target)], input=pixels, capture_output=True)
        if run.returncode:
            said = " ".join(run.stderr.decode("utf-8", "replace").split())
            raise InputError(f"ffmpeg ({ffmpeg}) failed: {said[:200]}; write .gif or .html instead")
        return target.read_bytes()


def _ffmpeg(path: Path) -> str:
    """The program: on the PATH, or the one that PyPI's imageio-ffmpeg brings."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise InputError(
            f"{path}: .mp4 needs ffmpeg, which is not here; install it (or pip install "
            "imageio-ffmpeg), or write .gif or .html"
        ) from None


def _data_uri(payload: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(payload).decode('ascii')}"
