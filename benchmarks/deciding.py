"""How long does a study take to decide what to try next, after 50 trials? Alone on all cores, as between two runs.

The study is make-believe: trials of a known function with learning curves, over the space that is named.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from bardtune.data.errors import UserError
from bardtune.model.training.stats import RunStats
from bardtune.search.sampling.curvegp.sampler import CurveGPSampler
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.unit_cube import params_at
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.surrogate.maker import SurrogateMaker
from benchmarks.parsing import OneSentenceParser

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def study(space: SearchSpace, num_trials: int) -> StudyRecord:
    """Finished trials from all over the space, of which nearly all have to do with the outcome."""
    rng = np.random.default_rng(0)
    sides = rng.uniform(size=(num_trials, len(space.dimensions)))
    ends = 1.8 + 0.05 * ((sides - 0.4) ** 2).sum(axis=1) + 0.003 * rng.standard_normal(num_trials)
    trials = tuple(_trial(number, space, sides[number], float(ends[number])) for number in range(num_trials))
    return StudyRecord(
        name="make-believe",
        plan=StudyPlan(),
        state="running",
        stop_reason=None,
        seconds_used=0.0,
        corpus={},
        parameters=space.parameters,
        search_runs=trials,
        other_runs=(),
        storage="",
    )


def _trial(number: int, space: SearchSpace, sides: np.ndarray, end: float) -> TrialRecord:
    return TrialRecord(
        number=number,
        role="search",
        state="complete",
        ending="finished",
        reason=None,
        val_bpb=end,
        curve=tuple((percent, end + 0.1 * (100 / percent - 1) * (1 + sides[0])) for percent in range(10, 101, 10)),
        params=params_at(space, sides),
        settings={},
        stats=RunStats(),
        started=BEGAN + timedelta(minutes=3 * number),
        ended=BEGAN + timedelta(minutes=3 * number + 3),
    )


def seconds_to_decide(space: SearchSpace, record: StudyRecord) -> float:
    """One draw, the process learned anew: what a study pays at most, and rarely."""
    so_far = StudySoFar(space=space, record=lambda: record, surrogates=SurrogateMaker(space.parameters))
    began = time.perf_counter()
    CurveGPSampler(so_far, seed=1, number=len(record.search_runs) + 1).draw()
    return time.perf_counter() - began


def main(argv: Sequence[str] | None = None) -> int:
    parser = OneSentenceParser(prog="python -m benchmarks.deciding", description=__doc__)
    parser.add_argument("--space", default="wide", help="a built-in name or a TOML file [default: wide]")
    parser.add_argument("--trials", type=int, default=50, help="that have finished [default: 50]")
    parser.add_argument("--draws", type=int, default=15, help="to time [default: 15]")
    try:
        args: argparse.Namespace = parser.parse_args(argv)
        space = load_space(args.space)
        if args.trials < 10 or args.draws < 1:
            raise UserError("give 10 or more --trials, and 1 or more --draws.")
    except UserError as problem:
        print(f"deciding: {problem}", file=sys.stderr)
        return 2
    record = study(space, args.trials)
    seconds_to_decide(space, replace(record, search_runs=record.search_runs[:10]))  # imports
    taken = [seconds_to_decide(space, record) for _ in range(args.draws)]
    print(
        f"{args.space}, {args.trials} trials: median {statistics.median(taken):.3f} s to decide what to try next "
        f"({min(taken):.3f} to {max(taken):.3f}; n={len(taken)}), {statistics.median(taken) / 180:.2%} of 180 s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
