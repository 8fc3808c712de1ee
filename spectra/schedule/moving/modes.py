"""Which component of one shape is which of another: equal cycles per image, or per pixel."""

from typing import Literal, get_args

import numpy as np

from spectra.bases import make_basis
from spectra.bases.dct import dct_matrix
from spectra.errors import InputError, check_name

__all__ = [
    "Filter",
    "Relation",
    "box_response",
    "box_transfer",
    "carried",
    "check_relation",
    "check_rings",
    "cycles_per_image",
    "frequency_as_in",
    "samples_ratio",
    "side_ratio",
]

# What the two shapes have in common: the content of an image, sampled more or less finely; the
# sampling, of a larger or smaller field; or no more than the number of components.
Relation = Literal["resolution", "extension", "data"]
Filter = Literal["none", "box"]
ALIKE = 1.03  # between the scales of two axes: halves of odd sizes are rounded


def check_relation(relation: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Refuse shapes that are not so related.

    Raises
    ------
    InputError
    """
    check_name("relation", relation, get_args(Relation))
    if len(a) != len(b):
        raise InputError(
            f"shapes {a} and {b}: one has {len(a) - 1} spatial axes, the other {len(b) - 1}; "
            "schedules move between shapes of as many"
        )
    if relation == "data" and a[1:] != b[1:]:
        raise InputError(
            f"shapes {a} and {b}: relation 'data' is for equal sizes; choose 'resolution' (the "
            "same content, other sampling) or 'extension' (the same sampling, another field)"
        )


def check_rings(a: tuple[int, ...], b: tuple[int, ...], relation: Relation) -> None:
    """Refuse shapes whose rings hold other modes: circles of one are ellipses of the other.

    Raises
    ------
    InputError
    """
    ratios = [n / m for m, n in _axes(a, b)]
    if relation == "resolution" and max(ratios) > ALIKE * min(ratios):
        raise InputError(
            f"shapes {a} and {b}: their rings hold other modes, as the axes are not scaled "
            "alike; use basis dct or fourier"
        )


def samples_ratio(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Samples a channel of b over those of a."""
    return float(np.prod(b[1:]) / np.prod(a[1:]))


def cycles_per_image(basis: str, shape: tuple[int, ...]) -> np.ndarray:
    """Radial frequency of each component in cycles over the whole axis, [C, *spatial]."""
    if basis == "fourier":
        axes = [np.fft.fftfreq(n) * n for n in shape[1:]]
    elif basis == "dct":
        axes = [np.arange(n) / 2 for n in shape[1:]]
    else:
        return make_basis(basis, shape).frequency * min(shape[1:])
    grids = np.meshgrid(*axes, indexing="ij")
    return np.broadcast_to(np.sqrt(sum(grid**2 for grid in grids)), shape).copy()


def frequency_as_in(
    basis: str, a: tuple[int, ...], b: tuple[int, ...], relation: Relation
) -> np.ndarray:
    """Frequency of the components of shape b in cycles/pixel of the data of shape a, [C, *n]."""
    if relation != "resolution" or basis not in ("dct", "fourier"):
        return make_basis(basis, b).frequency * side_ratio(a, b, relation)
    rows = [np.fft.fftfreq(n) * n if basis == "fourier" else np.arange(n) / 2 for n in b[1:]]
    axes = [row / m for row, m in zip(rows, a[1:], strict=True)]
    grids = np.meshgrid(*axes, indexing="ij")
    return np.broadcast_to(np.sqrt(sum(grid**2 for grid in grids)), b).copy()


def side_ratio(a: tuple[int, ...], b: tuple[int, ...], relation: Relation) -> float:
    """Samples of b along an axis over those of a, for the same content; geometric mean."""
    if relation != "resolution":
        return 1.0
    return samples_ratio(a, b) ** (1 / (len(a) - 1))


def carried(
    values: np.ndarray, basis: str, shape: tuple[int, ...], relation: Relation
) -> np.ndarray:
    """Values of every component at the same components of another shape; NaN where there is none.

    Parameters
    ----------
    values : float64 [C, *spatial]
    basis : str
        "dct" and "fourier" know their frequencies, a wavelet its levels (where the size doubles),
        pixels their places.
    shape : tuple of int
        (C, *spatial) to carry to, of as many channels.
    relation : {"resolution", "extension", "data"}

    Raises
    ------
    InputError
        The basis has no components in common at the two shapes.
    """
    if values.shape == shape:
        return values.copy()
    if basis == "pixel" and relation == "resolution":
        places = [(np.arange(n) + 0.5) / n * m - 0.5 for m, n in _axes(values.shape, shape)]
        return _interpolated(values, places)
    if basis == "dct" and relation == "extension":
        # row k of m points has k / (2 m) cycles/pixel
        return _interpolated(values, [np.arange(n) * m / n for m, n in _axes(values.shape, shape)])
    if basis == "fourier" and relation == "extension":
        return _fourier_extended(values, shape)
    if basis == "dct" and relation == "resolution":
        return _placed(values, shape, [np.arange(min(m, n)) for m, n in _axes(values.shape, shape)])
    if basis == "fourier" and relation == "resolution":
        half = [(min(m, n) - 1) // 2 for m, n in _axes(values.shape, shape)]
        return _placed(values, shape, [np.arange(-h, h + 1) for h in half])
    if basis.startswith("wavelet") and relation == "resolution":
        ratios = {max(m, n) / min(m, n) for m, n in _axes(values.shape, shape)}
        ratio = ratios.pop()
        if not ratios and np.log2(ratio).is_integer():
            corner = [np.arange(min(m, n)) for m, n in _axes(values.shape, shape)]
            return _placed(values, shape, corner)
        raise InputError(
            f"shapes {values.shape} and {shape}: the levels of basis {basis!r} are in common only "
            "where every axis is doubled or halved alike; choose basis dct"
        )
    raise InputError(
        f"basis {basis!r}: its components at {values.shape} and at {shape} have nothing in common "
        f"(relation {relation!r}); choose basis dct"
    )


def _axes(a: tuple[int, ...], b: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(zip(a[1:], b[1:], strict=True))


def _placed(values: np.ndarray, shape: tuple[int, ...], index: list[np.ndarray]) -> np.ndarray:
    """Values at the same indices (negative ones from the end) of an array that is else NaN."""
    out = np.full(shape, np.nan)
    for channel in range(shape[0]):
        out[channel][np.ix_(*index)] = values[channel][np.ix_(*index)]
    return out


def _interpolated(values: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """Straight lines between values at whole places, held at the ends, [C, *m] -> [C, *n]."""
    for axis, place in enumerate(places, start=1):
        place = np.clip(place, 0, values.shape[axis] - 1)
        low = np.minimum(np.floor(place).astype(int), max(values.shape[axis] - 2, 0))
        share = (place - low).reshape(-1, *[1] * (values.ndim - 1 - axis))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        values = values.take(low, axis) * (1 - share) + values.take(high, axis) * share
    return values


def _fourier_extended(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """At equal cycles/pixel, about a spectrum that repeats."""
    places = []
    for axis, (m, n) in enumerate(_axes(values.shape, shape), start=1):
        values = np.concatenate([values, values.take([0], axis)], axis)  # frequency 1 is 0
        places.append(np.fft.fftfreq(n) % 1 * m)
    return _interpolated(values, places)


def box_response(coarse: int, fine: int) -> np.ndarray:
    """What averaging areas makes of each DCT row, [coarse, fine].

    Row k' of `fine` points, averaged over `coarse` equal areas, is this much of row k of
    `coarse` points: sqrt(coarse / fine) sin(pi k r / (2 n)) / (r sin(pi k / (2 n))) of itself
    (r = fine / coarse, n = fine), and the same of its alias 2 coarse - k, negative.
    """
    edges = np.linspace(0, fine, coarse + 1)
    inside = np.minimum(edges[1:, None], np.arange(1, fine + 1)) - np.maximum(
        edges[:-1, None], np.arange(fine)
    )
    average = np.clip(inside, 0, None) * coarse / fine  # [coarse, fine], rows sum to 1
    return dct_matrix(coarse) @ average @ dct_matrix(fine).T


def box_transfer(coarse: tuple[int, ...], fine: tuple[int, ...]) -> np.ndarray:
    """|H|^2 of averaging areas at each DCT component of the coarse shape, [*coarse].

    1 at DC; aliases are left out. Multiplies the variance, beside the ratio of the samples.
    """
    transfer = np.ones(())
    for m, n in zip(coarse, fine, strict=True):
        if m > n:
            raise InputError(f"sizes {coarse} and {fine}: a box filter shrinks every axis")
        own = np.diagonal(box_response(m, n)) ** 2 * n / m
        transfer = np.multiply.outer(transfer, own)
    return transfer
