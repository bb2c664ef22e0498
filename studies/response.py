"""How much of bpb each parameter explains alone, over its whole range, by a smooth curve for each.

The curves are polynomials that are orthonormal where a search space is drawn evenly, so the squares of a parameter's
coefficients sum to the variance that it would make there, wherever the trials happen to lie. That is what a sampler
that crowds its draws takes away from methods that compare densities.

Sources: Sudret, "Global sensitivity analysis using polynomial chaos expansions", 2008; the penalty by generalized
cross-validation, Golub, Heath & Wahba, 1979.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from studies.records import Parameter

DEGREE = 2  # a parameter that is too low, right, or too high
_PENALTIES = np.logspace(-3, 2, 16)  # for each trial


def basis(parameter: Parameter, values: Sequence[Any]) -> np.ndarray:
    """Values of the functions that a parameter's curve is made of.

    Args:
        values: of N trials; None where the parameter is not set, which counts as the middle of its curve.

    Returns:
        (N, K) float64, K = DEGREE for numbers, and one less than there are choices for a choice. Their mean is 0 and
        their variance 1 where the parameter is drawn evenly on its scale.
    """
    present = [place for place, value in enumerate(values) if value is not None]
    functions = _functions(parameter, [values[place] for place in present])
    full = np.zeros((len(values), functions.shape[1]))
    full[present] = functions
    return full


def _functions(parameter: Parameter, values: Sequence[Any]) -> np.ndarray:
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if parameter.choices is not None or not numeric:
        choices = list(parameter.choices or ())
        choices += [value for value in dict.fromkeys(values) if value not in choices]
        count = len(choices)
        steps = np.linalg.qr(np.column_stack([np.ones(count), np.eye(count)[:, : count - 1]])).Q
        return math.sqrt(count) * steps[[choices.index(value) for value in values], 1:]
    low = min(values) if parameter.low is None else min(parameter.low, *values)
    high = max(values) if parameter.high is None else max(parameter.high, *values)
    points, ends = np.array(values, dtype=float), np.array([low, high], dtype=float)
    if parameter.log and low > 0:
        points, ends = np.log(points), np.log(ends)
    places = 2 * (points - ends[0]) / max(ends[1] - ends[0], 1e-12) - 1
    powers = np.arange(1, DEGREE + 1)
    curves: np.ndarray = np.polynomial.legendre.legvander(places, DEGREE)[:, 1:] * np.sqrt(2 * powers + 1)
    return curves


def in_usual_steps(bpbs: np.ndarray) -> np.ndarray:
    """bpb above the lowest, on a scale that a few runs that went badly wrong cannot rule.

    The logarithm of the distance, counted from where the usual trial is once more as far away.
    """
    above = bpbs - bpbs.min()
    usual = float(np.median(above))
    steps: np.ndarray = np.log1p(above / usual) if usual > 0 else above
    return steps


def explained(bases: Sequence[np.ndarray], bpbs: np.ndarray) -> np.ndarray:
    """Variance of bpb that each parameter makes over its range.

    Args:
        bases: of each parameter, (N, K) each.
        bpbs: (N,).
    """
    columns = np.column_stack(bases)
    columns, heights = columns - columns.mean(axis=0), bpbs - bpbs.mean()
    left, sizes, right = np.linalg.svd(columns, full_matrices=False)
    seen = left.T @ heights
    fits = [_fit(sizes, seen, heights, penalty * len(bpbs)) for penalty in _PENALTIES]
    kept = min(fits, key=lambda fit: fit[0])[1]
    squares = (right.T @ (kept / np.maximum(sizes, 1e-12) * seen)) ** 2
    ends = np.cumsum([base.shape[1] for base in bases])[:-1]
    return np.array([part.sum() for part in np.split(squares, ends)])


def _fit(sizes: np.ndarray, seen: np.ndarray, heights: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
    """The score of a penalty, lower is better, and how much of each direction it keeps."""
    kept = sizes**2 / (sizes**2 + penalty)
    missed = heights @ heights - seen @ seen + np.sum(((1 - kept) * seen) ** 2)
    free = len(heights) - 1 - kept.sum()
    return missed / max(free, 1e-9) ** 2, kept
