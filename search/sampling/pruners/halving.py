"""Asynchronous successive halving (Li et al., arXiv 1810.05934).

At 20, 40 and 80 % of its budget a trial goes on if it is in the better half of those that have come as far.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import FIRST_RUNG_PERCENT, PrunerKind

if TYPE_CHECKING:
    from optuna.pruners import SuccessiveHalvingPruner


def make() -> "SuccessiveHalvingPruner":
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=FIRST_RUNG_PERCENT, reduction_factor=2)


KIND = PrunerKind(summary="at 20, 40 and 80 % of the budget stops the worse half of those that came as far", make=make)
