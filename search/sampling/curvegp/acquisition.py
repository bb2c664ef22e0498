"""Which candidate to try: the logarithm of expected improvement, times a prior that fades.

The improvement is on a goal beyond the best settings, so that what is uncertain is preferred to what is near: where the
draws go, a process is surer of itself than it should be.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.acquisition.prior_guided import PriorGuidedAcquisitionFunction
from torch import Tensor, nn

from bardtune.search.sampling.curvegp.candidates import KNOWN_SD
from bardtune.studies.surrogate.process import NUM_MARKS
from bardtune.studies.surrogate.surrogate import Surrogate

GOAL = 0.4  # below what is expected of the best settings, in units (the finished runs have variance 1)
PRIOR_WEIGHT = 3.0  # of the prior's logarithm, over the number of runs so far


class Nearness(nn.Module):
    """Logarithm of a normal density around the best known point, but for a constant."""

    def __init__(self, point: Tensor) -> None:
        super().__init__()
        self.point = point  # (1, D + 3), of which the last three do not count

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., D + 3) -> (...)"""
        away = (inputs - self.point)[..., :-NUM_MARKS] / KNOWN_SD
        return -(away**2).sum(-1) / 2


def scores(
    surrogate: Surrogate, drawn: Sequence[dict[str, Any]], *, best_known: dict[str, Any], num_runs: int
) -> np.ndarray:
    """(N,) the higher, the more is to be expected of a run with these parameters."""
    inputs = surrogate.inputs(drawn).unsqueeze(-2)
    improvement = LogExpectedImprovement(surrogate.model, best_f=surrogate.best - GOAL, maximize=False)
    guided = PriorGuidedAcquisitionFunction(
        improvement,
        Nearness(surrogate.inputs([best_known])),
        log=True,
        prior_exponent=PRIOR_WEIGHT / max(1, num_runs),
    )
    with torch.no_grad():
        found: np.ndarray = guided(inputs).numpy()
    return found
