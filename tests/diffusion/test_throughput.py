"""Throughput: operations counted as by hand, and the machine's own rate."""

import pytest
import torch

from spectra.diffusion.networks import Inputs
from spectra.diffusion.throughput import Throughput, matmul_rate, training_flops

CPU = torch.device("cpu")


class Convolutions(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.leave = torch.nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        return self.leave(self.enter(x)) * level[:, None, None, None]


def test_operations_are_those_of_a_count_by_hand() -> None:
    one = 2 * 9 * 16 * 32 * 32  # of either convolution's forward pass
    # Backward each costs as much for its weights, and again for its input, but the first's.
    assert training_flops(Convolutions(), (1, 32, 32), Inputs()) == 5 * one


def test_what_cannot_be_counted_is_none() -> None:
    class Odd(Convolutions):
        def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
            return x * float(level)

    assert training_flops(Odd(), (1, 8, 8), Inputs()) is None
    record = Throughput(CPU, None, 1e9).record(100.0)
    assert set(record) == {"memory"}


def test_utilisation_is_a_share_of_the_rate() -> None:
    record = Throughput(CPU, flops=2_000_000, rate=1e9).record(100.0)
    assert record["flops_per_second"] == 2e8
    assert record["utilisation"] == pytest.approx(0.2)


def test_the_rate_is_that_of_a_machine() -> None:
    assert 1e8 < matmul_rate(CPU, torch.float32) < 1e14


def test_a_network_known_by_name_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(*_: object) -> int:
        asked.append("")
        return 7

    monkeypatch.setattr("spectra.diffusion.throughput.training_flops", counted)
    network = torch.nn.Linear(1, 1)
    for name in ("first", "first", "second", "", ""):
        found = Throughput.of(network, (1, 4, 4), Inputs(), CPU, "float32", 2, name)
        assert found.flops == 7
    assert len(asked) == 4
