"""Moving averages of weights: what share each step has in them."""

import numpy as np
import pytest
import torch

from spectra.diffusion.ema import Ema, power_exponent
from spectra.errors import InputError


def averages(ema: Ema, network: torch.nn.Linear, steps: int, images: int) -> np.ndarray:
    """The share in the average of the weights after each step, [steps]: those are unit vectors."""
    for step in range(steps):
        with torch.no_grad():
            network.weight.zero_()
            network.weight[0, step] = 1.0
        ema.update(seen=step * images, images=images)
    return ema.state_dict()["weight"][0].double().numpy()


@pytest.mark.parametrize("width", [0.05, 0.1, 0.25])
@pytest.mark.parametrize("images", [1, 64])
def test_the_power_functions_width_is_what_was_asked(width: float, images: int) -> None:
    steps = 1000
    network = torch.nn.Linear(steps, 1, bias=False)
    share = averages(Ema(network, 7.0, width=width), network, steps, images)
    assert share.sum() == pytest.approx(1, abs=1e-4)
    t = (np.arange(steps) + 0.5) / steps  # share of the run
    mean = (share * t).sum()
    assert np.sqrt((share * (t - mean) ** 2).sum()) == pytest.approx(width, rel=0.01)
    gamma = power_exponent(width)
    assert mean == pytest.approx((gamma + 1) / (gamma + 2), abs=2e-3)


def test_the_exponents_of_the_paper() -> None:
    # Karras et al. 2024, section 3.1: sigma_rel 0.05 and 0.10 are gamma 16.97 and 6.94.
    assert power_exponent(0.05) == pytest.approx(16.97, abs=0.01)
    assert power_exponent(0.10) == pytest.approx(6.94, abs=0.01)


@pytest.mark.parametrize("width", [0.0, -0.1, 0.289, float("nan"), float("inf")])
def test_a_width_that_no_power_has(width: float) -> None:
    with pytest.raises(InputError, match="ema_width"):
        power_exponent(width)


def test_a_half_life_halves() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    ema = Ema(network, 100.0)
    assert ema.share_kept(seen=10**6, images=100) == pytest.approx(0.5)
    assert ema.share_kept(seen=0, images=8) == 0
    assert Ema(network, 0.0).share_kept(seen=50, images=8) == 0
