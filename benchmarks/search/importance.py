"""Who tells better which parameters matter: the regression behind the plot, or the surrogate of the study?

    python -m benchmarks.search.importance FOLDER ... --studies 20

Whole studies of the default search are simulated over worlds. What a parameter is worth there is known: the variance of
its main effect over the space, of the logarithm of the distance from the best, as a share of that of all. Both estimate
the same. Printed are the mean absolute error of the shares, and how often the first is the first.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
from scipy.stats import qmc

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.data.paths import user_path
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.unit_cube import params_at
from bardtune.studies.analysis.importance import importance
from bardtune.studies.records import StudyRecord
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.__main__ import begin_process
from benchmarks.search.arms import parse_arm
from benchmarks.search.simulator import simulated
from benchmarks.search.truth import FAMILIES, Truth
from benchmarks.search.world import read_world

POINTS, PLACES = 256, 8  # of the space; of each parameter's range
RESAMPLES = 20  # of the regression
JUDGED = ("regression", "surrogate")

Shares = dict[str, float]


def main_effects(space: SearchSpace, worth: Callable[[Sequence[dict[str, Any]]], np.ndarray]) -> Shares:
    """Variance of the mean over all other parameters, along each; they sum to 1."""
    base = qmc.Sobol(len(space.dimensions), seed=0).random(POINTS)
    variances = {}
    for column, dimension in enumerate(space.dimensions):
        means = []
        for place in (np.arange(PLACES) + 0.5) / PLACES:
            points = base.copy()
            points[:, column] = place
            means.append(float(np.mean(worth([params_at(space, point) for point in points]))))
        variances[dimension.name] = float(np.var(means))
    total = sum(variances.values())
    return {name: variance / total for name, variance in variances.items()}


def of_the_truth(truth: Truth) -> Shares:
    def worth(drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        found: np.ndarray = np.log1p(np.maximum((truth.value(drawn) - truth.best_seen) / truth.usual, -0.9))
        return found

    return main_effects(truth.world.space, worth)


def told_by(evaluator: str, record: StudyRecord) -> Shares:
    found = importance(record, evaluator=evaluator, resamples=RESAMPLES)
    return {share.name: share.mean for share in found.shares}


def study(truth: Truth, seed: int, trials: int) -> dict[str, Shares]:
    """Shares by the truth and by both estimates, in one simulated study."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = simulated(truth, parse_arm("default"), trials=trials, seed=seed)
        return {"truth": of_the_truth(truth), **{evaluator: told_by(evaluator, record) for evaluator in JUDGED}}


def compare(found: Sequence[dict[str, Shares]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) mean absolute error, and whether the first is the first."""
    errors, firsts = [], []
    for shares in found:
        truth, told = shares["truth"], shares[name]
        errors.append(np.mean([abs(told.get(each, 0.0) - share) for each, share in truth.items()]))
        firsts.append(bool(told) and max(told, key=lambda each: told[each]) == max(truth, key=lambda each: truth[each]))
    return np.array(errors), np.array(firsts)


def main(argv: Sequence[str] | None = None) -> int:
    parser = OneSentenceParser(prog="python -m benchmarks.search.importance", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a world")
    parser.add_argument("--studies", type=int, default=20, help="in each world and family [default: 20]")
    parser.add_argument("--first-seed", type=int, default=0, help="of the studies [default: 0]")
    parser.add_argument("--trials", type=int, default=50, help="of a study [default: 50]")
    try:
        args: argparse.Namespace = parser.parse_args(argv)
        worlds = [read_world(user_path(folder, "the world")) for folder in args.folders]
        if args.studies < 2 or not 26 <= args.trials <= 50:
            raise UserError("give at least 2 --studies, of 26 to 50 --trials.")
    except UserError as problem:
        print(f"importance: {problem}", file=sys.stderr)
        return 2
    with ProcessPoolExecutor(available_cores(), initializer=begin_process) as pool:
        for world in worlds:
            for family in FAMILIES:
                truths, lengths = repeat(Truth(world, family)), repeat(args.trials)
                seeds = range(args.first_seed, args.first_seed + args.studies)
                found = list(pool.map(study, truths, seeds, lengths))
                told = {name: compare(found, name) for name in JUDGED}
                differences = told["surrogate"][0] - told["regression"][0]
                print(
                    f"{world.name}, {family}: "
                    + "; ".join(
                        f"{name} off by {errors.mean():.3f}, the first right in {firsts.mean():.0%}"
                        for name, (errors, firsts) in told.items()
                    )
                    + f"; surrogate less regression {differences.mean():+.3f} (se "
                    f"{differences.std(ddof=1) / len(differences) ** 0.5:.3f}; n={len(differences)})",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
