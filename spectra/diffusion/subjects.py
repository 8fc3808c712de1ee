"""What can be measured: a denoiser of white noise, or a run along its own schedule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from spectra.bases import Basis, make_basis, pca
from spectra.data import Source
from spectra.diffusion.parameterisation import VpDenoiser, vp_denoiser
from spectra.diffusion.run import Run
from spectra.errors import InputError
from spectra.spectrum import Spectrum

__all__ = ["RunSubject", "Subject", "data_subject"]

LEVELS = 16
# The default levels begin this far below the weakest component and end this far above the
# strongest, where nothing is left to denoise.
MARGIN = 8.0
QUIET = 0.01  # quantile of the components' standard deviations that counts as weakest

# (x + sigma eps [B, C, *spatial], sigma [B]) -> estimate of x
DataDenoiser = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Subject(Protocol):
    """A denoiser in the components that its error is measured in."""

    @property
    def name(self) -> str: ...

    @property
    def basis(self) -> Basis: ...

    @property
    def tilt(self) -> np.ndarray:
        """Noise of each component at sigma = 1, [C, *spatial]."""
        ...

    @property
    def components(self) -> np.ndarray | None:
        """Rows of basis "pca", [D, D]."""
        ...

    def allowed(self, wanted: np.ndarray | None, variance: np.ndarray) -> np.ndarray:
        """The noise levels to measure at."""
        ...

    def denoise(self, x: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
        """z_hat - z in the basis, [B, C, *spatial], from examples and noise in the basis."""
        ...


@dataclass(frozen=True, eq=False)
class DataSubject:
    """A denoiser of white noise in data space."""

    name: str
    basis: Basis
    tilt: np.ndarray
    components: np.ndarray | None
    model: DataDenoiser

    def allowed(self, wanted: np.ndarray | None, variance: np.ndarray) -> np.ndarray:
        levels = _default_levels(variance) if wanted is None else _checked(wanted)
        if not isinstance(self.model, VpDenoiser):
            return levels
        table = self.model.sigmas
        if wanted is None:
            levels = np.geomspace(max(levels[0], table[0]), min(levels[-1], table[-1]), LEVELS)
        elif levels[0] < table[0] * 0.99 or levels[-1] > table[-1] * 1.01:
            raise InputError(
                f"sigmas from {levels[0]:.3g} to {levels[-1]:.3g}: the model's timesteps reach "
                f"from {table[0]:.3g} to {table[-1]:.3g}"
            )
        nearest = np.abs(np.log(table)[None] - np.log(levels)[:, None]).argmin(axis=1)
        return table[np.unique(nearest)]

    @torch.no_grad()
    def denoise(self, x: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
        noised = x + sigma * self.basis.inverse(noise)
        found = self.model(noised, torch.full((len(x),), sigma, device=x.device))
        if tuple(found.shape) != tuple(x.shape):
            raise InputError(
                f"{self.name}: answers with {tuple(found.shape)} to {tuple(x.shape)}; an estimate "
                "of each example is needed"
            )
        return self.basis.forward(found.to(x.dtype) - x)


class RunSubject:
    """A trained run along its own schedule: component i has noise sigma tilt_i."""

    components: np.ndarray | None

    def __init__(
        self,
        run: Run,
        basis: str | None,
        source: Source,
        device: str,
        spectrum: Spectrum | None = None,
    ) -> None:
        schedule = run.schedule
        if tuple(source.shape) != tuple(schedule.shape):
            raise InputError(
                f"{source.name}: examples of shape {tuple(source.shape)}, but {run.path} was "
                f"trained on {tuple(schedule.shape)}; measure it on data of its own shape"
            )
        if not schedule.separable:
            raise InputError(
                f"{run.path}: in its schedule the components do not share one pace (limits or "
                "blur), so its error is no function of their own noise; measure another run"
            )
        # sigma_i^2 = lambda_i / SNR_i = lambda_i exp(pace - offset_i)
        tilt = np.sqrt(schedule.variance * np.exp(-schedule.offset))
        white = np.allclose(tilt, tilt.flat[0], rtol=1e-6)
        if not white and basis not in (None, schedule.basis):
            raise InputError(
                f"basis {basis!r}: the noise of {run.path} differs between the components of its "
                f"own basis, {schedule.basis}, and is measured there; leave basis out"
            )
        self.name, self.schedule = str(run.path), schedule
        self.denoiser = run.denoiser(device)
        own = schedule.make_basis()
        # White noise is white in every basis; other noise belongs to the run's own.
        self.basis, self.components = own, schedule.components
        if white and not (basis == schedule.basis == "pca" and spectrum is None):
            self.basis, self.components = _made_basis(basis, schedule.shape, spectrum)
        self.knows_variance = self.basis.name == schedule.basis and (
            self.basis is own or basis != "pca"  # principal components of other data are others
        )
        self.unit = float(tilt.flat[0]) if white else 1.0
        self.tilt = np.ones(schedule.shape) if white else tilt
        self._tilt = torch.tensor(tilt, dtype=torch.float32, device=device)

    def allowed(self, wanted: np.ndarray | None, variance: np.ndarray) -> np.ndarray:
        low, high = (self.unit * np.exp(self.schedule.pace[[0, -1]] / 2)).tolist()
        if wanted is None:
            return np.geomspace(low, high, LEVELS)
        levels = _checked(wanted)
        if levels[0] < low * 0.999 or levels[-1] > high * 1.001:
            raise InputError(
                f"sigmas from {levels[0]:.3g} to {levels[-1]:.3g}: {self.name} was trained from "
                f"{low:.3g} to {high:.3g}"
            )
        return levels

    @torch.no_grad()
    def denoise(self, x: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
        process, base = self.denoiser.process, sigma / self.unit
        time = float(self.schedule.time_at(np.array([2 * np.log(base)]))[0])
        t = torch.full((len(x),), time, dtype=torch.float64, device=x.device)
        z = process.components(x)
        # The noise is drawn in the basis of the measurement, which need not be the run's.
        own = process.basis.forward(self.basis.inverse(noise))
        alpha, _ = process.alpha_sigma(t)
        found = self.denoiser(alpha * (z + base * self._tilt * own), t)
        return self.basis.forward(process.basis.inverse(found - z))


def data_subject(
    model: Any,
    basis: str | None,
    source: Source,
    device: str,
    parameterisation: Any,
    spectrum: Spectrum | None,
) -> DataSubject:
    """A callable or a network as a denoiser in data space."""
    if not callable(model):
        raise InputError(
            f"model {type(model).__name__}: a trained run, or a callable D(x + sigma eps, sigma)"
        )
    name = getattr(model, "__name__", type(model).__name__)
    if isinstance(model, torch.nn.Module):
        model = model.to(device).eval()
    denoiser: Any = model if parameterisation is None else vp_denoiser(model, parameterisation)
    shape = tuple(source.shape)
    made, components = _made_basis(basis, shape, spectrum)
    return DataSubject(name, made, np.ones(shape), components, denoiser)


def _made_basis(
    basis: str | None, shape: tuple[int, ...], spectrum: Spectrum | None
) -> tuple[Basis, np.ndarray | None]:
    """A basis by name, dct if none is named, and its rows where it is the data's own."""
    if basis != "pca":
        return make_basis(basis or "dct", shape), None
    if spectrum is None or spectrum.scatter is None:
        raise InputError("basis 'pca' needs spectrum=, analyzed with bases including 'pca'")
    if tuple(spectrum.shape) != tuple(shape):
        raise InputError(
            f"spectrum of shape {tuple(spectrum.shape)}, but the examples have {tuple(shape)}; "
            "analyze this source"
        )
    measured = pca(spectrum.scatter, shape)
    if not measured.complete:
        raise InputError("basis 'pca': the spectrum knows the largest components only; choose dct")
    return measured, measured.components


def _default_levels(variance: np.ndarray) -> np.ndarray:
    """From below the weakest component to above the strongest, [16]."""
    root = np.sqrt(variance[variance > 0])
    if not len(root):
        raise InputError("the examples are all alike; give sigmas=")
    return np.geomspace(np.quantile(root, QUIET) / MARGIN, root.max() * MARGIN, LEVELS)


def _checked(sigmas: np.ndarray) -> np.ndarray:
    try:
        levels = np.asarray(sigmas, float)
    except (TypeError, ValueError):
        levels = np.zeros(0)
    rises = levels.ndim == 1 and len(levels) > 0 and bool((np.diff(levels) > 0).all())
    if not rises or not np.isfinite(levels).all() or levels[0] <= 0:
        raise InputError("sigmas: noise levels above 0 that rise are needed")
    return levels
