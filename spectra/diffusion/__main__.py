"""``python -m spectra.diffusion RUN/config.json``: train, or go on, with little installed."""

import sys

from spectra.diffusion.ranks import launched_ranks, leave
from spectra.diffusion.train import resume
from spectra.errors import InputError

USAGE = (
    "usage: python -m spectra.diffusion RUN/config.json, or torchrun --nproc-per-node N -m "
    "spectra.diffusion RUN/config.json"
)


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 2 wrong input, 130 interrupted."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        run = resume(arguments[0], progress=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if launched_ranks().is_first:
            print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    if launched_ranks().is_first:
        print(f"{run.path}: {run.step} steps")
    return 0


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
