"""Stops what is worse than the median of the finished trials at the same percent, from 20 % on."""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import Pruner, PrunerKind

if TYPE_CHECKING:
    from bardtune.search.sampling.so_far import StudySoFar


def make(so_far: "StudySoFar") -> Pruner:
    from optuna.pruners import MedianPruner

    from bardtune.search.sampling.optuna_pruner import FIRST_RUNG_PERCENT, MIN_FINISHED_BEFORE_PRUNING, OptunaPruner

    return OptunaPruner(
        MedianPruner(n_startup_trials=MIN_FINISHED_BEFORE_PRUNING, n_warmup_steps=FIRST_RUNG_PERCENT - 1)
    )


KIND = PrunerKind(summary="from 20 % on stops what is worse than the median of the finished trials", make=make)
