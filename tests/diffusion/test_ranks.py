"""Processes that train together: their shares, and what each of them says."""

import os
import signal

import numpy as np
import pytest
import torch

from spectra.diffusion import progress
from spectra.diffusion.progress import interruption
from spectra.diffusion.ranks import GradientSum, Ranks, launched_ranks
from spectra.errors import InputError


@pytest.mark.parametrize(("batch", "count"), [(8, 2), (7, 3), (5, 5), (64, 1)])
def test_shares_make_the_batch_and_are_nearly_even(batch: int, count: int) -> None:
    shares = [Ranks(number, count).share(batch) for number in range(count)]
    assert np.concatenate(shares).tolist() == list(range(batch))
    sizes = {len(share) for share in shares}
    assert max(sizes) - min(sizes) <= 1


def test_fewer_examples_than_processes_are_refused() -> None:
    with pytest.raises(InputError, match="batch 2 is too small for 3 processes"):
        Ranks(1, 3).share(2)


@pytest.mark.parametrize("variables", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"WORLD_SIZE": "4"}])
def test_without_torchrun_there_is_one(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched_ranks() == Ranks(0, 1, 0)


def test_one_speaks_for_all() -> None:
    with pytest.raises(InputError, match="loss nan"):
        Ranks(0, 2).refuse("loss nan")
    with pytest.raises(SystemExit) as stop:
        Ranks(1, 2).refuse("loss nan")
    assert stop.value.code == 2


def test_alone_nothing_is_exchanged() -> None:
    alone = Ranks()
    assert alone.first(lambda: (1, 2)) == (1, 2)
    assert alone.any(True)
    assert not alone.any(False)
    network = torch.nn.Linear(2, 1)
    summed = GradientSum(network, alone)
    summed.arm()
    network(torch.ones(1, 2)).sum().backward()
    summed.finish()
    assert network.weight.grad is not None
    assert network.weight.grad.tolist() == [[1.0, 1.0]]


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="machine of 2 GPUs"):
        Ranks(2, 3, local=2).device("cuda")
    assert Ranks(2, 3, local=2).device("cpu") == torch.device("cpu")


def test_a_second_signal_acts_at_once_unless_the_run_is_patient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with interruption(patient=True) as interrupted:
        assert not interrupted()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
    with interruption() as interrupted:
        for _ in range(3):  # of one press
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
        monkeypatch.setattr(progress, "SAME_PRESS", -1.0)  # as if later
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
