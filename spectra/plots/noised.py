"""One example on its way to noise, in the order that each schedule takes it apart."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.images import as_images, mosaic
from spectra.plots.style import Layout, finish, house_style, new_figure
from spectra.schedule import Schedule

__all__ = ["noised_at", "plot_noised"]

POINTS = 1025
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
    example = np.asarray(example, dtype=np.float64)
    if not schedules:
        raise InputError("schedules: none given")
    if not shares or not all(0 < share < 1 for share in shares):
        raise InputError(f"shares {list(shares)}: numbers between 0 and 1 are needed")
    wide = layout == "wide"
    used = list(shares) if wide or len(shares) < 3 else [shares[0], shares[-1]]
    rows, columns = len(schedules), 2 * len(used)
    height, width = example.shape[-2:] if example.ndim == 3 else (1, 1)
    tile = (8.6 if wide else 3.7) / columns
    figure = new_figure(layout, rows * (tile * min(height / width, 2.0) + 0.1) + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.get_layout_engine().set(h_pad=0.03, hspace=0.02)  # pyright: ignore
    for row, (name, schedule) in zip(panels, schedules.items(), strict=True):
        pictures = [noised_at(example, schedule, share, seed) for share in used]
        shown = [noised for noised, _ in pictures] + [estimate for _, estimate in pictures]
        for axes, picture in zip(row, shown, strict=True):
            axes.imshow(mosaic(as_images(_in_range(picture)[None]), 1), interpolation="none")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(textwrap.fill(name, 18 if wide else 12))
    for axes, share in zip(panels[0], used * 2, strict=True):
        axes.set_title(f"{share:.0%} left")
    panels[-1][0].set_xlabel("noised example", loc="left")
    panels[-1][len(used)].set_xlabel("best linear estimate", loc="left")
    return finish(figure, trim=True)


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
    if example.shape != schedule.shape or not np.isfinite(example).all():
        raise InputError(
            f"example of shape {example.shape}: finite values of {schedule.shape} are needed"
        )
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], POINTS)
    times = np.interp(clock, schedule.clock, schedule.t)
    left = schedule.information(times)
    wanted = left[-1] + share * (left[0] - left[-1])
    t = np.interp(-wanted, -left, times)[None]
    basis = schedule.make_basis()
    white = np.random.default_rng(seed).standard_normal(schedule.shape)
    noise = schedule.scale * np.asarray(basis.forward(white))
    alpha, sigma = schedule.alpha(t)[0], schedule.sigma(t)[0]
    z = alpha * np.asarray(basis.forward(example - schedule.mean)) + sigma * noise
    known = 1 / (1 + np.exp(-np.clip(schedule.log_snr(t)[0], -60, 60)))
    estimate = known / np.maximum(alpha, 1e-30) * z
    return tuple(np.real(basis.inverse(part)) + schedule.mean for part in (z, estimate))  # pyright: ignore


def _in_range(picture: np.ndarray) -> np.ndarray:
    """Scaled about 0 so that nearly all of it lies in [-1, 1], never brightened."""
    return np.clip(picture / max(1.0, float(np.percentile(np.abs(picture), BRIGHTEST))), -1, 1)
