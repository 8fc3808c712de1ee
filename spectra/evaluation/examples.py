"""What every score is given: arrays of examples, and the two halves of the real data."""

from dataclasses import dataclass

import numpy as np

from spectra.data import Source, spread_examples
from spectra.errors import InputError

__all__ = ["RealData", "check_examples", "flattened", "real_data"]

AXES = {3: "[N, C, T]", 4: "[N, C, H, W]"}


@dataclass(frozen=True)
class RealData:
    """Two halves of the real data that share no file.

    A score of samples against `reference` stands beside the same score of `held`, as many real
    examples: what a perfect model would get, so to say the floor.

    Attributes
    ----------
    held, reference : float32 [n, C, *spatial], [m, C, *spatial]
    held_files, reference_files : int64 [n], [m]
        The file of each.
    by_file : bool
        False where the data are a single file: the halves are then of its examples.
    """

    held: np.ndarray
    reference: np.ndarray
    held_files: np.ndarray
    reference_files: np.ndarray
    by_file: bool


def real_data(source: Source, n: int, most: int) -> RealData:
    """At most n and `most` examples of two halves of a source, spread over their files."""
    if len(source.files) >= 2:
        left, right = source.split(0.5)
        held, reference = spread_examples(left, n), spread_examples(right, most)
        return RealData(
            left.examples(held),
            right.examples(reference),
            left.file_index[held],
            right.file_index[reference],
            True,
        )
    half = len(source) // 2
    if half < 1:
        raise InputError(f"{source.name}: one example; two halves of real data need at least 2")
    held, reference = _thinned(np.arange(half), n), _thinned(np.arange(half, len(source)), most)
    parts = source.examples(held), source.examples(reference)
    return RealData(*parts, np.arange(len(held)), np.arange(len(reference)), False)


def check_examples(samples: np.ndarray, data: np.ndarray, least: int = 1) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    InputError
        Arrays of other axes than [N, C, T] or [N, C, H, W], of two shapes, of fewer than `least`
        samples or no data, or with values that are not finite.
    """
    for name, values in (("samples", samples), ("data", data)):
        if values.ndim not in AXES:
            raise InputError(f"{name} of shape {values.shape}: give {' or '.join(AXES.values())}")
    if samples.shape[1:] != data.shape[1:]:
        raise InputError(f"samples of shape {samples.shape[1:]} against data {data.shape[1:]}")
    if len(samples) < least:
        raise InputError(f"{len(samples)} samples; at least {least} samples are needed")
    if len(data) < 1:
        raise InputError("data: there are none")
    for name, values in (("samples", samples), ("data", data)):
        if not np.isfinite(values).all():
            raise InputError(f"{name}: NaN or infinite values; a score of them would mean nothing")


def flattened(examples: np.ndarray) -> np.ndarray:
    """[N, C, *spatial] -> float64 [N, D]."""
    return np.asarray(examples, np.float64).reshape(len(examples), -1)


def _thinned(indices: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of some indices, evenly."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(int)]
