"""Recomputes the figures that no test asserts: `python -m tests.benchmarks [name ...]`."""

import sys
from collections.abc import Callable

import torch

from tests.benchmarks.bases import bases
from tests.benchmarks.bound import bound
from tests.benchmarks.cifar10 import cifar10
from tests.benchmarks.comparisons import comparisons
from tests.benchmarks.coverage import coverage
from tests.benchmarks.demo import demo
from tests.benchmarks.diffusers_samples import diffusers_samples
from tests.benchmarks.exactness import exactness
from tests.benchmarks.extension import extension
from tests.benchmarks.fits import fits
from tests.benchmarks.folder import folder
from tests.benchmarks.gpu import gpu
from tests.benchmarks.grids import grids
from tests.benchmarks.imports import imports
from tests.benchmarks.mixtures import mixtures
from tests.benchmarks.overfitting import overfitting
from tests.benchmarks.pages import pages
from tests.benchmarks.preconditioning import preconditioning
from tests.benchmarks.rapsd import rapsd
from tests.benchmarks.scores import scores
from tests.benchmarks.sound import sound
from tests.benchmarks.strengths import strengths
from tests.benchmarks.study import study
from tests.benchmarks.table import Row, rendered
from tests.benchmarks.trainer import trainer
from tests.benchmarks.transfer import transfer

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "imports": imports,
    "rapsd": rapsd,
    "gpu": gpu,
    "folder": folder,
    "sound": sound,
    "bases": bases,
    "bound": bound,
    "exactness": exactness,
    "extension": extension,
    "coverage": coverage,
    "fits": fits,
    "pages": pages,
    "overfitting": overfitting,
    "preconditioning": preconditioning,
    "grids": grids,
    "mixtures": mixtures,
    "transfer": transfer,
    "trainer": trainer,
    "cifar10": cifar10,
    "strengths": strengths,
    "study": study,
    "diffusers-samples": diffusers_samples,
    "scores": scores,
    "comparisons": comparisons,
    "demo": demo,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 2
    threads = torch.get_num_threads()
    for name in names or BENCHMARKS:
        print(f"{name}: {(sys.modules[BENCHMARKS[name].__module__].__doc__ or '').strip()}")
        print(rendered(BENCHMARKS[name]()), flush=True)
        print()
        torch.set_num_threads(threads)  # each sets its own
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
