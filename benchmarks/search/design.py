"""Which runs a world consists of: over the whole box, around the best known point, around the best runs, and repeats.

A run's parameters are a function of the design's seed, its number and the runs that have ended before it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bardtune.search.sampling.space import SearchSpace

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
        return Point(part="box", params=_params(space, _sobol(len(space.dimensions), number, seed)))
    if number < (BOX + AROUND_KNOWN) * num_runs or not good:
        part, centre, sd = "around known", space.best_known, AROUND_KNOWN_SD
    else:
        part, centre, sd = "around best", good[int(rng.integers(len(good)))]["params"], AROUND_BEST_SD
    sides = [place(dimension.distribution, centre.get(dimension.name)) for dimension in space.dimensions]
    return Point(part=part, params=_params(space, np.array(sides) + sd * rng.standard_normal(len(sides))))


def _sobol(num_dimensions: int, number: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    points: np.ndarray = qmc.Sobol(num_dimensions, seed=seed).fast_forward(number).random(1)[0]
    return points


def _params(space: SearchSpace, sides: np.ndarray) -> dict[str, Any]:
    """From places in the unit cube, folded back where they lie outside, to parameters."""
    values, params = dict(space.fixed), {}
    folded = 1 - np.abs(1 - np.abs(sides) % 2)
    for dimension, side in zip(space.dimensions, folded, strict=True):
        if dimension.applies(values):
            params[dimension.name] = values[dimension.name] = value_at(dimension.distribution, float(side))
    return params


def value_at(distribution: BaseDistribution, side: float) -> Any:
    """The value at a place between 0 and 1; every value of a grid has an equal part."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[min(int(side * len(distribution.choices)), len(distribution.choices) - 1)]
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high, step = float(distribution.low), float(distribution.high), distribution.step
    half = step / 2 if step else 0.0
    if distribution.log:
        value = math.exp(math.log(low - half) + side * (math.log(high + half) - math.log(low - half)))
    else:
        value = low - half + side * (high - low + 2 * half)
    if step:
        value = low + round((value - low) / step) * step
    value = min(max(value, low), high)
    return int(value) if isinstance(distribution, IntDistribution) else value


def place(distribution: BaseDistribution, value: Any) -> float:
    """Where a value lies between 0 and 1; the middle for one that is not set."""
    if value is None:
        return 0.5
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.choices.index(value) + 0.5) / len(distribution.choices)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high, at = float(distribution.low), float(distribution.high), float(value)
    half = distribution.step / 2 if distribution.step else 0.0
    low, high = low - half, high + half
    if distribution.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)
