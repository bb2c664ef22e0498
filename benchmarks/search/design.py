"""Which runs a world consists of: over the whole box, around the best known point, around the best runs, and repeats.

A run's parameters are a function of the design's seed, its number and the runs that have ended before it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.unit_cube import params_at, sides_of

# Parts of a design: (name, share of the runs). Every tenth run repeats a point, for the noise between seeds.
BOX, AROUND_KNOWN, AROUND_BEST = 0.42, 0.36, 0.22
AROUND_KNOWN_SD = 0.22  # of a side of the box
AROUND_BEST_SD = 0.12
NUM_BEST = 6  # points to draw around, and to repeat
REPEAT_EVERY = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What one run of a design trains with."""

    part: str  # known, box, around known, around best, repeat
    params: dict[str, Any]


def point(space: SearchSpace, number: int, *, num_runs: int, seed: int, ended: Sequence[Mapping[str, Any]]) -> Point:
    """The parameters of the run with this number.

    Args:
        space: what is searched.
        number: from 0; run 0 has the best known point.
        num_runs: of the whole design.
        seed: of the design.
        ended: runs so far, each with its ``params`` and its ``val_bpb`` (None unless it has finished).
    """
    if number == 0:
        return Point(part="known", params=space.best_known)
    rng = np.random.default_rng([seed, number])
    good = sorted((run for run in ended if run["val_bpb"] is not None), key=lambda run: run["val_bpb"])[:NUM_BEST]
    if number % REPEAT_EVERY == 0 and good:
        turn = number // REPEAT_EVERY
        again = space.best_known if turn % 2 else good[(turn // 2 - 1) % len(good)]["params"]
        return Point(part="repeat", params=dict(again))
    if number < BOX * num_runs:
        return Point(part="box", params=params_at(space, _sobol(len(space.dimensions), number, seed)))
    if number < (BOX + AROUND_KNOWN) * num_runs or not good:
        part, centre, sd = "around known", space.best_known, AROUND_KNOWN_SD
    else:
        part, centre, sd = "around best", good[int(rng.integers(len(good)))]["params"], AROUND_BEST_SD
    sides = sides_of(space, centre)
    return Point(part=part, params=params_at(space, sides + sd * rng.standard_normal(len(sides))))


def _sobol(num_dimensions: int, number: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    points: np.ndarray = qmc.Sobol(num_dimensions, seed=seed).fast_forward(number).random(1)[0]
    return points


def params_near(space: SearchSpace, params: dict[str, Any] | None, *, rng: np.random.Generator) -> dict[str, Any]:
    """Parameters from anywhere in the space, or near others: some of them moved, a little or further."""
    num_sides = len(space.dimensions)
    if params is None:
        return params_at(space, rng.uniform(size=num_sides))
    moved = rng.uniform(size=num_sides) < rng.choice([2 / num_sides, 1.0])
    sd = math.exp(rng.uniform(math.log(0.02), math.log(0.2)))
    return params_at(space, sides_of(space, params) + sd * moved * rng.standard_normal(num_sides))
