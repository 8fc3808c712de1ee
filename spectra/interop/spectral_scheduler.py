"""SpectralScheduler: a component-wise schedule inside diffusers' pipelines and training scripts.

The one module that needs diffusers when it is imported: a pipeline's model_index.json names it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.schedulers.scheduling_utils import SchedulerMixin, SchedulerOutput

from spectra.errors import InputError, check_name, check_number
from spectra.interop.spectral_steps import Levels, Step, Visits, check_batches, next_state
from spectra.schedule import Schedule, load_schedule

__all__ = ["Prediction", "SpectralOutput", "SpectralScheduler"]

Prediction = Literal["epsilon", "sample", "v_prediction", "flow_prediction"]
StepSolver = Literal["euler", "ddim", "heun", "2m", "ancestral"]
SCHEDULE_FILE = "schedule.safetensors"


class SpectralScheduler(SchedulerMixin, ConfigMixin):
    """A noise schedule with one curve per component, for diffusers.

    It adds noise in training scripts (`add_noise`, `get_velocity`), runs in `DDPMPipeline`, and is
    saved and found again by `save_pretrained` and `from_pretrained`, its tables beside the JSON.

    Parameters
    ----------
    schedule : Schedule
    num_train_timesteps : int
        Timestep k, whole or not, is time (k + 1) / num_train_timesteps.
    prediction_type : {"epsilon", "sample", "v_prediction", "flow_prediction"}
        What the model says, in data space: the noise, the clean example, what `get_velocity`
        returns, or noise minus clean example.
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}
        heun evaluates the model twice a step, but for the last.

    Raises
    ------
    InputError
        An unknown name, or fewer than one training timestep.

    Notes
    -----
    Noised examples are x_t = U^-1 [c (alpha z + sigma eps)] with z = U (x - mean), of the
    variance-preserving form whatever the schedule's own, and a constant c_i that makes them white
    with unit variance at t = 1, where pipelines start from `randn`. For standard diffusion c is
    1 to within the information that is left there. The mean is added back by the last step.
    """

    config_name = "scheduler_config.json"
    _compatibles: ClassVar[list[str]] = []
    order = 1
    init_noise_sigma = 1.0

    def __init__(
        self,
        schedule: Schedule,
        num_train_timesteps: int = 1000,
        prediction_type: Prediction = "epsilon",
        solver: StepSolver = "euler",
    ) -> None:
        check_name("prediction_type", prediction_type, get_args(Prediction))
        check_name("solver", solver, get_args(StepSolver))
        if not isinstance(schedule, Schedule):
            raise InputError("schedule: give a spectra.Schedule, or use from_pretrained")
        check_number("num_train_timesteps", num_train_timesteps, low=1, high=1e6)
        if num_train_timesteps != int(num_train_timesteps):
            raise InputError(f"num_train_timesteps {num_train_timesteps}: a whole number is needed")
        self.register_to_config(
            num_train_timesteps=num_train_timesteps,
            prediction_type=prediction_type,
            solver=solver,
            # Pipelines that would put a scheduler of their own in this one's place fail on it,
            # instead of sampling with betas that are not these.
            trained_betas="one schedule per component: no other scheduler can replace this one",
        )
        self.schedule = schedule
        self.num_inference_steps: int | None = None
        self._levels: dict[torch.device, Levels] = {}
        self._begin_index: int | None = None
        self.set_timesteps(timesteps=np.arange(num_train_timesteps - 1, -1, -1.0))

    @classmethod
    def from_pretrained(  # pyright: ignore
        cls, folder: str | Path, subfolder: str | None = None, **loading: Any
    ) -> "SpectralScheduler":
        """Read what `save_pretrained` wrote, from a folder or a repository of the Hub.

        Parameters
        ----------
        folder : path or repository name
        subfolder : str, optional
        **loading
            Settings of the Hub (revision, token, ...) or arguments of the scheduler, which win
            over the saved ones.

        Raises
        ------
        InputError
            There is no readable schedule.safetensors.
        """
        config, given = cls.load_config(
            str(folder), subfolder=subfolder, return_unused_kwargs=True, **loading
        )
        path = Path(folder, subfolder or "", SCHEDULE_FILE)
        if not Path(folder).is_dir():
            from huggingface_hub import hf_hub_download

            known = {key: loading[key] for key in ("revision", "token") if key in loading}
            path = Path(hf_hub_download(str(folder), SCHEDULE_FILE, subfolder=subfolder, **known))
        return cls.from_config(config, schedule=load_schedule(path), **given)

    @classmethod
    def from_config(  # pyright: ignore
        cls, config: dict[str, Any], schedule: Schedule | None = None, **given: Any
    ) -> "SpectralScheduler":
        """Make one from a config and the schedule that no config holds.

        Raises
        ------
        InputError
            No schedule is given.
        """
        if schedule is None:
            raise InputError(
                "SpectralScheduler.from_config: give schedule=..., or use from_pretrained"
            )
        names = ("num_train_timesteps", "prediction_type", "solver")
        merged = {**config, **given}
        return cls(schedule, **{name: merged[name] for name in names if name in merged})

    def save_pretrained(
        self, save_directory: str | Path, push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """Write scheduler_config.json and schedule.safetensors to a folder."""
        self.schedule.save(Path(save_directory) / SCHEDULE_FILE)
        super().save_pretrained(save_directory, push_to_hub=push_to_hub, **kwargs)

    def __len__(self) -> int:
        return int(self.config["num_train_timesteps"])

    @property
    def begin_index(self) -> int | None:
        """Where in `timesteps` sampling starts, as a pipeline has set it."""
        return self._begin_index

    @property
    def step_index(self) -> int | None:
        """Where in `timesteps` sampling is; None before the first step."""
        return self._step_index

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Say where in `timesteps` sampling starts (image to image)."""
        if not 0 <= begin_index < len(self.timesteps):
            raise InputError(f"begin_index {begin_index}: none of {len(self.timesteps)} timesteps")
        self._begin_index = begin_index

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        timesteps: Any = None,
        sigmas: Any = None,
    ) -> None:
        """Choose the times of sampling.

        Parameters
        ----------
        num_inference_steps : int
            Steps along the grid that suits schedule and solver.
        device : torch.device or str, optional
        timesteps : sequence of float, optional
            Timesteps instead, falling from at most num_train_timesteps - 1 to above -1; the last
            step always lands on the denoised estimate.
        sigmas
            None: there is one sigma per component.

        Raises
        ------
        InputError
        """
        if sigmas is not None:
            raise InputError("sigmas: each component has its own; give timesteps or a number")
        if timesteps is not None:
            try:
                times = self._times(np.asarray(timesteps, float).reshape(-1))
            except (TypeError, ValueError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError("timesteps: a list of numbers is needed") from None
            if len(times) == 0 or not (np.diff(times) < 0).all():
                raise InputError("timesteps: they must fall")
        elif num_inference_steps is not None:
            times = self.schedule.grid(num_inference_steps, self.config["solver"])[:-1]
        else:
            raise InputError("set_timesteps: give num_inference_steps or timesteps")
        self.num_inference_steps = len(times)
        self._visits = Visits(np.append(times, 0.0), twice=self.config["solver"] == "heun")
        self._step_index: int | None = None
        self._begin_index = None
        self._last = Step()
        self.timesteps = torch.tensor(
            self._visits.times * len(self) - 1, dtype=torch.float32, device=device
        )

    @property
    def sigmas(self) -> torch.Tensor:
        """Median over components of sigma / alpha at `timesteps`, 0 at the end; to look at."""
        times = np.append(self._visits.times, 0.0)
        ratio = self.schedule.log_snr(times) - np.log(self.schedule.variance)
        sigma = np.exp(-np.median(ratio.reshape(len(times), -1), axis=1) / 2)
        sigma[-1] = 0
        return torch.tensor(sigma, dtype=torch.float32)

    def sample_timesteps(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Timesteps to train at, drawn from the schedule's own density, not whole, float32 [n]."""
        times = self.schedule.sample_times(n, generator)
        return (times * len(self) - 1).to(torch.float32)

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """The sample as it is: it has about unit variance already."""
        return sample

    def add_noise(
        self, original_samples: torch.Tensor, noise: torch.Tensor, timesteps: Any
    ) -> torch.Tensor:
        """x_t from clean examples and white noise, [B, C, *spatial]; timesteps [B] or one."""
        check_batches(self.schedule.shape, original_samples, noise)
        levels, signal, spread = self._coefficients(original_samples, timesteps)
        z, eps = levels.components(original_samples), levels.transform(noise)
        return levels.back(signal * z + spread * eps).to(original_samples.dtype)

    def get_velocity(
        self, sample: torch.Tensor, noise: torch.Tensor, timesteps: Any
    ) -> torch.Tensor:
        """What a model of prediction type "v_prediction" is to say, [B, C, *spatial].

        alpha eps - sigma z in components, with the scales of `add_noise`.
        """
        check_batches(self.schedule.shape, sample, noise)
        levels, signal, spread = self._coefficients(sample, timesteps)
        z, eps = levels.components(sample), levels.transform(noise)
        return levels.back(signal * eps - spread * z).to(sample.dtype)

    def step(
        self,
        model_output: torch.Tensor,
        timestep: Any,
        sample: torch.Tensor,
        generator: torch.Generator | None = None,
        return_dict: bool = True,
        **ignored: Any,
    ) -> "SpectralOutput | tuple[torch.Tensor]":
        """One call of the solver: from `timestep` towards the next of `timesteps`.

        Parameters
        ----------
        model_output, sample : tensor [B, C, *spatial]
        timestep : number
            One of `timesteps`.
        generator : torch.Generator, optional
            For the solver "ancestral".
        return_dict : bool
        **ignored
            What pipelines pass to other schedulers (eta, ...).

        Returns
        -------
        SpectralOutput
            prev_sample, the next sample (an example in data space at the end), and
            pred_original_sample, the denoised estimate.
        """
        check_batches(self.schedule.shape, sample, model_output)
        time = self._one_time(timestep)
        if self._step_index is None:
            self._step_index = self._begin_index
        if self._step_index is None:
            self._step_index = self._visits.index_of(time)
        self._visits.check_next(self._step_index, time)
        levels, solver = self._on(sample.device), self.config["solver"]
        here, there, correcting = self._visits.step(self._step_index)
        state, said = levels.transform(sample), levels.transform(model_output)
        denoised = levels.denoised(
            state, said, there if correcting else here, self.config["prediction_type"]
        )
        clean = levels.examples(denoised)
        if there == 0:
            after = clean
        else:
            fresh = None
            if solver == "ancestral":
                place = generator.device if generator is not None else sample.device
                drawn = torch.randn(sample.shape, generator=generator, device=place)
                fresh = levels.transform(drawn.to(sample.device))
            state, self._last = next_state(
                levels, solver, state, denoised, here, there, self._last, fresh, correcting
            )
            after = levels.back(state)
        self._step_index += 1
        after, clean = after.to(sample.dtype), clean.to(sample.dtype)
        if not return_dict:
            return (after,)
        return SpectralOutput(prev_sample=after, pred_original_sample=clean)

    def _one_time(self, timestep: Any) -> float:
        """The time in [0, 1] of a timestep, a number or a tensor of one."""
        try:
            return (float(timestep) + 1) / len(self)
        except (TypeError, ValueError, RuntimeError):
            raise InputError("timestep: one of scheduler.timesteps is needed, a number") from None

    def _times(self, timesteps: np.ndarray) -> np.ndarray:
        """Times in [0, 1] of timesteps."""
        times = (timesteps + 1) / len(self)
        if not ((times > -1e-6) & (times < 1 + 1e-6)).all():
            raise InputError(f"timesteps: they lie between -1 and {len(self) - 1}")
        return np.clip(times, 0.0, 1.0)

    def _coefficients(
        self, image: torch.Tensor, timesteps: Any
    ) -> tuple[Levels, torch.Tensor, torch.Tensor]:
        """Levels where the image is, signal and spread at the timesteps."""
        levels = self._on(image.device)
        try:
            given = torch.as_tensor(timesteps).detach().cpu().double().reshape(-1).numpy()
        except (TypeError, ValueError, RuntimeError):
            raise InputError("timesteps: numbers are needed, one or as many as examples") from None
        if len(given) not in (1, len(image)):
            raise InputError(f"timesteps: {len(given)} for {len(image)} examples; give one each")
        signal, spread = levels.scales(torch.from_numpy(self._times(given)))
        return levels, signal, spread

    def _on(self, device: torch.device) -> Levels:
        """The tables on a device, made once."""
        if device not in self._levels:
            self._levels[device] = Levels(self.schedule, device)
        return self._levels[device]


@dataclass
class SpectralOutput(SchedulerOutput):
    """The next sample and the denoised estimate, tensors [B, C, *spatial]."""

    pred_original_sample: torch.Tensor | None = None
