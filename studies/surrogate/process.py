"""The Gaussian process itself: its covariance, and how its few numbers are learned.

What a run with settings x shows at clock u (see ``bardtune.studies.surrogate.observations``) is the sum of four parts:

* what its settings are worth at the end, alike for settings that are near: Matern 5/2 over x;
* chance that stays with the run from beginning to end, the same for every measurement of it: the noise between seeds;
* how curves of such settings differ from the usual one, and
* how this run's curve does: both wander and have arrived when the clock is 0, as Brownian motions do.

Learning curves as a process beside one over settings: K. Swersky, J. Snoek and R. P. Adams, "Freeze-thaw Bayesian
optimization" (arXiv 1406.3896). Priors of the lengths that grow with the number of columns: C. Hvarfner, E. O. Hellsten
and L. Nardi (arXiv 2402.02229). The process and its fitting are GPyTorch's and BoTorch's (M. Balandat et al., NeurIPS
2020).

A row of inputs is (D coordinates of the settings, study, clock, number of the run over 1024); a run's number below 0 is
that of no run, whose chance counts as 0. The study is 0 for this one, and for the Kth before it K + how far away its
conditions are, which is below 1: what settings are worth there correlates with what they are worth here as exp(-away),
and between two studies before as exp(-the sum of both).
"""

import math
import warnings
from typing import Any

import torch
from botorch.models import SingleTaskGP
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import NormalPrior
from torch import Tensor, nn

NUM_MARKS = 3  # columns of an input beside the coordinates
NO_RUN = -1.0
RUNS_PER_UNIT = 1024.0  # a power of two: numbers of runs stay exact
MAX_ROUNDS = 60  # of the optimizer
LIMIT = 5.0  # of a number's logarithm from the middle of what is likely
_READING_NOISE = 1e-3  # variance that is nobody's, which keeps the matrices regular
# Logarithms of the four parts' variances, in units of ``Scale``: middle and standard deviation of what is likely.
_MIDDLES = torch.tensor([1.0, 0.05, 0.3, 0.5], dtype=torch.float64).log()
_SDS = torch.tensor([1.0, 1.0, 1.0, 0.7], dtype=torch.float64)
LENGTH_MIDDLE, LENGTH_SD = -0.7, 0.5  # the former plus half the logarithm of the number of columns


class CurveKernel(Kernel):  # type: ignore[misc]
    """The covariance of the four parts together; logarithms of variances and lengths are its parameters.

    One kernel and not a sum of products of GPyTorch's: learning takes a third of the time.

    Args:
        num_columns: D.
    """

    has_lengthscale = False

    def __init__(self, num_columns: int) -> None:
        super().__init__()
        self.num_columns = num_columns
        middle = LENGTH_MIDDLE + math.log(num_columns) / 2
        lengths = torch.full((2, num_columns), middle, dtype=torch.float64)  # of worth, and of curves
        self.log_variances, self.log_lengths = nn.Parameter(_MIDDLES.clone()), nn.Parameter(lengths)
        self.register_prior("variances_prior", NormalPrior(_MIDDLES, _SDS), "log_variances")
        self.register_prior(
            "lengths_prior", NormalPrior(lengths.clone(), torch.full_like(lengths, LENGTH_SD)), "log_lengths"
        )

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        """(..., N, D + 3) and (..., M, D + 3) to (..., N, M), or to (..., N) of the pairs alone."""
        if not diag:
            x1, x2 = x1.unsqueeze(-2), x2.unsqueeze(-3)
        worth, chance, curve, wandering = self.log_variances.exp()
        one, other = x1[..., -3], x2[..., -3]
        apart = torch.where(one == other, 0.0, (one - one.floor()) + (other - other.floor()))
        related = (-apart).exp()
        steps = (x1 - x2)[..., : self.num_columns] ** 2
        clock = torch.minimum(x1[..., -2], x2[..., -2])
        same = ((x1[..., -1] == x2[..., -1]) & (x1[..., -1] >= 0)).to(steps.dtype)
        shapes = [_matern(steps @ (-2 * lengths).exp()) for lengths in self.log_lengths]
        total: Tensor = worth * related * shapes[0] + curve * clock * shapes[1] + same * (chance + wandering * clock)
        return total


def _matern(squares: Tensor) -> Tensor:
    """Matern 5/2 of squared distances (C. E. Rasmussen and C. K. I. Williams, 2006, chapter 4)."""
    distance = (5 * squares).clamp_min(1e-12).sqrt()
    return (1 + distance + distance**2 / 3) * (-distance).exp()


def build(inputs: Tensor, units: Tensor) -> SingleTaskGP:
    """A process over what was measured, its numbers at the middle of what is likely.

    Args:
        inputs: (M, D + 3) float64.
        units: (M,) float64.
    """
    likelihood = GaussianLikelihood(noise_constraint=GreaterThan(_READING_NOISE / 10))
    likelihood.noise = _READING_NOISE
    likelihood.requires_grad_(False)
    kernel = CurveKernel(inputs.shape[-1] - NUM_MARKS)
    model = SingleTaskGP(
        inputs, units.unsqueeze(-1), covar_module=kernel, likelihood=likelihood, outcome_transform=None
    )
    return model.eval()


def fit(model: SingleTaskGP) -> None:
    """Raise the likelihood times the prior; a fit that does not settle stands as far as it has come."""
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model).train()
    bounds: dict[str, tuple[float | None, float | None]] = {
        name: (float(value.detach().min()) - LIMIT, float(value.detach().max()) + LIMIT)
        for name, value in likelihood.named_parameters()
        if value.requires_grad
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_gpytorch_mll_scipy(likelihood, bounds=bounds, options={"maxiter": MAX_ROUNDS})
    model.eval()
