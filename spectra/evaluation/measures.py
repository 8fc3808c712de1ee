"""The scores that can be asked for by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spectra.data import Source, spread_examples
from spectra.errors import InputError, check_name
from spectra.evaluation.classifier import classifier_auc
from spectra.evaluation.examples import RealData
from spectra.evaluation.features import FEATURES, Features, named_features, user_features
from spectra.evaluation.frechet import extrapolated_frechet, frechet_interval
from spectra.evaluation.kernel import kernel_distance
from spectra.evaluation.memorisation import nearest_neighbours
from spectra.evaluation.score import Score
from spectra.evaluation.wasserstein import sliced_wasserstein

__all__ = ["CHEAP", "NAMES", "check_possible", "chosen_names", "measure"]

NAMES = ("wasserstein", "patches", "classifier", "pca", "nearest", "efficientnet-lite0")
NAMES += ("inception",)
CHEAP = ("wasserstein", "classifier", "pca")
PATCH = 8
SEARCHED = 20_000  # training examples
BATCH = 512
# Samples: the classifier is fitted in five folds, and intervals leave one out of at least three.
LEAST = {"classifier": 5, "pca": 3, "efficientnet-lite0": 3, "inception": 3}
NOT_TRAINED_ON = "scores nearest: needs the source that was trained on, with files held out of it"


def chosen_names(scores: str | Sequence[str]) -> tuple[str, ...]:
    """The names asked for; "all", "cheap" and "none" stand for several.

    Raises
    ------
    InputError
        A name is unknown, or one stands beside "none".
    """
    several = {"all": NAMES, "cheap": CHEAP, "none": ()}
    found: list[str] = []
    asked = [scores] if isinstance(scores, str) else scores
    if "none" in asked and len(set(asked)) > 1:
        raise InputError("scores none: stands alone; leave it out, or the others")
    for name in asked:
        check_name("scores", name, (*NAMES, *several))
        found += several.get(name, (name,))
    return tuple(dict.fromkeys(found))


def check_possible(
    names: Sequence[str], n: int, real: RealData, held_out: bool, device: str
) -> None:
    """Refuse early those scores that could not be taken once there are n samples.

    Raises
    ------
    InputError
        Too few samples, features that are not installed, or no source that was trained on.
    """
    for name in names:
        least = LEAST.get(name, 2)
        if n < least:
            raise InputError(f"scores {name}: {n} samples are too few; give n {least} or more")
        if name == "nearest" and not held_out:
            raise InputError(NOT_TRAINED_ON)
        if name in FEATURES and name != "pca":
            named_features(name, real.reference, device)


def measure(
    names: Sequence[str],
    samples: np.ndarray,
    real: RealData,
    trained: tuple[Source, Source] | None,
    *,
    required: Sequence[str] | None = None,
    features: Mapping[str, Callable[[Any], Any]] | None = None,
    seed: int = 0,
    device: str = "cpu",
    mirrored: bool = False,
) -> tuple[tuple[Score, ...], dict[str, str]]:
    """Scores of some samples, and why others could not be taken.

    Parameters
    ----------
    names
        Of `NAMES`.
    samples : [N, C, *spatial]
    real
        What they are scored against, and the floor.
    trained : (Source, Source), optional
        What the network was trained on, and what was held out, for "nearest".
    required
        Those of `names` that raise where they cannot be taken, by default all; others are left
        out with the reason.
    features
        Maps of the caller's own by name, for Frechet and kernel distances.
    seed, device
    mirrored
        Whether the network was trained on the examples' mirror images, too, for "nearest".

    Raises
    ------
    InputError
        As the scores do.
    """
    required = names if required is None else required
    found: list[Score] = []
    left_out: dict[str, str] = {}

    def taken(name: str, take: Callable[[], list[Score]], needed: bool) -> None:
        try:
            found.extend(take())
        except InputError as error:
            if needed:
                raise
            left_out[name] = str(error)

    for name in names:
        taken(
            name,
            lambda name=name: _named(name, samples, real, trained, seed, device, mirrored),
            name in required,
        )
    for name, of in (features or {}).items():
        taken(
            name, lambda name=name, of=of: _distances(user_features(name, of), samples, real), True
        )
    return tuple(found), left_out


def _named(
    name: str,
    samples: np.ndarray,
    real: RealData,
    trained: tuple[Source, Source] | None,
    seed: int,
    device: str,
    mirrored: bool,
) -> list[Score]:
    """The scores that a name stands for."""
    if name == "classifier":
        return [_classifier(samples, real, seed)]
    if name == "nearest":
        return [_nearest(samples, trained, seed, mirrored)]
    if name in ("wasserstein", "patches"):
        return [_wasserstein(name, samples, real, seed)]
    return _distances(named_features(name, real.reference, device), samples, real)


def _wasserstein(name: str, samples: np.ndarray, real: RealData, seed: int) -> Score:
    patch = None
    if name == "patches":
        patch = min(PATCH, *samples.shape[2:])
    options: dict[str, Any] = {"patch": patch, "seed": seed}
    shown = "sliced Wasserstein" if patch is None else f"sliced W., {patch}-wide patches"
    return Score(
        name=shown,
        unit="data values",
        found=sliced_wasserstein(samples, real.reference, **options),
        floor=sliced_wasserstein(real.held, real.reference, units=real.held_files, **options),
        n=len(samples),
        against=len(real.reference),
        details=options,
    )


def _classifier(samples: np.ndarray, real: RealData, seed: int) -> Score:
    data: dict[str, Any] = {"units": real.reference_files, "seed": seed}
    found = classifier_auc(samples, real.reference, **data)
    try:
        floor = classifier_auc(real.held, real.reference, sample_units=real.held_files, **data)
    except InputError:  # too few files for their half
        floor = None
    return Score(
        name="top octave told from data",
        unit="AUC (0.5: not told)",
        found=found,
        floor=floor,
        n=len(samples),
        against=len(real.reference),
    )


def _nearest(
    samples: np.ndarray, trained: tuple[Source, Source] | None, seed: int, mirrored: bool
) -> Score:
    if trained is None:
        raise InputError(NOT_TRAINED_ON)
    learnt, held_out = trained
    other = spread_examples(held_out, max(len(samples), 256))
    index = spread_examples(learnt, SEARCHED)
    ways = (slice(None), slice(None, None, -1)) if mirrored else (slice(None),)
    searched: list[np.ndarray] = []  # the example's number, of each that is searched

    def batches() -> Iterator[np.ndarray]:
        for at in range(0, len(index), BATCH):
            block = index[at : at + BATCH]
            examples = learnt.examples(block)
            for way in ways:
                searched.append(block)
                yield examples[..., way]

    neighbours = nearest_neighbours(
        samples, held_out.examples(other), batches(), units=held_out.file_index[other], seed=seed
    )
    details = neighbours.details()
    verdict = neighbours.line("training examples" + " and their mirror images" * mirrored)
    originals = np.concatenate(searched)[neighbours.originals]
    details["originals"] = [learnt.files[int(file)] for file in learnt.file_index[originals]]
    return Score(
        name="nearer to training data",
        unit="AUC (0.5: as held-out data)",
        found=neighbours.nearer,
        floor=None,
        n=len(samples),
        against=neighbours.searched,
        details={**details, "verdict": verdict, "of": len(learnt)},
    )


def _distances(features: Features, samples: np.ndarray, real: RealData) -> list[Score]:
    """Frechet and kernel distance over some features."""
    ours, held, reference = features(samples), features(real.held), features(real.reference)
    shared: dict[str, Any] = {"n": len(samples), "against": len(reference)}
    label = "FID" if features.name == "inception" else f"Frechet, {features.name}"
    kernel = "KID" if features.name == "inception" else f"kernel, {features.name}"
    details = {"features": features.name, "dimensions": ours.shape[1]}
    files, others = real.held_files, real.reference_files
    return [
        Score(
            name=label,
            unit=features.unit,
            found=frechet_interval(ours, reference),
            floor=frechet_interval(held, reference, files),
            details={**details, "extrapolated": extrapolated_frechet(ours, reference)},
            **shared,
        ),
        Score(
            name=kernel,
            unit="",
            found=kernel_distance(ours, reference, None, others),
            floor=kernel_distance(held, reference, files, others),
            details=details,
            **shared,
        ),
    ]
