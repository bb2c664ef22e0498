"""Is more to be gained, with equal runs, in the whole space of a world or in a part of it?

    python -m benchmarks.search.part FOLDER ... --part seven --studies 24

Whole studies of the default search are simulated over each world, and over the part of its space that a built-in space
searches too, its other parameters at the best known point. Printed are the best that there is in both, and the true bpb
of the recommended settings, the whole's less the part's, by seed.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.data.paths import user_path
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.spaces.registry import space_names
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.__main__ import begin_process
from benchmarks.search.arms import parse_arm
from benchmarks.search.simulator import simulate
from benchmarks.search.summary import interval
from benchmarks.search.truth import FAMILIES, ShownRun, Truth
from benchmarks.search.world import read_world


class PartOfTruth(Truth):
    """A world's surrogate where some of its parameters stay at the best known point.

    Args:
        whole: of all parameters.
        names: of those that are searched.
    """

    def __init__(self, whole: Truth, names: Sequence[str]) -> None:
        self.__dict__.update(whole.__dict__)
        space = whole.world.space
        self.others = {name: value for name, value in space.best_known.items() if name not in names}
        dimensions = tuple(each for each in space.dimensions if each.name in names)
        best_known = {name: value for name, value in space.best_known.items() if name in names}
        part = SearchSpace(
            source={**space.source, "best_known": best_known},
            fixed={**space.fixed, **self.others},
            dimensions=dimensions,
        )
        self.world = replace(whole.world, space=part)

    def value(self, drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        return super().value([{**self.others, **params} for params in drawn])

    def run(self, params: dict[str, Any], *, seed: int) -> ShownRun:
        return super().run({**self.others, **params}, seed=seed)


def names_of(part: str) -> list[str]:
    """The parameters of a built-in space, or those that are written with commas between them."""
    if part not in space_names():
        return part.split(",")
    return [dimension.name for dimension in load_space(part).dimensions]


def true_bpb(truth: Truth, seed: int, trials: int) -> float:
    return simulate(truth, parse_arm("default"), trials=trials, seed=seed).true_bpb


def main(argv: Sequence[str] | None = None) -> int:
    parser = OneSentenceParser(prog="python -m benchmarks.search.part", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a world")
    parser.add_argument("--part", default="seven", help="a built-in space, or names as a,b [default: seven]")
    parser.add_argument("--studies", type=int, default=24, help="in each world, half of them in each family")
    parser.add_argument("--trials", type=int, default=50, help="of a study [default: 50]")
    parser.add_argument("--first-seed", type=int, default=0, help="[default: 0]")
    try:
        args: argparse.Namespace = parser.parse_args(argv)
        worlds = [read_world(user_path(folder, "the world")) for folder in args.folders]
        names = names_of(args.part)
        for world in worlds:
            known = {dimension.name for dimension in world.space.dimensions}
            if not set(names) & known or set(names) >= known:
                raise UserError(
                    f"--part {args.part!r} must be some of {', '.join(sorted(known))}, and not all of them."
                )
        if args.studies < 4 or not 8 <= args.trials <= 50:
            raise UserError("give at least 4 --studies, of 8 to 50 --trials.")
    except UserError as problem:
        print(f"part: {problem}", file=sys.stderr)
        return 2
    seeds = range(args.first_seed, args.first_seed + args.studies // len(FAMILIES))
    with ProcessPoolExecutor(available_cores(), initializer=begin_process) as pool:
        for world in worlds:
            differences: dict[tuple[str, str], np.ndarray] = {}
            for family in FAMILIES:
                whole = Truth(world, family)
                part = PartOfTruth(whole, names)
                found = [list(pool.map(true_bpb, repeat(each), seeds, repeat(args.trials))) for each in (whole, part)]
                differences[world.name, family] = np.subtract(*found)
                print(
                    f"{world.name}, {family}: the best that there is {whole.best():.4f} in the whole, "
                    f"{part.best():.4f} in the part; recommended {np.mean(found[0]):.4f} and {np.mean(found[1]):.4f}",
                    flush=True,
                )
            mean, low, high = interval(differences)
            print(
                f"{world.name}: the whole's less the part's {mean:+.4f} ({low:+.4f} to {high:+.4f}; "
                f"n={len(FAMILIES) * len(seeds)})",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
