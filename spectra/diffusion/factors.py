"""What components have in common: a few factors, and the Wiener filter that knows of them."""

import numpy as np
import torch
from torch import Tensor

from spectra.data import Source, spread_examples
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.state import NoiseState
from spectra.schedule import Schedule

__all__ = ["SharedFactors", "measure_loadings"]

COUNTS = (1, 2, 4, 8, 16, 32, 64)
EXAMPLES = 4096
NUMBERS = 1 << 26  # of examples at most: a quarter of a gigabyte
SCARCE = 32  # examples
SURE = 3.0  # standard errors from 0
LEAST_REST = 0.01  # of a component's variance is its own
# What is left of components beside their factors is taken to be independent, which it is not: of
# many that are known the factors would be thought better known than they are. Seen under no less
# noise than this, in units of each one's variance, the error of what is unknown was least on
# photographs and speech.
DOUBT = 0.3
BLOCK = 1 << 24  # numbers at a time


class SharedFactors:
    """The joint Wiener filter of components that share factors.

    z_i = sqrt(lambda_i) (sum_k L_ik f_k + e_i) with f_k ~ N(0, 1) and Var e_i = 1 - sum_k L_ik^2.
    Where many components share something, the brightness of an image or the loudness of a
    sound, each is drowned long before what they share is: together they tell it.

    Parameters
    ----------
    loadings : float tensor [K, C, *spatial]
        L, see `measure_loadings`.
    process : DiffusionProcess
    """

    def __init__(self, loadings: Tensor, process: DiffusionProcess) -> None:
        self.loadings = loadings.to(process.variance).flatten(1).T.contiguous()  # [D, K]
        self.rest = (1 - (self.loadings**2).sum(1)).clamp(min=LEAST_REST)
        self._scale = process.variance.sqrt()

    def above(self, noised: Tensor, state: NoiseState) -> Tensor:
        """What the joint estimate of z is above each component's own, [B, C, *spatial] -> the same.

        All components tell the factors as if they had noise of DOUBT at least; the rest of what a
        component's own value says, where it has less, is then taken in by itself.
        """
        # In units of sqrt(lambda): y = z + noise of variance v, of which the others see w.
        y = (noised / (state.alpha * self._scale)).flatten(1)
        v = torch.exp(-state.log_snr).expand_as(noised).flatten(1)
        w = v.clamp(min=DOUBT)
        shared, spread = self._told(y, 1 / (self.rest + w))
        left = self.rest + w
        # Seen so, z has the variance s^2 about y + w / left (shared - y), and y says more of it
        # with the precision 1/v - 1/w: what is best is y + v k (shared - y). That less y / (1 + v)
        # is written so that nothing cancels for large v and nothing overflows for small.
        variance = self.rest * w / left + (w / left) ** 2 * spread
        more = variance * (1 - v / w)  # s^2 v (1/v - 1/w)
        k = w / left / (v + more)
        own = (v * self.rest - w + more * left) / left / (v + more) / (1 + v)
        return self._scale * (v * (k * shared + own * y)).reshape(noised.shape)

    def _told(self, y: Tensor, precision: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and variance of what is shared in every component, [B, D] each.

        By the Woodbury identity.
        """
        size, count = self.loadings.shape
        one = torch.eye(count, device=y.device, dtype=y.dtype)
        step = max(1, BLOCK // (size * count))
        means, variances = [], []
        for seen, weight in zip(y.split(step), precision.split(step), strict=True):
            squares = (weight[:, :, None] * self.loadings).transpose(1, 2) @ self.loadings
            # inv itself would wait for a GPU, to look for what has no inverse.
            rows = self.loadings @ torch.linalg.inv_ex(one + squares).inverse  # [B, D, K]
            told = (weight * seen) @ self.loadings
            means.append((rows @ told[:, :, None])[:, :, 0])
            variances.append((rows * self.loadings).sum(2))
        return torch.cat(means), torch.cat(variances)


def measure_loadings(source: Source, schedule: Schedule) -> np.ndarray:
    """How much of which factor is in every component of a source's examples.

    Principal components of z_i / lambda_i^(1/4): between those of the covariance, which are of
    what is large, and of the correlation, which are of what many share. Loadings within three
    standard errors of 0 are 0. There are as many factors as make the examples of one half of the
    files likeliest under those of the other.

    Parameters
    ----------
    source : Source
    schedule : Schedule
        Basis, mean and variance of the components.

    Returns
    -------
    float32 [K, C, *spatial]
        Of standard normal factors, in units of sqrt(lambda_i); K may be 0.

    Notes
    -----
    Bishop, "Pattern Recognition and Machine Learning" (2006), section 12.2.4, on factor analysis.
    """
    chosen = spread_examples(source, min(EXAMPLES, max(NUMBERS // schedule.variance.size, SCARCE)))
    none = np.zeros((0, *schedule.shape), np.float32)
    if len(chosen) < SCARCE:
        return none
    z = schedule.make_basis().forward(source.examples(chosen) - schedule.mean.astype(np.float32))
    z = (z / np.sqrt(schedule.variance).astype(np.float32)).reshape(len(chosen), -1)
    weight = (schedule.variance.ravel() ** 0.25).astype(np.float32)
    _, unit = np.unique(source.file_index[chosen], return_inverse=True)
    half = unit % 2 == 0 if unit.max() > 0 else np.arange(len(z)) % 2 == 0
    other = z[~half]
    most = _principal(z[half], weight, COUNTS[-1])
    counts = [count for count in COUNTS if count <= len(most)]
    gains = [_gain(most[:count], other) for count in counts]
    if not gains or max(gains) <= 0:
        return none
    loadings = _principal(z, weight, counts[int(np.argmax(gains))])
    return loadings.reshape(-1, *schedule.shape).astype(np.float32)


def _principal(z: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Loadings of the principal components of weighted examples [N, D], [K, D]; K <= count."""
    from scipy.sparse.linalg import svds

    count = min(count, min(z.shape) - 1)
    if count < 1:
        return np.zeros((0, z.shape[1]))
    start = np.random.default_rng(0).standard_normal(min(z.shape))
    _, values, rows = svds(z * weight, count, v0=start.astype(np.float32))
    order = np.argsort(values)[::-1]
    rows, values = np.asarray(rows)[order].astype(float), values[order].astype(float)
    loadings = rows * (values[:, None] / np.sqrt(len(z))) / weight
    # In a large example what is found by chance adds up to more than what is there.
    return np.where(np.abs(loadings) < SURE / np.sqrt(len(z)), 0.0, loadings)


def _gain(loadings: np.ndarray, z: np.ndarray) -> float:
    """Nats by which examples [N, D] are likelier under factors [K, D] than without, an example."""
    rest = np.maximum(1 - (loadings**2).sum(axis=0), LEAST_REST)
    weighted = loadings / rest
    core = np.eye(len(loadings)) + weighted @ loadings.T
    told = z @ weighted.T
    square = (z.astype(float) ** 2).mean(axis=0)
    explained = (told * np.linalg.solve(core, told.T).T).sum(axis=1).mean()
    volume = np.log(rest).sum() + np.linalg.slogdet(core)[1]
    return float((square.sum() - (square / rest).sum() + explained - volume) / 2)
