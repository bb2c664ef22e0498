"""What a run of any parameters would show in a world: surrogates of its runs, with the noise that was measured.

There are two families, so that a method cannot win by resembling one: a Gaussian process, and boosted trees. Both
predict, on the logarithm of the distance from the best, the final value and, for each percent of the budget, what was
still to be gained there. A simulated run adds chance: to its end as much as repeated runs differ, and to its curve the
whole residual curve of a recorded run near by.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import KFold

from bardtune.studies.surrogate.coordinates import coordinates
from benchmarks.search.design import params_near
from benchmarks.search.world import World

FAMILIES = ("gp", "trees")
FOLDS = 10
NUM_NEAR = 12  # recorded runs whose residual curves are drawn from
BEST_PART = 0.2
NUM_FORESTS, TREES = 5, 200  # of the final value
CURVE_TREES = 60
POOL, ROUNDS, NUM_KEPT = 20_000, 6, 20  # of the search for the best that there is


class Regressor(Protocol):
    def fit(self, x: np.ndarray, y: np.ndarray) -> Any: ...

    def predict(self, x: np.ndarray) -> np.ndarray: ...


class Boosted:
    """The mean of several boosted forests, each of other samples of the runs."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Boosted":
        self.forests = [
            GradientBoostingRegressor(
                n_estimators=TREES, learning_rate=0.05, max_depth=3, subsample=0.6, random_state=seed
            ).fit(x, y)
            for seed in range(NUM_FORESTS)
        ]
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.mean([forest.predict(x) for forest in self.forests], axis=0)
        return found


def new_regressor(family: str, num_columns: int, *, of_curves: bool) -> Regressor:
    """Of the final value, or of all points of the curves together."""
    if family == "trees":
        return ExtraTreesRegressor(CURVE_TREES, min_samples_leaf=2, random_state=0) if of_curves else Boosted()
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(np.ones(num_columns), (0.1, 30.0), nu=2.5)
    noisy = kernel + WhiteKernel(0.05, (1e-4, 1.0))
    return GaussianProcessRegressor(noisy, normalize_y=True, n_restarts_optimizer=1, random_state=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """How well runs that were left out are predicted, a tenth of them at a time."""

    spearman: float
    spearman_best: float  # within the best fifth
    rmse: float  # of the final value, in bpb
    noise_sd: float  # between repeated runs near the best, in bpb
    num_repeats: int  # degrees of freedom of that


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRun:
    """A simulated run."""

    ending: str
    val_bpb: float | None
    curve: tuple[tuple[int, float], ...]


class Truth:
    """One family's surrogate of a world.

    Args:
        world: what was recorded.
        family: gp or trees.
    """

    def __init__(self, world: World, family: str) -> None:
        self.world, self.family = world, family
        self.parameters = world.space.parameters
        finished = world.finished
        self.bpbs = np.array([run.val_bpb for run in finished], dtype=np.float64)
        self.best_seen = float(self.bpbs.min())
        self.usual = float(np.median(self.bpbs - self.best_seen)) or 1.0
        self.points = coordinates(self.parameters, [run.params for run in finished])
        self.percents = _percents(world)
        ends = self._log_distance(self.bpbs)
        gains = self._gains(ends)
        self.of_ends = self._fitted(self.points, ends, of_curves=False)
        self.of_gains = self._fitted(self.points, gains, of_curves=True) if self.percents else None
        self.left_out = self._cross_validated(ends, of_curves=False)
        left_out_gains = self._cross_validated(gains, of_curves=True) if self.percents else gains
        self.noise_sd, self.num_repeats = self._repeat_noise(ends)
        self.residuals = gains - left_out_gains  # (N, P)
        self.all_points = coordinates(self.parameters, [run.params for run in world.runs])
        self.baseline_bpb = float(np.quantile(self.bpbs, 0.75))

    def value(self, drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        """(N,) what parameters reach on average, in bpb."""
        found: np.ndarray = self.of_ends.predict(coordinates(self.parameters, drawn))
        return self.best_seen + self.usual * np.expm1(found)

    def run(self, params: dict[str, Any], *, seed: int) -> ShownRun:
        """A run of these parameters: the same seed, the same run."""
        rng = np.random.default_rng([seed, 20_304])
        point = coordinates(self.parameters, [params])
        away = ((self.all_points - point) ** 2).sum(-1)
        nearest = self.world.runs[int(away.argmin())]
        if nearest.val_bpb is None:
            return ShownRun(ending=nearest.ending, val_bpb=None, curve=())
        end = float(self.of_ends.predict(point)[0]) + self.noise_sd * float(rng.standard_normal())
        gains = [] if self.of_gains is None else self.of_gains.predict(point).reshape(-1).tolist()
        near = np.argsort(((self.points - point) ** 2).sum(-1))[:NUM_NEAR]
        drawn = self.residuals[near[int(rng.integers(len(near)))]]
        curve = [end + gain + float(residual) for gain, residual in zip(gains, drawn, strict=True)]
        bpbs = [self.best_seen + self.usual * math.expm1(each) for each in curve]
        val_bpb = self.best_seen + self.usual * math.expm1(end)
        return ShownRun(ending="finished", val_bpb=val_bpb, curve=tuple(zip(self.percents, bpbs, strict=True)))

    def quality(self) -> Quality:
        ends, found = self._log_distance(self.bpbs), self.left_out
        best = np.argsort(self.bpbs)[: max(5, round(BEST_PART * len(self.bpbs)))]
        predicted = self.best_seen + self.usual * np.expm1(found)
        return Quality(
            spearman=float(spearmanr(ends, found).statistic),
            spearman_best=float(spearmanr(ends[best], found[best]).statistic),
            rmse=float(np.sqrt(np.mean((predicted - self.bpbs) ** 2))),
            noise_sd=self.noise_sd * self.usual,
            num_repeats=self.num_repeats,
        )

    def best(self) -> float:
        """The lowest value that a search of the whole space has found, in bpb."""
        rng = np.random.default_rng(0)
        space = self.world.space
        drawn = [params_near(space, None, rng=rng) for _ in range(POOL)]
        for _ in range(ROUNDS):
            values = self.value(drawn)
            kept = [drawn[place] for place in values.argsort()[:NUM_KEPT]]
            drawn = kept + [params_near(space, each, rng=rng) for each in kept for _ in range(200)]
        return float(self.value(drawn).min())

    def _fitted(self, x: np.ndarray, y: np.ndarray, *, of_curves: bool) -> Regressor:
        regressor = new_regressor(self.family, x.shape[1], of_curves=of_curves)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            regressor.fit(x, y)
        return regressor

    def _cross_validated(self, targets: np.ndarray, *, of_curves: bool) -> np.ndarray:
        """What is predicted of runs that were left out, like ``targets``; equal settings are left out together."""
        found = np.zeros_like(targets)
        groups = np.unique(self.points, axis=0, return_inverse=True)[1].ravel()
        folds = KFold(FOLDS, shuffle=True, random_state=0).split(np.arange(groups.max() + 1))
        for _, out in folds:
            outside = np.isin(groups, out)
            regressor = self._fitted(self.points[~outside], targets[~outside], of_curves=of_curves)
            found[outside] = regressor.predict(self.points[outside]).reshape(found[outside].shape)
        return found

    def _repeat_noise(self, ends: np.ndarray) -> tuple[float, int]:
        """Standard deviation between runs of equal settings; without any, half of what is left unexplained."""
        groups = np.unique(self.points, axis=0, return_inverse=True)[1].ravel()
        squares, degrees = 0.0, 0
        for group in range(groups.max() + 1):
            members = ends[groups == group]
            squares += float(((members - members.mean()) ** 2).sum())
            degrees += len(members) - 1
        if degrees >= 4:
            return math.sqrt(squares / degrees), degrees
        return float(np.std(ends - self.left_out)) / 2, 0

    def _log_distance(self, bpbs: np.ndarray) -> np.ndarray:
        steps: np.ndarray = np.log1p(np.maximum((bpbs - self.best_seen) / self.usual, -0.9))
        return steps

    def _gains(self, ends: np.ndarray) -> np.ndarray:
        """(N, P) what was still to be gained at each percent, on the logarithmic scale."""
        rows = []
        for run, end in zip(self.world.finished, ends, strict=True):
            known = dict(run.curve)
            points = [*sorted(known.items()), (100, run.val_bpb)]
            at = np.interp(self.percents, [point[0] for point in points], [point[1] for point in points])
            rows.append(self._log_distance(at) - end)
        return np.array(rows, dtype=np.float64).reshape(len(ends), len(self.percents))


def _percents(world: World) -> tuple[int, ...]:
    """Those at which most finished runs were measured."""
    count: dict[int, int] = {}
    for run in world.finished:
        for percent, _ in run.curve:
            count[percent] = count.get(percent, 0) + 1
    return tuple(sorted(percent for percent, number in count.items() if number > len(world.finished) / 2))
