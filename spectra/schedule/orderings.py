"""Orderings: which component drowns first, in labels that one strength fits.

A label l_i is a number a component; the larger, the earlier it is noised and the later it is
generated. log SNR_i(t) = -a l_i - pace(t). All labels are in nats and so scaled that strength
a = 1 keeps the components about as far apart as standard diffusion does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from spectra.bases import Basis, WaveletBasis
from spectra.errors import InputError, check_name, check_number

__all__ = [
    "MOST_STRENGTH",
    "ONE_NUMBER",
    "ORDERINGS",
    "Bands",
    "Ordering",
    "OrderingName",
    "bent",
    "check_bands",
    "component_labels",
    "ordering_text",
    "orderings",
    "parse_ordering",
    "radial_labels",
    "strength_text",
]

OrderingName = Literal["variance", "frequency", "level", "position"]
Bands = Sequence[tuple[float, float]]  # (frequency edge in cycles/pixel, strength up to it)

# Places, as they are called on the command line: (axis of the example, whether last comes first).
REVERSED = "-reversed"
PLACES = {"columns": -1, "rows": -2, "frames": -1}
ORDERINGS = ("variance", "frequency", "level", *PLACES, *(name + REVERSED for name in PLACES))
# Centre of the finest wavelet detail along an axis, cycles/pixel; each level halves it.
FINEST_DETAIL = 0.375
ONE_NUMBER = (int, float, np.floating, np.integer)  # what one strength is, bands are not
MOST_STRENGTH = 1e4  # far beyond sequential


@dataclass(frozen=True)
class Ordering:
    """One order of the components and how strictly it is kept; a sum of these is an order too.

    Attributes
    ----------
    name : {"variance", "frequency", "level", "position"}
        The weak ones drown first, the high frequencies, the fine wavelet levels, or the places
        at the end of an axis (so that generation runs along it).
    strength : float
        At least 0. 1 is the order of magnitude of standard diffusion, and 1 by variance is it.
    axis : int
        Of position: an axis of the example (C, *spatial), counted from its end; -1 columns or
        time frames, -2 rows.
    reverse : bool
        Of position: generation runs against the axis.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits", bases=("wavelet",))
    >>> coarse_first = [spectra.Ordering("level", 1.0), spectra.Ordering("position", 0.3)]
    >>> schedule = spectra.derive_schedule(spectrum, basis="wavelet", ordering=coarse_first)
    >>> schedule.log_snr([0.5]).shape
    (1, 1, 8, 8)
    """

    name: OrderingName
    strength: float = 1.0
    axis: int = -1
    reverse: bool = False

    def __post_init__(self) -> None:
        check_name("ordering", self.name, get_args(OrderingName))
        check_number(f"ordering {self.name}: strength", self.strength, low=0.0, high=MOST_STRENGTH)
        if self.name != "position" and (self.reverse or self.axis != -1):
            raise InputError(f"ordering {self.name}: only position has an axis and a direction")

    @property
    def word(self) -> str:
        """The name on the command line."""
        if self.name != "position":
            return self.name
        words = {-1: "columns", -2: "rows"}
        return words.get(self.axis, f"axis {self.axis}") + (REVERSED if self.reverse else "")


def parse_ordering(text: str) -> tuple[Ordering, ...]:
    """An order as it is written on the command line: NAME[:STRENGTH][+NAME[:STRENGTH]...].

    Raises
    ------
    InputError
        A name that is none of `ORDERINGS`, or a strength that is not a number of at least 0.
    """
    terms = []
    for part in text.split("+"):
        word, colon, number = part.strip().partition(":")
        check_name("ordering", word, ORDERINGS)
        try:
            strength = float(number) if colon else 1.0
        except ValueError:
            raise InputError(
                f"ordering {part!r}: {number!r} is no number; write {word}:0.5"
            ) from None
        place = word.removesuffix(REVERSED)
        if place in PLACES:
            terms.append(Ordering("position", strength, PLACES[place], place != word))
        else:
            terms.append(Ordering(word, strength))  # pyright: ignore[reportArgumentType]
    return tuple(terms)


def orderings(given: str | Ordering | Sequence[Ordering]) -> tuple[Ordering, ...]:
    """Any way to write an order, as its terms."""
    if isinstance(given, str):
        return parse_ordering(given)
    if isinstance(given, Ordering):
        return (given,)
    terms = tuple(given) if isinstance(given, Sequence) else ()
    if not terms or not all(isinstance(term, Ordering) for term in terms):
        raise InputError(
            "ordering: give a name, an Ordering, several of them to add, or an array of labels"
        )
    return terms


def ordering_text(terms: Sequence[Ordering]) -> str:
    """What `parse_ordering` reads."""
    if len(terms) == 1 and terms[0].strength == 1:
        return terms[0].word
    return "+".join(f"{term.word}:{term.strength:g}" for term in terms)


def strength_text(strength: float | Bands) -> str:
    """A strength, or those of its bands, in words."""
    if isinstance(strength, ONE_NUMBER):
        return f"{strength:g}"
    return ", ".join(f"{a:g} up to {edge:g} cycles/pixel" for edge, a in strength)


def component_labels(
    term: Ordering, basis: Basis, variance: np.ndarray, alpha: float
) -> np.ndarray:
    """l_i of one order at strength 1, [C, *spatial].

    variance: -ln lambda_i; at strength 1 this is standard diffusion (one ratio for all).
    frequency: alpha ln f_i, standard diffusion of an exact power law. level j: -alpha j ln 2, the
    same by octaves. position x of n: alpha ln(n) x / (n - 1), as far from end to end as an exact
    power law from the lowest to the highest frequency of that axis.

    Parameters
    ----------
    variance : float [C, *spatial]
        lambda_i, above 0.
    alpha : float
        Exponent of the spectrum's power law.

    Raises
    ------
    InputError
        The components of the basis have no such property.
    """
    if term.name == "variance":
        return -np.log(variance)
    if term.name == "frequency":
        frequency = basis.frequency
        if np.isnan(frequency).any():
            raise InputError(
                "ordering 'frequency' needs a basis whose components have a frequency; "
                "choose basis dct, fourier or wavelet, or ordering variance"
            )
        return frequency_labels(frequency, alpha, _lowest(frequency))
    if term.name == "level":
        if not isinstance(basis, WaveletBasis):
            raise InputError(
                f"ordering 'level' needs a wavelet basis, not {basis.name}; choose basis wavelet "
                "(measured by analyze with bases including 'wavelet')"
            )
        return -alpha * np.log(2) * basis.level
    place, points = _places(term, basis)
    share = place / max(points - 1, 1)
    return alpha * np.log(points) * (1 - share if term.reverse else share)


def radial_labels(
    term: Ordering, basis: Basis, frequency: np.ndarray, log_power: np.ndarray, alpha: float
) -> np.ndarray:
    """The same as a curve over the rings, [F], [F] -> [F]; NaN where there is none (places)."""
    if term.name == "variance":
        return -log_power
    if term.name == "frequency":
        return frequency_labels(frequency, alpha, _lowest(basis.frequency))
    if term.name == "level":
        return alpha * np.log(frequency / FINEST_DETAIL)
    return np.full(len(frequency), np.nan)


def frequency_labels(frequency: np.ndarray, alpha: float, lowest: float) -> np.ndarray:
    """alpha ln f, with DC, which has no logarithm, at half the lowest other frequency."""
    return alpha * np.log(np.maximum(frequency, lowest / 2))


def check_bands(bands: Bands) -> np.ndarray:
    """Edges and strengths of a strength per band, [B, 2].

    Raises
    ------
    InputError
        Edges that do not rise from above 0, or a strength under 0.
    """
    try:
        table = np.array([[float(edge), float(strength)] for edge, strength in bands])
    except (TypeError, ValueError):
        table = np.zeros((0, 2))
    if len(table) == 0:
        raise InputError(
            "ordering_strength: give one number, or pairs of a frequency edge (cycles/pixel) and "
            "the strength up to it"
        )
    edges, strengths = table.T
    if not (np.isfinite(edges).all() and edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise InputError(f"ordering_strength: edges {edges.tolist()} must rise from above 0")
    for strength in strengths:
        check_number("ordering_strength", float(strength), low=0.0, high=MOST_STRENGTH)
    return table


def bent(
    labels: np.ndarray, bands: np.ndarray, frequency: np.ndarray, curve: np.ndarray
) -> np.ndarray:
    """Labels with a strength of their own in each band: int a(l) dl, [...] -> [...].

    An edge in frequency is the label that the order has there, so that the order is kept and the
    SNR is continuous from band to band.

    Parameters
    ----------
    bands : [B, 2]
        Frequency edges and strengths; the last strength holds above its edge too.
    frequency, curve : [F]
        The labels as a curve over the rings.
    """
    edges, strengths = bands[:-1, 0], bands[:, 1]
    rising = np.maximum.accumulate(curve)
    total = strengths[0] * labels
    for label, change in zip(
        np.interp(np.log(edges), np.log(frequency), rising), np.diff(strengths), strict=True
    ):
        total = total + change * np.maximum(labels - label, 0)
    return total


def _lowest(frequency: np.ndarray) -> float:
    """The lowest frequency but DC."""
    return float(np.min(frequency[frequency > 0], initial=0.5))


def _places(term: Ordering, basis: Basis) -> tuple[np.ndarray, int]:
    """Place of every component along the axis, in pixels, [C, *spatial], and how many there are."""
    shape = basis.shape
    if not 1 - len(shape) <= term.axis <= -1:
        raise InputError(
            f"ordering {term.word!r}: examples of shape {shape} have no such axis; "
            "choose columns or frames, their last"
        )
    points = shape[term.axis]
    if isinstance(basis, WaveletBasis):
        return basis.position[len(shape) - 1 + term.axis], points
    if basis.name != "pixel":
        raise InputError(
            f"ordering {term.word!r} needs a basis whose components have a place, not "
            f"{basis.name}; choose basis pixel or wavelet"
        )
    place = np.arange(points, dtype=float).reshape(-1, *[1] * (-1 - term.axis))
    return place * np.ones(shape), points
