"""One example on its way to noise, in the order that each schedule takes it apart."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.animation import INTERVAL_MS, Moving
from spectra.plots.images import as_images, mosaic, show_picture
from spectra.plots.labels import as_label
from spectra.plots.style import Layout, finish, house_style, new_figure
from spectra.schedule import Schedule

__all__ = ["animate_noised", "noised_at", "plot_noised"]

POINTS = 1025
MOST_COLUMNS = 5
BRIGHTEST = 99.0  # percentile of the values that is shown as white


@house_style()
def plot_noised(
    example: np.ndarray,
    schedules: Mapping[str, Schedule],
    *,
    shares: Sequence[float] = (0.5, 0.25, 0.1),
    seed: int = 0,
    layout: Layout = "wide",
) -> Figure:
    """An example noised along several schedules until equal information is left, a row each.

    To the left what a network sees, alpha z + sigma eps in the schedule's components, scaled to
    what the eye can tell; to the right the best linear estimate from it: what is still known.

    Parameters
    ----------
    example
        [C, H, W], values in [-1, 1].
    schedules
        Name -> schedule of its data set.
    shares
        Of the nats known at t = 0 (of Gaussian data of this spectrum), that are left.
    seed
        Of the noise, the same white noise for all.
    layout
        "wide", or "narrow" (then only the first and the last share).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No schedule or share, shares outside (0, 1), or an example of another shape.
    """
    example = _picture(example)
    if not schedules:
        raise InputError("schedules: none given")
    if not shares or not all(0 < share < 1 for share in shares):
        raise InputError(f"shares {list(shares)}: numbers between 0 and 1 are needed")
    wide = layout == "wide"
    used = list(shares) if wide or len(shares) < 3 else [shares[0], shares[-1]]
    rows, columns = len(schedules), 2 * len(used)
    height, width = example.shape[-2:]
    tile = (8.6 if wide else 3.7) / columns
    figure = new_figure(layout, rows * (tile * min(height / width, 2.0) + 0.1) + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.get_layout_engine().set(h_pad=0.03, hspace=0.02)  # pyright: ignore
    for row, (name, schedule) in zip(panels, schedules.items(), strict=True):
        pictures = [noised_at(example, schedule, share, seed) for share in used]
        shown = [noised for noised, _ in pictures] + [estimate for _, estimate in pictures]
        for axes, picture in zip(row, shown, strict=True):
            show_picture(axes, _pixels(picture), "")
        row[0].set_ylabel(as_label(name, 18 if wide else 12))
    for axes, share in zip(panels[0], used * 2, strict=True):
        axes.set_title(f"{share:.0%} left")
    panels[-1][0].set_xlabel("noised example", loc="left")
    panels[-1][len(used)].set_xlabel("best linear estimate", loc="left")
    return finish(figure, trim=True)


@house_style()
def animate_noised(
    example: np.ndarray,
    schedules: Mapping[str, Schedule],
    *,
    frames: int = 32,
    seed: int = 0,
    layout: Layout = "wide",
) -> FuncAnimation:
    """The same example taken apart by several schedules, all losing the same nats at a time.

    Above what a network sees, below the best linear estimate from it, as in `plot_noised`.

    Parameters
    ----------
    example
        [C, H, W], values in [-1, 1].
    schedules
        Name -> schedule, from 1 to 5; a column each.
    frames
        From all nats left to none; more of them where little is left.
    seed
        Of the noise, the same white noise in every frame.
    layout
        "wide" or "narrow" (then two schedules at most are readable).

    Returns
    -------
    FuncAnimation

    Raises
    ------
    InputError
        No schedule or too many, fewer than two frames, or an example of another shape.
    """
    example = _picture(example)
    if not 0 < len(schedules) <= MOST_COLUMNS:
        raise InputError(
            f"schedules: from 1 to {MOST_COLUMNS} move side by side, not {len(schedules)}"
        )
    if frames < 2:
        raise InputError(f"frames {frames}: two or more are needed")
    shares = np.linspace(0.999, 0, frames) ** 2
    shown = {}
    for name, schedule in schedules.items():
        times = _times_at(schedule, shares)
        shown[name] = [(t, *_noised(example, schedule, t, seed)) for t in times]
    columns = len(schedules)
    tile = (8.6 if layout == "wide" else 3.7) / columns
    height, width = example.shape[-2:]
    figure = new_figure(layout, 2 * tile * min(height / width, 2.0) + 1.3)
    panels = figure.subplots(2, columns, squeeze=False)
    drawn = []
    for column, (name, pictures) in zip(panels.T, shown.items(), strict=True):
        title = column[0].set_title(f"{as_label(name)}\nt = 0.00, 100% left")
        images = [show_picture(axes, _pixels(pictures[0][1]), "") for axes in column]
        drawn.append((name, title, images, pictures))
    panels[0][0].set_ylabel("noised")
    panels[1][0].set_ylabel("best linear estimate")
    finish(figure, trim=True)

    def draw(frame: int) -> Sequence[object]:
        for name, title, images, pictures in drawn:
            t, *both = pictures[frame]
            for image, picture in zip(images, both, strict=True):
                image.set_data(_pixels(picture))
            title.set_text(f"{as_label(name)}\nt = {t:.2f}, {shares[frame]:.0%} left")
        return []

    draw(0)
    return Moving(figure, draw, frames=frames, interval=INTERVAL_MS, blit=False)  # pyright: ignore


def noised_at(
    example: np.ndarray, schedule: Schedule, share: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The noised example and its Wiener estimate where a share of the nats is left.

    Returns
    -------
    noised, estimate : float64 [C, *spatial]
        In data values.

    Raises
    ------
    InputError
        An example of another shape than the schedule's, or values that are not finite.
    """
    (t,) = _times_at(schedule, np.array([share]))
    return _noised(example, schedule, t, seed)


def _noised(
    example: np.ndarray, schedule: Schedule, time: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The noised example and its Wiener estimate at a time."""
    from scipy.special import expit

    if example.shape != schedule.shape or not np.isfinite(example).all():
        raise InputError(
            f"example of shape {example.shape}: finite values of {schedule.shape} are needed"
        )
    t = np.array([time])
    basis = schedule.make_basis()
    white = np.random.default_rng(seed).standard_normal(schedule.shape)
    noise = schedule.scale * np.asarray(basis.forward(white))
    alpha, sigma = schedule.alpha(t)[0], schedule.sigma(t)[0]
    z = alpha * np.asarray(basis.forward(example - schedule.mean)) + sigma * noise
    known = expit(schedule.log_snr(t)[0])
    estimate = known / np.maximum(alpha, 1e-30) * z
    return tuple(np.real(basis.inverse(part)) + schedule.mean for part in (z, estimate))  # pyright: ignore


def _picture(example: np.ndarray) -> np.ndarray:
    """float64 [C, H, W]; a series is no picture."""
    example = np.asarray(example, dtype=np.float64)
    if example.ndim != 3:
        raise InputError(f"example of shape {example.shape}: a picture [C, H, W] is needed")
    return example


def _times_at(schedule: Schedule, shares: np.ndarray) -> np.ndarray:
    """When these shares of the nats that are lost between t = 0 and t = 1 are left, [S]."""
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], POINTS)
    times = np.interp(clock, schedule.clock, schedule.t)
    left = schedule.information(times)
    return np.interp(-(left[-1] + shares * (left[0] - left[-1])), -left, times)


def _pixels(picture: np.ndarray) -> np.ndarray:
    """[C, H, W] -> what imshow takes."""
    return mosaic(as_images(_in_range(picture)[None]), 1)


def _in_range(picture: np.ndarray) -> np.ndarray:
    """Scaled about 0 so that nearly all of it lies in [-1, 1], never brightened."""
    return np.clip(picture / max(1.0, float(np.percentile(np.abs(picture), BRIGHTEST))), -1, 1)
