"""What does a study gain from coming after another one (bardtune start NEW --after OLD)?

    python -m benchmarks.search.after FOLDER --old FOLDER --studies 100

Whole studies of the default search are simulated over a world, each after one over the same world or another, and
without: the true bpb of the recommended settings, after less without, by seed (below 0: coming after helps).
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat

import numpy as np

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.data.paths import user_path
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.__main__ import begin_process
from benchmarks.search.arms import parse_arm
from benchmarks.search.simulator import outcome_of, simulated
from benchmarks.search.summary import interval
from benchmarks.search.truth import FAMILIES, Truth
from benchmarks.search.world import World, WorldRun, read_world

OLD_SEEDS = 1_000_000  # added to the seed of the study before


def cut_short(world: World, percent: int) -> World:
    """The world as it stood at a percent of the budget, for want of one with a shorter budget.

    It is not the same: a schedule that knows of the shorter budget would have come to its end there.
    """
    runs = [short for run in world.runs if (short := _cut_run(run, percent)) is not None]
    return replace(world, name=f"{world.name} at {percent} %", runs=tuple(runs))


def _cut_run(run: WorldRun, percent: int) -> WorldRun | None:
    at = dict(run.curve).get(percent)
    if run.val_bpb is None or at is None:
        return None
    curve = tuple((round(100 * place / percent), bpb) for place, bpb in run.curve if place < percent)
    return replace(run, val_bpb=at, curve=curve)


def differences_of(new: Truth, old: Truth, seed: int, old_trials: int, lengths: Sequence[int]) -> list[list[float]]:
    """For each length of the new study: true bpb after the old one, and without."""
    arm = parse_arm("default")
    before = simulated(old, arm, trials=old_trials, seed=seed + OLD_SEEDS)
    found = []
    for trials in lengths:
        records = [simulated(new, arm, trials=trials, seed=seed, after=after) for after in ([before], [])]
        found.append([outcome_of(new, record).true_bpb for record in records])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = OneSentenceParser(prog="python -m benchmarks.search.after", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="a world")
    parser.add_argument("--old", metavar="FOLDER", help="the world of the study before [default: the same]")
    parser.add_argument("--old-percent", type=int, default=100, help="as it stood there on the budget [default: 100]")
    parser.add_argument("--old-trials", type=int, default=50, help="of the study before [default: 50]")
    parser.add_argument("--trials", default="12,25,50", help="lengths of the study after it [default: 12,25,50]")
    parser.add_argument("--studies", type=int, default=100, help="half of them in each family [default: 100]")
    parser.add_argument("--first-seed", type=int, default=0, help="[default: 0]")
    parser.add_argument("--processes", type=int, default=available_cores(), help="at a time [default: all cores]")
    try:
        args: argparse.Namespace = parser.parse_args(argv)
        new = read_world(user_path(args.folder, "the world"))
        old = new if args.old is None else read_world(user_path(args.old, "the world"))
        if args.old_percent != 100:
            old = cut_short(old, args.old_percent)
        lengths = [int(text) for text in args.trials.split(",")]
        if len(old.finished) < 20:
            raise UserError(f"--old-percent {args.old_percent}: most runs have no bpb there; choose another.")
        if args.studies < 4 or not 8 <= args.old_trials <= 50 or not all(8 <= each <= 50 for each in lengths):
            raise UserError("give at least 4 --studies, of 8 to 50 --trials and --old-trials.")
    except (UserError, ValueError) as problem:
        print(f"after: {problem}", file=sys.stderr)
        return 2
    seeds = range(args.first_seed, args.first_seed + args.studies // len(FAMILIES))
    found = {}
    with ProcessPoolExecutor(args.processes, initializer=begin_process) as pool:
        for family in FAMILIES:
            truth = Truth(new, family)
            before = truth if old is new else Truth(old, family)
            given = (repeat(truth), repeat(before), seeds, repeat(args.old_trials))
            found[family] = np.array(list(pool.map(differences_of, *given, repeat(lengths))))  # (seeds, lengths, 2)
    for place, trials in enumerate(lengths):
        pairs = {(new.name, family): each[:, place, 0] - each[:, place, 1] for family, each in found.items()}
        mean, low, high = interval(pairs)
        after, without = (np.mean([each[:, place, part].mean() for each in found.values()]) for part in (0, 1))
        print(
            f"{new.name} after {old.name}, {trials} trials: {after:.4f}, without {without:.4f}: "
            f"{mean:+.4f} ({low:+.4f} to {high:+.4f}; n={len(FAMILIES) * len(seeds)})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
