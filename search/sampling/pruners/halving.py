"""Asynchronous successive halving (Li et al., arXiv 1810.05934).

At 20, 40 and 80 % of its budget a trial goes on if it is in the better half of those that have come as far.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import Pruner, PrunerKind

if TYPE_CHECKING:
    from bardtune.search.sampling.so_far import StudySoFar


def make(so_far: "StudySoFar") -> Pruner:
    from optuna.pruners import SuccessiveHalvingPruner

    from bardtune.search.sampling.optuna_pruner import FIRST_RUNG_PERCENT, OptunaPruner

    return OptunaPruner(SuccessiveHalvingPruner(min_resource=FIRST_RUNG_PERCENT, reduction_factor=2))


KIND = PrunerKind(summary="at 20, 40 and 80 % of the budget stops the worse half of those that came as far", make=make)
