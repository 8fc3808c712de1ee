"""What other people's networks say of an example: noise, velocity or the example itself."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from spectra.errors import InputError, check_name

__all__ = ["Prediction", "VpDenoiser", "vp_denoiser"]

Prediction = Literal["epsilon", "v_prediction", "sample"]


@dataclass(frozen=True, eq=False)
class VpDenoiser:
    """A variance-preserving network as D(x + sigma eps [B, C, *spatial], sigma [B]).

    Attributes
    ----------
    network : callable
        F(sqrt(abar) (x + sigma eps), timestep [B]) -> tensor, or an object whose `sample` is one.
    sigmas : float64 [T]
        sqrt((1 - abar) / abar) of each timestep, rising: where no timestep is interpolated.
    prediction_type : {"epsilon", "v_prediction", "sample"}

    Notes
    -----
    With y = x + sigma eps, abar = 1 / (1 + sigma^2): epsilon x = y - sigma F; v_prediction
    (Salimans & Ho 2022) x = abar y - sqrt(1 - abar) F; sample x = F.
    """

    network: Any
    sigmas: np.ndarray
    prediction_type: Prediction

    def __call__(self, noised: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """Estimate of x, [B, C, *spatial]."""
        levels = sigma.double().cpu().numpy()
        step = np.interp(np.log(levels), np.log(self.sigmas), np.arange(len(self.sigmas)))
        whole = bool((np.abs(step - step.round()) < 1e-3).all())
        # Networks that look timesteps up need whole numbers; others take any.
        kind = torch.int64 if whole else torch.float32
        timestep = torch.as_tensor(step.round() if whole else step).to(noised.device, kind)
        column = sigma.to(noised).reshape(-1, *[1] * (noised.ndim - 1))
        kept = 1 / (1 + column**2)  # abar
        said = self.network(kept.sqrt() * noised, timestep)
        said = getattr(said, "sample", said)
        if self.prediction_type == "epsilon":
            return noised - column * said
        if self.prediction_type == "v_prediction":
            return kept * noised - (1 - kept).sqrt() * said
        return said


def vp_denoiser(network: Any, parameterisation: Any) -> VpDenoiser:
    """A network and the meaning of its output, as a denoiser.

    Parameters
    ----------
    network : callable
    parameterisation
        A diffusers scheduler (duck-typed), or (alphas_cumprod [T], prediction_type).

    Raises
    ------
    InputError
        Neither of these, an unknown prediction type, or a table that does not fall within (0, 1).
    """
    kind: Any
    if isinstance(parameterisation, tuple) and len(parameterisation) == 2:
        table, kind = parameterisation
    else:
        table = getattr(parameterisation, "alphas_cumprod", None)
        kind = getattr(getattr(parameterisation, "config", None), "prediction_type", "epsilon")
    if table is None:
        raise InputError(
            f"parameterisation {type(parameterisation).__name__}: give a scheduler that has "
            "alphas_cumprod, or (alphas_cumprod, prediction_type)"
        )
    check_name("prediction_type", kind, get_args(Prediction))
    kept = np.asarray(torch.as_tensor(table, device="cpu").double())
    if kept.ndim != 1 or len(kept) < 2 or not ((kept > 0) & (kept < 1)).all():
        raise InputError("alphas_cumprod: a list of two or more numbers between 0 and 1 is needed")
    if not (np.diff(kept) < 0).all():
        raise InputError("alphas_cumprod: must fall from the first timestep to the last")
    return VpDenoiser(network, np.sqrt((1 - kept) / kept), kind)
