"""Which of the measured bases a schedule is made in, when nobody says."""

from collections.abc import Sequence

import numpy as np

from spectra.bases import log_determinant_excess
from spectra.errors import InputError
from spectra.schedule.coordinates import AnyOrdering, component_variance
from spectra.schedule.orderings import orderings
from spectra.spectrum import Spectrum

__all__ = ["best_basis", "independent_loss"]

# In-sample PCA flatters itself: it takes this many independent files a component to be offered,
# and it must win this much, for its matrix costs D^2 numbers and as many products an example.
FILES_PER_COMPONENT = 10
PCA_GAIN = 0.02  # nats a dimension
# In this order where the data cannot tell two apart; pixels only if nothing else was measured.
PREFERENCE = ("dct", "fourier", "wavelet", "wavelet-db4", "wavelet-db2", "wavelet-haar")


def independent_loss(spectrum: Spectrum, basis: str) -> float:
    """1/2 mean ln lambda_i, nats a dimension: entropy of independent Gaussian components.

    The lower, the less is lost by giving every component a curve of its own (Hadamard's
    inequality: no orthonormal basis is under PCA).
    """
    return 0.5 * float(np.log(component_variance(spectrum, basis)).mean())


def best_basis(spectrum: Spectrum, ordering: AnyOrdering) -> tuple[str, str]:
    """The measured basis whose independent components lose least, and why, in one line.

    Raises
    ------
    InputError
        None was measured whose components have what the ordering needs.
    """
    fitting = _fitting(spectrum, ordering)
    fixed = [name for name in (*PREFERENCE, "pixel") if name in fitting]
    if not fixed and "pca" not in fitting:
        raise InputError(
            f"basis: none of those measured ({', '.join(spectrum.bases) or 'none'}) suits this "
            f"ordering; {_mend(ordering)}"
        )
    losses = {name: independent_loss(spectrum, name) for name in fixed}
    candidates = [name for name in fixed if name != "pixel"] or fixed
    chosen, reason = "pca", "principal components, the only basis measured"
    if candidates:
        # A variance from n files has a logarithm 1 / (n - 1) too low on average.
        blur = 0.5 / max(spectrum.n_files - 1, 1) + 1e-9
        least = min(losses[name] for name in candidates)
        chosen = next(name for name in candidates if losses[name] <= least + blur)
        reason = _reason(chosen, losses)
    if "pca" not in fitting or not candidates:
        return chosen, reason
    size, files = int(np.prod(spectrum.shape)), spectrum.n_files
    if files < FILES_PER_COMPONENT * size:
        return chosen, (
            f"{reason}; pca left out: it flatters itself on {files} files of {size} components"
        )
    # What PCA's own noise makes of its gap is taken off.
    gain = losses[chosen] - independent_loss(spectrum, "pca") - log_determinant_excess(files, size)
    if gain < PCA_GAIN:
        return chosen, f"{reason}; pca would lose {gain:.3f} nats a dimension less, too little"
    return "pca", f"loses {gain:.3f} nats a dimension less than {chosen} ({files} files)"


def _fitting(spectrum: Spectrum, ordering: AnyOrdering) -> set[str]:
    """Measured bases whose components have what the ordering needs."""
    measured = set(spectrum.bases)
    if isinstance(ordering, np.ndarray):
        return measured - {"pca"}  # labels of what was not yet found mean nothing
    wavelets = {name for name in measured if name.startswith("wavelet")}
    if "pca" in measured and spectrum.component_variance("pca").shape != spectrum.shape:
        measured -= {"pca"}
    for term in orderings(ordering):
        if term.name == "frequency":
            measured -= {"pixel"}
        elif term.name == "level":
            measured &= wavelets
        elif term.name == "position":
            measured &= wavelets | {"pixel"}
    return measured


def _mend(ordering: AnyOrdering) -> str:
    """What to measure."""
    names = () if isinstance(ordering, np.ndarray) else orderings(ordering)
    local = any(term.name in ("level", "position") for term in names)
    return f"analyze with bases including {'wavelet' if local else 'dct'}"


def _reason(chosen: str, losses: dict[str, float]) -> str:
    others: Sequence[str] = [name for name in losses if name != chosen]
    if not others:
        return "the only basis measured that suits the ordering"
    gaps = ", ".join(f"{name} {losses[name] - losses[chosen]:.3f}" for name in others)
    return f"its independent components lose least; nats a dimension more are lost by {gaps}"
