"""What a network is given and what is made of its output: EDM's coefficients per component."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from spectra.diffusion.factors import SharedFactors
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.state import NoiseState, StateEncoder
from spectra.errors import check_name
from spectra.schedule import Schedule

__all__ = [
    "Coefficients",
    "Condition",
    "Denoiser",
    "Preconditioning",
    "PreconditioningChoice",
    "view_maps",
]

Preconditioning = Literal["component", "skip", "scalar"]
PreconditioningChoice = Literal["auto", "component", "skip", "scalar"]
Condition = Literal["auto", "time", "state"]


@dataclass(frozen=True)
class Coefficients:
    """Multipliers [B, C, *spatial] with z_hat = skip z(t) + out U F(U^-1(input z(t))).

    Attributes
    ----------
    input, skip, out : tensors
    signal, noise : tensors
        What the network is to say: F = signal z + noise eps.
    weight : tensor
        SNR_i out_i^2 / lambda_i: a squared error of F times it is one of eps.
    """

    input: torch.Tensor
    skip: torch.Tensor
    out: torch.Tensor
    signal: torch.Tensor
    noise: torch.Tensor
    weight: torch.Tensor


class Denoiser(torch.nn.Module):
    """A network made into z_hat(z(t), t), the estimate of an example's components.

    Parameters
    ----------
    network : torch.nn.Module
        F(image [B, C, *spatial], noise level [B] in [0, 1]) -> [B, C, *spatial], in data space;
        conditioned on more than time, F(image, level, vector, maps, label), see `make_network`.
    schedule : Schedule
    preconditioning : {"component", "skip", "scalar"}
        "component": the Wiener filter of each component's variance is the skip connection, and
        input and output have unit variance in every component; a network that says 0 *is* the
        Wiener filter. "skip": only the skip connection is per component. "scalar": EDM's, with
        one sigma_data for all, measured. Of networks told the time it is level with the others
        in bits/dim on photographs or ahead, and its samples are closer in spectrum
        (`make bench BENCH=preconditioning`). Of those told the noise state and trained by the
        bound "component" has up to 0.04 bits/dim less and closer samples; under EDM's loss, which
        they weight otherwise, the samples of "component" and "skip" are 3 to 4 dB further in
        spectrum on photographs, on CIFAR-10 they are closer.
    condition : {"time", "state"}
        What the network is told: a place on the schedule's clock, or the noise of the components
        themselves (`StateEncoder`, `view_maps`), so that it serves any path through them.
    loadings : tensor [K, C, *spatial], optional
        What the components share (`SharedFactors`), K may be 0: the skip connection is then the
        joint Wiener filter, and the network sees what that adds. Training measures them for
        networks told the noise state with "component" or "skip": what is shared, a sound's
        loudness, is told by all components together where each is drowned, which a network learns
        badly (`make bench BENCH=extension`).

    Notes
    -----
    Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022),
    table 1, with lambda_i for sigma_data^2 and sigma_i^2 = lambda_i / SNR_i for sigma^2.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        schedule: Schedule,
        preconditioning: Preconditioning = "scalar",
        device: torch.device | str = "cpu",
        condition: Literal["time", "state"] = "time",
        loadings: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        check_name("preconditioning", preconditioning, get_args(Preconditioning))
        check_name("condition", condition, ("time", "state"))
        self.network = network
        self.preconditioning: Preconditioning = preconditioning
        self.process = DiffusionProcess(schedule, device)
        self.encoder = StateEncoder(schedule, device) if condition == "state" else None
        self.shares = loadings is not None
        self.factors = None
        if loadings is not None and len(loadings) > 0:
            self.factors = SharedFactors(loadings, self.process)

    def coefficients(self, state: NoiseState) -> Coefficients:
        """The multipliers in a noise state."""
        process = self.process
        log_snr, alpha = state.log_snr, state.alpha
        total = self._total(state)
        if self.preconditioning == "scalar":
            variance = process.sigma_data**2
            log_snr = log_snr + torch.log(variance / process.variance)  # with sigma_data for all
        else:
            variance = process.variance
        wiener = torch.sigmoid(log_snr)  # lambda / (lambda + sigma^2)
        error = variance * torch.sigmoid(-log_snr)  # lambda sigma^2 / (lambda + sigma^2)
        whole = self.preconditioning != "component"
        gain = self._gain_of_all(total, state) if whole else total.rsqrt()
        out = error.sqrt()
        if self.preconditioning == "skip":
            out = _mean_of(error, state.known).sqrt()
        return Coefficients(
            input=gain,
            skip=wiener / alpha,
            out=out,
            # z - skip z(t) = (1 - W) z - W sigma/alpha eps, divided by `out`.
            signal=torch.sigmoid(-log_snr) / out,
            noise=-(wiener * error).sqrt() / out,
            weight=torch.exp(log_snr) / variance * out**2,
        )

    def _total(self, state: NoiseState) -> torch.Tensor:
        """Var z_i(t)."""
        return state.alpha**2 * self.process.variance + state.sigma**2

    def _gain_of_all(self, total: torch.Tensor, state: NoiseState) -> torch.Tensor:
        """What brings an example to unit variance, one number for all components."""
        gain = _mean_of(total, state.known).rsqrt()
        if state.known is None:
            return gain
        # Seen at their own size, whatever the noise beside them.
        return torch.where(state.known, 1 / self.process.sigma_data, gain)

    def network_output(
        self,
        noised: torch.Tensor,
        state: NoiseState,
        coefficients: Coefficients,
        label: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """F in components, [B, C, *spatial]."""
        basis = self.process.basis
        image = basis.inverse(coefficients.input * noised)
        above = None
        if self.factors is not None:
            above = self.factors.above(noised, state) / coefficients.out
        told: tuple[torch.Tensor | None, ...] = (state.level,)
        if self.encoder is not None:
            vector, maps = self.encoder.encode(state)
            told += (vector, self._with_views(maps, noised, state, above), label)
        elif label is not None:
            told += (None, None, label)
        said = basis.forward(self.network(image, *told).to(noised.dtype))
        return said if above is None else said + above

    def _with_views(
        self,
        maps: torch.Tensor | None,
        noised: torch.Tensor,
        state: NoiseState,
        above: torch.Tensor | None,
    ) -> torch.Tensor:
        """Maps, and the example as its input does not show it: `view_maps` of them."""
        process = self.process
        total = self._total(state)
        wiener = torch.sigmoid(state.log_snr) / (state.alpha * process.sigma_data)
        white = self.preconditioning != "component"  # whose input is white
        other = total.rsqrt() if white else self._gain_of_all(total, state)
        seen = [wiener * noised, other * noised]
        if self.shares:
            seen.append(torch.zeros_like(noised) if above is None else above)
        views = [process.basis.inverse(z) for z in seen]
        return torch.cat(views if maps is None else [maps, *views], dim=1)

    def at(
        self, noised: torch.Tensor, state: NoiseState, label: torch.Tensor | None = None
    ) -> torch.Tensor:
        """z_hat from components [B, C, *spatial] in a noise state, of the classes label [B]."""
        coefficients = self.coefficients(state)
        output = self.network_output(noised, state, coefficients, label)
        return coefficients.skip * noised + coefficients.out * output

    def forward(
        self, noised: torch.Tensor, t: torch.Tensor, label: torch.Tensor | None = None
    ) -> torch.Tensor:
        """z_hat from z(t) [B, C, *spatial] and t [B]."""
        return self.at(noised, self.process.state(t), label)


def view_maps(schedule: Schedule, shares: bool = False) -> int:
    """Images that a network which is told the noise state is given beside the state's own.

    It sees the noised example in three ways, channel by channel: with unit variance as a whole,
    with unit variance in every component, and as the Wiener filter estimates it. One of the
    first two is its input, by the preconditioning; the others are these. So seen, the paths of a
    family are alike: one network over strengths 1/4 to 2 has up to 0.05 bits/dim less. Where it is
    told what components share, it also sees what is added to its output for that: without, it
    would take back what of it is wrong only slowly (0.02 bits/dim after 1,000 steps).
    """
    return (3 if shares else 2) * schedule.shape[0]


def _mean_of(values: torch.Tensor, known: torch.Tensor | None) -> torch.Tensor:
    """Mean over the components of an example that are not known, [B, C, *spatial] -> the same."""
    spatial = tuple(range(1, values.ndim))
    if known is None:
        return values.mean(spatial, keepdim=True).expand_as(values)
    drawn = ~known.expand_as(values)
    total = (values * drawn).sum(spatial, keepdim=True)
    # Where all is known nothing depends on it.
    mean = total / drawn.sum(spatial, keepdim=True).clamp(min=1)
    return torch.where(total > 0, mean, values.mean(spatial, keepdim=True)).expand_as(values)
