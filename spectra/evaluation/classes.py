"""Classes of what a run is scored on: the network is told them, as it was in training."""

import numpy as np
import torch

from spectra.data import Source
from spectra.diffusion import Run
from spectra.diffusion.batches import class_of
from spectra.diffusion.likelihood import Denoise
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.randomness import GOLDEN

__all__ = ["classes_of", "spread_classes", "told"]


def classes_of(run: Run, source: Source, index: np.ndarray) -> np.ndarray | None:
    """Classes of examples [N] of a source by the run's own numbers, int64 [N].

    None where the run knows no classes, or not all of the source's.
    """
    number = {name: k for k, name in enumerate(run.config.get("classes") or [])}
    names = [class_of(file) for file in source.files]
    if not number.keys() >= set(names):
        return None
    return np.array([number[name] for name in names])[source.file_index[index]]


def spread_classes(classes: np.ndarray | None, n: int) -> list[int] | None:
    """n classes as frequent as among those given, evenly mixed; the first do not depend on n."""
    if classes is None:
        return None
    place = np.arange(n) * GOLDEN % 1.0
    return classes[(place * len(classes)).astype(int)].tolist()


def told(denoiser: Denoiser, classes: np.ndarray | None) -> Denoise:
    """z_hat(z(t), t) of a batch of examples of these classes [B], which may come repeated."""
    if classes is None:
        return denoiser
    label = torch.as_tensor(classes, device=denoiser.process.variance.device)

    def denoise(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        # The flow's divergence asks for many directions at once, each in every example.
        return denoiser(noised, t, label.repeat(len(noised) // len(label)))

    return denoise
