"""The sampler as Optuna calls it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from bardtune.search.sampling.curvegp.acquisition import scores
from bardtune.search.sampling.curvegp.candidates import search, start_point
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.search.sampling.unit_cube import params_at
from bardtune.studies.records import make_run_id

NUM_START = 5  # trials that are drawn before the process is asked, the best known point included; 1 after others
AWAY_EVERY = 8  # th draw is from anywhere, whatever the process says: it may be wrong
NUM_LEADERS = 5  # that candidates are drawn around


class CurveGPSampler(BaseSampler):
    """Draws all parameters of one trial at once, also those that are drawn under a condition.

    Args:
        so_far: the study.
        seed: of this draw.
        number: of the trial.
    """

    def __init__(self, so_far: StudySoFar, *, seed: int, number: int) -> None:
        self.so_far, self.seed, self.number = so_far, seed, number
        self.independent = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {dimension.name: dimension.distribution for dimension in self.so_far.space.dimensions}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {} if trial.system_attrs.get("fixed_params") else self.draw()

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self.independent.sample_independent(study, trial, param_name, param_distribution)

    def draw(self) -> dict[str, Any]:
        """The parameters to try next."""
        space, record = self.so_far.space, self.so_far.record()
        rng = np.random.default_rng(self.seed)
        surrogate = self.so_far.surrogates.make(record, without=make_run_id("search", self.number))
        knows = surrogate is not None and (surrogate.knows_earlier or self.number >= NUM_START)
        if surrogate is None or not knows:
            return start_point(space, max(1, self.number), seed=record.plan.seed)
        if self.number % AWAY_EVERY == 0:
            return params_at(space, rng.uniform(size=len(space.dimensions)))
        running = [run.params for run in record.search_runs if run.ended is None and run.params]
        surrogate = surrogate.believing(running)
        tried = [run.params for run in record.search_runs]
        leaders = [leader.params for leader in surrogate.leaders[:NUM_LEADERS]]

        def judge(drawn: Sequence[dict[str, Any]]) -> np.ndarray:
            return scores(surrogate, drawn, best_known=space.best_known, num_runs=len(tried))

        return search(space, leaders, judge, tried=tried, rng=rng)
