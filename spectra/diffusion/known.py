"""Parts of an example that are known: which components, given or drawn for training."""

import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from spectra.bases import WaveletBasis
from spectra.errors import InputError
from spectra.schedule import Schedule

__all__ = ["KnownParts", "PartKind", "check_kept", "component_mask"]

PartKind = Literal["any", "ends", "beginnings", "boxes", "coarse"]


class KnownParts:
    """Which components of an example are known, drawn at random for training.

    All that is drawn comes from five uniform numbers an example.

    Parameters
    ----------
    schedule : Schedule
        Its basis and shape.
    kind : {"any", "ends", "beginnings", "boxes", "coarse"}
        Of places (pixel and wavelet components): "ends" of any axis up to a random cut, or
        "beginnings" of the last one; "boxes", all but a box. Of waves (DCT, Fourier, PCA) and of
        wavelet levels: the "coarse" ones up to a random cut. "any": ends, boxes and coarse ones,
        those of them that the basis has, equally often. A wavelet is where its middle is: of a
        mask fewer are known, only those that see no other place (`component_mask`), in long
        wavelets (db4) on small examples none.
    device : torch.device or str

    Raises
    ------
    InputError
        The basis has no such parts.
    """

    def __init__(
        self, schedule: Schedule, kind: PartKind = "any", device: torch.device | str = "cpu"
    ) -> None:
        place, rank = component_places(schedule)
        if kind == "coarse" and rank is None:
            raise InputError(
                "known_parts 'coarse': pixels are all equally fine; train with a schedule in "
                "another basis"
            )
        if kind not in ("any", "coarse") and place is None:
            raise InputError(
                f"known_parts {kind!r}: the components of basis {schedule.basis} have no place; "
                "train with a schedule in basis pixel or wavelet"
            )
        self._place = None if place is None else torch.tensor(place, device=device).float()
        self._rank = None if rank is None else torch.tensor(rank, device=device).float()
        draws = {
            "ends": self._ends,
            "beginnings": self._beginnings,
            "boxes": self._box,
            "coarse": self._coarse,
        }
        own = [] if place is None else ["ends", "boxes"]
        own += [] if rank is None else ["coarse"]
        self._draws = [draws[name] for name in (own if kind == "any" else [kind])]

    def draw(self, u: Tensor) -> Tensor:
        """Masks from numbers u [B, 5] uniform in [0, 1), bool [B, C, *spatial]."""
        which, cuts = u[:, 0], u[:, 1:]
        masks = [draw(cuts) for draw in self._draws]
        chosen = (which * len(masks)).long().clamp(max=len(masks) - 1)
        mask = masks[0].expand(len(u), *masks[0].shape[1:]).clone()
        for number, other in enumerate(masks[1:], start=1):
            mask = torch.where(_column(chosen == number, mask), other, mask)
        return mask

    def _ends(self, cuts: Tensor) -> Tensor:
        """One end of one axis, up to a cut, [B, C, *spatial]."""
        place = self._place
        assert place is not None
        axis = (cuts[:, 0] * len(place)).long()
        along = place[axis]  # [B, C, *spatial], in [0, 1]
        from_end = _column(cuts[:, 1] < 0.5, along)
        return torch.where(from_end, 1 - along, along) < _column(cuts[:, 2], along)

    def _beginnings(self, cuts: Tensor) -> Tensor:
        """The beginning of the last axis, up to a cut, [B, C, *spatial]."""
        assert self._place is not None
        along = self._place[-1][None]
        return along < _column(cuts[:, 2], along)

    def _coarse(self, cuts: Tensor) -> Tensor:
        """Up to a cut, even in the logarithm of how many are known: bands of equal ratio."""
        assert self._rank is not None
        return self._rank[None] < _column(cuts[:, 0], self._rank[None])

    def _box(self, cuts: Tensor) -> Tensor:
        """All but a box, whose sides are a share of the example's, [B, C, *spatial]."""
        place = self._place
        assert place is not None
        inside = torch.ones(len(cuts), *place.shape[1:], dtype=torch.bool, device=place.device)
        side = 0.25 + 0.5 * cuts[:, 3]
        for number, along in enumerate(place):
            start = _column(cuts[:, number % 3] * (1 - side), along[None])
            inside &= (along >= start) & (along < start + _column(side, along[None]))
        return ~inside


def component_places(schedule: Schedule) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Place of components along each axis [A, C, *spatial], and rank from coarse [C, *spatial].

    Both in [0, 1); None where the components have none. Ranks are those of their logarithm.
    """
    basis = schedule.make_basis()
    spatial = schedule.shape[1:]
    sides = np.array(spatial).reshape(-1, *[1] * len(schedule.shape))
    if schedule.basis == "pixel":
        grid = np.indices(spatial)[:, None] + np.zeros((1, schedule.shape[0], *[1] * len(spatial)))
        return (grid + 0.5) / sides, None
    if isinstance(basis, WaveletBasis):
        level = basis.levels - basis.level  # 0 the approximation
        return (basis.position + 0.5) / sides, level / (basis.levels + 1)
    order = -schedule.variance if schedule.basis == "pca" else basis.frequency
    rank = np.unique(order, return_inverse=True)[1].reshape(schedule.shape)
    return None, np.log1p(rank) / np.log(rank.max() + 2)


def component_mask(schedule: Schedule, mask: np.ndarray) -> np.ndarray:
    """A mask of places as one of components, bool [..., C, *spatial] or [*spatial] of the example.

    Known is a component all of whose places are: in the pixel basis those themselves, in a
    wavelet basis those whose coefficient depends on known places alone. Whether these keep the
    places as they are, `check_kept` tells.

    Raises
    ------
    InputError
        The components have no place, or the mask is of another shape.
    """
    basis = schedule.make_basis()
    mask = np.asarray(mask)
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise InputError("mask: true where known, or 1 and 0; other values have no meaning")
    mask = mask.astype(bool)
    try:
        mask = np.broadcast_to(mask, np.broadcast_shapes(mask.shape, schedule.shape))
    except ValueError:
        raise InputError(
            f"mask of shape {mask.shape}: examples have the shape {schedule.shape}"
        ) from None
    if mask.shape[-len(schedule.shape) :] != tuple(schedule.shape):
        raise InputError(f"mask of shape {mask.shape}: examples have the shape {schedule.shape}")
    if schedule.basis == "pixel":
        return mask
    if isinstance(basis, WaveletBasis):
        return ~_touched(basis.forward, ~mask)
    raise InputError(
        f"mask: the components of basis {schedule.basis} have no place; train with a schedule in "
        "basis pixel or wavelet to continue or fill in, or give a mask of components"
    )


def check_kept(schedule: Schedule, mask: np.ndarray, components: np.ndarray) -> None:
    """Refuse a mask that no component keeps anything of; say how many places are not kept whole.

    Parameters
    ----------
    schedule : Schedule
    mask : array [..., C, *spatial] or what broadcasts to it
        True in known places.
    components : bool array [..., C, *spatial]
        What `component_mask` makes of it.
    """
    basis = schedule.make_basis()
    if not isinstance(basis, WaveletBasis):
        return
    mask = np.broadcast_to(mask.astype(bool), components.shape)
    example = tuple(range(-len(schedule.shape), 0))
    mend = "in basis pixel, or in Haar wavelets of few levels, wavelet-haar-3 say, on whole blocks"
    if (mask.any(example) & ~components.any(example)).any():
        raise InputError(
            f"mask: every component of basis {schedule.basis} sees unknown places too, so nothing "
            f"would be kept; train {mend}, or give a mask of more"
        )
    whole = mask & ~_touched(basis.inverse, ~components)
    if whole.sum() < mask.sum():
        warnings.warn(
            f"mask: {whole.sum():,} of {mask.sum():,} known places are kept as they are; of the "
            f"others basis {schedule.basis} keeps the components that see no unknown place, and "
            f"draws the rest; all are kept {mend}",
            stacklevel=2,
        )


def _touched(transform: Callable[[np.ndarray], np.ndarray], unknown: np.ndarray) -> np.ndarray:
    """What depends on something unknown, bool [..., C, *spatial]."""
    rng = np.random.default_rng(0)
    # Generic values of what is unknown: nothing that depends on it is 0 by accident.
    return np.abs(transform(unknown * (1 + rng.random(unknown.shape)))) > 1e-9


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))
