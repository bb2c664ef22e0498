"""What a study expects: of any settings, of a run in progress, and of those that were the best so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from botorch.models import SingleTaskGP
from scipy.special import ndtr
from torch import Tensor

from bardtune.studies.records import Parameter, TrialRecord
from bardtune.studies.surrogate.coordinates import coordinates
from bardtune.studies.surrogate.observations import Observations, Scale
from bardtune.studies.surrogate.process import NO_RUN, RUNS_PER_UNIT, build, fit

Numbers = dict[str, Tensor]  # of a process, by name


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What is expected of one run along its budget, before it has shown anything. P points, the last is its end."""

    percents: tuple[int, ...]  # (P - 1,) those that say something about the end
    gains: np.ndarray  # (P - 1,) still to come from there
    mean: np.ndarray  # (P,) in units
    covariance: np.ndarray  # (P, P)
    leader: float  # expected of the best settings so far, in units
    scale: Scale

    @property
    def leader_bpb(self) -> float:
        return self.scale.bpb(self.leader)

    def chance_to_lead(self, curve: Sequence[tuple[int, float]], *, spared: float = 0.0) -> float | None:
        """That a run whose curve has come as far as this ends below what is expected of the best settings.

        None while the curve says nothing: what was expected before is no reason to end a run.

        Args:
            curve: (percent, bpb) so far.
            spared: so many units above the best settings count as below them.
        """
        if not any(percent in self.percents for percent, _ in curve):
            return None
        mean, sd = self.end_after(curve)
        return float(ndtr((self.leader + spared - mean) / sd))

    def end_after(self, curve: Sequence[tuple[int, float]]) -> tuple[float, float]:
        """Mean and standard deviation, in units, of a run's own end, once its curve has come as far as this."""
        known = {percent: bpb for percent, bpb in curve if percent in self.percents}
        if not known:
            return float(self.mean[-1]), math.sqrt(self.covariance[-1, -1])
        at = [self.percents.index(percent) for percent in known]
        shown = self.scale.units(np.array(list(known.values()))) - self.gains[at]
        shared = self.covariance[-1, at]
        weights = np.linalg.solve(self.covariance[np.ix_(at, at)] + 1e-6 * np.eye(len(at)), shared)
        variance = float(self.covariance[-1, -1] - weights @ shared)
        return float(self.mean[-1] + weights @ (shown - self.mean[at])), math.sqrt(max(variance, 1e-12))


class Surrogate:
    """The Gaussian process of a study at one moment.

    Args:
        parameters: of the search space.
        seen: what was measured.
        numbers: of the process.
    """

    def __init__(self, parameters: Sequence[Parameter], seen: Observations, numbers: Numbers) -> None:
        self.parameters, self.seen, self.numbers = parameters, seen, numbers
        self.model = _process(parameters, seen)
        self.model.load_state_dict(numbers)

    def inputs(self, drawn: Sequence[dict[str, Any]]) -> Tensor:
        """(N, D + 3) where the worth of settings at the end of the budget is asked for."""
        return self.inputs_at(coordinates(self.parameters, drawn))

    def inputs_at(self, points: np.ndarray) -> Tensor:
        """(N, D + 3) where it is asked for at coordinates, (N, D)."""
        return _inputs(points, clock=np.zeros(len(points)), runs=np.full(len(points), NO_RUN))

    def worth(self, drawn: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
        """What settings reach on average: mean (N,) and covariance (N, N), in units."""
        return self._posterior(self.inputs(drawn))

    def forecast(self, params: dict[str, Any]) -> Forecast:
        """What a new run of these settings will show."""
        percents = tuple(sorted(self.seen.clock))
        clock = np.array([*(self.seen.clock[percent][1] for percent in percents), 0.0])
        points = np.repeat(coordinates(self.parameters, [params]), len(clock), axis=0)
        new_run = np.full(len(clock), float(len(self.seen.params)))
        mean, covariance = self._posterior(_inputs(points, clock=clock, runs=new_run))
        gains = np.array([self.seen.clock[percent][0] for percent in percents])
        return Forecast(
            percents=percents,
            gains=gains,
            mean=mean,
            covariance=covariance,
            leader=self.best,
            scale=self.seen.scale,
        )

    def believing(self, drawn: Sequence[dict[str, Any]]) -> "Surrogate":
        """As if these settings had been tried and had reached what is expected of them: for what is still running."""
        if not drawn:
            return self
        mean, _ = self.worth(drawn)
        count = len(self.seen.params)
        seen = Observations(
            runs=self.seen.runs,
            params=(*self.seen.params, *drawn),
            scale=self.seen.scale,
            clock=self.seen.clock,
            owner=np.concatenate([self.seen.owner, count + np.arange(len(drawn))]),
            time=np.concatenate([self.seen.time, np.zeros(len(drawn))]),
            units=np.concatenate([self.seen.units, mean]),
            study=np.concatenate([self.seen.study, np.zeros(len(drawn))]),
        )
        return Surrogate(self.parameters, seen, self.numbers)

    @property
    def knows_earlier(self) -> bool:
        """Whether it has learned from a study before this one."""
        return len(self.seen.params) > len(self.seen.runs)

    @cached_property
    def leaders(self) -> list[TrialRecord]:
        """Finished search trials, what is expected of their settings the lowest first."""
        trials = [run for run in self.seen.runs if run.role == "search" and run.val_bpb is not None]
        mean, _ = self.worth([trial.params for trial in trials])
        order = sorted(range(len(trials)), key=lambda place: (mean[place], trials[place].number))
        return [trials[place] for place in order]

    @cached_property
    def best(self) -> float:
        """What is expected of the best settings that a run has finished with, in units."""
        return float(self.worth([self.leaders[0].params])[0][0])

    @property
    def noise_variance(self) -> float:
        """Variance between seeds, in units."""
        return math.exp(float(self.numbers["covar_module.log_variances"][1]))

    @property
    def noise_bpb(self) -> float:
        """Standard deviation between seeds, in bpb, of runs with the best settings."""
        units = math.sqrt(self.noise_variance)
        return self.seen.scale.bpb(self.best + units) - self.seen.scale.bpb(self.best)

    def _posterior(self, inputs: Tensor) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            normal = self.model(inputs)
            return normal.mean.numpy(), normal.covariance_matrix.numpy()


def learn(parameters: Sequence[Parameter], seen: Observations) -> Numbers:
    """The numbers that make what was seen, and they themselves, most likely."""
    model = _process(parameters, seen)
    fit(model)
    numbers: Numbers = model.state_dict()
    return numbers


def _process(parameters: Sequence[Parameter], seen: Observations) -> SingleTaskGP:
    points = coordinates(parameters, seen.params)[seen.owner]
    inputs = _inputs(points, clock=seen.time, runs=seen.owner.astype(np.float64), study=seen.study)
    return build(inputs, torch.from_numpy(seen.units))


def _inputs(points: np.ndarray, *, clock: np.ndarray, runs: np.ndarray, study: np.ndarray | None = None) -> Tensor:
    marks = [np.zeros(len(points)) if study is None else study, clock, np.where(runs < 0, NO_RUN, runs / RUNS_PER_UNIT)]
    return torch.from_numpy(np.column_stack([points, *marks]))
