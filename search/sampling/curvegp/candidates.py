"""Parameters that might be tried next. They are judged, not differentiated: integers and choices stay as they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.unit_cube import params_at, sides_of

NUM_CANDIDATES = 1_000
ANYWHERE, AROUND_KNOWN = 0.3, 0.2  # shares; the others are near the leaders
KNOWN_SD = 0.25  # of a side of the box, around the best known point
NEAR_SD = (0.05, 0.2)  # around a leader, from ... to ...
FEW = 2.0  # coordinates moved on average in half of those that are near a leader
NUM_KEPT = 10  # of those judged best, that are gone on from
CLOSER_SD, NUM_CLOSER = (0.1, 0.05, 0.02), 300  # steps from there, one round after the other


def candidates(
    space: SearchSpace, leaders: Sequence[dict[str, Any]], *, rng: np.random.Generator, count: int = NUM_CANDIDATES
) -> list[dict[str, Any]]:
    """Different parameters: from anywhere in the space, around its best known point, and near the leaders.

    Args:
        leaders: the best trials so far, at least one.
        rng: the only source of chance.
    """
    num_sides = len(space.dimensions)
    points = rng.uniform(size=(count, num_sides))
    anywhere, known = round(ANYWHERE * count), round((ANYWHERE + AROUND_KNOWN) * count)
    centre = sides_of(space, space.best_known)
    points[anywhere:known] = centre + KNOWN_SD * rng.standard_normal((known - anywhere, num_sides))
    of_leaders = np.array([sides_of(space, leader) for leader in leaders])
    sd = np.exp(rng.uniform(math.log(NEAR_SD[0]), math.log(NEAR_SD[1]), size=(count - known, 1)))
    points[known:] = _near(of_leaders, sd, count=count - known, rng=rng)
    return _different(space, points)


def search(
    space: SearchSpace,
    leaders: Sequence[dict[str, Any]],
    judge: Callable[[Sequence[dict[str, Any]]], np.ndarray],
    *,
    tried: Sequence[dict[str, Any]],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The parameters that are judged best: of the candidates first, then of ever smaller steps from the best of those.

    Args:
        judge: N parameters to (N,), the higher the better.
        tried: what is not to be found again, unless nothing else is left.
    """
    pool = candidates(space, leaders, rng=rng)
    drawn = [params for params in pool if params not in tried] or pool
    found = judge(drawn)
    for sd in CLOSER_SD:
        best = found.argsort()[::-1][:NUM_KEPT]
        kept = [drawn[place] for place in best]
        centres = np.array([sides_of(space, params) for params in kept])
        closer = _different(space, _near(centres, np.array(sd), count=NUM_CLOSER, rng=rng))
        new = [params for params in closer if params not in tried and params not in kept]
        if new:
            drawn, found = kept + new, np.concatenate([found[best], judge(new)])
    return drawn[int(found.argmax())]


def start_point(space: SearchSpace, number: int, *, seed: int) -> dict[str, Any]:
    """What is tried before there is anything to learn from: around the best known point, every third anywhere.

    Args:
        number: of the trial, from 1.
        seed: of the study: all its start points are of one scrambled Sobol sequence.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    point = qmc.Sobol(len(space.dimensions), seed=seed).fast_forward(number).random(1)[0]
    if number % 3:
        point = sides_of(space, space.best_known) + KNOWN_SD * ndtri(np.clip(point, 1e-6, 1 - 1e-6))
    return params_at(space, point)


def _near(centres: np.ndarray, sd: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, S) steps from some of these points (C, S): half of them in all coordinates, half in a few."""
    near = centres[rng.integers(len(centres), size=count)]
    moved = rng.uniform(size=near.shape) < np.where(np.arange(count)[:, None] % 2, 1.0, FEW / near.shape[1])
    points: np.ndarray = near + sd * moved * rng.standard_normal(near.shape)
    return points


def _different(space: SearchSpace, points: np.ndarray) -> list[dict[str, Any]]:
    drawn = [params_at(space, point) for point in points]
    return list({tuple(params.items()): params for params in drawn}.values())
