"""What `spectra extend` does between its arguments and its printed result."""

from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import Source, reopen_source
from spectra.data.options import SOUND_VIEWS
from spectra.data.quiet import quiet_decoders
from spectra.errors import InputError, check_whole
from spectra.files import check_writable, is_same_file, npy_bytes, write_atomically
from spectra.sample_commands import class_numbers
from spectra.schedule import load_schedule

__all__ = ["AXES", "extend"]

AXES = {"columns": -1, "frames": -1, "samples": -1, "rows": -2}
SUFFIXES = (".png", ".npy", ".wav")


def extend(
    path: Path,
    name: str | None,
    out: Path,
    axis: str,
    options: dict[str, Any],
    schedule: Path | None = None,
    rate: int | None = None,
    labels: str | None = None,
) -> tuple[dict[str, Any], str]:
    """Draw longer examples; write the picture, the values, and of sound what can be heard."""
    from spectra.diffusion import load_run
    from spectra.diffusion.extend import extend as draw
    from spectra.plots.sheet import save_sheet

    stem = out.with_suffix("") if out.suffix in SUFFIXES else out
    if out.is_dir():
        raise InputError(f"{out}: is a folder; give a file, {out / 'extended.png'} say")
    if rate is not None and rate < 1:
        raise InputError(f"--rate {rate}: a number of samples a second is needed")
    check_whole("n", options["n"], low=1)
    if name and any(is_same_file(Path(name), Path(f"{stem}{end}")) for end in SUFFIXES):
        raise InputError(f"{name}: is the file to extend; choose another --out")
    check_writable(out.parent)
    run = load_run(path)
    view = run.schedule.data.get("view")
    heard = view in SOUND_VIEWS and AXES[axis] == -1
    if rate is not None and not heard:
        raise InputError(
            f"--rate {rate}: no sound is made of view {view} along {axis}; leave it out"
        )
    source = None if name is None else _opened(name, run.schedule.data, run.schedule.shape)
    known = None if source is None else _spread(source, options["n"])
    given = {
        "known": known,
        "schedule": None if schedule is None else load_schedule(schedule),
        "labels": None if labels is None else class_numbers(labels, run, options["n"]),
    }
    drawn = draw(run, axis=AXES[axis], **given, **options, progress=True)
    values, picture = Path(f"{stem}.npy"), Path(f"{stem}.png")
    write_atomically(values, npy_bytes(drawn))
    save_sheet(drawn, picture, view)
    written, note = [picture, values], ""
    if heard:
        rate = rate or _rate(source, run)
        if rate is None:
            note = "; no .wav: the run's data are not at hand, so give --rate"
        else:
            written += _write_sounds(drawn, str(view), rate, stem)
    numbers = {
        "png": str(picture),
        "npy": str(values),
        "wav": [str(one) for one in written[2:]],
        "n": len(drawn),
        "shape": list(drawn.shape[1:]),
        "trained": list(run.schedule.shape),
        "rate": rate,
    }
    return numbers, "wrote " + " and ".join(str(one) for one in written) + note


def _opened(name: str, view: dict[str, Any], shape: tuple[int, ...]) -> Source:
    """A source in the run's view."""
    source = reopen_source(name, view)
    if tuple(source.shape) != tuple(shape):
        raise InputError(
            f"{name}: examples of shape {tuple(source.shape)}, but the run draws {tuple(shape)}"
        )
    return source


def _spread(source: Source, n: int) -> np.ndarray:
    """n examples of a source, from as many files as it has; over again where there are fewer."""
    with quiet_decoders():
        found = source.some(n)
    return found[np.arange(n) % len(found)]


def _rate(source: Source | None, run: Any) -> int | None:
    """Samples a second of a run on sound; None where its data are gone and do not say."""
    if source is None and run.config.get("source"):
        try:
            source = reopen_source(run.config["source"], run.schedule.data)
        except InputError:
            source = None
    if source is None:
        return run.schedule.data.get("rate")
    return getattr(source.store, "rate", None)


def _write_sounds(drawn: np.ndarray, view: str, rate: int, stem: Path) -> list[Path]:
    """One .wav for each example."""
    from spectra.data.playback import sound_of, wav_bytes

    written = []
    digits = max(2, len(str(len(drawn) - 1)))
    for number, example in enumerate(drawn):
        samples = sound_of(example[None], view, drawn.shape[-2], rate)[0]
        target = Path(f"{stem}-{number:0{digits}d}.wav")
        write_atomically(target, wav_bytes(samples, rate))
        written.append(target)
    return written
