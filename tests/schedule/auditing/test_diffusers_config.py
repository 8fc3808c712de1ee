"""diffusers' configs as its own schedulers step: levels against the library, solver by class."""

import json
from typing import Any

import numpy as np
import pytest

from spectra import InputError
from spectra.schedule.auditing.audit import audit
from spectra.schedule.auditing.diffusers_config import config_levels
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

STEPS = 12
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
ENDS = {"sigma_min": 0.05, "sigma_max": 9.0}
FLOW = {"use_flow_sigmas": True, "flow_shift": 3.0}
KARRAS = {"use_karras_sigmas": True}
WAYS: tuple[dict[str, Any], ...] = (
    KARRAS,
    {"use_exponential_sigmas": True},
    {"use_beta_sigmas": True},
)
# Levels that diffusers holds twice, for a second evaluation.
TWICE = ("HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Class and config."""
    found: list[tuple[str, dict[str, Any]]] = []
    for kind in ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler"):
        found += [(kind, {"sigma_schedule": each}) for each in ("karras", "exponential")]
    for kind in ("Euler", "Heun", "LMS", "DPMSolverMultistep", "UniPCMultistep", "DEISMultistep"):
        kind += "Scheduler" if kind.endswith("Multistep") else "DiscreteScheduler"
        found += [(kind, {}), (kind, STABLE | {"timestep_spacing": "leading", "steps_offset": 1})]
        found += [(kind, STABLE | way | ends) for way in WAYS for ends in ({}, ENDS)]
    continuous = {"timestep_type": "continuous", "prediction_type": "v_prediction"}
    found += [
        ("EulerDiscreteScheduler", STABLE | {"interpolation_type": "log_linear"}),
        ("EulerDiscreteScheduler", STABLE | KARRAS | continuous | {"sigma_max": 700.0}),
        ("DPMSolverMultistepScheduler", STABLE | {"use_lu_lambdas": True}),
        (
            "DPMSolverMultistepScheduler",
            {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1},
        ),
        ("DPMSolverMultistepScheduler", FLOW),
        ("UniPCMultistepScheduler", FLOW),
        ("UniPCMultistepScheduler", FLOW | {"shift_terminal": 0.1}),
        ("UniPCMultistepScheduler", FLOW | KARRAS | ENDS),
        ("FlowMatchHeunDiscreteScheduler", {"shift": 3.0}),
    ]
    flow = "FlowMatchEulerDiscreteScheduler"
    terminal, dynamic = {"shift_terminal": 0.1}, {"use_dynamic_shifting": True}
    found += [
        (flow, {"shift": 3.0} | each)
        for each in ({}, *WAYS, KARRAS | {"sigma_min": 0.05}, terminal, terminal | KARRAS, dynamic)
    ]
    return found


ALL = cases()


@pytest.mark.parametrize(("kind", "config"), then_slow(ALL[1:3] + ALL[-7:-3] + ALL[9:11], ALL))
def test_levels_are_those_of_the_library(kind: str, config: dict[str, Any]) -> None:
    diffusers = pytest.importorskip("diffusers")
    diffusers.utils.logging.set_verbosity_error()
    theirs = getattr(diffusers, kind).from_config(config)
    mu = {"mu": np.log(3.0)} if config.get("use_dynamic_shifting") else {}
    theirs.set_timesteps(STEPS, **mu)
    sigmas = theirs.sigmas.numpy().astype(float)
    if kind in TWICE:
        sigmas = np.r_[sigmas[0], sigmas[1:-1:2]]
    sigmas = sigmas[:STEPS]
    if "FlowMatch" in kind or config.get("use_flow_sigmas"):
        sigmas[0] = min(sigmas[0], 0.999) if sigmas[0] == 1 else sigmas[0]
        sigmas = sigmas / (1 - sigmas)
    saved = json.loads(theirs.to_json_string()) | config  # it hides keys that it has no use for
    levels = config_levels(saved, "x")
    # float32 knows t to 6e-8, which is 6 % of UniPC's distance from t = 1
    rtol = np.where(sigmas > 1e5, 0.06, 1e-3)
    assert (np.abs(levels.grid(STEPS) / sigmas - 1) < rtol).all()


@pytest.mark.parametrize(
    ("kind", "config", "solver", "note"),
    [
        ("EDMEulerScheduler", {}, "euler", "P_mean"),
        ("EDMDPMSolverMultistepScheduler", {}, "2m", "P_mean"),
        ("FlowMatchEulerDiscreteScheduler", {}, "euler", "before the shift"),
        ("FlowMatchHeunDiscreteScheduler", {}, "heun", "before the shift"),
        ("DPMSolverMultistepScheduler", FLOW, "2m", "before the shift"),
        ("DPMSolverMultistepScheduler", {"solver_order": 1}, "euler", ""),
        ("DPMSolverMultistepScheduler", {"solver_order": 3}, "2m", "order 2"),
        (
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "sde-dpmsolver++"},
            "2m",
            "without the noise",
        ),
        ("EulerAncestralDiscreteScheduler", {}, "ancestral", ""),
        ("UniPCMultistepScheduler", {}, "2m", "nearest to UniPC"),
        ("EulerDiscreteScheduler", {"final_sigmas_type": "sigma_min"}, "euler", "goes to 0"),
        ("CogVideoXDDIMScheduler", {"snr_shift_scale": 3.0}, "euler", "snr_shift_scale"),
        ("EulerDiscreteScheduler", {"timestep_type": "continuous"}, "euler", "continuous time"),
    ],
)
def test_the_solver_is_that_of_the_class(
    kind: str, config: dict[str, Any], solver: str, note: str
) -> None:
    levels = config_levels({"_class_name": kind, **config}, "x")
    assert levels.solver == solver
    assert note in levels.assumed
    assert bool(note) == bool(levels.assumed)


@pytest.mark.parametrize(
    ("kind", "config", "match"),
    [
        ("FlowMatchEulerDiscreteScheduler", {"invert_sigmas": True}, "invert_sigmas"),
        ("FlowMatchEulerDiscreteScheduler", {"shift_terminal": 1.5}, "shift_terminal"),
        ("EulerDiscreteScheduler", KARRAS | {"use_beta_sigmas": True}, "both set"),
        ("EulerDiscreteScheduler", KARRAS | {"sigma_min": 900.0}, "must lie below"),
        ("DPMSolverMultistepScheduler", FLOW | KARRAS, "both set"),
        ("EDMEulerScheduler", {"sigma_schedule": "odd"}, "sigma_schedule 'odd'"),
    ],
)
def test_what_makes_no_grid_is_refused(kind: str, config: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match) as refusal:
        config_levels({"_class_name": kind, **config}, "x").grid(STEPS)
    assert "\n" not in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["FlowMatchEulerDiscrete", "UniPCMultistep"])
def test_a_flow_of_many_steps_falls(kind: str, tmp_path: Any) -> None:
    """Also where its second level is nearer to t = 1 than 0.999."""
    path = tmp_path / "scheduler_config.json"
    config = {"_class_name": f"{kind}Scheduler", "shift": 40.0, **FLOW, "flow_shift": 40.0}
    path.write_text(json.dumps(config))
    found = audit(path, known_spectrum(power_law(2.2), (1, 8, 8)), steps=100)
    assert (np.diff(found.knots) < 0).all()
