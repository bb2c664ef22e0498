"""Parameters as places between 0 and 1, and back: what is drawn near a point, or evenly over a space."""

import math
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bardtune.search.sampling.space import SearchSpace


def params_at(space: SearchSpace, sides: np.ndarray) -> dict[str, Any]:
    """The parameters at a point, (D,), of the unit cube; what lies outside is folded back into it.

    A parameter whose condition is not met is left out.
    """
    values, params = dict(space.fixed), {}
    folded = 1 - np.abs(1 - np.abs(sides) % 2)
    for dimension, side in zip(space.dimensions, folded, strict=True):
        if dimension.applies(values):
            params[dimension.name] = values[dimension.name] = value_at(dimension.distribution, float(side))
    return params


def sides_of(space: SearchSpace, params: dict[str, Any]) -> np.ndarray:
    """The point, (D,), at which parameters lie; the middle for one that is not set."""
    return np.array([side_of(each.distribution, params.get(each.name)) for each in space.dimensions])


def value_at(distribution: BaseDistribution, side: float) -> Any:
    """The value at a place between 0 and 1; every value of a grid has an equal part."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[min(int(side * len(distribution.choices)), len(distribution.choices) - 1)]
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high = _scaled_ends(distribution)
    value = low + side * (high - low)
    if distribution.log:
        value = math.exp(value)
    if distribution.step:
        value = distribution.low + round((value - distribution.low) / distribution.step) * distribution.step
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else value


def side_of(distribution: BaseDistribution, value: Any) -> float:
    """Where a value lies between 0 and 1; the middle if it is not set."""
    if value is None:
        return 0.5
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.choices.index(value) + 0.5) / len(distribution.choices)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high = _scaled_ends(distribution)
    if high == low:
        return 0.5
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _scaled_ends(distribution: IntDistribution | FloatDistribution) -> tuple[float, float]:
    """The ends of the range on its own scale, half a step of its grid beyond the outermost values."""
    half = distribution.step / 2 if distribution.step else 0.0
    low, high = distribution.low - half, distribution.high + half
    return (math.log(low), math.log(high)) if distribution.log else (float(low), float(high))
