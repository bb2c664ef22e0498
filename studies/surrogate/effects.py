"""What each parameter is worth by itself, and how sure the process is of that.

A parameter's main effect is the mean of the function over all other parameters, along its range: a linear functional
of a Gaussian process, and so Gaussian itself. Its variance along the range is what the parameter explains by itself.
J. E. Oakley and A. O'Hagan, "Probabilistic sensitivity analysis of complex models: a Bayesian approach" (2004).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from bardtune.studies.records import Parameter
from bardtune.studies.surrogate.surrogate import Surrogate

PLACES = 8  # along the range of a number; a choice has one for each of its values
MAX_POINTS = 4_096  # of all main effects together
JITTER = 1e-8  # variance that keeps the matrices regular, in parts of the largest


def main_effects(surrogate: Surrogate, names: list[str], *, draws: int, seed: int) -> np.ndarray:
    """Variances of main effects, (draws, P) of P parameters: draws of what the process thinks possible, in units².

    A conditional parameter is judged where it is set; in the mean over the others it is set as often as in the trials.

    Args:
        names: of the parameters.
        draws: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    sections = _sections(surrogate.parameters, names)
    num_places = sum(len(places) for _, places in sections)
    num_others = 2 ** max(3, int(np.log2(MAX_POINTS / num_places)))
    others = _others(surrogate, num_others, rng)
    points = []
    for columns, places in sections:
        for place in places:
            at = others.copy()
            at[:, columns] = place
            points.append(at)
    mean, covariance = _means(surrogate, np.array(points))
    root = np.linalg.cholesky(covariance + JITTER * covariance.diagonal().max() * np.eye(len(mean)))
    drawn = mean + rng.standard_normal((draws, len(mean))) @ root.T
    ends = np.cumsum([len(places) for _, places in sections])
    return np.array([part.var(axis=1) for part in np.split(drawn, ends[:-1], axis=1)]).T


def _sections(parameters: Sequence[Parameter], names: list[str]) -> list[tuple[list[int], np.ndarray]]:
    """For each name its columns among the coordinates, and the values, (places, columns), that they take in turn."""
    found = {}
    first = 0
    for parameter in parameters:
        if parameter.choices is not None:
            places = np.eye(len(parameter.choices)) / np.sqrt(2)
        else:
            places = (np.arange(PLACES)[:, None] + 0.5) / PLACES
        if parameter.conditional:
            places = np.column_stack([places, np.ones(len(places))])
        found[parameter.name] = (list(range(first, first + places.shape[1])), places)
        first += places.shape[1]
    return [found[name] for name in names]


def _others(surrogate: Surrogate, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, D) coordinates, evenly over the space."""
    parameters = surrogate.parameters
    sides = qmc.Sobol(2 * len(parameters), seed=rng).random(count).T
    columns = []
    for number, parameter in enumerate(parameters):
        side, chance = sides[2 * number], sides[2 * number + 1]
        often = np.mean([parameter.name in params for params in surrogate.seen.params])
        there = (chance < often) | (not parameter.conditional)
        if parameter.choices is not None:
            which = (side * len(parameter.choices)).astype(int)
            columns += [(which == choice) * there / np.sqrt(2) for choice in range(len(parameter.choices))]
        else:
            columns.append(np.where(there, side, 0.5))
        if parameter.conditional:
            columns.append(there.astype(np.float64))
    return np.column_stack(columns)


def _means(surrogate: Surrogate, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (F,) and covariance (F, F) of the means over F groups of points, (F, N, D), in units."""
    model = surrogate.model
    groups = [surrogate.inputs_at(group) for group in points]
    with torch.no_grad():
        everywhere, seen = torch.cat(groups), model.train_inputs[0]

        def covered(rows: Tensor, columns: Tensor) -> Tensor:
            found: Tensor = model.covar_module(rows, columns).to_dense()
            return found.mean(dim=0)

        prior = torch.stack([covered(group, everywhere).reshape(len(points), -1).mean(dim=1) for group in groups])
        shared = torch.stack([covered(group, seen) for group in groups])  # (F, M)
        noise = model.likelihood.noise * torch.eye(len(seen), dtype=seen.dtype)
        root = torch.linalg.cholesky(model.covar_module(seen).to_dense() + noise)
        whitened = torch.linalg.solve_triangular(root, shared.T, upper=False)  # (M, F)
        middle = model.mean_module(seen)
        off = torch.linalg.solve_triangular(root, (model.train_targets - middle).unsqueeze(-1), upper=False)
        mean = middle[0] + (whitened.T @ off).squeeze(-1)
        covariance = prior - whitened.T @ whitened
    return mean.numpy(), ((covariance + covariance.T) / 2).numpy()
