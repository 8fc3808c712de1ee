"""What `spectra sample` does between its arguments and its printed result."""

from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import reopen_source
from spectra.errors import InputError, check_whole
from spectra.files import check_writable, is_same_file, npy_bytes, write_atomically
from spectra.schedule import load_schedule
from spectra.schedule.steps.denoising import load_denoising_error
from spectra.schedule.steps.grids import grid_criterion

__all__ = ["class_numbers", "sample"]

SIDES = {"left": (-1, False), "right": (-1, True), "top": (-2, False), "bottom": (-2, True)}


def sample(
    path: Path,
    out: Path,
    options: dict[str, Any],
    error: Path | None = None,
    schedule: Path | None = None,
    known: str | None = None,
    mask: str | None = None,
    labels: str | None = None,
) -> tuple[dict[str, Any], str]:
    """Draw samples; write the grid as PNG and the values as .npy."""
    from spectra.diffusion import load_run
    from spectra.diffusion import sample as draw
    from spectra.diffusion.solvers import evaluations
    from spectra.plots.sheet import save_sheet

    stem = out.with_suffix("") if out.suffix in (".png", ".npy") else out
    if out.is_dir():
        raise InputError(f"{out}: is a folder; give a file, {out / 'samples.png'} say")
    picture, values = Path(f"{stem}.png"), Path(f"{stem}.npy")
    check_whole("n", options["n"], low=1)
    for option, given in (("--known", known), ("--mask", mask)):
        if given and any(is_same_file(Path(given), target) for target in (picture, values)):
            raise InputError(f"{given}: is what {option} reads; choose another --out")
    check_writable(out.parent)
    run = load_run(path)
    shape = tuple(run.schedule.shape)
    given = {
        "error": None if error is None else load_denoising_error(error),
        "schedule": None if schedule is None else load_schedule(schedule),
        "known": None if known is None else _known(known, run, options["n"]),
        "mask": None if mask is None else _mask(mask, shape),
        "labels": None if labels is None else class_numbers(labels, run, options["n"]),
    }
    drawn = draw(run, **options, **given, progress=True)
    write_atomically(values, npy_bytes(drawn))
    save_sheet(drawn, picture, run.schedule.data.get("view"))
    numbers = {
        "png": str(picture),
        "npy": str(values),
        "n": options["n"],
        "shape": list(drawn.shape[1:]),
        "evaluations": evaluations(options["steps"], options["solver"]),
        "rule": options["rule"],
        "criterion": grid_criterion(options["rule"], options["criterion"]),
    }
    return numbers, f"wrote {picture} and {values}"


def _known(name: str, run: Any, n: int) -> np.ndarray:
    """The first examples of a source in the run's view, over again where there are fewer."""
    source = reopen_source(name, run.schedule.data)
    if tuple(source.shape) != tuple(run.schedule.shape):
        raise InputError(
            f"--known {name}: examples of shape {tuple(source.shape)}, but {run.path} draws "
            f"{tuple(run.schedule.shape)}"
        )
    return source.examples(np.arange(n) % len(source))


def _mask(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """SIDE:SHARE, or a file: a picture that is bright where known, or an array."""
    side, colon, share = text.partition(":")
    if colon and side in SIDES and not Path(text).exists():
        axis, end = SIDES[side]
        if len(shape) - 1 < -axis:
            raise InputError(f"--mask {text}: examples of shape {shape} have no {side}")
        try:
            kept = float(share)
        except ValueError:
            kept = -1.0
        if not 0 < kept < 1:
            raise InputError(f"--mask {text}: give a share between 0 and 1, {side}:0.5 say")
        count = round(kept * shape[axis])
        if not 0 < count < shape[axis]:
            kind = "all" if count else "none"
            raise InputError(f"--mask {text}: keeps {kind} of {shape[axis]} places; give another")
        along = np.arange(shape[axis]) < count
        if end:
            along = along[::-1]
        return np.broadcast_to(along if axis == -1 else along[:, None], shape[1:])
    path = Path(text)
    if not path.is_file():
        words = ", ".join(f"{word}:0.5" for word in SIDES)
        raise InputError(f"--mask {text}: no such file; give one, or {words}")
    try:
        if path.suffix == ".npy":
            places = np.load(path, allow_pickle=False)
            if places.dtype.kind not in "biuf" or np.isnan(places).any():
                raise ValueError("numbers above 0 where known are needed")
            return places > 0
        from PIL import Image

        with Image.open(path) as picture:
            return np.asarray(picture.convert("L")) > 127
    except (OSError, ValueError) as error:
        raise InputError(f"--mask {text}: cannot be read as a picture or .npy ({error})") from None


def class_numbers(text: str, run: Any, n: int) -> list[int]:
    """Class names or numbers with commas between them, in turn for n samples."""
    names = run.config.get("classes") or []
    found = []
    for word in text.split(","):
        name = word.strip()
        if name in names:
            found.append(names.index(name))
        elif name.isdecimal() and len(name) < 9:
            found.append(int(name))
        else:
            known = ", ".join(names[:20]) or "none"
            raise InputError(f"--labels {name!r}: no class of this run; it knows {known}")
    return np.resize(found, n).tolist()
