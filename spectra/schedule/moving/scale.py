"""How much the noise must grow from one spectrum to another: the shift, from data."""

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError, check_name
from spectra.schedule.coordinates import coordinates
from spectra.schedule.moving.modes import (
    Filter,
    Relation,
    box_response,
    carried,
    check_relation,
    check_rings,
    cycles_per_image,
    samples_ratio,
    side_ratio,
)
from spectra.spectrum import Spectrum

__all__ = ["OctaveScale", "SigmaScale", "between", "box_effect", "sigma_scale", "usual_relation"]


@dataclass(frozen=True)
class OctaveScale:
    """The scale of one octave alone.

    Attributes
    ----------
    low, high : float
        Cycles per image (relation "extension": cycles/pixel); DC has 0, 0.
    scale : float
    modes : int
    alias : float
        Share of the coarser data's power there that is folded down from above its Nyquist
        frequency; NaN where the filter is not known.
    """

    low: float
    high: float
    scale: float
    modes: int
    alias: float


@dataclass(frozen=True)
class SigmaScale:
    """What noise levels are multiplied by on the way from data a to data b.

    Attributes
    ----------
    scale : float
        exp(1/2 (mean ln lambda_b - mean ln lambda_a)) over the shared modes; the corresponding
        SD3/FLUX `shift`, relative to the schedule that is moved.
    relation : {"resolution", "extension", "data"}
    basis : str
        Whose components were compared; "rings" where none were measured in both.
    modes : int
        Shared, a channel.
    octaves : tuple of OctaveScale
    disagreement : float
        Root-mean-square of ln(scale of an octave / scale), every octave counting alike.
    sd3 : float
        SD3's rule, sqrt(samples of b / samples of a), which does not ask for the relation; 1
        where the size is the same.
    simple_diffusion : float
        That of simple diffusion, side of b / side of a (geometric mean of the axes); likewise.
    """

    scale: float
    relation: Relation
    basis: str
    modes: int
    octaves: tuple[OctaveScale, ...]
    disagreement: float
    sd3: float
    simple_diffusion: float

    @property
    def shift(self) -> float:
        """t' = shift t / (1 + (shift - 1) t) of a flow: sigma times `shift`."""
        return self.scale

    def lines(self) -> list[str]:
        """What was found, to print."""
        unit = "cycles/pixel" if self.relation == "extension" else "cycles per image"
        where = "rings" if self.basis == "rings" else f"{self.basis} components"
        found = [
            f"noise levels times {self.scale:.3g} (an SD3/FLUX shift of {self.scale:.3g}): the "
            f"geometric mean over {self.modes:,} shared {where}, matched at equal {unit}",
            f"rules of thumb: SD3's sqrt(n/m) {self.sd3:.3g}, simple diffusion's side ratio "
            f"{self.simple_diffusion:.3g}",
        ]
        octaves = []
        for octave in self.octaves:
            name = "DC" if octave.high == 0 else f"{octave.low:.3g}-{octave.high:.3g}"
            alias = f" ({octave.alias:.0%} aliased)" if octave.alias >= 0.005 else ""
            octaves.append(f"{name}: {octave.scale:.3g}{alias}")
        found.append(f"by octave ({unit}): {', '.join(octaves)}")
        found.append(f"octaves disagree by {np.expm1(self.disagreement):.1%} (rms)")
        return found

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "scale": self.scale,
            "shift": self.shift,
            "relation": self.relation,
            "basis": self.basis,
            "modes": self.modes,
            "disagreement": self.disagreement,
            "sd3": self.sd3,
            "simple_diffusion": self.simple_diffusion,
            "octaves": [vars(octave) for octave in self.octaves],
        }


def sigma_scale(
    a: Spectrum,
    b: Spectrum,
    *,
    relation: Relation | None = None,
    filter: Filter = "none",
    basis: str | None = None,
) -> SigmaScale:
    """How noise levels must scale from data a to data b, by matching their spectra.

    Parameters
    ----------
    a, b : Spectrum
        Of two resolutions of the same content, of a field and a larger one, or of two sets of
        data (latents too) of equal size. Channels are averaged.
    relation : {"resolution", "extension", "data"}, optional
        What is compared at: equal cycles per image (the same content, sampled more finely or
        more coarsely), equal cycles/pixel (the same sampling, another field), or equal size;
        by default "data" where the sizes are equal, else "resolution".
    filter : {"none", "box"}
        How the coarser data came from the finer: "box" is averaging areas, whose attenuation
        and aliases are taken off before matching (basis dct).
    basis : str, optional
        Whose components are compared; by default dct or fourier, as measured in both, else the
        rings of the power spectrum.

    Returns
    -------
    SigmaScale

    Raises
    ------
    InputError
        No frequency in common, unknown names, a basis that is not measured, or rings of shapes
        whose axes are not scaled alike.

    Notes
    -----
    Only modes that both have are matched: new modes with power would draw the scale along. In an
    orthonormal basis sampling n x n in place of m x m gives n / m (log SNR shifts by -2 ln(n/m)):
    Hoogeboom, Heek, Salimans, "simple diffusion", arXiv 2301.11093. SD3: Esser et al., arXiv
    2403.03206, section 5.3.2.

    Examples
    --------
    >>> small = spectra.analyze(spectra.open_source("photos", size=32, crop="resize"))
    >>> large = spectra.analyze(spectra.open_source("photos", size=64, crop="resize"))
    >>> round(spectra.sigma_scale(small, large, filter="box").scale, 1)
    2.0
    """
    kind: Relation = relation or usual_relation(a.shape, b.shape)
    check_relation(kind, a.shape, b.shape)
    check_name("filter", filter, get_args(Filter))
    known = [name for name in ("dct", "fourier") if name in a.bases and name in b.bases]
    name = basis or (known[0] if known else "rings")
    if name in ("pixel", "pca"):
        raise InputError(f"basis {name!r}: its components have no frequency to match; choose dct")
    if name == "rings":
        if filter == "box":
            raise InputError("filter 'box' is known by DCT components; analyze both with basis dct")
        return _between_rings(a, b, kind)
    ours, theirs = coordinates(a, name).variance, coordinates(b, name).variance
    return between(ours, theirs, name, kind, filter)


def usual_relation(a: tuple[int, ...], b: tuple[int, ...]) -> Relation:
    """What two shapes are taken for unless it is said."""
    return "data" if a[1:] == b[1:] else "resolution"


def between(
    ours: np.ndarray, theirs: np.ndarray, basis: str, relation: Relation, filter: Filter = "none"
) -> SigmaScale:
    """The scale between the variances of two sets of components, [C, *m] and [C', *n]."""
    a, b = _channel_mean(np.log(ours)), _channel_mean(np.log(theirs))
    alias = np.full(b.shape, np.nan)
    if filter == "box" and relation == "resolution":
        effect, alias = box_effect(ours, theirs, basis)
        smaller = samples_ratio(ours.shape, theirs.shape) > 1
        a, b = (a - effect, b) if smaller else (a, b - effect)
        alias = carried(alias, basis, b.shape, relation)
    half = (b - carried(a, basis, b.shape, relation)) / 2  # ln scale of every mode
    if relation == "extension":
        frequency = make_basis(basis, theirs.shape).frequency[:1]
    else:
        frequency = cycles_per_image(basis, b.shape)
    shared = np.isfinite(half)
    return _summary(
        half[shared],
        frequency[shared],
        np.ones(int(shared.sum())),
        alias[shared],
        ours.shape,
        theirs.shape,
        basis,
        relation,
    )


def box_effect(ours: np.ndarray, theirs: np.ndarray, basis: str) -> tuple[np.ndarray, np.ndarray]:
    """ln of what averaging areas did to the coarser of two variances, and how much is alias.

    Over what the finer one's own modes would have there unfiltered, [1, *coarse]; the modes of
    the finer data are taken as uncorrelated.

    Raises
    ------
    InputError
        Components other than the DCT's, or neither shape covers the other.
    """
    if basis != "dct":
        raise InputError(f"filter 'box' is known by DCT components, not basis {basis!r}")
    coarse, fine = sorted((ours, theirs), key=lambda variance: variance[0].size)
    if any(m > n for m, n in zip(coarse.shape[1:], fine.shape[1:], strict=True)):
        raise InputError(
            f"shapes {ours.shape} and {theirs.shape}: a box filter shrinks every axis; give the "
            "two sizes of one picture"
        )
    whole = np.mean(fine, axis=0)
    corner = tuple(slice(m) for m in coarse.shape[1:])
    own = whole[corner] * coarse[0].size / fine[0].size
    seen, passed = whole, own
    for axis, (m, n) in enumerate(zip(coarse.shape[1:], fine.shape[1:], strict=True)):
        response = box_response(m, n) ** 2
        seen = np.moveaxis(np.tensordot(response, seen, (1, axis)), 0, axis)
        gain = np.diagonal(response) * n / m
        passed = passed * gain.reshape(-1, *[1] * (own.ndim - 1 - axis))
    return np.log(seen / own)[None], (1 - passed / seen)[None]


def _channel_mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=0, keepdims=True)


def _between_rings(a: Spectrum, b: Spectrum, relation: Relation) -> SigmaScale:
    """The scale from the two radial spectra, where components were not measured in both."""
    check_rings(a.shape, b.shape, relation)
    per_image = relation == "resolution"
    axis_a = a.frequency * (min(a.shape[1:]) if per_image else 1)
    axis_b = b.frequency * (min(b.shape[1:]) if per_image else 1)
    used = (axis_b >= axis_a[0] * (1 - 1e-9)) & (axis_b <= axis_a[-1] * (1 + 1e-9))
    if np.count_nonzero(used) < 2:
        raise InputError(f"{a.name} and {b.name}: their spectra share fewer than two rings")
    x = axis_b[used]
    ours = np.interp(np.log(x), np.log(axis_a), np.log(a.power + a.quantisation_floor))
    half = (np.log(b.power + b.quantisation_floor)[used] - ours) / 2
    if not np.isfinite(half).all():
        raise InputError(f"{a.name} and {b.name}: a spectrum holds NaN or no power; analyze again")
    return _summary(
        half,
        x,
        b.count[used].astype(float),
        np.full(len(x), np.nan),
        a.shape,
        b.shape,
        "rings",
        relation,
    )


def _summary(
    half: np.ndarray,
    frequency: np.ndarray,
    weight: np.ndarray,
    alias: np.ndarray,
    a: tuple[int, ...],
    b: tuple[int, ...],
    basis: str,
    relation: Relation,
) -> SigmaScale:
    """From ln scale [K] of each mode, at its frequency [K]."""
    mean = float(np.average(half, weights=weight))
    # Octaves (2^(k-1), 2^k]; DC has one of its own.
    with np.errstate(divide="ignore"):
        octave = np.ceil(np.log2(frequency) - 1e-9)
    octaves = []
    for k in np.unique(octave):
        part = octave == k
        high = 0.0 if np.isneginf(k) else float(2.0**k)
        known = alias[part][np.isfinite(alias[part])]
        octaves.append(
            OctaveScale(
                high / 2,
                high,
                float(np.exp(np.average(half[part], weights=weight[part]))),
                int(weight[part].sum()),
                float(known.mean()) if len(known) else float("nan"),
            )
        )
    apart = [np.log(octave.scale) - mean for octave in octaves]
    return SigmaScale(
        scale=float(np.exp(mean)),
        relation=relation,
        basis=basis,
        modes=int(weight.sum()),
        octaves=tuple(octaves),
        disagreement=float(np.sqrt(np.mean(np.square(apart)))),
        sd3=float(np.sqrt(samples_ratio(a, b))),
        simple_diffusion=side_ratio(a, b, "resolution"),
    )
