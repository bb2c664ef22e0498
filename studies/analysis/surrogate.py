"""Which trials are good once their luck is taken off: the posterior mean of a Gaussian process at each of them.

One trial's bpb is its settings' worth plus chance. The process is told how much neighbours in the search space have to
do with each other and how large chance is, by what makes the values seen most likely, and then says what each trial
would be worth on average (C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006,
chapters 2 and 5). N trials, D columns.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bardtune.studies.records import Parameter, StudyRecord, TrialRecord

MIN_TRIALS = 8  # with fewer there is nothing to learn the neighbourhoods from: the values stand as they are
_JITTER = 1e-8
_WORST = 2.0  # robust standard deviations above the median: what is worse counts as so bad, and no worse


def best_by_posterior(record: StudyRecord, count: int) -> list[TrialRecord]:
    """The ``count`` finished search trials with the lowest expected bpb, the lowest first; fewer if there are fewer."""
    finished = [trial for trial in record.search_runs if trial.val_bpb is not None]
    values = np.array([trial.val_bpb for trial in finished], dtype=np.float64)
    expected = values
    if len(finished) >= MIN_TRIALS and np.ptp(values) > 0:
        expected = posterior_mean(coordinates(record.parameters, [trial.params for trial in finished]), values)
    order = sorted(range(len(finished)), key=lambda place: (expected[place], values[place], finished[place].number))
    return [finished[place] for place in order[:count]]


def posterior_mean(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What each value would be without its noise.

    Args:
        x: (N, D), of about unit scale.
        values: (N,), not all equal.

    Returns:
        (N,) in the unit of ``values``.
    """
    from scipy.optimize import minimize  # slow to import, and needed once a study

    middle = float(np.median(values))
    scale = 1.4826 * float(np.median(np.abs(values - middle))) or float(values.std())
    y = np.minimum((values - middle) / scale, _WORST)
    offset = float(y.mean())
    squares = (x[:, None, :] - x[None, :, :]) ** 2  # (N, N, D)
    starts = [np.array([0.0, noise, *[length] * x.shape[1]]) for noise in (-3.0, -1.0) for length in (-0.5, 0.7)]
    found = [minimize(_loss, start, args=(squares, y - offset), method="L-BFGS-B") for start in starts]
    best = min(found, key=lambda result: float(result.fun)).x
    signal = _kernel(best, squares)
    noisy = signal + (math.exp(2 * best[1]) + _JITTER) * np.eye(len(y))
    mean: np.ndarray = offset + signal @ np.linalg.solve(noisy, y - offset)
    return middle + scale * mean


def coordinates(parameters: Sequence[Parameter], drawn: Sequence[dict[str, Any]]) -> np.ndarray:
    """Trials as points, (N, D): numbers between 0 and 1, a column for each choice; what is unset is in the middle."""
    columns = []
    for parameter in parameters:
        values = [params.get(parameter.name) for params in drawn]
        if parameter.choices is not None:
            columns += [[float(value == choice) / math.sqrt(2) for value in values] for choice in parameter.choices]
        else:
            columns.append([_place(parameter, value) for value in values])
    return np.array(columns, dtype=np.float64).T.reshape(len(drawn), len(columns))


def _place(parameter: Parameter, value: float | None) -> float:
    assert parameter.low is not None and parameter.high is not None
    if value is None or parameter.high == parameter.low:
        return 0.5
    low, high, at = float(parameter.low), float(parameter.high), float(value)
    if parameter.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)


def _kernel(theta: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Matern 5/2 with a length of its own for each column: theta = log(signal, noise, lengths), squares (N, N, D)."""
    distance = np.sqrt(5.0 * (squares / np.exp(2 * theta[2:])).sum(-1))
    signal: np.ndarray = math.exp(2 * theta[0]) * (1 + distance + distance**2 / 3) * np.exp(-distance)
    return signal


def _loss(theta: np.ndarray, squares: np.ndarray, y: np.ndarray) -> float:
    """Negative log of likelihood times prior.

    Signal about 1, noise about 0.3, each to a factor; lengths grow with the number of columns, since most of them
    matter little (after C. Hvarfner, E. O. Hellsten and L. Nardi, arXiv 2402.02229).
    """
    theta = np.clip(theta, -6.0, 6.0)
    lengths = theta[2:] - 0.3 - math.log(len(theta) - 2) / 2
    prior = (theta[0] ** 2 + (theta[1] + 1.2) ** 2 + float((lengths**2).sum())) / 2
    covariance = _kernel(theta, squares) + (math.exp(2 * theta[1]) + _JITTER) * np.eye(len(y))
    lower = np.linalg.cholesky(covariance)
    half = np.linalg.solve(lower, y)
    return float(half @ half / 2 + np.log(np.diag(lower)).sum() + prior)
