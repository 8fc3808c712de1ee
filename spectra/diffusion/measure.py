"""How well a trained denoiser denoises: its error in every component at every noise level."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch

from spectra.data import Source, reopen_source, spread_examples
from spectra.diffusion.chosen import Device, chosen_device
from spectra.diffusion.randomness import SCORING, normal
from spectra.diffusion.run import Run
from spectra.diffusion.subjects import RunSubject, Subject, data_subject
from spectra.errors import InputError, check_whole
from spectra.schedule.steps.denoising import DenoisingError
from spectra.spectrum import Spectrum

__all__ = ["measure_denoiser"]

SCARCE = 2  # examples: fewer have no variance


def measure_denoiser(
    model: Any,
    source: Any,
    *,
    basis: str | None = None,
    sigmas: np.ndarray | None = None,
    n: int = 256,
    batch: int = 32,
    seed: int = 0,
    device: Device = "auto",
    parameterisation: Any = None,
    spectrum: Spectrum | None = None,
    name: str | None = None,
) -> DenoisingError:
    """Measure E (z_hat_i - z_i)^2 of a denoiser, per component and noise level.

    Parameters
    ----------
    model
        A trained `Run`, which is told no class; or any D(x + sigma eps [B, C, *spatial],
        sigma [B]) -> estimate of x, in data values; or, with `parameterisation`, a network
        F(scaled input, timestep [B]) such as a diffusers UNet2DModel.
    source
        A Source, or anything `open_source` takes (opened in the run's or the spectrum's own view),
        of files that the model was not trained on. Of a run's own source the files that were
        held out are taken.
    basis : str, optional
        Of the components; by default dct. A run on a component-wise schedule is measured in its
        own, and in no other; "pca" needs `spectrum`, but for a run that has principal components
        of its own.
    sigmas : [L], optional
        Noise levels in data units; by default 16 from below the weakest component to above the
        strongest. Levels that the model was not made for are refused; those of a table of
        timesteps are moved to the nearest in it.
    n : int
        Examples at most, spread evenly over the files.
    batch : int
    seed : int
        Of the noise; what an example gets depends on (seed, level, its number) alone.
    device : {"auto", "cpu", "cuda"}
        Where a callable expects its input; a network with parameters is moved there.
    parameterisation : optional
        What a network's output means: a diffusers scheduler (its `alphas_cumprod` and
        `config.prediction_type` are read), or (alphas_cumprod [T], prediction_type) with
        prediction_type one of epsilon, v_prediction, sample.
    spectrum : Spectrum, optional
        Of the data, for their variance; by default that of the examples measured on. In its
        own basis a run has it from its schedule.
    name : str, optional

    Returns
    -------
    DenoisingError
        With its standard error between files.

    Raises
    ------
    InputError
        Fewer than two examples, another shape than the model's, levels outside its range,
        another basis than a component-wise run's, or estimates that are not finite.

    Notes
    -----
    Every example is given noise of either sign. Most of what is left of the scatter is that of
    eps^2, which the Wiener filter's own error W^2 sigma^2 eps^2 follows; its mean is known, so it
    is the control variate (one coefficient a level, by regression between files).

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> run = spectra.train("digits", schedule, out="run", steps=20)
    >>> error = spectra.measure_denoiser(run, "digits", n=32)
    >>> error.error.shape
    (16, 1, 8, 8)
    >>> shrink = lambda x, sigma: x / (1 + sigma[:, None, None, None] ** 2)
    >>> spectra.measure_denoiser(shrink, "digits", n=32, sigmas=[0.1, 1.0]).per_level().shape
    (2,)
    """
    check_whole("n", n, low=SCARCE)
    check_whole("batch", batch, low=1)
    check_whole("seed", seed)
    device = chosen_device(device)
    held = model.schedule.data if isinstance(model, Run) else spectrum.data if spectrum else {}
    opened = reopen_source(source, held)
    if isinstance(model, Run):
        share = model.config["held_out"]
        if share > 0 and opened.fingerprint == model.config.get("fingerprint"):
            opened = opened.split(share)[1]
        subject: Subject = RunSubject(model, basis, opened, device, spectrum)
    else:
        subject = data_subject(model, basis, opened, device, parameterisation, spectrum)
    chosen = spread_examples(opened, n)
    if len(chosen) < SCARCE:
        raise InputError(f"{opened.name}: {len(chosen)} example is too few to measure on; give 2")
    variance = _variance(subject, opened, chosen, batch, spectrum)
    levels = subject.allowed(sigmas, variance)
    files = opened.file_index[chosen]
    tally = _Tally(len(levels), opened.shape, {int(f): int((files == f).sum()) for f in set(files)})
    for start in range(0, len(chosen), batch):
        at = slice(start, start + batch)
        x = torch.from_numpy(opened.examples(chosen[at])).to(device)
        for level, sigma in enumerate(levels.tolist()):
            drawn = normal(SCORING, seed, level, chosen[at], opened.shape)
            noise = drawn.to(device)
            both = [subject.denoise(x, sign * noise, sigma) for sign in (1, -1)]
            squared = (both[0].double() ** 2 + both[1].double() ** 2) / 2
            control = drawn.double().numpy() ** 2 - 1
            tally.add(level, squared.cpu().numpy(), control, files[at])
    noise_level = levels.reshape(-1, *[1] * len(opened.shape)) * subject.tilt
    error, standard = tally.result((variance / (variance + noise_level**2)) ** 2 * noise_level**2)
    if not np.isfinite(error).all():
        raise InputError(
            f"{subject.name}: its estimates are not finite; check the parameterisation and sigmas"
        )
    return DenoisingError(
        name=name or subject.name,
        basis=subject.basis.name,
        shape=tuple(opened.shape),
        sigma=levels,
        error=error,
        variance=variance,
        n=len(chosen),
        files=len(tally.sizes),
        tilt=subject.tilt,
        standard_error=standard,
        components=subject.components,
        data=opened.settings,
        fingerprint=opened.fingerprint,
        quantum=model.schedule.quantum if isinstance(model, Run) else opened.quantum,
    )


@dataclass(eq=False)
class _Tally:
    """Sums over files of each file's mean error and mean control, and of their products.

    The examples of a file come one after another.
    """

    levels: int
    shape: tuple[int, ...]
    sizes: dict[int, int]
    running: dict[int, tuple[int, np.ndarray, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = np.zeros((5, self.levels, *self.shape))

    def add(self, level: int, error: np.ndarray, control: np.ndarray, files: np.ndarray) -> None:
        """Some examples' squared errors and eps^2 - 1, [B, *shape], and their files [B]."""
        for file in dict.fromkeys(files.tolist()):
            mine = files == file
            one = error[mine].sum(axis=0) / self.sizes[file]
            other = control[mine].sum(axis=0) / self.sizes[file]
            known, e, c = self.running.get(level, (file, 0.0, 0.0))
            if known != file:
                self._close(level)
                e, c = 0.0, 0.0
            self.running[level] = (file, e + one, c + other)

    def _close(self, level: int) -> None:
        _, e, c = self.running.pop(level)
        self.sums[:, level] += np.stack([e, c, e * e, e * c, c * c])

    def result(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean error and its standard error, [L, *shape]; `share` times eps^2 is the control."""
        for level in list(self.running):
            self._close(level)
        count = len(self.sizes)
        e, c = self.sums[:2] / count
        ee, ec, cc = self.sums[2:] / count - np.stack([e * e, e * c, c * c])
        axes = tuple(range(1, e.ndim))
        above = (share * ec).sum(axes, keepdims=True)
        below = (share**2 * cc).sum(axes, keepdims=True)
        slope = share * np.clip(above / np.where(below > 0, below, 1.0), 0, 1)
        spread = np.maximum(ee - 2 * slope * ec + slope**2 * cc, 0)
        if count < 2:
            return e, np.full_like(e, np.nan)
        return np.maximum(e - slope * c, 0), np.sqrt(spread / (count - 1))


def _variance(
    subject: Subject, source: Source, chosen: np.ndarray, batch: int, spectrum: Spectrum | None
) -> np.ndarray:
    """lambda_i of the data: the run's, the spectrum's, or that of the examples measured on."""
    if isinstance(subject, RunSubject) and subject.knows_variance:
        if spectrum is not None:
            raise InputError(
                f"spectrum: in basis {subject.basis.name} {subject.name} has its data's variance "
                "from its schedule; leave it out, or choose another basis"
            )
        return subject.schedule.variance
    if spectrum is not None:
        if tuple(spectrum.shape) != tuple(source.shape):
            raise InputError(
                f"spectrum of shape {tuple(spectrum.shape)}, but {source.name} has "
                f"{tuple(source.shape)}; analyze this source"
            )
        return spectrum.component_variance(subject.basis.name).reshape(source.shape)
    total, square = np.zeros((2, *source.shape))
    for start in range(0, len(chosen), batch):
        x = source.examples(chosen[start : start + batch]).astype(np.float64)
        z = cast(np.ndarray, subject.basis.forward(x))
        total, square = total + z.sum(axis=0), square + (z**2).sum(axis=0)
    count = len(chosen)
    return np.maximum(square - total**2 / count, 0) / (count - 1)
