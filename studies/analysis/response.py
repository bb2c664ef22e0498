"""How much of bpb each parameter explains alone, over its whole range, by a smooth curve for each.

The curves are polynomials that are orthonormal where a search space is drawn evenly, so the squares of a parameter's
coefficients sum to the variance that it would make there, wherever the trials happen to lie. That is what a sampler
that crowds its draws takes away from methods that compare densities.

Each parameter has a prior variance of its own, common to its coefficients and estimated from the trials by the
marginal likelihood (empirical Bayes, or automatic relevance determination). Where the trials do not need a parameter,
its variance falls towards nothing and takes its coefficients along; one penalty for all of them would leave some
of the noise with each.

Sources: Sudret, "Global sensitivity analysis using polynomial chaos expansions", 2008; MacKay, "Bayesian
interpolation", 1992, and Tipping, "Sparse Bayesian learning and the relevance vector machine", 2001, whose
expectation-maximization is used: each round raises the marginal likelihood, so it cannot run away as their faster
fixed point can.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bardtune.studies.records import Parameter

DEGREE = 2  # a parameter that is too low, right, or too high
_MAX_ROUNDS = 500
_SETTLED = 1e-4  # of all that is explained: less than this changes in the last round
_LEAST_NOISE = 1e-6  # of the variance of bpb: curves through every point would have none


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


def log_regret(bpbs: np.ndarray) -> np.ndarray:
    """bpb above the lowest, on a scale that a few runs that went badly wrong cannot rule.

    The logarithm of the distance, counted from where the usual trial is once more as far away.
    """
    above = bpbs - bpbs.min()
    usual = float(np.median(above))
    steps: np.ndarray = np.log1p(above / usual) if usual > 0 else above
    return steps


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fit:
    """Curves for each parameter, after what is known of their coefficients."""

    owners: np.ndarray  # (C,) number of the parameter that a coefficient is of
    means: np.ndarray  # (C,)
    spread: np.ndarray  # (C, C), times independent draws of mean 0 and variance 1 makes deviations from the means
    noise: float  # variance of bpb around the curves

    def squares(self, coefficients: np.ndarray) -> np.ndarray:
        """(P,) sum of the squares of each parameter's coefficients: the variance that it makes."""
        return np.bincount(self.owners, coefficients**2)


def unexplained(bases: Sequence[np.ndarray], bpbs: np.ndarray) -> float:
    """Variance of bpb around the curves: its noise, and what curves for each parameter alone cannot follow.

    Args:
        bases: of each parameter, (N, K) each.
        bpbs: (N,).
    """
    fit = _fit(bases, bpbs, None)
    return 0.0 if fit is None else fit.noise


def explained(
    bases: Sequence[np.ndarray],
    bpbs: np.ndarray,
    *,
    noise: float | None = None,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Variance of bpb that each parameter makes over its range; all 0 where bpb does not vary.

    Args:
        bases: of each parameter, (N, K) each.
        bpbs: (N,).
        noise: variance around the curves; None for an estimate from these trials. Resampled trials need that of the
            trials themselves: repeated ones agree, which would pass for less noise.
        rng: to draw the curves from what is possible after these trials; None for the mean of that.
    """
    fit = _fit(bases, bpbs, noise)
    if fit is None:
        return np.zeros(len(bases))
    deviations = 0.0 if rng is None else fit.spread @ rng.standard_normal(len(fit.means))
    return fit.squares(fit.means + deviations)


def _fit(bases: Sequence[np.ndarray], bpbs: np.ndarray, noise: float | None) -> _Fit | None:
    """The curves of the highest marginal likelihood; None where bpb does not vary."""
    columns = np.column_stack(bases)
    columns, bpbs = columns - columns.mean(axis=0), bpbs - bpbs.mean()
    scale = math.sqrt(float(bpbs @ bpbs) / len(bpbs))
    if scale < 1e-12:
        return None
    owners = np.repeat(np.arange(len(bases)), [base.shape[1] for base in bases])
    known = None if noise is None else max(noise / scale**2, _LEAST_NOISE)
    fit = _maximize(columns, bpbs / scale, owners, known)
    return _Fit(owners=owners, means=scale * fit.means, spread=scale * fit.spread, noise=scale**2 * fit.noise)


def _maximize(columns: np.ndarray, bpbs: np.ndarray, owners: np.ndarray, known: float | None) -> _Fit:
    """Raise the marginal likelihood in the prior variances, and in that of the noise unless it is known.

    Args:
        columns: (N, C) of mean 0.
        bpbs: (N,) of mean 0 and variance 1.
    """
    sizes = np.bincount(owners)
    products, seen = columns.T @ columns, columns.T @ bpbs
    varies = np.bincount(owners, products.diagonal()) > 1e-12
    priors = varies * 0.5 / len(sizes)  # 0 stays 0: what does not vary explains nothing
    noise = 0.5 if known is None else known
    before = np.zeros(len(sizes))
    for _ in range(_MAX_ROUNDS):
        roots = np.sqrt(priors)[owners]  # instead of dividing by variances that fall towards 0
        inner = np.eye(len(owners)) + roots[:, None] * products * roots / noise
        spread = roots[:, None] * np.linalg.inv(np.linalg.cholesky(inner)).T
        fit = _Fit(owners=owners, means=spread @ (spread.T @ seen) / noise, spread=spread, noise=noise)
        squares = fit.squares(fit.means)
        if np.abs(squares - before).max() <= _SETTLED * squares.sum():
            break
        before = squares
        priors = (squares + np.bincount(owners, np.sum(spread**2, axis=1))) / sizes
        if known is None:
            missed = np.sum((bpbs - columns @ fit.means) ** 2) + np.sum((columns @ spread) ** 2)
            noise = max(float(missed) / (len(bpbs) - 1), _LEAST_NOISE)
    return fit
