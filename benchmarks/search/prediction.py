"""How well does the surrogate of a study predict runs that it has not seen, and what does pruning cost it?

    python -m benchmarks.search.prediction FOLDER ... --runs 15,30 --pruned 0,0.5

From a world's finished runs, some are drawn at random as a study's; the worst part of them is cut off as by a pruner.
The others are predicted: rank correlation over all and over the best two fifths, and the mean logarithm of the density
of the logarithm of the distance from the best. Takes seconds, where simulated studies take minutes.
"""

import argparse
import itertools
import math
import sys
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from scipy.stats import spearmanr

from bardtune.data.errors import UserError
from bardtune.data.paths import user_path
from bardtune.model.training.stats import stats_from
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.surrogate.observations import observe
from bardtune.studies.surrogate.surrogate import Surrogate, learn
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.world import World, WorldRun, read_world

GOOD_PART = 0.4
LEAST_DENSITY = -20.0  # of one run
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CORPUS = {"name": "a recorded world", "bytes": 0, "sha256": ""}


def trial_of(number: int, run: WorldRun, *, cut_after: int | None) -> TrialRecord:
    """A run as a search trial; cut off at the first measurement so many percent after its first."""
    assert run.val_bpb is not None
    curve, ending = (*run.curve, (100, run.val_bpb)), "finished"
    if cut_after is not None and run.curve:
        last = next((place for place, point in enumerate(curve) if point[0] >= curve[0][0] + cut_after), len(curve))
        curve, ending = curve[: last + 1], "pruned"
    return TrialRecord(
        number=number,
        role="search",
        state="pruned" if ending == "pruned" else "complete",
        ending=ending,
        reason=None,
        val_bpb=run.val_bpb if ending == "finished" else None,
        curve=curve,
        params=run.params,
        settings=run.params,
        stats=stats_from({}),
        started=NOW,
        ended=NOW,
    )


def predicted(world: World, num_runs: int, pruned: float, cut_after: int, *, seed: int) -> tuple[float, float, float]:
    """Spearman over all runs that were not seen, over the good ones of them, and their mean logarithmic density."""
    order = np.random.default_rng(seed).permutation(len(world.finished))
    seen, unseen = ([world.finished[place] for place in part] for part in (order[:num_runs], order[num_runs:]))
    limit = float(np.quantile([run.val_bpb for run in seen], 1 - pruned))  # type: ignore[arg-type]
    trials = [
        trial_of(number, run, cut_after=cut_after if pruned and run.val_bpb > limit else None)  # type: ignore[operator]
        for number, run in enumerate(seen)
    ]
    parameters = world.space.parameters
    record = StudyRecord(
        name=world.name,
        plan=StudyPlan(),
        state="running",
        stop_reason=None,
        seconds_used=0.0,
        corpus=CORPUS,
        parameters=parameters,
        search_runs=tuple(trials),
        other_runs=(),
        storage="",
    )
    observed = observe(record, trials)
    if observed is None:
        raise UserError(f"{num_runs} runs of {world.name} show nothing to learn from; give more --runs.")
    surrogate = Surrogate(parameters, observed, learn(parameters, observed))
    mean, covariance = surrogate.worth([run.params for run in unseen])
    sd = np.sqrt(np.diag(covariance) + surrogate.noise_variance)
    bpbs = np.array([run.val_bpb for run in unseen], dtype=np.float64)
    good = bpbs <= np.quantile(bpbs, GOOD_PART)
    found = observed.scale.units(bpbs)
    # per unit of the logarithm of the distance from the world's best, so that different scales can be compared
    density = -(((found - mean) / sd) ** 2) / 2 - np.log(sd * observed.scale.spread * math.sqrt(2 * math.pi))
    return (
        float(spearmanr(mean, bpbs).statistic),
        float(spearmanr(mean[good], bpbs[good]).statistic),
        float(np.maximum(density, LEAST_DENSITY)[good].mean()),
    )


def read_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = OneSentenceParser(prog="python -m benchmarks.search.prediction", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a world")
    parser.add_argument("--runs", default="15,30", help="that are seen [default: 15,30]")
    parser.add_argument("--pruned", default="0,0.5", help="parts of them that are cut off [default: 0,0.5]")
    parser.add_argument("--cut-after", type=int, default=20, help="percent of the budget [default: 20]")
    parser.add_argument("--repeats", type=int, default=16, help="random choices of the runs [default: 16]")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    try:
        args = read_args(argv)
        counts = [int(text) for text in args.runs.split(",")]
        parts = [float(text) for text in args.pruned.split(",")]
        worlds = [read_world(user_path(folder, "the world")) for folder in args.folders]
        if args.repeats < 2 or min(counts) < 4 or not all(0 <= part < 1 for part in parts):
            raise UserError("give at least 2 --repeats, 4 --runs, and --pruned from 0 to below 1.")
        for world in worlds:
            if max(counts) > len(world.finished) - 10:
                raise UserError(f"{world.name} has {len(world.finished)} finished runs; leave 10 to be predicted.")
    except ValueError:
        print("prediction: --runs and --pruned are numbers with commas between them.", file=sys.stderr)
        return 2
    except UserError as problem:
        print(f"prediction: {problem}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    for world, count, part in itertools.product(worlds, counts, parts):
        found = np.array([predicted(world, count, part, args.cut_after, seed=seed) for seed in range(args.repeats)])
        (rho, rho_good, density), sds = found.mean(axis=0), found.std(axis=0, ddof=1) / math.sqrt(args.repeats)
        print(
            f"{world.name}, {count} runs, {part:.0%} pruned: Spearman {rho:.3f} (se {sds[0]:.3f}), of the good ones "
            f"{rho_good:.3f} ({sds[1]:.3f}), log density of these {density:+.3f} ({sds[2]:.3f}); n={args.repeats}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
