"""What the study compares: the arms, and how large each comparison is."""

from dataclasses import dataclass

__all__ = ["BASELINES", "COMPONENT", "GRIDS", "MAIN", "PARTS", "STUDY", "TUNED", "Study"]

BASELINES = ("rectified-flow", "vp-cosine", "edm", "equal-snr")
MAIN = ("derived", "refined", *BASELINES)
# Another way to draw the training times from the spectrum alone.
MODES = "modes=derived:density=modes"
COMPONENT, TUNED = " component", "edm P_mean "
# Every schedule under both preconditionings, and EDM's training noise tuned (it is -1.2 as it is).
PHOTOS = (
    *MAIN,
    MODES,
    *(f"{name}{COMPONENT}={name}:preconditioning=component" for name in MAIN),
    *(f"{TUNED}{mean:g}=edm:p_mean={mean:g}" for mean in (-2.4, -1.8, -0.6, 0.0)),
)
# Ours switched on one at a time, from a schedule copied whole to one derived whole.
PARTS = (
    "copied=rectified-flow",
    "ends=rectified-flow:ends=derived",
    "pace=rectified-flow:pace=information",
    "strength=rectified-flow:ordering_strength=0.75",  # "auto" is 1 on all five: as copied
    "density=rectified-flow:density=modes",
    "preconditioning=rectified-flow:preconditioning=component",
    "grid=rectified-flow:rule=optimal",
    "sampler=rectified-flow:solver=covariance",
    "derived",
)
# One trained network; only where the sampler's steps lie differs.
GRIDS = (
    "optimal=derived",
    "optimal, measured error=derived:error=measured",
    "edm grid=derived:rule=edm",
    "log-linear=derived:rule=log-linear",
    "tangent=derived:rule=tangent",
    "rescaled-entropic=derived:rule=rescaled-entropic,error=measured",
)


@dataclass(frozen=True)
class Study:
    """One comparison: what is compared, on what, and how large.

    Attributes
    ----------
    data : str
        Of `DATA`.
    arms : tuple of str
        As `spectra compare` takes them; the first is what the others are held against.
    steps, batch, seeds : int
        Of every training, and how many.
    samples, examples : int
        Drawn for the distances; held out, for bits/dim.
    solvers, evaluations
        That samples are drawn with.
    """

    data: str
    arms: tuple[str, ...] = (*MAIN, MODES)
    steps: int = 1200
    batch: int = 32
    seeds: int = 3
    samples: int = 384
    examples: int = 256
    solvers: tuple[str, ...] = ("heun",)
    evaluations: tuple[int, ...] = (5, 9, 19)


EVERY_GRID = {"solvers": ("euler", "heun", "2m"), "evaluations": (5, 9, 13, 19)}
# Steps for 10 to 35 minutes of two cores. Parts go on in the folder of their data set's study:
# what both train is trained once.
STUDY: dict[str, Study] = {
    "photos": Study("photos", PHOTOS, steps=800, samples=256),
    "cifar10": Study("cifar10"),
    "fashion-mnist": Study("fashion-mnist"),
    "spoken-digits": Study("spoken-digits"),
    "radar": Study("radar"),
    "parts-photos": Study("photos", PARTS, steps=800, samples=256),
    "parts-spoken-digits": Study("spoken-digits", PARTS),
    "grids-photos": Study("photos", GRIDS, steps=4000, **EVERY_GRID),
    "grids-cifar10": Study("cifar10", GRIDS, steps=4000, **EVERY_GRID),
}
